//! The sources of keys, in their order: the provider's `key` option; else its usual variable, then what was entered for
//! this session, then the system keyring. What is set for this shell or project wins, as with gh, aws and cargo.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::OnceCell;

use super::keyring::{self, KeyringError, PATIENCE};
use super::{Credentials, FoundIn, KeyError, KeySource, Redactor, Secret, command};

/// How long a server that may not need a key waits for the keyring.
const OPTIONAL_LIMIT: Duration = Duration::from_secs(2);
/// How long it may take to say whether there is a key, where nobody waits for it.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// Reads an environment variable; a parameter, so that tests need not touch the process's own.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Finds keys, and keeps those that are for this session only. Clones share what they keep.
#[derive(Debug, Clone, Default)]
pub struct Vault {
    kept: Arc<Mutex<Kept>>,
    redactor: Redactor,
    /// Whether the keyring was looked through.
    looked: Arc<OnceCell<()>>,
}

/// What stays in memory: keys that the user entered where there was no keyring, and what key commands printed.
#[derive(Debug, Default)]
struct Kept {
    entered: HashMap<String, Credentials>,
    printed: HashMap<Vec<String>, Secret>,
}

/// A variable's value, if it is set to more than white space.
pub fn variable(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.trim().is_empty())
}

/// The first of these variables that is set to more than white space, and its value.
fn first_variable<'a>(environment: Environment<'_>, names: &'a [String]) -> Option<(&'a str, String)> {
    names
        .iter()
        .find_map(|name| Some((name.as_str(), variable(environment, name)?)))
}

