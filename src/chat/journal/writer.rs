//! Writes a chat into the history: what cannot be written now is tried again with what comes next.

use std::collections::HashMap;

use tokio::sync::mpsc;

use super::known::{Known, Unsaved, fingerprint};
use super::{Entry, Snapshot};
use crate::chat::archive::Archive;
use crate::chat::{ChatId, Message, MessageId};
use crate::history::{self, ChatInfo, End, History, HistoryError, MessageRef, PartKind, State, Turn, blocks, now};

/// What writes one chat.
pub(super) struct Writer {
    chat: ChatId,
    archive: Archive,
    history: History,
    known: Known,
    /// The answer that is being written.
    open: Option<MessageId>,
    /// What the history says is shown, as far as we know.
    head: Option<u64>,
    /// What could not be saved yet.
    missed: Option<Missed>,
    /// The end of an answer that could not be written yet.
    unended: Option<Unended>,
}

/// A turn that could not be saved: at its beginning, or with its end.
struct Missed {
    info: ChatInfo,
    snapshot: Snapshot,
    end: Option<End>,
}

/// An answer that is in the history, and has ended, which the history does not have.
struct Unended {
    answer: MessageId,
    end: End,
    text: u64,
}

impl Writer {
    /// `known` are the messages that the history has, and `head` the one that is shown last.
    pub(super) fn new(chat: ChatId, archive: Archive, history: History, known: Known, head: Option<u64>) -> Self {
        Self {
            chat,
            archive,
            history,
            known,
            open: None,
            head,
            missed: None,
            unended: None,
        }
    }

