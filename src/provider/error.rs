//! The classes of errors of a turn, one classification for all wires.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::keys::KeyError;
use crate::keys::redact::{Redactor, redact};
use crate::words::Text;

mod classify;
mod page;
mod reason;
mod said;
pub(crate) mod shape;
mod sse_body;
mod wait;
mod xml;

#[cfg(test)]
mod manual_tests;
#[cfg(test)]
mod tests;

use said::Said;

/// The kinds of failure that a user can tell apart, each with its own way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// No key is known for the provider.
    NoKey,
    /// A key that is configured or stored cannot be read: the command or the keyring failed.
    KeyUnavailable,
    /// A header that is configured has no value: its variable is not set, or its command failed.
    HeaderUnavailable,
    /// The provider refuses the key.
    WrongKey,
    /// The key is known and does not open this: a plan, a right, a model's terms.
    Forbidden,
    /// The key does not belong to the organization or project named, or those do not exist.
    WrongOrganization,
    /// The account's credit or limit is used up. Never retried.
    Quota,
    /// Too many requests or tokens in a time; the wait may be known.
    RateLimit,
    /// The provider has too much to do.
    Overloaded,
    /// The model does not exist, has ended, or is closed to this account.
    ModelNotFound,
    /// There is nothing at the address that was asked (`ProviderError::asked`): the base URL or the wire is wrong.
    WrongAddress,
    /// The conversation is longer than the model's window.
    ContextTooLong,
    /// The provider's filter refused the request.
    ContentFilter,
    /// The provider does not serve this country.
    Region,
    /// The provider refuses a parameter of the request (named in `ProviderError::param`).
    RefusedParameter,
    /// The request is refused for another reason (4xx).
    BadRequest,
    /// The provider failed (5xx).
    Server,
    /// The provider says in mid-stream that something failed, in no words that we know.
    Unclear,
    /// No connection: name not found, refused, reset before the answer began.
    Network,
    /// The connection is not trusted, or TLS cannot be set up.
    Tls,
    /// A proxy, or a page that is not the API, answered (HTML instead of JSON).
    Proxy,
    /// The answer is compressed, and was not asked for so.
    Encoded,
    /// The proxy that the configuration or the environment names refuses, or is not reached.
    ProxyRefused,
    /// Nothing came in time.
    Timeout,
    /// The stream broke: reset in mid-answer, or a chunk that cannot be read.
    BrokenStream,
    /// Something in our own configuration, e.g. a base URL that is no URL, or http where TLS is required.
    Configuration,
}

/// A failed turn. Holds no key: whoever builds one has passed the provider's words through the redactor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class:?}: {message}")]
pub struct ProviderError {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// The provider's (or the library's) own words, on one or more lines; may be empty.
    pub message: String,
    /// The same as the message, where the words are ours, for whoever reads another language.
    pub own: Option<Box<Text>>,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The URL that was asked, without secrets, where it may be wrong.
    pub asked: Option<String>,
    /// The provider's code, e.g. `insufficient_quota`.
    pub code: Option<String>,
    /// The parameter that the provider refuses.
    pub param: Option<String>,
    /// `x-request-id` or its like.
    pub request_id: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the provider wants to be asked again, if it says so.
    pub should_retry: Option<bool>,
    /// How often the request was sent.
    pub attempts: u8,
    /// Whether a byte of the answer had come: then it is not asked again, since it would be answered twice.
    pub begun: bool,
}

/// The longest wait that is sat out; when a provider asks for more, the turn has failed. As OpenAI's own client does.
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 2_000;

/// The most of a body that stands for a reason, in characters.
const LONGEST_BODY: usize = 300;

/// The longest name or code that is kept, in characters.
const LONGEST_WORD: usize = 200;

/// The most of a provider's words that is looked through, in bytes.
const LONGEST_LOOKED_AT: usize = 64 * 1024;

