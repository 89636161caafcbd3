//! The providers' own lists of models: fetched beside, kept on disk with their age, shown as they are until newer ones
//! have come.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::disk;
use crate::keys::vault::Vault;
use crate::provider::catalogue::models::{self, Listed};
use crate::provider::registry::Provider;
use crate::provider::transport::Http;
use crate::provider::{ErrorClass, ProviderError};
use crate::words::{Locale, say, text};

/// A list that is older is fetched again, in seconds.
const FRESH: i64 = 24 * 60 * 60;
/// How long a list may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of a reason is shown, in characters.
const LONGEST_REASON: usize = 90;

/// A list, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The address that it came from; of another one it says nothing.
    base_url: String,
    /// When it came, in seconds since 1970.
    fetched: i64,
    /// The models.
    pub models: Vec<Listed>,
}

impl Kept {
    fn is_fresh(&self, now: i64) -> bool {
        (0..FRESH).contains(&(now - self.fetched))
    }
}

/// What is known of a provider's list.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The last list that came.
    pub kept: Option<Kept>,
    /// Why the last attempt failed.
    pub failure: Option<ProviderError>,
    /// Whether the file has been looked at.
    loaded: bool,
    /// How often it was fetched in this session.
    attempts: u64,
    /// Held while it is being fetched.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

/// All lists. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    folder: Option<PathBuf>,
    states: Arc<Mutex<HashMap<String, State>>>,
}

impl Lists {
    /// Lists that are kept in `models` below this folder.
    pub fn new(cache: Option<PathBuf>) -> Self {
        Self {
            folder: cache.map(|cache| cache.join("models")),
            states: Arc::default(),
        }
    }

    /// The lists as the files have them, without what this session has seen: another key may see other models.
    pub fn anew(&self) -> Self {
        Self {
            folder: self.folder.clone(),
            states: Arc::default(),
        }
    }

    fn states(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, provider: &Provider, change: impl FnOnce(&mut State)) {
        change(self.states().entry(provider.name.clone()).or_default());
    }

    /// What is known now, from this session or from the file.
    pub async fn state(&self, provider: &Provider) -> State {
        if let Some(state) = self.known(provider).filter(|state| state.loaded) {
            return state;
        }
        let read = self
            .file(provider)
            .map(|file| tokio::task::spawn_blocking(move || disk::read::<Kept>(&file)));
        let kept = match read {
            Some(read) => read.await.ok().flatten(),
            None => None,
        };
        let kept = kept.filter(|kept| kept.base_url == provider.base_url);
        self.change(provider, |state| {
            state.loaded = true;
            state.kept = state.kept.take().or(kept);
        });
        self.known(provider).unwrap_or_default()
    }

    /// What is in memory.
    pub fn known(&self, provider: &Provider) -> Option<State> {
        self.states().get(&provider.name).cloned()
    }

    /// The day of a model's end, as its provider lists it.
    pub fn ends(&self, provider: &Provider, id: &str) -> Option<String> {
        let kept = self.known(provider)?.kept?;
        kept.models.into_iter().find(|model| model.id == id)?.ends
    }

    /// Whether a list is to be fetched: there is none, or it is old.
    pub async fn is_old(&self, provider: &Provider) -> bool {
        let kept = self.state(provider).await.kept;
        !kept.is_some_and(|kept| kept.is_fresh(models::now()))
    }

    /// Fetches a list. Who asks while it is on its way waits for that one.
    pub async fn fetch(&self, provider: &Provider, http: &Http, vault: &Vault) {
        let before = self.state(provider).await;
        let _turn = before.fetching.lock().await;
        let now = self.known(provider).unwrap_or_default();
        if now.attempts != before.attempts {
            return;
        }
        let fetched = timeout(LIMIT, list(provider, http, vault)).await.unwrap_or_else(|_| {
            let reason = text!("model.list_too_slow", seconds = LIMIT.as_secs());
            Err(ProviderError::ours(ErrorClass::Timeout, reason))
        });
        match fetched {
            Ok(models) => {
                vault.redactor().know_names(models.iter().map(|model| &model.id));
                self.keep(provider, models).await;
            }
            Err(error) => {
                tracing::info!(provider = %provider.name, message = %error.message, "no list of models");
                self.change(provider, |state| {
                    state.failure = Some(error);
                    state.attempts += 1;
                });
            }
        }
    }

