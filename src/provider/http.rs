//! Carries a request to a provider and its answer back, over HTTP.
//!
//! Redirects are not followed: reqwest takes `Authorization` off at another host, but not other credentials. A body's end
//! on a `Connection: close` answer is silent, so whether an answer is whole is for its decoder to say.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url, redirect};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::NetworkConfig;
use crate::keys::redact::Redactor;
use crate::keys::secret::Secret;
use crate::provider::error::AnswerHeaders;
use crate::provider::registry::{Provider, Wire};
use crate::provider::{Decoder, ErrorClass, Event, ProviderError, Request, openai_chat, openai_responses};

/// The most of an error's body that is read, in bytes.
const ERROR_BODY_BYTES: usize = 64 * 1024;

/// What failed, or `()` when the terminal event has been sent.
type Outcome = Result<(), ProviderError>;

/// The HTTP client, made when it is first needed: for http to this machine without a proxy, for the rest with the
/// environment's proxy and the system's certificates.
#[derive(Debug)]
pub struct Http {
    limits: NetworkConfig,
    local: OnceLock<Result<Client, ProviderError>>,
    remote: OnceLock<Result<Client, ProviderError>>,
}

impl Http {
    /// A client with these limits.
    pub fn new(limits: NetworkConfig) -> Self {
        Self {
            limits,
            local: OnceLock::new(),
            remote: OnceLock::new(),
        }
    }

    /// Asks a provider, and hands its answer on as it comes. Ends with the terminal event; dropping the future closes
    /// the connection.
    pub async fn ask(
        &self,
        provider: &Provider,
        key: Option<&Secret>,
        request: &Request,
        events: &mpsc::Sender<Vec<Event>>,
    ) {
        let redactor = Redactor::new(key.cloned().into_iter().collect());
        if let Err(error) = self.try_ask(provider, key, request, events).await {
            let error = error.redacted(&redactor);
            tracing::warn!(provider = %provider.name, class = ?error.class, status = ?error.status, code = ?error.code,
                request_id = ?error.request_id, message = %error.message, "a turn failed");
            events.send(vec![Event::Error(error)]).await.ok();
        }
    }

    async fn try_ask(
        &self,
        provider: &Provider,
        key: Option<&Secret>,
        request: &Request,
        events: &mpsc::Sender<Vec<Event>>,
    ) -> Outcome {
        let call = Call::new(provider, key, request)?;
        let client = self.client(call.local).await?;
        let sent = client.post(call.url).headers(call.headers).body(call.body).send();
        let limit = self.limits.connect() + self.limits.idle();
        let response = timeout(limit, sent)
            .await
            .map_err(|_| silence(limit))?
            .map_err(not_connected)?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        self.decode(response, call.decoder, events).await
    }

    async fn decode(
        &self,
        mut response: Response,
        mut decoder: Box<dyn Decoder>,
        events: &mpsc::Sender<Vec<Event>>,
    ) -> Outcome {
        let request_id = header(&response, "x-request-id");
        loop {
            let chunk = timeout(self.limits.idle(), response.chunk())
                .await
                .map_err(|_| silence(self.limits.idle()))?;
            let mut decoded = Vec::new();
            let ended = match chunk.map_err(|error| broken(&error))? {
                Some(bytes) => {
                    decoder.feed(&bytes, &mut decoded);
                    false
                }
                None => {
                    decoder.end(&mut decoded);
                    true
                }
            };
            if let Some(Event::Error(_)) = decoded.last() {
                let Some(Event::Error(mut error)) = decoded.pop() else {
                    continue;
                };
                error.request_id = error.request_id.or_else(|| request_id.clone());
                if !decoded.is_empty() {
                    events.send(decoded).await.ok();
                }
                return Err(error);
            }
            let over = matches!(decoded.last(), Some(Event::Finished(_)));
            let listened = decoded.is_empty() || events.send(decoded).await.is_ok();
            if over || ended || !listened {
                return Ok(());
            }
        }
    }

