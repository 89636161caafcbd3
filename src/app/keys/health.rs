//! Reports the state of the keys for `:checkhealth`: where each comes from, and whether the keyring answers.

use futures_util::future::join_all;

use crate::editor::protocol::PROTOCOL;
use crate::keys::vault::{Environment, Vault};
use crate::keys::{FoundIn, KeySource, keyring};
use crate::provider::registry::{Provider, Registry};
use crate::words::{Locale, say};

/// The state of the keys, for `:checkhealth`: sources, never keys. Of the built-in providers, those in use.
pub async fn health(
    registry: &Registry,
    vault: &Vault,
    environment: Environment<'_>,
    locale: Locale,
) -> serde_json::Value {
    // All at once: the editor waits for this, and a keyring that does not answer takes its time for each of them.
    let sources = join_all(registry.providers().map(async |provider| {
        let found = vault.look(&provider.name, &provider.key, environment).await;
        (provider, found.ok().flatten())
    }));
    let (sources, reached) = tokio::join!(sources, keyring::check(keyring::PATIENCE / 30));
    let providers: Vec<serde_json::Value> = sources
        .into_iter()
        .filter(|(provider, found)| found.is_some() || provider.is_in_use())
        .map(|(provider, found)| key_state(provider, found, locale))
        .collect();
    let keyring = reached.err().map(|error| error.text().said(locale));
    serde_json::json!({ "keyring": keyring.unwrap_or_default(), "providers": providers, "protocol": PROTOCOL })
}

fn key_state(provider: &Provider, found: Option<FoundIn>, locale: Locale) -> serde_json::Value {
    let key = match found {
        Some(FoundIn::Variable(name)) => say!(locale, "health.from_variable", name = name),
        Some(FoundIn::Command) => say!(locale, "health.from_command"),
        Some(FoundIn::Session) => say!(locale, "health.from_session"),
        Some(FoundIn::Keyring) => say!(locale, "health.from_keyring"),
        None => String::new(),
    };
    let needed = !matches!(provider.key, KeySource::None | KeySource::Usual { required: false, .. });
    serde_json::json!({ "name": provider.name, "label": provider.label, "key": key, "needed": needed })
}
