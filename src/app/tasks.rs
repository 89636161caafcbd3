//! Spawns slow work off the inbox loop: each task gets what it takes of the app.

use super::App;
use super::actions::run::Acting;
use super::gate::Gate;
use super::shared::Shared;
use crate::chat::{ChatId, SubmissionId};

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
            follow_ups: self.follow_ups.clone(),
            gate: self.gate(),
            locale: self.locale(),
        }
    }

    /// Gives up what is on its way out, if there is something: it is asked about, say. With an id, only that.
    pub(super) fn drop_sending(&mut self, chat: &ChatId, id: Option<SubmissionId>) -> bool {
        let mut dropped = false;
        self.sending.retain(|(of, what, task)| {
            let is_meant = of == chat && (id.is_none() || id == *what);
            if is_meant && !task.is_finished() {
                task.abort();
                dropped = true;
            }
            !is_meant && !task.is_finished()
        });
        dropped
    }
}
