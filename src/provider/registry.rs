//! The providers: built-in entries, with the user's merged over them. Data only; where a key comes from is said here, the
//! key itself is read by [`crate::keys`].

use std::collections::BTreeMap;

use crate::config::{Config, KeyConfig, ProviderConfig};
use crate::keys::KeySource;
use crate::keys::vault::Environment;
use crate::provider::{Dialect, ErrorClass, ProviderError};

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// OpenAI's Responses API.
    Responses,
    /// Chat Completions, as every compatible server speaks it.
    Chat,
    /// The embedded guide: no network.
    Guide,
}

/// A provider, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its name in `provider/model`.
    pub name: String,
    /// Its name in sentences.
    pub label: String,
    /// How it is spoken to.
    pub wire: Wire,
    /// Where the API lies, without a slash at the end.
    pub base_url: String,
    /// What differs from other servers on the same wire.
    pub dialect: Dialect,
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
    /// The model that is used when the user names none.
    pub default_model: Option<String>,
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
        let rest = self
            .base_url
            .split_once("://")
            .map_or(self.base_url.as_str(), |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or(rest);
        host.rsplit('@').next().unwrap_or(host).to_owned()
    }

    /// Whether a key for this provider can be kept in the keyring: not where the configuration names another source.
    pub fn takes_stored_key(&self) -> bool {
        matches!(self.key, KeySource::Usual { .. })
    }
}

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
            ..compatible()
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
    default: Option<String>,
}

