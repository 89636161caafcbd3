//! The Messages wire: Anthropic's API.
//!
//! Facts (2026-11-22): Anthropic's [API reference](https://docs.anthropic.com/en/api/messages), its page on
//! [streaming](https://docs.anthropic.com/en/docs/build-with-claude/streaming), anthropic-sdk-python 2.12.0, and recorded
//! answers (2025-05 to 2026-07). Each frame names its type in the data; `message_stop` ends the answer. The counts of
//! tokens are cumulative, and a frame may hold only some of them. Later versions of the API than [`VERSION`] refuse a
//! temperature.

use serde_json::{Map, Value, json};

use super::event_stream::{self, EventStream, Flow, Payloads, Unreadable};
use super::lenient::{self, Object};
use super::{Wire, alternating_roles};
use crate::provider::error;
use crate::provider::finish::{Ending, StopWord, Words};
use crate::provider::registry::{Auth, Provider};
use crate::provider::{Decoder, ErrorClass, Event, FinishReason, ProviderError, Request, Usage};
use crate::words::text;

mod blocks;
mod content;
mod frame;
mod thinking;
mod tools;

#[cfg(test)]
mod tests;

use content::Content;
use frame::{Answer, Block, Counts, Frame, StopDetails};
use thinking::Thinking;
use tools::Calls;

/// The version of the API that is spoken, sent as `anthropic-version`.
pub const VERSION: &str = "2023-06-01";

/// The limit of an answer where the user sets none and the model's is not known: the API wants one, and all its models
/// allow this one.
const MAX_TOKENS: u64 = 8192;

/// Where the models are listed; they come in pages of at most 1000.
pub(crate) const MODELS_PATH: &str = "models?limit=1000";

/// The wire.
pub const WIRE: &dyn Wire = &AnthropicMessages;

/// The Messages API.
struct AnthropicMessages;

impl Wire for AnthropicMessages {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn body(&self, _provider: &Provider, request: &Request) -> Value {
        body(request)
    }

    fn path(&self, _provider: &Provider, _model: &str) -> Result<String, ProviderError> {
        Ok("messages".to_owned())
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<AnthropicDecoder>::default()
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", VERSION)]
    }

    fn conventions(&self) -> Option<(Auth, &'static str)> {
        Some((Auth::Header("x-api-key"), MODELS_PATH))
    }

    fn added_paths(&self) -> &'static [&'static str] {
        &["/messages"]
    }

    fn is_spoken_at(&self, _host: &str, path: &str) -> bool {
        path.ends_with("/anthropic") || path.contains("/anthropic/")
    }
}

/// The body of a request. `request.params` win over our fields; a `null` among them takes the field out.
#[must_use]
pub fn body(request: &Request) -> Value {
    let (system, turns) = alternating_roles::split(request);
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    let limit = request.max_tokens.or(request.answer_room).unwrap_or(MAX_TOKENS);
    body.insert("max_tokens".into(), json!(limit));
    if !system.is_empty() {
        body.insert("system".into(), json!(system));
    }
    body.insert("messages".into(), turns.iter().map(blocks::message).collect());
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(blocks::tool).collect());
    }
    body.insert("stream".into(), json!(true));
    if let Some(temperature) = request.temperature {
        body.insert("temperature".into(), json!(temperature));
    }
    event_stream::merge(&mut body, &request.params);
    Value::Object(body)
}

/// Messages (<https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>).
pub(crate) const STOP_WORDS: Words = Words {
    whole: &["end_turn", "stop_sequence"],
    called: &["tool_use"],
    length: &["max_tokens", "model_context_window_exceeded"],
    filter: &["refusal"],
    paused: &["pause_turn"],
};

/// Decodes a streamed answer; also one that was not streamed, and an error in place of either.
#[derive(Debug, Default)]
pub struct AnthropicDecoder(EventStream<Messages>);

impl AnthropicDecoder {
    /// A decoder for one answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for AnthropicDecoder {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.0.feed(bytes, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        self.0.end(out);
    }
}

/// What is known of the answer so far.
#[derive(Debug, Default)]
struct Messages {
    calls: Calls,
    counts: Counts,
    usage: Usage,
    ending: Ending,
    content: Content,
    thinking: Thinking,
}

