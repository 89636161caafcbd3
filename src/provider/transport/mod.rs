//! Carries a request to a provider and its answer back, over HTTP.
//!
//! Redirects are not followed: reqwest takes `Authorization` off at another host, but not other credentials. A body's end
//! on a `Connection: close` answer is silent, so whether an answer is whole is for its decoder to say.

mod address;
mod call;
mod client;
mod failed;
mod listener;
mod pinned;
mod preview;
mod refused_fields;
pub mod retry;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::retry::{Retrying, persist};
use crate::config::NetworkConfig;
use crate::keys::Credentials;
use crate::provider::catalogue::models::{self, Listed};
use crate::provider::error::AnswerHeaders;
use crate::provider::registry::Provider;
use crate::provider::{Decoder, ErrorClass, Event, FinishReason, ProviderError, Request};
use crate::words::text;
use call::Call;
use client::Clients;
use failed::{broken, not_connected, silence};
use listener::Listener;

/// The most of a list of models that is read, in bytes.
const LIST_BYTES: usize = 8 * 1024 * 1024;

/// What failed, or `()` when the terminal event has been sent.
type Outcome = Result<(), ProviderError>;

/// Who is asked, as whom, what, and who hears the answer.
#[derive(Clone, Copy)]
struct Asking<'a> {
    provider: &'a Provider,
    credentials: &'a Credentials,
    request: &'a Request,
    events: &'a mpsc::Sender<Vec<Event>>,
}

impl Asking<'_> {
    async fn tell(self, event: Event) {
        self.events.send(vec![event]).await.ok();
    }

    /// The error as it may be told.
    fn clean(self, error: ProviderError) -> ProviderError {
        understood(error, self.credentials).redacted(&self.credentials.redactor())
    }
}

/// Asks providers over HTTP.
#[derive(Debug)]
pub struct Http {
    limits: NetworkConfig,
    clients: Clients,
    /// The fields that a server refused in this session, by provider and model: they are not sent again.
    refused: Mutex<BTreeMap<(String, String), Vec<String>>>,
}

impl Http {
    /// A client with these limits.
    pub fn new(limits: NetworkConfig) -> Self {
        Self {
            clients: Clients::new(limits.clone()),
            limits,
            refused: Mutex::default(),
        }
    }

    /// Asks a provider, and hands its answer on as it comes. Ends with the terminal event; dropping the future closes
    /// the connection, or ends the wait for the next attempt.
    pub async fn ask(
        &self,
        provider: &Provider,
        credentials: &Credentials,
        request: &Request,
        events: &mpsc::Sender<Vec<Event>>,
    ) {
        let asking = Asking {
            provider,
            credentials,
            request,
            events,
        };
        if let Err(error) = self.ask_without_refused(asking).await {
            let error = asking.clean(error);
            tracing::warn!(provider = %provider.name, class = ?error.class, status = ?error.status, code = ?error.code,
                attempts = error.attempts, request_id = ?error.request_id, message = %error.message, "a turn failed");
            asking.tell(Event::Error(error)).await;
        }
    }

    /// Asks; when the server refuses parameters that can be left out, asks once more without them.
    async fn ask_without_refused(&self, asking: Asking<'_>) -> Outcome {
        let known = self.known_refused(asking);
        let error = match self.persist(asking, &known).await {
            Err(error) if refused_fields::is_refusal(&error) && !error.begun => error,
            outcome => return outcome,
        };
        let fields = refused_fields::fields(&error, &call::body(asking.provider, asking.request, &known));
        if fields.is_empty() {
            return Err(error);
        }
        tracing::info!(provider = %asking.provider.name, ?fields, "refused: asking without");
        let all = [known, fields.clone()].concat();
        self.remember_refused(asking, &all);
        asking.tell(Event::LeftOut(fields)).await;
        self.persist(asking, &all).await
    }

    fn known_refused(&self, asking: Asking<'_>) -> Vec<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(&target(asking)).cloned().unwrap_or_default()
    }

    fn remember_refused(&self, asking: Asking<'_>, fields: &[String]) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(target(asking), fields.to_vec());
    }

