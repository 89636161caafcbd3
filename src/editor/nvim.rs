//! Neovim behind the [`Editor`] trait: each operation is one call of `require("gpt.client.operations").apply(operation, data)`.

use std::future::Future;
use std::io;

use async_trait::async_trait;
use nvim_rs::Neovim;
use nvim_rs::error::{CallError, LoopError};
use rmpv::Value;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use super::event::Inbound;
use super::handler::EventHandler;
use super::{
    Act, AskEvent, Choice, Editor, EditorError, KeyForm, ShownBranch, ShownContext, ShownEnd, ShownKeyChange,
    ShownModel, ShownRetry, ShownTurn, ShownWish, transport, values,
};
use crate::keys::Redactor;
use crate::terms::{Notice, Voice};
use crate::transcript::{ChatId, MessageId};

/// What nvim-rs writes to.
pub type NvimWriter = Compat<transport::Writer>;

/// The Lua that every operation runs. Its answer is nil when it is done, or the event that followed from it at once; else
/// why it was not done.
const APPLY: &str = "return require('gpt.client.operations').apply(...)";

/// A connected Neovim.
#[derive(Clone)]
pub struct Nvim {
    nvim: Neovim<NvimWriter>,
    redactor: Redactor,
    /// Weak, since the inbox ends with the connection.
    inbox: mpsc::WeakSender<Inbound>,
}

/// Takes over standard input and output and speaks msgpack-RPC on them. Events go to `inbox`; the future returned runs
/// the connection and ends with it. `redactor` learns every key that is typed, and looks over all that is told.
pub fn connect(
    inbox: mpsc::Sender<Inbound>,
    redactor: Redactor,
) -> io::Result<(Nvim, impl Future<Output = Result<(), Box<LoopError>>>)> {
    let reader = transport::stdin()?.compat();
    let writer = transport::stdout()?.compat_write();
    let weak = inbox.downgrade();
    let (nvim, connection) = Neovim::new(reader, writer, EventHandler::new(inbox, redactor.clone()));
    let nvim = Nvim {
        nvim,
        redactor,
        inbox: weak,
    };
    Ok((nvim, connection))
}

/// Calls an operation of the view.
pub(super) async fn call(
    nvim: &Neovim<NvimWriter>,
    operation: &'static str,
    data: Value,
) -> Result<Result<Value, Value>, Box<CallError>> {
    let args = Value::Array(vec![Value::from(operation), data]);
    nvim.call("nvim_exec_lua", vec![Value::from(APPLY), args]).await
}

impl Nvim {
    /// Calls an operation of the view. The call runs in a task of its own, since nvim-rs's loop ends when a pending
    /// call is dropped.
    async fn apply(&self, operation: &'static str, data: Value) -> Result<(), EditorError> {
        let nvim = self.nvim.clone();
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            sender.send(call(&nvim, operation, data).await).ok();
        });
        let answer = receiver.await.map_err(|_| EditorError::Closed)?;
        match read_answer(answer) {
            Ok(None) => Ok(()),
            Ok(Some(event)) => {
                if let Some(inbox) = self.inbox.upgrade() {
                    EventHandler::new(inbox, self.redactor.clone()).hear(event).await;
                }
                Ok(())
            }
            Err(error) => {
                tracing::debug!(operation, %error, "the editor did not do it");
                Err(error)
            }
        }
    }

    async fn apply_data(&self, operation: &'static str, data: &impl Serialize) -> Result<(), EditorError> {
        let json = serde_json::to_value(data).map_err(|error| EditorError::Failed(error.to_string()))?;
        self.apply(operation, values::from_json(json)).await
    }

    /// The notice without any key of this session.
    fn clean(&self, notice: &Notice) -> Notice {
        let clean = |text: &String| self.redactor.redact(text).into_owned();
        Notice {
            level: notice.level,
            title: clean(&notice.title),
            advice: clean(&notice.advice),
            details: notice.details.iter().map(clean).collect(),
        }
    }
}

/// What the call came to: the event that followed from it, if one did.
fn read_answer(answer: Result<Result<Value, Value>, Box<CallError>>) -> Result<Option<serde_json::Value>, EditorError> {
    match answer {
        Err(_) => Err(EditorError::Closed),
        Ok(Err(error)) => Err(refusal(&lua_error(error))),
        Ok(Ok(Value::Nil)) => Ok(None),
        Ok(Ok(event @ Value::Map(_))) => Ok(Some(values::to_json(event))),
        Ok(Ok(other)) => Err(refusal(values::to_json(other).as_str().unwrap_or("unreadable"))),
    }
}

/// Sorts what Neovim or our Lua says by what is to be done about it: E565 (text locked) and E21 (not modifiable) pass,
/// a buffer that is gone does not come back.
fn refusal(message: &str) -> EditorError {
    let message = message.to_owned();
    let says = |word: &str| message.contains(word);
    if says("E565") || says("E21:") || says("not 'modifiable'") || says("'modifiable' is off") || says("E5108: busy") {
        EditorError::Busy(message)
    } else if says("Invalid buffer id") || says("gpt: gone") {
        EditorError::Gone(message)
    } else {
        EditorError::Failed(message)
    }
}

fn voice_name(voice: Voice) -> &'static str {
    match voice {
        Voice::Text => "text",
        Voice::Refusal => "refusal",
        Voice::Reasoning => "reasoning",
    }
}

