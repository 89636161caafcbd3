//! Receives what Neovim sends: notifications become events in the app's inbox, in order; requests are questions about
//! ourselves.

use async_trait::async_trait;
use nvim_rs::{Handler, Neovim};
use rmpv::Value;
use tokio::sync::{mpsc, oneshot};

use super::event::{EditorEvent, Inbound, KeyEvent, Question, Typed};
use super::nvim::{self, NvimWriter};
use super::values;
use crate::keys::Redactor;
use crate::transcript::ChatId;

/// The remote function that Neovim registers for us; its notifications are named by path, type and name
/// (`:help remote-plugin`).
const REMOTE_FUNCTION: &str = "GPTEvent";

/// Hands on what Neovim sends.
#[derive(Clone)]
pub struct EventHandler {
    inbox: mpsc::Sender<Inbound>,
    redactor: Redactor,
}

impl EventHandler {
    pub fn new(inbox: mpsc::Sender<Inbound>, redactor: Redactor) -> Self {
        Self { inbox, redactor }
    }

    /// An event, in order.
    pub(super) async fn hear(&self, payload: serde_json::Value) {
        let text = |field: &str| payload.get(field).and_then(|text| text.as_str()).map(str::to_owned);
        let name = text("event");
        let chat = text("chat")
            .filter(|_| name.as_deref().is_some_and(is_awaited))
            .map(ChatId);
        let inbound = match EditorEvent::read(payload) {
            Ok(event) => {
                if let EditorEvent::Key(KeyEvent::KeyEntered {
                    key: Typed(Ok(key)), ..
                }) = &event
                {
                    self.redactor.learn(key);
                }
                Inbound::Event(event)
            }
            Err(error) => {
                let expected = expected(&error);
                tracing::error!(event = name, expected, "an event that cannot be read");
                Inbound::Unreadable {
                    event: name,
                    chat,
                    expected,
                }
            }
        };
        self.inbox.send(inbound).await.ok();
    }

    /// A question whose answer is waited for no longer than the editor likes: it comes as a call of its own.
    fn answer(&self, args: Vec<Value>, nvim: Neovim<NvimWriter>) {
        let mut args = args.into_iter();
        let (Some(name), Some(ticket)) = (args.next(), args.next().and_then(|ticket| ticket.as_u64())) else {
            return;
        };
        let about = args.next().map_or(serde_json::Value::Null, values::to_json);
        let Some(question) = name.as_str().and_then(|name| question(name, about)) else {
            return;
        };
        let handler = self.clone();
        tokio::spawn(async move {
            if let Ok(answer) = handler.ask(question).await {
                nvim::answer(&nvim, ticket, answer).await;
            }
        });
    }

    async fn ask(&self, question: Question) -> Result<serde_json::Value, Value> {
        let (sender, receiver) = oneshot::channel();
        self.inbox.send(Inbound::Question(question, sender)).await.ok();
        receiver.await.map_err(|_| Value::from("gpt-nvim: no answer"))
    }
}

#[async_trait]
impl Handler for EventHandler {
    type Writer = NvimWriter;

    async fn handle_notify(&self, name: String, args: Vec<Value>, nvim: Neovim<NvimWriter>) {
        if name == "gpt_question" {
            return self.answer(args, nvim);
        }
        match payload(&name, args) {
            Some(payload) => self.hear(payload).await,
            None => tracing::debug!(method = %name, "a notification that is not for us"),
        }
    }

    async fn handle_request(&self, name: String, _: Vec<Value>, _: Neovim<NvimWriter>) -> Result<Value, Value> {
        match name.as_str() {
            "specs" => Ok(specs()),
            "version" => Ok(Value::from(env!("CARGO_PKG_VERSION"))),
            other => match question(other, serde_json::Value::Null) {
                Some(question) => self.ask(question).await.map(values::from_json),
                None => Err(Value::from(format!("gpt-nvim: no method {name}"))),
            },
        }
    }
}

/// A question by its name; `about`: what else it says.
fn question(name: &str, about: serde_json::Value) -> Option<Question> {
    match name {
        "key_providers" => Some(Question::KeyProviders),
        "models" => Some(Question::Models),
        "health" => Some(Question::Health),
        "files" => serde_json::from_value(about).ok().map(Question::Files),
        _ => None,
    }
}

/// Whether a chat waits for what comes of such an event.
fn is_awaited(event: &str) -> bool {
    matches!(event, "sent" | "regenerated" | "branch_switched")
}

/// What was expected where an event cannot be read. The rest of the error may quote what is there, which may be a key.
fn expected(error: &serde_json::Error) -> Option<String> {
    let said = error.to_string();
    let (_, expected) = said.rsplit_once("expected ")?;
    Some(expected.to_owned())
}

/// The event in a notification: from the remote function, whose arguments come in a list, or sent directly.
fn payload(method: &str, args: Vec<Value>) -> Option<serde_json::Value> {
    let first = args.into_iter().next()?;
    let event = match first {
        Value::Array(inner) if method.ends_with(&format!(":function:{REMOTE_FUNCTION}")) => inner.into_iter().next()?,
        direct if method == "gpt_event" => direct,
        _ => return None,
    };
    Some(values::to_json(event))
}

/// What `:UpdateRemotePlugins` asks for: our one remote function, which is not waited for.
fn specs() -> Value {
    let entry = |key: &str, value: Value| (Value::from(key), value);
    Value::Array(vec![Value::Map(vec![
        entry("type", Value::from("function")),
        entry("name", Value::from(REMOTE_FUNCTION)),
        entry("sync", Value::from(false)),
        entry("opts", Value::Map(Vec::new())),
    ])])
}
