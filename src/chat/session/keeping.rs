//! The chat's place in the history: what that has of it, and what is written into it from then on.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::others::Looked;
use super::titles::title;
use super::{Running, Task};
use crate::chat::conversation::Event;
use crate::chat::journal::{Journal, Known, Snapshot};
use crate::chat::recall::{self, Recalled};
use crate::chat::{MessageId, Role, Voice};
use crate::history::{Chat, ChatInfo, End, History, PartKind};
use crate::provider::registry::Target;
use crate::transcript::Block;

/// How long a chat is looked for in the history before it goes on without.
const RECALLING: Duration = Duration::from_secs(8);
/// How long a question waits for a history that could not be opened before.
const TAKING_UP: Duration = Duration::from_secs(1);

/// The chat's place in the history.
pub(super) struct Kept {
    pub(super) history: History,
    journal: Journal,
    writing: JoinHandle<()>,
    pub(super) known: Known,
    /// The chat, whenever another process has written into it.
    pub(super) changes: (mpsc::Sender<Chat>, mpsc::Receiver<Chat>),
    /// Where another process has the chat open.
    pub(super) following: Option<Running>,
    /// What looks have shown.
    pub(super) looked: (mpsc::Sender<Looked>, mpsc::Receiver<Looked>),
    pub(super) looking: Option<Running>,
    /// The number of an answer that another process writes, whose end is still to be told.
    pub(super) growing: Option<u64>,
}

impl Task {
    /// Looks what the history has of this chat, and starts to write into it.
    pub(super) async fn recall(&mut self) -> Result<Recalled, ()> {
        let Ok(Some(history)) = timeout(RECALLING, self.archive.history()).await else {
            return Err(());
        };
        let recalled = match timeout(RECALLING, recall::recall(&history, &self.chat.0)).await {
            Ok(Ok(recalled)) => recalled,
            Ok(Err(error)) => {
                self.archive.complain(&error);
                Recalled::default()
            }
            Err(_) => Recalled::default(),
        };
        let mut head = None;
        if let Some(chat) = &recalled.chat {
            recall::fill(&mut self.conversation, &self.known, chat);
            self.facts = recall::facts(chat, |id| Some(MessageId(id)));
            head = chat.head;
        }
        self.keep(history, head);
        if let (Some(kept), false) = (&mut self.kept, recalled.holders.is_empty()) {
            kept.follow(&self.chat.0);
            kept.growing = recalled.chat.as_ref().and_then(recall::growing);
        }
        Ok(recalled)
    }

    /// Begins to write into a history that could not be opened until now. All of the chat goes into it.
    pub(super) async fn take_up(&mut self, event: &Event) {
        let asks = matches!(event, Event::Sent { .. } | Event::Regenerated { .. });
        if self.kept.is_none()
            && asks
            && let Ok(Some(history)) = timeout(TAKING_UP, self.archive.history()).await
        {
            self.keep(history, None);
        }
    }

    /// Writes what is not written yet; ends when all of it is.
    pub(super) async fn keep_rest(&mut self) {
        self.keep_late().await;
        if let Some(kept) = self.kept.take() {
            drop(kept.journal);
            kept.writing.await.ok();
        }
    }

    /// The last chance of a chat that nobody could keep while it was spoken in.
    async fn keep_late(&mut self) {
        if self.kept.is_some() || self.conversation.messages().is_empty() {
            return;
        }
        let Ok(Some(history)) = timeout(RECALLING, self.archive.history()).await else {
            return;
        };
        self.keep(history, None);
        let target = self.settings.borrow().target.clone();
        let snapshot = self.conversation.all();
        if let Some(kept) = &self.kept {
            kept.journal.all(self.info(&snapshot, &target), snapshot);
        }
    }

    /// Begins to write into the history, which shows this message last.
    fn keep(&mut self, history: History, head: Option<u64>) {
        let (journal, writing) = Journal::start(
            self.chat.clone(),
            self.archive.clone(),
            history.clone(),
            self.known.clone(),
            head,
        );
        self.kept = Some(Kept {
            history,
            journal,
            writing,
            known: self.known.clone(),
            changes: mpsc::channel(1),
            following: None,
            looked: mpsc::channel(1),
            looking: None,
            growing: None,
        });
    }

    /// Writes down the turn that begins; told once its question is on the disk.
    pub(super) fn keep_beginning(&self, target: &Target) -> Option<oneshot::Receiver<()>> {
        let kept = self.kept.as_ref()?;
        let snapshot = self.conversation.all();
        Some(kept.journal.begin(self.info(&snapshot, target), snapshot))
    }

    /// Writes down which branch is shown.
    pub(super) fn keep_head(&self) {
        if let (Some(kept), Some(last)) = (&self.kept, self.conversation.messages().last()) {
            kept.journal.head(last.id);
        }
    }

    /// Writes down a piece of an answer's text, or of its reasoning.
    pub(super) fn keep_text(&self, answer: MessageId, voice: Voice, text: &str) {
        let kind = match voice {
            Voice::Text | Voice::Refusal => PartKind::Text,
            Voice::Reasoning => PartKind::Reasoning,
        };
        if let Some(kept) = &self.kept {
            kept.journal.piece(answer, kind, text.to_owned());
        }
    }

    /// Writes down what an answer holds beside.
    pub(super) fn keep_block(&self, answer: MessageId, block: &Block) {
        if let Some(kept) = &self.kept {
            kept.journal.block(answer, block);
        }
    }

    /// Writes down how a turn ended, and that the answer was cut back by then.
    pub(super) fn keep_end(&self, answer: MessageId, target: &Target, is_cut_back: bool, end: End) {
        if let Some(kept) = &self.kept {
            let snapshot = self.conversation.all();
            let info = self.info(&snapshot, target);
            kept.journal.end(info, snapshot, answer, is_cut_back, end);
        }
    }

    /// The chat as the history has it from its start.
    fn info(&self, snapshot: &Snapshot, target: &Target) -> ChatInfo {
        let question = snapshot.iter().find(|(message, _)| message.role == Role::User);
        ChatInfo {
            id: self.chat.0.clone(),
            title: title(&question.map(|(message, _)| message.text()).unwrap_or_default()),
            project: self.about.project.clone(),
            provider: target.provider.name.clone(),
            model: target.model.clone(),
            created: self.created,
        }
    }
}
