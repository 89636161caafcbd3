//! Setting and removing keys: what is asked, checked, stored and said, in which order.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use super::News;
use super::dialog::Dialog;
use crate::chat::notice::{self, Level, Notice};
use crate::editor::{Editor, KeyForm, ShownKeyChange};
use crate::keys::keyring::{self, KeyringError};
use crate::keys::vault::{Environment, Vault, variable};
use crate::keys::{Credentials, FoundIn, KeySource, Secret, SecretError, redact};
use crate::provider::ProviderError;
use crate::provider::http::Http;
use crate::provider::registry::{Provider, Registry};

/// All that setting a key takes. Cheap to clone.
#[derive(Clone)]
pub struct Connecting {
    pub editor: Arc<dyn Editor>,
    pub dialog: Dialog,
    pub registry: Arc<Registry>,
    pub http: Arc<Http>,
    pub vault: Vault,
    pub news: mpsc::Sender<News>,
}

/// What a user entered.
pub struct Entered {
    pub provider: String,
    pub key: Result<Secret, SecretError>,
    pub organization: String,
    pub project: String,
}

impl Connecting {
    /// Asks for a key.
    pub async fn ask_for_key(&self, name: Option<String>) {
        let Some(provider) = self.pick(name, "Set the key of", Provider::takes_stored_key).await else {
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
                self.say(Level::Warning, format!("Nothing was changed: {reason}."), "")
                    .await;
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
        let connected = match self.http.models(provider, &entered).await.map(|models| models.len()) {
            Ok(1) => format!("Connected to {} (1 model).", provider.label),
            Ok(models) => format!("Connected to {} ({models} models).", provider.label),
            Err(error) => match self.keep_nevertheless(provider, error).await {
                true => format!("The key of {} is kept.", provider.label),
                false => return,
            },
        };
        self.store(provider, entered, connected).await;
    }

    /// Whether to keep a key that the provider did not accept.
    async fn keep_nevertheless(&self, provider: &Provider, error: ProviderError) -> bool {
        let failed = notice::of_failed_check(&error, provider);
        let question = format!("{} Keep the key all the same?", failed.title);
        self.editor.inform(&failed).await.ok();
        let keep = self.dialog.choose(question, &["Keep it", "Forget it"]).await == Some(0);
        if !keep {
            self.say(Level::Info, "Nothing was changed.", "").await;
        }
        keep
    }

    async fn store(&self, provider: &Provider, entered: Credentials, connected: String) {
        let storing = self.vault.store(&provider.name, &entered);
        let editor = self.editor.clone();
        let remind = move || {
            tokio::spawn(async move { editor.inform(&notice::keyring_waits()).await });
        };
        match keyring::reminding(storing, remind).await {
            Ok(()) => {
                let advice = self.stored_advice(provider);
                self.announce(provider, "keyring", connected, &advice).await;
            }
            Err(error) => self.offer_session(provider, entered, &error).await,
        }
    }

    /// What a user should know once a key is stored: that a variable comes first, say.
    fn stored_advice(&self, provider: &Provider) -> String {
        match overriding(provider) {
            Some(name) => format!("But {name} comes first."),
            None => "The key is in the keyring.".into(),
        }
    }

    /// No keyring: the key can be kept for this session, or come from elsewhere.
    async fn offer_session(&self, provider: &Provider, entered: Credentials, error: &KeyringError) {
        self.say(Level::Warning, error.to_string(), "").await;
        let choices = ["Keep the key for this session only", "Forget the key"];
        let question = format!("{error} {} What now?", elsewhere(provider));
        let chosen = self.dialog.choose(question, &choices).await;
        if chosen != Some(0) {
            self.say(Level::Info, "Nothing was changed.", "").await;
            return;
        }
        self.vault.keep_for_session(&provider.name, entered);
        let kept = format!("{} is connected for this session.", provider.label);
        let advice = match overriding(provider) {
            Some(name) => format!("But {name} is set and comes first."),
            None => "The key is in memory only.".into(),
        };
        self.announce(provider, "session", kept, &advice).await;
    }

    /// Removes a provider's key, organization and project.
    pub async fn remove_key(&self, name: Option<String>, force: bool) {
        let Some(provider) = self.pick(name, "Remove the key of", may_have_stored_key).await else {
            return;
        };
        let label = &provider.label;
        if !force {
            let question = format!("Remove the key of {label} from the keyring, with its organization and project?");
            if self.dialog.choose(question, &["No", "Yes, remove it"]).await != Some(1) {
                self.say(Level::Info, "Nothing was changed.", "").await;
                return;
            }
        }
        match self.vault.remove(&provider.name).await {
            Ok(true) => {
                let (source, removed) = (
                    source_without_keyring(provider),
                    format!("The key of {label} is removed."),
                );
                self.announce(provider, source, removed, &still_given(provider)).await;
            }
            Ok(false) => {
                let none = format!("The keyring holds no key of {label}.");
                self.say(Level::Info, none, &still_given(provider)).await;
            }
            Err(error) => {
                self.say(Level::Warning, error.to_string(), &still_given(provider))
                    .await;
            }
        }
    }

    /// The provider that was named, or that the user picks. One whose key cannot be stored is refused with the reason.
    async fn pick(&self, name: Option<String>, what: &str, is_able: fn(&Provider) -> bool) -> Option<&Provider> {
        let able: Vec<&Provider> = self.registry.providers().filter(|provider| is_able(provider)).collect();
        let Some(name) = name else {
            let able: Vec<&Provider> = able.into_iter().filter(|provider| provider.is_in_use()).collect();
            let labels: Vec<&str> = able.iter().map(|provider| provider.label.as_str()).collect();
            let chosen = match able.as_slice() {
                [_] => Some(0),
                _ => self.dialog.choose(format!("{what}:"), &labels).await,
            };
            return able.get(chosen?).copied();
        };
        let provider = self.registry.provider(&name);
        match provider {
            Some(provider) if is_able(provider) => return Some(provider),
            Some(provider) => {
                let (title, advice) = (
                    format!("{} takes no stored key.", provider.label),
                    named_source(provider),
                );
                self.say(Level::Warning, title, &advice).await;
            }
            None => {
                let (title, advice) = match may_be_a_key(&name) {
                    true => ("This is no provider.".into(), "A key is typed when asked for.".into()),
                    false => (format!("There is no provider \"{name}\"."), self.registry.meant(&name)),
                };
                self.say(Level::Warning, title, &advice).await;
            }
        }
        None
    }

    async fn say(&self, level: Level, title: impl Into<String>, advice: &str) {
        self.editor.inform(&Notice::new(level, title, advice)).await.ok();
    }

    /// Tells everybody of a change; first ourselves, so that what the user asks next goes to the right provider.
    async fn announce(&self, provider: &Provider, source: &str, title: String, advice: &str) {
        self.news.send(News::KeysChanged).await.ok();
        self.say(Level::Info, title, advice).await;
        let change = ShownKeyChange {
            provider: provider.name.clone(),
            source: source.into(),
        };
        self.editor.key_changed(&change).await.ok();
    }
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
fn may_be_a_key(name: &str) -> bool {
    name.len() >= 20 || matches!(redact::redact(name), Cow::Owned(_))
}

fn source_without_keyring(provider: &Provider) -> &'static str {
    match &provider.key {
        KeySource::Command(_) => "command",
        _ if overriding(provider).is_some() => "variable",
        _ => "none",
    }
}

/// What gives a key although the keyring holds none.
fn still_given(provider: &Provider) -> String {
    match (&provider.key, overriding(provider)) {
        (KeySource::Command(_), _) => "A key command still gives one.".into(),
        (_, Some(name)) => format!("{name} still gives one."),
        _ => String::new(),
    }
}

/// How a key can come from somewhere else than the keyring.
fn elsewhere(provider: &Provider) -> String {
    let name = &provider.name;
    match &provider.key {
        KeySource::Usual { variables, .. } if !variables.is_empty() => {
            let variable = variables.join(" or ");
            format!("(For every session: {variable}, or a key command, see :help gpt-keys.)")
        }
        _ => format!("(For every session: providers.{name}.key, see :help gpt-keys.)"),
    }
}

/// Why a provider takes no stored key: its key comes from elsewhere, or it needs none.
fn named_source(provider: &Provider) -> String {
    let name = &provider.name;
    match &provider.key {
        KeySource::Variable(variable) if variable.is_empty() => notice::no_variable(provider),
        KeySource::Variable(variable) => format!("providers.{name}.key takes it from {variable}."),
        KeySource::Command(_) => format!("providers.{name}.key takes it from a command."),
        KeySource::Usual { .. } => format!("Set providers.{name}.base_url first (:help gpt-servers)."),
        KeySource::None => "It needs none.".into(),
    }
}

/// The state of the keys, for `:checkhealth`: sources, never keys. Of the built-in providers, those in use.
pub async fn health(registry: &Registry, vault: &Vault, environment: Environment<'_>) -> serde_json::Value {
    // All at once: the editor waits for this, and a keyring that does not answer takes its time for each of them.
    let sources = join_all(registry.providers().map(async |provider| {
        let found = vault.look(&provider.name, &provider.key, environment).await;
        (provider, found.ok().flatten())
    }));
    let (sources, reached) = tokio::join!(sources, keyring::check(keyring::PATIENCE / 30));
    let providers: Vec<serde_json::Value> = sources
        .into_iter()
        .filter(|(provider, found)| found.is_some() || provider.is_in_use())
        .map(|(provider, found)| key_state(provider, found))
        .collect();
    let keyring = reached.err().map(|error| error.to_string());
    serde_json::json!({ "keyring": keyring.unwrap_or_default(), "providers": providers })
}

fn key_state(provider: &Provider, found: Option<FoundIn>) -> serde_json::Value {
    let key = match found {
        Some(FoundIn::Variable(name)) => format!("from the variable {name}"),
        Some(FoundIn::Command) => "from the configured command".into(),
        Some(FoundIn::Session) => "entered for this session".into(),
        Some(FoundIn::Keyring) => "in the system keyring".into(),
        None => String::new(),
    };
    let needed = !matches!(provider.key, KeySource::None | KeySource::Usual { required: false, .. });
    serde_json::json!({ "name": provider.name, "label": provider.label, "key": key, "needed": needed })
}
