//! Resolves `like`: a provider that takes its settings from another one, however they are ordered.
//!
//! What is taken over says how a server is spoken to: address, wire, parameters, what is known of models. What opens it
//! never is: key, headers and `insecure` belong to the entry that they are written in.

use std::collections::BTreeMap;

use super::merge::merge;
use super::{Provider, builtin};
use crate::config::ProviderConfig;
use crate::keys::KeySource;
use crate::words::{Text, text};

/// The user's entries and the built-in ones that they build upon.
pub(super) struct Likeness<'a> {
    pub(super) settings: &'a BTreeMap<String, ProviderConfig>,
    pub(super) builtin: &'a BTreeMap<String, Provider>,
}

impl Likeness<'_> {
    /// The provider of this name.
    ///
    /// # Errors
    /// It is like one that there is not, or like itself in the end.
    pub(super) fn provider(&self, name: &str) -> Result<Provider, Text> {
        let mut names = vec![name];
        while let Some(next) = names.last().and_then(|last| self.base(last)) {
            if names.contains(&next) {
                let circle = names.iter().chain([&next]).copied().collect::<Vec<_>>().join(" → ");
                return Err(text!("provider.like_circle", name = name, circle = circle));
            }
            names.push(next);
        }
        let root = names.last().copied().unwrap_or(name);
        let mut provider = match (self.builtin.get(root), self.settings.contains_key(root)) {
            (Some(provider), _) => provider.clone(),
            (None, true) => builtin::COMPATIBLE.provider(),
            (None, false) => {
                let by = names.iter().rev().nth(1).copied().unwrap_or(name);
                return Err(text!("provider.like_unknown", name = by, like = root));
            }
        };
        let key = keyless(&provider.key);
        let mut kin = Vec::new();
        for (at, name) in names.iter().enumerate().rev() {
            if at + 1 < names.len() || provider.name != *name {
                provider = heir(provider, name, key.clone());
            }
            if let Some(settings) = self.settings.get(*name) {
                provider = merge(provider, settings);
            }
            provider.like.clone_from(&kin);
            kin.insert(0, (*name).to_owned());
        }
        Ok(provider)
    }

    /// What an entry is like, if that is another one.
    fn base(&self, name: &str) -> Option<&str> {
        self.settings.get(name)?.like.as_deref().filter(|like| *like != name)
    }
}

/// A provider under another name, without what opens it.
fn heir(provider: Provider, name: &str, key: KeySource) -> Provider {
    Provider {
        name: name.to_owned(),
        label: name.to_owned(),
        key,
        organization: String::new(),
        project: String::new(),
        headers: BTreeMap::new(),
        insecure: false,
        opens_more: false,
        ..provider
    }
}

/// Where a key would come from without the provider's own variables, which hold another's key.
fn keyless(key: &KeySource) -> KeySource {
    match key {
        KeySource::Usual { required, .. } => KeySource::Usual {
            variables: Vec::new(),
            required: *required,
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::provider::registry::Registry;
    use crate::provider::wire;

    fn registry(providers: serde_json::Value) -> Registry {
        let config: Config = serde_json::from_value(json!({ "providers": providers })).unwrap();
        Registry::new(&config, &|_| None)
    }

    #[test]
    fn the_order_of_names_does_not_matter() {
        for (first, second, third) in [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")] {
            let registry = registry(json!({
                first: {"like": second, "params": {"x": 1}},
                second: {"like": third, "params": {"y": 2}},
                third: {"like": "anthropic", "base_url": "https://llm.test/v1", "params": {"y": 1, "z": 3}},
            }));
            let provider = registry.provider(first).unwrap();
            assert_eq!(
                (provider.wire, provider.base_url.as_str()),
                (wire::anthropic::WIRE, "https://llm.test/v1")
            );
            assert_eq!(json!(provider.params), json!({"x": 1, "y": 2, "z": 3}));
            assert_eq!(provider.label, first);
            assert_eq!(provider.like, [second, third, "anthropic"]);
        }
    }

    #[test]
    fn key_headers_and_insecure_are_never_taken_over() {
        let registry = registry(json!({
            "base": {"base_url": "http://llm.test/v1", "insecure": true, "key": {"env": "BASE_KEY"}, "organization": "o",
                "headers": {"x-secret": {"env": "BASE_HEADER"}}, "key_header": "api-key", "wire": "responses"},
            "free": {"like": "base", "key": false},
            "child": {"like": "free"},
        }));
        let child = registry.provider("child").unwrap();
        let none = KeySource::Usual {
            variables: Vec::new(),
            required: false,
        };
        assert_eq!(
            (&child.key, child.insecure, child.organization.as_str()),
            (&none, false, "")
        );
        assert!(child.headers.is_empty());
        assert_eq!(
            (child.wire, child.key_header.as_deref()),
            (wire::openai_responses::WIRE, Some("api-key"))
        );
    }

    #[test]
    fn a_circle_and_a_name_that_there_is_not_are_told() {
        let registry = registry(
            json!({"a": {"like": "b"}, "b": {"like": "a"}, "c": {"like": "a"}, "d": {"like": "opnai"},
            "openai": {"like": "openai"}}),
        );
        let told = |name: &str| registry.target(&format!("{name}/m")).unwrap_err().message;
        assert_eq!(told("a"), "providers.a is like itself: a → b → a.");
        assert_eq!(told("c"), "providers.c is like itself: c → a → b → a.");
        assert_eq!(told("d"), "providers.d is like \"opnai\", which there is not.");
        assert!(registry.target("openai").is_ok());
    }
}