impl Registry {
    /// Merges the user's entries over the built-in ones.
    pub fn new(config: &Config, environment: Environment<'_>) -> Self {
        let mut providers: BTreeMap<String, Provider> = [openai(environment), guide()]
            .into_iter()
            .map(|provider| (provider.name.clone(), provider))
            .collect();
        for (name, settings) in &config.providers {
            let base = settings.like.as_ref().unwrap_or(name);
            let entry = providers.get(base).cloned().unwrap_or_else(compatible);
            providers.insert(name.clone(), merge(entry, name, settings));
        }
        Self {
            providers,
            default: config.model.clone(),
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

    /// A provider by its name.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.get(name)
    }

    /// The target that `provider/model` names; of a provider alone, its default model.
    pub fn target(&self, name: &str) -> Result<Target, ProviderError> {
        let (provider, model) = name.split_once('/').unwrap_or((name, ""));
        let Some(entry) = self.providers.get(provider) else {
            let known: Vec<&str> = self.providers.keys().map(String::as_str).collect();
            let message = format!(
                "There is no provider \"{provider}\" (model = \"{name}\"). Known: {}.",
                known.join(", ")
            );
            return Err(ProviderError::new(ErrorClass::Configuration, message));
        };
        let model = match (model.trim(), &entry.default_model) {
            ("", Some(default)) => default.clone(),
            ("", None) => {
                let message = format!("model = \"{name}\" names no model: write \"{provider}/<model>\".");
                return Err(ProviderError::new(ErrorClass::Configuration, message));
            }
            (model, _) => model.to_owned(),
        };
        Ok(Target {
            provider: entry.clone(),
            model,
        })
    }
}

/// OpenAI. Variables as its own SDK reads them (openai-python 3.54.0).
fn openai(environment: Environment<'_>) -> Provider {
    let read = |name: &str| {
        environment(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    Provider {
        name: "openai".into(),
        label: "OpenAI".into(),
        wire: Wire::Responses,
        base_url: base(&read("OPENAI_BASE_URL").unwrap_or_else(|| "https://api.openai.com/v1".into())),
        dialect: Dialect {
            max_tokens_field: "max_completion_tokens",
            include_usage: true,
        },
        key: KeySource::Usual {
            variable: Some("OPENAI_API_KEY".into()),
            required: true,
        },
        organization: read("OPENAI_ORG_ID").unwrap_or_default(),
        project: read("OPENAI_PROJECT_ID").unwrap_or_default(),
        params: serde_json::Map::new(),
        insecure: false,
        default_model: Some("gpt-6.1-sol".into()),
        has_organizations: true,
        keys_page: Some("https://platform.openai.com/api-keys"),
        billing_page: Some("https://platform.openai.com/settings/organization/billing"),
    }
}

/// Any server that speaks Chat Completions.
fn compatible() -> Provider {
    Provider {
        name: "openai-compatible".into(),
        label: "openai-compatible".into(),
        wire: Wire::Chat,
        base_url: String::new(),
        dialect: Dialect {
            max_tokens_field: "max_tokens",
            include_usage: true,
        },
        key: KeySource::Usual {
            variable: None,
            required: false,
        },
        organization: String::new(),
        project: String::new(),
        params: serde_json::Map::new(),
        insecure: false,
        default_model: None,
        has_organizations: false,
        keys_page: None,
        billing_page: None,
    }
}

/// The embedded guide.
fn guide() -> Provider {
    Provider {
        name: "guide".into(),
        label: "The guide".into(),
        wire: Wire::Guide,
        key: KeySource::None,
        default_model: Some("manual".into()),
        ..compatible()
    }
}

fn merge(mut entry: Provider, name: &str, settings: &ProviderConfig) -> Provider {
    if entry.name != name {
        name.clone_into(&mut entry.name);
        name.clone_into(&mut entry.label);
        // Another provider's variables hold another provider's key and ids: they must not be sent to this one.
        if let KeySource::Usual { variable, .. } = &mut entry.key {
            *variable = None;
        }
        entry.organization.clear();
        entry.project.clear();
    }
    if let Some(url) = &settings.base_url {
        entry.base_url = base(url);
    }
    if let Some(organization) = &settings.organization {
        organization.trim().clone_into(&mut entry.organization);
    }
    if let Some(project) = &settings.project {
        project.trim().clone_into(&mut entry.project);
    }
    match &settings.key {
        Some(KeyConfig::Switch(false)) => entry.key = KeySource::None,
        Some(KeyConfig::Variable { env }) => entry.key = KeySource::Variable(env.clone()),
        Some(KeyConfig::Command { cmd }) => entry.key = KeySource::Command(cmd.clone()),
        Some(KeyConfig::Switch(true)) | None => {}
    }
    match settings.wire.as_deref() {
        Some("responses") => entry.wire = Wire::Responses,
        Some("chat") => entry.wire = Wire::Chat,
        _ => {}
    }
    entry.insecure |= settings.insecure;
    entry.params.extend(settings.params.clone());
    entry
}

/// A base URL without white space and slashes at its end.
fn base(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(config: serde_json::Value, variables: &[(&str, &str)]) -> Registry {
        let config: Config = serde_json::from_value(config).unwrap();
        let read = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Registry::new(&config, &read)
    }

    #[test]
    fn the_configured_model_wins() {
        let config = serde_json::json!({"model": "openai/gpt-5.6-luna"});
        let target = registry(config, &[]).configured_target().unwrap().unwrap();
        assert_eq!(target.label(), "openai/gpt-5.6-luna");
        assert!(registry(serde_json::json!({}), &[]).configured_target().is_none());
    }

    #[test]
    fn a_model_may_hold_slashes() {
        let config = serde_json::json!({"model": "router/meta/llama", "providers": {"router": {"base_url": "https://r.example/v1/"}}});
        let target = registry(config, &[]).configured_target().unwrap().unwrap();
        assert_eq!(
            (target.model.as_str(), target.provider.base_url.as_str()),
            ("meta/llama", "https://r.example/v1")
        );
        assert_eq!(target.provider.wire, Wire::Chat);
    }

    #[test]
    fn an_unknown_provider_is_named_with_the_known_ones() {
        let error = registry(serde_json::json!({}), &[]).target("opnai/x").unwrap_err();
        assert_eq!(
            error.message,
            "There is no provider \"opnai\" (model = \"opnai/x\"). Known: guide, openai."
        );
    }

    #[test]
    fn variables_set_the_base_url_and_the_ids() {
        let variables = [
            ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/"),
            ("OPENAI_ORG_ID", "org-1"),
            ("OPENAI_PROJECT_ID", ""),
        ];
        let provider = registry(serde_json::json!({}), &variables)
            .target("openai")
            .unwrap()
            .provider;
        assert_eq!(provider.base_url, "http://127.0.0.1:9/v1");
        assert_eq!(
            (provider.organization.as_str(), provider.project.as_str()),
            ("org-1", "")
        );
        assert_eq!(provider.host(), "127.0.0.1:9");
    }

    #[test]
    fn a_provider_like_openai_does_not_get_the_key_and_the_ids_of_openai() {
        let config =
            serde_json::json!({"providers": {"work": {"like": "openai", "base_url": "https://llm.example.com/v1"}}});
        let variables = [("OPENAI_API_KEY", "k"), ("OPENAI_ORG_ID", "org-1")];
        let provider = registry(config, &variables).target("work").unwrap().provider;
        assert_eq!(
            provider.key,
            KeySource::Usual {
                variable: None,
                required: true
            }
        );
        assert_eq!(provider.organization, "");
    }

    #[test]
    fn a_provider_like_another_takes_its_entry_under_its_own_name() {
        let config = serde_json::json!({"providers": {"work": {"like": "openai", "base_url": "https://llm.example.com/v1", "key": {"env": "WORK_KEY"}}}});
        let provider = registry(config, &[]).target("work").unwrap().provider;
        assert_eq!((provider.wire, provider.label.as_str()), (Wire::Responses, "work"));
        assert_eq!(provider.key, KeySource::Variable("WORK_KEY".into()));
    }
}
