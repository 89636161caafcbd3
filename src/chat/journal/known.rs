//! Knows which messages of a chat the history has, and under which numbers; and finds what of a chat is not saved yet.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Snapshot;
use crate::chat::MessageId;
use crate::transcript::trim_blank_lines;

/// A message as the history has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    id: u64,
    parent: Option<u64>,
    text: u64,
}

/// A message that the history does not have as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsaved {
    /// Its number in the chat.
    pub here: MessageId,
    /// The number of the one before it, in the history.
    pub parent: Option<u64>,
    /// The number that it is to have there.
    pub number: u64,
    /// Its place in the snapshot.
    pub index: usize,
}

/// Which messages the history has, and under which numbers. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub struct Known {
    messages: Arc<Mutex<HashMap<MessageId, Stored>>>,
    /// Whether messages are being saved: the history may have some that are not noted yet.
    saving: Arc<AtomicBool>,
}

impl Known {
    /// Notes a message that is in the history.
    pub fn note(&self, here: MessageId, id: u64, parent: Option<u64>, text: &str) {
        let text = fingerprint(text);
        self.all().insert(here, Stored { id, parent, text });
    }

    /// The message's number here, by that in the history.
    pub fn here(&self, stored: u64) -> Option<MessageId> {
        self.all()
            .iter()
            .find(|(_, other)| other.id == stored)
            .map(|(here, _)| *here)
    }

    /// The message's number in the history.
    pub fn stored(&self, here: MessageId) -> Option<u64> {
        self.all().get(&here).map(|stored| stored.id)
    }

    /// What the message says in the history, as a fingerprint.
    pub(super) fn text(&self, here: MessageId) -> Option<u64> {
        self.all().get(&here).map(|stored| stored.text)
    }

    /// The highest number in the history that is known; 0 if there is none.
    pub fn highest(&self) -> u64 {
        self.all().values().map(|stored| stored.id).max().unwrap_or_default()
    }

    /// How many messages are known.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    /// Whether what is in the history and not in here may be our own.
    pub fn is_saving(&self) -> bool {
        self.saving.load(Ordering::Acquire)
    }

    /// Forgets all of them: the history has lost them.
    pub(super) fn forget(&self) {
        self.all().clear();
    }

    /// The message is in the history as it stands now.
    pub(super) fn note_text(&self, here: MessageId, text: u64) {
        if let Some(stored) = self.all().get_mut(&here) {
            stored.text = text;
        }
    }

    /// Says whether messages are being saved.
    pub(super) fn set_saving(&self, saving: bool) {
        self.saving.store(saving, Ordering::Release);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<MessageId, Stored>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of a snapshot is not in the history as it stands: with numbers that none of the stored messages has.
    pub(super) fn unsaved(&self, snapshot: &Snapshot) -> Vec<Unsaved> {
        let all = self.all();
        let taken: HashSet<u64> = all.values().map(|stored| stored.id).collect();
        let mut highest = taken.iter().copied().max().unwrap_or_default();
        highest = snapshot.iter().map(|(message, _)| message.id.0).fold(highest, u64::max);
        let mut numbers: HashMap<MessageId, u64> = HashMap::new();
        let mut unsaved = Vec::new();
        for (index, (message, parent)) in snapshot.iter().enumerate() {
            let parent = parent.and_then(|parent| numbers.get(&parent).copied());
            let text = fingerprint(&message.text());
            let stored = all.get(&message.id).copied();
            let number = match stored.filter(|stored| stored.parent == parent && stored.text == text) {
                Some(stored) => stored.id,
                None => {
                    let number = if taken.contains(&message.id.0) {
                        highest += 1;
                        highest
                    } else {
                        message.id.0
                    };
                    unsaved.push(Unsaved {
                        here: message.id,
                        parent,
                        number,
                        index,
                    });
                    number
                }
            };
            numbers.insert(message.id, number);
        }
        unsaved
    }
}

/// A text, as far as it has to be told from another one: blank lines at its ends make no other text.
pub(super) fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    trim_blank_lines(text).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::chat::{Message, Role};

    fn snapshot(said: &[(u64, &str)]) -> Snapshot {
        let mut parent = None;
        let message = |&(id, text): &(u64, &str)| {
            let message = Message::new(MessageId(id), Role::User, text.into());
            let before = parent.replace(message.id);
            (message, before)
        };
        said.iter().map(message).collect()
    }

    fn unsaved(known: &Known, said: &[(u64, &str)]) -> Vec<(u64, Option<u64>, u64)> {
        let unsaved = known.unsaved(&snapshot(said));
        unsaved
            .iter()
            .map(|message| (message.here.0, message.parent, message.number))
            .collect()
    }

    #[test]
    fn only_what_is_new_is_saved_below_what_is_there() {
        let known = Known::default();
        known.note(MessageId(1), 1, None, "q1");
        known.note(MessageId(2), 2, Some(1), "a1");
        assert_eq!(unsaved(&known, &[(1, "q1"), (2, "a1\n"), (3, "q2")]), [(3, Some(2), 3)]);
    }

    #[test]
    fn a_number_that_has_another_one_in_the_history_is_followed_and_never_given_twice() {
        let known = Known::default();
        known.note(MessageId(1), 1, None, "q1");
        known.note(MessageId(2), 7, Some(1), "a1");
        let said = [(1, "q1"), (2, "a1"), (7, "q2"), (8, "a2")];
        assert_eq!(unsaved(&known, &said), [(7, Some(7), 9), (8, Some(9), 8)]);
    }

    #[test]
    fn what_says_something_else_by_now_is_saved_beside_it() {
        let known = Known::default();
        known.note(MessageId(1), 1, None, "q1");
        known.note(MessageId(2), 2, Some(1), "");
        assert_eq!(unsaved(&known, &[(1, "q1"), (2, "typed into it")]), [(2, Some(1), 3)]);
    }
}
