//! The history: every chat that is not private, in one SQLite file that several Neovims share.
//!
//! ```text
//! store: the handle; sends jobs to two threads that own a connection each
//!   → writer: write, owners (who streams what, and who of them still lives), retention
//!   → reader: read, search (signs: Chinese and Japanese, which have no spaces)
//! connection: opens, checks and migrates (migrate, schema) · aside: a damaged file, dated and put away, after what can
//!   be read of it has been copied into a new one (rescue; salvage where its first page is lost)
//! place: files, their modes and locks · pending: what an answer has said and the file has not · record: plain data
//! blocks: the parts of a message from and to the transcript's blocks · export: markdown and JSON; touches no file
//! ```
//!
//! What is promised, and by what:
//! - A write that has returned `Ok` outlives the death of any process: it is a committed transaction in a write-ahead
//!   log. A turn's beginning and its end are also synced to the disk; the pieces of a stream between them are not.
//! - Of a stream at most 250 ms are missing: a piece waits for [`store::PIECE_EVERY`], and then for its write.
//! - A stream whose process died is `interrupted`, by whoever opens the file next; one whose process lives is left
//!   alone. A process lives as long as it holds a lock on a file of its own, which the kernel lets go of with it.
//! - Two processes in one chat make branches: a message names its parent, and a number that is taken gives the next one.
//! - A damaged file is put aside with its date, never overwritten; a newer one is never touched.

mod aside;
pub mod blocks;
mod clock;
mod connection;
pub mod error;
pub mod export;
pub mod migrate;
mod owners;
mod pending;
mod place;
mod read;
mod reader;
pub mod record;
mod rescue;
mod retention;
mod salvage;
pub mod schema;
mod search;
mod signs;
pub mod store;
mod write;
mod writer;

pub use aside::Aside;
pub use clock::{day, now};
pub use connection::Limits;
pub use error::HistoryError;
pub use owners::Holder;
pub use read::{Listed, Listing};
pub use record::{Chat, ChatInfo, End, Message, MessageRef, Notice, Part, PartKind, Spent, State, Time, Totals, Turn};
pub use retention::{Retention, Size};
pub use search::{Found, MARKS, Search};
pub use store::{History, Opened};
pub use write::Saved;

pub use crate::transcript::{Role, Usage};

/// The name of the file in the plugin's folder for data.
pub const FILE_NAME: &str = "history.db";

/// What the history's functions return.
pub type Result<T> = std::result::Result<T, HistoryError>;
