//! Keeps blocks of thinking as they were signed, to be sent back unchanged.
//!
//! Facts (2026-11-28): Anthropic's page on [extended thinking](https://docs.claude.com/en/docs/build-with-claude/extended-thinking).
//! The signature comes in a delta of its own, at the end of its block; a block that is redacted comes whole.

use serde_json::json;

use super::frame::Block;
use crate::provider::Event;
use crate::transcript::Signature;

/// The longest thinking, and the longest signature, that is kept, in bytes.
const LONGEST: usize = 256 * 1024;

/// The block of thinking that is being written.
#[derive(Debug, Default)]
pub(super) struct Thinking {
    thinking: String,
    signature: String,
    is_long: bool,
}

impl Thinking {
    /// A block begins, or comes whole.
    pub(super) fn begin(&mut self, block: &Block<'_>, out: &mut Vec<Event>) {
        *self = Self::default();
        if block.kind.as_str() == "redacted_thinking" && !block.data.is_empty() {
            let sealed = json!({"type": "redacted_thinking", "data": block.data.as_str()});
            out.push(Event::Signature(Signature::of_wire(sealed)));
        }
        self.delta(block);
    }

    /// A piece of it.
    pub(super) fn delta(&mut self, piece: &Block<'_>) {
        self.is_long |= self.thinking.len() + piece.thinking.as_str().len() > LONGEST;
        self.is_long |= self.signature.len() + piece.signature.as_str().len() > LONGEST;
        if !self.is_long {
            self.thinking.push_str(piece.thinking.as_str());
            self.signature.push_str(piece.signature.as_str());
        }
    }

    /// The block is whole.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        let Self {
            thinking,
            signature,
            is_long,
        } = std::mem::take(self);
        if !signature.is_empty() && !is_long {
            let sealed = json!({"type": "thinking", "thinking": thinking, "signature": signature});
            out.push(Event::Signature(Signature::of_wire(sealed)));
        }
    }
}
