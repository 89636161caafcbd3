//! The chunks of a Gemini answer. Every field may be missing.

use serde_json::Value;

use crate::provider::Usage;
use crate::provider::lenient::{JsonText, List, Object, Text};
use crate::provider::tokens::{self, Tokens};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) candidates: List<Object<Candidate<'a>>>,
    pub(super) usage_metadata: Option<Object<Counts>>,
    #[serde(borrow)]
    pub(super) prompt_feedback: Object<Feedback<'a>>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    #[serde(borrow)]
    pub(super) content: Object<Content<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
    /// What it means, in words.
    #[serde(borrow)]
    pub(super) finish_message: Text<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) parts: List<Object<Part<'a>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    /// Whether the text is the model's reasoning.
    pub(super) thought: Option<Value>,
    #[serde(borrow)]
    pub(super) function_call: Object<FunctionCall<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) args: JsonText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Feedback<'a> {
    #[serde(borrow)]
    pub(super) block_reason: Text<'a>,
    #[serde(borrow)]
    pub(super) block_reason_message: Text<'a>,
}

/// `candidatesTokenCount` leaves the thoughts out; `promptTokenCount` holds the cached tokens.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Counts {
    prompt_token_count: Tokens,
    tool_use_prompt_token_count: Tokens,
    cached_content_token_count: Tokens,
    candidates_token_count: Tokens,
    thoughts_token_count: Tokens,
}

impl Counts {
    pub(super) fn usage(&self) -> Usage {
        let sum = |a: Tokens, b: Tokens| tokens::sum([a.or_zero(), b.or_zero()]);
        Usage {
            input: sum(self.prompt_token_count, self.tool_use_prompt_token_count),
            cached: self.cached_content_token_count.or_zero(),
            output: sum(self.candidates_token_count, self.thoughts_token_count),
            reasoning: self.thoughts_token_count.or_zero(),
        }
    }
}
