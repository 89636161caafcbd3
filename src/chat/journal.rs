//! Hands a chat on to the history, in order, as it happens. The chat never waits for it, except with a request: that
//! leaves when its question is on the disk.

mod known;
mod writer;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::chat::archive::Archive;
use crate::chat::{ChatId, Message, MessageId};
use crate::history::{ChatInfo, End, History, Part, PartKind, blocks};
use crate::transcript::Block;
pub use known::Known;
use writer::Writer;

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
        let writer = Writer::new(chat, archive, history, known, head);
        (Self { entries }, tokio::spawn(writer.run(inbox)))
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
