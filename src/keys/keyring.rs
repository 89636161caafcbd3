//! The system keyring: the Secret Service on Linux, the Keychain on macOS, the Credential Manager on Windows.
//!
//! An entry's service is `gpt.nvim` and its user is the provider (`openai`), so that other tools can read and write it:
//! `secret-tool lookup service gpt.nvim username openai`. Organization and project have entries of their own,
//! `openai/organization` and `openai/project`.
//!
//! The calls block, and may wait for a password dialog; on a thread of tokio's they would panic. So each runs on a thread
//! of its own, which nobody waits for beyond its time limit.

use std::time::Duration;

use keyring_core::Entry;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{Secret, SecretError};
use crate::words::{Text, text};

/// The service that all entries have.
pub const SERVICE: &str = "gpt.nvim";
/// How long a person may take to unlock the keyring.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// After this time a person is told what is waited for.
const SILENCE: Duration = Duration::from_secs(2);

/// Why the keyring did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum KeyringError {
    /// There is none, or it cannot be talked to.
    Unreachable(Text),
    /// It is locked, and nobody has unlocked it.
    Locked,
    /// It has no place to store anything.
    NoCollection,
    /// It holds more than one entry for the provider.
    Ambiguous(String),
    /// What it holds for the provider is no key.
    Malformed(String),
    /// It did not answer in time.
    Timeout(Duration),
    /// It failed in another way.
    Failed(Text),
}

impl KeyringError {
    /// What happened, for the user.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::Unreachable(reason) => text!("keyring.unreachable", reason = reason.clone()),
            Self::Locked => text!("keyring.locked"),
            Self::NoCollection => text!("keyring.no_collection"),
            Self::Ambiguous(user) => text!("keyring.ambiguous", user = user, service = SERVICE),
            Self::Malformed(user) => text!("keyring.malformed", user = user),
            Self::Timeout(limit) => text!("keyring.timeout", seconds = limit.as_secs()),
            Self::Failed(reason) => text!("keyring.failed", reason = reason.clone()),
        }
    }
}

/// Reads an entry; `None` if there is none.
pub async fn read(user: &str, limit: Duration) -> Result<Option<Secret>, KeyringError> {
    let user = user.to_owned();
    on_own_thread(limit, move || platform::read(&user)).await
}

/// Writes an entry.
pub async fn write(user: &str, secret: Secret) -> Result<(), KeyringError> {
    let user = user.to_owned();
    on_own_thread(PATIENCE, move || platform::write(&user, &secret)).await
}

/// Removes an entry; says whether there was one.
pub async fn remove(user: &str) -> Result<bool, KeyringError> {
    let user = user.to_owned();
    on_own_thread(PATIENCE, move || platform::remove(&user)).await
}

/// Whether there is an entry. Asks for no password: a locked entry counts.
pub async fn holds(user: &str, limit: Duration) -> Result<bool, KeyringError> {
    let user = user.to_owned();
    on_own_thread(limit, move || platform::holds(&user)).await
}

/// The first of these users that has an entry. The keyring is opened once for all of them, and asks for no password.
pub async fn first_held(users: Vec<String>, limit: Duration) -> Result<Option<String>, KeyringError> {
    on_own_thread(limit, move || platform::first_held(users)).await
}

/// Whether keys can be stored: an error says what is in the way. Asks for no password.
pub async fn check(limit: Duration) -> Result<(), KeyringError> {
    on_own_thread(limit, platform::check).await
}

/// Reads an entry if that needs no password; `None` also if it is locked.
pub async fn peek(user: &str, limit: Duration) -> Result<Option<Secret>, KeyringError> {
    let user = user.to_owned();
    on_own_thread(limit, move || platform::peek(&user)).await
}

/// Waits for something of the keyring's; calls `remind` when it takes so long that it must be waiting for a person.
pub async fn reminding<T>(call: impl Future<Output = T>, remind: impl FnOnce()) -> T {
    tokio::pin!(call);
    tokio::select! {
        done = &mut call => return done,
        () = sleep(SILENCE) => remind(),
    }
    call.await
}

async fn on_own_thread<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("keyring".into())
        .spawn(move || sender.send(call()).ok())
        .map_err(|error| KeyringError::Failed(error.to_string().into()))?;
    match timeout(limit, receiver).await {
        Err(_) => Err(KeyringError::Timeout(limit)),
        Ok(Err(_)) => Err(KeyringError::Failed(text!("keyring.library"))),
        Ok(Ok(result)) => result,
    }
}

/// What keyring-core says, in our words.
fn translate(error: keyring_core::Error, user: &str) -> KeyringError {
    use keyring_core::Error;
    match error {
        Error::NoStorageAccess(cause) => platform::no_access(cause.as_ref()),
        Error::Ambiguous(_) => KeyringError::Ambiguous(user.to_owned()),
        Error::NoDefaultStore => KeyringError::Unreachable(text!("keyring.no_store")),
        Error::PlatformFailure(cause) => KeyringError::Unreachable(platform::words(cause.as_ref())),
        Error::BadEncoding(_) => KeyringError::Failed(text!("keyring.no_text", user = user)),
        other => KeyringError::Failed(other.to_string().into()),
    }
}

