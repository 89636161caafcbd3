//! The Chat Completions wire: OpenAI's older API, and that of all servers that call themselves compatible.
//!
//! Facts: OpenAI's [API reference](https://platform.openai.com/docs/api-reference/chat-streaming) and recorded
//! answers of OpenAI, Azure, OpenRouter, Groq, Mistral, xAI, DeepSeek and others (2025-11 to 2026-08).

use serde_json::{Map, Value, json};

use super::event_stream::{self, EventStream, Flow, Payloads, Unreadable};
use super::lenient::{self, Object};
use super::{Wire, alternating_roles, openai_models, path};
use crate::provider::finish::{Ending, Words};
use crate::provider::registry::Provider;
use crate::provider::{Decoder, Dialect, Event, FinishReason, ProviderError, Request, Usage};

mod chunk;
mod content;
mod messages;
mod sealed;
mod tools;

#[cfg(test)]
mod tests;

use chunk::{Choice, Chunk, Counts};
use content::Answered;
use tools::Calls;

/// The wire.
pub const WIRE: &dyn Wire = &ChatCompletions;

/// Chat Completions.
struct ChatCompletions;

impl Wire for ChatCompletions {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn body(&self, provider: &Provider, request: &Request) -> Value {
        body(request, &provider.dialect)
    }

    fn path(&self, provider: &Provider, model: &str) -> Result<String, ProviderError> {
        Ok(match &provider.api_version {
            Some(_) => format!("deployments/{}/chat/completions", path::segment(provider, model)?),
            None => "chat/completions".to_owned(),
        })
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<ChatDecoder>::default()
    }

    fn added_paths(&self) -> &'static [&'static str] {
        &["/chat/completions", "/completions", "/chat"]
    }
}

/// The body of a request. `request.params` win over our fields; a `null` among them takes the field out.
#[must_use]
pub fn body(request: &Request, dialect: &Dialect) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    body.insert("messages".into(), messages(request, dialect));
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(messages::tool).collect());
    }
    body.insert("stream".into(), json!(true));
    if dialect.include_usage {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if let Some(limit) = request.max_tokens {
        body.insert(dialect.max_tokens_field.into(), json!(limit));
    }
    let refused = dialect.openai_models && openai_models::refuses_temperature(&request.model);
    if let Some(temperature) = request.temperature.filter(|_| !refused) {
        body.insert("temperature".into(), json!(temperature));
    }
    event_stream::merge(&mut body, &request.params);
    Value::Object(body)
}

/// OpenAI's own models take messages in any order. Of the others some insist on user and assistant in turn: Perplexity's
/// (<https://docs.perplexity.ai/api-reference/chat-completions-post>), and local ones by their chat templates (Gemma, Mistral).
fn messages(request: &Request, dialect: &Dialect) -> Value {
    let (role, instructions, turns) = if dialect.openai_models {
        let developer = openai_models::wants_developer(&request.model);
        let role = if developer { "developer" } else { "system" };
        (
            role,
            alternating_roles::instructions(&request.messages),
            alternating_roles::list(request),
        )
    } else {
        let (instructions, turns) = alternating_roles::split(request);
        ("system", instructions, turns)
    };
    let system = (!instructions.is_empty()).then(|| json!({"role": role, "content": instructions}));
    let said = turns
        .iter()
        .flat_map(|turn| messages::messages(turn, !dialect.openai_models));
    system.into_iter().chain(said).collect()
}

/// Chat Completions: OpenAI's words (<https://platform.openai.com/docs/api-reference/chat/object>), and those of servers
/// that speak the same: `eos` of Together (<https://docs.together.ai/reference/chat-completions-1>), `eos_token` and
/// `stop_sequence` of Hugging Face's TGI (<https://huggingface.co/docs/text-generation-inference>), `model_length` of Mistral
/// (<https://docs.mistral.ai/api>), `sensitive` and `model_context_window_exceeded` of Z.ai, `end_turn` of xAI
/// (<https://docs.x.ai/docs/api-reference>); further words of Anthropic and Gemini, which gateways hand through. `insufficient_system_resource` (DeepSeek), `error` (OpenRouter, Mistral), `abort` (vLLM) and
/// the like say that the answer is not whole.
pub(crate) const STOP_WORDS: Words = Words {
    whole: &["stop", "STOP", "eos", "eos_token", "stop_sequence", "end_turn"],
    called: &["tool_calls", "function_call", "tool_use"],
    length: &[
        "length",
        "model_length",
        "max_tokens",
        "max_output_tokens",
        "model_context_window_exceeded",
        "MAX_TOKENS",
    ],
    filter: &[
        "content_filter",
        "sensitive",
        "refusal",
        "SAFETY",
        "RECITATION",
        "PROHIBITED_CONTENT",
    ],
    paused: &["pause_turn"],
};

