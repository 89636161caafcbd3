//! One request, ready to be sent: where to, with what headers and body.

use std::net::IpAddr;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::keys::Credentials;
use crate::provider::registry::{Auth, Provider};
use crate::provider::transport::refused_fields;
use crate::provider::{Decoder, ErrorClass, ProviderError, Request};
use crate::words::{Text, text};

mod own_headers;

/// A request, ready to be sent.
pub struct Call {
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub decoder: Box<dyn Decoder>,
}

impl Call {
    /// The call for this request, without the fields of its body that are to be left out.
    pub fn new(
        provider: &Provider,
        credentials: &Credentials,
        request: &Request,
        left_out: &[String],
    ) -> Result<Self, ProviderError> {
        let path = provider.wire.path(provider, &request.model)?;
        Ok(Self {
            url: endpoint(provider, &path)?,
            headers: headers(provider, credentials)?,
            body: body(provider, request, left_out).to_string().into_bytes(),
            decoder: provider.wire.decoder(),
        })
    }
}

/// The body of a request, on its provider's wire, without these fields.
pub fn body(provider: &Provider, request: &Request, left_out: &[String]) -> Value {
    let mut body = provider.wire.body(provider, request);
    refused_fields::leave_out(&mut body, left_out);
    body
}

/// The URL of the list of models.
pub fn models(provider: &Provider) -> Result<Url, ProviderError> {
    endpoint(provider, provider.models_path)
}

/// The URL of an operation. Refuses what is no URL, and http without TLS off this machine.
pub fn endpoint(provider: &Provider, path: &str) -> Result<Url, ProviderError> {
    let refused = |reason: Text| ProviderError::ours(ErrorClass::Configuration, reason);
    let name = &provider.name;
    if provider.base_url.is_empty() {
        let missing = match provider.resource_url {
            Some(_) => text!("provider.set_resource", name = name),
            None => text!("provider.no_address", name = name),
        };
        return Err(refused(missing));
    }
    let mut url = Url::parse(&format!("{}/{path}", provider.base_url)).map_err(|error| {
        let (url, reason) = (shown_text(&provider.base_url), error.to_string());
        refused(text!("provider.no_url", name = name, url = url, reason = reason))
    })?;
    if !provider.query.is_empty() {
        // Ours come after the user's: where both name a field, the last one counts with most servers.
        let query = match url.query() {
            Some(ours) => format!("{}&{ours}", provider.query),
            None => provider.query.clone(),
        };
        url.set_query(Some(&query));
    }
    let has_version = url.query_pairs().any(|(name, _)| name == "api-version");
    if let Some(version) = provider.api_version.as_ref().filter(|_| !has_version) {
        url.query_pairs_mut().append_pair("api-version", version);
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) || provider.insecure => Ok(url),
        "http" => Err(refused(text!("provider.no_tls", name = name, host = provider.host()))),
        other => Err(refused(text!("provider.odd_scheme", name = name, scheme = other))),
    }
}

/// Fields of a query that hold no secrets.
const PLAIN_FIELDS: &[&str] = &[
    "api-version",
    "alt",
    "limit",
    "pageSize",
    "page_size",
    "beta",
    "version",
];

/// A URL as it may be shown: without name and password, and without the values of a query that may be secrets.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let has_login = !url.username().is_empty() || url.password().is_some();
    if has_login {
        // These fail only for URLs that can have neither.
        url.set_username("").ok();
        url.set_password(None).ok();
    }
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.set_query(None);
    let mut text = url.to_string();
    for (at, (name, value)) in fields.iter().enumerate() {
        let value = if PLAIN_FIELDS.contains(&name.as_str()) {
            value
        } else {
            "[redacted]"
        };
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(&format!("{name}={value}"));
    }
    text
}

/// What is no URL, without what stands before an `@` in it.
fn shown_text(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    match rest.rsplit_once('@') {
        Some((_, rest)) if scheme.is_empty() => rest.to_owned(),
        Some((_, rest)) => format!("{scheme}://{rest}"),
        None => url.to_owned(),
    }
}

/// Whether a URL is on this machine and without TLS.
pub fn is_local(url: &Url) -> bool {
    url.scheme() == "http" && is_loopback(url)
}

/// Whether a URL is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub fn headers(provider: &Provider, credentials: &Credentials) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    for (name, value) in provider.wire.headers() {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(key) = &credentials.key {
        let bearer = || HeaderValue::from_str(&format!("Bearer {}", key.expose()));
        let (name, value) = match (&provider.key_header, provider.auth) {
            (Some(name), _) if name.eq_ignore_ascii_case(AUTHORIZATION.as_str()) => (AUTHORIZATION, bearer()),
            (Some(name), _) => (
                own_headers::key_header(provider, name)?,
                HeaderValue::from_str(key.expose()),
            ),
            (None, Auth::Bearer) => (AUTHORIZATION, bearer()),
            (None, Auth::Header(name)) => (HeaderName::from_static(name), HeaderValue::from_str(key.expose())),
        };
        let mut value = value.map_err(|_| ProviderError::ours(ErrorClass::WrongKey, text!("key.no_header")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    for (name, set, stored) in [
        ("openai-organization", &provider.organization, &credentials.organization),
        ("openai-project", &provider.project, &credentials.project),
    ] {
        let value = if set.is_empty() { stored } else { set };
        if !value.is_empty() {
            let value = HeaderValue::from_str(value).map_err(|_| {
                ProviderError::ours(ErrorClass::WrongOrganization, text!("key.odd_characters", name = name))
            })?;
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    own_headers::add(provider, credentials, &mut headers)?;
    Ok(headers)
}

#[cfg(test)]
mod tests;