/// What an entry holds, as a secret. An entry that is empty counts as none.
fn secret_of(read: keyring_core::Result<Vec<u8>>, user: &str) -> Result<Option<Secret>, KeyringError> {
    match read {
        Ok(bytes) => {
            let text =
                String::from_utf8(bytes).map_err(|_| KeyringError::Failed(text!("keyring.no_text", user = user)))?;
            match Secret::new(text) {
                Ok(secret) => Ok(Some(secret)),
                Err(SecretError::Empty) => Ok(None),
                Err(SecretError::ControlCharacter) => Err(KeyringError::Malformed(user.to_owned())),
            }
        }
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(translate(error, user)),
    }
}

/// Writes an entry. Where there are several, one of them takes the secret and the others go.
fn write_entry(entry: &Entry, secret: &Secret, user: &str) -> Result<(), KeyringError> {
    let set = |entry: &Entry| platform::set(entry, secret).map_err(|error| translate(error, user));
    match platform::set(entry, secret) {
        Err(keyring_core::Error::Ambiguous(several)) => {
            let mut several = several.iter();
            several.next().map_or(Ok(()), set)?;
            several.try_for_each(|other| was_there(other.delete_credential(), user).map(drop))
        }
        other => other.map_err(|error| translate(error, user)),
    }
}

/// Removes an entry, or all of them where there are several; says whether there was one.
fn remove_entry(entry: &Entry, user: &str) -> Result<bool, KeyringError> {
    match entry.delete_credential() {
        Err(keyring_core::Error::Ambiguous(several)) => {
            let gone = |entry: &Entry| was_there(entry.delete_credential(), user);
            several.iter().try_fold(false, |any, entry| Ok(gone(entry)? || any))
        }
        other => was_there(other, user),
    }
}

fn was_there(removed: keyring_core::Result<()>, user: &str) -> Result<bool, KeyringError> {
    match removed {
        Ok(()) => Ok(true),
        Err(keyring_core::Error::NoEntry) => Ok(false),
        Err(error) => Err(translate(error, user)),
    }
}

