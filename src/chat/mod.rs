//! A chat: what was said ([`conversation`]), the task that carries it out ([`session`]), the frames in which it reaches
//! the screen ([`painter`]), what is shown beside what was said ([`parts`]), what of it is sent ([`prompt`]), by the room
//! that there is ([`budget`]), what the project adds to that ([`rules`]), and how it is kept ([`archive`], [`journal`], [`recall`]).

pub mod archive;
pub mod budget;
pub mod conversation;
pub mod fence;
pub mod journal;
pub mod notice;
pub mod painter;
pub mod parts;
pub mod prompt;
pub mod recall;
pub mod rules;
pub mod session;

use serde::{Deserialize, Serialize};

/// A chat's name: made by the editor when the chat is opened, unique for good.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChatId(pub String);

/// What the editor knows of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct About {
    /// The root of the project that it belongs to.
    pub project: Option<String>,
    /// Whether nothing of it may be kept.
    pub private: bool,
}

/// A message's number within its chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub u64);

/// A turn's number within its chat: one question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TurnId(pub u64);

/// A message as it stands in the chat's buffer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// The message's number.
    pub id: MessageId,
    /// `user` or `assistant`.
    pub role: RegionRole,
    /// What the buffer shows of it, without blank lines at either end.
    pub text: String,
    /// Of an answer: which model gave it, as its heading says (`provider/model`).
    #[serde(default)]
    pub label: String,
    /// Whether it shows something that is not said: reasoning, tools, sources.
    #[serde(default)]
    pub beside: bool,
}

/// Where a question stands when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// In the chat's prompt, which it leaves.
    Prompt,
    /// Above the prompt, where it waited for an answer to end.
    Queue,
    /// Nowhere: it came with a command.
    #[default]
    Command,
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

/// Who speaks in a [`Region`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionRole {
    /// The person at the editor.
    User,
    /// The model.
    Assistant,
}
