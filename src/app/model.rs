//! Which model answers: the one that the user chose, else the configured one, else that of the first provider with a key.

use std::sync::Arc;

use tokio::sync::watch;

use super::picker::Picking;
use super::{App, News, choice, environment};
use crate::chat::session::{Settings, limits};
use crate::editor::{Editor, ShownModel};
use crate::keys::Secret;
use crate::provider::catalogue::Catalogue;
use crate::provider::models;
use crate::provider::registry::{Target, Wire};
use crate::words::{Locale, say};

impl App {
    /// Whether the user has named the model, so that no key decides about it.
    pub(super) fn is_named(&self) -> bool {
        self.chosen.is_some() || self.registry.configured_target().is_some()
    }

    /// Takes the model that the user named.
    pub(super) async fn change_model(&mut self, name: &str) {
        let locale = self.settings.borrow().locale;
        let redactor = self.vault.redactor();
        match choice::understand(&self.registry, name, redactor, locale) {
            Ok(target) => self.choose_model(target).await,
            Err(refusal) => {
                if redactor.holds_key(name) {
                    self.forget_typed(name);
                }
                self.inform(refusal);
            }
        }
    }

    /// Takes a key that was typed in place of a name out of the history, and out of all that is said from now on.
    fn forget_typed(&self, typed: &str) {
        let (editor, redactor, typed) = (self.editor.clone(), self.vault.redactor().clone(), typed.to_owned());
        for part in [Some(typed.as_str()), typed.split_once('/').map(|(_, part)| part)] {
            if let Some(Ok(key)) = part.map(|part| Secret::new(part.to_owned())) {
                redactor.learn(&key);
            }
        }
        tokio::spawn(async move { editor.forget_typed(&typed).await });
    }

    async fn choose_model(&mut self, target: Target) {
        let label = target.label();
        self.chosen = Some(label.clone());
        self.use_target(target, true);
        self.tell_choice().await;
        if let Some(state) = self.state_dir.clone() {
            choice::keep(state, label).await;
        }
        self.go_on().await;
    }

    /// Says what was chosen, and when it ends. What its server says of that comes before our table.
    async fn tell_choice(&self) {
        let settings = self.settings.borrow().clone();
        let Target { provider, model } = &settings.target;
        let mut facts = settings.catalogue.facts(provider, model);
        self.lists.state(provider).await;
        facts.ends = self.lists.ends(provider, model).or(facts.ends);
        self.inform(choice::made(
            &settings.target,
            &facts,
            &models::today(),
            settings.locale,
        ));
    }

    /// Lets the user pick a model from a list.
    pub(super) fn pick_model(&self, refresh: bool) {
        let (picking, news) = (self.picking(), self.news.clone());
        tokio::spawn(async move {
            if let Some(name) = picking.pick(refresh).await {
                news.send(News::ModelPicked(name)).await.ok();
            }
        });
    }

    pub(super) fn picking(&self) -> Picking {
        Picking {
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            settings: self.settings.borrow().clone(),
            lists: self.lists.clone(),
            configured: self.configured.clone(),
        }
    }

    /// Finds out whom to ask when the configuration names nobody: the first provider with a key, else the guide. Looking
    /// into the keyring takes time, so this is done beside; what is asked meanwhile waits.
    pub(super) fn find_default(&mut self) {
        if self.is_named() {
            return;
        }
        self.waiting.get_or_insert_default();
        let (registry, vault, news) = (self.registry.clone(), self.vault.clone(), self.news.clone());
        tokio::spawn(async move {
            let connected = match registry.provider("openai") {
                Some(openai) => vault.look(&openai.name, &openai.key, &environment).await,
                None => Ok(None),
            };
            let name = if matches!(connected, Ok(Some(_))) {
                "openai"
            } else {
                "guide"
            };
            if let Ok(target) = registry.target(name) {
                news.send(News::DefaultFound(Box::new(target))).await.ok();
            }
        });
    }

    pub(super) fn use_target(&self, target: Target, chosen: bool) {
        let before = self.settings.borrow().clone();
        let settings = Settings {
            target,
            problem: None,
            catalogue: before.catalogue.clone(),
            chat: before.chat.clone(),
            http: before.http.clone(),
            vault: before.vault.clone(),
            calibration: before.calibration.clone(),
            told_rules: before.told_rules.clone(),
            titles: before.titles,
            locale: before.locale,
        };
        self.settings.send_replace(Arc::new(settings));
        self.show_model(chosen);
    }

    pub(super) fn show_model(&self, chosen: bool) {
        let settings = self.settings.borrow().clone();
        let window = limits(&settings).window;
        let shown = shown(&settings.target, window, chosen, settings.locale);
        self.model.send_replace(Some(shown));
    }
}

fn shown(target: &Target, window: Option<u64>, chosen: bool, locale: Locale) -> ShownModel {
    let remark = match target.provider.wire {
        Wire::Guide => say!(locale, "model.guide_remark"),
        _ => String::new(),
    };
    ShownModel {
        provider: target.provider.name.clone(),
        model: target.model.clone(),
        remark,
        window,
        prices_of: Catalogue::date(),
        chosen,
    }
}

/// Keeps the editor's idea of the model up to date, in order.
pub(super) fn follow(editor: Arc<dyn Editor>) -> watch::Sender<Option<ShownModel>> {
    let (sender, mut models) = watch::channel(None::<ShownModel>);
    tokio::spawn(async move {
        while models.changed().await.is_ok() {
            let model = models.borrow_and_update().clone();
            if let Some(model) = model {
                editor.show_model(&model).await.ok();
            }
        }
    });
    sender
}