/// The Secret Service. The store is opened for each call: `keyring` opens it once and for all, and would have to be
/// restarted where the service was not there at first; and only so can the entry have a readable label.
#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use std::collections::HashMap;
    use std::error::Error;

    use keyring_core::Entry;
    use keyring_core::api::CredentialStoreApi;
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;
    use zbus_secret_service_keyring_store::Store;

    use super::{KeyringError, SERVICE, Secret, remove_entry, secret_of, translate, write_entry};
    use crate::words::{Text, text};

    fn entry(user: &str) -> Result<Entry, KeyringError> {
        let store = Store::new().map_err(|error| match translate(error, user) {
            KeyringError::Failed(why) => KeyringError::Unreachable(why),
            other => other,
        })?;
        let label = format!("gpt.nvim: {user}");
        let modifiers = HashMap::from([("label", label.as_str())]);
        store
            .build(SERVICE, user, Some(&modifiers))
            .map_err(|error| translate(error, user))
    }

    pub fn read(user: &str) -> Result<Option<Secret>, KeyringError> {
        secret_of(entry(user)?.get_secret(), user)
    }

    pub fn write(user: &str, secret: &Secret) -> Result<(), KeyringError> {
        write_entry(&entry(user)?, secret, user)
    }

    pub fn set(entry: &Entry, secret: &Secret) -> keyring_core::Result<()> {
        entry.set_secret(secret.expose().as_bytes())
    }

    pub fn remove(user: &str) -> Result<bool, KeyringError> {
        remove_entry(&entry(user)?, user)
    }

    /// Without a default collection nothing can be stored, although all can be searched.
    pub fn check() -> Result<(), KeyringError> {
        match connect(EncryptionType::Plain)?.get_default_collection() {
            Ok(_) => Ok(()),
            Err(secret_service::Error::NoResult) => Err(KeyringError::NoCollection),
            Err(error) => Err(unreachable(error)),
        }
    }

    pub fn holds(user: &str) -> Result<bool, KeyringError> {
        is_in(&connect(EncryptionType::Plain)?, user)
    }

    pub fn first_held(users: Vec<String>) -> Result<Option<String>, KeyringError> {
        let service = connect(EncryptionType::Plain)?;
        for user in users {
            if is_in(&service, &user)? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    fn is_in(service: &SecretService<'_>, user: &str) -> Result<bool, KeyringError> {
        let found = service.search_items(attributes(user)).map_err(unreachable)?;
        Ok(!found.unlocked.is_empty() || !found.locked.is_empty())
    }

    pub fn peek(user: &str) -> Result<Option<Secret>, KeyringError> {
        let service = connect(EncryptionType::Dh)?;
        let found = service.search_items(attributes(user)).map_err(unreachable)?;
        let Some(item) = found.unlocked.first() else {
            return Ok(None);
        };
        let read = item.get_secret().map_err(unreachable)?;
        secret_of(Ok(read), user)
    }

    /// Plain where no secret is fetched: to agree upon a cipher takes its time.
    fn connect(encryption: EncryptionType) -> Result<SecretService<'static>, KeyringError> {
        SecretService::connect(encryption).map_err(unreachable)
    }

    fn attributes(user: &str) -> HashMap<&str, &str> {
        HashMap::from([("service", SERVICE), ("username", user)])
    }

    fn unreachable(error: secret_service::Error) -> KeyringError {
        KeyringError::Unreachable(words(&error))
    }

    /// Why nothing can be stored or read.
    pub fn no_access(cause: &(dyn Error + 'static)) -> KeyringError {
        match cause.downcast_ref::<secret_service::Error>() {
            Some(secret_service::Error::NoResult) => KeyringError::NoCollection,
            Some(secret_service::Error::Locked | secret_service::Error::Prompt) => KeyringError::Locked,
            _ => KeyringError::Failed(words(cause)),
        }
    }

    /// The common failures in words that fit on a line; the others in their own.
    pub fn words(cause: &(dyn Error + 'static)) -> Text {
        let own = cause.to_string();
        tracing::info!(cause = %own, "the keyring");
        let says = |word: &str| own.contains(word);
        match cause.downcast_ref::<secret_service::Error>() {
            Some(secret_service::Error::Unavailable) => text!("keyring.no_service"),
            _ if says("ServiceUnknown") || says("NameHasNoOwner") => text!("keyring.no_service"),
            _ if says("Failed to connect to address") => text!("keyring.no_session"),
            _ => own.into(),
        }
    }
}

#[cfg(any(target_os = "macos", windows))]
mod platform {
    #[cfg(target_os = "macos")]
    use apple_native_keyring_store::keychain::Store;
    use keyring_core::Entry;
    use keyring_core::api::CredentialStoreApi;
    #[cfg(windows)]
    use windows_native_keyring_store::Store;

    use super::{KeyringError, SERVICE, Secret, remove_entry, secret_of, translate, write_entry};
    use crate::words::Text;

    fn entry(user: &str) -> Result<Entry, KeyringError> {
        let store = Store::new().map_err(|error| translate(error, user))?;
        store.build(SERVICE, user, None).map_err(|error| translate(error, user))
    }

    pub fn read(user: &str) -> Result<Option<Secret>, KeyringError> {
        let password = entry(user)?.get_password();
        secret_of(password.map(String::into_bytes), user)
    }

    pub fn write(user: &str, secret: &Secret) -> Result<(), KeyringError> {
        write_entry(&entry(user)?, secret, user)
    }

    pub fn set(entry: &Entry, secret: &Secret) -> keyring_core::Result<()> {
        entry.set_password(secret.expose())
    }

    pub fn remove(user: &str) -> Result<bool, KeyringError> {
        remove_entry(&entry(user)?, user)
    }

    pub fn check() -> Result<(), KeyringError> {
        read("openai").map(drop)
    }

    pub fn holds(user: &str) -> Result<bool, KeyringError> {
        read(user).map(|found| found.is_some())
    }

    pub fn first_held(users: Vec<String>) -> Result<Option<String>, KeyringError> {
        for user in users {
            if holds(&user)? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    pub fn peek(user: &str) -> Result<Option<Secret>, KeyringError> {
        read(user)
    }

    pub fn no_access(cause: &(dyn std::error::Error + 'static)) -> KeyringError {
        KeyringError::Failed(cause.to_string().into())
    }

    pub fn words(cause: &(dyn std::error::Error + 'static)) -> Text {
        cause.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_keyring_that_does_not_answer_is_given_up() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let call = on_own_thread(Duration::from_secs(5), move || {
            held.recv().ok();
            Ok(())
        });
        assert_eq!(call.await, Err(KeyringError::Timeout(Duration::from_secs(5))));
        drop(hold);
    }

    #[cfg(windows)]
    #[tokio::test]
    async fn the_credential_manager_keeps_replaces_and_removes_a_key() {
        let user = format!("test-{}/project", std::process::id());
        let (user, limit) = (user.as_str(), Duration::from_secs(60));
        let key = |text: &str| Secret::new(text.into()).unwrap();
        assert_eq!(remove(user).await, Ok(false));
        for text in ["first-key", "second-key-ção"] {
            write(user, key(text)).await.unwrap();
            let stored = read(user, limit).await.unwrap().unwrap();
            assert_eq!(stored.expose(), text);
        }
        assert_eq!(holds(user, limit).await, Ok(true));
        assert_eq!(remove(user).await, Ok(true));
        assert!(read(user, limit).await.unwrap().is_none());
        assert_eq!(check(limit).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_is_reminded_only_when_it_takes_long() {
        for (takes, expected) in [(1, false), (3, true)] {
            let mut reminded = false;
            reminding(sleep(Duration::from_secs(takes)), || reminded = true).await;
            assert_eq!(reminded, expected, "after {takes} s");
        }
    }
}
