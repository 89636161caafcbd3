//! Why a context word stands for nothing that can be sent, and what to do about it.

use crate::git::GitError;
use crate::words::{Text, text};

use super::{MOST_BYTES, MOST_FILES};
use crate::bounded::{Unread, megabytes};

/// What is wrong with a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no such file.
    #[error("no such file, in {root}")]
    NotFound {
        /// What paths are relative to.
        root: String,
    },
    /// It names a folder.
    #[error("a folder")]
    Folder {
        /// Its path.
        path: String,
    },
    /// It is a device, a socket or the like.
    #[error("no ordinary file")]
    NoFile,
    /// It cannot be read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// It is no text.
    #[error("no text")]
    Binary,
    /// It has too many bytes.
    #[error("{0} bytes")]
    TooLarge(u64),
    /// It is open in a buffer whose text is never sent.
    #[error("gpt_disable")]
    Disabled,
    /// It holds secrets, and the user wants it left out.
    #[error("secrets")]
    Secret,
    /// A glob that matches nothing.
    #[error("matches nothing")]
    NoMatch,
    /// A glob that cannot be read.
    #[error("no glob: {0}")]
    BadGlob(String),
    /// A glob that leads out of the project.
    #[error("a glob outside of {root}")]
    GlobOutside {
        /// The project's root.
        root: String,
    },
    /// A glob that matches too many files.
    #[error("{0} files")]
    TooMany(usize),
    /// The files are too many bytes together.
    #[error("{files} files of {bytes} bytes")]
    TooMuch {
        /// How many files.
        files: usize,
        /// How many bytes they have together.
        bytes: u64,
    },
    /// None of a glob's files can be sent.
    #[error("none of {0} files")]
    NoneLeft(usize),
    /// The project has more files than are looked through.
    #[error("more than {0} files")]
    Endless(usize),
    /// The project has no files.
    #[error("no files")]
    NoFiles,
    /// git cannot tell.
    #[error(transparent)]
    Git(#[from] GitError),
    /// git's answer is too long.
    #[error("a diff of more than {MOST_BYTES} bytes")]
    LongDiff,
    /// Nothing has changed.
    #[error("nothing changed")]
    NothingChanged,
    /// Nothing is staged.
    #[error("nothing staged")]
    NothingStaged,
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NoFile => Self::NoFile,
            Unread::TooLarge(bytes) => Self::TooLarge(bytes),
            Unread::Failed(error) => Self::Unreadable(error.to_string()),
        }
    }
}

impl Problem {
    /// What is wrong, to be said behind the word: `has 2.1 MB`.
    pub fn reason(&self) -> Text {
        match self {
            Self::NotFound { .. } => text!("context.not_found"),
            Self::Folder { .. } => text!("context.folder"),
            Self::NoFile => text!("context.no_file"),
            Self::Unreadable(reason) => text!("context.unreadable", reason = reason),
            Self::Binary => text!("context.binary"),
            Self::TooLarge(bytes) => text!("context.too_large", size = megabytes(*bytes)),
            Self::Disabled => text!("context.disabled"),
            Self::Secret => text!("context.secret"),
            Self::NoMatch => text!("context.no_match"),
            Self::BadGlob(reason) => text!("context.bad_glob", reason = reason),
            Self::GlobOutside { .. } => text!("context.glob_outside"),
            Self::TooMany(files) => text!("context.too_many", count = *files, most = MOST_FILES),
            Self::TooMuch { files, bytes } => {
                text!("context.too_much", count = *files, size = megabytes(*bytes))
            }
            Self::NoneLeft(files) => text!("context.none_left", count = *files),
            Self::Endless(files) => text!("context.endless", count = *files),
            Self::NoFiles => text!("context.no_files"),
            Self::Git(error) => error.reason(),
            Self::LongDiff => text!("context.long_diff"),
            Self::NothingChanged => text!("context.nothing_changed"),
            Self::NothingStaged => text!("context.nothing_staged"),
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Text {
        match self {
            Self::NotFound { root } => text!("context.not_found_fix", root = root),
            Self::Folder { path } => text!("context.folder_fix", path = path.trim_end_matches('/')),
            Self::NoFile | Self::Binary => text!("context.binary_fix"),
            Self::Unreadable(_) => text!("context.unreadable_fix"),
            Self::TooLarge(_) => text!("context.too_large_fix"),
            Self::Disabled => text!("context.disabled_fix"),
            Self::Secret => text!("context.secret_fix"),
            Self::NoMatch | Self::NoneLeft(_) => text!("context.no_match_fix"),
            Self::BadGlob(_) => text!("context.bad_glob_fix"),
            Self::GlobOutside { root } => text!("context.glob_outside_fix", root = root),
            Self::TooMany(_) | Self::TooMuch { .. } | Self::Endless(_) => text!("context.narrow_fix"),
            Self::NoFiles => text!("context.project_fix"),
            Self::Git(error) => error.fix(),
            Self::LongDiff => text!("context.long_diff_fix"),
            Self::NothingChanged => text!("context.nothing_changed_fix"),
            Self::NothingStaged => text!("context.nothing_staged_fix"),
        }
    }
}
