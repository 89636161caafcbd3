//! The wire of Google's Gemini API, in its own protocol.
//!
//! Facts (2026-11-22): Google's [API reference](https://ai.google.dev/api/generate-content), and recorded answers
//! (2025-05 to 2026-07). With `?alt=sse` the answer is an event stream; without it, an array of the same chunks. Nothing
//! marks its end but a `finishReason` and the end of the body. A function call comes whole, or with its arguments in
//! pieces; counts of tokens come with every chunk.

use serde_json::{Map, Value, json};

use super::citations::Sources;
use super::event_stream::{self, EventStream, Flow, Payloads, Unreadable};
use super::lenient::{self, List, Object};
use super::unshown::{Named, kind_of_type};
use super::{Wire, alternating_roles, path};
use crate::provider::finish::{Ending, Why, Words};
use crate::provider::registry::{Auth, Provider};
use crate::provider::{Decoder, ErrorClass, Event, FinishReason, ProviderError, Request, UnshownKind, Usage};
use crate::words::text;

mod calls;
mod chunk;
mod parts;

#[cfg(test)]
mod tests;

use calls::Calls;
use chunk::{Candidate, Chunk, Data, Feedback, Part};

/// The default of `finishReason`, which says nothing.
const UNSPECIFIED: &str = "FINISH_REASON_UNSPECIFIED";

/// Where the models are listed; they come in pages of at most 1000.
pub(crate) const MODELS_PATH: &str = "models?pageSize=1000";

/// The wire.
pub const WIRE: &dyn Wire = &GenerateContent;

/// Google's `generateContent`.
struct GenerateContent;

impl Wire for GenerateContent {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn body(&self, _provider: &Provider, request: &Request) -> Value {
        body(request)
    }

    fn path(&self, provider: &Provider, model: &str) -> Result<String, ProviderError> {
        let name = model.strip_prefix("models/").unwrap_or(model);
        let model = path::segment(provider, name)?;
        Ok(format!("models/{model}:streamGenerateContent?alt=sse"))
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<GeminiDecoder>::default()
    }

    fn conventions(&self) -> Option<(Auth, &'static str)> {
        Some((Auth::Header("x-goog-api-key"), MODELS_PATH))
    }

    fn added_paths(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_versioned(&self) -> bool {
        false
    }

    fn is_spoken_at(&self, host: &str, path: &str) -> bool {
        host == "generativelanguage.googleapis.com" || path.ends_with("/v1beta")
    }
}

/// The body of a request. `request.params` win over our fields; a `null` among them takes the field out.
#[must_use]
pub fn body(request: &Request) -> Value {
    let (system, turns) = alternating_roles::split(request);
    let content = |turn: &alternating_roles::Turn<'_>| parts::content(turn, &request.model);
    let mut body = Map::new();
    if !system.is_empty() {
        body.insert("systemInstruction".into(), json!({"parts": [{"text": system}]}));
    }
    body.insert("contents".into(), turns.iter().map(content).collect());
    if !request.tools.is_empty() {
        let declared: Vec<Value> = request.tools.iter().map(parts::tool).collect();
        body.insert("tools".into(), json!([{ "functionDeclarations": declared }]));
    }
    let mut generation = Map::new();
    if let Some(limit) = request.max_tokens {
        generation.insert("maxOutputTokens".into(), json!(limit));
    }
    if let Some(temperature) = request.temperature {
        generation.insert("temperature".into(), json!(temperature));
    }
    if !generation.is_empty() {
        body.insert("generationConfig".into(), Value::Object(generation));
    }
    event_stream::merge(&mut body, &request.params);
    Value::Object(body)
}

/// Gemini, which has no word of its own for calls (<https://ai.google.dev/api/generate-content#FinishReason>).
pub(crate) const STOP_WORDS: Words = Words {
    whole: &["STOP"],
    called: &[],
    length: &["MAX_TOKENS"],
    filter: &[
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ],
    paused: &[],
};

/// Decodes a streamed answer; also one that was not streamed, and an error in place of either.
#[derive(Debug, Default)]
pub struct GeminiDecoder(EventStream<Gemini>);

impl GeminiDecoder {
    /// A decoder for one answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for GeminiDecoder {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.0.feed(bytes, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        self.0.end(out);
    }
}

/// What is known of the answer so far.
#[derive(Debug, Default)]
struct Gemini {
    calls: Calls,
    sources: Sources,
    named: Named,
    usage: Usage,
    ending: Ending,
    /// Whether `FINISH_REASON_UNSPECIFIED` came: the default of the field, also in chunks that end nothing.
    unspecified: bool,
}

impl Payloads for Gemini {
    const FIELDS: &'static [&'static str] = &["candidates", "usageMetadata", "promptFeedback"];

    fn payload(&mut self, _event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
        if data.trim_start().starts_with("[DONE]") {
            // Not Google's: some proxies append it. It does not say that the answer was whole.
            self.close(out);
            return Ok(Flow::Break(()));
        }
        for Object(chunk) in &chunks(data)?.0 {
            if self.chunk(chunk, out).is_break() {
                return Ok(Flow::Break(()));
            }
        }
        Ok(Flow::Continue(()))
    }

    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
        let chunks = chunks(body)?;
        for Object(chunk) in &chunks.0 {
            if self.chunk(chunk, out).is_break() {
                return Ok(());
            }
        }
        if chunks.0.iter().all(|chunk| chunk.0.candidates.0.is_empty()) {
            return event_stream::no_answer(body, out);
        }
        self.close(out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let unsaid = match self.unspecified {
            true => FinishReason::cut(Why::Unknown, UNSPECIFIED),
            false => FinishReason::Incomplete,
        };
        match self.ending.is_cut(&unsaid) {
            true => self.calls.cut(),
            false => self.calls.close(out),
        }
        let reason = self.ending.settle(unsaid, self.calls.any());
        out.push(Event::Finished(reason));
    }
}

