//! The providers that are built in. One file for each with something of its own, one table for those that differ in data
//! only. Facts age: each file says where they come from and of when they are.

use super::Dialect;
use super::registry::{Auth, Provider};
use super::wire::Wire;
use crate::keys::KeySource;
use crate::keys::vault::{Environment, variable};

mod anthropic;
mod azure;
mod compatible;
mod gemini;
mod ollama;
mod openai;
mod table;

pub(super) use compatible::COMPATIBLE;

/// Whether a provider wants a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Required,
    Optional,
    None,
}

/// What is known of a provider, as constants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) wire: &'static dyn Wire,
    /// See [`Provider::offline`].
    pub(super) offline: bool,
    pub(super) base_url: &'static str,
    /// See [`Provider::resource_url`].
    pub(super) resource_url: Option<&'static str>,
    /// See [`Provider::models_path`].
    pub(super) models_path: &'static str,
    pub(super) auth: Auth,
    pub(super) key: Key,
    /// The variables that its own SDK reads the key from; the first one that is set counts.
    pub(super) variables: &'static [&'static str],
    pub(super) dialect: Dialect,
    pub(super) default_model: Option<&'static str>,
    /// See [`Provider::opens_more`].
    pub(super) opens_more: bool,
    pub(super) keys_page: Option<&'static str>,
    pub(super) billing_page: Option<&'static str>,
}

impl Entry {
    pub(super) fn provider(&self) -> Provider {
        let variables = self.variables.iter().map(|&name| name.to_owned()).collect();
        let usual = |required| KeySource::Usual { variables, required };
        Provider {
            name: self.name.into(),
            label: self.label.into(),
            wire: self.wire,
            offline: self.offline,
            base_url: self.base_url.into(),
            query: String::new(),
            key_header: None,
            headers: std::collections::BTreeMap::new(),
            like: Vec::new(),
            resource_url: self.resource_url,
            models_path: self.models_path,
            api_version: None,
            auth: self.auth,
            dialect: self.dialect,
            context: None,
            key: match self.key {
                Key::Required => usual(true),
                Key::Optional => usual(false),
                Key::None => KeySource::None,
            },
            organization: String::new(),
            project: String::new(),
            params: serde_json::Map::new(),
            insecure: false,
            configured: false,
            default_model: self.default_model.map(str::to_owned),
            opens_more: self.opens_more,
            has_organizations: false,
            keys_page: self.keys_page,
            billing_page: self.billing_page,
        }
    }
}

/// All of them, in the order in which they are tried where nobody has chosen one.
pub(super) fn all(environment: Environment<'_>) -> Vec<Provider> {
    let mut all = vec![openai::provider(environment), azure::provider(environment), guide()];
    let entries = [anthropic::ENTRY, gemini::ENTRY, ollama::ENTRY, COMPATIBLE];
    all.extend(entries.iter().chain(table::ENTRIES).map(Entry::provider));
    all
}

/// The embedded guide.
fn guide() -> Provider {
    Entry {
        name: "guide",
        label: "The guide",
        offline: true,
        key: Key::None,
        default_model: Some("manual"),
        ..COMPATIBLE
    }
    .provider()
}

/// A variable's value without white space around it.
fn read(environment: Environment<'_>, name: &str) -> Option<String> {
    variable(environment, name).map(|value| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_and_a_url_that_only_this_machine_may_be_reached_by_without_tls() {
        let all = all(&|_| None);
        let names: BTreeSet<&str> = all.iter().map(|provider| provider.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for provider in &all {
            let url = &provider.base_url;
            let safe = url.starts_with("https://") || url.starts_with("http://localhost:");
            let open = matches!(provider.name.as_str(), "azure" | "guide" | "openai-compatible");
            assert!(safe || (open && url.is_empty()), "{}: {url}", provider.name);
            assert!(!url.ends_with('/'), "{url}");
        }
    }

    #[test]
    fn no_variable_belongs_to_two_providers() {
        let all = all(&|_| None);
        let mut seen = BTreeSet::new();
        for provider in &all {
            let KeySource::Usual { variables, required } = &provider.key else {
                continue;
            };
            assert!(!*required || !variables.is_empty(), "{}", provider.name);
            for variable in variables {
                assert!(seen.insert(variable.clone()), "{variable}");
            }
        }
    }
}