/// The text of a msgpack-RPC error: `[type, message]`.
fn lua_error(error: Value) -> String {
    match values::to_json(error) {
        serde_json::Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        other => other.as_str().map_or_else(|| other.to_string(), str::to_owned),
    }
}

#[async_trait]
impl Editor for Nvim {
    async fn begin_turn(&self, turn: &ShownTurn) -> Result<(), EditorError> {
        self.apply_data("begin_turn", turn).await
    }

    async fn refuse(&self, chat: &ChatId, notice: &Notice) -> Result<(), EditorError> {
        self.apply_data("refuse", &serde_json::json!({ "chat": chat, "notice": notice }))
            .await
    }

    async fn show_branch(&self, branch: &ShownBranch) -> Result<(), EditorError> {
        self.apply_data("show_branch", branch).await
    }

    async fn retrying(&self, retry: &ShownRetry) -> Result<(), EditorError> {
        self.apply_data("retrying", retry).await
    }

    async fn append(
        &self,
        chat: &ChatId,
        answer: MessageId,
        voice: Voice,
        lines: Vec<String>,
    ) -> Result<(), EditorError> {
        let field = |name: &str, value: Value| (Value::from(name), value);
        let lines = Value::Array(lines.into_iter().map(Value::from).collect());
        let data = vec![
            field("chat", Value::from(chat.0.as_str())),
            field("answer", Value::from(answer.0)),
            field("voice", Value::from(voice_name(voice))),
            field("lines", lines),
        ];
        self.apply("append", Value::Map(data)).await
    }

    async fn end_turn(&self, end: &ShownEnd) -> Result<(), EditorError> {
        let notice = end.notice.as_ref().map(|notice| self.clean(notice));
        self.apply_data("end_turn", &ShownEnd { notice, ..end.clone() }).await
    }

    async fn ask_anew(&self, wish: &ShownWish) -> Result<(), EditorError> {
        self.apply_data("ask_anew", wish).await
    }

    async fn give_back(&self, chat: &ChatId) -> Result<(), EditorError> {
        self.apply_data("give_back", &serde_json::json!({ "chat": chat })).await
    }

    async fn show_request(&self, chat: &ChatId, lines: Vec<String>) -> Result<(), EditorError> {
        self.apply_data("show_request", &serde_json::json!({ "chat": chat, "lines": lines }))
            .await
    }

    async fn show_model(&self, model: &ShownModel) -> Result<(), EditorError> {
        self.apply_data("show_model", model).await
    }

    async fn refuse_question(&self, chat: &ChatId, notice: &Notice) -> Result<(), EditorError> {
        self.apply_data(
            "refuse_question",
            &serde_json::json!({ "chat": chat, "notice": notice }),
        )
        .await
    }

    async fn inform(&self, notice: &Notice) -> Result<(), EditorError> {
        self.apply_data("inform", &self.clean(notice)).await
    }

    async fn choose(&self, choice: &Choice) -> Result<(), EditorError> {
        let clean = |text: &String| self.redactor.redact(text).into_owned();
        let choice = Choice {
            question: choice.question,
            prompt: clean(&choice.prompt),
            choices: choice.choices.iter().map(clean).collect(),
        };
        self.apply_data("choose", &choice).await
    }

    async fn enter_key(&self, form: &KeyForm) -> Result<(), EditorError> {
        self.apply_data("enter_key", form).await
    }

    async fn context_found(&self, context: &ShownContext) -> Result<(), EditorError> {
        let notice = context.notice.as_ref().map(|notice| self.clean(notice));
        let context = ShownContext {
            notice,
            ..context.clone()
        };
        self.apply_data("context_found", &context).await
    }

    async fn context_refused(&self, chat: &ChatId, lookup: u64, notice: Option<&Notice>) -> Result<(), EditorError> {
        let notice = notice.map(|notice| self.clean(notice));
        let data = serde_json::json!({ "chat": chat, "lookup": lookup, "notice": notice });
        self.apply_data("context_refused", &data).await
    }

    async fn open_chat(&self, chat: &ChatId) -> Result<(), EditorError> {
        self.apply_data("open_chat", &serde_json::json!({ "chat": chat })).await
    }

    async fn close_chat(&self, chat: &ChatId) -> Result<(), EditorError> {
        self.apply_data("close_chat", &serde_json::json!({ "chat": chat }))
            .await
    }

    async fn key_changed(&self, change: &ShownKeyChange) -> Result<(), EditorError> {
        self.apply_data("key_changed", change).await
    }

    async fn tell_asker(&self, ticket: u64, events: Vec<AskEvent>) -> Result<(), EditorError> {
        let data = serde_json::json!({ "ticket": ticket, "events": events });
        self.apply_data("ask_events", &data).await
    }

    async fn forget_typed(&self, typed: &str) -> Result<(), EditorError> {
        self.apply_data("forget_typed", &serde_json::json!({ "typed": typed }))
            .await
    }

    async fn act(&self, act: &Act) -> Result<(), EditorError> {
        self.apply_data("act", act).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_text_is_tried_again_and_a_lost_buffer_is_let_go() {
        assert!(matches!(
            refusal("E565: Not allowed to change text or change window"),
            EditorError::Busy(_)
        ));
        assert!(matches!(refusal("Buffer is not 'modifiable'"), EditorError::Busy(_)));
        assert!(matches!(refusal("Invalid buffer id: 7"), EditorError::Gone(_)));
        assert!(matches!(
            refusal("attempt to index a nil value"),
            EditorError::Failed(_)
        ));
    }
}