/// The headers of a failed answer that tell something.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnswerHeaders<'a> {
    /// `retry-after-ms`: milliseconds.
    pub retry_after_ms: Option<&'a str>,
    /// `retry-after`: seconds or a date ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)).
    pub retry_after: Option<&'a str>,
    /// `x-should-retry`: `true` or `false`.
    pub should_retry: Option<&'a str>,
    /// `x-request-id` or its like.
    pub request_id: Option<&'a str>,
}

impl ProviderError {
    /// An error of which nothing is known but what happened.
    #[must_use]
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            own: None,
            status: None,
            asked: None,
            code: None,
            param: None,
            request_id: None,
            retry_after: None,
            should_retry: None,
            attempts: 1,
            begun: false,
        }
    }

    /// An error of our own making, in our own words.
    #[must_use]
    pub fn ours(class: ErrorClass, text: Text) -> Self {
        Self {
            own: Some(Box::new(text.clone())),
            ..Self::new(class, text.to_string())
        }
    }

    /// What happened: in our words, else in the provider's or the library's.
    #[must_use]
    pub fn words(&self) -> Text {
        match &self.own {
            Some(own) => Text::clone(own),
            None => self.message.as_str().into(),
        }
    }

    /// An answer whose status is not a success.
    #[must_use]
    pub fn from_response(status: u16, headers: &AnswerHeaders<'_>, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        let data = sse_body::data(text);
        let text = data.as_deref().unwrap_or(text);
        let mut error = if text.starts_with('<') {
            Self::page(Some(status), body)
        } else if let Ok(value) = serde_json::from_str::<Value>(text) {
            Self::from_value(&value, Some(status))
        } else {
            Self::from_text(text, Some(status))
        };
        let wait = wait::from_headers(headers, SystemTime::now());
        error.retry_after = wait.or(error.retry_after).or_else(|| wait::from_message(text));
        error.request_id = headers.request_id.map(str::to_owned).or(error.request_id);
        error.should_retry = headers.should_retry.and_then(|told| told.trim().parse().ok());
        if status == 407 {
            error.class = ErrorClass::ProxyRefused; // only a proxy says so: RFC 9110, 15.5.8
        }
        error
    }

    /// An error as a provider writes it in JSON, in the body of an answer or in mid-stream: with or without the outer
    /// `error` key, in an array (Gemini), as a bare string (Ollama). Where no reason is found in it, its beginning stands
    /// for one.
    #[must_use]
    pub fn from_value(value: &Value, status: Option<u16>) -> Self {
        let said = Said::read(value);
        let known = status.filter(|status| !(200..300).contains(status)).or(said.status());
        Self {
            class: classify::classify(&said, known),
            status: status.or(known),
            asked: None,
            retry_after: said.retry_after().or_else(|| wait::from_message(&said.message)),
            code: said.best_code(),
            message: clean(&with_rest(&said.message, value)),
            own: None,
            param: said.param,
            request_id: said.request_id,
            should_retry: None,
            attempts: 1,
            begun: false,
        }
    }

    /// An error in plain text, in the body of an answer or in mid-stream; JSON, XML and a web page in it are read.
    #[must_use]
    pub fn from_text(text: &str, status: Option<u16>) -> Self {
        let text = text.trim();
        if let Some(value) = reason::json(text).or_else(|| xml::value(text)) {
            return Self::from_value(&value, status);
        }
        let said = Said {
            message: reason::of(&Value::from(text)),
            ..Said::default()
        };
        Self {
            status,
            retry_after: wait::from_message(&said.message),
            ..Self::new(classify::classify(&said, status), clean(&said.message))
        }
    }

    /// A web page where the API's answer should be, or an error in XML.
    pub(crate) fn page(status: Option<u16>, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        if let Some(value) = xml::value(&text) {
            return Self::from_value(&value, status);
        }
        let message = clean(&page::words(&text));
        let class = match status {
            Some(404 | 405) => ErrorClass::WrongAddress,
            Some(413) => ErrorClass::ContextTooLong,
            _ => ErrorClass::Proxy,
        };
        Self {
            status,
            ..Self::new(class, message)
        }
    }

    /// Whether asking again may help. That the answer has not begun yet is for the caller to know.
    ///
    /// As OpenAI's own client does: what the provider says itself, else connection failures, time-outs, 408, 409, 429 and
    /// 5xx; but never when the account is used up, when the request alone is over the limit, or when the wait is longer
    /// than [`LONGEST_WAIT`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let hopeless = self.class == ErrorClass::Quota || self.is_too_large();
        if hopeless || self.retry_after.is_some_and(|wait| wait > LONGEST_WAIT) {
            return false;
        }
        if let Some(told) = self.should_retry {
            return told;
        }
        match self.class {
            ErrorClass::Network
            | ErrorClass::Timeout
            | ErrorClass::RateLimit
            | ErrorClass::Overloaded
            | ErrorClass::Server => true,
            ErrorClass::ProxyRefused => self.status.is_none(),
            ErrorClass::Proxy | ErrorClass::BadRequest | ErrorClass::Unclear => self
                .status
                .is_some_and(|status| matches!(status, 408 | 409 | 429 | 500..)),
            _ => false,
        }
    }

    /// Whether the request alone is over the rate limit: waiting does not help.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.class == ErrorClass::RateLimit && self.message.to_ascii_lowercase().starts_with("request too large")
    }

    /// The same error without the secrets that `redactor` knows.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let clean = |text: String| word(&redactor.redact(&text));
        // It may have been cut in the middle of a key.
        self.message = redactor.redact_cut(&self.message);
        self.own = self
            .own
            .map(|own| Box::new(own.change_plain(&|plain| redactor.redact_cut(plain))));
        self.asked = self.asked.map(|asked| redactor.redact(&asked).into_owned());
        self.code = self.code.map(clean);
        self.param = self.param.map(clean);
        self.request_id = self.request_id.map(clean);
        self
    }
}

