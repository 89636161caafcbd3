//! The user's settings over an entry.

use super::{Auth, Provider, Wire};
use crate::config::{KeyConfig, ProviderConfig};
use crate::keys::KeySource;

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
        entry.wire = Wire::Chat;
        let url = entry.base_url.strip_suffix("/openai/v1");
        if let Some(url) = url.map(|host| format!("{host}/openai")) {
            entry.base_url = url;
        }
    }
    if let Some(wire) = settings.wire.as_deref().and_then(wire) {
        speak(entry, wire);
    }
    fit_ollama(entry, before);
}

fn wire(word: &str) -> Option<Wire> {
    match word {
        "responses" => Some(Wire::Responses),
        "chat" => Some(Wire::Chat),
        "anthropic" => Some(Wire::Anthropic),
        "gemini" => Some(Wire::Gemini),
        "ollama" => Some(Wire::Ollama),
        _ => None,
    }
}

/// Changes the wire, and with it where the key stands and where the models are listed.
fn speak(entry: &mut Provider, wire: Wire) {
    if entry.wire == wire {
        return;
    }
    let foreign = matches!(entry.wire, Wire::Anthropic | Wire::Gemini | Wire::Ollama);
    (entry.auth, entry.models_path) = match wire {
        Wire::Anthropic => (Auth::Header("x-api-key"), "models?limit=1000"),
        Wire::Gemini => (Auth::Header("x-goog-api-key"), "models?pageSize=1000"),
        Wire::Ollama => (Auth::Bearer, "api/tags"),
        _ if foreign => (Auth::Bearer, "models"),
        _ => (entry.auth, entry.models_path),
    };
    entry.wire = wire;
}

/// Ollama's own API lies beside the compatible one, and people know the address of either.
fn fit_ollama(entry: &mut Provider, before: Wire) {
    let url = &entry.base_url;
    let host = url.strip_suffix("/v1").or_else(|| url.strip_suffix("/api"));
    match (entry.wire, before) {
        (Wire::Ollama, _) => entry.base_url = host.unwrap_or(url).to_owned(),
        (_, Wire::Ollama) => entry.base_url = format!("{}/v1", host.unwrap_or(url)),
        _ => {}
    }
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
