//! The providers: built-in entries, with the user's merged over them. Data only; where a key comes from is said here, the
//! key itself is read by [`crate::keys`].

use std::collections::BTreeMap;

use crate::config::Config;
use crate::keys::vault::Environment;
use crate::keys::{HeaderConfig, KeySource};
use crate::provider::wire::Wire;
use crate::provider::{Dialect, ErrorClass, ProviderError, builtin};
use crate::words::{Text, text};

mod like;
mod merge;
mod near;

#[cfg(test)]
mod tests;

pub(super) use merge::base;

/// Where the key stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer,
    /// In a header of this name (in lower case), as it is.
    Header(&'static str),
}

/// A provider, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name in `provider/model`.
    pub name: String,
    /// Its name in sentences.
    pub label: String,
    /// How it is spoken to.
    pub wire: &'static dyn Wire,
    /// Whether it answers from within this program, and is no language model: no request is sent, and nothing is counted.
    pub offline: bool,
    /// Where the API lies, without a slash at the end and without a query.
    pub base_url: String,
    /// The query of the base URL, without its question mark: part of every address that is asked.
    pub query: String,
    /// The base URL of each customer's own host, with `{resource}` for the customer's name of it.
    pub resource_url: Option<&'static str>,
    /// Where the models are listed, seen from the base URL. Relative, so that the key stays with the host.
    pub models_path: &'static str,
    /// Azure's dated version of the API; then the model is part of the path.
    pub api_version: Option<String>,
    /// Where the key stands in a request.
    pub auth: Auth,
    /// The header for the key that the user names, in which it stands as it is.
    pub key_header: Option<String>,
    /// Further headers of every request, by the names that the user wrote.
    pub headers: BTreeMap<String, HeaderConfig>,
    /// What differs from other servers on the same wire.
    pub dialect: Dialect,
    /// The size of the context in tokens, where a request can set it (Ollama).
    pub context: Option<u64>,
    /// Where the key comes from.
    pub key: KeySource,
    /// OpenAI's organization id, sent if not empty.
    pub organization: String,
    /// OpenAI's project id, sent if not empty.
    pub project: String,
    /// Further fields for the body of every request.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Whether http without TLS is allowed to a host that is not this machine.
    pub insecure: bool,
    /// The providers that it is like, the nearest first: what the user knows of their models holds here too.
    pub like: Vec<String>,
    /// Whether the user's configuration has an entry for it.
    pub configured: bool,
    /// The model that is used when the user names none.
    pub default_model: Option<String>,
    /// Whether its usual variables open more than language models, so that one that is set chooses nothing.
    pub opens_more: bool,
    /// Whether it knows organizations and projects.
    pub has_organizations: bool,
    /// Where its keys are listed.
    pub keys_page: Option<&'static str>,
    /// Where its credit is shown.
    pub billing_page: Option<&'static str>,
}

impl Provider {
    /// The host and port of the API, for sentences.
    pub fn host(&self) -> String {
        let (host, _) = self.place();
        host.rsplit('@').next().unwrap_or(host).to_owned()
    }

    /// The path of the base URL, with its first slash; empty if there is none.
    pub fn path(&self) -> &str {
        self.place().1
    }

    /// What stands between scheme and path, and the path.
    fn place(&self) -> (&str, &str) {
        let url = self.base_url.as_str();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }

    /// Whether a key for this provider can be kept in the keyring: not where the configuration names another source, nor
    /// where nobody has said whom it is for.
    pub fn takes_stored_key(&self) -> bool {
        matches!(self.key, KeySource::Usual { .. }) && self.has_address()
    }

    /// Whether to offer it unasked: the user has configured it, or it stands in for the one that is not configured yet.
    pub fn is_in_use(&self) -> bool {
        self.configured || self.offline || self.name == FIRST
    }

    /// The size of the context that its requests ask for, in tokens.
    pub fn asked_context(&self) -> Option<u64> {
        self.context.filter(|_| self.wire.sets_context())
    }

    fn has_address(&self) -> bool {
        !self.base_url.is_empty() || self.resource_url.is_some()
    }
}

/// The provider that is offered before any is configured.
const FIRST: &str = "openai";

/// A provider and one of its models.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Whom to ask.
    pub provider: Provider,
    /// Which model.
    pub model: String,
}

