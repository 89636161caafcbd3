//! Language-model providers: a request of ours in, a stream of [`Event`]s out.
//!
//! A *provider* is data (base URL, headers, parameter names: [`registry`]); a *wire* is code that builds the body of a
//! request and decodes the bytes of the answer ([`wire`], [`Decoder`]). [`transport`] carries the bytes. Nothing in here knows of
//! chats, buffers or msgpack.

mod builtin;
pub mod catalogue;
pub mod error;
pub mod finish;
pub mod registry;
pub mod transport;
pub mod wire;

use crate::guide;
pub use crate::transcript::{Citation, Message, Role, Signature, ToolCall, Unshown, UnshownKind, Usage};
pub use error::{ErrorClass, ProviderError};
pub use finish::{Cut, FinishReason, Why};

/// What a model is asked: one turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// The model's id at its provider, e.g. `gpt-6.1-sol`.
    pub model: String,
    /// The same with its provider's name, `provider/model`: what was signed goes back to the one who gave it.
    pub label: String,
    /// The conversation so far, oldest first, ending with a user's message or with results.
    pub messages: Vec<Message>,
    /// The tools that are offered. Without any, neither calls nor results are sent.
    pub tools: Vec<Tool>,
    /// Sampling temperature; left out when `None`.
    pub temperature: Option<f64>,
    /// The most tokens that the answer may have; left out when `None`.
    pub max_tokens: Option<u64>,
    /// What the model has room for in its answer, if known: told where an API insists on a limit and the user set none.
    pub answer_room: Option<u64>,
    /// Further fields of the request's body, as the user configured them; they win over ours.
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// A tool that is offered to the model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tool {
    /// Its name: letters, digits and `_`, at most 64 of them.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// Its arguments, as a JSON schema.
    pub parameters: serde_json::Value,
}

/// What differs between servers that speak the same wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The name of the token limit in Chat Completions: `max_completion_tokens` (OpenAI) or `max_tokens` (most others).
    pub max_tokens_field: &'static str,
    /// Whether `stream_options: {include_usage: true}` is understood.
    pub include_usage: bool,
    /// Whether the models are OpenAI's own, some of which refuse what others take ([`wire::openai_models`]).
    pub openai_models: bool,
}

/// What a stream of an answer yields. Every stream ends in exactly one [`Event::Finished`] or [`Event::Error`].
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A piece of the answer's text. Never empty.
    Text(String),
    /// A piece of the model's reasoning, or of its summary. Never empty.
    Reasoning(String),
    /// A piece of a refusal: shown as text, kept apart. Never empty.
    Refusal(String),
    /// What the provider wants back, unchanged, of the reasoning before it, or of what it shows none of.
    Signature(Signature),
    /// A whole tool call.
    ToolCall(ToolCall),
    /// A source of what was said. The same one may come again.
    Citation(Citation),
    /// Something beside all these, which is named.
    Unshown(Unshown),
    /// The tokens used so far. A later one replaces an earlier one.
    Usage(Usage),
    /// Another model answers than the one that was asked.
    AnsweredBy(String),
    /// The request failed before its answer began, and is sent again after a wait.
    Retrying(transport::retry::Retrying),
    /// The server refused these fields of the request's body, and was asked without them.
    LeftOut(Vec<String>),
    /// The answer's end.
    Finished(FinishReason),
    /// The turn failed.
    Error(ProviderError),
}

/// Decodes the body of one streamed answer. Bytes may be cut anywhere.
///
/// After the terminal event (`Finished` or `Error`) a decoder yields nothing more, whatever it is fed.
pub trait Decoder: Send {
    /// Takes the next bytes of the body and appends the events that they complete.
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>);
    /// Says that the body has ended; appends what is left, and the terminal event if there was none.
    fn end(&mut self, out: &mut Vec<Event>);
}

/// The pause between two words of the guide: brisk, yet seen to stream.
const GUIDE_PAUSE: std::time::Duration = std::time::Duration::from_millis(8);
/// How long all pauses of an answer may take together: who starts anew waits for a long one too.
const GUIDE_PAUSES: std::time::Duration = std::time::Duration::from_millis(800);

/// Asks a provider on whichever wire it speaks, and hands its answer on in batches as it comes.
///
/// The last event sent is the terminal one. Dropping the future ends the request.
pub async fn ask(
    http: &transport::Http,
    provider: &registry::Provider,
    credentials: &crate::keys::Credentials,
    request: &Request,
    events: &tokio::sync::mpsc::Sender<Vec<Event>>,
) {
    match provider.offline {
        true => ask_guide(request, events).await,
        false => http.ask(provider, credentials, request, events).await,
    }
}

async fn ask_guide(request: &Request, events: &tokio::sync::mpsc::Sender<Vec<Event>>) {
    let answer = guide::answer(&request.messages);
    let pieces = guide::pieces(&answer);
    let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX).max(1);
    let pause = GUIDE_PAUSE.min(GUIDE_PAUSES / count);
    for piece in pieces {
        if events.send(vec![Event::Text(piece)]).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
    events.send(vec![Event::Finished(FinishReason::Stop)]).await.ok();
}
