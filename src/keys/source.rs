//! Where keys come from. A key is read when a request is built, and lives no longer than that request.

use crate::keys::Secret;
use crate::provider::registry::{Environment, KeySource, Provider};
use crate::provider::{ErrorClass, ProviderError};

/// The key for a provider, or none for one that takes none.
///
/// # Errors
/// There must be one and there is not ([`ErrorClass::NoKey`]), or it is no key ([`ErrorClass::WrongKey`]). A variable that
/// is unset or white is "no key": it is never sent as text.
pub fn key_of(provider: &Provider, environment: Environment<'_>) -> Result<Option<Secret>, ProviderError> {
    let name = match &provider.key {
        KeySource::None => return Ok(None),
        KeySource::Variable(name) => name,
    };
    let value = environment(name).filter(|value| !value.trim().is_empty());
    let value = value.ok_or_else(|| ProviderError::new(ErrorClass::NoKey, ""))?;
    let unusable = |error| ProviderError::new(ErrorClass::WrongKey, format!("{name}: {error}"));
    Secret::new(value).map(Some).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::provider::registry::Registry;

    fn key(value: Option<&str>) -> Result<Option<Secret>, ProviderError> {
        let read = |name: &str| value.filter(|_| name == "OPENAI_API_KEY").map(str::to_owned);
        let provider = Registry::new(&Config::default(), &read)
            .target("openai")
            .unwrap()
            .provider;
        key_of(&provider, &read)
    }

    #[test]
    fn an_unset_or_white_variable_is_no_key() {
        assert_eq!(key(None).unwrap_err().class, ErrorClass::NoKey);
        assert_eq!(key(Some(" \n")).unwrap_err().class, ErrorClass::NoKey);
    }

    #[test]
    fn a_key_is_trimmed() {
        assert_eq!(key(Some(" sk-1 \n")).unwrap().unwrap().expose(), "sk-1");
    }

    #[test]
    fn a_key_with_a_line_end_in_it_is_refused_and_not_repeated() {
        let error = key(Some("sk-1\nsk-2")).unwrap_err();
        assert_eq!(error.class, ErrorClass::WrongKey);
        assert!(!error.message.contains("sk-1"), "{}", error.message);
    }

    #[test]
    fn a_provider_without_a_key_gets_none() {
        let guide = Registry::new(&Config::default(), &|_| None)
            .target("guide")
            .unwrap()
            .provider;
        assert!(key_of(&guide, &|_| None).unwrap().is_none());
    }
}
