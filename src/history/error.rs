//! The history's errors. The chat goes on without it; the sentence for the user is made from these.

use rusqlite::ErrorCode;

use super::Aside;

/// Why the history could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The file is damaged. Where it has been put aside, a new one has taken its place, with what could be read: what
    /// that lacks of the chats that are open has to be saved anew.
    #[error("the history is damaged ({reason})")]
    Corrupt {
        /// SQLite's words.
        reason: String,
        /// What became of the damaged file; `None` where it could not be moved.
        set_aside: Option<Aside>,
    },
    /// A newer version of this program has written the file.
    #[error("the history has version {found}, and this program knows versions up to {known}")]
    Newer {
        /// The file's version.
        found: u32,
        /// The last one that we know.
        known: u32,
    },
    /// The file or its folder may not be written.
    #[error("the history cannot be written: {reason}")]
    ReadOnly {
        /// SQLite's or the system's words.
        reason: String,
    },
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Another program held the file for longer than we wait.
    #[error("another program keeps the history locked")]
    Locked,
    /// The file or its folder cannot be opened or read at all.
    #[error("the history cannot be opened: {reason}")]
    Unreachable {
        /// SQLite's or the system's words.
        reason: String,
    },
    /// There is no such chat: it was deleted, or never saved.
    #[error("the history has no chat {0}")]
    NoChat(String),
    /// There is no such message: its chat was deleted, or it was never saved.
    #[error("the history has no message {id} of the chat {chat}")]
    NoMessage {
        /// The chat's id.
        chat: String,
        /// The message's number.
        id: u64,
    },
    /// The thread that serves the history is gone.
    #[error("the history has been closed")]
    Closed,
    /// Anything else: a mistake of ours.
    #[error("the history failed: {reason}")]
    Failed {
        /// SQLite's words.
        reason: String,
    },
}

impl HistoryError {
    /// A file that is damaged, and still in its place.
    pub(super) fn corrupt(reason: String) -> Self {
        Self::Corrupt {
            reason,
            set_aside: None,
        }
    }

    /// Whether the same write may succeed later: nothing is to be thrown away for its sake.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::NoChat(_) | Self::NoMessage { .. })
    }
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::corrupt(reason),
            // A header that says something that no file of ours says: SQLite has no number for that.
            _ if reason.contains("unsupported file format") || reason.contains("text encoding") => {
                Self::corrupt(reason)
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { reason },
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => Self::Unreachable { reason },
            _ => Self::Failed { reason },
        }
    }
}

impl From<std::io::Error> for HistoryError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { reason },
            _ => Self::Unreachable { reason },
        }
    }
}
