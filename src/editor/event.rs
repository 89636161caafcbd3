//! The events that the editor sends to the program.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use serde_json::from_value;
use tokio::sync::oneshot;

use crate::actions::ActionRequest;
use crate::config::Config;
use crate::context::Wanted;
use crate::context::files;
use crate::keys::{Secret, SecretError};
use crate::terms::{About, Region};
use crate::transcript::{ChatId, MessageId, Revision, SubmissionId};

/// What comes from the editor.
#[derive(Debug)]
pub enum Inbound {
    /// Something happened.
    Event(EditorEvent),
    /// Something happened that cannot be understood.
    Unreadable {
        /// The event's name, if it has one.
        event: Option<String>,
        /// The chat that waits for what comes of it.
        chat: Option<ChatId>,
        /// What was expected where it cannot be read.
        expected: Option<String>,
    },
    /// The editor asks, and waits for the answer.
    Question(Question, oneshot::Sender<serde_json::Value>),
}

/// What the editor can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The names of the providers that a key can be set for: a list of strings.
    KeyProviders,
    /// The names of the models that can be chosen: a list of strings.
    Models,
    /// The state of keys and keyring, for `:checkhealth`: `{ keyring, providers = { { name, label, key } } }`.
    Health,
    /// The files of a project that fit what is typed: `{ paths, more }`.
    Files(files::Wanted),
}

/// A key as a user typed it. Its `Debug` shows nothing, and a text that is no key is not kept.
#[derive(Debug, Clone)]
pub struct Typed(pub Result<Secret, SecretError>);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// An event from the editor, in the order in which the user caused it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EditorEvent {
    /// The first one: the configuration.
    Started {
        /// What the user set.
        #[serde(default)]
        config: Box<Config>,
        /// The [`super::protocol::PROTOCOL`] that the Lua side speaks, if it says so.
        #[serde(default)]
        protocol: Option<u32>,
    },
    /// The user sent a prompt.
    Sent {
        /// The chat.
        chat: ChatId,
        /// What else is known of it.
        #[serde(flatten)]
        about: About,
        /// The messages that its buffer shows.
        #[serde(default)]
        regions: Vec<Region>,
        /// Which state of what is shown they are.
        #[serde(default)]
        revision: Revision,
        /// Its id, made at the keypress.
        id: SubmissionId,
        /// The question.
        prompt: String,
        /// The message that the cursor is in.
        #[serde(default)]
        at: Option<MessageId>,
    },
    /// What was sent is not to go out after all: the user has undone it, say.
    Withdrawn {
        /// The chat.
        chat: ChatId,
        /// The submission.
        id: SubmissionId,
    },
    /// The user wants an answer anew.
    Regenerated {
        /// The chat.
        chat: ChatId,
        /// What else is known of it.
        #[serde(flatten)]
        about: About,
        /// The messages that its buffer shows.
        #[serde(default)]
        regions: Vec<Region>,
        /// Which state of what is shown they are.
        #[serde(default)]
        revision: Revision,
        /// The message that the cursor is in; `None`: the last one.
        #[serde(default)]
        at: Option<MessageId>,
    },
    /// The user wants to see another branch.
    BranchSwitched {
        /// The chat.
        chat: ChatId,
        /// What else is known of it.
        #[serde(flatten)]
        about: About,
        /// The messages that its buffer shows.
        #[serde(default)]
        regions: Vec<Region>,
        /// Which state of what is shown they are.
        #[serde(default)]
        revision: Revision,
        /// The message that the cursor is in; `None`: the last one.
        #[serde(default)]
        at: Option<MessageId>,
        /// How many branches further; negative: back.
        by: i64,
    },
    /// The user wants to see the request that would be sent now.
    RequestWanted {
        /// The chat.
        chat: ChatId,
        /// What else is known of it.
        #[serde(flatten)]
        about: About,
        /// The messages that its buffer shows.
        #[serde(default)]
        regions: Vec<Region>,
        /// The prompt.
        #[serde(default)]
        prompt: String,
    },
    /// The user stopped the answer.
    StopRequested {
        /// The chat.
        chat: ChatId,
        /// What else is known of it.
        #[serde(flatten)]
        about: About,
    },
    /// The user wants another model.
    ModelRequested {
        /// This one; `None`: choose from a list.
        #[serde(default)]
        model: Option<String>,
        /// Fetch the lists of models anew.
        #[serde(default)]
        refresh: bool,
    },
    /// The user chose from a list that we showed.
    Chosen {
        /// The number of the question.
        question: u64,
        /// The choice, counted from 0; `None`: none of them.
        #[serde(default)]
        choice: Option<usize>,
    },
    /// A chat's buffer is there, empty: it is to show what the history has of it.
    Opened {
        /// The chat.
        chat: ChatId,
        /// What else is known of it.
        #[serde(flatten)]
        about: About,
    },
    /// The user looks at a chat: somebody else may have written into it meanwhile.
    Looked {
        /// The chat.
        chat: ChatId,
    },
    /// The chat's buffer is gone for good.
    Closed {
        /// The chat.
        chat: ChatId,
    },
    /// Context words.
    #[serde(skip)]
    Context(ContextEvent),
    /// Keys.
    #[serde(skip)]
    Key(KeyEvent),
    /// The history.
    #[serde(skip)]
    History(HistoryEvent),
    /// Actions.
    #[serde(skip)]
    Action(ActionEvent),
    /// Other plugins.
    #[serde(skip)]
    Asker(AskerEvent),
}

