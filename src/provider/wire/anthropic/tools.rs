//! Puts tool calls together from their pieces.

use super::frame::Block;
use crate::provider::ToolCall;
use crate::provider::wire::event_stream::is_whole;

#[derive(Debug, Default)]
pub(super) struct Calls {
    list: Vec<Slot>,
    /// How many have been handed on.
    told: usize,
}

#[derive(Debug)]
struct Slot {
    index: Option<u64>,
    call: ToolCall,
    /// The arguments that stood at the block's start: most often an empty object, which the pieces replace.
    given: String,
    /// Whether its block has ended.
    is_whole: bool,
}

impl Calls {
    /// A block begins. The tools that the provider runs itself (`server_tool_use`) are none of ours.
    pub(super) fn begin(&mut self, index: Option<u64>, block: &Block<'_>) {
        if block.kind.as_str() != "tool_use" {
            return;
        }
        let call = ToolCall {
            id: block.id.as_str().to_owned(),
            name: block.name.as_str().to_owned(),
            ..ToolCall::default()
        };
        let given = block.input.0.to_string();
        self.list.push(Slot {
            index,
            call,
            given,
            is_whole: false,
        });
    }

    /// A piece of the arguments.
    pub(super) fn delta(&mut self, index: Option<u64>, piece: &str) {
        if let Some(slot) = self.list.iter_mut().rfind(|slot| slot.index == index) {
            slot.call.arguments.push_str(piece);
        }
    }

    /// A block of an answer that is not streamed.
    pub(super) fn whole(&mut self, block: &Block<'_>) {
        self.begin(None, block);
        self.delta(None, &block.input.0);
        self.end(None);
    }

    /// A block has ended.
    pub(super) fn end(&mut self, index: Option<u64>) {
        if let Some(slot) = self.list.iter_mut().rfind(|slot| slot.index == index) {
            slot.is_whole = true;
        }
    }

    /// Hands on the calls that are whole, where they stand.
    pub(super) fn ready(&mut self) -> impl Iterator<Item = ToolCall> {
        let ready: Vec<ToolCall> = self
            .list
            .extract_if(.., |slot| slot.is_whole)
            .map(|slot| slot.finished(false))
            .filter(|call| !call.name.is_empty())
            .collect();
        self.told += ready.len();
        ready.into_iter()
    }

    /// Whether there was one.
    pub(super) fn any(&self) -> bool {
        self.told > 0
    }

    /// Hands the other calls on. If the answer was cut, only those that are whole.
    pub(super) fn drain(&mut self, cut: bool) -> impl Iterator<Item = ToolCall> {
        let rest: Vec<ToolCall> = self
            .list
            .drain(..)
            .map(|slot| slot.finished(cut))
            .filter(|call| !call.name.is_empty() && (!cut || is_whole(call)))
            .collect();
        self.told += rest.len();
        rest.into_iter()
    }
}

impl Slot {
    /// A call without any piece of arguments has those of the start, unless the pieces were cut off.
    fn finished(self, cut: bool) -> ToolCall {
        let mut call = self.call;
        if call.arguments.is_empty() && !cut {
            call.arguments = if self.given.is_empty() { "{}".into() } else { self.given };
        }
        call
    }
}
