//! Buffers what answers have said and the file does not hold yet. Adding to it never waits, whatever the disk does.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::{MessageRef, Part, PartKind, push_part};

/// The pieces that wait, by message.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<MessageRef, Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    parts: Vec<Part>,
    /// Whether somebody comes for it at the end of the interval.
    is_expected: bool,
}

impl Pending {
    /// Adds a piece. `true`: nobody will come for it yet, so the caller has to see to that.
    pub(super) fn add(&self, message: &MessageRef, kind: PartKind, content: &str) -> bool {
        let mut all = self.lock();
        if let Some(waiting) = all.get_mut(message) {
            push_part(&mut waiting.parts, kind, content);
            return !std::mem::replace(&mut waiting.is_expected, true);
        }
        let mut parts = Vec::new();
        push_part(&mut parts, kind, content);
        let is_expected = true;
        all.insert(message.clone(), Waiting { parts, is_expected });
        true
    }

    /// Takes all that waits for a message: several who come for the same find it once.
    pub(super) fn take(&self, message: &MessageRef) -> Vec<Part> {
        self.lock()
            .remove(message)
            .map(|waiting| waiting.parts)
            .unwrap_or_default()
    }

    /// Gives back what could not be written, before what came meanwhile.
    pub(super) fn give_back(&self, message: &MessageRef, parts: Vec<Part>) {
        if parts.is_empty() {
            return;
        }
        let mut all = self.lock();
        let waiting = all.entry(message.clone()).or_default();
        let later = std::mem::replace(&mut waiting.parts, parts);
        for part in later {
            push_part(&mut waiting.parts, part.kind, &part.content);
        }
    }

    /// The messages that something waits for.
    pub(super) fn messages(&self) -> Vec<MessageRef> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageRef, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> MessageRef {
        MessageRef {
            chat: "a".into(),
            id: 2,
        }
    }

    #[test]
    fn pieces_of_one_kind_become_one_and_only_the_first_asks_for_somebody() {
        let pending = Pending::default();
        assert!(pending.add(&message(), PartKind::Text, "a"));
        assert!(!pending.add(&message(), PartKind::Text, "b"));
        assert_eq!(pending.take(&message()), [Part::text("ab")]);
        assert_eq!(pending.take(&message()), []);
        assert!(pending.add(&message(), PartKind::Text, "c"));
    }

    #[test]
    fn what_could_not_be_written_stands_before_what_came_meanwhile() {
        let pending = Pending::default();
        pending.add(&message(), PartKind::Text, "a");
        let failed = pending.take(&message());
        pending.add(&message(), PartKind::Text, "b");
        pending.give_back(&message(), failed);
        assert_eq!(pending.take(&message()), [Part::text("ab")]);
    }
}