/// Decodes a streamed answer; also one that was not streamed, and an error in place of either.
#[derive(Debug, Default)]
pub struct ChatDecoder(EventStream<Chat>);

impl ChatDecoder {
    /// A decoder for one answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for ChatDecoder {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        self.0.feed(bytes, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        self.0.end(out);
    }
}

/// What is known of the answer so far.
#[derive(Debug, Default)]
struct Chat {
    /// The `index` of the choice that is shown: that of the first one seen.
    choice: Option<u64>,
    calls: Calls,
    usage: Usage,
    ending: Ending,
    answered: Answered,
}

impl Payloads for Chat {
    const FIELDS: &'static [&'static str] = &[
        "choices",
        "usage",
        "x_groq",
        "message",
        "response",
        "content",
        "search_results",
        "citations",
        "web_search",
        "prompt_filter_results",
    ];

    fn payload(&mut self, _event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
        if data.trim_start().starts_with("[DONE]") {
            // Servers that give no `finish_reason` at all end their whole answers with nothing else: GenieX before its
            // <https://github.com/qualcomm/GenieX/pull/1246>, proxies of Gemini; those that break off say neither.
            self.finish(FinishReason::Stop, out);
            return Ok(Flow::Break(()));
        }
        if data.starts_with('[') {
            return event_stream::listed_error(data, out);
        }
        let Object(chunk) = serde_json::from_str::<Object<Chunk<'_>>>(data).map_err(|_| Unreadable)?;
        Ok(self.chunk(&chunk, out))
    }

    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
        let Object(answer) = serde_json::from_str::<Object<Chunk<'_>>>(body).map_err(|_| Unreadable)?;
        if self.chunk(&answer, out).is_break() {
            return Ok(());
        }
        if answer.choices.0.is_empty() {
            return event_stream::no_answer(body, out);
        }
        self.finish(FinishReason::Stop, out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        self.finish(FinishReason::Incomplete, out);
    }

    fn is_told(&self) -> bool {
        self.ending.is_told()
    }
}

impl Chat {
    fn chunk(&mut self, chunk: &Chunk<'_>, out: &mut Vec<Event>) -> Flow {
        for Object(choice) in &chunk.choices.0 {
            let index = choice.index.or_zero();
            if *self.choice.get_or_insert(index) == index {
                self.choice(choice, out);
            }
        }
        self.answered.beside(chunk, &mut self.calls, out);
        // Groq sends the usage twice, the second time in a field of its own.
        for Object(counts) in chunk.usage.iter().chain(chunk.x_groq.0.usage.iter()) {
            self.usage(counts, out);
        }
        let within = chunk.choices.0.iter().flat_map(|choice| choice.0.errors());
        let error = chunk.error.iter().chain(within).find(|error| lenient::is_truthy(error));
        let Some(error) = error else {
            return Flow::Continue(());
        };
        out.push(Event::Error(ProviderError::from_value(error, None)));
        Flow::Break(())
    }

    fn choice(&mut self, choice: &Choice<'_>, out: &mut Vec<Event>) {
        self.answered.choice(choice, &mut self.calls, out);
        let word = choice.finish_reason.word(&STOP_WORDS);
        let said = match choice.native_finish_reason.word(&STOP_WORDS) {
            native if native.is_empty() || native == word => String::new(),
            native => format!("native_finish_reason: {native}"),
        };
        self.ending.hear(&STOP_WORDS, &choice.finish_reason, &said);
    }

    fn usage(&mut self, counts: &Counts, out: &mut Vec<Event>) {
        let usage = counts.usage();
        if usage != self.usage {
            self.usage = usage;
            out.push(Event::Usage(usage));
        }
    }

    /// Appends the tool calls and the end. `unsaid` is the reason if the server has given none.
    fn finish(&mut self, unsaid: FinishReason, out: &mut Vec<Event>) {
        let calls: Vec<_> = self.calls.drain(self.ending.is_cut(&unsaid)).collect();
        let has_calls = !calls.is_empty();
        self.answered.seal(has_calls, out);
        out.extend(calls.into_iter().map(Event::ToolCall));
        let reason = self.ending.settle(unsaid, has_calls);
        out.push(Event::Finished(reason));
    }
}