impl Vault {
    /// A vault whose keys `redactor` takes out, of the log and of all that is shown.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self {
            kept: Arc::default(),
            redactor,
            looked: Arc::default(),
        }
    }

    /// What takes every key of this session out of texts.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// These credentials, whose key is taken out of every text from now on.
    pub fn known(&self, credentials: Credentials) -> Credentials {
        if let Some(key) = &credentials.key {
            self.redactor.learn(key);
        }
        Credentials {
            live: self.redactor.clone(),
            ..credentials
        }
    }

    /// Makes the keys known that the keyring gives for these providers without a password; once in a session, since a
    /// key that is set or read later is known by that.
    pub async fn learn_stored(&self, providers: Vec<String>) {
        let look = || async {
            let looks = providers.iter().map(|provider| keyring::peek(provider, LOOK_LIMIT));
            let found = join_all(looks).await;
            for key in found.into_iter().flatten().flatten() {
                self.redactor.learn(&key);
            }
        };
        self.looked.get_or_init(look).await;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to ask a provider with. `remind` is called when the keyring seems to wait for a person.
    ///
    /// # Errors
    /// There must be a key and there is none, or a source that has one fails.
    pub async fn credentials(
        &self,
        provider: &str,
        source: &KeySource,
        environment: Environment<'_>,
        remind: impl FnOnce(),
    ) -> Result<Credentials, KeyError> {
        let found = self.find(provider, source, environment, remind).await;
        found.map(|credentials| self.known(credentials))
    }

    async fn find(
        &self,
        provider: &str,
        source: &KeySource,
        environment: Environment<'_>,
        remind: impl FnOnce(),
    ) -> Result<Credentials, KeyError> {
        match source {
            KeySource::None => Ok(Credentials::default()),
            KeySource::Variable(name) => {
                let value = variable(environment, name).ok_or(KeyError::Missing)?;
                from_variable(name, value)
            }
            KeySource::Command(words) => self.printed_by(words).await,
            KeySource::Usual {
                variables: names,
                required,
            } => {
                if let Some((name, value)) = first_variable(environment, names) {
                    return from_variable(name, value);
                }
                if let Some(entered) = self.entered(provider) {
                    return Ok(entered);
                }
                self.stored_for(provider, *required, remind).await
            }
        }
    }

    async fn printed_by(&self, words: &[String]) -> Result<Credentials, KeyError> {
        Ok(Credentials {
            key: Some(self.output(words).await?),
            ..Credentials::default()
        })
    }

    /// What a command of the user's prints. It is run once per session.
    pub(super) async fn output(&self, words: &[String]) -> Result<Secret, KeyError> {
        let known = self.kept().printed.get(words).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let printed = command::run(words, &self.redactor).await?;
        self.kept().printed.insert(words.to_vec(), printed.clone());
        Ok(printed)
    }

    async fn stored_for(&self, provider: &str, required: bool, remind: impl FnOnce()) -> Result<Credentials, KeyError> {
        let limit = if required { PATIENCE } else { OPTIONAL_LIMIT };
        match keyring::reminding(stored(provider, limit), remind).await {
            Ok(credentials) if credentials.key.is_some() || !required => Ok(credentials),
            Ok(_) => Err(KeyError::Missing),
            // Without a keyring there is no key in it: that alone is no reason to fail.
            Err(KeyringError::Unreachable(_)) if required => Err(KeyError::Missing),
            Err(_) if !required => Ok(Credentials::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the key would come from now. Runs no command, and asks for no password.
    pub async fn look(
        &self,
        provider: &str,
        source: &KeySource,
        environment: Environment<'_>,
    ) -> Result<Option<FoundIn>, KeyringError> {
        match self.look_at_hand(provider, source, environment) {
            None if matches!(source, KeySource::Usual { .. }) => {
                Ok(keyring::holds(provider, LOOK_LIMIT).await?.then_some(FoundIn::Keyring))
            }
            found => Ok(found),
        }
    }

    /// Where the key would come from now, without a look into the keyring: waits for nothing.
    pub fn look_at_hand(&self, provider: &str, source: &KeySource, environment: Environment<'_>) -> Option<FoundIn> {
        let in_variable = |name: &String| variable(environment, name).map(|_| FoundIn::Variable(name.clone()));
        match source {
            KeySource::None => None,
            KeySource::Variable(name) => in_variable(name),
            KeySource::Command(_) => Some(FoundIn::Command),
            KeySource::Usual { variables: names, .. } => names
                .iter()
                .find_map(in_variable)
                .or_else(|| self.entered(provider).map(|_| FoundIn::Session)),
        }
    }

    /// The first of these providers for which the keyring holds a key. Opens it once, and asks for no password.
    pub async fn first_stored(&self, providers: Vec<String>) -> Option<String> {
        keyring::first_held(providers, LOOK_LIMIT).await.ok().flatten()
    }

    /// Stores what a user entered. Ids that are empty leave those that are stored as they are.
    pub async fn store(&self, provider: &str, entered: &Credentials) -> Result<(), KeyringError> {
        for (user, text) in [
            (organization_of(provider), &entered.organization),
            (project_of(provider), &entered.project),
        ] {
            if let Ok(id) = Secret::new(text.clone()) {
                keyring::write(&user, id).await?;
            }
        }
        if let Some(key) = &entered.key {
            keyring::write(provider, key.clone()).await?;
        }
        self.kept().entered.remove(provider);
        Ok(())
    }

    /// Puts the ids that are set into the place of those that a user left empty. Asks for no password.
    pub async fn complete(&self, provider: &str, entered: Credentials) -> Credentials {
        let kept = self.entered(provider).unwrap_or_default();
        Credentials {
            organization: set_id(
                [entered.organization.clone(), kept.organization],
                &organization_of(provider),
            )
            .await,
            project: set_id([entered.project.clone(), kept.project], &project_of(provider)).await,
            ..entered
        }
    }

    /// Keeps what a user entered until this process ends.
    pub fn keep_for_session(&self, provider: &str, entered: Credentials) {
        self.kept().entered.insert(provider.to_owned(), entered);
    }

    /// Removes key, organization and project; says whether there was a key.
    pub async fn remove(&self, provider: &str) -> Result<bool, KeyringError> {
        let kept = self.kept().entered.remove(provider).is_some();
        let stored = match keyring::remove(provider).await {
            Err(KeyringError::Unreachable(_)) if kept => return Ok(true),
            other => other?,
        };
        keyring::remove(&organization_of(provider)).await?;
        keyring::remove(&project_of(provider)).await?;
        Ok(stored || kept)
    }

    fn entered(&self, provider: &str) -> Option<Credentials> {
        self.kept().entered.get(provider).cloned()
    }
}

fn organization_of(provider: &str) -> String {
    format!("{provider}/organization")
}

fn project_of(provider: &str) -> String {
    format!("{provider}/project")
}

fn from_variable(name: &str, value: String) -> Result<Credentials, KeyError> {
    let key = Secret::new(value).map_err(|reason| KeyError::Unusable {
        place: name.to_owned(),
        reason,
    })?;
    Ok(Credentials {
        key: Some(key),
        ..Credentials::default()
    })
}

/// The first id that is not empty; else the one in the keyring.
async fn set_id(ids: [String; 2], user: &str) -> String {
    if let Some(id) = ids.into_iter().find(|id| !id.is_empty()) {
        return id;
    }
    match keyring::peek(user, LOOK_LIMIT).await {
        Ok(Some(id)) => id.expose().to_owned(),
        _ => String::new(),
    }
}

/// What the keyring holds for a provider.
async fn stored(provider: &str, limit: Duration) -> Result<Credentials, KeyringError> {
    let Some(key) = keyring::read(provider, limit).await? else {
        return Ok(Credentials::default());
    };
    let text = |read: Option<Secret>| read.map(|id| id.expose().to_owned()).unwrap_or_default();
    Ok(Credentials {
        key: Some(key),
        organization: text(keyring::read(&organization_of(provider), limit).await?),
        project: text(keyring::read(&project_of(provider), limit).await?),
        ..Credentials::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> KeySource {
        KeySource::Usual {
            variables: vec!["OPENAI_API_KEY".into()],
            required: true,
        }
    }

    async fn key(vault: &Vault, source: &KeySource, value: Option<&str>) -> Result<Option<String>, KeyError> {
        let value = value.map(str::to_owned);
        let read = move |name: &str| value.clone().filter(|_| name == "OPENAI_API_KEY");
        let found = vault.credentials("openai", source, &read, || {}).await?;
        Ok(found.key.map(|key| key.expose().to_owned()))
    }

    #[tokio::test]
    async fn a_variable_that_is_unset_or_white_is_no_key() {
        let source = KeySource::Variable("OPENAI_API_KEY".into());
        for value in [None, Some(" \n")] {
            assert_eq!(key(&Vault::default(), &source, value).await, Err(KeyError::Missing));
        }
    }

    #[tokio::test]
    async fn a_key_is_trimmed_and_one_with_a_line_end_in_it_is_refused_unrepeated() {
        let vault = Vault::default();
        assert_eq!(key(&vault, &usual(), Some(" sk-1 \n")).await, Ok(Some("sk-1".into())));
        let error = key(&vault, &usual(), Some("sk-1\nsk-2")).await.unwrap_err();
        assert!(error.to_string().starts_with("OPENAI_API_KEY: "), "{error}");
        assert!(!error.to_string().contains("sk-1"), "{error}");
    }

    #[tokio::test]
    async fn a_variable_comes_before_what_was_entered_for_the_session() {
        let vault = Vault::default();
        let entered = Credentials {
            key: Secret::new("entered".into()).ok(),
            ..Credentials::default()
        };
        vault.keep_for_session("openai", entered);
        assert_eq!(key(&vault, &usual(), None).await, Ok(Some("entered".into())));
        assert_eq!(
            key(&vault, &usual(), Some("variable")).await,
            Ok(Some("variable".into()))
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_command_is_run_once_per_session() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let script = format!("echo x >> {}; echo printed", count.display());
        let source = KeySource::Command(["sh", "-c", &script].map(str::to_owned).to_vec());
        let vault = Vault::default();
        for _ in 0..3 {
            assert_eq!(key(&vault, &source, None).await, Ok(Some("printed".into())));
        }
        assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
    }

    #[tokio::test]
    async fn a_provider_without_a_key_gets_none() {
        assert_eq!(key(&Vault::default(), &KeySource::None, Some("x")).await, Ok(None));
    }
}
