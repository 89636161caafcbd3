//! The frames of a Responses stream. Every field may be missing.

use serde_json::Value;

use crate::provider::Usage;
use crate::provider::finish::StopWord;
use crate::provider::wire::citations::{Link, Source};
use crate::provider::wire::lenient::{Count, JsonText, List, Object, Text};
use crate::provider::wire::token_counts::Tokens;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) item_id: Text<'a>,
    pub(super) output_index: Count,
    pub(super) content_index: Count,
    pub(super) summary_index: Count,
    #[serde(borrow)]
    pub(super) delta: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
    #[serde(borrow)]
    pub(super) transcript: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: JsonText<'a>,
    #[serde(borrow)]
    pub(super) part: Object<Part<'a>>,
    #[serde(borrow)]
    pub(super) item: Object<Item<'a>>,
    #[serde(borrow)]
    pub(super) annotation: Object<Source<'a>>,
    #[serde(borrow)]
    pub(super) response: Object<Answer<'a>>,
    pub(super) error: Option<Value>,
}

/// An output item: a message, reasoning, a call of a function or of another tool.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) call_id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: JsonText<'a>,
    /// Of a custom tool: a text.
    #[serde(borrow)]
    pub(super) input: JsonText<'a>,
    /// Of a shell and of a computer.
    #[serde(borrow)]
    pub(super) action: JsonText<'a>,
    #[serde(borrow)]
    pub(super) actions: JsonText<'a>,
    /// Of `apply_patch_call`.
    #[serde(borrow)]
    pub(super) operation: JsonText<'a>,
    /// The MCP server.
    #[serde(borrow)]
    pub(super) server_label: Text<'a>,
    /// Of `code_interpreter_call`.
    #[serde(borrow)]
    pub(super) outputs: List<Object<Output<'a>>>,
    #[serde(borrow)]
    pub(super) content: List<Object<Part<'a>>>,
    #[serde(borrow)]
    pub(super) summary: List<Object<Part<'a>>>,
    /// Of `reasoning`.
    #[serde(borrow)]
    pub(super) encrypted_content: Text<'a>,
}

/// A part of a message (`output_text`, `refusal`) or of reasoning (`reasoning_text`, `summary_text`).
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Part<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
    /// Of an `output_audio`.
    #[serde(borrow)]
    pub(super) transcript: Text<'a>,
    #[serde(borrow)]
    pub(super) annotations: List<Link<'a>>,
}

/// What code that the provider ran has put out.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Output<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
}

/// The `response` object.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) output: List<Object<Item<'a>>>,
    pub(super) usage: Object<Counts>,
    #[serde(borrow)]
    pub(super) incomplete_details: StopWord<'a>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    input_tokens: Tokens,
    output_tokens: Tokens,
    input_tokens_details: Object<InputDetails>,
    output_tokens_details: Object<OutputDetails>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Tokens,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Tokens,
}

impl Part<'_> {
    /// The text that is meant for the reader; reasoning is not.
    pub(super) fn spoken(&self) -> &str {
        match self.kind.as_str() {
            "output_text" | "text" | "" => self.text.as_str(),
            _ => self.transcript.as_str(),
        }
    }
}

impl Counts {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            input: self.input_tokens.or_zero(),
            cached: self.input_tokens_details.0.cached_tokens.or_zero(),
            output: self.output_tokens.or_zero(),
            reasoning: self.output_tokens_details.0.reasoning_tokens.or_zero(),
        }
    }
}
