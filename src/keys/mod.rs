//! Keys: where they come from ([`vault`], [`keyring`], [`command`]), secrets that cannot be printed ([`secret`]), and the
//! redactor that keeps them out of every text ([`redact`]), by the [`formats`] of services and in every form that a key in use
//! may take.
//!
//! A key is in the system keyring, in a variable or in a command of the user's; in this process's memory while a request
//! is built and answered; and nowhere else.

pub mod command;
mod encoded;
pub mod formats;
mod headers;
pub mod keyring;
pub mod redact;
pub mod secret;
mod spread;
pub mod userinfo;
pub mod vault;

pub use headers::HeaderConfig;
pub use redact::Redactor;
pub use secret::{Secret, SecretError};

use crate::words::{Text, text};
use keyring::KeyringError;

/// Where a provider's key is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// Nowhere: the provider takes none.
    None,
    /// In this environment variable, because the user said so; empty if what the user said is no name of a variable. It
    /// is not repeated then, since it may be the key.
    Variable(String),
    /// In what this command prints, because the user said so: a program and its arguments, run without a shell.
    Command(Vec<String>),
    /// Where keys usually are: in the first of the provider's variables that is set; then what was entered for this session; then
    /// the system keyring.
    Usual {
        /// The provider's usual variables.
        variables: Vec<String>,
        /// Whether the provider answers nothing without a key.
        required: bool,
    },
}

/// Which of the places a key was found in. Shown to users; never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundIn {
    /// An environment variable.
    Variable(String),
    /// The configured command.
    Command,
    /// What was entered for this session.
    Session,
    /// The system keyring.
    Keyring,
}

/// What a provider is asked with. `Debug` shows no key.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The key.
    pub key: Option<Secret>,
    /// The organization id; empty: none.
    pub organization: String,
    /// The project id; empty: none.
    pub project: String,
    /// Further headers, whose values may be secrets.
    pub headers: Vec<(String, Secret)>,
    /// What knows the keys of this session.
    pub live: Redactor,
}

impl Credentials {
    /// A redactor that knows this key, and the others of this session.
    pub fn redactor(&self) -> Redactor {
        if let Some(key) = &self.key {
            self.live.learn(key);
        }
        self.live.clone()
    }
}

/// Why there is no key to ask with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum KeyError {
    /// No source has one.
    Missing,
    /// A source has something that is no key.
    Unusable {
        /// The source, as users know it.
        place: String,
        /// What is wrong.
        reason: SecretError,
    },
    /// The command failed; its words, redacted.
    Command(Text),
    /// A header that the user configured has no value; why, redacted.
    Header(Text),
    /// The keyring failed.
    Keyring(#[from] KeyringError),
}

impl KeyError {
    /// What went wrong, for the user.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::Missing => text!("key.none"),
            Self::Unusable { place, reason } => text!("key.unusable", place = place, reason = reason.text()),
            Self::Command(text) | Self::Header(text) => text.clone(),
            Self::Keyring(error) => error.text(),
        }
    }
}
