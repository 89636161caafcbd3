//! The frames of a Messages stream, and the answer that is not streamed. Every field may be missing.

use serde_json::Value;

use crate::provider::Usage;
use crate::provider::lenient::{Count, JsonText, List, Object, Text};
use crate::provider::sources::Source;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) index: Count,
    /// Of `message_start`.
    pub(super) message: Object<Start>,
    /// Of `content_block_start`.
    #[serde(borrow)]
    pub(super) content_block: Object<Block<'a>>,
    /// Of `content_block_delta`, and of `message_delta`.
    #[serde(borrow)]
    pub(super) delta: Object<Block<'a>>,
    /// Of `message_delta`.
    pub(super) usage: Object<Counts>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Start {
    pub(super) usage: Object<Counts>,
}

/// A block of the content, or a delta of one; the fields that a kind does not have are empty.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) input: JsonText<'a>,
    #[serde(borrow)]
    pub(super) partial_json: Text<'a>,
    /// Of a `citations_delta`.
    #[serde(borrow)]
    pub(super) citation: Object<Source<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_details: Object<StopDetails<'a>>,
}

/// What stands beside a `stop_reason`, of a refusal for example.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    explanation: Text<'a>,
    #[serde(borrow)]
    recommended_model: Text<'a>,
}

impl StopDetails<'_> {
    /// All of it, a line each.
    pub(super) fn told(&self) -> String {
        let named = |name: &str, text: &Text<'_>| match text.is_empty() {
            true => String::new(),
            false => format!("{name}: {}", text.as_str()),
        };
        let lines = [
            self.explanation.as_str().to_owned(),
            named("category", &self.category),
            named("recommended_model", &self.recommended_model),
        ];
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }
}

/// A whole answer.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) content: List<Object<Block<'a>>>,
    #[serde(borrow)]
    pub(super) stop_reason: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_details: Object<StopDetails<'a>>,
    pub(super) usage: Object<Counts>,
    pub(super) error: Option<Value>,
}

/// Counts so far; those of the input leave out what was read from and written to the cache.
#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    output_tokens: Count,
}

impl Counts {
    /// Takes the counts that a frame holds, and keeps the others.
    pub(super) fn updated(&mut self, newer: &Self) -> Usage {
        let pairs = [
            (&mut self.input_tokens, newer.input_tokens),
            (&mut self.cache_creation_input_tokens, newer.cache_creation_input_tokens),
            (&mut self.cache_read_input_tokens, newer.cache_read_input_tokens),
            (&mut self.output_tokens, newer.output_tokens),
        ];
        for (known, newer) in pairs {
            *known = Count(newer.0.or(known.0));
        }
        let cached = self.cache_read_input_tokens.or_zero();
        let fresh = self.input_tokens.or_zero();
        let written = self.cache_creation_input_tokens.or_zero();
        Usage {
            input: fresh.saturating_add(written).saturating_add(cached),
            cached,
            output: self.output_tokens.or_zero(),
            reasoning: 0,
        }
    }
}
