//! The protocol with the editor: its version, every operation that the program asks for, by the name that it has on the
//! wire, and the errors that come back. The events that come the other way are in [`super::event`].
//!
//! An operation is a call of `apply(name, data)` in `lua/gpt/client/operations.lua`. Its answer is nil once it is done, or the
//! event that followed from it at once, else a [`Refusal`].

use rmpv::Value;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use super::{
    Act, AskEvent, Choice, EditorError, KeyForm, ShownBranch, ShownContext, ShownEnd, ShownKeyChange, ShownModel,
    ShownRetry, ShownTurn, ShownWish, values,
};
use crate::terms::{Notice, Voice};
use crate::transcript::{ChatId, MessageId};

/// The version of what is said between this program and the plugin's Lua side (`lua/gpt/client/version.lua`): counted up with
/// each change after which an older one of the two misunderstands the other.
pub const PROTOCOL: u32 = 2;

/// What the program asks of the editor. The names on the wire are those of the variants, in snake case.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation<'a> {
    /// [`super::Editor::begin_turn`].
    BeginTurn(&'a ShownTurn),
    /// [`super::Editor::refuse`].
    Refuse {
        /// The chat.
        chat: &'a ChatId,
        /// Why.
        notice: &'a Notice,
    },
    /// [`super::Editor::show_branch`].
    ShowBranch(&'a ShownBranch),
    /// [`super::Editor::append`].
    Append {
        /// The chat.
        chat: &'a ChatId,
        /// The answer.
        answer: MessageId,
        /// What the piece is.
        #[serde(serialize_with = "voice_word")]
        voice: Voice,
        /// The lines, of which the first continues the last one there.
        lines: Vec<String>,
    },
    /// [`super::Editor::end_turn`].
    EndTurn(&'a ShownEnd),
    /// [`super::Editor::show_request`].
    ShowRequest {
        /// The chat.
        chat: &'a ChatId,
        /// The request's lines.
        lines: Vec<String>,
    },
    /// [`super::Editor::retrying`].
    Retrying(&'a ShownRetry),
    /// [`super::Editor::ask_anew`].
    AskAnew(&'a ShownWish),
    /// [`super::Editor::give_back`].
    GiveBack {
        /// The chat.
        chat: &'a ChatId,
    },
    /// [`super::Editor::show_model`].
    ShowModel(&'a ShownModel),
    /// [`super::Editor::refuse_question`].
    RefuseQuestion {
        /// The chat.
        chat: &'a ChatId,
        /// Why.
        notice: &'a Notice,
    },
    /// [`super::Editor::inform`].
    Inform(&'a Notice),
    /// [`super::Editor::choose`].
    Choose(&'a Choice),
    /// [`super::Editor::enter_key`].
    EnterKey(&'a KeyForm),
    /// [`super::Editor::context_found`].
    ContextFound(&'a ShownContext),
    /// [`super::Editor::context_refused`].
    ContextRefused {
        /// The chat.
        chat: &'a ChatId,
        /// The number that the question came with.
        lookup: u64,
        /// Why, if that is to be said.
        notice: Option<&'a Notice>,
    },
    /// [`super::Editor::open_chat`].
    OpenChat {
        /// The chat.
        chat: &'a ChatId,
    },
    /// [`super::Editor::close_chat`].
    CloseChat {
        /// The chat.
        chat: &'a ChatId,
    },
    /// [`super::Editor::key_changed`].
    KeyChanged(&'a ShownKeyChange),
    /// [`super::Editor::tell_asker`].
    AskEvents {
        /// The question's number.
        ticket: u64,
        /// What is told.
        events: Vec<AskEvent>,
    },
    /// [`super::Editor::forget_typed`].
    ForgetTyped {
        /// What was typed.
        typed: &'a str,
    },
    /// [`super::Editor::act`].
    Act(&'a Act),
    /// The answer to a question of the editor's (`client.question` in Lua).
    Answered {
        /// The question's number.
        ticket: u64,
        /// The answer.
        answer: Json,
    },
}

impl Operation<'_> {
    /// The operation as it is sent: its name, and its data.
    ///
    /// # Errors
    /// [`EditorError::Failed`] if it is none that can be said.
    pub fn parts(&self) -> Result<(String, Value), EditorError> {
        let named = match serde_json::to_value(self) {
            Ok(Json::Object(fields)) => fields.into_iter().next(),
            Ok(_) => None,
            Err(error) => return Err(EditorError::Failed(error.to_string())),
        };
        let (name, data) = named.ok_or_else(|| EditorError::Failed("an operation without a name".into()))?;
        Ok((name, values::from_json(data)))
    }
}

fn voice_word<S: Serializer>(voice: &Voice, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match voice {
        Voice::Text => "text",
        Voice::Refusal => "refusal",
        Voice::Reasoning => "reasoning",
    })
}

/// Why the editor did not do something, as `lua/gpt/refusal.lua` sorts it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// What is to be done about it.
    pub kind: RefusalKind,
    /// What the editor says.
    #[serde(default)]
    pub message: String,
}

/// What is to be done about a [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// It passes: ask again.
    Busy,
    /// What it was about does not come back.
    Gone,
    /// Anything else.
    #[serde(other)]
    Failed,
}

impl From<Refusal> for EditorError {
    fn from(Refusal { kind, message }: Refusal) -> Self {
        match kind {
            RefusalKind::Busy => Self::Busy(message),
            RefusalKind::Gone => Self::Gone(message),
            RefusalKind::Failed => Self::Failed(message),
        }
    }
}

/// What an operation's answer says: nothing when it is done, or the event that followed from it at once.
///
/// # Errors
/// It was not done.
pub fn read_answer(answer: Value) -> Result<Option<Json>, EditorError> {
    match values::to_json(answer) {
        Json::Null => Ok(None),
        followed if followed.get("event").is_some() => Ok(Some(followed)),
        said => Err(match serde_json::from_value::<Refusal>(said) {
            Ok(refusal) => refusal.into(),
            Err(_) => EditorError::Failed("unreadable".into()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_its_name_and_its_data_on_the_wire() {
        let chat = ChatId("a".into());
        let operation = Operation::Append {
            chat: &chat,
            answer: MessageId(2),
            voice: Voice::Reasoning,
            lines: vec!["x".into()],
        };
        let (name, data) = operation.parts().unwrap();
        let expected = serde_json::json!({ "chat": "a", "answer": 2, "voice": "reasoning", "lines": ["x"] });
        assert_eq!((name.as_str(), values::to_json(data)), ("append", expected));
    }

    #[test]
    fn what_passes_is_tried_again_and_what_is_gone_is_let_go() {
        let read = |kind: &str| {
            let said = serde_json::json!({ "kind": kind, "message": "why" });
            read_answer(values::from_json(said)).unwrap_err()
        };
        assert_eq!(read("busy"), EditorError::Busy("why".into()));
        assert_eq!(read("gone"), EditorError::Gone("why".into()));
        assert_eq!(read("failed"), EditorError::Failed("why".into()));
        assert_eq!(read("of a later version"), EditorError::Failed("why".into()));
        assert_eq!(read_answer(Value::Nil), Ok(None));
        let followed = serde_json::json!({ "event": "sent", "kind": "none" });
        assert_eq!(read_answer(values::from_json(followed.clone())), Ok(Some(followed)));
        assert!(matches!(
            read_answer(Value::from("a text")),
            Err(EditorError::Failed(_))
        ));
    }
}
