//! The end of a turn: what it took and cost, what is said of it and kept, and what follows from it.

use super::Task;
use crate::chat::conversation::{Ended, INCOMPLETE, Outcome};
use crate::chat::journal::REFUSAL;
use crate::chat::notice::{self, Level, Notice};
use crate::chat::painter::Stroke;
use crate::chat::parts;
use crate::chat::{Message, MessageId};
use crate::editor::{ShownEnd, ShownOutcome};
use crate::history::{self, End, Spent, State, now};
use crate::provider::catalogue::{Facts, models};
use crate::provider::registry::Target;
use crate::provider::{Cut, Usage};
use crate::words::{Locale, say};

impl Task {
    /// Ends the turn: in the history, on the screen, and with what was to be done with its answer.
    pub(super) fn end_turn(&mut self, answer: MessageId, ended: &Ended) {
        // The tokens of two models teach nothing about one of them.
        let taught = ended.usage.filter(|_| ended.answered_by.is_none() && ended.steps == 1);
        let (mut target, left_out) = self.leave_turn(taught);
        let settings = self.settings.borrow().clone();
        let asked = target.label();
        let instead = ended.answered_by.as_ref().map(|model| {
            let named = say!(
                settings.locale,
                "turn.answered_by",
                provider = &target.provider.label,
                model = model,
                asked = &target.model,
            );
            target.model.clone_from(model);
            named
        });
        let facts = settings.catalogue.facts(&target.provider, &target.model);
        let cost = ended.usage.and_then(|usage| facts.cost(&usage));
        let mut notice = said(ended, &left_out, &target, &facts, settings.locale);
        if let (Some(notice), Outcome::Cut { .. }, true) = (&mut notice, &ended.outcome, self.has_follow_up(answer)) {
            notice.details.push(say!(settings.locale, "turn.not_used"));
        }
        match (&mut notice, instead) {
            (Some(notice), Some(named)) => notice.details.push(named),
            (None, Some(named)) => notice = Some(Notice::new(Level::Info, named, "")),
            (_, None) => {}
        }
        let record = notice.as_ref().map(|notice| notice.record(settings.vault.redactor()));
        let message = self.conversation.messages().last().filter(|last| last.id == answer);
        let is_refusal = message.is_some_and(Message::is_refusal);
        let parts = message.map(|message| parts::below(message, settings.locale));
        let is_cut_back = matches!(ended.outcome, Outcome::Stopped { fallen: 1.. });
        self.keep_end(answer, &target, is_cut_back, end(ended, is_refusal, record, cost));
        let outcome = shown(&ended.outcome);
        if outcome == ShownOutcome::Done {
            self.follow_up_on(answer);
        }
        let finish = match &ended.outcome {
            Outcome::Cut { cut, .. } => word(cut.as_ref()).map(str::to_owned),
            _ => None,
        };
        self.look();
        if asked == target.label() {
            self.ask_for_title(ended, &target);
        }
        self.canvas.add(Stroke::End(ShownEnd {
            chat: self.chat.clone(),
            answer,
            outcome,
            finish,
            notice,
            provider: target.provider.name,
            model: target.model,
            usage: ended.usage,
            cost,
            parts: parts.unwrap_or_default(),
            revision: self.conversation.revision(),
        }));
    }

    /// Who was asked, and the fields that the server refused; what its count of tokens teaches is learned. Again the
    /// same for a turn that ends once more.
    fn leave_turn(&mut self, usage: Option<Usage>) -> (Target, Vec<String>) {
        if let Some(turn) = self.turn.take() {
            self.learn(&turn, usage);
            self.left = Some((turn.target, turn.left_out));
        }
        let left = self.left.clone();
        left.unwrap_or_else(|| (self.settings.borrow().target.clone(), Vec::new()))
    }
}

fn shown(outcome: &Outcome) -> ShownOutcome {
    match outcome {
        Outcome::Done { .. } => ShownOutcome::Done,
        Outcome::Stopped { .. } => ShownOutcome::Stopped,
        Outcome::Cut { .. } => ShownOutcome::Cut,
        Outcome::Failed(_) => ShownOutcome::Failed,
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
        Outcome::Done { tools, .. } => {
            let word = if tools.is_empty() { "stop" } else { "tool_calls" };
            (State::Whole, Some(word.to_owned()))
        }
        Outcome::Stopped { .. } => (State::Stopped, None),
        Outcome::Cut { cut, .. } => {
            let word = word(cut.as_ref()).unwrap_or(INCOMPLETE);
            (State::Cut, Some(word.to_owned()))
        }
        Outcome::Failed(_) => (State::Failed, None),
    };
    let usage = ended.usage.map(|usage| Spent { usage, cost });
    End {
        state,
        finish,
        usage,
        notices: notice.into_iter().collect(),
        at: now(),
    }
}

/// The provider's word for the end of an answer that was cut, if it gave one.
fn word(cut: Option<&Cut>) -> Option<&str> {
    cut.map(|cut| cut.word.as_str()).filter(|word| !word.is_empty())
}
