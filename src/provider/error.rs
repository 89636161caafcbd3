//! What can go wrong with a turn, in one classification for all wires.

use std::time::Duration;

/// The kinds of failure that a user can tell apart, each with its own way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// No key is known for the provider.
    NoKey,
    /// The provider refuses the key.
    WrongKey,
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
    /// No connection: name not found, refused, reset before the answer began.
    Network,
    /// The connection is not trusted, or TLS cannot be set up.
    Tls,
    /// A proxy, or a page that is not the API, answered (HTML instead of JSON).
    Proxy,
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
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The provider's code, e.g. `insufficient_quota`.
    pub code: Option<String>,
    /// The parameter that the provider refuses.
    pub param: Option<String>,
    /// `x-request-id` or its like.
    pub request_id: Option<String>,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}
