//! The chat and the model's window: what is sent, what is cut or refused, and what the provider's counts teach.

use super::{RunningTurn, Settings, Task};
use crate::chat::budget::{Budget, Limits, TooLong};
use crate::chat::conversation::Event;
use crate::chat::painter::Stroke;
use crate::chat::prompt::{self, Prompt, prompt};
use crate::chat::{Message, Role, notice};
use crate::editor::ShownCut;
use crate::provider::registry::Target;
use crate::transcript::{Usage, trim_blank_lines};

/// How many tokens the model in use takes.
pub fn limits(settings: &Settings) -> Limits {
    let Target { provider, model } = &settings.target;
    let facts = settings.catalogue.facts(provider, model);
    Limits::of(provider, &facts, settings.chat.max_tokens)
}

fn budget(settings: &Settings) -> Budget {
    let factor = settings.calibration.factor(&settings.target.label());
    Budget::new(limits(settings), factor)
}

/// What is sent of these messages.
pub(super) fn messages(settings: &Settings, messages: &[Message]) -> Vec<Message> {
    prompt(messages, &settings.chat, &budget(settings)).messages
}

/// The tokens of what is sent, if it goes to a model, and the mark above what is left out.
fn measured(prompt: &Prompt, settings: &Settings) -> (Option<u64>, Option<ShownCut>) {
    let (budget, target) = (budget(settings), &settings.target);
    let is_model = !target.provider.offline;
    let cut = prompt.cut.map(|cut| ShownCut {
        before: cut.before,
        label: notice::of_cut(&cut, &budget, &target.model, settings.locale),
    });
    (is_model.then(|| budget.calibrated(prompt.tokens)), cut)
}

impl Task {
    /// Decides what the coming turn sends. Yields what is shown of that: its tokens, and the mark above what is left
    /// out.
    pub(super) fn prepare(&mut self) -> (Option<u64>, Option<ShownCut>) {
        let settings = self.settings();
        self.prompt = prompt(self.conversation.messages(), &settings.chat, &budget(&settings));
        measured(&self.prompt, &settings)
    }

    /// The same of a branch that is shown: what would be sent of it now.
    pub(super) fn measure(&self) -> (Option<u64>, Option<ShownCut>) {
        let settings = self.settings();
        let prompt = prompt(self.conversation.messages(), &settings.chat, &budget(&settings));
        measured(&prompt, &settings)
    }

    /// Whether what the user asks cannot be asked of this model, even alone.
    pub(super) fn too_long(&self, event: &Event) -> Option<TooLong> {
        if self.conversation.is_answering() {
            return None; // it is refused for that
        }
        let question = match event {
            Event::Sent { submission, .. } => trim_blank_lines(&submission.text),
            Event::Regenerated { regions, at } => {
                let end = at.and_then(|id| regions.iter().position(|region| region.id == id));
                let upto = end.map_or(regions.len(), |end| end + 1);
                let mut newest = regions.iter().take(upto).rev();
                newest.find(|region| region.role == Role::User)?.text.as_str()
            }
            _ => return None,
        };
        let settings = self.settings();
        prompt::too_long(question, &settings.chat, &budget(&settings))
    }

    pub(super) fn refuse(&self, refused: TooLong) {
        let settings = self.settings();
        let notice = notice::of_too_long(refused, &settings.target.model, settings.locale);
        self.canvas.add(Stroke::TooLong(notice));
    }

    /// Compares the estimate of a request with what its provider counted.
    pub(super) fn learn(&self, turn: &RunningTurn, usage: Option<Usage>) {
        if let Some(usage) = usage {
            let label = turn.target.label();
            self.settings().calibration.learn(&label, turn.tokens, usage.input);
        }
    }
}
