//! What the editor tells the program.

use serde::Deserialize;

use crate::chat::{ChatId, Region};
use crate::config::Config;

/// An event from the editor, in the order in which the user caused it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EditorEvent {
    /// The first one: the configuration.
    Started {
        /// What the user set.
        #[serde(default)]
        config: Box<Config>,
    },
    /// The user sent a prompt.
    Sent {
        /// The chat.
        chat: ChatId,
        /// The messages that its buffer shows.
        #[serde(default)]
        regions: Vec<Region>,
        /// The question.
        prompt: String,
        /// Whether it stands in the chat's prompt.
        #[serde(default)]
        from_prompt: bool,
    },
    /// The user wants the last answer anew.
    Regenerated {
        /// The chat.
        chat: ChatId,
        /// The messages that its buffer shows.
        #[serde(default)]
        regions: Vec<Region>,
    },
    /// The user stopped the answer.
    StopRequested {
        /// The chat.
        chat: ChatId,
    },
    /// The chat's buffer is gone for good.
    Closed {
        /// The chat.
        chat: ChatId,
    },
}
