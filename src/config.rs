//! The configuration, as the editor hands it over: parsed here, resolved by those who use it.
//!
//! The Lua side has checked names and types and told the user of mistakes (`lua/gpt/config/check.lua`), so this reads
//! leniently: what is missing takes its default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::keys::HeaderConfig;
use crate::model_facts::Facts;
use crate::words::Locale;

/// All that a user can set, with the defaults for what they did not.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// `provider/model`; `None` takes the first connected provider's default.
    pub model: Option<String>,
    /// Providers by name, merged over the built-in ones.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// What the user knows of models, by `provider/model`.
    pub models: BTreeMap<String, Facts>,
    /// What is asked in a chat, and how.
    pub chat: ChatConfig,
    /// The way to the providers, and its limits.
    pub network: NetworkConfig,
    /// What is kept of chats.
    pub history: HistoryConfig,
    /// The user's own prompts.
    pub prompts_dir: Option<PathBuf>,
    /// The root of the project that the editor works in at its start.
    pub project: Option<String>,
    /// The language of messages. The editor's side has resolved it.
    pub locale: Locale,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub log_level: Option<String>,
    /// Where the log goes: the editor's `stdpath("log")/gpt.log`.
    pub log_file: Option<PathBuf>,
    /// What lasts over restarts: the editor's `stdpath("state")/gpt`.
    pub state_dir: Option<PathBuf>,
    /// What may never be lost: the editor's `stdpath("data")/gpt`.
    pub data_dir: Option<PathBuf>,
    /// What can be fetched again: the editor's `stdpath("cache")/gpt`.
    pub cache_dir: Option<PathBuf>,
}

/// One provider's settings; every field overrides the built-in entry of that name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProviderConfig {
    /// The entry that this one takes its defaults from, e.g. `openai-compatible`.
    pub like: Option<String>,
    /// Where the API lies, up to and with its version, e.g. `https://llm.example.com/v1`.
    pub base_url: Option<String>,
    /// OpenAI's organization id.
    pub organization: Option<String>,
    /// OpenAI's project id.
    pub project: Option<String>,
    /// Where the key comes from.
    pub key: Option<KeyConfig>,
    /// `responses`, `chat`, `anthropic`, `gemini` or `ollama`.
    pub wire: Option<String>,
    /// Azure's name of the resource: the first part of its host's name.
    pub resource: Option<String>,
    /// Azure's dated version of the API, e.g. `2024-10-21`.
    pub api_version: Option<String>,
    /// The size of the context in tokens, which Ollama is asked for.
    pub context: Option<u64>,
    /// Further fields for the body of every request.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Further headers of every request, by name.
    #[serde(deserialize_with = "map_or_empty")]
    pub headers: BTreeMap<String, HeaderConfig>,
    /// The header that holds the key, as it is.
    pub key_header: Option<String>,
    /// Allows http without TLS to a host that is not this machine.
    pub insecure: bool,
}

/// Where a provider's key comes from. Never the key itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum KeyConfig {
    /// `false`: the provider takes no key.
    Switch(bool),
    /// `{ env = "NAME" }`: an environment variable.
    Variable {
        /// The variable's name.
        env: String,
    },
    /// `{ cmd = { "pass", "show", "llm" } }`: what a program prints; run without a shell.
    Command {
        /// The program and its arguments.
        cmd: Vec<String>,
    },
}

/// A map; an empty table of Lua comes as a list.
fn map_or_empty<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<String, HeaderConfig>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Map(BTreeMap<String, HeaderConfig>),
        List([HeaderConfig; 0]),
    }
    Ok(match Either::deserialize(from)? {
        Either::Map(map) => map,
        Either::List([]) => BTreeMap::new(),
    })
}

/// Settings of the chat that concern what is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct ChatConfig {
    /// Replaces the built-in system prompt; an empty one sends none.
    pub system_prompt: Option<String>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The most tokens of an answer.
    pub max_tokens: Option<u64>,
    /// How long an answer may be, in bytes.
    pub max_answer: usize,
    /// How many past exchanges are sent; `None`: all.
    pub memory: Option<usize>,
    /// The language of the replies, e.g. `Português`.
    pub language: Option<String>,
    /// Whether the project's own rules are added to the system prompt; `None`: they are.
    pub rules: Option<bool>,
    /// Those rules, where a chat has them. Not from the configuration.
    #[serde(skip)]
    pub project_rules: String,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            system_prompt: None,
            temperature: None,
            max_tokens: None,
            max_answer: 16 * 1024 * 1024,
            memory: None,
            language: None,
            rules: None,
            project_rules: String::new(),
        }
    }
}

