//! Setting and removing keys: what is asked, checked, stored and said, in which order.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app::News;
use crate::app::dialog::Dialog;
use crate::app::models::remembered;
use crate::chat::notice::{self, Level, Notice};
use crate::editor::{Editor, KeyForm, ShownKeyChange};
use crate::keys::keyring::{self, KeyringError};
use crate::keys::vault::{Vault, variable};
use crate::keys::{Credentials, KeySource, Redactor, Secret, SecretError};
use crate::provider::registry::{Provider, Registry};
use crate::provider::transport::Http;
use crate::provider::{ErrorClass, ProviderError};
use crate::words::{Locale, Text, text};

/// All that setting a key takes. Cheap to clone.
#[derive(Clone)]
pub struct KeySetUp {
    pub editor: Arc<dyn Editor>,
    pub dialog: Dialog,
    pub registry: Arc<Registry>,
    pub http: Arc<Http>,
    pub vault: Vault,
    pub news: mpsc::Sender<News>,
    /// The provider that is asked now.
    pub current: String,
    /// Where it is remembered whose keys are stored.
    pub state: Option<PathBuf>,
    /// The language of what is said.
    pub locale: Locale,
}

/// What a user entered.
pub struct Entered {
    pub provider: String,
    pub key: Result<Secret, SecretError>,
    pub organization: String,
    pub project: String,
}

impl KeySetUp {
    /// Asks for a key.
    pub async fn ask_for_key(&self, name: Option<String>) {
        let Some(provider) = self
            .pick(name, text!("connect.set_which"), Provider::takes_stored_key)
            .await
        else {
            return;
        };
        let form = KeyForm {
            provider: provider.name.clone(),
            label: provider.label.clone(),
            organizations: provider.has_organizations,
        };
        self.editor.enter_key(&form).await.ok();
    }

    /// Checks a key that was entered, and stores it.
    pub async fn take_key(&self, entered: Entered) {
        let Some(provider) = self.registry.provider(&entered.provider) else {
            return;
        };
        let key = match entered.key {
            Ok(key) => key,
            Err(reason) => {
                let title = text!("connect.unchanged_because", reason = reason.text());
                self.say(Level::Warning, title, "").await;
                return;
            }
        };
        let (organization, project) = (entered.organization.trim().into(), entered.project.trim().into());
        let entered = self.vault.known(Credentials {
            key: Some(key),
            organization,
            project,
            ..Credentials::default()
        });
        let entered = match provider.has_organizations {
            true => self.vault.complete(&provider.name, entered).await,
            false => entered,
        };
        let asked = match self
            .vault
            .with_headers(&provider.name, entered.clone(), &provider.headers, &environment)
            .await
        {
            Ok(asking) => self.http.models(provider, &asking).await,
            Err(error) => Err(ProviderError::from(error)),
        };
        let check = match asked {
            Ok(models) => Check::Accepted(models.len()),
            Err(error) if has_no_list(&error) => Check::NoList(error.status.unwrap_or(404)),
            Err(error) => match self.keep_nevertheless(provider, error).await {
                true => Check::Failed,
                false => return,
            },
        };
        self.store(provider, entered, check).await;
    }

    /// Whether to keep a key that the provider did not accept.
    async fn keep_nevertheless(&self, provider: &Provider, error: ProviderError) -> bool {
        let failed = notice::of_failed_check(&error, provider, self.locale);
        let question = text!("connect.keep_nevertheless", failed = &failed.title);
        self.editor.inform(&failed).await.ok();
        let choices = [text!("connect.keep"), text!("connect.forget")];
        let keep = self.choose(question, choices).await == Some(0);
        if !keep {
            self.say(Level::Info, text!("view.unchanged"), "").await;
        }
        keep
    }

    async fn store(&self, provider: &Provider, entered: Credentials, check: Check) {
        let storing = self.vault.store(&provider.name, &entered);
        let (editor, locale) = (self.editor.clone(), self.locale);
        let remind = move || {
            tokio::spawn(async move { editor.inform(&notice::keyring_waits(locale)).await });
        };
        match keyring::reminding(storing, remind).await {
            Ok(()) => {
                let name = provider.name.clone();
                remembered::change(self.state.clone(), |remembered| {
                    remembered.stored.insert(name);
                })
                .await;
                let advice = self.stored_advice(provider);
                self.announce(provider, "keyring", check.stored(provider), advice).await;
                self.offer(provider).await;
            }
            Err(error) => self.offer_session(provider, entered, check, &error).await,
        }
    }

    /// What a user should know once a key is stored: that a variable comes first, say.
    fn stored_advice(&self, provider: &Provider) -> Text {
        match overriding(provider) {
            Some(name) => text!("connect.but_variable", variable = name),
            None => text!("connect.in_keyring"),
        }
    }

