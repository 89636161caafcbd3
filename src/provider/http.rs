//! Carries a request to a provider and its answer back, over HTTP.
//!
//! Redirects are not followed: reqwest takes `Authorization` off at another host, but not other credentials. A body's end
//! on a `Connection: close` answer is silent, so whether an answer is whole is for its decoder to say.

mod call;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, redirect};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::NetworkConfig;
use crate::keys::redact::StreamRedactor;
use crate::keys::{Credentials, Redactor};
use crate::provider::error::{AnswerHeaders, word};
use crate::provider::models::{self, Listed};
use crate::provider::registry::Provider;
use crate::provider::{Citation, Decoder, ErrorClass, Event, FinishReason, ProviderError, Request, ToolCall};
use crate::words::{Text, text};
use call::Call;

/// The most of an error's body that is read, in bytes.
const ERROR_BODY_BYTES: usize = 64 * 1024;

/// The most of a list of models that is read, in bytes.
const LIST_BYTES: usize = 8 * 1024 * 1024;

/// Whom the events go to, without the live key in any text.
struct Listener<'a> {
    events: &'a mpsc::Sender<Vec<Event>>,
    text: StreamRedactor,
    reasoning: StreamRedactor,
    whole: Redactor,
}

impl<'a> Listener<'a> {
    fn new(credentials: &Credentials, events: &'a mpsc::Sender<Vec<Event>>) -> Self {
        let redactor = || StreamRedactor::new(credentials.redactor());
        Self {
            events,
            text: redactor(),
            reasoning: redactor(),
            whole: credentials.redactor(),
        }
    }

    /// Hands events on in one batch; returns the end, if it is among them. That nobody listens any more is one, too.
    async fn hear(&mut self, decoded: impl Iterator<Item = Event>) -> Option<Result<FinishReason, ProviderError>> {
        let mut batch = Vec::new();
        let mut end = None;
        for event in decoded {
            let redacted = match event {
                Event::Finished(reason) => {
                    end = Some(Ok(reason));
                    break;
                }
                Event::Error(error) => {
                    end = Some(Err(error));
                    break;
                }
                Event::Text(text) => Event::Text(self.text.push(&without_returns(&text))),
                Event::Refusal(text) => Event::Refusal(self.text.push(&without_returns(&text))),
                Event::Reasoning(text) => Event::Reasoning(self.reasoning.push(&without_returns(&text))),
                Event::ToolCall(call) => Event::ToolCall(ToolCall {
                    name: word(&self.whole.redact(&call.name)),
                    arguments: self.whole.redact(&call.arguments).into_owned(),
                    ..call
                }),
                Event::Citation(citation) => Event::Citation(Citation {
                    url: self.whole.redact(&citation.url).into_owned(),
                    title: self.whole.redact(&citation.title).into_owned(),
                }),
                other => other,
            };
            if !is_empty(&redacted) {
                batch.push(redacted);
            }
        }
        if !batch.is_empty() && self.events.send(batch).await.is_err() {
            return Some(Ok(FinishReason::Incomplete));
        }
        end
    }

    /// Hands on what was held back.
    async fn flush(&mut self) {
        let held = [
            Event::Reasoning(self.reasoning.finish()),
            Event::Text(self.text.finish()),
        ];
        let held: Vec<Event> = held.into_iter().filter(|event| !is_empty(event)).collect();
        if !held.is_empty() {
            self.events.send(held).await.ok();
        }
    }
}

