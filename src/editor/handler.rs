//! What Neovim sends: notifications become events in the app's inbox, in order; requests are questions about ourselves.

use async_trait::async_trait;
use nvim_rs::{Handler, Neovim};
use rmpv::Value;
use tokio::sync::{mpsc, oneshot};

use super::event::{EditorEvent, Inbound, Question};
use super::nvim::NvimWriter;
use super::values;

/// The remote function that Neovim registers for us; its notifications are named by path, type and name
/// (`:help remote-plugin`).
const REMOTE_FUNCTION: &str = "GPTEvent";

/// Hands on what Neovim sends.
#[derive(Clone)]
pub struct EventHandler {
    inbox: mpsc::Sender<Inbound>,
}

impl EventHandler {
    pub fn new(inbox: mpsc::Sender<Inbound>) -> Self {
        Self { inbox }
    }
}

impl EventHandler {
    async fn ask(&self, question: Question) -> Result<Value, Value> {
        let (sender, receiver) = oneshot::channel();
        self.inbox.send(Inbound::Question(question, sender)).await.ok();
        let answer = receiver.await.map_err(|_| Value::from("gpt-nvim: no answer"))?;
        Ok(values::from_json(answer))
    }
}

#[async_trait]
impl Handler for EventHandler {
    type Writer = NvimWriter;

    async fn handle_notify(&self, name: String, args: Vec<Value>, _: Neovim<NvimWriter>) {
        let Some(payload) = payload(&name, args) else {
            tracing::debug!(method = %name, "a notification that is not for us");
            return;
        };
        match serde_json::from_value::<EditorEvent>(payload) {
            Ok(event) => drop(self.inbox.send(Inbound::Event(event)).await),
            // The error may quote what it could not read, so it is told by its place alone.
            Err(error) => tracing::error!(column = error.column(), "an event that cannot be read"),
        }
    }

    async fn handle_request(&self, name: String, _: Vec<Value>, _: Neovim<NvimWriter>) -> Result<Value, Value> {
        match name.as_str() {
            "specs" => Ok(specs()),
            "key_providers" => self.ask(Question::KeyProviders).await,
            "models" => self.ask(Question::Models).await,
            "health" => self.ask(Question::Health).await,
            "version" => Ok(Value::from(env!("CARGO_PKG_VERSION"))),
            _ => Err(Value::from(format!("gpt-nvim: no method {name}"))),
        }
    }
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