    /// No keyring: the key can be kept for this session, or come from elsewhere.
    async fn offer_session(&self, provider: &Provider, entered: Credentials, check: Check, error: &KeyringError) {
        self.say(Level::Warning, error.text(), "").await;
        let choices = [text!("connect.session_keep"), text!("connect.session_forget")];
        let question = text!(
            "connect.what_now",
            problem = error.text(),
            elsewhere = elsewhere(provider)
        );
        let chosen = self.choose(question, choices).await;
        if chosen != Some(0) {
            self.say(Level::Info, text!("view.unchanged"), "").await;
            return;
        }
        self.vault.keep_for_session(&provider.name, entered);
        let kept = check.kept_for_session(provider);
        let advice = match overriding(provider) {
            Some(name) => text!("connect.but_variable_set", variable = name),
            None => text!("connect.in_memory"),
        };
        self.announce(provider, "session", kept, advice).await;
        self.offer(provider).await;
    }

    /// Asks whether the provider whose key was just set is to be used from now on. A "no" holds until the key is removed:
    /// it is asked once, and the provider answers only where it is chosen.
    async fn offer(&self, provider: &Provider) {
        let is_refused = remembered::look(self.state.clone())
            .await
            .refused
            .contains(&provider.name);
        let usual = self.registry.target(&provider.name).ok();
        if let Some(target) = usual.filter(|_| self.current != provider.name && !is_refused) {
            let question = text!("connect.use_now", model = target.label());
            match self
                .choose(question, [text!("connect.yes_use"), text!("connect.no_use")])
                .await
            {
                Some(0) => return drop(self.news.send(News::ModelPicked(target.label())).await),
                Some(_) => {
                    let name = provider.name.clone();
                    remembered::change(self.state.clone(), |remembered| {
                        remembered.refused.insert(name);
                    })
                    .await;
                    self.say(Level::Info, text!("connect.not_used", provider = &provider.name), "")
                        .await;
                }
                None => {}
            }
        }
        self.news.send(News::KeysChanged).await.ok();
    }

    async fn forget(&self, provider: &Provider) {
        let name = provider.name.clone();
        let forget = move |remembered: &mut remembered::Remembered| {
            remembered.stored.remove(&name);
            remembered.refused.remove(&name);
        };
        remembered::change(self.state.clone(), forget).await;
    }

    /// Removes a provider's key, organization and project.
    pub async fn remove_key(&self, name: Option<String>, force: bool) {
        let Some(provider) = self
            .pick(name, text!("connect.remove_which"), may_have_stored_key)
            .await
        else {
            return;
        };
        let label = &provider.label;
        if !force {
            let question = text!("connect.remove", provider = label);
            let choices = [text!("connect.no"), text!("connect.yes_remove")];
            if self.choose(question, choices).await != Some(1) {
                self.say(Level::Info, text!("view.unchanged"), "").await;
                return;
            }
        }
        match self.vault.remove(&provider.name).await {
            Ok(true) => {
                let source = source_without_keyring(provider);
                let removed = text!("connect.removed", provider = label);
                self.forget(provider).await;
                self.news.send(News::KeysChanged).await.ok();
                self.announce(provider, source, removed, still_given(provider)).await;
            }
            Ok(false) => {
                let none = text!("connect.none_stored", provider = label);
                self.say(Level::Info, none, still_given(provider)).await;
            }
            Err(error) => {
                self.say(Level::Warning, error.text(), still_given(provider)).await;
            }
        }
    }

    /// The provider that was named, or that the user picks. One whose key cannot be stored is refused with the reason.
    async fn pick(&self, name: Option<String>, which: Text, is_able: fn(&Provider) -> bool) -> Option<&Provider> {
        let able: Vec<&Provider> = self.registry.providers().filter(|provider| is_able(provider)).collect();
        let Some(name) = name else {
            let able: Vec<&Provider> = able.into_iter().filter(|provider| provider.is_in_use()).collect();
            let labels = able.iter().map(|provider| Text::from(&provider.label));
            let chosen = match able.as_slice() {
                [_] => Some(0),
                _ => self.choose(which, labels).await,
            };
            return able.get(chosen?).copied();
        };
        let provider = self.registry.provider(&name);
        match provider {
            Some(provider) if is_able(provider) => return Some(provider),
            Some(provider) => {
                let title = text!("connect.takes_none", provider = &provider.label);
                self.say(Level::Warning, title, named_source(provider)).await;
            }
            None => {
                let is_key = may_be_a_key(&name, self.vault.redactor());
                if is_key {
                    self.editor.forget_typed(&name).await.ok();
                }
                let (title, advice) = match is_key {
                    true => (text!("connect.no_provider"), text!("connect.typed_when_asked")),
                    false => (text!("provider.unknown", name = &name), self.registry.meant(&name)),
                };
                self.say(Level::Warning, title, advice).await;
            }
        }
        None
    }

