//! Reads the values of the headers that the user configured: as they are, from a variable, or from a command.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::redact::{self, Redactor};
use super::vault::{Environment, Vault, variable};
use super::{Credentials, KeyError, Secret, SecretError};
use crate::words::text;

/// Where a header's value comes from. The value itself may be a secret: it is not printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum HeaderConfig {
    /// The value.
    Value(String),
    /// `{ env = "NAME" }`: an environment variable.
    Variable {
        /// The variable's name.
        env: String,
    },
    /// `{ cmd = {…} }`: what a program prints; run without a shell.
    Command {
        /// The program and its arguments.
        cmd: Vec<String>,
    },
}

impl fmt::Debug for HeaderConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HeaderConfig(…)")
    }
}

/// What stands in the name of a header whose value is a secret.
const SECRET_NAMES: &[&str] = &["key", "token", "auth", "secret", "password", "cookie", "credential"];

impl Vault {
    /// These credentials with the headers of a provider.
    ///
    /// # Errors
    /// A variable is not set, a command fails, or a value cannot stand in a header.
    pub async fn with_headers(
        &self,
        provider: &str,
        credentials: Credentials,
        headers: &BTreeMap<String, HeaderConfig>,
        environment: Environment<'_>,
    ) -> Result<Credentials, KeyError> {
        let mut values = Vec::with_capacity(headers.len());
        for (name, source) in headers {
            let place = || format!("providers.{provider}.headers, {name}");
            let value = match source {
                HeaderConfig::Value(value) => Secret::new(value.clone()),
                HeaderConfig::Variable { env } => {
                    let value = variable(environment, env);
                    let unset = || KeyError::Header(text!("header.unset", place = place(), variable = env));
                    Secret::new(value.ok_or_else(unset)?)
                }
                HeaderConfig::Command { cmd } => {
                    let printed = self.output(cmd).await;
                    Ok(printed.map_err(|error| {
                        KeyError::Header(text!("header.failed", place = place(), reason = error.text()))
                    })?)
                }
            };
            let value = value.map_err(|reason| {
                KeyError::Header(match reason {
                    SecretError::Empty => text!("header.empty", place = place()),
                    SecretError::ControlCharacter => text!("header.control_character", place = place()),
                })
            })?;
            if is_secret(name, source) {
                learn(self.redactor(), &value);
            }
            values.push((name.clone(), value));
        }
        Ok(Credentials {
            headers: values,
            ..credentials
        })
    }
}

/// Takes the value out of every text, and the secret behind a scheme's name (`Bearer …`) too.
fn learn(redactor: &Redactor, value: &Secret) {
    redactor.learn(value);
    let bare = value.expose().split_once(' ').map(|(_, bare)| bare.to_owned());
    if let Some(Ok(bare)) = bare.map(Secret::new) {
        redactor.learn(&bare);
    }
}

/// Whether a value is to be kept out of texts. A plain one may be a word such as a provider's name: that would only make
/// texts unreadable.
fn is_secret(name: &str, source: &HeaderConfig) -> bool {
    let HeaderConfig::Value(value) = source else {
        return true;
    };
    let name = name.to_ascii_lowercase();
    let is_named = SECRET_NAMES.iter().any(|word| name.contains(word));
    is_named || redact::redact(value) != value.as_str() || is_random(value)
}

/// Whether a text looks made by chance: long, without spaces, of letters and digits.
fn is_random(text: &str) -> bool {
    text.len() >= 20
        && !text.contains(char::is_whitespace)
        && text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(headers: serde_json::Value) -> (Result<Vec<(String, String)>, String>, Vault) {
        let config: crate::config::ProviderConfig =
            serde_json::from_value(serde_json::json!({"headers": headers})).unwrap();
        let vault = Vault::default();
        let environment = |name: &str| (name == "GATEWAY").then(|| "Bearer from-variable-1".to_owned());
        let found = vault
            .with_headers("work", Credentials::default(), &config.headers, &environment)
            .await;
        let plain = |(name, value): (String, Secret)| (name, value.expose().to_owned());
        let found = found.map(|found| found.headers.into_iter().map(plain).collect());
        (found.map_err(|error| error.to_string()), vault)
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn values_come_from_where_the_user_says_and_secrets_are_taken_out_of_texts() {
        let headers = serde_json::json!({"x-provider": "anthropic", "x-api-key": "plain-secret-9", "x-var": {"env": "GATEWAY"},
            "x-cmd": {"cmd": ["printf", "printed-secret"]}});
        let (found, vault) = read(headers).await;
        let found = found.unwrap();
        let values: Vec<&str> = found.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(
            values,
            [
                "plain-secret-9",
                "printed-secret",
                "anthropic",
                "Bearer from-variable-1"
            ]
        );
        let text = "anthropic plain-secret-9 printed-secret from-variable-1";
        assert_eq!(
            vault.redactor().redact(text),
            "anthropic [redacted] [redacted] [redacted]"
        );
    }

    #[tokio::test]
    async fn a_variable_that_is_not_set_and_a_value_that_is_none_are_named() {
        let (found, _) = read(serde_json::json!({"x-a": {"env": "NOT_SET"}})).await;
        assert_eq!(
            found.unwrap_err(),
            "providers.work.headers, x-a: the variable NOT_SET is not set."
        );
        for (value, told) in [
            (
                serde_json::json!("line\nend-of-secret"),
                "it holds a line end or control character.",
            ),
            (serde_json::json!(" "), "it is empty."),
            (
                serde_json::json!({"cmd": ["true"]}),
                "The command true prints nothing that a header may hold.",
            ),
        ] {
            let (found, _) = read(serde_json::json!({"x-a": value})).await;
            assert_eq!(found.unwrap_err(), format!("providers.work.headers, x-a: {told}"));
        }
        let (found, _) = read(serde_json::json!([])).await;
        assert_eq!(found, Ok(Vec::new()));
    }

    #[test]
    fn no_value_is_printed() {
        let config: crate::config::ProviderConfig =
            serde_json::from_value(serde_json::json!({"headers": {"x-a": "opensesame"}})).unwrap();
        assert!(!format!("{config:?}").contains("opensesame"));
    }
}
