//! Puts tool calls together from their pieces.

use super::chunk::{CallDelta, Function};
use crate::provider::ToolCall;
use crate::provider::wire::event_stream::{MOST_CALLS, is_whole, push_arguments};

#[derive(Debug, Default)]
pub(super) struct Calls {
    list: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    index: Option<u64>,
    call: ToolCall,
}

impl Calls {
    /// Takes a piece. The first index may be any number; later pieces may repeat the id and the name, leave them out, or
    /// send them empty.
    pub(super) fn take(&mut self, delta: &CallDelta<'_>) {
        let at = self.position(delta).unwrap_or_else(|| self.add(delta.index.0));
        let Some(slot) = self.list.get_mut(at) else {
            return;
        };
        if slot.call.id.is_empty() {
            slot.call.id.push_str(delta.id.as_str());
        }
        slot.fill(&delta.function.0);
        slot.fill(&delta.custom.0);
    }

    /// Whether none has come.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes a piece of the single call in its older form.
    pub(super) fn take_function(&mut self, function: &Function<'_>) {
        let at = self
            .list
            .iter()
            .position(|slot| slot.index.is_none())
            .unwrap_or_else(|| self.add(None));
        if let Some(slot) = self.list.get_mut(at) {
            slot.fill(function);
        }
    }

    /// Hands the calls on. If the answer was cut, only those that are whole.
    pub(super) fn drain(&mut self, cut: bool) -> impl Iterator<Item = ToolCall> + '_ {
        self.list
            .drain(..)
            .map(|slot| slot.call)
            .filter(move |call| is_meant(call) && (!cut || is_whole(call)))
    }

    /// Where a new call is; nowhere if there are too many.
    fn add(&mut self, index: Option<u64>) -> usize {
        let at = self.list.len();
        if at < MOST_CALLS {
            self.list.push(Slot {
                index,
                ..Slot::default()
            });
        }
        at
    }

    /// The call that a piece belongs to; `None` if it begins a new one.
    fn position(&self, delta: &CallDelta<'_>) -> Option<usize> {
        let (id, name) = (delta.id.as_str(), delta.name());
        if delta.index.0.is_some() {
            let at = self.list.iter().rposition(|slot| slot.index == delta.index.0)?;
            // Some servers give all calls of one answer the same index; but only a new call has a name, too, since
            // others invent a new id for every piece.
            let other = self
                .list
                .get(at)
                .is_some_and(|slot| slot.is_other(id) && !name.is_empty());
            return (!other).then_some(at);
        }
        if !id.is_empty() {
            let known = self.list.iter().position(|slot| slot.call.id == id);
            return known.or_else(|| if name.is_empty() { self.last() } else { None });
        }
        let begins = |slot: &Slot| slot.call.name != name || is_whole(&slot.call);
        let begun = !name.is_empty() && self.list.last().is_some_and(begins);
        if begun { None } else { self.last() }
    }

    fn last(&self) -> Option<usize> {
        self.list.len().checked_sub(1)
    }
}

impl Slot {
    fn is_other(&self, id: &str) -> bool {
        !id.is_empty() && !self.call.id.is_empty() && self.call.id != id
    }

    fn fill(&mut self, function: &Function<'_>) {
        if self.call.name.is_empty() {
            self.call.name.push_str(function.name.as_str());
        }
        push_arguments(&mut self.call, &function.arguments.0);
        push_arguments(&mut self.call, &function.input.0);
    }
}

fn is_meant(call: &ToolCall) -> bool {
    !call.name.is_empty() || !call.arguments.is_empty()
}
