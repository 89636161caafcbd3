//! Hands a chat on to the history, in order, as it happens. The chat never waits for it, except with a request: that
//! leaves when its question is on the disk.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::chat::archive::Archive;
use crate::chat::{ChatId, Message, MessageId};
use crate::history::{
    self, ChatInfo, End, History, HistoryError, MessageRef, Part, PartKind, State, Turn, blocks, now,
};
use crate::transcript::{Block, trim_blank_lines};

/// Why an answer ended in which the model refused, as the history keeps it: most providers call that a plain end.
pub const REFUSAL: &str = "refusal";

/// What a chat holds at some time: every message with the one before it, parents before children, what is shown last.
pub type Snapshot = Vec<(Message, Option<MessageId>)>;

/// What happens to a chat.
#[derive(Debug)]
enum Entry {
    /// A turn begins; its answer is the snapshot's last message. `saved` is told, or dropped, when it is on the disk.
    Turn {
        info: ChatInfo,
        snapshot: Snapshot,
        saved: oneshot::Sender<()>,
    },
    /// An answer goes on.
    Piece(MessageId, PartKind, String),
    /// An answer has ended.
    End {
        info: ChatInfo,
        snapshot: Snapshot,
        answer: MessageId,
        /// Whether it says less than its pieces did.
        is_cut_back: bool,
        end: End,
    },
    /// Another branch is shown.
    Head(MessageId),
    /// What there is of the chat, which nobody could keep before.
    All(ChatInfo, Snapshot),
}

/// The way into the history for one chat. When it is dropped, what waits is written, and then its task ends.
#[derive(Debug)]
pub struct Journal {
    // Unbounded: it holds no more than what an answer says while a write is stuck.
    entries: mpsc::UnboundedSender<Entry>,
}

impl Journal {
    /// Starts writing. `known` are the messages that the history has, and `head` the one that is shown last.
    pub fn start(
        chat: ChatId,
        archive: Archive,
        history: History,
        known: Known,
        head: Option<u64>,
    ) -> (Self, JoinHandle<()>) {
        let (entries, inbox) = mpsc::unbounded_channel();
        let writing = Writing {
            chat,
            archive,
            history,
            known,
            open: None,
            head,
            missed: None,
            unended: None,
        };
        (Self { entries }, tokio::spawn(writing.run(inbox)))
    }

    /// A turn begins. What is returned is told when it is on the disk, or cannot be.
    pub fn begin(&self, info: ChatInfo, snapshot: Snapshot) -> oneshot::Receiver<()> {
        let (saved, told) = oneshot::channel();
        self.add(Entry::Turn { info, snapshot, saved });
        told
    }

    /// An answer goes on.
    pub fn piece(&self, answer: MessageId, kind: PartKind, content: String) {
        self.add(Entry::Piece(answer, kind, content));
    }

    /// An answer holds a block more.
    pub fn block(&self, answer: MessageId, block: &Block) {
        for Part { kind, content } in blocks::of_block(block) {
            self.piece(answer, kind, content);
        }
    }

    /// An answer has ended; `is_cut_back`: it says less than its pieces did, as the snapshot has it.
    pub fn end(&self, info: ChatInfo, snapshot: Snapshot, answer: MessageId, is_cut_back: bool, end: End) {
        self.add(Entry::End {
            info,
            snapshot,
            answer,
            is_cut_back,
            end,
        });
    }

    /// Another branch is shown, which ends with this message.
    pub fn head(&self, message: MessageId) {
        self.add(Entry::Head(message));
    }

    /// Keeps a chat that could not be kept while it was spoken in.
    pub fn all(&self, info: ChatInfo, snapshot: Snapshot) {
        self.add(Entry::All(info, snapshot));
    }

    fn add(&self, entry: Entry) {
        self.entries.send(entry).ok();
    }
}

/// A message as the history has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    id: u64,
    parent: Option<u64>,
    text: u64,
}

/// Which messages the history has, and under which numbers. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub struct Known {
    messages: Arc<Mutex<HashMap<MessageId, Stored>>>,
    /// Whether messages are being saved: the history may have some that are not noted yet.
    saving: Arc<AtomicBool>,
}

impl Known {
    /// Notes a message that is in the history.
    pub fn note(&self, here: MessageId, id: u64, parent: Option<u64>, text: &str) {
        let text = fingerprint(text);
        self.all().insert(here, Stored { id, parent, text });
    }

    /// The message's number here, by that in the history.
    pub fn here(&self, stored: u64) -> Option<MessageId> {
        self.all()
            .iter()
            .find(|(_, other)| other.id == stored)
            .map(|(here, _)| *here)
    }

    /// The message's number in the history.
    pub fn stored(&self, here: MessageId) -> Option<u64> {
        self.all().get(&here).map(|stored| stored.id)
    }

    /// What the message says in the history, as a fingerprint.
    fn text(&self, here: MessageId) -> Option<u64> {
        self.all().get(&here).map(|stored| stored.text)
    }

    /// The highest number in the history that is known; 0 if there is none.
    pub fn highest(&self) -> u64 {
        self.all().values().map(|stored| stored.id).max().unwrap_or_default()
    }

