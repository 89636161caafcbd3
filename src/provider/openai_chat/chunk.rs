//! The chunks of a Chat Completions stream, and the answer that is not streamed. Every field may be missing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::provider::Usage;
use crate::provider::lenient::{Count, JsonText, List, Object, Reads, Text, default_for};
use crate::provider::sources::Source;
use crate::provider::tokens::Tokens;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) choices: List<Object<Choice<'a>>>,
    pub(super) usage: Option<Object<Counts>>,
    pub(super) x_groq: Object<Groq>,
    /// Perplexity: with every chunk, all of them; `citations` are the addresses alone.
    #[serde(borrow)]
    pub(super) search_results: List<Object<Source<'a>>>,
    #[serde(borrow)]
    pub(super) citations: List<Text<'a>>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Groq {
    pub(super) usage: Option<Object<Counts>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) delta: Object<Delta<'a>>,
    /// In place of `delta` in an answer that is not streamed.
    #[serde(borrow)]
    pub(super) message: Object<Delta<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Text<'a>,
    /// OpenRouter: the word of the provider behind it.
    #[serde(borrow)]
    pub(super) native_finish_reason: Text<'a>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) content: Content<'a>,
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
    /// DeepSeek, xAI, Moonshot.
    #[serde(borrow)]
    pub(super) reasoning_content: Text<'a>,
    /// OpenRouter, Groq, Ollama.
    #[serde(borrow)]
    pub(super) reasoning: Text<'a>,
    #[serde(borrow)]
    pub(super) reasoning_details: List<Object<Detail<'a>>>,
    #[serde(borrow)]
    pub(super) tool_calls: List<Object<CallDelta<'a>>>,
    /// OpenAI's search models, OpenRouter.
    #[serde(borrow)]
    pub(super) annotations: List<Object<Annotation<'a>>>,
    /// The older form of a single call.
    #[serde(borrow)]
    pub(super) function_call: Option<Object<Function<'a>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Annotation<'a> {
    #[serde(borrow)]
    pub(super) url_citation: Object<Source<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Detail<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) summary: Text<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct CallDelta<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) function: Object<Function<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: JsonText<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    prompt_tokens: Tokens,
    completion_tokens: Tokens,
    prompt_tokens_details: Object<PromptDetails>,
    completion_tokens_details: Object<CompletionDetails>,
    /// DeepSeek's name for the cached tokens.
    prompt_cache_hit_tokens: Tokens,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Tokens,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Tokens,
}

impl Counts {
    pub(super) fn usage(&self) -> Usage {
        let cached = self
            .prompt_tokens_details
            .0
            .cached_tokens
            .0
            .or(self.prompt_cache_hit_tokens.0);
        Usage {
            input: self.prompt_tokens.or_zero(),
            cached: cached.unwrap_or_default(),
            output: self.completion_tokens.or_zero(),
            reasoning: self.completion_tokens_details.0.reasoning_tokens.or_zero(),
        }
    }
}

/// The content of a message: a string, or typed parts (Mistral).
#[derive(Debug)]
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Object<Part<'a>>>),
}

/// `{type: "text", text}`, `{type: "thinking", thinking: [parts]}`, `{type: "refusal", refusal}`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Content<'a>,
    #[serde(borrow)]
    pub(super) refusal: Text<'a>,
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Text(Cow::Borrowed(""))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<Content<'a>> {
    type Value = Content<'a>;
    default_for!(bool number null);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of parts")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Content<'a>, E> {
        Ok(Content::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Content<'a>, E> {
        Ok(Content::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content<'a>, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = seq.next_element()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Content<'a>, A::Error> {
        let part = Part::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Content::Parts(vec![Object(part)]))
    }
}
