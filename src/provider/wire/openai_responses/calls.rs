//! Puts calls together: the name and the `call_id` are on the item, the arguments come in pieces.

use super::frame::{Frame, Item};
use super::items::{asked, id};
use crate::provider::ToolCall;
use crate::provider::wire::event_stream::{MOST_CALLS, is_whole, push_arguments};

#[derive(Debug, Default)]
pub(super) struct Calls {
    list: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    index: Option<u64>,
    item_id: String,
    call: ToolCall,
    /// Whether the provider said that it is whole.
    done: bool,
    /// Whether it has been handed on.
    told: bool,
}

impl Calls {
    /// Takes an item as it is announced, or as it is when it is done.
    pub(super) fn item(&mut self, index: Option<u64>, item: &Item<'_>, done: bool) {
        let Some((name, arguments)) = asked(item) else { return };
        let at = self
            .find(index, item.id.as_str())
            .unwrap_or_else(|| self.add(index, item.id.as_str()));
        if let Some(slot) = self.list.get_mut(at) {
            replace(&mut slot.call.id, id(item));
            replace(&mut slot.call.name, &name);
            if done || item.kind.as_str() == "function_call" {
                replace_arguments(&mut slot.call, arguments);
            }
            slot.done |= done;
        }
    }

    /// Takes an item of the finished answer: new only if it has not come before.
    pub(super) fn missed(&mut self, item: &Item<'_>) {
        let known = self.list.iter().any(|slot| slot.call.id == id(item));
        if let Some((name, arguments)) = asked(item).filter(|_| !known && self.list.len() < MOST_CALLS) {
            let mut call = ToolCall {
                id: id(item).to_owned(),
                name: name.into_owned(),
                ..ToolCall::default()
            };
            push_arguments(&mut call, arguments);
            self.list.push(Slot {
                done: is_whole(&call),
                call,
                ..Slot::default()
            });
        }
    }

    /// Takes a piece of the arguments.
    pub(super) fn delta(&mut self, frame: &Frame<'_>) {
        let (index, id) = (frame.output_index.0, frame.item_id.as_str());
        let at = self.find(index, id).unwrap_or_else(|| self.add(index, id));
        if let Some(slot) = self.list.get_mut(at) {
            push_arguments(&mut slot.call, frame.delta.as_str());
        }
    }

    /// Takes the whole arguments.
    pub(super) fn done(&mut self, frame: &Frame<'_>) {
        let (index, id) = (frame.output_index.0, frame.item_id.as_str());
        let at = self.find(index, id).unwrap_or_else(|| self.add(index, id));
        if let Some(slot) = self.list.get_mut(at) {
            replace_arguments(&mut slot.call, &frame.arguments.0);
        }
    }

    /// Hands on the calls that are whole, where they stand.
    pub(super) fn ready(&mut self) -> impl Iterator<Item = ToolCall> + '_ {
        let ready = self
            .list
            .iter_mut()
            .filter(|slot| slot.done && !slot.told && !slot.call.name.is_empty());
        ready.map(|slot| {
            slot.told = true;
            slot.call.clone()
        })
    }

    /// Whether one has been handed on.
    pub(super) fn any(&self) -> bool {
        self.list.iter().any(|slot| slot.told)
    }

    /// Hands the other calls on. If the answer was cut, only those that are whole.
    pub(super) fn drain(&mut self, cut: bool) -> Vec<ToolCall> {
        let calls = self.list.iter().filter(|slot| !slot.told);
        calls
            .filter(|slot| !slot.call.name.is_empty() && (!cut || slot.done || is_whole(&slot.call)))
            .map(|slot| slot.call.clone())
            .collect()
    }

    fn find(&self, index: Option<u64>, item_id: &str) -> Option<usize> {
        if index.is_some() {
            return self.list.iter().position(|slot| slot.index == index);
        }
        self.list
            .iter()
            .position(|slot| !item_id.is_empty() && slot.item_id == item_id)
    }

    /// Where a new call is; nowhere if there are too many.
    fn add(&mut self, index: Option<u64>, item_id: &str) -> usize {
        let at = self.list.len();
        if at < MOST_CALLS {
            self.list.push(Slot {
                index,
                item_id: item_id.to_owned(),
                ..Slot::default()
            });
        }
        at
    }
}

fn replace_arguments(call: &mut ToolCall, text: &str) {
    if !text.is_empty() {
        call.arguments.clear();
        push_arguments(call, text);
    }
}

fn replace(target: &mut String, text: &str) {
    if !text.is_empty() {
        target.clear();
        target.push_str(text);
    }
}
