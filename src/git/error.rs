//! Why git cannot tell what is asked, and the sentences for that.

use std::path::Path;

use super::LIMIT;
use crate::words::{Text, text};

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is no git on the search path.
    #[error("no git")]
    NotFound,
    /// There is no repository here.
    #[error("no repository at {root}")]
    NoRepository {
        /// The folder that was looked at, and those around it.
        root: String,
    },
    /// The repository has no work tree.
    #[error("a bare repository")]
    Bare,
    /// The repository's directory lies elsewhere, and does not name this project.
    #[error("the repository is at {path}, which names another work tree")]
    Elsewhere {
        /// The directory.
        path: String,
    },
    /// Objects are another repository's.
    #[error("objects are borrowed: {path}")]
    Borrows {
        /// What leads there.
        path: String,
    },
    /// An object is not here: it would have to be fetched.
    #[error("an object is missing")]
    Missing,
    /// A file of the index lies outside of the project.
    #[error("the index names {name}")]
    OddName {
        /// The file.
        name: String,
    },
    /// Where git would read a file is none, or a very large one.
    #[error("no ordinary file: {path}")]
    OddFile {
        /// What is there.
        path: String,
    },
    /// It cannot be started.
    #[error("not started: {0}")]
    NotStarted(String),
    /// It failed, by these words.
    #[error("git: {0}")]
    Failed(String),
    /// It took too long.
    #[error("git took more than {} s", LIMIT.as_secs())]
    Slow,
    /// It printed too much.
    #[error("git printed too much")]
    TooLong,
}

impl GitError {
    pub(super) fn no_repository(root: &Path) -> Self {
        let root = root.display().to_string();
        Self::NoRepository { root }
    }

    pub(super) fn elsewhere(path: &Path) -> Self {
        let path = path.display().to_string();
        Self::Elsewhere { path }
    }

    pub(super) fn borrows(path: &Path) -> Self {
        let path = path.display().to_string();
        Self::Borrows { path }
    }

    pub(super) fn odd_file(path: &Path) -> Self {
        let path = path.display().to_string();
        Self::OddFile { path }
    }

    /// What git complained of, in English.
    pub(super) fn complaint(stderr: &[u8], root: &Path) -> Self {
        let said = String::from_utf8_lossy(stderr);
        let lower = said.to_lowercase();
        if lower.contains("not a git repository") {
            return Self::no_repository(root);
        }
        let missing = [
            "unable to read",
            "could not fetch",
            "bad object",
            "missing blob",
            "could not read",
        ];
        if missing.iter().any(|words| lower.contains(words)) {
            return Self::Missing;
        }
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Self::Failed(first.trim().chars().take(300).collect())
    }

    /// What is wrong, to be said behind a word: `finds no git repository`.
    pub fn reason(&self) -> Text {
        match self {
            Self::NotFound => text!("context.no_git"),
            Self::NoRepository { .. } => text!("context.no_repository"),
            Self::Bare => text!("context.git_bare"),
            Self::Elsewhere { path } => text!("context.git_elsewhere", path = path),
            Self::Borrows { path } => text!("context.git_borrows", path = path),
            Self::Missing => text!("context.git_missing"),
            Self::OddFile { path } => text!("context.git_odd_file", path = path),
            Self::OddName { name } => text!("context.git_odd_name", name = name),
            Self::NotStarted(words) | Self::Failed(words) => text!("context.git_failed", words = words),
            Self::Slow => text!("context.git_slow", seconds = LIMIT.as_secs()),
            Self::TooLong => text!("context.long_diff"),
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> Text {
        match self {
            Self::NotFound => text!("context.no_git_fix"),
            Self::NoRepository { .. } => text!("context.project_fix"),
            Self::Bare => text!("context.git_bare_fix"),
            Self::Elsewhere { .. } => text!("context.git_elsewhere_fix"),
            Self::Borrows { .. } => text!("context.git_borrows_fix"),
            Self::OddFile { .. } => text!("context.git_odd_file_fix"),
            Self::OddName { .. } => text!("context.git_odd_name_fix"),
            Self::Missing => text!("context.git_missing_fix"),
            Self::NotStarted(_) | Self::Failed(_) | Self::Slow => text!("context.git_fix"),
            Self::TooLong => text!("context.long_diff_fix"),
        }
    }

    /// What is wrong, as a sentence of its own.
    pub fn said(&self) -> Text {
        match self {
            Self::NotStarted(reason) => text!("git.not_started", reason = reason),
            Self::Failed(reason) => text!("git.failed", reason = reason),
            Self::Slow => text!("git.too_slow", seconds = LIMIT.as_secs()),
            error => text!("git.because", reason = error.reason(), fix = error.fix()),
        }
    }
}