/// What stands beside a part and is none: its signature, where a film was cut, the result of code that was named, how large
/// a picture is read.
const BESIDE: &[&str] = &[
    "thoughtSignature",
    "thought_signature",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
    "codeExecutionResult",
    "functionResponse",
    "toolResponse",
];

/// One chunk, or an array of them.
fn chunks(data: &str) -> Result<List<Object<Chunk<'_>>>, Unreadable> {
    if data.trim_start().starts_with('[') {
        return serde_json::from_str(data).map_err(|_| Unreadable);
    }
    let chunk = serde_json::from_str(data).map_err(|_| Unreadable)?;
    Ok(List(vec![chunk]))
}

impl Gemini {
    fn chunk(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) -> Flow {
        // Only one candidate is asked for.
        if let Some(Object(candidate)) = chunk.candidates.0.first() {
            self.candidate(candidate, out);
        }
        if let Some(Object(counts)) = &chunk.usage_metadata {
            let usage = counts.usage();
            if usage != self.usage {
                self.usage = usage;
                out.push(Event::Usage(usage));
            }
        }
        let error = chunk.error.as_ref().filter(|error| lenient::is_truthy(error));
        let Some(error) = error
            .map(|error| ProviderError::from_value(error, None))
            .or_else(|| blocked(&chunk.prompt_feedback.0))
        else {
            return Flow::Continue(());
        };
        out.push(Event::Error(error));
        Flow::Break(())
    }

    fn candidate(&mut self, candidate: &Candidate<'_>, out: &mut Vec<Event>) {
        for Object(part) in &candidate.content.0.parts.0 {
            self.part(part, out);
        }
        self.cite(candidate, out);
        if candidate.finish_reason == UNSPECIFIED.into() {
            self.unspecified = true;
            return;
        }
        self.ending
            .hear(&STOP_WORDS, &candidate.finish_reason, candidate.finish_message.as_str());
    }

    fn part(&mut self, part: &Part<'_>, out: &mut Vec<Event>) {
        if !part.text.is_empty() {
            let text = part.text.as_str().to_owned();
            out.push(if part.thought.as_ref().is_some_and(lenient::is_truthy) {
                Event::Reasoning(text)
            } else {
                Event::Text(text)
            });
        }
        let signature = part.signature();
        match &part.function_call {
            Some(Object(call)) => self.calls.take(call, signature, out),
            None => out.extend(signature.map(Event::Signature)),
        }
        self.name(part, out);
    }

    /// Names what is neither text nor a call.
    fn name(&mut self, part: &Part<'_>, out: &mut Vec<Event>) {
        for Object(data) in part.inline_data.iter().chain(&part.file_data) {
            self.data(data, out);
        }
        if part.executable_code.is_some() {
            self.named.add("", UnshownKind::Ran, "code_execution", out);
        }
        let is_empty = part.text.is_empty() && part.function_call.is_none();
        let is_file = part.inline_data.is_some() || part.file_data.is_some() || part.executable_code.is_some();
        let unknown = part.others.keys().find(|name| !BESIDE.contains(&name.as_str()));
        if let Some(name) = unknown.filter(|_| is_empty && !is_file) {
            self.named.add_type("", name, "", out);
        }
    }

    fn data(&mut self, data: &Data<'_>, out: &mut Vec<Event>) {
        let (kind, name) = (data.mime_type.as_str(), data.display_name.as_str());
        let known = kind_of_type(kind).unwrap_or(UnshownKind::File);
        let name = if name.is_empty() && known == UnshownKind::File {
            kind
        } else {
            name
        };
        self.named.add("", known, name, out);
    }

    /// The sources of an answer; they may come again with every chunk.
    fn cite(&mut self, candidate: &Candidate<'_>, out: &mut Vec<Event>) {
        for Object(grounded) in &candidate.grounding_metadata.0.grounding_chunks.0 {
            for Object(source) in [&grounded.web, &grounded.retrieved_context, &grounded.maps] {
                self.sources.add(source, out);
            }
        }
        let recited = &candidate.citation_metadata.0;
        let read = &candidate.url_context_metadata.0.url_metadata;
        for links in [read, &recited.citation_sources, &recited.citations] {
            self.sources.add_all(&links.0, out);
        }
    }
}

/// The question itself was refused.
fn blocked(feedback: &Feedback<'_>) -> Option<ProviderError> {
    let reason = feedback.block_reason.as_str();
    if matches!(reason, "" | "BLOCK_REASON_UNSPECIFIED") {
        return None;
    }
    let error = match feedback.block_reason_message.as_str() {
        "" => ProviderError::ours(ErrorClass::ContentFilter, text!("server.blocked", reason = reason)),
        message => ProviderError::new(ErrorClass::ContentFilter, crate::provider::error::clean(message)),
    };
    Some(ProviderError {
        code: Some(crate::provider::error::clean(reason)),
        ..error
    })
}
