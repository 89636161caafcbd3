//! Spawns slow work off the inbox loop: each task gets what it takes of the app.

use super::App;
use super::actions::run::Acting;
use super::gate::Gate;
use super::shared::Shared;
use crate::chat::ChatId;

impl App {
    /// What handlers share.
    pub(super) fn shared(&self) -> Shared {
        Shared {
            editor: self.editor.clone(),
            news: self.news.clone(),
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            vault: self.vault.clone(),
            settings: self.settings.borrow().clone(),
            archive: self.archive.clone(),
            passed: self.passed.clone(),
            state_dir: self.state_dir.clone(),
        }
    }

    /// What all that is sent passes.
    pub(super) fn gate(&self) -> Gate {
        self.shared().gate()
    }

    /// What actions take.
    pub(super) fn acting(&self) -> Acting {
        Acting {
            editor: self.editor.clone(),
            registry: self.registry.clone(),
            prompts: self.prompts.clone(),
            errands: self.errands.clone(),
            gate: self.gate(),
            locale: self.locale(),
        }
    }

    /// Gives up a question that is on its way out, if there is one: it is asked about, say.
    pub(super) fn drop_sending(&mut self, chat: &ChatId) -> bool {
        let mut dropped = false;
        self.sending.retain(|(of, task)| {
            if of == chat && !task.is_finished() {
                task.abort();
                dropped = true;
            }
            of != chat && !task.is_finished()
        });
        dropped
    }
}
