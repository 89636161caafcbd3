//! The records of the history, as plain data: it goes in and comes out in these shapes, and JSON exports are made of
//! them.

use serde::{Deserialize, Serialize};

use crate::transcript::{Role, Usage};

/// Milliseconds since 1970, UTC.
pub type Time = i64;

/// An enum that is one word in the database, and in JSON.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// The word that stands for it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl rusqlite::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.word().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                match value.as_str()? {
                    $($word => Ok(Self::$variant),)+
                    other => Err(unknown(other)),
                }
            }
        }
    };
}

impl rusqlite::ToSql for Role {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.word().into())
    }
}

impl rusqlite::types::FromSql for Role {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        let word = value.as_str()?;
        Self::of_word(word).ok_or_else(|| unknown(word))
    }
}

fn unknown(word: &str) -> rusqlite::types::FromSqlError {
    rusqlite::types::FromSqlError::Other(format!("unknown word {word:?}").into())
}

words! {
    /// How a message stands.
    State {
        /// All of it is there.
        Whole = "whole",
        /// It is being written.
        Streaming = "streaming",
        /// The process that wrote it died.
        Interrupted = "interrupted",
        /// The user stopped it.
        Stopped = "stopped",
        /// It failed; what had come until then is there.
        Failed = "failed",
        /// Its provider ended it before it was whole: [`Message::finish`] is the word for that.
        Cut = "cut",
    }
}

impl State {
    /// What the database holds of it. Programs from before [`State::Cut`] read the same files: to them such an answer is
    /// one that failed, with a word for its end, which no other one has.
    pub(super) fn kept(self) -> Self {
        match self {
            Self::Cut => Self::Failed,
            other => other,
        }
    }

    /// The state of a message out of the database. Those programs kept answers as whole that were cut at these ends.
    pub(super) fn of_kept(kept: Self, finish: Option<&str>) -> Self {
        match (kept, finish) {
            (Self::Failed, Some(_)) | (Self::Whole, Some("length" | "content_filter" | "pause_turn")) => Self::Cut,
            (kept, _) => kept,
        }
    }
}

words! {
    /// What a part of a message is.
    PartKind {
        /// What is said, as markdown; the only kind that is searched.
        Text = "text",
        /// The model's reasoning.
        Reasoning = "reasoning",
        /// A tool that the model asked for: JSON.
        ToolCall = "tool_call",
        /// What went along with a question: JSON.
        Context = "context",
        /// A source that the model named: JSON.
        Citation = "citation",
    }
}

impl PartKind {
    /// Whether pieces of it that follow one another are one part.
    pub(super) fn flows(self) -> bool {
        matches!(self, Self::Text | Self::Reasoning)
    }
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Text, or JSON as text, by its kind.
    pub content: String,
}

impl Part {
    /// A part that is said.
    pub fn text(content: impl Into<String>) -> Self {
        let content = content.into();
        Self {
            kind: PartKind::Text,
            content,
        }
    }
}

/// Adds a part; text goes on where text was.
pub(super) fn push_part(parts: &mut Vec<Part>, kind: PartKind, content: &str) {
    match parts.last_mut() {
        Some(last) if last.kind == kind && kind.flows() => last.content.push_str(content),
        _ => parts.push(Part {
            kind,
            content: content.to_owned(),
        }),
    }
}

/// The tokens of a turn and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// The tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// US dollars; `None` where no price is known.
    pub cost: Option<f64>,
}

/// What was said beside the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `error`, `warning` or `info`.
    pub level: String,
    /// The notice as the editor shows it.
    pub content: serde_json::Value,
}

/// A message. `parent` makes it a tree: the messages with one parent are its branches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its number in its chat.
    pub id: u64,
    /// The message before it; `None` for a first one.
    pub parent: Option<u64>,
    /// Who speaks.
    pub role: Role,
    /// How it stands.
    pub state: State,
    /// When it was begun.
    pub created: Time,
    /// Who answered.
    pub provider: Option<String>,
    /// Which model answered.
    pub model: Option<String>,
    /// Why the answer ended, in the provider's word.
    pub finish: Option<String>,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
    /// What it took.
    pub usage: Option<Spent>,
    /// What was said beside it.
    pub notices: Vec<Notice>,
}

