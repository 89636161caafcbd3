//! The editor, as the rest of the program sees it: the [`Editor`] trait, and the events that it sends. The only room
//! that knows msgpack and nvim-rs is in here, behind that trait; it calls nobody, and puts events into the app's inbox.

pub mod event;
mod handler;
pub mod nvim;
pub mod protocol;
mod transport;
mod values;

use async_trait::async_trait;
use serde::Serialize;

use crate::actions::problems::Problem;
use crate::keys::Redactor;
use crate::terms::{Notice, Voice};
use crate::transcript::{ChatId, MessageId, Revision, Role, SubmissionId, Usage};

/// Why the editor did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditorError {
    /// It cannot now (the text is locked, the buffer is not modifiable): ask again.
    #[error("the editor is busy: {0}")]
    Busy(String),
    /// What it was to be done to is no longer there.
    #[error("gone: {0}")]
    Gone(String),
    /// It refused for another reason.
    #[error("the editor refused: {0}")]
    Failed(String),
    /// The connection to it has ended.
    #[error("the connection to the editor has ended")]
    Closed,
}

/// A new turn on the screen: the question moves up, room is made for the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownTurn {
    /// The chat.
    pub chat: ChatId,
    /// How the messages that are shown change first.
    #[serde(flatten)]
    pub shape: ShownShape,
    /// The question; `None` when an old one is asked again.
    pub question: Option<ShownQuestion>,
    /// The number of the answer to come.
    pub answer: MessageId,
    /// The answer's heading: `provider/model`.
    pub label: String,
    /// The tokens of the request, estimated; `None` where no model is asked.
    pub estimate: Option<u64>,
    /// Where the part of the chat begins that is sent; `None` when all of it is.
    pub cut: Option<ShownCut>,
    /// Which rules of the project are sent along; `None` without any.
    pub rules: Option<String>,
    /// Which state of what is shown begins with this.
    pub revision: Revision,
}

/// A mark above the first message that is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownCut {
    /// That message.
    pub before: MessageId,
    /// What is said in the mark.
    pub label: String,
}

/// A question on the screen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownQuestion {
    /// Its number.
    pub id: MessageId,
    /// Which submission it is: the editor knows where that stands.
    pub submission: SubmissionId,
    /// Its lines.
    pub lines: Vec<String>,
    /// Whether they take the place of what the editor shows.
    pub replaced: bool,
}

/// How the messages on the screen change: renamed first, then removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShownShape {
    /// Messages that have another number from now on: `[old, new]`.
    pub renamed: Vec<(MessageId, MessageId)>,
    /// Messages to take out of the buffer.
    pub removed: Vec<MessageId>,
    /// The messages that have branches beside them, whether they are shown or not: `[id, "2/3"]`; all others have none.
    pub branches: Vec<(MessageId, String)>,
}

/// Another branch on the screen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownBranch {
    /// The chat.
    pub chat: ChatId,
    /// How the messages that are shown change first.
    #[serde(flatten)]
    pub shape: ShownShape,
    /// The messages of the branch, oldest first: they go above the prompt.
    pub messages: Vec<ShownMessage>,
    /// What is added to messages that are shown: `[id, lines]`, which continue their last line.
    pub longer: Vec<(MessageId, Vec<String>)>,
    /// What is to be said about the last message.
    pub notice: Option<Notice>,
    /// Whether the chat comes from the history: no change of the user's, which undo would take back.
    pub recalled: bool,
    /// Whether somebody else has written this: the cursor stays.
    pub others: bool,
    /// The tokens of what would be sent of it, estimated; `None` where no model is asked.
    pub estimate: Option<u64>,
    /// Where the part of it begins that would be sent; `None` when all of it would be.
    pub cut: Option<ShownCut>,
    /// Which rules of the project would be sent along; `None` without any.
    pub rules: Option<String>,
    /// Which state of what is shown begins with this.
    pub revision: Revision,
}

/// What is known of an answer that the history has kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ShownFacts {
    /// When it was begun, in seconds since 1970.
    pub at: i64,
    /// The tokens that its turn took.
    pub usage: Option<Usage>,
    /// What it cost, in US dollars.
    pub cost: Option<f64>,
    /// Whether it was cut.
    pub cut: bool,
}

/// A message on the screen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownMessage {
    /// Its number.
    pub id: MessageId,
    /// Who speaks.
    pub role: Role,
    /// An answer's heading: `provider/model`.
    pub label: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// The lines of its reasoning.
    pub reasoning: Vec<String>,
    /// Whether it is a refusal.
    pub refused: bool,
    /// What is shown below its text.
    pub parts: Vec<ShownPart>,
    /// Of an answer out of the history: what is known of it.
    pub facts: Option<ShownFacts>,
}

/// A part of an answer on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPart {
    /// What it is.
    pub kind: ShownPartKind,
    /// Its lines, as markdown.
    pub lines: Vec<String>,
}

/// What a [`ShownPart`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShownPartKind {
    /// A tool that the model asked for.
    Tool,
    /// What it holds beside, by name.
    Unshown,
    /// The sources that it named.
    Sources,
}