/// The text without carriage returns, which are never shown: one within a key must not hide it from the redactor.
fn without_returns(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace('\r', ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_empty(event: &Event) -> bool {
    matches!(event, Event::Text(text) | Event::Refusal(text) | Event::Reasoning(text) if text.is_empty())
}

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
        credentials: &Credentials,
        request: &Request,
        events: &mpsc::Sender<Vec<Event>>,
    ) {
        if let Err(error) = self.try_ask(provider, credentials, request, events).await {
            let error = understood(error, credentials).redacted(&credentials.redactor());
            tracing::warn!(provider = %provider.name, class = ?error.class, status = ?error.status, code = ?error.code,
                request_id = ?error.request_id, message = %error.message, "a turn failed");
            events.send(vec![Event::Error(error)]).await.ok();
        }
    }

    async fn try_ask(
        &self,
        provider: &Provider,
        credentials: &Credentials,
        request: &Request,
        events: &mpsc::Sender<Vec<Event>>,
    ) -> Outcome {
        let call = Call::new(provider, credentials, request)?;
        let client = self.client(call.local).await?;
        let response = self
            .send(client.post(call.url).headers(call.headers).body(call.body))
            .await?;
        self.decode(response, call.decoder, credentials, events).await
    }

    /// The models that a provider lists (`GET /models`), all of them: also the check that a key works.
    ///
    /// # Errors
    /// What a turn would fail with.
    pub async fn models(&self, provider: &Provider, credentials: &Credentials) -> Result<Vec<Listed>, ProviderError> {
        let listed = self.try_models(provider, credentials).await;
        listed.map_err(|error| understood(error, credentials).redacted(&credentials.redactor()))
    }

    async fn try_models(&self, provider: &Provider, credentials: &Credentials) -> Result<Vec<Listed>, ProviderError> {
        let url = call::models(provider)?;
        let client = self.client(call::is_local(&url)).await?;
        let mut headers = call::headers(provider, credentials)?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut response = self.send(client.get(url).headers(headers)).await?;
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk(&mut response).await? {
            if body.len() + bytes.len() > LIST_BYTES {
                return Err(ProviderError::ours(ErrorClass::BrokenStream, text!("server.long_list")));
            }
            body.extend_from_slice(&bytes);
        }
        models::parse(&body).map_err(|_| ProviderError::from_response(200, &AnswerHeaders::default(), &body))
    }

    /// The next piece of a body; `None` at its end.
    async fn chunk(&self, response: &mut Response) -> Result<Option<impl Deref<Target = [u8]>>, ProviderError> {
        let chunk = timeout(self.limits.idle(), response.chunk())
            .await
            .map_err(|_| silence(self.limits.idle()))?;
        chunk.map_err(|error| broken(&error))
    }

    /// Sends a request; an answer that is not a success is an error.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ProviderError> {
        let limit = self.limits.connect() + self.limits.idle();
        let response = timeout(limit, request.send())
            .await
            .map_err(|_| silence(limit))?
            .map_err(not_connected)?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.refused(response).await)
        }
    }

    /// Reads the answer to its end; the terminal event comes after everything else.
    async fn decode(
        &self,
        response: Response,
        decoder: Box<dyn Decoder>,
        credentials: &Credentials,
        events: &mpsc::Sender<Vec<Event>>,
    ) -> Outcome {
        let request_id = header(&response, "x-request-id").or_else(|| header(&response, "request-id"));
        let mut listener = Listener::new(credentials, events);
        let end = self.read(response, decoder, &mut listener).await;
        listener.flush().await;
        match end {
            Ok(reason) => {
                events.send(vec![Event::Finished(reason)]).await.ok();
                Ok(())
            }
            Err(error) => {
                let request_id = error.request_id.clone().or(request_id);
                Err(ProviderError { request_id, ..error })
            }
        }
    }

    async fn read(
        &self,
        mut response: Response,
        mut decoder: Box<dyn Decoder>,
        listener: &mut Listener<'_>,
    ) -> Result<FinishReason, ProviderError> {
        let mut decoded = Vec::new();
        loop {
            let chunk = self.chunk(&mut response).await?;
            match &chunk {
                Some(bytes) => decoder.feed(bytes, &mut decoded),
                None => decoder.end(&mut decoded),
            }
            if let Some(end) = listener.hear(decoded.drain(..)).await {
                return end;
            }
            if chunk.is_none() {
                return Ok(FinishReason::Incomplete); // no decoder ends so
            }
        }
    }

    /// An answer that is not a success.
    async fn refused(&self, mut response: Response) -> ProviderError {
        let status = response.status();
        if status.is_redirection() {
            let place = header(&response, "location").map_or(text!("server.another_address"), Text::from);
            return ProviderError {
                status: Some(status.as_u16()),
                ..ProviderError::ours(ErrorClass::Configuration, text!("server.redirects", place = place))
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

/// What would go over the network for this request, as lines: secrets are `[redacted]`.
///
/// # Errors
/// Where nothing can be sent.
pub fn preview(
    provider: &Provider,
    credentials: &Credentials,
    request: &Request,
) -> Result<Vec<String>, ProviderError> {
    let call = Call::new(provider, credentials, request)?;
    let redactor = credentials.redactor();
    let mut lines = vec![format!("POST {}", redactor.redact(call.url.as_str()))];
    for (name, value) in &call.headers {
        let shown = value.to_str().unwrap_or_default();
        let shown = if value.is_sensitive() {
            "[redacted]".into()
        } else {
            redactor.redact(shown)
        };
        lines.push(format!("{name}: {shown}"));
    }
    lines.push(String::new());
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let body = format!("{body:#}");
    lines.extend(redactor.redact(&body).lines().map(str::to_owned));
    Ok(lines)
}

fn silence(waited: Duration) -> ProviderError {
    let seconds = waited.as_secs_f64().to_string();
    ProviderError::ours(ErrorClass::Timeout, text!("server.silence", seconds = seconds))
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

fn header(response: &Response, name: &str) -> Option<String> {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

/// A server that refuses a key where none was sent wants one.
fn understood(error: ProviderError, credentials: &Credentials) -> ProviderError {
    let class = match (error.class, &credentials.key) {
        (ErrorClass::WrongKey, None) => ErrorClass::NoKey,
        (class, _) => class,
    };
    ProviderError { class, ..error }
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
