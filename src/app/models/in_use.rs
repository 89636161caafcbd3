//! Switches the model that answers: the one that the user chose, else the configured one, else the one that is found
//! (`default_model`).

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use super::default_model::{Because, Found, Search};
use super::picker::Picking;
use super::{choice, remembered};
use crate::app::{App, News};
use crate::chat::session::{Settings, limits};
use crate::editor::{Editor, ShownModel};
use crate::keys::Secret;
use crate::provider::catalogue::Catalogue;
use crate::provider::catalogue::models;
use crate::provider::registry::Target;
use crate::words::{say, text};

impl App {
    /// Whether the user has named the model, so that no key decides about it.
    pub(in crate::app) fn is_named(&self) -> bool {
        self.chosen.is_some() || self.registry.configured_target().is_some()
    }

    /// Why the model in use answers, for `:checkhealth`.
    pub(in crate::app) fn reason(&self) -> String {
        let reason = match (&self.because, &self.chosen) {
            (Because::Named, Some(_)) => text!("health.model_chosen"),
            (Because::Named, None) => text!("health.model_configured"),
            (because, _) => because.sentence(),
        };
        reason.said(self.locale())
    }

    /// The reason, once it is known: a search for the one to ask may be under way.
    pub(in crate::app) fn wait_for_reason(&mut self) -> oneshot::Receiver<String> {
        let (sender, receiver) = oneshot::channel();
        self.curious.push(sender);
        let is_searching = self.waiting.is_some() && self.here.is_none() && !self.is_named();
        if !is_searching {
            self.tell_reason();
        }
        receiver
    }

    /// Tells the reason to all who wait for it.
    pub(in crate::app) fn tell_reason(&mut self) {
        for curious in std::mem::take(&mut self.curious) {
            curious.send(self.reason()).ok();
        }
    }

