//! Guesses what is wrong with a provider's address or wire when a server answers that nothing is there.

use crate::provider::registry::Provider;
use crate::provider::wire::{self, Wire, has_version};
use crate::words::{Text, text};

/// What is added to list the models, on most wires.
const LIST: &str = "/models";

/// Those that may be folders on the way to a server: they are wrong at the end only.
const FOLDERS: &[&str] = &["/chat", LIST, "/messages", "/responses"];

/// Hosts whose addresses end in `/models`: Azure's AI Foundry
/// (<https://learn.microsoft.com/en-us/azure/ai-foundry/foundry-models/concepts/endpoints>).
const MODELS_HOSTS: &[&str] = &[".services.ai.azure.com", ".inference.ai.azure.com"];

/// What to do about an address at which there is nothing.
pub(super) fn advice(provider: &Provider) -> Text {
    let name = provider.name.as_str();
    let hint = match seen(provider) {
        Seen::Added(path) => text!("address.added", name = name, path = path),
        Seen::AddedOf(path, wire) => text!("address.added_wire", name = name, path = path, wire = wire),
        Seen::Other(wire) => text!("address.wire", name = name, wire = wire),
        Seen::NoResponses => text!("address.no_responses", name = name),
        Seen::NoVersion => text!("address.no_version", name = name),
        Seen::Nothing => text!("address.check", name = name),
    };
    text!("address.see", hint = hint)
}

/// What can be seen to be wrong.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// A path that we add stands in the base URL.
    Added(&'static str),
    /// A path that another wire than ours adds stands at the end of the base URL.
    AddedOf(&'static str, &'static str),
    /// The address is that of another wire.
    Other(&'static str),
    /// A server that may know Chat Completions only is asked for the Responses API.
    NoResponses,
    /// The version is missing.
    NoVersion,
    Nothing,
}

fn seen(provider: &Provider) -> Seen {
    let host = provider.host().to_ascii_lowercase();
    let path = provider.path().trim_end_matches('/');
    if let Some((added, wire)) = added(&host, path) {
        return match wire {
            // A server that has one API in a path mostly has the others beside it: the wire may still be the right one.
            Some(wire) if wire != wire::COMPATIBLE && wire != provider.wire => Seen::AddedOf(added, wire.name()),
            _ => Seen::Added(added),
        };
    }
    match spoken_at(&host, path) {
        Some(wire) if wire != provider.wire => Seen::Other(wire.name()),
        _ if provider.wire.is_versioned() && !has_version(path) => Seen::NoVersion,
        _ if provider.wire.is_openais_own() && !provider.dialect.openai_models => Seen::NoResponses,
        _ => Seen::Nothing,
    }
}

/// The longest path that is added to a base URL and stands in it already, with the wire that it is of.
fn added(host: &str, path: &str) -> Option<(&'static str, Option<&'static dyn Wire>)> {
    let path = path.to_ascii_lowercase();
    let has_models = MODELS_HOSTS.iter().any(|end| host.ends_with(end));
    let of_wires = wire::ALL.iter().copied();
    of_wires
        .flat_map(|wire| wire.added_paths().iter().map(move |added| (*added, Some(wire))))
        .chain((!has_models).then_some((LIST, None)))
        .filter(|(added, _)| {
            let within = !FOLDERS.contains(added) && path.contains(&format!("{added}/"));
            path.ends_with(added) || within
        })
        .max_by_key(|(added, _)| added.len())
}

/// The wire of an address that says which one it speaks: by its host, or by a path that servers with several wires use.
fn spoken_at(host: &str, path: &str) -> Option<&'static dyn Wire> {
    let is_compatible = path.ends_with("/openai") || path.contains("/openai/");
    let mut wires = wire::ALL.iter().copied().filter(|_| !is_compatible);
    wires.find(|wire| wire.is_spoken_at(host, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::provider::registry::Registry;

    fn of(settings: serde_json::Value) -> Provider {
        let config: Config = serde_json::from_value(serde_json::json!({"providers": {"work": settings}})).unwrap();
        Registry::new(&config, &|_| None).provider("work").unwrap().clone()
    }

    #[test]
    fn what_is_wrong_with_an_address_is_seen() {
        for (url, wire, wrong) in [
            (
                "https://x.test/v1/chat/completions",
                "chat",
                Seen::Added("/chat/completions"),
            ),
            (
                "https://x.test/v1/chat/completions/?a=b",
                "chat",
                Seen::Added("/chat/completions"),
            ),
            ("https://x.test/v1/messages", "anthropic", Seen::Added("/messages")),
            ("https://x.test/v1/responses", "responses", Seen::Added("/responses")),
            (
                "https://x.test/v1/responses",
                "chat",
                Seen::AddedOf("/responses", "responses"),
            ),
            (
                "https://x.test/v1/messages/",
                "chat",
                Seen::AddedOf("/messages", "anthropic"),
            ),
            ("https://x.test/v1/models", "chat", Seen::Added("/models")),
            ("https://x.test/v1/chat", "responses", Seen::Added("/chat")),
            ("https://x.test/V1/Chat", "chat", Seen::Added("/chat")),
            ("https://x.test/models/m1/v1", "chat", Seen::Nothing),
            ("https://x.test/chat/v1", "chat", Seen::Nothing),
            ("https://x.services.ai.azure.com/models", "chat", Seen::NoVersion),
            (
                "http://localhost:11434/api/chat",
                "chat",
                Seen::AddedOf("/api/chat", "ollama"),
            ),
            ("https://x.test", "chat", Seen::NoVersion),
            ("https://x.test/?api-version=1", "responses", Seen::NoVersion),
            ("https://api.anthropic.com", "anthropic", Seen::NoVersion),
            ("https://x.test/v1", "responses", Seen::NoResponses),
            ("https://x.test/v1", "chat", Seen::Nothing),
            ("https://x.test/api/paas/v4", "chat", Seen::Nothing),
            ("https://x.test/anthropic/v1", "chat", Seen::Other("anthropic")),
            ("https://x.test/anthropic/v1", "anthropic", Seen::Nothing),
            (
                "https://generativelanguage.googleapis.com/v1beta",
                "chat",
                Seen::Other("gemini"),
            ),
            (
                "https://generativelanguage.googleapis.com/v1beta/openai",
                "chat",
                Seen::Nothing,
            ),
            ("http://localhost:11434", "chat", Seen::Other("ollama")),
            ("http://localhost:11434/v1", "chat", Seen::Nothing),
        ] {
            let provider = of(serde_json::json!({"base_url": url, "wire": wire}));
            assert_eq!(seen(&provider), wrong, "{url} {wire}");
        }
    }

    #[test]
    fn the_advice_names_the_option_and_the_help() {
        let provider = of(serde_json::json!({"base_url": "https://x.test/v1/chat/completions"}));
        let advice = advice(&provider).to_string();
        assert!(
            advice.contains("providers.work.base_url") && advice.contains(":help gpt-wire"),
            "{advice}"
        );
    }
}
