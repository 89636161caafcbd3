//! The chunks of a Chat Completions stream, and the answer that is not streamed. Every field may be missing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::provider::Usage;
use crate::provider::finish::StopWord;
use crate::provider::wire::citations::{Link, Source};
use crate::provider::wire::lenient::{Count, JsonText, List, Object, Reads, Text, default_for};
use crate::provider::wire::reasoning::Thought;
use crate::provider::wire::token_counts::Tokens;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) choices: List<Object<Choice<'a>>>,
    pub(super) usage: Option<Object<Counts>>,
    pub(super) x_groq: Object<Groq>,
    /// Perplexity: with every chunk, all of them; `citations` are the addresses alone.
    #[serde(borrow)]
    pub(super) search_results: List<Link<'a>>,
    #[serde(borrow)]
    pub(super) citations: List<Link<'a>>,
    /// Zhipu's search.
    #[serde(borrow)]
    pub(super) web_search: List<Link<'a>>,
    /// Ollama's own protocol, and that of llama.cpp, where chunks are due.
    #[serde(borrow)]
    pub(super) message: Object<Delta<'a>>,
    #[serde(borrow)]
    pub(super) response: Text<'a>,
    #[serde(borrow)]
    pub(super) content: Text<'a>,
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
    pub(super) delta: Said<'a>,
    /// In place of `delta` in an answer that is not streamed; Perplexity sends both, this one with all of it so far.
    #[serde(borrow)]
    pub(super) message: Said<'a>,
    /// Of the older completions.
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) finish_reason: StopWord<'a>,
    /// OpenRouter: the word of the provider behind it.
    #[serde(borrow)]
    pub(super) native_finish_reason: StopWord<'a>,
    pub(super) error: Option<Value>,
}

impl Choice<'_> {
    /// The errors that may stand in it.
    pub(super) fn errors(&self) -> impl Iterator<Item = &Value> {
        let said = [&self.delta, &self.message]
            .into_iter()
            .filter_map(|said| said.0.as_ref());
        let within = said.filter_map(|said| said.error.as_ref());
        self.error.iter().chain(within)
    }
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
    pub(super) reasoning_content: Thought<'a>,
    /// OpenRouter, Groq, Ollama.
    #[serde(borrow)]
    pub(super) reasoning: Thought<'a>,
    /// OpenRouter, MiniMax (which repeats all of it each time).
    #[serde(borrow)]
    pub(super) reasoning_details: Thought<'a>,
    /// GitHub's models.
    #[serde(borrow)]
    pub(super) reasoning_text: Thought<'a>,
    /// LiteLLM.
    #[serde(borrow)]
    pub(super) thinking_blocks: Thought<'a>,
    /// Ollama's own protocol.
    #[serde(borrow)]
    pub(super) thinking: Thought<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: List<Object<CallDelta<'a>>>,
    /// OpenAI's search models, OpenRouter.
    #[serde(borrow)]
    pub(super) annotations: List<Object<Annotation<'a>>>,
    /// Azure's own data.
    #[serde(borrow)]
    pub(super) context: Object<Context<'a>>,
    /// OpenRouter.
    pub(super) images: List<IgnoredAny>,
    /// OpenAI's audio models: what is said, and its sound in pieces.
    #[serde(borrow)]
    pub(super) audio: Option<Object<Audio<'a>>>,
    /// Groq: the tools that it ran.
    #[serde(borrow)]
    pub(super) executed_tools: List<Object<Executed<'a>>>,
    /// The older form of a single call.
    #[serde(borrow)]
    pub(super) function_call: Option<Object<Function<'a>>>,
    pub(super) error: Option<Value>,
}

/// A source, in an object of its own or not.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Annotation<'a> {
    #[serde(borrow)]
    pub(super) url_citation: Object<Source<'a>>,
    #[serde(borrow)]
    pub(super) file_citation: Object<Source<'a>>,
    #[serde(borrow, flatten)]
    pub(super) flat: Source<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Context<'a> {
    #[serde(borrow)]
    pub(super) citations: List<Link<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Audio<'a> {
    #[serde(borrow)]
    pub(super) transcript: Text<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Executed<'a> {
    pub(super) index: Count,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) search_results: Object<Found<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Found<'a> {
    #[serde(borrow)]
    pub(super) results: List<Link<'a>>,
}

/// A message or a piece of one; some servers send the text alone.
#[derive(Debug, Default)]
pub(super) struct Said<'a>(pub(super) Option<Delta<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<Said<'a>> {
    type Value = Said<'a>;
    default_for!(bool number null seq);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Said<'a>, E> {
        let content = Content::Text(Cow::Owned(text.to_owned()));
        Ok(Said(Some(Delta {
            content,
            ..Delta::default()
        })))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Said<'a>, A::Error> {
        Delta::deserialize(MapAccessDeserializer::new(map)).map(|delta| Said(Some(delta)))
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct CallDelta<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    /// `function`, `custom`, or what the server calls it.
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) function: Object<Function<'a>>,
    /// A tool that takes a text.
    #[serde(borrow)]
    pub(super) custom: Object<Function<'a>>,
}

impl CallDelta<'_> {
    /// The tool's name.
    pub(super) fn name(&self) -> &str {
        match self.function.0.name.as_str() {
            "" => self.custom.0.name.as_str(),
            name => name,
        }
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) arguments: JsonText<'a>,
    /// Of a custom tool.
    #[serde(borrow)]
    pub(super) input: JsonText<'a>,
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

/// `{type: "text", text}`, `{type: "thinking", thinking: [parts]}`, `{type: "refusal", refusal}`, a picture or a file, a
/// source (`tool_reference`).
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Part<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Thought<'a>,
    #[serde(borrow)]
    pub(super) reasoning: Thought<'a>,
    #[serde(borrow)]
    pub(super) url: Text<'a>,
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow)]
    pub(super) file_name: Text<'a>,
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
        let part = Part::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Content::Parts(vec![Object(part)]))
    }
}