/// An event about the context words of a question.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ContextEvent {
    /// A question with context words is being sent: what they stand for is wanted.
    ContextWanted {
        /// The chat.
        chat: ChatId,
        /// The number that the answer names.
        lookup: u64,
        /// The text that the words stand in.
        text: String,
        /// The project's root, which paths are relative to.
        project: PathBuf,
        /// The words.
        wanted: Vec<Wanted>,
        /// The files that are open in buffers whose text is never sent.
        #[serde(default)]
        disabled: Vec<PathBuf>,
        /// The texts of files that are open in an encoding of their own, with their paths.
        #[serde(default)]
        open: Vec<(PathBuf, String)>,
    },
    /// The chat's questions with context words are not sent after all.
    ContextDropped {
        /// The chat.
        chat: ChatId,
    },
}

/// An event about the keys of providers.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum KeyEvent {
    /// The user wants to set a key.
    KeySettingRequested {
        /// Of this provider; `None`: ask which.
        #[serde(default)]
        provider: Option<String>,
    },
    /// The user typed a key.
    KeyEntered {
        /// The provider that it is for.
        provider: String,
        /// The key, as typed.
        key: Typed,
        /// The organization id; empty: leave it as it is.
        #[serde(default)]
        organization: String,
        /// The project id; empty: leave it as it is.
        #[serde(default)]
        project: String,
    },
    /// The user wants a key removed.
    KeyRemovalRequested {
        /// Of this provider; `None`: ask which.
        #[serde(default)]
        provider: Option<String>,
        /// Without asking whether it is meant so.
        #[serde(default)]
        force: bool,
    },
}

/// An event about the chats of the history.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum HistoryEvent {
    /// The user wants an earlier chat.
    HistoryRequested {
        /// One that has these words; empty: any.
        #[serde(default)]
        words: String,
        /// The root of the project whose chats come first.
        #[serde(default)]
        project: Option<String>,
    },
    /// The session begins: the project's last chat may be offered.
    ResumeOffered {
        /// The project's root.
        #[serde(default)]
        project: Option<String>,
    },
    /// The user wants the history emptied.
    HistoryClearRequested,
    /// The user gives a chat a title.
    ChatRenamed {
        /// The chat.
        chat: ChatId,
        /// Its new title.
        title: String,
    },
    /// The user wants a chat deleted.
    ChatDeletionRequested {
        /// The chat.
        chat: ChatId,
    },
    /// The user wants a copy of a chat.
    ChatForked {
        /// The chat.
        chat: ChatId,
        /// The name of the copy.
        new: ChatId,
        /// The last message to copy; `None`: that of the branch that is shown.
        #[serde(default)]
        at: Option<MessageId>,
    },
    /// The user wants a chat written to a file.
    ChatExported {
        /// The chat.
        chat: ChatId,
        /// The file.
        path: PathBuf,
    },
}

/// An event about actions and their prompts.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ActionEvent {
    /// The user wants an action done.
    ActionRequested {
        /// Which, and with what.
        #[serde(flatten)]
        wanted: Box<ActionRequest>,
    },
    /// The editor wants to know which prompts there are.
    PromptsWanted {
        /// The root of the project.
        #[serde(default)]
        project: Option<String>,
    },
    /// The user wants to be asked about the project's prompts again.
    TrustRequested {
        /// The root of the project.
        #[serde(default)]
        project: Option<String>,
    },
}

/// An event about the questions of other plugins.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AskerEvent {
    /// Another plugin asks a model, without a chat.
    Asked {
        /// The number that the answer's events name.
        ticket: u64,
        /// What is asked.
        #[serde(flatten)]
        asked: Asked,
    },
    /// The other plugin wants no more of the answer.
    AskStopped {
        /// The question's number.
        ticket: u64,
    },
}

/// What another plugin asks.
#[derive(Debug, Clone, Deserialize)]
pub struct Asked {
    /// The conversation, oldest first.
    pub messages: Vec<AskedMessage>,
    /// `provider/model`; `None`: the model in use.
    #[serde(default)]
    pub model: Option<String>,
    /// Sampling temperature.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// The most tokens that the answer may have.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// Instructions before the conversation.
    #[serde(default)]
    pub system: Option<String>,
}