    async fn keep(&self, provider: &Provider, models: Vec<Listed>) {
        let kept = Kept {
            base_url: provider.base_url.clone(),
            fetched: models::now(),
            models,
        };
        self.change(provider, |state| {
            state.failure = None;
            state.attempts += 1;
            state.kept = Some(kept.clone());
        });
        let Some(file) = self.file(provider) else { return };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || disk::write(&file, &kept)).await {
            tracing::warn!(%error, "a list of models is not kept");
        }
    }

    /// Where a list is kept; a name that could lead elsewhere has no file.
    fn file(&self, provider: &Provider) -> Option<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let name = &provider.name;
        (!name.is_empty() && name.chars().all(plain)).then_some(())?;
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }
}

async fn list(provider: &Provider, http: &Http, vault: &Vault) -> Result<Vec<Listed>, ProviderError> {
    let environment = |name: &str| std::env::var(name).ok();
    let credentials = vault
        .credentials(&provider.name, &provider.key, &environment, || {})
        .await?;
    let credentials = vault
        .with_headers(&provider.name, credentials, &provider.headers, &environment)
        .await?;
    http.models(provider, &credentials).await
}

/// Why there is no list, in a few words.
pub fn reason(error: &ProviderError, locale: Locale) -> String {
    let message = match error.class {
        ErrorClass::NoKey => say!(locale, "key.none"),
        _ => {
            let words = error.words().said(locale);
            words.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    let full = match error.status {
        Some(status) if message.is_empty() => format!("HTTP {status}"),
        Some(status) => format!("HTTP {status}: {message}"),
        None => message,
    };
    match full.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{}…", full.get(..end).unwrap_or_default()),
        None => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(url: &str) -> Provider {
        let settings = serde_json::json!({"providers": {"p": {"base_url": url, "key": false}}});
        let config: crate::config::Config = serde_json::from_value(settings).unwrap();
        let registry = crate::provider::registry::Registry::new(&config, &|_| None);
        registry.provider("p").unwrap().clone()
    }

    fn some_models() -> Vec<Listed> {
        vec![Listed {
            id: "m".into(),
            created: 1,
            ends: Some("2026-12-11".into()),
        }]
    }

    #[tokio::test]
    async fn a_list_is_kept_for_later_sessions_and_for_its_address_only() {
        let folder = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (provider("http://127.0.0.1:1/v1"), provider("http://127.0.0.1:2/v1"));
        let lists = || Lists::new(Some(folder.path().to_owned()));
        lists().keep(&here, some_models()).await;
        let later = lists();
        assert!(!later.is_old(&here).await);
        assert_eq!(later.state(&here).await.kept.unwrap().models, some_models());
        assert_eq!(later.ends(&here, "m").as_deref(), Some("2026-12-11"));
        assert!(lists().is_old(&elsewhere).await);
    }

    #[test]
    fn a_list_is_fresh_for_a_day_and_not_from_the_future() {
        let kept = Kept {
            fetched: 1_000,
            ..Kept::default()
        };
        assert!(kept.is_fresh(1_000) && kept.is_fresh(1_000 + FRESH - 1));
        assert!(!kept.is_fresh(1_000 + FRESH) && !kept.is_fresh(999));
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_has_no_file() {
        let lists = Lists::new(Some("/cache".into()));
        let named = |name: &str| Provider {
            name: name.into(),
            ..provider("http://127.0.0.1:1/v1")
        };
        assert_eq!(lists.file(&named("work")), Some("/cache/models/work.json".into()));
        for name in ["", "..", "../x", "a/b", "a.b"] {
            assert_eq!(lists.file(&named(name)), None, "{name}");
        }
    }

    #[test]
    fn a_reason_is_short_and_on_one_line() {
        let error = ProviderError {
            status: Some(401),
            ..ProviderError::new(ErrorClass::WrongKey, format!("Incorrect\nkey {}", "x".repeat(200)))
        };
        let reason = reason(&error, Locale::English);
        assert!(reason.starts_with("HTTP 401: Incorrect key xxx"), "{reason}");
        assert_eq!(reason.chars().count(), LONGEST_REASON + 1);
    }
}