    /// How many messages are known.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    /// Whether what is in the history and not in here may be our own.
    pub fn is_saving(&self) -> bool {
        self.saving.load(Ordering::Acquire)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<MessageId, Stored>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of a snapshot is not in the history as it stands: with numbers that none of the stored messages has.
    fn unsaved(&self, snapshot: &Snapshot) -> Vec<(MessageId, Option<u64>, u64, usize)> {
        let all = self.all();
        let taken: std::collections::HashSet<u64> = all.values().map(|stored| stored.id).collect();
        let mut highest = taken.iter().copied().max().unwrap_or_default();
        highest = snapshot.iter().map(|(message, _)| message.id.0).fold(highest, u64::max);
        let mut numbers: HashMap<MessageId, u64> = HashMap::new();
        let mut unsaved = Vec::new();
        for (index, (message, parent)) in snapshot.iter().enumerate() {
            let parent = parent.and_then(|parent| numbers.get(&parent).copied());
            let text = fingerprint(&message.text());
            let stored = all.get(&message.id).copied();
            let number = match stored.filter(|stored| stored.parent == parent && stored.text == text) {
                Some(stored) => stored.id,
                None => {
                    let number = if taken.contains(&message.id.0) {
                        highest += 1;
                        highest
                    } else {
                        message.id.0
                    };
                    unsaved.push((message.id, parent, number, index));
                    number
                }
            };
            numbers.insert(message.id, number);
        }
        unsaved
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    trim_blank_lines(text).hash(&mut hasher);
    hasher.finish()
}

struct Writing {
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

impl Writing {
    async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Entry>) {
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
                self.note_text(message.id, text);
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
                Ok(()) => self.note_text(unended.answer, unended.text),
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
            self.known.saving.store(true, Ordering::Release);
            let saved = self.try_to_save(&info, &snapshot, end.as_ref()).await;
            self.known.saving.store(false, Ordering::Release);
            match saved {
                Ok(()) => return true,
                Err(HistoryError::NoMessage { .. } | HistoryError::NoChat(_)) => self.known.all().clear(),
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
        let record = |(_, parent, number, index): &(MessageId, Option<u64>, u64, usize)| {
            let (message, _) = snapshot.get(*index)?;
            let is_answer = self.open == Some(message.id);
            Some(record(message, *number, *parent, is_answer, end, at))
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
        for ((here, parent, wanted, index), id) in unsaved.into_iter().zip(saved.ids) {
            numbers.insert(wanted, id);
            let parent = parent.map(|parent| numbers.get(&parent).copied().unwrap_or(parent));
            let text = snapshot.get(index).map(|(message, _)| message.text());
            self.known.note(here, id, parent, text.as_deref().unwrap_or_default());
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
            Ok(()) => self.note_text(answer, text),
            // A chat that was deleted meanwhile stays so, until something is said in it.
            Err(HistoryError::NoMessage { .. }) => self.known.all().clear(),
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
                self.known.all().clear();
                Err(nowhere())
            }
            finished => finished,
        }
    }

    /// The answer is in the history as it stands now.
    fn note_text(&self, answer: MessageId, text: u64) {
        if let Some(stored) = self.known.all().get_mut(&answer) {
            stored.text = text;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(said: &[(u64, &str)]) -> Snapshot {
        let mut parent = None;
        let message = |&(id, text): &(u64, &str)| {
            let message = Message::new(MessageId(id), crate::chat::Role::User, text.into());
            let before = parent.replace(message.id);
            (message, before)
        };
        said.iter().map(message).collect()
    }

    fn unsaved(known: &Known, said: &[(u64, &str)]) -> Vec<(u64, Option<u64>, u64)> {
        let unsaved = known.unsaved(&snapshot(said));
        unsaved
            .iter()
            .map(|(here, parent, id, _)| (here.0, *parent, *id))
            .collect()
    }

    #[test]
    fn only_what_is_new_is_saved_below_what_is_there() {
        let known = Known::default();
        known.note(MessageId(1), 1, None, "q1");
        known.note(MessageId(2), 2, Some(1), "a1");
        assert_eq!(unsaved(&known, &[(1, "q1"), (2, "a1\n"), (3, "q2")]), [(3, Some(2), 3)]);
    }

    #[test]
    fn a_number_that_has_another_one_in_the_history_is_followed_and_never_given_twice() {
        let known = Known::default();
        known.note(MessageId(1), 1, None, "q1");
        known.note(MessageId(2), 7, Some(1), "a1");
        let said = [(1, "q1"), (2, "a1"), (7, "q2"), (8, "a2")];
        assert_eq!(unsaved(&known, &said), [(7, Some(7), 9), (8, Some(9), 8)]);
    }

    #[test]
    fn what_says_something_else_by_now_is_saved_beside_it() {
        let known = Known::default();
        known.note(MessageId(1), 1, None, "q1");
        known.note(MessageId(2), 2, Some(1), "");
        assert_eq!(unsaved(&known, &[(1, "q1"), (2, "typed into it")]), [(2, Some(1), 3)]);
    }
}
