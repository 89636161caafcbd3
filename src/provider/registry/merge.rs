//! The user's settings over an entry.

use super::{Auth, Provider};
use crate::config::{KeyConfig, ProviderConfig};
use crate::keys::KeySource;
use crate::provider::wire::{self, Wire};

pub(super) fn merge(mut entry: Provider, settings: &ProviderConfig) -> Provider {
    entry.configured = true;
    place(&mut entry, settings);
    if let Some(organization) = &settings.organization {
        organization.trim().clone_into(&mut entry.organization);
    }
    if let Some(project) = &settings.project {
        project.trim().clone_into(&mut entry.project);
    }
    match &settings.key {
        Some(KeyConfig::Switch(false)) => entry.key = KeySource::None,
        Some(KeyConfig::Variable { env }) => entry.key = KeySource::Variable(named(env)),
        Some(KeyConfig::Command { cmd }) => entry.key = KeySource::Command(cmd.clone()),
        Some(KeyConfig::Switch(true)) | None => {}
    }
    entry.context = settings.context.or(entry.context);
    entry.insecure |= settings.insecure;
    entry.params.extend(settings.params.clone());
    entry.headers.extend(settings.headers.clone());
    if let Some(name) = &settings.key_header {
        entry.key_header = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    }
    entry
}

/// The name of a variable; empty if it is none.
fn named(variable: &str) -> String {
    let begins = variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins
        && variable
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        variable.to_owned()
    } else {
        String::new()
    }
}

/// Where the API lies, and how it is spoken to there.
fn place(entry: &mut Provider, settings: &ProviderConfig) {
    let before = entry.wire;
    if let (Some(resource), Some(template)) = (&settings.resource, entry.resource_url)
        && is_label(resource)
    {
        entry.base_url = template.replace("{resource}", resource);
    }
    if let Some(url) = &settings.base_url {
        (entry.base_url, entry.query) = parted(url);
    }
    if let Some(version) = &settings.api_version {
        entry.api_version = Some(version.trim().to_owned());
        entry.wire = wire::openai_chat::WIRE;
        let url = entry.base_url.strip_suffix("/openai/v1");
        if let Some(url) = url.map(|host| format!("{host}/openai")) {
            entry.base_url = url;
        }
    }
    if let Some(wire) = settings.wire.as_deref().and_then(wire::named) {
        speak(entry, wire);
    }
    if entry.wire != before {
        entry.base_url = before.base_url_beside(&entry.base_url);
    }
    entry.base_url = entry.wire.base_url(&entry.base_url);
}

/// Changes the wire, and with it where the key stands and where the models are listed. Between the wires that have both as
/// OpenAI has them the entry's own places stay.
fn speak(entry: &mut Provider, wire: &'static dyn Wire) {
    let before = entry.wire.conventions();
    if entry.wire != wire && (before.is_some() || wire.conventions().is_some()) {
        (entry.auth, entry.models_path) = wire.conventions().unwrap_or((Auth::Bearer, "models"));
    }
    entry.wire = wire;
}

/// Whether a name can be one label of a host's name.
fn is_label(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A base URL and its query; a fragment is never sent.
fn parted(url: &str) -> (String, String) {
    let url = url.split('#').next().unwrap_or(url);
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    (base(url), query.trim().to_owned())
}

/// A base URL without white space and slashes at its end.
pub(in crate::provider) fn base(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}