/// A request that failed and is sent again: a countdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownRetry {
    /// The chat.
    pub chat: ChatId,
    /// The answer that is awaited.
    pub answer: MessageId,
    /// What is said meanwhile; `{seconds}` stands for the seconds left, `{key}` for the key that stops it.
    pub text: String,
    /// The wait, in milliseconds.
    pub wait: u64,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShownOutcome {
    /// The answer is whole.
    Done,
    /// The user stopped it.
    Stopped,
    /// The answer is not whole, and there is no more of it.
    Cut,
    /// It failed.
    Failed,
}

/// The end of a turn on the screen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownEnd {
    /// The chat.
    pub chat: ChatId,
    /// The answer.
    pub answer: MessageId,
    /// How it ended.
    pub outcome: ShownOutcome,
    /// Of an answer that was cut: the provider's word for that.
    pub finish: Option<String>,
    /// What is to be said about it.
    pub notice: Option<Notice>,
    /// The provider's name, e.g. `openai`.
    pub provider: String,
    /// The model's id.
    pub model: String,
    /// The tokens that the turn took.
    pub usage: Option<Usage>,
    /// What it cost by the prices known to us, in US dollars.
    pub cost: Option<f64>,
    /// What is shown below the answer's text.
    pub parts: Vec<ShownPart>,
    /// Which state of what is shown begins with this.
    pub revision: Revision,
}

/// What the user wanted of messages that were shown otherwise by then: it is asked anew, of what is shown now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownWish {
    /// The chat.
    pub chat: ChatId,
    /// Which state of what is shown it has now.
    pub revision: Revision,
    /// What was wanted.
    #[serde(flatten)]
    pub wish: Wish,
}

/// What a user can want of the messages that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    /// That something goes out.
    Sent {
        /// Its id.
        id: SubmissionId,
    },
    /// An answer anew.
    Regenerated,
    /// Another branch.
    BranchSwitched {
        /// How many branches further; negative: back.
        by: i64,
    },
}

/// The model in use, for titles and status lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownModel {
    /// The provider's name, e.g. `openai`.
    pub provider: String,
    /// The model's id.
    pub model: String,
    /// A remark beside the name, e.g. that it is the offline guide; may be empty.
    pub remark: String,
    /// Why it answers, in two or three words; empty where the user named it.
    pub reason: String,
    /// The most tokens of a request and its answer together, if known.
    pub window: Option<u64>,
    /// The day of the prices that costs are estimated with: `YYYY-MM-DD`.
    pub prices_of: &'static str,
    /// Whether the user has just chosen it.
    pub chosen: bool,
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The number that the answer names.
    pub question: u64,
    /// What is asked.
    pub prompt: String,
    /// What can be chosen.
    pub choices: Vec<String>,
}

/// What to ask for along with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyForm {
    /// The provider's name.
    pub provider: String,
    /// Its name in sentences.
    pub label: String,
    /// Whether it has organizations and projects.
    pub organizations: bool,
}

/// What the context words of a question stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownContext {
    /// The chat.
    pub chat: ChatId,
    /// The number that the question came with.
    pub lookup: u64,
    /// The texts, in the order of the words.
    pub blocks: Vec<ShownBlock>,
    /// What is to be said about them.
    pub notice: Option<Notice>,
}

/// A text that a context word stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownBlock {
    /// The word.
    pub word: String,
    /// Which of the word's texts it is: a file's path, say; may be empty.
    pub name: String,
    /// Its language; `None`: that which the editor sees in its name.
    pub language: Option<String>,
    /// Its lines.
    pub lines: Vec<String>,
}

/// A provider's key has changed; where it comes from now, and never the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownKeyChange {
    /// The provider's name.
    pub provider: String,
    /// `keyring`, `session`, `variable`, `command` or `none`.
    pub source: String,
}

/// What other plugins are told of the answer to their question (`require("gpt").ask`).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AskEvent {
    /// A piece of the answer.
    Text {
        /// It.
        text: String,
    },
    /// A piece of the model's reasoning.
    Reasoning {
        /// It.
        text: String,
    },
    /// The answer is whole.
    Done(AskEnd),
    /// It is not whole, and there is no more of it.
    Cut(AskEnd),
    /// It failed.
    Failed(AskEnd),
}

/// The end of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AskEnd {
    /// The tokens that it took.
    pub usage: Option<Usage>,
    /// What went wrong, and what to do about it.
    pub error: Option<String>,
    /// The provider's word for the end.
    pub finish: Option<String>,
    /// The provider's name, e.g. `openai`.
    pub provider: String,
    /// The model that answered.
    pub model: String,
}

impl AskEvent {
    /// The same without keys in what we say; the answer's text has passed the redactor already.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        let clean = |mut end: AskEnd| {
            end.error = end.error.map(|error| redactor.redact(&error).into_owned());
            end.model = redactor.redact(&end.model).into_owned();
            end
        };
        match self {
            Self::Done(end) => Self::Done(clean(end)),
            Self::Cut(end) => Self::Cut(clean(end)),
            Self::Failed(end) => Self::Failed(clean(end)),
            piece => piece,
        }
    }
}

