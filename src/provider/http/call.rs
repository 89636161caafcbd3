//! One request, ready to be sent: where to, with what headers and body.

use std::net::IpAddr;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::keys::Credentials;
use crate::provider::registry::{Provider, Wire};
use crate::provider::{Decoder, ErrorClass, ProviderError, Request, openai_chat, openai_responses};

/// A request, ready to be sent.
pub struct Call {
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub decoder: Box<dyn Decoder>,
    /// Whether it goes to this machine, without TLS.
    pub local: bool,
}

impl Call {
    pub fn new(provider: &Provider, credentials: &Credentials, request: &Request) -> Result<Self, ProviderError> {
        let (path, body, decoder): (_, _, Box<dyn Decoder>) = match provider.wire {
            Wire::Responses => (
                "responses",
                openai_responses::body(request),
                Box::<openai_responses::ResponsesDecoder>::default(),
            ),
            Wire::Chat | Wire::Guide => (
                "chat/completions",
                openai_chat::body(request, &provider.dialect),
                Box::<openai_chat::ChatDecoder>::default(),
            ),
        };
        let url = endpoint(provider, path)?;
        let local = is_local(&url);
        let headers = headers(provider, credentials)?;
        Ok(Self {
            url,
            headers,
            body: body.to_string().into_bytes(),
            decoder,
            local,
        })
    }
}

/// The URL of an operation. Refuses what is no URL, and http without TLS off this machine.
pub fn endpoint(provider: &Provider, path: &str) -> Result<Url, ProviderError> {
    let refused = |message: String| ProviderError::new(ErrorClass::Configuration, message);
    let name = &provider.name;
    if provider.base_url.is_empty() {
        return Err(refused(format!("providers.{name}.base_url is not set.")));
    }
    let url = Url::parse(&format!("{}/{path}", provider.base_url)).map_err(|error| {
        refused(format!(
            "providers.{name}.base_url is no URL ({}): {error}.",
            provider.base_url
        ))
    })?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) || provider.insecure => Ok(url),
        "http" => Err(refused(format!(
            "http without TLS would show your key to the network between here and {}. Use https, or set \
             providers.{name}.insecure = true.",
            provider.host()
        ))),
        other => Err(refused(format!(
            "providers.{name}.base_url must begin with https:// or http://, not {other}://."
        ))),
    }
}

/// Whether a URL is on this machine and without TLS.
pub fn is_local(url: &Url) -> bool {
    url.scheme() == "http" && is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub fn headers(provider: &Provider, credentials: &Credentials) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(key) = &credentials.key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| {
            ProviderError::new(ErrorClass::WrongKey, "the key holds characters that no header may have")
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    for (name, set, stored) in [
        ("openai-organization", &provider.organization, &credentials.organization),
        ("openai-project", &provider.project, &credentials.project),
    ] {
        let value = if set.is_empty() { stored } else { set };
        if !value.is_empty() {
            let value = HeaderValue::from_str(value).map_err(|_| {
                ProviderError::new(ErrorClass::WrongOrganization, format!("{name} holds odd characters"))
            })?;
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::provider::registry::Registry;

    fn provider(settings: serde_json::Value) -> Provider {
        let config: Config = serde_json::from_value(serde_json::json!({"providers": {"p": settings}})).unwrap();
        Registry::new(&config, &|_| None).target("p/m").unwrap().provider
    }

    fn refusal(settings: serde_json::Value) -> String {
        endpoint(&provider(settings), "chat/completions").unwrap_err().message
    }

    #[test]
    fn http_without_tls_is_refused_off_this_machine() {
        assert!(refusal(serde_json::json!({"base_url": "http://llm.example.com/v1"})).contains("insecure = true"));
        for allowed in [
            "https://llm.example.com/v1",
            "http://127.0.0.1:1/v1",
            "http://[::1]:1/v1",
            "http://localhost/v1",
        ] {
            let url = endpoint(&provider(serde_json::json!({"base_url": allowed})), "chat/completions").unwrap();
            assert!(url.as_str().ends_with("/v1/chat/completions"), "{url}");
        }
        let insecure = provider(serde_json::json!({"base_url": "http://llm.example.com/v1", "insecure": true}));
        assert!(endpoint(&insecure, "x").is_ok());
    }

    #[test]
    fn a_base_url_that_is_missing_or_no_url_is_named() {
        assert_eq!(refusal(serde_json::json!({})), "providers.p.base_url is not set.");
        assert!(refusal(serde_json::json!({"base_url": "llm example"})).contains("is no URL"));
        assert!(refusal(serde_json::json!({"base_url": "ftp://x/v1"})).contains("https://"));
    }

    #[test]
    fn a_host_that_only_looks_like_this_machine_is_not() {
        assert!(refusal(serde_json::json!({"base_url": "http://127.0.0.1.example.com/v1"})).contains("TLS"));
        assert!(refusal(serde_json::json!({"base_url": "http://localhost@example.com/v1"})).contains("TLS"));
    }

    #[test]
    fn organization_and_project_are_left_out_when_empty() {
        let empty = headers(
            &provider(serde_json::json!({"organization": " "})),
            &Credentials::default(),
        )
        .unwrap();
        assert!(!empty.contains_key("openai-organization"));
        let set = headers(
            &provider(serde_json::json!({"organization": "org-1", "project": "p-1"})),
            &Credentials::default(),
        )
        .unwrap();
        assert_eq!(set.get("openai-organization").unwrap(), "org-1");
        assert_eq!(set.get("openai-project").unwrap(), "p-1");
    }

    #[test]
    fn stored_ids_are_sent_unless_others_are_set() {
        let stored = Credentials {
            organization: "org-stored".into(),
            ..Credentials::default()
        };
        let sent = headers(&provider(serde_json::json!({})), &stored).unwrap();
        assert_eq!(sent.get("openai-organization").unwrap(), "org-stored");
        let set = provider(serde_json::json!({"organization": "org-set"}));
        assert_eq!(
            headers(&set, &stored).unwrap().get("openai-organization").unwrap(),
            "org-set"
        );
    }
}
