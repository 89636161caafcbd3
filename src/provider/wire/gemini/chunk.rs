//! The chunks of a Gemini answer. Every field may be missing.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::provider::Usage;
use crate::provider::finish::StopWord;
use crate::provider::wire::citations::{Link, Source};
use crate::provider::wire::lenient::{JsonText, List, Object, Text};
use crate::provider::wire::token_counts::{self, Tokens};
use crate::transcript::Signature;

/// The longest signature that is kept, in bytes.
const LONGEST_SIGNATURE: usize = 256 * 1024;

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
    pub(super) finish_reason: StopWord<'a>,
    /// What it means, in words.
    #[serde(borrow)]
    pub(super) finish_message: Text<'a>,
    /// What a search found: with the last chunk, or with each.
    #[serde(borrow)]
    pub(super) grounding_metadata: Object<Grounding<'a>>,
    /// The addresses that were read.
    #[serde(borrow)]
    pub(super) url_context_metadata: Object<UrlContext<'a>>,
    /// What the text repeats.
    #[serde(borrow)]
    pub(super) citation_metadata: Object<Recited<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Grounding<'a> {
    #[serde(borrow)]
    pub(super) grounding_chunks: List<Object<Grounded<'a>>>,
}

/// One of the sources, by its kind.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Grounded<'a> {
    #[serde(borrow)]
    pub(super) web: Object<Source<'a>>,
    #[serde(borrow)]
    pub(super) retrieved_context: Object<Source<'a>>,
    #[serde(borrow)]
    pub(super) maps: Object<Source<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UrlContext<'a> {
    #[serde(borrow)]
    pub(super) url_metadata: List<Link<'a>>,
}

/// `citationSources` of Gemini's API, `citations` of Vertex AI's.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Recited<'a> {
    #[serde(borrow)]
    pub(super) citation_sources: List<Link<'a>>,
    #[serde(borrow)]
    pub(super) citations: List<Link<'a>>,
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
    pub(super) function_call: Option<Object<FunctionCall<'a>>>,
    /// Of the text or of the call.
    #[serde(borrow)]
    pub(super) thought_signature: Text<'a>,
    #[serde(borrow)]
    pub(super) inline_data: Option<Object<Data<'a>>>,
    #[serde(borrow)]
    pub(super) file_data: Option<Object<Data<'a>>>,
    /// Code that the provider ran; its result is a part of its own.
    pub(super) executable_code: Option<IgnoredAny>,
    /// The fields that are none of these.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, IgnoredAny>,
}

impl Part<'_> {
    /// What the provider wants back with the part.
    pub(super) fn signature(&self) -> Option<Signature> {
        let signature = self.thought_signature.as_str();
        let is_kept = !signature.is_empty() && signature.len() <= LONGEST_SIGNATURE;
        is_kept.then(|| Signature::of_wire(json!({ "thoughtSignature": signature })))
    }
}

/// A picture, a sound or another file, in the part or elsewhere.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Data<'a> {
    #[serde(borrow)]
    pub(super) mime_type: Text<'a>,
    #[serde(borrow)]
    pub(super) display_name: Text<'a>,
}

/// A call; its arguments may come in pieces, each with its place.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) args: JsonText<'a>,
    pub(super) partial_args: List<Value>,
    pub(super) will_continue: Option<Value>,
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
        let sum = |a: Tokens, b: Tokens| token_counts::sum([a.or_zero(), b.or_zero()]);
        Usage {
            input: sum(self.prompt_token_count, self.tool_use_prompt_token_count),
            cached: self.cached_content_token_count.or_zero(),
            output: sum(self.candidates_token_count, self.thoughts_token_count),
            reasoning: self.thoughts_token_count.or_zero(),
        }
    }
}
