//! The state machine of a chat, pure: messages, branches, the turn in progress. It does no input or output, reads no
//! clock and starts no task; [`Conversation::step`] takes what happened and says what is to be done.

mod branches;
mod chain;
mod shape;

use std::collections::BTreeSet;

use crate::chat::painter::Unpainted;
use crate::chat::{MessageId, Region, Revision, Role, Submission, SubmissionId, TurnId, Voice};
use crate::fence;
use crate::provider::transport::retry::Retrying;
use crate::provider::{Cut, Event as ProviderEvent, FinishReason, ProviderError, Why};
use crate::transcript::{Block, Message, Signature, ToolCall, Usage, trim_blank_lines};

use branches::Branches;
pub use branches::Place;
use chain::Stage;
pub use chain::{CallEvent, Verdict};
pub use shape::Shape;

/// How much of the model's reasoning is kept and shown, in bytes: its beginning.
const LONGEST_REASONING: usize = 64 * 1024;
/// How long an answer may be, in bytes, where nothing else is said.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// Stands for the word of an answer that was longer than that.
const TOO_LONG: &str = "max_answer";
/// Stands for the word of a provider that has said nothing of its answer's end.
pub const INCOMPLETE: &str = "incomplete";
/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The user sent a prompt.
    Sent {
        /// The messages as the buffer shows them: they win over what is remembered here.
        regions: Vec<Region>,
        /// The new question.
        submission: Submission,
        /// The message that the cursor is in. A question that the user has changed is asked again, from there.
        at: Option<MessageId>,
    },
    /// The user asked for an answer anew.
    Regenerated {
        /// The messages as the buffer shows them.
        regions: Vec<Region>,
        /// The message that the cursor is in: its question is asked again; `None`: the last one.
        at: Option<MessageId>,
    },
    /// The user wants to see another branch.
    BranchSwitched {
        /// The messages as the buffer shows them.
        regions: Vec<Region>,
        /// The message that the cursor is in; `None`: the last one. The nearest one above it that has branches counts.
        at: Option<MessageId>,
        /// How many branches further; negative: back.
        by: i64,
    },
    /// Which model answers from now on, as `provider/model`.
    ModelNamed(String),
    /// Which tools can be run from now on; without any, calls are named and end the turn.
    ToolsNamed(BTreeSet<String>),
    /// A call of the turn in progress was decided about, or has ended.
    CallWentOn {
        /// The turn that it belongs to.
        turn: TurnId,
        /// The call's id.
        call: String,
        /// What became of it.
        event: CallEvent,
    },
    /// The provider answered something.
    Answered {
        /// The turn that it belongs to.
        turn: TurnId,
        /// What it answered.
        event: ProviderEvent,
    },
    /// How long an answer may be from now on, in bytes.
    AnswersLimited(usize),
    /// The user stopped the answer.
    StopRequested,
    /// The user stopped the answer while its end was not on the screen yet: that falls away, even if all had come.
    PaintingStopped(Unpainted),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Show the question and make room for the answer.
    ShowTurn {
        /// What changes about the messages that are shown.
        shape: Shape,
        /// The new question, unless an old one is asked again.
        question: Option<Question>,
        /// The number of the answer to come.
        answer: MessageId,
    },
    /// Show another branch.
    ShowBranch {
        /// What changes about the messages that are shown.
        shape: Shape,
        /// The messages of the branch, oldest first: they go below those that stay.
        messages: Vec<Message>,
    },
    /// Ask the provider.
    StartTurn(TurnId),
    /// Ask the provider again, with the results of the calls.
    StartStep(TurnId),
    /// Decide whether a call may be run.
    Judge(TurnId, ToolCall),
    /// Run a call.
    Run(TurnId, ToolCall),
    /// Drop the connection of the turn in progress, and end the tools that run for it.
    AbortTurn,
    /// Write down a block of the answer that is not painted as it comes.
    Keep(MessageId, Block),
    /// Append this to the answer, or to its reasoning.
    Paint(MessageId, Voice, String),
    /// Say that the request failed and is sent again after a wait.
    ShowRetry(MessageId, Retrying),
    /// Remember, for the turn's end, that these fields of the request were refused and left out.
    NoteLeftOut(Vec<String>),
    /// The turn is over.
    EndTurn(MessageId, Ended),
    /// Tell the user why nothing happened: the answer that the wish gets.
    Refuse(Refusal),
    /// Tell the user the same where nobody waits for an answer.
    Remark(Refusal),
}