impl From<KeyError> for ProviderError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Missing => Self::new(ErrorClass::NoKey, ""),
            KeyError::Unusable { .. } => Self::ours(ErrorClass::WrongKey, error.text()),
            KeyError::Header(_) => Self::ours(ErrorClass::HeaderUnavailable, error.text()),
            KeyError::Command(_) | KeyError::Keyring(_) => Self::ours(ErrorClass::KeyUnavailable, error.text()),
        }
    }
}

/// A reason with the beginning of the body that it stands in, where that says more: if there is no reason, or only a word
/// or two.
fn with_rest(told: &str, value: &Value) -> String {
    let is_enough = told.split_whitespace().nth(2).is_some();
    if is_enough || !reason::is_more_in(value, told) {
        return told.to_owned();
    }
    // Redacted before it is cut, lest half a key be left over.
    let body: String = clean(&value.to_string()).chars().take(LONGEST_BODY).collect();
    format!("{told}\n{body}").trim().to_owned()
}

/// A provider's words, fit to be shown: redacted, without control characters, of bounded length.
pub(crate) fn clean(text: &str) -> String {
    // Redacted before it is cut to what is shown, lest the start of a key be left over.
    let text = text.trim();
    let whole = redact(beginning(text, LONGEST_LOOKED_AT));
    whole
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .take(LONGEST_MESSAGE)
        .collect()
}

/// A name or a code in a provider's words, fit to stand in a sentence: as [`clean`], short, and on one line.
pub(crate) fn word(text: &str) -> String {
    clean(text).chars().filter(|c| *c != '\n').take(LONGEST_WORD).collect()
}

/// The first bytes of a text, to the border of a character.
fn beginning(text: &str, length: usize) -> &str {
    if text.len() <= length {
        return text;
    }
    let whole = (0..=length).rev().find(|&end| text.is_char_boundary(end));
    text.get(..whole.unwrap_or_default()).unwrap_or_default()
}
