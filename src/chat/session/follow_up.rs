//! What differs from one question to the next: who is asked, the project's rules, and what is done with the answer.

use std::fmt;
use std::sync::Arc;

use super::{Settings, Task};
use crate::chat::notice::{Level, Notice};
use crate::chat::rules::Refused;
use crate::chat::{Message, MessageId};
use crate::provider::registry::Target;
use crate::words::say;

/// What is done with an answer once it is whole.
pub type Done = Arc<dyn Fn(&str) + Send + Sync>;

/// What belongs to a question beside its text.
#[derive(Clone, Default)]
pub struct FollowUp {
    /// Whom to ask; `None`: the model in use.
    pub target: Option<Box<Target>>,
    /// What to do with the answer, also with one that is given anew.
    pub done: Option<Done>,
}

impl fmt::Debug for FollowUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.target.as_deref().map(Target::label);
        formatter
            .debug_struct("FollowUp")
            .field("model", &model)
            .finish_non_exhaustive()
    }
}

impl Task {
    pub(super) fn settings(&self) -> Arc<Settings> {
        let settings = self.settings.borrow().of_chat(self.asked.as_deref(), &self.rules);
        Arc::new(settings)
    }

    /// Looks what the project's rules are now.
    pub(super) async fn renew_rules(&mut self) {
        let wanted = self.settings.borrow().chat.rules != Some(false);
        let root = self.about.project.as_deref().filter(|_| wanted);
        let settings = self.settings.borrow().clone();
        let redactor = settings.vault.redactor();
        self.rules = std::mem::take(&mut self.rules).renewed(root, redactor).await;
        let refused = self.rules.refused(&settings.told_rules);
        for why in [Refused::Secret, Refused::Linked] {
            let files = refused.iter().filter(|(_, known)| *known == why).map(|(name, _)| *name);
            let files = files.collect::<Vec<_>>().join(", ");
            if files.is_empty() {
                continue;
            }
            let title = match why {
                Refused::Secret => say!(settings.locale, "rules.refused", files = files),
                Refused::Linked => say!(settings.locale, "rules.linked", files = files),
            };
            let advice = say!(settings.locale, "rules.refused_advice");
            self.inform(Notice::new(Level::Warning, title, advice));
        }
    }

    /// Which rules go along, in words; the guide takes none.
    pub(super) fn shown_rules(&self) -> Option<String> {
        let settings = self.settings();
        let locale = settings.locale;
        let name = |(name, cut): (&str, bool)| match cut {
            true => say!(locale, "rules.cut", file = name),
            false => name.to_owned(),
        };
        let names: Vec<String> = self.rules.names().map(name).collect();
        let is_shown = !names.is_empty() && !settings.target.provider.offline;
        is_shown.then(|| say!(locale, "rules.label", files = names.join(", ")))
    }

    /// Does what is to be done with an answer that is whole.
    pub(super) fn follow_up_on(&self, answer: MessageId) {
        if let Some((done, answer)) = self.follow_up_of(answer) {
            done(&answer.text());
        }
    }

    /// Whether something is to be done with an answer.
    pub(super) fn has_follow_up(&self, answer: MessageId) -> bool {
        self.follow_up_of(answer).is_some()
    }

    fn follow_up_of(&self, answer: MessageId) -> Option<(&Done, &Message)> {
        let messages = self.conversation.messages();
        let at = messages.iter().position(|message| message.id == answer)?;
        let question = messages.get(at.checked_sub(1)?)?;
        Some((self.follow_ups.get(&question.id)?, messages.get(at)?))
    }
}
