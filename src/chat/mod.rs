//! A chat: what was said ([`conversation`]), the task that carries it out ([`session`]), the frames in which it reaches
//! the screen ([`painter`]), what is shown beside what was said ([`parts`]), what of it is sent ([`prompt`]), by the room
//! that there is ([`budget`]), what the project adds to that ([`rules`]), and how it is kept ([`archive`], [`journal`], [`recall`]).

pub mod archive;
pub mod budget;
pub mod conversation;
pub mod journal;
pub mod notice;
pub mod painter;
pub mod parts;
pub mod prompt;
pub mod recall;
pub mod rules;
pub mod session;

pub use crate::terms::{About, Region, Submission, Voice};
pub use crate::transcript::{ChatId, Message, MessageId, Revision, Role, SubmissionId, TurnId};
