//! Carries out the commands of the history: `:GPT history`, `rename`, `delete`, `fork`, `export`, `history clear`.

pub mod commands;

use std::collections::HashMap;

use commands::HistoryCommands;

use super::shared::Shared;
use crate::chat::session::Session;
use crate::chat::{ChatId, MessageId};
use crate::editor::event::HistoryEvent;

/// Does what the user wants of the history, beside all else.
pub fn handle(event: HistoryEvent, shared: &Shared, running: &HashMap<ChatId, Session>) {
    let history = HistoryCommands {
        archive: shared.archive.clone(),
        dialog: shared.dialog.clone(),
        editor: shared.editor.clone(),
        locale: shared.locale(),
    };
    // A message that others' messages took the number of has another one in the history.
    let stored = |chat: &ChatId, at: MessageId| running.get(chat)?.stored(at);
    match event {
        HistoryEvent::HistoryRequested { words, project } => {
            tokio::spawn(async move { history.pick(words, project).await });
        }
        HistoryEvent::ResumeOffered { project } => {
            tokio::spawn(async move { history.offer_last(project).await });
        }
        HistoryEvent::HistoryClearRequested => {
            tokio::spawn(async move { history.clear().await });
        }
        HistoryEvent::ChatRenamed { chat, title } => {
            tokio::spawn(async move { history.rename(chat, title).await });
        }
        HistoryEvent::ChatDeletionRequested { chat } => {
            tokio::spawn(async move { history.delete(chat).await });
        }
        HistoryEvent::ChatForked { chat, new, at } => {
            let at = at.map(|at| stored(&chat, at).unwrap_or(at.0));
            tokio::spawn(async move { history.fork(chat, new, at).await });
        }
        HistoryEvent::ChatExported { chat, path } => {
            tokio::spawn(async move { history.export(chat, path).await });
        }
    }
}
