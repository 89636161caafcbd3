//! Neovim behind the [`Editor`] trait: each operation is one call of `require("gpt.client.operations").apply(operation, data)`.

use std::future::Future;
use std::io;

use async_trait::async_trait;
use nvim_rs::Neovim;
use nvim_rs::error::LoopError;
use rmpv::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use super::event::Inbound;
use super::handler::EventHandler;
use super::protocol::{self, Operation};
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

/// Calls an operation, by its name; returns the event that followed from it, if one did.
async fn call(nvim: &Neovim<NvimWriter>, name: String, data: Value) -> Result<Option<serde_json::Value>, EditorError> {
    let args = Value::Array(vec![Value::from(name), data]);
    match nvim.call("nvim_exec_lua", vec![Value::from(APPLY), args]).await {
        Err(_) => Err(EditorError::Closed),
        Ok(Err(error)) => Err(EditorError::Failed(lua_error(error))),
        Ok(Ok(answer)) => protocol::read_answer(answer),
    }
}

/// Answers a question of the editor's.
pub(super) async fn answer(nvim: &Neovim<NvimWriter>, ticket: u64, answer: serde_json::Value) {
    if let Ok((name, data)) = (Operation::Answered { ticket, answer }).parts() {
        call(nvim, name, data).await.ok();
    }
}

impl Nvim {
    /// Carries out an operation. The call runs in a task of its own, since nvim-rs's loop ends when a pending call is
    /// dropped.
    async fn apply(&self, operation: Operation<'_>) -> Result<(), EditorError> {
        let (name, data) = operation.parts()?;
        let (nvim, called) = (self.nvim.clone(), name.clone());
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            sender.send(call(&nvim, called, data).await).ok();
        });
        match receiver.await.unwrap_or(Err(EditorError::Closed)) {
            Ok(None) => Ok(()),
            Ok(Some(event)) => {
                if let Some(inbox) = self.inbox.upgrade() {
                    EventHandler::new(inbox, self.redactor.clone()).hear(event).await;
                }
                Ok(())
            }
            Err(error) => {
                tracing::debug!(operation = name, %error, "the editor did not do it");
                Err(error)
            }
        }
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
        self.apply(Operation::BeginTurn(turn)).await
    }

    async fn refuse(&self, chat: &ChatId, notice: &Notice) -> Result<(), EditorError> {
        self.apply(Operation::Refuse { chat, notice }).await
    }

    async fn show_branch(&self, branch: &ShownBranch) -> Result<(), EditorError> {
        self.apply(Operation::ShowBranch(branch)).await
    }

    async fn retrying(&self, retry: &ShownRetry) -> Result<(), EditorError> {
        self.apply(Operation::Retrying(retry)).await
    }

    async fn append(
        &self,
        chat: &ChatId,
        answer: MessageId,
        voice: Voice,
        lines: Vec<String>,
    ) -> Result<(), EditorError> {
        let operation = Operation::Append {
            chat,
            answer,
            voice,
            lines,
        };
        self.apply(operation).await
    }

    async fn end_turn(&self, end: &ShownEnd) -> Result<(), EditorError> {
        let notice = end.notice.as_ref().map(|notice| self.clean(notice));
        self.apply(Operation::EndTurn(&ShownEnd { notice, ..end.clone() }))
            .await
    }

    async fn ask_anew(&self, wish: &ShownWish) -> Result<(), EditorError> {
        self.apply(Operation::AskAnew(wish)).await
    }

    async fn give_back(&self, chat: &ChatId) -> Result<(), EditorError> {
        self.apply(Operation::GiveBack { chat }).await
    }

    async fn show_request(&self, chat: &ChatId, lines: Vec<String>) -> Result<(), EditorError> {
        self.apply(Operation::ShowRequest { chat, lines }).await
    }

    async fn show_model(&self, model: &ShownModel) -> Result<(), EditorError> {
        self.apply(Operation::ShowModel(model)).await
    }

    async fn refuse_question(&self, chat: &ChatId, notice: &Notice) -> Result<(), EditorError> {
        self.apply(Operation::RefuseQuestion { chat, notice }).await
    }

    async fn inform(&self, notice: &Notice) -> Result<(), EditorError> {
        self.apply(Operation::Inform(&self.clean(notice))).await
    }

    async fn choose(&self, choice: &Choice) -> Result<(), EditorError> {
        let clean = |text: &String| self.redactor.redact(text).into_owned();
        let choice = Choice {
            question: choice.question,
            prompt: clean(&choice.prompt),
            choices: choice.choices.iter().map(clean).collect(),
        };
        self.apply(Operation::Choose(&choice)).await
    }

    async fn enter_key(&self, form: &KeyForm) -> Result<(), EditorError> {
        self.apply(Operation::EnterKey(form)).await
    }

    async fn context_found(&self, context: &ShownContext) -> Result<(), EditorError> {
        let notice = context.notice.as_ref().map(|notice| self.clean(notice));
        let context = ShownContext {
            notice,
            ..context.clone()
        };
        self.apply(Operation::ContextFound(&context)).await
    }

    async fn context_refused(&self, chat: &ChatId, lookup: u64, notice: Option<&Notice>) -> Result<(), EditorError> {
        let notice = notice.map(|notice| self.clean(notice));
        let operation = Operation::ContextRefused {
            chat,
            lookup,
            notice: notice.as_ref(),
        };
        self.apply(operation).await
    }

    async fn open_chat(&self, chat: &ChatId) -> Result<(), EditorError> {
        self.apply(Operation::OpenChat { chat }).await
    }

    async fn close_chat(&self, chat: &ChatId) -> Result<(), EditorError> {
        self.apply(Operation::CloseChat { chat }).await
    }

    async fn key_changed(&self, change: &ShownKeyChange) -> Result<(), EditorError> {
        self.apply(Operation::KeyChanged(change)).await
    }

    async fn tell_asker(&self, ticket: u64, events: Vec<AskEvent>) -> Result<(), EditorError> {
        self.apply(Operation::AskEvents { ticket, events }).await
    }

    async fn forget_typed(&self, typed: &str) -> Result<(), EditorError> {
        self.apply(Operation::ForgetTyped { typed }).await
    }

    async fn act(&self, act: &Act) -> Result<(), EditorError> {
        self.apply(Operation::Act(act)).await
    }
}