impl Message {
    /// A whole message that says `text`.
    pub fn new(id: u64, parent: Option<u64>, role: Role, text: &str, created: Time) -> Self {
        Self {
            id,
            parent,
            role,
            state: State::Whole,
            created,
            provider: None,
            model: None,
            finish: None,
            parts: if text.is_empty() {
                Vec::new()
            } else {
                vec![Part::text(text)]
            },
            usage: None,
            notices: Vec::new(),
        }
    }

    /// An answer that is still to come.
    pub fn awaited(id: u64, parent: Option<u64>, provider: &str, model: &str, created: Time) -> Self {
        Self {
            state: State::Streaming,
            provider: Some(provider.to_owned()),
            model: Some(model.to_owned()),
            ..Self::new(id, parent, Role::Assistant, "", created)
        }
    }

    /// What it says, without reasoning, tools and context.
    pub fn text(&self) -> String {
        let said = self.parts.iter().filter(|part| part.kind == PartKind::Text);
        said.map(|part| part.content.as_str()).collect()
    }
}

/// What is known of a chat from its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatInfo {
    /// Its name, unique for good, e.g. `20261122-185500-1a2b3c4d`.
    pub id: String,
    /// What it is called in lists.
    pub title: String,
    /// The root of the project that it was opened in.
    pub project: Option<String>,
    /// Who is asked.
    pub provider: String,
    /// Which model is asked.
    pub model: String,
    /// When it was begun.
    pub created: Time,
}

/// What a chat has taken so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Tokens of all requests.
    pub input: u64,
    /// Tokens of all answers.
    pub output: u64,
    /// US dollars, as far as prices are known.
    pub cost: f64,
}

/// A whole chat with all its branches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// Its beginning.
    #[serde(flatten)]
    pub info: ChatInfo,
    /// When it last changed.
    pub updated: Time,
    /// The last message of the branch that is shown.
    pub head: Option<u64>,
    /// What it has taken.
    pub totals: Totals,
    /// Its messages by number.
    pub messages: Vec<Message>,
}

impl Chat {
    /// The messages from the first one to `head`, in that order.
    pub fn branch(&self, head: Option<u64>) -> Vec<&Message> {
        let mut branch = Vec::new();
        let mut next = head;
        // The limit: a parent that names its child would otherwise go round for ever.
        while let Some(message) = next.and_then(|id| self.message(id))
            && branch.len() <= self.messages.len()
        {
            branch.push(message);
            next = message.parent;
        }
        branch.reverse();
        branch
    }

    /// The message of that number.
    pub fn message(&self, id: u64) -> Option<&Message> {
        let sorted = self.messages.binary_search_by_key(&id, |message| message.id);
        match sorted {
            Ok(at) => self.messages.get(at),
            Err(_) => self.messages.iter().find(|message| message.id == id),
        }
    }

    /// A chat of its own that begins with the messages up to `head`, for [`super::History::import`]. What they took
    /// stays with the chat that it took it for. An answer that is still being written ends here, with `unfinished` beside it.
    pub fn fork(&self, id: &str, head: u64, at: Time, unfinished: &Notice) -> Self {
        let copy = |message: &Message| {
            let mut copied = Message {
                usage: None,
                ..message.clone()
            };
            if message.state == State::Streaming {
                copied.state = State::Stopped;
                copied.notices = vec![unfinished.clone()];
            }
            copied
        };
        Self {
            info: ChatInfo {
                id: id.to_owned(),
                created: at,
                ..self.info.clone()
            },
            updated: at,
            head: Some(head),
            totals: Totals::default(),
            messages: self.branch(Some(head)).into_iter().map(copy).collect(),
        }
    }
}

/// The beginning of a turn: what is new in the chat, the answer that is still to come at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// The chat; one that is not there yet is made.
    pub chat: ChatInfo,
    /// The new messages, parents before children. The last one becomes the head.
    pub messages: Vec<Message>,
    /// When.
    pub at: Time,
}

/// A message's place in the history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageRef {
    /// The chat's id.
    pub chat: String,
    /// The message's number, as [`super::Saved`] gave it.
    pub id: u64,
}

/// The end of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// How it ended; not [`State::Streaming`].
    pub state: State,
    /// Why, in the provider's word.
    pub finish: Option<String>,
    /// What it took.
    pub usage: Option<Spent>,
    /// What there is to say beside it.
    pub notices: Vec<Notice>,
    /// When.
    pub at: Time,
}
