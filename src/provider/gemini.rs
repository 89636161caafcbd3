//! The wire of Google's Gemini API, in its own protocol.
//!
//! Facts (2026-11-22): Google's [API reference](https://ai.google.dev/api/generate-content), and recorded answers
//! (2025-05 to 2026-07). With `?alt=sse` the answer is an event stream; without it, an array of the same chunks. Nothing
//! marks its end but a `finishReason` and the end of the body. A function call comes whole; counts of tokens come with
//! every chunk.

use serde_json::{Map, Value, json};

use super::finish::{self, Ending, Why};
use super::framed::{self, Flow, Framed, Unreadable, Wire};
use super::lenient::{self, List, Object};
use super::{Decoder, ErrorClass, Event, FinishReason, ProviderError, Request, ToolCall, Usage, turns};
use crate::words::text;

mod chunk;

#[cfg(test)]
mod tests;

use chunk::{Candidate, Chunk, Feedback, Part};

/// The default of `finishReason`, which says nothing.
const UNSPECIFIED: &str = "FINISH_REASON_UNSPECIFIED";

/// The body of a request. `request.params` win over our fields; a `null` among them takes the field out.
#[must_use]
pub fn body(request: &Request) -> Value {
    let (system, turns) = turns::split(&request.messages);
    let content = |turn: turns::Turn| {
        let role = if turn.is_user { "user" } else { "model" };
        json!({"role": role, "parts": [{"text": turn.text}]})
    };
    let mut body = Map::new();
    if !system.is_empty() {
        body.insert("systemInstruction".into(), json!({"parts": [{"text": system}]}));
    }
    body.insert("contents".into(), turns.into_iter().map(content).collect());
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
    framed::merge(&mut body, &request.params);
    Value::Object(body)
}

/// Decodes a streamed answer; also one that was not streamed, and an error in place of either.
#[derive(Debug, Default)]
pub struct GeminiDecoder(Framed<Gemini>);

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
    called: bool,
    usage: Usage,
    ending: Ending,
    /// Whether `FINISH_REASON_UNSPECIFIED` came: the default of the field, also in chunks that end nothing.
    unspecified: bool,
}

impl Wire for Gemini {
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
            return framed::no_answer(body, out);
        }
        self.close(out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let unsaid = match self.unspecified {
            true => FinishReason::cut(Why::Unknown, UNSPECIFIED),
            false => FinishReason::Incomplete,
        };
        let reason = self.ending.settle(unsaid, self.called);
        out.push(Event::Finished(reason));
    }
}

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
        let word = candidate.finish_reason.as_str();
        if word == UNSPECIFIED {
            self.unspecified = true;
            return;
        }
        self.ending
            .hear(&finish::GEMINI, word, candidate.finish_message.as_str());
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
        let call = &part.function_call.0;
        if call.name.is_empty() {
            return;
        }
        self.called = true;
        let arguments = if call.args.0.is_empty() { "{}" } else { &call.args.0 };
        out.push(Event::ToolCall(ToolCall {
            id: call.id.as_str().to_owned(),
            name: call.name.as_str().to_owned(),
            arguments: arguments.to_owned(),
        }));
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
        message => ProviderError::new(ErrorClass::ContentFilter, super::error::clean(message)),
    };
    Some(ProviderError {
        code: Some(super::error::clean(reason)),
        ..error
    })
}
