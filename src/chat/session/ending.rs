//! The end of a turn: what it took and cost, what is said of it and kept, and what follows from it.

use super::Task;
use crate::chat::MessageId;
use crate::chat::conversation::{Ended, Outcome};
use crate::chat::journal::REFUSAL;
use crate::chat::notice::{self, Notice};
use crate::chat::painter::Stroke;
use crate::chat::parts;
use crate::editor::{ShownEnd, ShownOutcome};
use crate::history::{self, End, State, now};
use crate::provider::catalogue::Facts;
use crate::provider::registry::Target;
use crate::provider::{FinishReason, Usage, models};
use crate::words::Locale;

impl Task {
    /// Ends the turn: in the history, on the screen, and with what was to be done with its answer.
    pub(super) fn end_turn(&mut self, answer: MessageId, ended: &Ended) {
        let (target, left_out) = self.leave_turn(ended.usage);
        let settings = self.settings.borrow().clone();
        let facts = settings.catalogue.facts(&target.provider, &target.model);
        let cost = ended.usage.and_then(|usage| facts.cost(&usage));
        let notice = said(ended, &left_out, &target, &facts, settings.locale);
        let record = notice.as_ref().map(|notice| notice.record(settings.vault.redactor()));
        let is_refusal = self
            .conversation
            .messages()
            .last()
            .is_some_and(|last| last.id == answer && last.refused);
        self.keep_end(answer, &target, end(ended, is_refusal, record, cost));
        let outcome = shown(&ended.outcome);
        if outcome == ShownOutcome::Done {
            self.run_errand(answer);
        }
        self.look();
        self.ask_for_title(ended, &target);
        self.canvas.add(Stroke::End(ShownEnd {
            chat: self.chat.clone(),
            answer,
            outcome,
            notice,
            provider: target.provider.name,
            model: target.model,
            usage: ended.usage.map(Into::into),
            cost,
            parts: parts::below(&ended.tool_calls, &ended.citations, settings.locale),
        }));
    }

    /// Who was asked, and the fields that the server refused; what its count of tokens teaches is learned.
    fn leave_turn(&mut self, usage: Option<Usage>) -> (Target, Vec<String>) {
        match self.turn.take() {
            Some(turn) => {
                self.learn(&turn, usage);
                (turn.target, turn.left_out)
            }
            None => (self.settings.borrow().target.clone(), Vec::new()),
        }
    }
}

fn shown(outcome: &Outcome) -> ShownOutcome {
    match outcome {
        Outcome::Done { .. } => ShownOutcome::Done,
        Outcome::Stopped => ShownOutcome::Stopped,
        Outcome::Failed(_) | Outcome::Incomplete => ShownOutcome::Failed,
    }
}

/// What is to be said about the end, if anything.
fn said(ended: &Ended, left_out: &[String], target: &Target, facts: &Facts, locale: Locale) -> Option<Notice> {
    let Target { provider, model } = target;
    let notice = notice::of_outcome(&ended.outcome, left_out, provider, model, locale)?;
    let today = models::today();
    Some(notice::naming_end(notice, &ended.outcome, model, facts, &today, locale))
}

/// The end of a turn as the history keeps it.
fn end(ended: &Ended, is_refusal: bool, notice: Option<history::Notice>, cost: Option<f64>) -> End {
    let (state, finish) = match &ended.outcome {
        Outcome::Done { .. } if is_refusal => (State::Whole, Some(REFUSAL.to_owned())),
        Outcome::Done { reason, .. } => (State::Whole, Some(word(reason).to_owned())),
        Outcome::Stopped => (State::Stopped, None),
        Outcome::Failed(_) | Outcome::Incomplete => (State::Failed, None),
    };
    let usage = ended.usage.map(|usage| history::Usage {
        input: usage.input,
        cached: usage.cached,
        output: usage.output,
        reasoning: usage.reasoning,
        cost,
    });
    End {
        state,
        finish,
        usage,
        notices: notice.into_iter().collect(),
        at: now(),
    }
}

fn word(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Incomplete => "incomplete",
        FinishReason::Other(word) => word,
    }
}