impl Payloads for Messages {
    const FIELDS: &'static [&'static str] = &["type"];

    fn payload(&mut self, event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
        if data.trim_start().starts_with("[DONE]") {
            // Not Anthropic's: some proxies append it. It does not say that the answer was whole.
            self.close(out);
            return Ok(Flow::Break(()));
        }
        if data.starts_with('[') {
            return event_stream::listed_error(data, out);
        }
        let Object(frame) = serde_json::from_str::<Object<Frame<'_>>>(data).map_err(|_| Unreadable)?;
        let kind = if frame.kind.is_empty() {
            event
        } else {
            frame.kind.as_str()
        };
        if kind == "error" || frame.error.as_ref().is_some_and(lenient::is_truthy) {
            let value = serde_json::from_str(data).map_err(|_| Unreadable)?;
            return Ok(fail(value, out));
        }
        if kind == "message" {
            // The whole answer, where a frame is due.
            self.whole(data, out)?;
            return Ok(Flow::Break(()));
        }
        Ok(self.frame(kind, &frame, out))
    }

    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Object(answer) = serde_json::from_str::<Object<Answer<'_>>>(body).map_err(|_| Unreadable)?;
        let failed = answer.error.as_ref().is_some_and(lenient::is_truthy);
        if failed || (answer.content.0.is_empty() && answer.stop_reason.is_empty()) {
            return event_stream::no_answer(body, out);
        }
        for Object(block) in &answer.content.0 {
            fallen_back(block, out);
            self.content.block(block, out);
            self.thinking.begin(block, out);
            self.thinking.end(out);
            self.calls.whole(block);
            self.called(out);
        }
        self.usage(&answer.usage.0, out);
        self.stop(&answer.stop_reason, &answer.stop_details.0);
        self.finish(FinishReason::Incomplete, out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        self.finish(FinishReason::Incomplete, out);
    }
}

impl Messages {
    fn frame(&mut self, kind: &str, frame: &Frame<'_>, out: &mut Vec<Event>) -> Flow {
        match kind {
            "message_start" => self.usage(&frame.message.0.usage.0, out),
            "content_block_start" => {
                fallen_back(&frame.content_block.0, out);
                self.content.block(&frame.content_block.0, out);
                self.thinking.begin(&frame.content_block.0, out);
                self.calls.begin(frame.index.0, &frame.content_block.0);
            }
            "content_block_delta" => {
                self.content.delta(&frame.delta.0, out);
                self.thinking.delta(&frame.delta.0);
                self.calls.delta(frame.index.0, frame.delta.0.partial_json.as_str());
            }
            "content_block_stop" => {
                self.thinking.end(out);
                self.calls.end(frame.index.0);
                self.called(out);
            }
            "message_delta" => {
                self.usage(&frame.usage.0, out);
                self.stop(&frame.delta.0.stop_reason, &frame.delta.0.stop_details.0);
            }
            "message_stop" => {
                self.finish(FinishReason::Incomplete, out);
                return Flow::Break(());
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn usage(&mut self, counts: &Counts, out: &mut Vec<Event>) {
        let usage = self.counts.updated(counts);
        if usage != self.usage {
            self.usage = usage;
            out.push(Event::Usage(usage));
        }
    }

    fn stop(&mut self, word: &StopWord<'_>, details: &StopDetails<'_>) {
        self.ending.hear(&STOP_WORDS, word, &details.told());
    }

    /// Appends the calls that are whole.
    fn called(&mut self, out: &mut Vec<Event>) {
        out.extend(self.calls.ready().map(Event::ToolCall));
    }

    /// Appends the other calls and the end. `unsaid` is the reason if the server has given none: the API always gives one,
    /// also before `message_stop` (<https://platform.claude.com/docs/en/api/messages>, `stop_reason`), so that an answer
    /// without it was cut somewhere on its way.
    fn finish(&mut self, unsaid: FinishReason, out: &mut Vec<Event>) {
        out.extend(self.calls.drain(self.ending.is_cut(&unsaid)).map(Event::ToolCall));
        let reason = self.ending.settle(unsaid, self.calls.any());
        out.push(Event::Finished(reason));
    }
}

/// Tells that another model answers than the one that was asked.
fn fallen_back(block: &Block<'_>, out: &mut Vec<Event>) {
    let model = block.to.0.model.as_str();
    if block.kind.as_str() == "fallback" && !model.is_empty() {
        out.push(Event::AnsweredBy(error::word(model)));
    }
}

fn fail(mut value: Value, out: &mut Vec<Event>) -> Flow {
    // The `type` of a flat error frame is the frame's, not the error's.
    if let Some(fields) = value.as_object_mut() {
        fields.remove("type");
    }
    let mut error = ProviderError::from_value(&value, None);
    if error.message.is_empty() && error.code.is_none() {
        error = ProviderError::ours(ErrorClass::Server, text!("server.no_reason"));
    }
    out.push(Event::Error(error));
    Flow::Break(())
}