impl Target {
    /// Stands for a name that means nothing to us, so that its failure has a name.
    pub fn unknown(name: &str) -> Self {
        let (provider, model) = name.split_once('/').unwrap_or((name, "?"));
        let entry = Provider {
            name: provider.into(),
            label: provider.into(),
            ..builtin::COMPATIBLE.provider()
        };
        Self {
            provider: entry,
            model: model.into(),
        }
    }

    /// `provider/model`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }
}

/// All providers of this configuration.
#[derive(Debug, Clone)]
pub struct Registry {
    providers: BTreeMap<String, Provider>,
    /// Their names in the order of the table, then those of the user's own.
    order: Vec<String>,
    default: Option<String>,
    /// The names in the configuration that no provider can have: `provider/model` would not find it.
    impossible: Vec<String>,
    /// Why a name in the configuration has no provider: what it is like does not exist, or is like it in turn.
    unlike: BTreeMap<String, Text>,
}

impl Registry {
    /// Merges the user's entries over the built-in ones.
    pub fn new(config: &Config, environment: Environment<'_>) -> Self {
        let builtin = builtin::all(environment);
        let mut order: Vec<String> = builtin.iter().map(|provider| provider.name.clone()).collect();
        let mut providers: BTreeMap<String, Provider> = builtin
            .into_iter()
            .map(|provider| (provider.name.clone(), provider))
            .collect();
        let is_possible = |name: &&String| !name.is_empty() && !name.contains('/');
        let (possible, impossible): (Vec<_>, Vec<_>) = config.providers.keys().partition(is_possible);
        let likeness = like::Likeness {
            settings: &config.providers,
            builtin: &providers,
        };
        let resolved: Vec<_> = possible
            .into_iter()
            .map(|name| (name, likeness.provider(name)))
            .collect();
        let mut unlike = BTreeMap::new();
        for (name, provider) in resolved {
            match provider {
                Ok(provider) => drop(providers.insert(name.clone(), provider)),
                Err(why) => drop(unlike.insert(name.clone(), why)),
            }
        }
        unlike.keys().for_each(|name| drop(providers.remove(name)));
        let own = providers.keys().filter(|name| !order.contains(name)).cloned();
        order.extend(own.collect::<Vec<_>>());
        Self {
            providers,
            order,
            default: config.model.clone(),
            impossible: impossible.into_iter().cloned().collect(),
            unlike,
        }
    }

    /// The model that the user configured, if any.
    pub fn configured_target(&self) -> Option<Result<Target, ProviderError>> {
        self.default.as_deref().map(|name| self.target(name))
    }

    /// The providers, in the order of their names.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.providers.values()
    }

    /// The providers, in the order in which they are tried where nobody has chosen one.
    pub fn in_order(&self) -> impl Iterator<Item = &Provider> {
        self.order.iter().filter_map(|name| self.providers.get(name))
    }

    /// The model that answers without a key and without a network.
    pub fn offline(&self) -> Option<Target> {
        let provider = self.providers.values().find(|provider| provider.offline)?;
        self.target(&provider.name).ok()
    }

    /// A provider by its name.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.get(name)
    }

    /// What helps whoever has named a provider that there is not.
    pub fn meant(&self, name: &str) -> Text {
        match near::nearest(name, self.providers.keys().map(String::as_str)) {
            Some(near) => text!("provider.did_you_mean", name = near),
            None => text!("provider.see_help"),
        }
    }

    /// The target that `provider/model` names; of a provider alone, its default model.
    pub fn target(&self, name: &str) -> Result<Target, ProviderError> {
        let (provider, model) = name.split_once('/').unwrap_or((name, ""));
        let refused = |reason: Text| Err(ProviderError::ours(ErrorClass::Configuration, reason));
        let Some(entry) = self.providers.get(provider) else {
            if let Some(why) = self.unlike.get(provider) {
                return refused(why.clone());
            }
            let is_meant = |impossible: &&String| {
                let rest = name.strip_prefix(impossible.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if let Some(impossible) = self.impossible.iter().find(is_meant) {
                return refused(text!("provider.impossible", name = impossible));
            }
            let meant = self.meant(provider);
            return refused(text!(
                "provider.unknown_configured",
                name = provider,
                model = name,
                meant = meant
            ));
        };
        let model = match (model.trim(), &entry.default_model) {
            ("", Some(default)) => default.clone(),
            ("", None) => return refused(text!("provider.no_model", model = name, name = provider)),
            (model, _) => model.to_owned(),
        };
        Ok(Target {
            provider: entry.clone(),
            model,
        })
    }
}
