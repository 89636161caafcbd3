//! Classifies the HTTP client's failures: TLS, proxy, time limit, no connection.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::Response;
use tokio::time::timeout;

use super::header;
use crate::provider::error::{AnswerHeaders, word};
use crate::provider::{ErrorClass, ProviderError};
use crate::words::{Text, text};

/// The most of an error's body that is read, in bytes.
const BODY_BYTES: usize = 64 * 1024;

/// The longest pause within an error's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// An answer that is not a success.
pub async fn refused(mut response: Response, idle: Duration) -> ProviderError {
    let status = response.status();
    if status.is_redirection() {
        return redirected(&response);
    }
    let headers = response.headers().clone();
    let read = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut body = Vec::new();
    while body.len() < BODY_BYTES {
        match timeout(idle.min(BODY_PAUSE), response.chunk()).await {
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            _ => break,
        }
    }
    let told = AnswerHeaders {
        retry_after_ms: read("retry-after-ms"),
        retry_after: read("retry-after"),
        should_retry: read("x-should-retry"),
        request_id: read("x-request-id").or_else(|| read("request-id")),
    };
    ProviderError::from_response(status.as_u16(), &told, &body)
}

/// The encoding of a body that was asked for as it is
/// ([RFC 9110, 8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4)).
pub fn encoding(response: &Response) -> Option<String> {
    let named = header(response, "content-encoding")?.trim().to_ascii_lowercase();
    (!matches!(named.as_str(), "" | "identity")).then(|| word(&named))
}

/// A body that cannot be read for its encoding; of an error at least the status is known.
pub fn encoded(response: &Response, encoding: &str) -> ProviderError {
    let told = text!("server.encoded", encoding = encoding);
    let status = response.status();
    if status.is_success() {
        return ProviderError::ours(ErrorClass::Encoded, told);
    }
    let headers = response.headers();
    let read = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let known = AnswerHeaders {
        retry_after_ms: read("retry-after-ms"),
        retry_after: read("retry-after"),
        should_retry: read("x-should-retry"),
        request_id: read("x-request-id").or_else(|| read("request-id")),
    };
    ProviderError {
        message: told.to_string(),
        own: Some(Box::new(told)),
        ..ProviderError::from_response(status.as_u16(), &known, b"")
    }
}

fn redirected(response: &Response) -> ProviderError {
    let place = header(response, "location").map_or(text!("server.another_address"), Text::from);
    ProviderError {
        status: Some(response.status().as_u16()),
        ..ProviderError::ours(ErrorClass::Configuration, text!("server.redirects", place = place))
    }
}

/// A request that got no answer; `proxy` stands between, if any.
pub fn not_connected(error: &reqwest::Error, proxy: Option<&str>) -> ProviderError {
    let words = deepest(error);
    if let Some(distrust) = distrust(error) {
        return ProviderError::new(ErrorClass::Tls, distrust);
    }
    if error.is_timeout() {
        return ProviderError::new(ErrorClass::Timeout, words);
    }
    match proxy.filter(|_| error.is_connect()) {
        Some(proxy) => ProviderError {
            status: words.contains("proxy authorization required").then_some(407),
            ..ProviderError::new(ErrorClass::ProxyRefused, format!("{proxy}: {words}"))
        },
        None => ProviderError::new(ErrorClass::Network, words),
    }
}

/// A body that broke off, or that cannot be unpacked.
pub fn broken(error: &reqwest::Error) -> ProviderError {
    if let Some(reason) = damaged(error) {
        return ProviderError::ours(
            ErrorClass::Encoded,
            text!("server.broken_encoding", reason = word(&reason)),
        );
    }
    ProviderError::new(ErrorClass::BrokenStream, deepest(error))
}

/// Nothing came for so long.
pub fn silence(waited: Duration) -> ProviderError {
    let seconds = waited.as_secs_f64().to_string();
    ProviderError::ours(ErrorClass::Timeout, text!("server.silence", seconds = seconds))
}

/// The first cause of an error: what a person can act on.
pub fn deepest(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// What the unpacking of gzip has to say, if it is that which failed: it gives errors of input and output, and below those of
/// the connection stands what `reqwest` and `hyper` call them.
fn damaged(error: &(dyn Error + 'static)) -> Option<String> {
    let words = deepest(error);
    let lower = words.to_ascii_lowercase();
    let is_ours = ["gzip", "deflate", "decompress", "crc ", "does not match"]
        .iter()
        .any(|word| lower.contains(word));
    is_ours.then_some(words)
}

/// What TLS has to say, if it is TLS that failed.
fn distrust(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error)
        .find_map(|cause| cause.downcast_ref::<rustls::Error>())
        .map(ToString::to_string)
}

/// An error and its causes, the first cause last. An [`io::Error`] passes over the error that it is made of.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        let made_of = this.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = made_of.map(|inner| inner as &(dyn Error + 'static)).or(this.source());
        Some(this)
    })
}
