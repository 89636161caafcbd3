//! The message model: a conversation is messages, and a message is a role and an ordered list of blocks.
//!
//! Conversation, wires, history and screen all speak of these types. Order is meaning: text, a call, its result, text is
//! one answer. Plain data and pure functions; they call nobody.

mod block;
mod calls;
mod id;
mod message;
mod role;
mod unshown;
mod usage;

pub use block::{Block, Citation, Signature, ToolCall, ToolResult};
pub use calls::{NOT_RUN, OWN_CALL, Step};
pub use id::{ChatId, MessageId, Revision, SubmissionId, TurnId};
pub use message::{Message, trim_blank_lines};
pub use role::Role;
pub use unshown::{Unshown, UnshownKind};
pub use usage::Usage;
