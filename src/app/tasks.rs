//! What takes time is done beside: each such task gets what it takes of the app.

use std::future::Future;

use tokio::task::AbortHandle;

use super::App;
use super::acting::Acting;
use super::connecting::Connecting;
use super::gate::Gate;
use super::lookup::{Lookup, Order};
use super::shelf::Shelf;
use crate::chat::{ChatId, SubmissionId};

impl App {
    /// Does something with the chats of the history.
    pub(super) fn shelve<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Shelf) -> F) {
        tokio::spawn(work(Shelf {
            archive: self.archive.clone(),
            dialog: self.dialog.clone(),
            editor: self.editor.clone(),
            locale: self.locale(),
        }));
    }

    /// Sets or removes a key.
    pub(super) fn connect<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Connecting) -> F) {
        tokio::spawn(work(Connecting {
            editor: self.editor.clone(),
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            http: self.settings.borrow().http.clone(),
            vault: self.vault.clone(),
            news: self.news.clone(),
            current: self.settings.borrow().target.provider.name.clone(),
            state: self.state_dir.clone(),
            locale: self.locale(),
        }));
    }

    /// What all that is sent passes.
    pub(super) fn gate(&self) -> Gate {
        Gate {
            dialog: self.dialog.clone(),
            vault: self.vault.clone(),
            registry: self.registry.clone(),
            passed: self.passed.clone(),
            locale: self.locale(),
        }
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

    /// Tells the editor which prompts there are.
    pub(super) fn list_prompts(&self, project: Option<String>) {
        let prompts = self.prompts.clone();
        tokio::spawn(async move { prompts.list(project).await });
    }

    /// Looks up the context words of a chat's question.
    pub(super) fn look_up(&mut self, order: Order) {
        let lookup = Lookup {
            editor: self.editor.clone(),
            gate: self.gate(),
            asked: self.settings.borrow().target.provider.clone(),
            locale: self.locale(),
        };
        self.lookups.retain(|(_, task)| !task.is_finished());
        let chat = order.chat.clone();
        let task = tokio::spawn(async move { lookup.look_up(order).await });
        self.lookups.push((chat, task.abort_handle()));
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

    /// Gives up what is being looked up for a chat.
    pub(super) fn drop_lookups(&mut self, chat: &ChatId) {
        let of_chat = |(of, task): &(ChatId, AbortHandle)| of != chat || task.is_finished();
        self.lookups
            .iter()
            .filter(|one| !of_chat(one))
            .for_each(|(_, task)| task.abort());
        self.lookups.retain(of_chat);
    }
}