/// A new question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its number.
    pub id: MessageId,
    /// The submission that it was.
    pub submission: SubmissionId,
    /// Its text.
    pub text: String,
    /// Whether that is no longer what the editor shows.
    pub replaced: bool,
}

/// How a turn ended: in exactly one of done, stopped, cut, failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Which of the four.
    pub outcome: Outcome,
    /// The tokens it took, if the provider said so.
    pub usage: Option<Usage>,
    /// The model that answered, where it is another one than the one that was asked.
    pub answered_by: Option<String>,
    /// How many requests it took.
    pub steps: u32,
}

/// The four ends of a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The answer is whole; that may still deserve a remark (tools wanted, nothing said).
    Done {
        /// The names of the tools that it wants run.
        tools: Vec<String>,
        /// Whether it said nothing at all.
        empty: bool,
    },
    /// The user stopped it.
    Stopped {
        /// How much had come that was not on the screen yet, and fell away, in bytes.
        fallen: usize,
    },
    /// The answer is not whole, and there is no more of it.
    Cut {
        /// What the provider says about it; `None`: the stream ended without saying anything.
        cut: Option<Cut>,
        /// Whether not a word of the answer had come.
        empty: bool,
    },
    /// It failed.
    Failed(ProviderError),
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The prompt is empty.
    EmptyPrompt,
    /// An answer is being written.
    Answering,
    /// There is no answer to stop.
    NothingToStop,
    /// There is no question to ask again.
    NothingToRegenerate,
    /// There is no other branch.
    NoBranches,
}

/// The turn in progress.
#[derive(Debug)]
struct Turn {
    id: TurnId,
    answer: MessageId,
    /// What the request in progress took so far.
    usage: Option<Usage>,
    /// What the requests before it took.
    spent: Option<Usage>,
    answered_by: Option<String>,
    stage: Stage,
    /// How many requests there were.
    steps: u32,
}

/// A chat's messages, and its turn in progress.
#[derive(Debug, Default)]
pub struct Conversation {
    messages: Vec<Message>,
    branches: Branches,
    label: String,
    turn: Option<Turn>,
    /// How the last turn ended: a stop may reach it while it is still being painted.
    ended: Option<(MessageId, Ended)>,
    /// The tools that can be run.
    tools: BTreeSet<String>,
    /// How long an answer may be, in bytes, where that was said.
    longest: Option<usize>,
    turns: u64,
    last_id: u64,
    revision: Revision,
}

impl Conversation {
    /// The state of what is shown, which counts up with each effect that changes the messages there or ends an answer.
    /// What an editor says of an earlier one, a half-painted answer say, is not to be taken for what the user wants.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Notes that what is shown changes.
    fn reshown(&mut self) {
        self.revision.0 += 1;
    }

    /// The messages that are shown, oldest first. While a turn is in progress the last one is its answer.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Every message with the one before it, parents before children; the one that is shown last is the last one.
    pub fn all(&self) -> Vec<(Message, Option<MessageId>)> {
        self.branches.with(&self.messages)
    }

    /// Which of several branches the messages that are shown are in.
    pub fn places(&self) -> Vec<Place> {
        self.branches.places(&self.messages)
    }

    /// Begins with what was said earlier: every message with the one before it, and the last one that is shown.
    pub fn recall(&mut self, messages: Vec<(Message, Option<MessageId>)>, head: Option<MessageId>) {
        for (message, parent) in messages {
            self.last_id = self.last_id.max(message.id.0);
            self.branches.hang(message.id, parent);
            self.branches.keep(message);
        }
        self.messages = self.branches.path(head);
        self.reshown();
    }

    /// Takes in what somebody else has said in this chat. Returns its number here, and whether it is shown.
    pub fn graft(&mut self, mut message: Message, parent: Option<MessageId>) -> (MessageId, bool) {
        if message.id.0 <= self.last_id {
            message.id = MessageId(self.last_id + 1);
        }
        let id = message.id;
        self.last_id = id.0;
        let goes_on = self.messages.last().map(|last| last.id) == parent;
        self.branches.hang(id, parent);
        self.reshown();
        match goes_on {
            true => self.messages.push(message),
            false => self.branches.put_aside(message),
        }
        (id, goes_on)
    }

