//! Types that editor and chat share: what is known of a chat, a region of its buffer, a notice. Plain types, below
//! both.

use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

use crate::keys::redact::redact;
use crate::transcript::{MessageId, Role, SubmissionId};

/// What the editor knows of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct About {
    /// The root of the project that it belongs to.
    pub project: Option<String>,
    /// Whether nothing of it may be kept.
    pub private: bool,
    /// The files that are open in buffers whose text is never sent.
    pub disabled: Vec<PathBuf>,
}

/// A message as it stands in the chat's buffer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// The message's number.
    pub id: MessageId,
    /// `user` or `assistant`.
    pub role: Role,
    /// What the buffer shows of it, without blank lines at either end.
    pub text: String,
    /// Of an answer: which model gave it, as its heading says (`provider/model`).
    #[serde(default)]
    pub label: String,
    /// Whether it shows something that is not said: reasoning, tools, sources.
    #[serde(default)]
    pub beside: bool,
}

/// What a user sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its id, from the keypress on.
    pub id: SubmissionId,
    /// What it says.
    pub text: String,
    /// Whether that is no longer what the editor shows: an action was put in the place of its name.
    pub replaced: bool,
}

/// What a piece of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// What the model says.
    Text,
    /// The same, where it refuses to answer.
    Refusal,
    /// What it thinks before: shown, and never sent.
    Reasoning,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is not as it may seem.
    Warning,
    /// A remark.
    Info,
}

/// A notice: shown beside the conversation, never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What happened: one sentence.
    #[serde(serialize_with = "one_line")]
    pub title: String,
    /// What to do about it: one sentence or two.
    #[serde(serialize_with = "one_line")]
    pub advice: String,
    /// The provider's own words, the code and the request's id; may be empty.
    #[serde(serialize_with = "one_line_each")]
    pub details: Vec<String>,
}

/// What leaves for the editor is without keys, and without line ends and other control characters.
pub(crate) fn fit(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control(), " ");
    redact(&text).into_owned()
}

fn one_line<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&fit(text))
}

fn one_line_each<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(|line| fit(line)))
}

impl Notice {
    /// A notice without details.
    pub fn new(level: Level, title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level,
            title: title.into(),
            advice: advice.into(),
            details: Vec::new(),
        }
    }
}