    /// Writes what comes, until nothing more can.
    pub(super) async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Entry>) {
        while let Some(entry) = entries.recv().await {
            match entry {
                Entry::Turn { info, snapshot, saved } => {
                    self.begin(info, snapshot).await;
                    saved.send(()).ok();
                }
                Entry::Piece(answer, kind, content) => {
                    if let Some(message) = self.place(answer) {
                        self.history.append(&message, kind, &content);
                    }
                }
                Entry::End {
                    info,
                    snapshot,
                    answer,
                    is_cut_back,
                    end,
                } => {
                    if is_cut_back {
                        self.cut_back(&snapshot, answer).await;
                    }
                    self.end(info, snapshot, answer, end).await;
                }
                Entry::Head(message) => self.show(message).await,
                Entry::All(info, snapshot) => drop(self.save(info, snapshot, None).await),
            }
        }
        self.leave().await;
    }

    fn place(&self, message: MessageId) -> Option<MessageRef> {
        let id = self.known.stored(message)?;
        Some(MessageRef {
            chat: self.chat.0.clone(),
            id,
        })
    }

    /// Adds to answers that were broken off what only the screen still had of them.
    async fn complete(&self, snapshot: &Snapshot) {
        for (message, _) in snapshot {
            let text = fingerprint(&message.text());
            let (Some(more), Some(place)) = (message.unkept(), self.place(message.id)) else {
                continue;
            };
            if self.known.text(message.id) == Some(text) {
                continue;
            }
            self.history.append(&place, PartKind::Text, &more);
            if self.history.finish(&place, interrupted()).await.is_ok() {
                self.known.note_text(message.id, text);
            }
        }
    }

    /// Saves a turn's beginning, after what could not be saved before: if that still cannot, neither is tried.
    async fn begin(&mut self, info: ChatInfo, snapshot: Snapshot) {
        let is_up_to_date = self.catch_up().await;
        self.open = snapshot.last().map(|(answer, _)| answer.id);
        if is_up_to_date {
            self.complete(&snapshot).await;
            self.save(info, snapshot, None).await;
        } else {
            let end = None;
            self.missed = Some(Missed { info, snapshot, end });
        }
    }

    /// Tries again what could not be written. Whether nothing of that is left.
    async fn catch_up(&mut self) -> bool {
        if let Some(unended) = self.unended.take() {
            match self.finish(unended.answer, &unended.end).await {
                Ok(()) => self.known.note_text(unended.answer, unended.text),
                Err(error) if error.is_passing() => {
                    self.unended = Some(unended);
                    return false;
                }
                Err(_) => {} // its chat was deleted
            }
        }
        let Some(Missed { info, snapshot, end }) = self.missed.take() else {
            return true;
        };
        self.open = snapshot.last().map(|(answer, _)| answer.id);
        let has_ended = end.is_some();
        let saved = self.save(info, snapshot, end).await;
        if has_ended {
            self.open = None;
        }
        saved
    }

    /// Saves what is new. What the history has lost (its file was damaged, or the chat deleted) is saved once more. What
    /// cannot be saved now is kept for later; then it is false.
    async fn save(&mut self, info: ChatInfo, snapshot: Snapshot, end: Option<End>) -> bool {
        self.missed = None; // this has all of it
        for _ in 0..3 {
            self.known.set_saving(true);
            let saved = self.try_to_save(&info, &snapshot, end.as_ref()).await;
            self.known.set_saving(false);
            match saved {
                Ok(()) => return true,
                Err(HistoryError::NoMessage { .. } | HistoryError::NoChat(_)) => self.known.forget(),
                Err(HistoryError::Corrupt { set_aside: Some(_), .. }) => {} // a new file stands there
                Err(error) => {
                    self.archive.complain(&error);
                    break;
                }
            }
        }
        self.missed = Some(Missed { info, snapshot, end });
        false
    }

    async fn try_to_save(
        &mut self,
        info: &ChatInfo,
        snapshot: &Snapshot,
        end: Option<&End>,
    ) -> Result<(), HistoryError> {
        let unsaved = self.known.unsaved(snapshot);
        let at = now();
        let record = |unsaved: &Unsaved| {
            let (message, _) = snapshot.get(unsaved.index)?;
            let is_answer = self.open == Some(message.id);
            Some(record(message, unsaved.number, unsaved.parent, is_answer, end, at))
        };
        let messages: Vec<history::Message> = unsaved.iter().filter_map(record).collect();
        if messages.is_empty() {
            return Ok(());
        }
        let turn = Turn {
            chat: info.clone(),
            messages,
            at,
        };
        let saved = self.history.save_turn(turn).await?;
        let mut numbers = HashMap::new();
        for (message, id) in unsaved.into_iter().zip(saved.ids) {
            numbers.insert(message.number, id);
            let parent = message
                .parent
                .map(|parent| numbers.get(&parent).copied().unwrap_or(parent));
            let text = snapshot.get(message.index).map(|(message, _)| message.text());
            self.known
                .note(message.here, id, parent, text.as_deref().unwrap_or_default());
            self.head = Some(id);
        }
        Ok(())
    }

    /// Takes out of the history what an answer does not say any more. What cannot be written now stays there, and the
    /// next turn saves what the answer says beside it.
    async fn cut_back(&self, snapshot: &Snapshot, answer: MessageId) {
        let message = snapshot.iter().find(|(message, _)| message.id == answer);
        if let (Some((message, _)), Some(place)) = (message, self.place(answer))
            && let Err(error) = self.history.rewrite(&place, blocks::parts(&message.blocks)).await
        {
            self.archive.complain(&error);
        }
    }

    async fn end(&mut self, info: ChatInfo, snapshot: Snapshot, answer: MessageId, end: End) {
        let text = snapshot.iter().find(|(message, _)| message.id == answer);
        let text = text.map(|(message, _)| message.text());
        let text = fingerprint(text.as_deref().unwrap_or_default());
        match self.finish(answer, &end).await {
            Ok(()) => self.known.note_text(answer, text),
            // A chat that was deleted meanwhile stays so, until something is said in it.
            Err(HistoryError::NoMessage { .. }) => self.known.forget(),
            Err(HistoryError::NoChat(_)) => drop(self.save(info, snapshot, Some(end)).await),
            Err(error) => {
                self.archive.complain(&error);
                self.unended = Some(Unended { answer, end, text });
            }
        }
        self.open = None;
    }

    /// Ends an answer in the history.
    ///
    /// # Errors
    /// [`HistoryError::NoChat`] if it has to be saved as a whole: nothing of it is there, or was in a damaged file.
    async fn finish(&self, answer: MessageId, end: &End) -> Result<(), HistoryError> {
        let nowhere = || HistoryError::NoChat(self.chat.0.clone());
        let message = self.place(answer).ok_or_else(nowhere)?;
        match self.history.finish(&message, end.clone()).await {
            Err(HistoryError::Corrupt { set_aside: Some(_), .. }) => {}
            finished => return finished,
        }
        match self.history.finish(&message, end.clone()).await {
            Err(HistoryError::NoMessage { .. }) => {
                self.known.forget();
                Err(nowhere())
            }
            finished => finished,
        }
    }

    /// Which branch is shown matters to nobody but the next one to open the chat: a failure is none.
    async fn show(&mut self, message: MessageId) {
        let Some(head) = self.known.stored(message) else { return };
        let shown = self.history.set_head(&self.chat.0, self.head, head).await;
        if let Ok(true) = shown {
            self.head = Some(head);
        }
    }

    /// The chat is closed: what was being said ends here.
    async fn leave(&mut self) {
        self.catch_up().await;
        if let Some(message) = self.open.take().and_then(|answer| self.place(answer)) {
            self.history.finish(&message, interrupted()).await.ok();
        }
        self.history.release(&self.chat.0).await.ok();
    }
}

/// The end of an answer that was broken off.
fn interrupted() -> End {
    End {
        state: State::Interrupted,
        finish: None,
        usage: None,
        notices: Vec::new(),
        at: now(),
    }
}

/// A message as the history keeps it.
fn record(
    message: &Message,
    id: u64,
    parent: Option<u64>,
    is_answer: bool,
    end: Option<&End>,
    at: history::Time,
) -> history::Message {
    let mut kept = history::Message::new(id, parent, message.role, "", at);
    kept.parts = blocks::parts(&message.blocks);
    if let Some((provider, model)) = message.label.split_once('/') {
        kept.provider = Some(provider.to_owned());
        kept.model = Some(model.to_owned());
    }
    if let Some(word) = &message.cut {
        (kept.state, kept.finish) = (State::Cut, Some(word.clone()));
    }
    if is_answer {
        kept.state = end.map_or(State::Streaming, |end| end.state);
        kept.finish = end.and_then(|end| end.finish.clone());
        kept.usage = end.and_then(|end| end.usage);
        kept.notices = end.map(|end| end.notices.clone()).unwrap_or_default();
    }
    kept
}
