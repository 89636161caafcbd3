//! The Responses wire: OpenAI's current API, and that of Azure's v1.
//!
//! Facts: OpenAI's [API reference](https://platform.openai.com/docs/api-reference/responses-streaming) and recorded
//! answers (2025-11 to 2026-08). There is no `[DONE]`; each frame names its type in the data.

use serde_json::{Map, Value, json};

use super::citations::Sources;
use super::event_stream::{self, EventStream, Flow, Payloads, Unreadable};
use super::lenient::{self, Object};
use super::unshown::Named;
use super::{Wire, alternating_roles, openai_models};
use crate::provider::finish::{Why, Words};
use crate::provider::registry::Provider;
use crate::provider::{Decoder, ErrorClass, Event, FinishReason, ProviderError, Request, UnshownKind, Usage};
use crate::words::text;

mod calls;
mod frame;
mod input;
mod items;
mod parts;
mod sealed;

#[cfg(test)]
mod tests;

use calls::Calls;
use frame::{Answer, Frame, Item, Part};
use parts::{Kind, Parts, Place};
use sealed::Sealed;

/// The wire.
pub const WIRE: &dyn Wire = &OpenaiResponses;

/// The Responses API.
struct OpenaiResponses;

impl Wire for OpenaiResponses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn body(&self, _provider: &Provider, request: &Request) -> Value {
        body(request)
    }

    fn path(&self, _provider: &Provider, _model: &str) -> Result<String, ProviderError> {
        Ok("responses".to_owned())
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<ResponsesDecoder>::default()
    }

    fn added_paths(&self) -> &'static [&'static str] {
        &["/responses"]
    }

    fn is_openais_own(&self) -> bool {
        true
    }
}

/// The body of a request that leaves nothing stored at the provider. `request.params` win over our fields; a `null`
/// among them takes the field out.
///
/// Encrypted reasoning is asked for where tools are offered, and goes back with their calls; models that do not reason
/// refuse the wish for it.
#[must_use]
pub fn body(request: &Request) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    let instructions = alternating_roles::instructions(&request.messages);
    if !instructions.is_empty() {
        body.insert("instructions".into(), json!(instructions));
    }
    let turns = alternating_roles::list(request);
    body.insert("input".into(), turns.iter().flat_map(input::items).collect());
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(input::tool).collect());
        if openai_models::reasons(&request.model) {
            body.insert("include".into(), json!(["reasoning.encrypted_content"]));
        }
    }
    body.insert("stream".into(), json!(true));
    body.insert("store".into(), json!(false));
    if let Some(limit) = request.max_tokens {
        body.insert("max_output_tokens".into(), json!(limit));
    }
    let refused = openai_models::refuses_temperature(&request.model);
    if let Some(temperature) = request.temperature.filter(|_| !refused) {
        body.insert("temperature".into(), json!(temperature));
    }
    event_stream::merge(&mut body, &request.params);
    Value::Object(body)
}

/// Responses: the status of an answer, and the reasons of an incomplete one
/// (<https://platform.openai.com/docs/api-reference/responses/object>).
pub(crate) const STOP_WORDS: Words = Words {
    whole: &["completed"],
    called: &[],
    length: &["max_output_tokens"],
    filter: &["content_filter"],
    paused: &[],
};

/// Decodes a streamed answer; also one that was not streamed, and an error in place of either.
#[derive(Debug, Default)]
pub struct ResponsesDecoder(EventStream<Responses>);

impl ResponsesDecoder {
    /// A decoder for one answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for ResponsesDecoder {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.0.feed(bytes, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        self.0.end(out);
    }
}

/// What is known of the answer so far.
#[derive(Debug, Default)]
struct Responses {
    parts: Parts,
    calls: Calls,
    usage: Usage,
    sources: Sources,
    named: Named,
    sealed: Sealed,
}

