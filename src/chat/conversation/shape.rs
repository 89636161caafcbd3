//! Reconciles a conversation with its buffer, which wins: it takes the shape of the regions, and what the user changed
//! becomes another branch, so that nothing that was said is lost.

use std::collections::BTreeMap;

use super::branches::Place;
use super::{Conversation, Effect, Message, Refusal, trim_blank_lines};
use crate::chat::{MessageId, Region, Role};

/// How the messages that are shown change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Messages to take away.
    pub removed: Vec<MessageId>,
    /// Messages that have another number now, since they are another branch's: `(old, new)`.
    pub renamed: Vec<(MessageId, MessageId)>,
    /// The messages that have branches beside them; all others have none.
    pub places: Vec<Place>,
}

impl Shape {
    fn changes_nothing(&self) -> bool {
        self.removed.is_empty() && self.renamed.is_empty()
    }
}

impl Conversation {
    /// Makes the conversation what the buffer shows. Messages without a word are left out; an answer that never had one
    /// stays as long as its reasoning or its tools are shown.
    pub(super) fn adopt(&mut self, regions: Vec<Region>) -> Shape {
        let shown = regions.iter().map(|region| region.id.0).max();
        self.last_id = self.last_id.max(shown.unwrap_or_default());
        let messages = std::mem::take(&mut self.messages);
        let mut known: BTreeMap<MessageId, Message> =
            messages.into_iter().map(|message| (message.id, message)).collect();
        let mut shape = Shape::default();
        for region in regions {
            let before = known.remove(&region.id).or_else(|| self.branches.recall(region.id));
            let is_wordless = |message: &Message| message.is_blank();
            let stays = region.beside && before.as_ref().is_some_and(is_wordless);
            if trim_blank_lines(&region.text).is_empty() && !stays {
                shape.removed.push(region.id);
                before.into_iter().for_each(|message| self.branches.put_aside(message));
                continue;
            }
            let (id, message) = (region.id, self.adopted(region, before));
            if message.id != id {
                shape.renamed.push((id, message.id));
            }
            self.messages.push(message);
        }
        for message in known.into_values() {
            // The buffer may get to show it after all, if it waits to be shown.
            if !shape.removed.contains(&message.id) {
                shape.removed.push(message.id);
            }
            self.branches.put_aside(message);
        }
        shape
    }

    /// The message that a region shows, hung below the last one: the one that is known, or another branch of it.
    fn adopted(&mut self, region: Region, before: Option<Message>) -> Message {
        let parent = self.messages.last().map(|message| message.id);
        let text = trim_blank_lines(&region.text);
        let Some(mut before) = before else {
            self.branches.hang(region.id, parent);
            let mut message = Message::new(region.id, region.role, text.to_owned());
            message.label = region.label;
            return message;
        };
        // One that another process has given its number is another message.
        let is_it = before.role == region.role;
        let same = is_it && before.shows(text);
        if (is_it && before.says_nothing()) || (same && self.branches.hangs_below(before.id, parent)) {
            self.branches.hang(before.id, parent);
            if !same {
                before.say(text);
            }
            return before;
        }
        self.last_id += 1;
        let id = MessageId(self.last_id);
        self.branches.hang(id, parent);
        let mut copy = if same {
            // What stands above it is no longer what it was when its provider signed it.
            let mut copy = before.clone();
            copy.drop_signatures();
            copy
        } else {
            Message::new(id, region.role, text.to_owned())
        };
        copy.id = id;
        copy.label.clone_from(if is_it { &before.label } else { &region.label });
        self.branches.put_aside(before);
        copy
    }

    /// Keeps, as branches, what is shown below a question that is asked again, and is not known here: what the user has
    /// changed there, and what a program that is gone had written.
    pub(super) fn keep_below(&mut self, question: Option<MessageId>, below: &[Region]) {
        let highest = below.iter().map(|region| region.id.0).max();
        self.last_id = self.last_id.max(highest.unwrap_or_default());
        let mut above = question;
        for region in below {
            self.keep_shown(region, above);
            above = Some(region.id);
        }
    }

    fn keep_shown(&mut self, region: &Region, above: Option<MessageId>) {
        let text = trim_blank_lines(&region.text);
        let known = self.messages.iter_mut().find(|message| message.id == region.id);
        let is_known = known.is_some();
        if text.is_empty() || known.is_some_and(|known| known.shows(text)) {
            return;
        }
        let (id, parent) = if is_known {
            self.last_id += 1;
            (MessageId(self.last_id), self.branches.parent(region.id))
        } else {
            (region.id, above)
        };
        let mut shown = Message::new(id, region.role, text.to_owned());
        shown.label.clone_from(&region.label);
        self.branches.hang(id, parent);
        self.branches.put_aside(shown);
    }

    /// Where among the regions a question stands that the user has changed since it was sent.
    pub(super) fn changed_question(&self, regions: &[Region], at: MessageId) -> Option<usize> {
        let index = regions.iter().position(|region| region.id == at)?;
        let region = regions.get(index).filter(|region| region.role == Role::User)?;
        let known = self.messages.iter().find(|message| message.id == at)?;
        let text = trim_blank_lines(&region.text);
        (!text.is_empty() && text != trim_blank_lines(&known.text())).then_some(index)
    }

    pub(super) fn branch_switched(&mut self, regions: Vec<Region>, at: Option<MessageId>, by: i64) -> Vec<Effect> {
        if self.is_answering() {
            return vec![Effect::Refuse(Refusal::Answering)];
        }
        let mut shape = self.adopt(regions);
        let renamed = |id: MessageId| {
            shape
                .renamed
                .iter()
                .find(|(old, _)| *old == id)
                .map_or(id, |(_, new)| *new)
        };
        let Some((index, next)) = self.other_branch(at.map(renamed), by) else {
            shape.places = self.branches.places(&self.messages);
            // Each wish gets one answer: where what the user has changed or undone was taken over, that is the branch.
            return match shape.changes_nothing() {
                true => vec![Effect::Refuse(Refusal::NoBranches)],
                false => {
                    self.reshown();
                    vec![
                        Effect::ShowBranch {
                            shape,
                            messages: Vec::new(),
                        },
                        Effect::Remark(Refusal::NoBranches),
                    ]
                }
            };
        };
        for message in self.messages.split_off(index) {
            shape.removed.push(message.id);
            self.branches.put_aside(message);
        }
        let messages = self.branches.follow(next);
        self.messages.extend(messages.iter().cloned());
        shape.places = self.branches.places(&self.messages);
        self.reshown();
        // The view still knows the messages by their old numbers when it takes them away.
        vec![Effect::ShowBranch { shape, messages }]
    }

    /// The nearest message at `at` or above that has branches: its index, and the branch that is `by` further.
    fn other_branch(&self, at: Option<MessageId>, by: i64) -> Option<(usize, MessageId)> {
        let last = at.and_then(|at| self.messages.iter().position(|message| message.id == at));
        let reachable = self
            .messages
            .iter()
            .enumerate()
            .take(last.map_or(usize::MAX, |last| last + 1));
        let mut branching = reachable
            .rev()
            .map(|(index, message)| (index, message.id, self.branches.siblings(message.id)));
        let (index, id, siblings) = branching.find(|(_, _, siblings)| siblings.len() > 1)?;
        let position = siblings.iter().position(|sibling| *sibling == id)?;
        let count = i64::try_from(siblings.len()).ok()?;
        let next = (i64::try_from(position).ok()? + by).rem_euclid(count);
        siblings.get(usize::try_from(next).ok()?).map(|next| (index, *next))
    }
}
