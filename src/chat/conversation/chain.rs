//! A turn of several steps: the calls of an answer are judged and run, their results go out with the next request.
//!
//! ```text
//! asking ─ the request ends, with calls of tools that there are → calling ─ each call has its result → asking …
//!    └ it ends without → the turn ends                              └ a stop → the turn ends
//! ```
//!
//! Whatever ends a turn leaves each of its calls with exactly one result, if only that it was not run: the next request
//! may hold them.

use std::collections::BTreeSet;

use super::{Conversation, Effect, Turn};
use crate::chat::TurnId;
use crate::transcript::{Block, NOT_RUN, OWN_CALL, ToolCall, ToolResult};

/// The most requests of one turn: a model that calls without end is told so, and the turn ends.
pub(super) const MOST_STEPS: u32 = 40;
/// What the model is told of a call that no tool answers to.
const NO_SUCH_TOOL: &str = "There is no tool of this name.";

/// What a turn does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// A request is out.
    Asking,
    /// These calls have no result yet.
    Calling(Vec<Waiting>),
}

/// A call that waits: to be judged, or, once that is done, for its tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    id: String,
    is_allowed: bool,
}

/// What is said of a call before it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be run.
    Allowed,
    /// It may not, and the model is told this.
    Denied(String),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    /// Somebody has decided about it.
    Judged(Verdict),
    /// Its tool has ended.
    Ended {
        /// What the tool says.
        content: String,
        /// Whether it failed.
        is_error: bool,
    },
}

impl Conversation {
    /// Takes the names of the tools that can be run from now on.
    pub(super) fn tools_named(&mut self, tools: BTreeSet<String>) -> Vec<Effect> {
        self.tools = tools;
        Vec::new()
    }

    /// Takes a call of the answer in progress. Its id is another one than that of every call before.
    pub(super) fn called(&mut self, mut call: ToolCall) -> Vec<Effect> {
        let is_taken = |id: &str| {
            self.messages
                .iter()
                .flat_map(|message| message.calls())
                .any(|call| call.id == id)
        };
        let mut number = 0_u32;
        while call.id.is_empty() || is_taken(&call.id) {
            number += 1;
            call.id = format!("{OWN_CALL}{number:05}");
        }
        if let (Some(signature), Some(answer)) = (&mut call.signature, self.messages.last()) {
            signature.by.clone_from(&answer.label);
        }
        self.took(Block::ToolCall(call))
    }

    /// Whether the calls of the answer are to be run, now that its request has ended.
    pub(super) fn has_calls_to_run(&self) -> bool {
        let steps = self.turn.as_ref().map_or(0, |turn| turn.steps);
        let is_open = |answer: &crate::chat::Message| !answer.open_calls().is_empty();
        !self.tools.is_empty() && steps < MOST_STEPS && self.messages.last().is_some_and(is_open)
    }

    /// The request has ended: its calls are judged, one by one. Those of tools that there are none of have their result.
    pub(super) fn run_calls(&mut self) -> Vec<Effect> {
        let Some(answer) = self.messages.last() else {
            return Vec::new();
        };
        let open: Vec<ToolCall> = answer.open_calls().into_iter().cloned().collect();
        let (known, unknown): (Vec<_>, Vec<_>) = open.into_iter().partition(|call| self.tools.contains(&call.name));
        let Some(turn) = &mut self.turn else { return Vec::new() };
        let id = turn.id;
        let waiting = |call: &ToolCall| Waiting {
            id: call.id.clone(),
            is_allowed: false,
        };
        turn.stage = Stage::Calling(known.iter().map(waiting).collect());
        let mut effects: Vec<Effect> = Vec::new();
        for call in unknown {
            effects.extend(self.resulted(&call.id, NO_SUCH_TOOL, true));
        }
        match known.is_empty() {
            true => effects.extend(self.next_step()),
            false => effects.extend(known.into_iter().map(|call| Effect::Judge(id, call))),
        }
        effects
    }

    /// Takes what became of a call of the turn in progress.
    pub(super) fn call_went_on(&mut self, turn: TurnId, id: &str, event: CallEvent) -> Vec<Effect> {
        let current = self.turn.as_mut().filter(|current| current.id == turn);
        let Some(Stage::Calling(waiting)) = current.map(|current| &mut current.stage) else {
            return Vec::new(); // late: that step is over
        };
        let Some(at) = waiting.iter().position(|call| call.id == id) else {
            return Vec::new(); // it has its result
        };
        let is_allowed = waiting.get(at).is_some_and(|call| call.is_allowed);
        let (content, is_error) = match event {
            CallEvent::Judged(_) if is_allowed => return Vec::new(),
            CallEvent::Ended { .. } if !is_allowed => return Vec::new(), // nobody has allowed it
            CallEvent::Judged(Verdict::Allowed) => {
                if let Some(call) = waiting.get_mut(at) {
                    call.is_allowed = true;
                }
                let call = self
                    .messages
                    .last()
                    .and_then(|answer| answer.calls().find(|call| call.id == id));
                return call.map(|call| Effect::Run(turn, call.clone())).into_iter().collect();
            }
            CallEvent::Judged(Verdict::Denied(words)) => (words, true),
            CallEvent::Ended { content, is_error } => (content, is_error),
        };
        waiting.remove(at);
        let is_last = waiting.is_empty();
        let mut effects = self.resulted(id, &content, is_error);
        if is_last {
            effects.extend(self.next_step());
        }
        effects
    }

    /// All calls have their results: the next request goes out with them.
    fn next_step(&mut self) -> Vec<Effect> {
        self.turns += 1;
        let id = TurnId(self.turns);
        let Some(turn) = &mut self.turn else { return Vec::new() };
        turn.id = id;
        turn.steps += 1;
        turn.stage = Stage::Asking;
        turn.count_step();
        vec![Effect::StartStep(id)]
    }

    /// Gives each call without a result one, at the end of a turn in which calls are run.
    pub(super) fn close_calls(&mut self) -> Vec<Effect> {
        let answer = self.messages.last().filter(|_| !self.tools.is_empty());
        let open = answer.map(|answer| answer.open_calls()).unwrap_or_default();
        let open: Vec<String> = open.into_iter().map(|call| call.id.clone()).collect();
        open.iter().flat_map(|id| self.resulted(id, NOT_RUN, true)).collect()
    }

    fn resulted(&mut self, call: &str, content: &str, is_error: bool) -> Vec<Effect> {
        self.took(Block::ToolResult(ToolResult {
            call: call.to_owned(),
            content: content.to_owned(),
            is_error,
        }))
    }
}

impl Turn {
    /// Whether a request is out, from which more may come.
    pub(super) fn is_asking(&self) -> bool {
        self.stage == Stage::Asking
    }

    /// Adds what the last request took to what those before it did.
    pub(super) fn count_step(&mut self) {
        if let Some(usage) = self.usage.take() {
            self.spent = Some(self.spent.map_or(usage, |spent| spent.plus(usage)));
        }
    }
}