impl Payloads for Responses {
    const FIELDS: &'static [&'static str] = &["type"];

    fn payload(&mut self, event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
        if data.trim_start().starts_with("[DONE]") {
            // Not OpenAI's: some proxies append it. It does not say that the answer was whole.
            self.close(out);
            return Ok(Flow::Break(()));
        }
        if data.starts_with('[') {
            return event_stream::listed_error(data, out);
        }
        let Object(frame) = serde_json::from_str::<Object<Frame<'_>>>(data).map_err(|_| Unreadable)?;
        if frame.error.as_ref().is_some_and(lenient::is_truthy) || frame.kind.as_str() == "error" {
            let value: Value = serde_json::from_str(data).map_err(|_| Unreadable)?;
            return Ok(fail(&flat(value), out));
        }
        let kind = if frame.kind.is_empty() {
            event
        } else {
            frame.kind.as_str()
        };
        if !kind.starts_with("response.") {
            // The finished answer itself, where a frame is due.
            let Object(answer) = serde_json::from_str::<Object<Answer<'_>>>(data).map_err(|_| Unreadable)?;
            if !answer.output.0.is_empty() {
                return Ok(self.ended(answer.status.as_str(), &answer, out));
            }
        }
        Ok(self.frame(kind, &frame, out))
    }

    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Object(answer) = serde_json::from_str::<Object<Answer<'_>>>(body).map_err(|_| Unreadable)?;
        let failed = answer.error.as_ref().is_some_and(lenient::is_truthy);
        if failed || (answer.status.is_empty() && answer.output.0.is_empty()) {
            return event_stream::no_answer(body, out);
        }
        let _ = self.ended(answer.status.as_str(), &answer, out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let _ = self.finish(FinishReason::Incomplete, out);
    }
}

