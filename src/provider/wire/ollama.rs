//! The wire of Ollama's own API.
//!
//! Facts (2026-11-22): Ollama's [API reference](https://github.com/ollama/ollama/blob/main/docs/api.md), its sources of
//! 2026-08, and a recorded answer (2025-03). One JSON object per line; tool calls come whole, with their arguments as an
//! object and mostly without an id; `done: true` ends the answer. Unlike its compatible API, this one takes the size of
//! the context (`num_ctx`): the default one is small, and what does not fit is cut off silently.

use serde_json::{Map, Value, json};

use super::event_stream::{self, Flow, Payloads, Unreadable};
use super::json_lines::JsonLines;
use super::lenient::{self, JsonText, List, Object, Text};
use super::reasoning::Thought;
use super::token_counts::Tokens;
use super::unshown::Named;
use super::{Wire, has_version};
use crate::provider::finish::{Ending, StopWord, Words};
use crate::provider::registry::{Auth, Provider};
use crate::provider::{Decoder, Event, FinishReason, ProviderError, Request, ToolCall, UnshownKind, Usage};

mod messages;

#[cfg(test)]
mod tests;

/// Where the models are listed.
pub(crate) const MODELS_PATH: &str = "api/tags";

/// The wire.
pub const WIRE: &dyn Wire = &OllamaChat;

/// Ollama's own API.
struct OllamaChat;

impl Wire for OllamaChat {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn body(&self, provider: &Provider, request: &Request) -> Value {
        body(request, provider.context)
    }

    fn path(&self, _provider: &Provider, _model: &str) -> Result<String, ProviderError> {
        Ok("api/chat".to_owned())
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<OllamaDecoder>::default()
    }

    fn conventions(&self) -> Option<(Auth, &'static str)> {
        Some((Auth::Bearer, MODELS_PATH))
    }

    fn sets_context(&self) -> bool {
        true
    }

    fn added_paths(&self) -> &'static [&'static str] {
        &["/api/chat", "/api/generate"]
    }

    fn is_versioned(&self) -> bool {
        false
    }

    fn is_spoken_at(&self, host: &str, path: &str) -> bool {
        host.ends_with(":11434") && !has_version(path)
    }

    /// Ollama's own API lies beside the compatible one, and people know the address of either.
    fn base_url(&self, url: &str) -> String {
        host(url).to_owned()
    }

    fn base_url_beside(&self, url: &str) -> String {
        format!("{}/v1", host(url))
    }
}

fn host(url: &str) -> &str {
    url.strip_suffix("/v1")
        .or_else(|| url.strip_suffix("/api"))
        .unwrap_or(url)
}

/// The body of a request; `context` is the size of the context in tokens. `request.params` win over our fields; a
/// `null` among them takes the field out.
#[must_use]
pub fn body(request: &Request, context: Option<u64>) -> Value {
    let mut options = Map::new();
    if let Some(size) = context {
        options.insert("num_ctx".into(), json!(size));
    }
    if let Some(limit) = request.max_tokens {
        options.insert("num_predict".into(), json!(limit));
    }
    if let Some(temperature) = request.temperature {
        options.insert("temperature".into(), json!(temperature));
    }
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    body.insert("messages".into(), messages::all(request));
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(messages::tool).collect());
    }
    body.insert("stream".into(), json!(true));
    if !options.is_empty() {
        body.insert("options".into(), Value::Object(options));
    }
    event_stream::merge(&mut body, &request.params);
    Value::Object(body)
}

/// Ollama (<https://github.com/ollama/ollama/blob/main/docs/api.md>); `load` and `unload` are no ends of an answer.
pub(crate) const STOP_WORDS: Words = Words {
    whole: &["stop"],
    called: &[],
    length: &["length"],
    filter: &[],
    paused: &[],
};

/// Decodes a streamed answer; also one that was not streamed, and an error in place of either.
#[derive(Debug, Default)]
pub struct OllamaDecoder(JsonLines<Ollama>);