    /// Takes in more of a message that somebody else is writing. Returns what is new, if it is shown.
    pub fn lengthen(&mut self, id: MessageId, text: &str) -> Option<String> {
        let message = self.messages.iter_mut().find(|message| message.id == id)?;
        // As a buffer shows it: blank lines at its end are drawn with what follows them.
        let more = trim_blank_lines(text).strip_prefix(&*message.text())?.to_owned();
        message.push(Block::Text(more.clone()));
        self.reshown();
        (!more.is_empty()).then_some(more)
    }

    /// Whether an answer is awaited or being written.
    pub fn is_answering(&self) -> bool {
        self.turn.is_some()
    }

    /// Takes what happened; says what is to be done, in this order.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Sent {
                regions,
                submission,
                at,
            } => self.sent(regions, submission, at),
            Event::Regenerated { regions, at } => self.regenerated(regions, at),
            Event::BranchSwitched { regions, at, by } => self.branch_switched(regions, at, by),
            Event::Answered { turn, event } => self.answered(turn, event),
            Event::StopRequested => self.stop_requested(),
            Event::PaintingStopped(unpainted) => self.painting_stopped(unpainted),
            Event::AnswersLimited(longest) => {
                self.longest = Some(longest);
                Vec::new()
            }
            Event::ToolsNamed(tools) => self.tools_named(tools),
            Event::CallWentOn { turn, call, event } => self.call_went_on(turn, &call, event),
            Event::ModelNamed(label) => {
                self.label = label;
                Vec::new()
            }
        }
    }

    fn sent(&mut self, regions: Vec<Region>, submission: Submission, at: Option<MessageId>) -> Vec<Effect> {
        if self.is_answering() {
            return vec![Effect::Refuse(Refusal::Answering)];
        }
        if let Some(index) = at.and_then(|at| self.changed_question(&regions, at)) {
            return self.ask_again(regions, index);
        }
        let text = trim_blank_lines(&submission.text);
        if text.is_empty() {
            return vec![Effect::Refuse(Refusal::EmptyPrompt)];
        }
        let shape = self.adopt(regions);
        let id = self.add(Role::User, text.to_owned());
        let question = Question {
            id,
            submission: submission.id,
            text: text.to_owned(),
            replaced: submission.replaced,
        };
        self.begin(shape, Some(question))
    }

    fn regenerated(&mut self, regions: Vec<Region>, at: Option<MessageId>) -> Vec<Effect> {
        if self.is_answering() {
            return vec![Effect::Refuse(Refusal::Answering)];
        }
        let last = at.and_then(|at| regions.iter().position(|region| region.id == at));
        let reachable = last.map_or(regions.len(), |last| last + 1);
        match regions.iter().take(reachable).rposition(is_question) {
            Some(question) => self.ask_again(regions, question),
            None => vec![Effect::Refuse(Refusal::NothingToRegenerate)],
        }
    }

    /// Asks a question that is shown once more: what stands below it is put aside, as another branch.
    fn ask_again(&mut self, mut regions: Vec<Region>, question: usize) -> Vec<Effect> {
        let below = regions.split_off((question + 1).min(regions.len()));
        self.keep_below(regions.last().map(|question| question.id), &below);
        let mut shape = self.adopt(regions);
        for region in below {
            if !shape.removed.contains(&region.id) {
                shape.removed.push(region.id);
            }
        }
        self.begin(shape, None)
    }

    /// Starts a turn for the conversation as it stands.
    fn begin(&mut self, mut shape: Shape, question: Option<Question>) -> Vec<Effect> {
        self.reshown();
        self.turns += 1;
        let turn = TurnId(self.turns);
        let answer = self.add(Role::Assistant, String::new());
        if let Some(message) = self.messages.last_mut() {
            message.label.clone_from(&self.label);
        }
        self.turn = Some(Turn {
            id: turn,
            answer,
            usage: None,
            spent: None,
            answered_by: None,
            stage: Stage::Asking,
            steps: 1,
        });
        shape.places = self.branches.places(&self.messages);
        vec![
            Effect::ShowTurn {
                shape,
                question,
                answer,
            },
            Effect::StartTurn(turn),
        ]
    }

    fn add(&mut self, role: Role, text: String) -> MessageId {
        self.last_id += 1;
        let id = MessageId(self.last_id);
        let parent = self.messages.last().map(|message| message.id);
        self.branches.hang(id, parent);
        self.messages.push(Message::new(id, role, text));
        id
    }

    fn answered(&mut self, turn: TurnId, event: ProviderEvent) -> Vec<Effect> {
        if self
            .turn
            .as_ref()
            .is_none_or(|current| current.id != turn || !current.is_asking())
        {
            return Vec::new(); // late: that turn, or that request of it, is over
        }
        match event {
            ProviderEvent::Text(text) => self.said(Voice::Text, &text),
            ProviderEvent::Refusal(text) => self.said(Voice::Refusal, &text),
            ProviderEvent::Reasoning(text) => self.reasoned(&text),
            ProviderEvent::Signature(signature) => self.signed(signature),
            ProviderEvent::ToolCall(call) => self.called(call),
            ProviderEvent::Citation(citation) => self.took(Block::Citation(citation)),
            ProviderEvent::Unshown(unshown) => self.took(Block::Unshown(unshown)),
            ProviderEvent::Usage(usage) => {
                if let Some(turn) = &mut self.turn {
                    turn.usage = Some(usage);
                }
                Vec::new()
            }
            ProviderEvent::AnsweredBy(model) => {
                if let Some(turn) = &mut self.turn {
                    turn.answered_by = Some(model);
                }
                Vec::new()
            }
            ProviderEvent::Retrying(retrying) => {
                let answer = self.answer().map(|answer| Effect::ShowRetry(answer.id, retrying));
                answer.into_iter().collect()
            }
            ProviderEvent::LeftOut(fields) => vec![Effect::NoteLeftOut(fields)],
            ProviderEvent::Finished(reason) => self.finished(reason),
            ProviderEvent::Error(error) => self.end(Outcome::Failed(error)),
        }
    }

    /// The answer that is being written: always the last message.
    fn answer(&mut self) -> Option<&mut Message> {
        self.turn.as_ref()?;
        self.messages.last_mut()
    }

    /// Adds a block to the answer that is not painted as it comes.
    fn took(&mut self, block: Block) -> Vec<Effect> {
        let Some(answer) = self.answer() else { return Vec::new() };
        if matches!(&block, Block::Citation(citation) if !answer.takes(citation)) {
            return Vec::new();
        }
        answer.push(block.clone());
        vec![Effect::Keep(answer.id, block)]
    }

    /// Takes what the provider wants back of the reasoning before it.
    fn signed(&mut self, mut signature: Signature) -> Vec<Effect> {
        let Some(answer) = self.answer() else { return Vec::new() };
        signature.by.clone_from(&answer.label);
        self.took(Block::Reasoning {
            text: String::new(),
            signature: Some(signature),
        })
    }

    fn said(&mut self, voice: Voice, text: &str) -> Vec<Effect> {
        let longest = self.longest.unwrap_or(LONGEST_ANSWER);
        let Some(answer) = self.answer() else { return Vec::new() };
        let mut text = text.replace('\r', "");
        if answer.is_silent() {
            text.drain(..text.len() - text.trim_start_matches('\n').len());
        }
        if text.is_empty() {
            return Vec::new();
        }
        let room = longest.saturating_sub(answer.text_length());
        let is_too_long = cut(&mut text, room);
        let (id, piece) = (answer.id, text.clone());
        let mut effects = Vec::new();
        if !piece.is_empty() {
            answer.push(match voice {
                Voice::Refusal => Block::Refusal(piece),
                Voice::Text | Voice::Reasoning => Block::Text(piece),
            });
            effects.push(Effect::Paint(id, voice, text));
        }
        if is_too_long {
            effects.push(Effect::AbortTurn);
            let cut = Some(Cut::new(Why::TooLong, TOO_LONG, ""));
            effects.extend(self.end(Outcome::Cut { cut, empty: false }));
        }
        effects
    }

    fn reasoned(&mut self, text: &str) -> Vec<Effect> {
        let Some(answer) = self.answer() else { return Vec::new() };
        let mut text = text.replace('\r', "");
        let length = answer.reasoning_length();
        if length == 0 {
            text.drain(..text.len() - text.trim_start_matches('\n').len());
        }
        let room = LONGEST_REASONING.saturating_sub(length);
        if room > 0 && cut(&mut text, room) {
            text.push('…');
        }
        if text.is_empty() || room == 0 {
            return Vec::new();
        }
        let id = answer.id;
        answer.push(Block::Reasoning {
            text: text.clone(),
            signature: None,
        });
        vec![Effect::Paint(id, Voice::Reasoning, text)]
    }

    fn finished(&mut self, reason: FinishReason) -> Vec<Effect> {
        let Some(answer) = self.answer() else { return Vec::new() };
        let tools: Vec<String> = answer.open_calls().iter().map(|call| call.name.clone()).collect();
        let empty = answer.is_blank() && answer.calls().next().is_none() && answer.unshown().next().is_none();
        let is_whole = matches!(reason, FinishReason::Stop | FinishReason::ToolCalls);
        if is_whole && self.has_calls_to_run() {
            return self.run_calls();
        }
        self.end(match reason {
            FinishReason::Stop | FinishReason::ToolCalls => Outcome::Done { tools, empty },
            FinishReason::Incomplete => Outcome::Cut { cut: None, empty },
            FinishReason::Cut(cut) => Outcome::Cut { cut: Some(cut), empty },
        })
    }

    fn stop_requested(&mut self) -> Vec<Effect> {
        if !self.is_answering() {
            return vec![Effect::Remark(Refusal::NothingToStop)];
        }
        let mut effects = vec![Effect::AbortTurn];
        effects.extend(self.end(Outcome::Stopped { fallen: 0 }));
        effects
    }

    /// Ends the answer where its painting ended: the turn in progress, or the last one once more.
    fn painting_stopped(&mut self, unpainted: Unpainted) -> Vec<Effect> {
        let Some(answer) = self.messages.last_mut().filter(|last| last.id == unpainted.answer) else {
            return self.stop_requested();
        };
        answer.cut_back(unpainted.text, unpainted.reasoning);
        let outcome = Outcome::Stopped {
            fallen: unpainted.text + unpainted.reasoning,
        };
        answer.cut = None;
        if self.is_answering() {
            let mut effects = vec![Effect::AbortTurn];
            effects.extend(self.end(outcome));
            return effects;
        }
        let Some((_, ended)) = self.ended.clone().filter(|(of, _)| *of == unpainted.answer) else {
            return Vec::new();
        };
        let mut effects = self.close_calls();
        effects.extend(self.close_fence());
        effects.push(Effect::EndTurn(unpainted.answer, Ended { outcome, ..ended }));
        effects
    }

    /// Ends the turn: closes a code fence that the answer left open, so that what follows is not swallowed by it.
    fn end(&mut self, outcome: Outcome) -> Vec<Effect> {
        if self.turn.is_none() {
            return Vec::new();
        }
        let mut effects = self.close_calls();
        let Some(mut turn) = self.turn.take() else {
            return effects;
        };
        turn.count_step();
        self.reshown();
        effects.extend(self.close_fence());
        if let (Outcome::Cut { cut, .. }, Some(answer)) = (&outcome, self.messages.last_mut()) {
            answer.cut = Some(cut.as_ref().map_or(INCOMPLETE, |cut| &cut.word).to_owned());
        }
        let ended = Ended {
            outcome,
            usage: turn.spent,
            answered_by: turn.answered_by,
            steps: turn.steps,
        };
        self.ended = Some((turn.answer, ended.clone()));
        effects.push(Effect::EndTurn(turn.answer, ended));
        effects
    }

    /// Closes a fence that the answer left open.
    fn close_fence(&mut self) -> Option<Effect> {
        let answer = self.messages.last_mut()?;
        let text = answer.text();
        let fence = fence::unclosed(&text)?;
        let closing = if text.ends_with('\n') {
            fence
        } else {
            format!("\n{fence}")
        };
        answer.push(Block::Text(closing.clone()));
        Some(Effect::Paint(answer.id, Voice::Text, closing))
    }
}

/// Whether it is a question that says something.
fn is_question(region: &Region) -> bool {
    region.role == Role::User && !trim_blank_lines(&region.text).is_empty()
}

/// Cuts a text that is longer than `longest`, in bytes; says whether it was.
fn cut(text: &mut String, longest: usize) -> bool {
    let longer = text.len() > longest;
    if longer {
        let end = (0..=longest).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or_default());
    }
    longer
}

#[cfg(test)]
mod tests;