impl Responses {
    fn frame(&mut self, kind: &str, frame: &Frame<'_>, out: &mut Vec<Event>) -> Flow {
        match kind {
            "response.completed" => return self.ended("completed", &frame.response.0, out),
            "response.incomplete" => return self.ended("incomplete", &frame.response.0, out),
            "response.failed" => return self.ended("failed", &frame.response.0, out),
            "response.output_item.added" => self.calls.item(frame.output_index.0, &frame.item.0, false),
            "response.output_item.done" => self.item(frame.output_index.0, &frame.item.0, out),
            "response.content_part.done" => {
                self.parts.part(Place::of(frame), &frame.part.0, out);
                self.beside(Place::of(frame), &frame.part.0, out);
            }
            "response.output_text.annotation.added" => self.sources.add(&frame.annotation.0, out),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.calls.delta(frame)
            }
            "response.function_call_arguments.done" => self.calls.done(frame),
            "response.audio.delta" | "response.output_audio.delta" => {
                self.named.add("audio", UnshownKind::Audio, "", out);
            }
            _ => self.text(kind, frame, out),
        }
        Flow::Continue(())
    }

    fn text(&mut self, kind: &str, frame: &Frame<'_>, out: &mut Vec<Event>) {
        let (name, done) = match kind.rsplit_once('.') {
            Some((name, "delta")) => (name, false),
            Some((name, "done")) => (name, true),
            _ => return,
        };
        let (kind, whole) = match name {
            "response.output_text" => (Kind::Text, &frame.text),
            "response.audio.transcript" | "response.output_audio_transcript" => (Kind::Text, &frame.transcript),
            "response.refusal" => (Kind::Refusal, &frame.refusal),
            "response.reasoning_summary_text" => (Kind::Summary, &frame.text),
            "response.reasoning_text" => (Kind::Reasoning, &frame.text),
            _ => return,
        };
        if done {
            self.parts.done(kind, Place::of(frame), whole.as_str(), out);
        } else {
            self.parts.delta(kind, Place::of(frame), frame.delta.as_str(), out);
        }
    }

    fn item(&mut self, index: Option<u64>, item: &Item<'_>, out: &mut Vec<Event>) {
        self.calls.item(index, item, true);
        items::name(index.unwrap_or_default(), item, &mut self.named, out);
        let place = |at: usize| Place {
            output: index.unwrap_or_default(),
            part: at as u64,
        };
        for (at, Object(part)) in item.content.0.iter().enumerate() {
            self.parts.part(place(at), part, out);
            self.beside(place(at), part, out);
        }
        for (at, Object(part)) in item.summary.0.iter().enumerate() {
            self.parts.done(Kind::Summary, place(at), part.text.as_str(), out);
        }
        self.sealed.item(item, out);
        out.extend(self.calls.ready().map(Event::ToolCall));
    }

    /// The answer's end: what it says of itself there counts more than the name of the frame.
    fn ended(&mut self, frame: &str, answer: &Answer<'_>, out: &mut Vec<Event>) -> Flow {
        self.missed(answer, out);
        let usage = answer.usage.0.usage();
        let told = std::mem::replace(&mut self.usage, usage);
        let from = out.len();
        let flow = self.end(frame, answer, out);
        if usage != told {
            // Before the answer's end, and behind its calls.
            let end = out.len().saturating_sub(1).max(from);
            out.insert(end, Event::Usage(usage));
        }
        flow
    }

    fn end(&mut self, frame: &str, answer: &Answer<'_>, out: &mut Vec<Event>) -> Flow {
        let status = if answer.status.is_empty() {
            frame
        } else {
            answer.status.as_str()
        };
        let reason = answer.incomplete_details.word(&STOP_WORDS);
        match (frame, status) {
            ("failed", _) | (_, "failed") => fail(&answer.error.clone().unwrap_or_default(), out),
            (_, "incomplete") | ("incomplete", _) => self.finish(unfinished(&reason), out),
            // A plain text beside `completed` is none of the API's.
            _ if answer.incomplete_details.is_shaped() && !reason.is_empty() => self.finish(unfinished(&reason), out),
            (_, "") => self.finish(FinishReason::Incomplete, out),
            (_, status) => self.finish(STOP_WORDS.read(status, ""), out),
        }
    }

    /// Appends what stands in the finished answer but did not come before.
    fn missed(&mut self, answer: &Answer<'_>, out: &mut Vec<Event>) {
        let items = || answer.output.0.iter().map(|item| &item.0);
        for (index, item) in items().enumerate() {
            items::name(index as u64, item, &mut self.named, out);
        }
        let parts = || items().flat_map(|item| item.content.0.iter().map(|part| &part.0));
        let text: String = parts().map(Part::spoken).collect();
        let refusal: String = parts().map(|part| part.refusal.as_str()).collect();
        self.parts.missed(Kind::Text, &text, out);
        self.parts.missed(Kind::Refusal, &refusal, out);
        for (output, item) in items().enumerate() {
            for (part, Object(said)) in item.content.0.iter().enumerate() {
                let (output, part) = (output as u64, part as u64);
                self.beside(Place { output, part }, said, out);
            }
        }
        for item in items() {
            self.sealed.item(item, out);
            self.calls.missed(item);
            out.extend(self.calls.ready().map(Event::ToolCall));
        }
    }

    /// The sources of a part, and what it is if it is no text.
    fn beside(&mut self, place: Place, part: &Part<'_>, out: &mut Vec<Event>) {
        self.sources.add_all(&part.annotations.0, out);
        let kind = part.kind.as_str();
        if !matches!(
            kind,
            "" | "text" | "output_text" | "refusal" | "reasoning_text" | "summary_text"
        ) {
            let key = match kind.contains("audio") {
                true => "audio".to_owned(),
                false => format!("{kind} {} {}", place.output, place.part),
            };
            self.named.add_type(&key, kind, "", out);
        }
    }

    fn finish(&mut self, reason: FinishReason, out: &mut Vec<Event>) -> Flow {
        let calls = self.calls.drain(reason.is_cut());
        let called = !calls.is_empty() || self.calls.any();
        out.extend(calls.into_iter().map(Event::ToolCall));
        let reason = if called && reason == FinishReason::Stop {
            FinishReason::ToolCalls
        } else {
            reason
        };
        out.push(Event::Finished(reason));
        Flow::Break(())
    }
}

/// A flat error frame as an object whose `type` is not the frame's.
fn flat(mut value: Value) -> Value {
    if value.get("type").and_then(Value::as_str) == Some("error")
        && let Some(fields) = value.as_object_mut()
    {
        fields.remove("type");
    }
    value
}

fn fail(error: &Value, out: &mut Vec<Event>) -> Flow {
    let mut error = ProviderError::from_value(error, None);
    if error.message.is_empty() && error.code.is_none() {
        error = ProviderError::ours(ErrorClass::Server, text!("server.no_reason"));
    }
    out.push(Event::Error(error));
    Flow::Break(())
}

/// The reasons of an incomplete answer: `max_output_tokens`, `content_filter`, `max_messages`, `steered`. No reason says
/// that the answer is whole.
fn unfinished(word: &str) -> FinishReason {
    match STOP_WORDS.read(word.trim(), "") {
        FinishReason::Cut(cut) if !cut.word.is_empty() => FinishReason::Cut(cut),
        _ => FinishReason::cut(Why::Unexplained, "incomplete"),
    }
}