    /// Asks, again where that may help.
    async fn persist(&self, asking: Asking<'_>, left_out: &[String]) -> Outcome {
        let tell = |retrying: Retrying| {
            let error = asking.clean(retrying.error);
            tracing::info!(provider = %asking.provider.name, class = ?error.class, status = ?error.status,
                attempt = retrying.attempt, wait = ?retrying.wait, request_id = ?error.request_id, "asking again");
            asking.tell(Event::Retrying(Retrying { error, ..retrying }))
        };
        persist(|| self.try_ask(asking, left_out), tell).await
    }

    async fn try_ask(&self, asking: Asking<'_>, left_out: &[String]) -> Outcome {
        let call = Call::new(asking.provider, asking.credentials, asking.request, left_out)?;
        let client = self.clients.to(&call.url).await?;
        let request = client.post(call.url.clone()).headers(call.headers).body(call.body);
        let response = self
            .send(request, &call.url)
            .await
            .map_err(|error| asked(error, &call.url))?;
        let decoded = self.decode(response, call.decoder, asking).await;
        decoded.map_err(|error| asked(error, &call.url))
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
        let client = self.clients.to(&url).await?;
        let mut headers = call::headers(provider, credentials)?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = client.get(url.clone()).headers(headers);
        let mut response = self.send(request, &url).await.map_err(|error| asked(error, &url))?;
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
    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, ProviderError> {
        let limit = self.limits.connect() + self.limits.idle();
        let response = timeout(limit, request.send())
            .await
            .map_err(|_| silence(limit))?
            .map_err(|error| not_connected(&error, self.clients.between(url).as_deref()))?;
        match failed::encoding(&response) {
            Some(encoding) => Err(failed::encoded(&response, &encoding)),
            None if response.status().is_success() => Ok(response),
            None => Err(failed::refused(response, self.limits.idle()).await),
        }
    }

    /// Reads the answer to its end; the terminal event comes after everything else.
    async fn decode(&self, response: Response, decoder: Box<dyn Decoder>, asking: Asking<'_>) -> Outcome {
        let request_id = header(&response, "x-request-id").or_else(|| header(&response, "request-id"));
        let mut listener = Listener::new(asking.credentials, asking.events);
        let end = self.read(response, decoder, &mut listener).await;
        listener.flush().await;
        match end {
            Ok(reason) => {
                asking.tell(Event::Finished(reason)).await;
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
        let mut begun = false;
        loop {
            let chunk = self.chunk(&mut response).await;
            let chunk = chunk.map_err(|error| ended(error, begun, listener.has_heard()))?;
            begun = true;
            match &chunk {
                Some(bytes) => decoder.feed(bytes, &mut decoded),
                None => decoder.end(&mut decoded),
            }
            if let Some(end) = listener.hear(decoded.drain(..)).await {
                // Of an answer that has said nothing yet nothing would be said twice.
                let begun = listener.has_heard();
                return end.map_err(|error| ProviderError { begun, ..error });
            }
            if chunk.is_none() {
                return Ok(FinishReason::Incomplete); // no decoder ends so
            }
        }
    }
}

/// An error that may be due to the address says which one was asked.
fn asked(error: ProviderError, url: &Url) -> ProviderError {
    let asked = (error.class == ErrorClass::WrongAddress).then(|| call::shown(url));
    ProviderError { asked, ..error }
}

/// Whose answers are meant.
fn target(asking: Asking<'_>) -> (String, String) {
    (asking.provider.name.clone(), asking.request.model.clone())
}

/// A body that cannot be read further. Of one that broke off before its first byte there is nothing to keep: it is as if
/// the connection had failed; of one that has said nothing yet, neither.
fn ended(error: ProviderError, begun: bool, heard: bool) -> ProviderError {
    let (class, begun) = match error.class {
        ErrorClass::BrokenStream if !begun => (ErrorClass::Network, false),
        ErrorClass::BrokenStream => (ErrorClass::BrokenStream, heard),
        class => (class, begun),
    };
    ProviderError { class, begun, ..error }
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