impl OllamaDecoder {
    /// A decoder for one answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for OllamaDecoder {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.0.feed(bytes, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        self.0.end(out);
    }
}

/// A line of the answer, or a whole one.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    message: Option<Object<Piece<'a>>>,
    /// In place of a message, as `/api/generate` has it.
    #[serde(borrow)]
    response: Text<'a>,
    done: Option<Value>,
    #[serde(borrow)]
    done_reason: StopWord<'a>,
    prompt_eval_count: Tokens,
    eval_count: Tokens,
    error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Piece<'a> {
    #[serde(borrow)]
    content: Text<'a>,
    #[serde(borrow)]
    thinking: Thought<'a>,
    images: List<serde::de::IgnoredAny>,
    #[serde(borrow)]
    tool_calls: List<Object<Call<'a>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Call<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    function: Object<Function<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: JsonText<'a>,
}

/// What is known of the answer so far.
#[derive(Debug, Default)]
struct Ollama {
    called: bool,
    named: Named,
}

impl Payloads for Ollama {
    const FIELDS: &'static [&'static str] = &["message", "response", "done"];

    fn payload(&mut self, _event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
        if data.starts_with('[') {
            return event_stream::listed_error(data, out);
        }
        let Object(chunk) = serde_json::from_str::<Object<Chunk<'_>>>(data).map_err(|_| Unreadable)?;
        Ok(self.chunk(&chunk, out))
    }

    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Object(chunk) = serde_json::from_str::<Object<Chunk<'_>>>(body).map_err(|_| Unreadable)?;
        if self.chunk(&chunk, out).is_break() {
            return Ok(());
        }
        if chunk.message.is_none() && chunk.response.is_empty() {
            return event_stream::no_answer(body, out);
        }
        self.close(out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        out.push(Event::Finished(FinishReason::Incomplete));
    }
}

impl Ollama {
    fn chunk(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) -> Flow {
        if let Some(Object(piece)) = &chunk.message {
            self.piece(piece, out);
        }
        if !chunk.response.is_empty() {
            out.push(Event::Text(chunk.response.as_str().to_owned()));
        }
        if let Some(error) = chunk.error.as_ref().filter(|error| lenient::is_truthy(error)) {
            out.push(Event::Error(ProviderError::from_value(error, None)));
            return Flow::Break(());
        }
        if !chunk.done.as_ref().is_some_and(lenient::is_truthy) {
            return Flow::Continue(());
        }
        let usage = Usage {
            input: chunk.prompt_eval_count.or_zero(),
            output: chunk.eval_count.or_zero(),
            ..Usage::default()
        };
        if usage != Usage::default() {
            out.push(Event::Usage(usage));
        }
        let mut ending = Ending::default();
        ending.hear(&STOP_WORDS, &chunk.done_reason, "");
        // `done` is the promise; versions before 0.1.35 give no reason (<https://github.com/ollama/ollama/pull/4235>).
        out.push(Event::Finished(ending.settle(FinishReason::Stop, self.called)));
        Flow::Break(())
    }

    fn piece(&mut self, piece: &Piece<'_>, out: &mut Vec<Event>) {
        if !piece.thinking.as_str().is_empty() {
            out.push(Event::Reasoning(piece.thinking.as_str().to_owned()));
        }
        if !piece.content.is_empty() {
            out.push(Event::Text(piece.content.as_str().to_owned()));
        }
        for _ in &piece.images.0 {
            self.named.add("", UnshownKind::Image, "", out);
        }
        for Object(call) in &piece.tool_calls.0 {
            let function = &call.function.0;
            if function.name.is_empty() {
                continue;
            }
            self.called = true;
            let arguments = &function.arguments.0;
            out.push(Event::ToolCall(ToolCall {
                id: call.id.as_str().to_owned(),
                name: function.name.as_str().to_owned(),
                arguments: if arguments.is_empty() { "{}" } else { arguments }.to_owned(),
                signature: None,
            }));
        }
    }
}