    async fn say(&self, level: Level, title: Text, advice: impl Into<Text>) {
        let notice = Notice::new(level, title.said(self.locale), advice.into().said(self.locale));
        self.editor.inform(&notice).await.ok();
    }

    async fn choose(&self, question: Text, choices: impl IntoIterator<Item = Text>) -> Option<usize> {
        let choices: Vec<String> = choices.into_iter().map(|choice| choice.said(self.locale)).collect();
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        self.dialog.choose(question.said(self.locale), &choices).await
    }

    /// Tells everybody of a change, ourselves first.
    async fn announce(&self, provider: &Provider, source: &str, title: Text, advice: Text) {
        self.news.send(News::ListsChanged).await.ok();
        self.say(Level::Info, title, advice).await;
        let change = ShownKeyChange {
            provider: provider.name.clone(),
            source: source.into(),
        };
        self.editor.key_changed(&change).await.ok();
    }
}

/// What came of checking a key.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// The provider took it, and lists so many models.
    Accepted(usize),
    /// The provider lists no models, and says so with this status: nothing is known of the key.
    NoList(u16),
    /// The provider did not take it, or was not reached; the user keeps it all the same.
    Failed,
}

impl Check {
    /// What is said once the key is in the keyring.
    fn stored(self, provider: &Provider) -> Text {
        let label = &provider.label;
        match self {
            Self::Accepted(1) => text!("connect.connected_one", provider = label),
            Self::Accepted(count) => text!("connect.connected", provider = label, count = count),
            Self::NoList(status) => text!("connect.unchecked", provider = label, status = status.to_string()),
            Self::Failed => text!("connect.kept", provider = label),
        }
    }

    /// What is said where the key is kept for this session only.
    fn kept_for_session(self, provider: &Provider) -> Text {
        let label = &provider.label;
        match self {
            Self::Accepted(_) => text!("connect.for_session", provider = label),
            Self::NoList(status) => {
                let why = format!("HTTP {status}");
                text!("connect.for_session_unchecked", provider = label, why = why)
            }
            Self::Failed => text!("connect.for_session_refused", provider = label),
        }
    }
}

/// Whether a server says that it lists no models: then it says nothing of the key.
fn has_no_list(error: &ProviderError) -> bool {
    matches!(error.status, Some(404 | 405 | 501)) || error.class == ErrorClass::WrongAddress
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variable that comes before a stored key, if it is set.
fn overriding(provider: &Provider) -> Option<&str> {
    match &provider.key {
        KeySource::Usual { variables, .. } => variables
            .iter()
            .map(String::as_str)
            .find(|name| variable(&environment, name).is_some()),
        KeySource::Variable(name) => variable(&environment, name).map(|_| name.as_str()),
        _ => None,
    }
}

/// Whether a key of the provider can be in the keyring: also one from before the configuration named another source.
fn may_have_stored_key(provider: &Provider) -> bool {
    provider.key != KeySource::None
}

/// Whether somebody may have typed a key where a provider's name belongs. It is not to be repeated then.
fn may_be_a_key(name: &str, redactor: &Redactor) -> bool {
    name.len() >= 20 || matches!(redactor.redact(name), Cow::Owned(_))
}

fn source_without_keyring(provider: &Provider) -> &'static str {
    match &provider.key {
        KeySource::Command(_) => "command",
        _ if overriding(provider).is_some() => "variable",
        _ => "none",
    }
}

/// What gives a key although the keyring holds none.
fn still_given(provider: &Provider) -> Text {
    match (&provider.key, overriding(provider)) {
        (KeySource::Command(_), _) => text!("connect.command_gives"),
        (_, Some(name)) => text!("connect.variable_gives", variable = name),
        _ => "".into(),
    }
}

/// How a key can come from somewhere else than the keyring.
fn elsewhere(provider: &Provider) -> Text {
    let name = &provider.name;
    match &provider.key {
        KeySource::Usual { variables, .. } if !variables.is_empty() => {
            text!("connect.elsewhere_variable", variable = notice::any_of(variables))
        }
        _ => text!("connect.elsewhere", name = name),
    }
}

/// Why a provider takes no stored key: its key comes from elsewhere, or it needs none.
fn named_source(provider: &Provider) -> Text {
    let name = &provider.name;
    match &provider.key {
        KeySource::Variable(variable) if variable.is_empty() => notice::no_variable(provider),
        KeySource::Variable(variable) => text!("connect.from_variable", name = name, variable = variable),
        KeySource::Command(_) => text!("connect.from_command", name = name),
        KeySource::Usual { .. } => text!("connect.needs_address", name = name),
        KeySource::None => text!("connect.needs_none"),
    }
}
