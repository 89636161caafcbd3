//! Context words: what `#file:…`, `#diff` and the like in a question stand for. What is on the disk is found here (files
//! by [`paths`] and [`reading`], changes by [`git`], names by [`tree`]); what the editor knows comes from there. All of it
//! is looked over for [`secrets`] before it is sent. Completion has its own index of the project's [`files`].

pub mod files;
pub mod git;
pub mod grammar;
pub mod paths;
mod problem;
mod prose;
pub mod quoted;
pub mod reading;
mod secret_names;
pub mod secrets;
pub mod tree;

use std::path::PathBuf;

use serde::Deserialize;

pub use problem::Problem;

/// The most bytes that a word may stand for: 1 MB. More fills every model's window.
pub const MOST_BYTES: u64 = 1_000_000;
/// The most files that a glob may match.
pub const MOST_FILES: usize = 100;

/// A context word of a question, and where what it stands for is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Wanted {
    /// The word as it was written: `#file:src/*.rs`.
    pub word: String,
    /// Where to look.
    #[serde(flatten)]
    pub place: Place,
}

/// Where what a word stands for is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Place {
    /// In a file, or in those that a glob matches.
    File {
        /// The path or glob, relative to the project's root.
        path: String,
    },
    /// By this program, which knows from the word what to read.
    Program,
    /// In the editor, which has sent it along.
    Editor {
        /// What it is.
        pieces: Vec<Piece>,
    },
}

/// A text that a word stands for: one of a glob's files, say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Piece {
    /// What tells it from other pieces of the same word; may be empty.
    #[serde(default)]
    pub name: String,
    /// The file that it is of.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// Its language, where the editor knows it.
    #[serde(default)]
    pub language: Option<String>,
    /// The text, its lines ended by line feeds.
    pub text: String,
}

/// What was found for a word.
#[derive(Debug, Default)]
pub struct Found {
    /// The texts, in an order that is always the same.
    pub pieces: Vec<Piece>,
    /// The names of those that are left out, and why.
    pub left_out: Vec<(String, Problem)>,
}
