//! Adds the headers that the user configured to a request, and the header that they name for the key.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::keys::Credentials;
use crate::provider::registry::Provider;
use crate::provider::{ErrorClass, ProviderError};
use crate::words::{Text, text};

/// Headers that the request's own making sets, or that speak of the connection and not of the request
/// ([RFC 9110, 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)): another value would break it.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Puts the user's headers over ours. None of their values is printed.
pub fn add(provider: &Provider, credentials: &Credentials, headers: &mut HeaderMap) -> Result<(), ProviderError> {
    for (name, value) in &credentials.headers {
        let place = format!("providers.{}.headers", provider.name);
        let header = named(&place, name)?;
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| refused(text!("header.odd_value", place = place, name = name)))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(())
}

/// The header for the key.
pub fn key_header(provider: &Provider, name: &str) -> Result<HeaderName, ProviderError> {
    named(&format!("providers.{}.key_header", provider.name), name)
}

fn named(place: &str, name: &str) -> Result<HeaderName, ProviderError> {
    let header = HeaderName::from_bytes(name.as_bytes());
    let header = header.map_err(|_| {
        refused(text!(
            "header.no_name",
            place = place,
            name = crate::provider::error::word(name)
        ))
    })?;
    if RESERVED.contains(&header.as_str()) {
        return Err(refused(text!("header.reserved", place = place, name = header.as_str())));
    }
    Ok(header)
}

fn refused(reason: Text) -> ProviderError {
    ProviderError::ours(ErrorClass::Configuration, reason)
}
