//! Finds the model that answers where nobody has chosen one: that of the first provider with a key, in the table's order;
//! else of a server on this machine, which the user is asked about before anything is sent to it; else the guide.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::picker::is_here;
use super::remembered;
use crate::app::environment;
use crate::keys::vault::Vault;
use crate::keys::{Credentials, FoundIn, KeySource};
use crate::provider::catalogue::models;
use crate::provider::registry::{Provider, Registry, Target};
use crate::provider::transport::Http;
use crate::words::{Text, text};

/// How long a server on this machine may take to list its models.
const HERE_LIMIT: Duration = Duration::from_secs(1);
/// The servers that are looked for on this machine.
const HERE: [&str; 2] = ["ollama", "lmstudio"];
/// What stands in the names of models that nobody talks to, where a list says no more than names.
const NO_CHAT: [&str; 4] = ["embed", "rerank", "whisper", "tts"];

/// Why a model answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Because {
    /// The user named it.
    #[default]
    Named,
    /// This variable holds a key.
    Variable(String),
    /// The configuration has a command for its key.
    Command,
    /// A key was entered for this session.
    Session,
    /// The keyring holds a key.
    Keyring,
    /// It runs on this machine. It is used once the user agrees.
    Here,
    /// There is no other.
    Alone,
}

impl Because {
    /// In two or three words, for titles.
    pub fn shortly(&self) -> Text {
        match self {
            Self::Named | Self::Alone => "".into(),
            Self::Variable(name) => name.into(),
            Self::Command => text!("model.by_command"),
            Self::Session => text!("model.by_session"),
            Self::Keyring => text!("model.by_keyring"),
            Self::Here => text!("model.asks_first"),
        }
    }

    /// In a sentence, for `:checkhealth`.
    pub fn sentence(&self) -> Text {
        match self {
            Self::Named => "".into(),
            Self::Variable(name) => text!("health.model_by_variable", name = name),
            Self::Command => text!("health.model_by_command"),
            Self::Session => text!("health.model_by_session"),
            Self::Keyring => text!("health.model_by_keyring"),
            Self::Here => text!("health.model_here"),
            Self::Alone => text!("health.model_alone"),
        }
    }
}

impl From<FoundIn> for Because {
    fn from(found: FoundIn) -> Self {
        match found {
            FoundIn::Variable(name) => Self::Variable(name),
            FoundIn::Command => Self::Command,
            FoundIn::Session => Self::Session,
            FoundIn::Keyring => Self::Keyring,
        }
    }
}

/// A model, and why it answers.
#[derive(Debug, Clone)]
pub struct Found {
    pub target: Target,
    pub because: Because,
}

/// All that the search takes. Cheap to clone.
#[derive(Clone)]
pub struct Search {
    pub registry: Arc<Registry>,
    pub vault: Vault,
    pub http: Arc<Http>,
    /// Where it is remembered whose keys were stored and whom the user refused.
    pub state: Option<PathBuf>,
}

impl Search {
    /// What can be found without waiting for anybody.
    pub fn at_hand(&self) -> Option<Found> {
        self.registry.in_order().find_map(|provider| {
            let found = self.vault.look_at_hand(&provider.name, &provider.key, &environment)?;
            let is_usual = matches!(provider.key, KeySource::Usual { .. });
            let is_other = provider.opens_more && is_usual && matches!(found, FoundIn::Variable(_));
            let target = self.registry.target(&provider.name).ok().filter(|_| !is_other)?;
            Some(Found {
                target,
                because: found.into(),
            })
        })
    }

    /// What else there is: a stored key, a server on this machine, the guide. `None`: not even that.
    pub async fn beside(self) -> Option<Found> {
        let remembered = remembered::look(self.state.clone()).await;
        // It answers meanwhile; the keyring comes first.
        let here = tokio::spawn(self.clone().here());
        let stored = self
            .vault
            .first_stored(self.may_be_stored(&remembered))
            .await
            .and_then(|name| self.registry.target(&name).ok());
        if let Some(target) = stored {
            here.abort();
            let because = Because::Keyring;
            return Some(Found { target, because });
        }
        let here = here.await.ok().flatten();
        let here = here.filter(|target| !remembered.refused.contains(&target.provider.name));
        match here {
            Some(target) => Some(Found {
                target,
                because: Because::Here,
            }),
            None => self.alone(),
        }
    }

    /// The model that needs nobody.
    pub fn alone(&self) -> Option<Found> {
        Some(Found {
            target: self.registry.offline()?,
            because: Because::Alone,
        })
    }

    /// The providers whose key may be in the keyring, and that can be asked by it alone. Where a look may show a dialog,
    /// those whose key we have stored; others' programs store theirs where it does not.
    fn may_be_stored(&self, remembered: &remembered::Remembered) -> Vec<String> {
        let shows_dialogs = cfg!(any(target_os = "macos", windows));
        let is_known = |name: &String| !shows_dialogs || name == "openai" || remembered.stored.contains(name);
        let able = self.registry.in_order().filter(|provider| {
            provider.takes_stored_key()
                && provider.default_model.is_some()
                && !remembered.refused.contains(&provider.name)
        });
        able.map(|provider| provider.name.clone()).filter(is_known).collect()
    }

    /// A model of a server on this machine that is known to us.
    async fn here(self) -> Option<Target> {
        if is_switched_off() {
            return None;
        }
        let able = self.registry.in_order().filter(|provider| {
            HERE.contains(&provider.name.as_str()) && provider.key == KeySource::None && is_here(&provider.host())
        });
        let found = join_all(able.map(|provider| self.model_of(provider))).await;
        found.into_iter().flatten().next()
    }

    async fn model_of(&self, provider: &Provider) -> Option<Target> {
        let credentials = Credentials::default();
        let listed = timeout(HERE_LIMIT, self.http.models(provider, &credentials));
        let listed = models::for_chat(provider, listed.await.ok()?.ok()?);
        let model = listed.into_iter().map(|model| model.id).find(|id| is_for_chat(id))?;
        self.vault.redactor().know_names([&model]);
        Some(Target {
            provider: provider.clone(),
            model,
        })
    }
}

/// Whether one can talk to a model of this name, and choose it by that.
fn is_for_chat(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let is_plain = !id.is_empty() && id.len() < 200 && !id.contains(|c: char| c.is_whitespace() || c.is_control());
    is_plain && !NO_CHAT.iter().any(|word| id.contains(word))
}

/// Whether nobody is looked for on this machine. Only a program that is built for tests can be told so.
fn is_switched_off() -> bool {
    cfg!(debug_assertions) && environment("GPT_NVIM_TEST_NOBODY_HERE").is_some_and(|told| told == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_taken_by_its_name_only_where_one_can_talk_to_it() {
        for id in ["qwen3:8b", "hf.co/org/Model-GGUF:Q4", "openai/gpt-oss-20b"] {
            assert!(is_for_chat(id), "{id}");
        }
        for id in [
            "",
            "text-embedding-nomic-embed-text-v1.5",
            "bge-reranker",
            "a b",
            "a\u{1b}[0m",
        ] {
            assert!(!is_for_chat(id), "{id}");
        }
    }
}
