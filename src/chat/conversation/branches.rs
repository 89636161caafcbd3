//! The branches of a conversation: which message follows which, and the messages that are not shown.

use std::collections::{BTreeMap, BTreeSet};

use super::Message;
use crate::chat::MessageId;

/// Which one of several branches a message is in, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The message.
    pub id: MessageId,
    /// Its branch.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// Where every message hangs. The messages that are shown are the conversation's; the others are kept here.
#[derive(Debug, Default)]
pub(super) struct Branches {
    /// The message before each one; `None`: it begins the chat.
    parents: BTreeMap<MessageId, Option<MessageId>>,
    /// The messages that are not shown.
    aside: BTreeMap<MessageId, Message>,
    /// Of the messages that follow one, that which was shown last.
    shown: BTreeMap<Option<MessageId>, MessageId>,
}

impl Branches {
    /// Hangs a message below another one.
    pub fn hang(&mut self, id: MessageId, parent: Option<MessageId>) {
        self.parents.insert(id, parent);
        self.shown.insert(parent, id);
    }

    /// The message before this one.
    pub fn parent(&self, id: MessageId) -> Option<MessageId> {
        self.parents.get(&id).copied().flatten()
    }

    /// Whether a message hangs there.
    pub fn hangs_below(&self, id: MessageId, parent: Option<MessageId>) -> bool {
        self.parents.get(&id) == Some(&parent)
    }

    /// Keeps a message that is no longer shown. One that says nothing is no branch: it is forgotten.
    pub fn put_aside(&mut self, message: Message) {
        if message.says_nothing() {
            self.parents.remove(&message.id);
            self.shown.retain(|_, shown| *shown != message.id);
        } else {
            self.aside.insert(message.id, message);
        }
    }

    /// Keeps a message that is not shown yet, whatever it says: others may hang below it.
    pub fn keep(&mut self, message: Message) {
        self.aside.insert(message.id, message);
    }

    /// Every message with the one before it, parents before children, and of those that are shown the last one last.
    pub fn with(&self, shown: &[Message]) -> Vec<(Message, Option<MessageId>)> {
        let hung = |message: &Message| {
            let parent = self.parents.get(&message.id).copied().flatten();
            (message.clone(), parent)
        };
        let mut all: Vec<_> = shown.iter().map(hung).collect();
        let last = all.pop();
        let mut there: BTreeSet<MessageId> = shown.iter().map(|message| message.id).collect();
        let mut waiting: Vec<_> = self.aside.values().map(hung).collect();
        // A message may hang below one with a higher number; whatever hangs nowhere is left out.
        loop {
            let ready = |(_, parent): &mut (Message, Option<MessageId>)| parent.is_none_or(|id| there.contains(&id));
            let now: Vec<_> = waiting.extract_if(.., ready).collect();
            if now.is_empty() {
                break;
            }
            there.extend(now.iter().map(|(message, _)| message.id));
            all.extend(now);
        }
        all.extend(last);
        all
    }

    /// Takes the messages that lead to this one, oldest first.
    pub fn path(&mut self, head: Option<MessageId>) -> Vec<Message> {
        let mut path = Vec::new();
        let mut next = head;
        while let Some(message) = next.and_then(|id| self.aside.remove(&id)) {
            let parent = self.parents.get(&message.id).copied().flatten();
            self.shown.insert(parent, message.id);
            path.push(message);
            next = parent;
        }
        path.reverse();
        path
    }

    /// Takes back a message that was put aside.
    pub fn recall(&mut self, id: MessageId) -> Option<Message> {
        self.aside.remove(&id)
    }

    /// The messages in the same place as this one, itself among them, oldest first.
    pub fn siblings(&self, id: MessageId) -> Vec<MessageId> {
        let Some(parent) = self.parents.get(&id) else {
            return vec![id];
        };
        let same = self.parents.iter().filter(|(_, other)| *other == parent);
        same.map(|(id, _)| *id).collect()
    }

    /// Takes a branch from `first` down to its end, as it was shown last.
    pub fn follow(&mut self, first: MessageId) -> Vec<Message> {
        let mut branch = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next.and_then(|id| self.aside.remove(&id)) {
            let parent = self.parents.get(&message.id).copied().flatten();
            self.shown.insert(parent, message.id);
            next = self.after(message.id);
            branch.push(message);
        }
        branch
    }

    fn after(&self, id: MessageId) -> Option<MessageId> {
        let latest = || self.parents.iter().rfind(|(_, parent)| **parent == Some(id));
        let shown = self.shown.get(&Some(id)).copied();
        shown.or_else(|| latest().map(|(id, _)| *id))
    }

    /// The places of those messages that have branches beside them; of the ones that are not shown too, since an undo can
    /// show them again.
    pub fn places(&self, messages: &[Message]) -> Vec<Place> {
        let mut below: BTreeMap<Option<MessageId>, Vec<MessageId>> = BTreeMap::new();
        for (id, parent) in &self.parents {
            below.entry(*parent).or_default().push(*id);
        }
        let place = |message: &Message| {
            let siblings = below.get(self.parents.get(&message.id)?)?;
            let number = siblings.iter().position(|id| *id == message.id)? + 1;
            let of = siblings.len();
            (of > 1).then_some(Place {
                id: message.id,
                number,
                of,
            })
        };
        messages.iter().chain(self.aside.values()).filter_map(place).collect()
    }
}
