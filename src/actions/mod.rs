//! Actions on code: the built-in ones and the prompts of the user's library, which are files of the same form
//! ([`file`]), found in three places ([`library`], [`project`]), filled in with what they are about ([`fill`]). What is
//! done with the answers of some: [`problems`], [`commit`]. Calls nobody above it.

mod built_in;
pub mod commit;
pub mod file;
pub mod fill;
pub mod git;
pub mod library;
pub mod problems;
pub mod project;
pub mod slash;

use std::path::PathBuf;

use serde::Deserialize;

/// What is done with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It stands in the chat.
    #[default]
    Chat,
    /// The problems that it names go into the quickfix list, too.
    Quickfix,
    /// It is a commit message.
    Commit,
}

/// Where a prompt comes from. Of two with the same name the later one of these is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// This program.
    BuiltIn,
    /// The user's own library.
    User,
    /// The project's folder, once the user has allowed it.
    Project,
}

/// A prompt with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What it is called: letters, digits, `-` and `_`.
    pub name: String,
    /// What it does, for lists.
    pub description: String,
    /// What is done with the answer.
    pub mode: Mode,
    /// The model to ask, as `provider/model`; `None`: the one in use.
    pub model: Option<String>,
    /// Context words that are sent along, e.g. `#diff`.
    pub context: String,
    /// The key that runs it.
    pub keymap: Option<String>,
    /// Its text, with placeholders.
    pub body: String,
    /// Where it comes from.
    pub source: Source,
    /// Its file; `None` for a built-in one.
    pub file: Option<PathBuf>,
    /// The line of the file that names the model.
    pub model_line: usize,
}

/// The code that an action is about, as the editor took it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Code {
    /// Its file, as the fenced block names it; empty for a buffer without a name.
    pub path: String,
    /// The file's type in the editor.
    pub filetype: String,
    /// Its first line, counted from 1.
    pub first: usize,
    /// Its last line.
    pub last: usize,
    /// As it stands in a prompt: where it comes from, an empty line, and a fenced block.
    pub block: String,
    /// Whether the user selected it; otherwise it is the whole buffer, taken in case that it is wanted.
    pub selected: bool,
}

/// What a language server or linter said about a line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Diagnostic {
    /// The line, counted from 1.
    pub line: usize,
    /// `error`, `warning`, `info` or `hint`.
    pub severity: String,
    /// Who said so; may be empty.
    pub source: String,
    /// What was said.
    pub message: String,
}

/// What an action is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// What the user wrote after its name.
    pub words: String,
    /// The code.
    pub code: Option<Code>,
    /// What was said about it.
    pub diagnostics: Vec<Diagnostic>,
    /// What stands for the code where it is in the text of a chat.
    pub text: String,
}

/// An action that the user wants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ActionRequest {
    /// The number that the editor gave it.
    pub ticket: u64,
    /// Its name.
    pub name: String,
    /// What the user wrote behind it.
    pub words: String,
    /// The code.
    pub code: Option<Code>,
    /// What was said about its lines.
    pub diagnostics: Vec<Diagnostic>,
    /// The root of the project.
    pub project: Option<String>,
    /// What stands in the commit buffer that it was asked for in, its diff left out.
    pub commit_text: Option<String>,
    /// The files that are open in buffers whose text is never sent.
    pub disabled: Vec<PathBuf>,
}