/// A message of what another plugin asks.
#[derive(Debug, Clone, Deserialize)]
pub struct AskedMessage {
    /// Who speaks.
    pub role: AskedRole,
    /// What is said.
    pub content: String,
}

/// Who speaks in an [`AskedMessage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskedRole {
    /// Instructions.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
}

impl EditorEvent {
    /// Reads an event, by its name in the field `event`.
    ///
    /// # Errors
    /// It is none that there is, or says something else than such an event does.
    pub fn read(payload: serde_json::Value) -> Result<Self, serde_json::Error> {
        let name = payload.get("event").and_then(|name| name.as_str());
        match name.unwrap_or_default() {
            "context_wanted" | "context_dropped" => from_value(payload).map(Self::Context),
            "key_setting_requested" | "key_entered" | "key_removal_requested" => from_value(payload).map(Self::Key),
            "history_requested"
            | "resume_offered"
            | "history_clear_requested"
            | "chat_renamed"
            | "chat_deletion_requested"
            | "chat_forked"
            | "chat_exported" => from_value(payload).map(Self::History),
            "action_requested" | "prompts_wanted" | "trust_requested" => from_value(payload).map(Self::Action),
            "asked" | "ask_stopped" => from_value(payload).map(Self::Asker),
            _ => from_value(payload),
        }
    }

    /// Whether it has to wait until it is known which model answers.
    pub fn needs_model(&self) -> bool {
        matches!(
            self,
            Self::Sent { .. }
                | Self::Regenerated { .. }
                | Self::RequestWanted { .. }
                | Self::ModelRequested { model: None, .. }
                | Self::Asker(AskerEvent::Asked { .. })
        )
    }

    /// The chat whose question it is.
    pub fn asking(&self) -> Option<&ChatId> {
        match self {
            Self::Sent { chat, .. } | Self::Regenerated { chat, .. } => Some(chat),
            _ => None,
        }
    }

    /// Whether it takes back what waits: the same chat's question.
    pub fn takes_back(&self, waits: &Self) -> bool {
        if let Self::Asker(AskerEvent::AskStopped { ticket }) = self {
            return matches!(waits, Self::Asker(AskerEvent::Asked { ticket: asking, .. }) if asking == ticket);
        }
        if let (
            Self::Withdrawn { chat, id },
            Self::Sent {
                chat: of, id: waiting, ..
            },
        ) = (self, waits)
        {
            return chat == of && id == waiting;
        }
        let (Self::StopRequested { chat, .. } | Self::Closed { chat }) = self else {
            return false;
        };
        matches!(waits, Self::Sent { chat: asking, .. } | Self::Regenerated { chat: asking, .. } if asking == chat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_key_is_in_no_debug_print() {
        let data = serde_json::json!({"event": "key_entered", "provider": "openai", "key": "canary-1234"});
        let event = EditorEvent::read(data).unwrap();
        assert!(!format!("{event:?}").contains("canary"), "{event:?}");
    }

    #[test]
    fn a_typed_key_that_is_none_is_not_kept() {
        let data = serde_json::json!({"event": "key_entered", "provider": "openai", "key": "two\nlines"});
        let event = EditorEvent::read(data).unwrap();
        assert!(matches!(
            event,
            EditorEvent::Key(KeyEvent::KeyEntered {
                key: Typed(Err(SecretError::ControlCharacter)),
                ..
            })
        ));
    }

    #[test]
    fn an_event_is_read_by_its_name_in_the_group_that_it_belongs_to() {
        let read = |name: &str| {
            let payload = serde_json::json!({ "event": name, "chat": "a", "ticket": 1 });
            EditorEvent::read(payload).unwrap()
        };
        assert!(matches!(read("context_dropped"), EditorEvent::Context(_)));
        assert!(matches!(read("key_setting_requested"), EditorEvent::Key(_)));
        assert!(matches!(read("chat_deletion_requested"), EditorEvent::History(_)));
        assert!(matches!(read("prompts_wanted"), EditorEvent::Action(_)));
        assert!(matches!(read("ask_stopped"), EditorEvent::Asker(_)));
    }

    #[test]
    fn every_name_of_a_group_is_that_of_an_event_in_it() {
        let source = include_str!("event.rs");
        let table = source.split("match name.unwrap_or_default()").nth(1).unwrap();
        let table = table.split("_ => from_value").next().unwrap();
        let names: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
        assert!(names.len() >= 17, "{names:?}");
        for name in names {
            let error = EditorEvent::read(serde_json::json!({ "event": name })).err();
            let said = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!said.contains("unknown variant"), "{name}: {said}");
        }
    }
}