/// What an action comes to in the editor. `ticket` is the number that the editor gave the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Ask this in a chat.
    Ask {
        /// The action.
        ticket: u64,
        /// The question.
        text: String,
        /// Whether it is a commit message that is asked for.
        commit: bool,
        /// Whether the answer is more than text in a chat, and the question may not wait for another's.
        alone: bool,
    },
    /// Nothing came of the action.
    Drop {
        /// The action.
        ticket: u64,
    },
    /// There is no action of this name.
    Unknown {
        /// The action.
        ticket: u64,
    },
    /// The problems of a quickfix list.
    Problems {
        /// The action; `None`: it was named in a chat.
        ticket: Option<u64>,
        /// They, in the order of the answer.
        problems: Vec<Problem>,
    },
    /// A commit message.
    CommitMessage {
        /// The action.
        ticket: u64,
        /// Its lines.
        lines: Vec<String>,
    },
    /// The prompts that there are.
    Prompts {
        /// They, by name.
        prompts: Vec<ShownPrompt>,
        /// The names of those whose files are broken.
        broken: Vec<String>,
        /// The names of the project's that the user was not asked about.
        unasked: Vec<String>,
    },
}

/// A prompt, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPrompt {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The key that runs it.
    pub keymap: Option<String>,
    /// What has the context words that go along with it, if there may be such.
    pub context: Option<String>,
}

/// What the program asks of an editor. Every operation is a question with an answer: when it returns, it is done.
///
/// The operations are named and take plain data, so that another editor can stand behind them.
#[async_trait]
pub trait Editor: Send + Sync + 'static {
    /// Shows a question and makes room for its answer.
    async fn begin_turn(&self, turn: &ShownTurn) -> Result<(), EditorError>;
    /// Tells the user why what they wanted of a chat was not done.
    async fn refuse(&self, chat: &ChatId, notice: &Notice) -> Result<(), EditorError>;
    /// Shows another branch of a chat.
    async fn show_branch(&self, branch: &ShownBranch) -> Result<(), EditorError>;
    /// Appends text to an answer, or to its reasoning: `lines` continue the last line, and each further one begins a new
    /// line.
    async fn append(
        &self,
        chat: &ChatId,
        answer: MessageId,
        voice: Voice,
        lines: Vec<String>,
    ) -> Result<(), EditorError>;
    /// Ends a turn.
    async fn end_turn(&self, end: &ShownEnd) -> Result<(), EditorError>;
    /// Asks what the user wants anew, of what is shown now; the answer is an event, unless it is to wait.
    async fn ask_anew(&self, wish: &ShownWish) -> Result<(), EditorError>;
    /// Shows the request that a chat would send now.
    async fn show_request(&self, chat: &ChatId, lines: Vec<String>) -> Result<(), EditorError>;
    /// Says that a request failed, and counts down to the next one.
    async fn retrying(&self, retry: &ShownRetry) -> Result<(), EditorError>;
    /// Puts a question that was not asked back into the chat's prompt, unless it still stands there.
    async fn give_back(&self, chat: &ChatId) -> Result<(), EditorError>;
    /// Shows which model answers from now on.
    async fn show_model(&self, model: &ShownModel) -> Result<(), EditorError>;
    /// Says that a question is not asked, and why. It stays in the chat's prompt, or goes there.
    async fn refuse_question(&self, chat: &ChatId, notice: &Notice) -> Result<(), EditorError>;
    /// Tells the user something that belongs to no turn.
    async fn inform(&self, notice: &Notice) -> Result<(), EditorError>;
    /// Shows a list to choose from; the choice comes back as an event.
    async fn choose(&self, choice: &Choice) -> Result<(), EditorError>;
    /// Asks for a key, hidden, and for what belongs to it; what is entered comes back as an event.
    async fn enter_key(&self, form: &KeyForm) -> Result<(), EditorError>;
    /// Puts what its context words stand for into a question, which then is sent.
    async fn context_found(&self, context: &ShownContext) -> Result<(), EditorError>;
    /// Says that a question is not sent, since its context words cannot be resolved, and why, if that is to be said.
    async fn context_refused(&self, chat: &ChatId, lookup: u64, notice: Option<&Notice>) -> Result<(), EditorError>;
    /// Shows a chat that the history has.
    async fn open_chat(&self, chat: &ChatId) -> Result<(), EditorError>;
    /// Takes a chat away for good.
    async fn close_chat(&self, chat: &ChatId) -> Result<(), EditorError>;
    /// Says that a provider's key has changed.
    async fn key_changed(&self, change: &ShownKeyChange) -> Result<(), EditorError>;
    /// Tells another plugin of the answer to its question.
    async fn tell_asker(&self, ticket: u64, events: Vec<AskEvent>) -> Result<(), EditorError>;
    /// Takes what may be a key, typed where it does not belong, out of the history of commands.
    async fn forget_typed(&self, typed: &str) -> Result<(), EditorError>;
    /// Does what an action comes to.
    async fn act(&self, act: &Act) -> Result<(), EditorError>;
}