    /// An answer that is not a success.
    async fn refused(&self, mut response: Response) -> ProviderError {
        let status = response.status();
        if status.is_redirection() {
            let to = header(&response, "location").unwrap_or_else(|| "another address".into());
            let message = format!("The server redirects to {to}: set base_url to where it really is.");
            return ProviderError {
                status: Some(status.as_u16()),
                ..ProviderError::new(ErrorClass::Configuration, message)
            };
        }
        let headers = response.headers().clone();
        let read = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut body = Vec::new();
        while body.len() < ERROR_BODY_BYTES {
            match timeout(self.limits.idle().min(Duration::from_secs(10)), response.chunk()).await {
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                _ => break,
            }
        }
        let told = AnswerHeaders {
            retry_after_ms: read("retry-after-ms"),
            retry_after: read("retry-after"),
            request_id: read("x-request-id").or_else(|| read("request-id")),
        };
        ProviderError::from_response(status.as_u16(), &told, &body)
    }

    /// The client for this kind of host. Building one reads certificates from disk, so it is done beside the runtime.
    async fn client(&self, local: bool) -> Result<Client, ProviderError> {
        let slot = if local { &self.local } else { &self.remote };
        if let Some(client) = slot.get() {
            return client.clone();
        }
        let connect = self.limits.connect();
        let built = tokio::task::spawn_blocking(move || build(local, connect))
            .await
            .unwrap_or_else(|error| Err(ProviderError::new(ErrorClass::Tls, error.to_string())));
        // A failure is not remembered: the certificates may be there the next time.
        if built.is_ok() {
            slot.set(built.clone()).ok();
        }
        built
    }
}

fn silence(waited: Duration) -> ProviderError {
    let seconds = waited.as_secs_f64();
    ProviderError::new(ErrorClass::Timeout, format!("no byte for {seconds} seconds"))
}

fn build(local: bool, connect: Duration) -> Result<Client, ProviderError> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let builder = Client::builder()
        .user_agent(concat!("gpt.nvim/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(connect)
        .tcp_nodelay(true);
    // Only http to this machine goes through the local client, so it needs no certificates; without this, building it
    // fails on a machine that has none.
    let builder = if local {
        builder.no_proxy().tls_danger_accept_invalid_certs(true)
    } else {
        builder
    };
    builder
        .build()
        .map_err(|error| ProviderError::new(ErrorClass::Tls, deepest(&error)))
}

/// A request, ready to be sent.
struct Call {
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
    decoder: Box<dyn Decoder>,
    /// Whether it goes to this machine, without TLS.
    local: bool,
}

impl Call {
    fn new(provider: &Provider, key: Option<&Secret>, request: &Request) -> Result<Self, ProviderError> {
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
        let local = url.scheme() == "http" && is_loopback(&url);
        let headers = headers(provider, key)?;
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
fn endpoint(provider: &Provider, path: &str) -> Result<Url, ProviderError> {
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

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn headers(provider: &Provider, key: Option<&Secret>) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| {
            ProviderError::new(ErrorClass::WrongKey, "the key holds characters that no header may have")
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    for (name, value) in [
        ("openai-organization", &provider.organization),
        ("openai-project", &provider.project),
    ] {
        if !value.is_empty() {
            let value = HeaderValue::from_str(value).map_err(|_| {
                ProviderError::new(ErrorClass::WrongOrganization, format!("{name} holds odd characters"))
            })?;
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(headers)
}

fn header(response: &Response, name: &str) -> Option<String> {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

/// A request that got no answer.
fn not_connected(error: reqwest::Error) -> ProviderError {
    let words = chain(&error);
    let class = if error.is_timeout() {
        ErrorClass::Timeout
    } else if words.contains("certificate") || words.contains("TLS") || words.contains("tls handshake") {
        ErrorClass::Tls
    } else {
        ErrorClass::Network
    };
    ProviderError::new(class, deepest(&error))
}

/// A body that broke off.
fn broken(error: &reqwest::Error) -> ProviderError {
    ProviderError::new(ErrorClass::BrokenStream, deepest(error))
}

/// An error and its causes, as one text.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The first cause of an error: what a person can act on.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
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
        let empty = headers(&provider(serde_json::json!({"organization": " "})), None).unwrap();
        assert!(!empty.contains_key("openai-organization"));
        let set = headers(
            &provider(serde_json::json!({"organization": "org-1", "project": "p-1"})),
            None,
        )
        .unwrap();
        assert_eq!(set.get("openai-organization").unwrap(), "org-1");
        assert_eq!(set.get("openai-project").unwrap(), "p-1");
    }
}