/// What is kept of chats, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HistoryConfig {
    /// Whether anything is.
    pub enabled: bool,
    /// Chats that have not changed for so many days are deleted; `None`: never.
    pub days: Option<u32>,
    /// The oldest chats are deleted until the file needs no more than so many megabytes; `None`: never.
    pub megabytes: Option<u64>,
    /// What chats are called.
    pub titles: Titles,
}

/// What a chat is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Titles {
    /// The first words of its first question.
    #[default]
    Words,
    /// What its model calls it, after its first answer; until then the first words.
    Model,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            days: None,
            megabytes: None,
            titles: Titles::default(),
        }
    }
}

/// The way to the providers, and its limits.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct NetworkConfig {
    /// The proxy for all that is not on this machine; `None`: the environment's.
    pub proxy: Option<ProxyConfig>,
    /// Certificates in PEM form that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The time a connection may take to be made, in seconds.
    pub connect_timeout: f64,
    /// The time that may pass without a byte, in seconds.
    pub idle_timeout: f64,
}

/// A proxy.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ProxyConfig {
    /// `false`: none, whatever the environment names.
    Switch(bool),
    /// Its URL, which may hold a name and a password.
    Address(String),
}

/// Without the password.
impl fmt::Debug for ProxyConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => formatter.debug_tuple("Switch").field(on).finish(),
            Self::Address(_) => formatter.write_str("Address(…)"),
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            proxy: None,
            ca_file: None,
            connect_timeout: 10.0,
            idle_timeout: 120.0,
        }
    }
}

impl NetworkConfig {
    /// [`Self::connect_timeout`] as a duration.
    pub fn connect(&self) -> Duration {
        seconds(self.connect_timeout, 10.0)
    }

    /// [`Self::idle_timeout`] as a duration.
    pub fn idle(&self) -> Duration {
        seconds(self.idle_timeout, 120.0)
    }
}

/// A user's number of seconds; a senseless one (negative, zero, infinite) gives the default.
fn seconds(value: f64, default: f64) -> Duration {
    let sane = if value.is_finite() && value > 0.0 {
        value
    } else {
        default
    };
    Duration::try_from_secs_f64(sane).unwrap_or(Duration::from_secs(120))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_has_the_documented_defaults() {
        let config: Config = serde_json::from_str("{}").unwrap();
        assert_eq!(config.network.connect(), Duration::from_secs(10));
        assert_eq!(config.network.idle(), Duration::from_secs(120));
        assert!(config.model.is_none());
    }

    #[test]
    fn a_key_is_a_variable_or_switched_off_and_never_a_value() {
        let read = |text: &str| serde_json::from_str::<ProviderConfig>(text);
        assert!(
            matches!(read(r#"{"key":{"env":"MY_KEY"}}"#).unwrap().key, Some(KeyConfig::Variable { env }) if env == "MY_KEY")
        );
        assert!(matches!(
            read(r#"{"key":false}"#).unwrap().key,
            Some(KeyConfig::Switch(false))
        ));
        assert!(read(r#"{"key":"sk-secret"}"#).is_err());
    }

    #[test]
    fn a_proxy_is_an_address_that_is_never_printed_or_switched_off() {
        let read = |text: &str| serde_json::from_str::<NetworkConfig>(text).unwrap();
        let network = read(r#"{"proxy":"http://me:secret@proxy:3128","ca_file":"/etc/ca.pem"}"#);
        assert_eq!(
            network.proxy,
            Some(ProxyConfig::Address("http://me:secret@proxy:3128".into()))
        );
        assert!(!format!("{network:?}").contains("secret"));
        assert_eq!(read(r#"{"proxy":false}"#).proxy, Some(ProxyConfig::Switch(false)));
        assert_eq!(read("{}").proxy, None);
    }
}
