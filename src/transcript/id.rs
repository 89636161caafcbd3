//! The ids of chats, messages, turns and submissions, and the revision of what a chat shows.

use serde::{Deserialize, Serialize};

/// A chat's name: made by the editor when the chat is opened, unique for good.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChatId(pub String);

/// A message's number within its chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub u64);

/// What a user sends, from the keypress on: made by the editor, and kept through queue, look-up, turn and follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmissionId(pub u64);

/// A request's number within its chat. A turn has one request for each of its steps: what comes for an earlier one is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TurnId(pub u64);

/// How often what a chat shows of its messages was changed by the program: which of these states an editor speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);