    /// Takes the model that the user named.
    pub(in crate::app) async fn change_model(&mut self, name: &str) {
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
        (self.because, self.here) = (Because::Named, None);
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
    pub(in crate::app) fn pick_model(&self, refresh: bool) {
        let (picking, news) = (self.picking(), self.news.clone());
        tokio::spawn(async move {
            if let Some(name) = picking.pick(refresh).await {
                news.send(News::ModelPicked(name)).await.ok();
            }
        });
    }

    pub(in crate::app) fn picking(&self) -> Picking {
        Picking {
            dialog: self.dialog.clone(),
            registry: self.registry.clone(),
            settings: self.settings.borrow().clone(),
            lists: self.lists.clone(),
            configured: self.configured.clone(),
        }
    }

    /// Finds out whom to ask when the configuration names nobody ([`default_model`]). What is at hand is used at once. Looking
    /// into the keyring and at this machine's servers takes time, so that is done beside; what is asked meanwhile waits.
    pub(in crate::app) fn find_default(&mut self) {
        if self.is_named() {
            return;
        }
        self.searches += 1;
        self.here = None;
        let search = Search {
            registry: self.registry.clone(),
            vault: self.vault.clone(),
            http: self.settings.borrow().http.clone(),
            state: self.state_dir.clone(),
        };
        let (at_hand, number, news) = (search.at_hand(), self.searches, self.news.clone());
        match at_hand {
            Some(found) if self.waiting.is_none() => self.use_default(found),
            at_hand => {
                self.waiting.get_or_insert_default();
                tokio::spawn(async move {
                    let found = match at_hand {
                        Some(found) => Some(found),
                        None => search.beside().await,
                    };
                    news.send(News::DefaultFound(number, found.map(Box::new))).await.ok();
                });
            }
        }
    }

    fn use_default(&mut self, found: Found) {
        self.because = found.because;
        self.use_target(found.target, false);
    }

    /// Takes what was found. A server on this machine is named, and asked nothing until the user has agreed.
    pub(in crate::app) async fn take_default(&mut self, found: Option<Box<Found>>) {
        let Some(found) = found.filter(|_| !self.is_named()) else {
            return self.go_on().await;
        };
        if found.because != Because::Here {
            self.use_default(*found);
            return self.go_on().await;
        }
        self.because = Because::Here;
        let window = found.target.provider.context;
        self.show(&found.target, window, false);
        self.here = Some(Here {
            target: found.target,
            is_asked: false,
        });
        self.tell_reason();
        if self.waiting.get_or_insert_default().is_empty() {
            return;
        }
        self.ask_about_here();
    }

    /// Asks whether the server on this machine is to be used; another editor may have been told already.
    pub(in crate::app) fn ask_about_here(&mut self) {
        let locale = self.locale();
        let Some(here) = self.here.as_mut().filter(|here| !here.is_asked) else {
            return;
        };
        here.is_asked = true;
        let Target { provider, .. } = &here.target;
        let question = say!(
            locale,
            "model.use_here",
            provider = &provider.label,
            host = provider.host(),
            model = here.target.label()
        );
        let choices = [say!(locale, "model.yes_here"), say!(locale, "model.no_here")];
        let (name, state) = (provider.name.clone(), self.state_dir.clone());
        let (dialog, news, registry) = (self.dialog.clone(), self.news.clone(), self.registry.clone());
        tokio::spawn(async move {
            let kept = state.clone();
            let chosen = tokio::task::spawn_blocking(move || kept.as_deref().and_then(choice::read)).await;
            let agreed = match chosen {
                Ok(Some(chosen)) if registry.target(&chosen).is_ok() => Agreed::Chosen(chosen),
                _ if remembered::look(state).await.refused.contains(&name) => Agreed::No,
                _ => match dialog.choose(question, &choices.each_ref().map(String::as_str)).await {
                    Some(0) => Agreed::Yes,
                    Some(_) => Agreed::No,
                    None => Agreed::Unsaid,
                },
            };
            news.send(News::Agreed(agreed)).await.ok();
        });
    }

    /// Does what the user says about the server on this machine.
    pub(in crate::app) async fn hear_agreed(&mut self, agreed: Agreed) {
        let Some(here) = self.here.take() else { return };
        match agreed {
            Agreed::Yes => self.choose_model(here.target).await,
            Agreed::Chosen(name) => self.change_model(&name).await,
            Agreed::Unsaid => {
                self.here = Some(Here {
                    is_asked: false,
                    ..here
                });
                // What no chat asks is not asked either; whoever asked is told by the guide's answer.
                for event in self.waiting.take().unwrap_or_default() {
                    match event.asking() {
                        Some(chat) => self.give_back(chat.clone()),
                        None => Box::pin(self.take(event)).await,
                    }
                }
                self.waiting = Some(Vec::new());
            }
            Agreed::No => {
                let name = here.target.provider.name;
                remembered::change(self.state_dir.clone(), |remembered| {
                    remembered.refused.insert(name);
                })
                .await;
                self.because = Because::Alone;
                self.show_model(false);
                self.go_on().await;
            }
        }
    }

    pub(in crate::app) fn use_target(&self, target: Target, chosen: bool) {
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

    pub(in crate::app) fn show_model(&self, chosen: bool) {
        let settings = self.settings.borrow().clone();
        self.show(&settings.target, limits(&settings).window, chosen);
    }

    fn show(&self, target: &Target, window: Option<u64>, chosen: bool) {
        let locale = self.locale();
        let remark = match target.provider.offline {
            true => say!(locale, "model.guide_remark"),
            false => String::new(),
        };
        self.model.send_replace(Some(ShownModel {
            provider: target.provider.name.clone(),
            model: target.model.clone(),
            remark,
            reason: self.because.shortly().said(locale),
            window,
            prices_of: Catalogue::date(),
            chosen,
        }));
    }
}

/// A server on this machine that can be asked, once the user agrees.
pub(in crate::app) struct Here {
    target: Target,
    /// Whether the question stands on the screen.
    is_asked: bool,
}

/// What a user says about the server on this machine.
pub(in crate::app) enum Agreed {
    /// It is to be used from now on.
    Yes,
    /// It is not.
    No,
    /// Nothing; the question was dismissed.
    Unsaid,
    /// In another editor, this model was chosen meanwhile.
    Chosen(String),
}

/// Keeps the editor's idea of the model up to date, in order.
pub(in crate::app) fn follow(editor: Arc<dyn Editor>) -> watch::Sender<Option<ShownModel>> {
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
