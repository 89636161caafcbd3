//! From a provider's words to a class.
//!
//! Codes first, since they are exact; then phrases of messages, for the servers that send no code; then the status.

use super::ErrorClass::{self, *};
use super::said::Said;

/// Codes, types and states of OpenAI, Anthropic, Gemini, Azure, Groq, vLLM, AWS and llama.cpp. The order of rows is the
/// order of precedence: quota stands before the rate limit since both come with status 429. They are compared without
/// regard to case and to what stands between their words: `RateLimitError` is `rate_limit_error`.
const CODES: &[(&str, ErrorClass)] = &[
    ("insufficient_quota", Quota),
    ("quota_exceeded", Quota),
    ("insufficient_balance", Quota),
    ("insufficient_credits", Quota),
    ("payment_required", Quota),
    ("credit_balance_exhausted", Quota),
    ("organization_spend_limit_exceeded", Quota),
    ("project_spend_limit_exceeded", Quota),
    ("organization_usage_limit_exceeded", Quota),
    ("billing_hard_limit_reached", Quota),
    ("billing_not_active", Quota),
    ("billing_error", Quota),
    ("mismatched_organization", WrongOrganization),
    ("invalid_organization", WrongOrganization),
    ("no_organization", WrongOrganization),
    ("mismatched_project", WrongOrganization),
    ("invalid_project", WrongOrganization),
    ("unsupported_country_region_territory", Region),
    ("invalid_api_key", WrongKey),
    ("API_KEY_INVALID", WrongKey),
    ("authentication_error", WrongKey),
    ("UNAUTHENTICATED", WrongKey),
    ("unauthorized", WrongKey),
    ("UnrecognizedClientException", WrongKey),
    ("model_not_found", ModelNotFound),
    ("model_decommissioned", ModelNotFound),
    ("model_not_available", ModelNotFound),
    ("DeploymentNotFound", ModelNotFound),
    // In XML: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
    // https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
    ("InvalidAccessKeyId", WrongKey),
    ("SignatureDoesNotMatch", WrongKey),
    ("ExpiredToken", WrongKey),
    ("AuthenticationFailed", WrongKey),
    ("InvalidAuthenticationInfo", WrongKey),
    ("permission_error", Forbidden),
    ("PERMISSION_DENIED", Forbidden),
    ("permission_denied_error", Forbidden),
    ("insufficient_permissions", Forbidden),
    ("AccessDeniedException", Forbidden),
    ("access_denied", Forbidden),
    ("forbidden", Forbidden),
    ("context_length_exceeded", ContextTooLong),
    ("exceed_context_size_error", ContextTooLong),
    ("request_too_large", ContextTooLong),
    ("content_filter", ContentFilter),
    ("content_policy_violation", ContentFilter),
    ("ResponsibleAIPolicyViolation", ContentFilter),
    ("slow_down", Overloaded),
    ("server_is_overloaded", Overloaded),
    ("overloaded_error", Overloaded),
    ("overloaded", Overloaded),
    ("ServerBusy", Overloaded),
    ("UNAVAILABLE", Overloaded),
    ("service_unavailable", Overloaded),
    ("service_unavailable_error", Overloaded),
    ("engine_overloaded_error", Overloaded),
    ("ServiceUnavailableException", Overloaded),
    ("rate_limit_exceeded", RateLimit),
    ("rate_limit_error", RateLimit),
    ("rate_limit_reached_error", RateLimit),
    ("rate_limited", RateLimit),
    ("too_many_requests", RateLimit),
    ("RESOURCE_EXHAUSTED", RateLimit),
    ("ThrottlingException", RateLimit),
    ("Throttling", RateLimit),
    ("unsupported_parameter", RefusedParameter),
    ("unsupported_value", RefusedParameter),
    ("unknown_parameter", RefusedParameter),
    ("timeout_error", Timeout),
    ("DEADLINE_EXCEEDED", Timeout),
];

/// Words that say only whose fault it is: they count after everything else that is known.
const FAULTS: &[(&str, ErrorClass)] = &[
    ("invalid_request_error", BadRequest),
    ("invalid_request", BadRequest),
    ("bad_request", BadRequest),
    ("bad_request_error", BadRequest),
    ("INVALID_ARGUMENT", BadRequest),
    ("FAILED_PRECONDITION", BadRequest),
    ("OUT_OF_RANGE", BadRequest),
    ("ValidationException", BadRequest),
    ("validation_error", BadRequest),
    ("value_error", BadRequest),
    ("server_error", Server),
    ("api_error", Server),
    ("INTERNAL", Server),
    ("internal_error", Server),
    ("internal_server_error", Server),
    ("ServiceError", Server),
    ("UNKNOWN", Server),
];

/// What names a thing that is not there, the model most often.
const MISSING: &[&str] = &["notfounderror", "notfound", "resourcenotfoundexception"];

/// Phrases of messages, in lower case.
const PHRASES: &[(&str, ErrorClass)] = &[
    ("credit balance is too low", Quota),
    ("insufficient balance", Quota),
    ("insufficient credits", Quota),
    ("incorrect api key", WrongKey),
    ("invalid api key", WrongKey),
    ("api key not valid", WrongKey),
    ("no such organization", WrongOrganization),
    ("location is not supported", Region),
    ("not available in your country", Region),
    ("not available in your region", Region),
    ("country, region, or territory", Region),
    ("unexpected endpoint", WrongAddress),
    ("unknown request url", WrongAddress),
    ("invalid url (", WrongAddress),
    ("no route matched", WrongAddress),
    ("method not allowed", WrongAddress),
    ("404 page not found", WrongAddress),
    // "maximum context length", "longer than the model's context length", "context length of only 4096 tokens".
    ("context length", ContextTooLong),
    ("max_new_tokens` must be <=", ContextTooLong),
    ("prompt is too long", ContextTooLong),
    ("context window", ContextTooLong),
    ("available context size", ContextTooLong),
    ("input token count", ContextTooLong),
    ("entity too large", ContextTooLong),
    ("payload too large", ContextTooLong),
    ("overloaded", Overloaded),
    ("over capacity", Overloaded),
    ("capacity exceeded", Overloaded),
    ("capacity temporarily exceeded", Overloaded),
    ("server busy", Overloaded),
    ("too many requests", RateLimit),
    // OpenRouter: of all who offer the model none may be asked so.
    ("no endpoints found", ModelNotFound),
];

/// What a message says of a model that cannot be used. The word `model` must be in it too.
const MODEL_GONE: &[&str] = &[
    "not found",
    "does not exist",
    "deprecated",
    "decommissioned",
    "is not a valid",
    "not have access to",
    "no access to",
    "no such model",
    "unknown model",
    "been shut down",
    "been retired",
    "no longer available",
    "no longer supported",
];

/// The class of what was said with this status.
pub(super) fn classify(said: &Said, status: Option<u16>) -> ErrorClass {
    let message = said.message.to_lowercase();
    by_code(said, &message)
        .or_else(|| (status == Some(402)).then_some(Quota))
        .or_else(|| by_phrase(&message))
        .or_else(|| by_model(said, &message, status))
        .or_else(|| by_param(said, status))
        .unwrap_or_else(|| by_status(said, &message, status))
}

fn by_code(said: &Said, message: &str) -> Option<ErrorClass> {
    let is_exhausted = said.words().any(|word| word == "RESOURCE_EXHAUSTED");
    if is_exhausted && (said.quotas.iter().any(|quota| quota.contains("PerDay")) || allows_nothing(message)) {
        return Some(Quota);
    }
    in_table(CODES, said)
}

fn in_table(table: &[(&str, ErrorClass)], said: &Said) -> Option<ErrorClass> {
    let words: Vec<String> = said.words().map(bare).collect();
    table
        .iter()
        .find(|(code, _)| words.contains(&bare(code)))
        .map(|(_, class)| *class)
}

/// A word's letters and digits.
fn bare(word: &str) -> String {
    let kept = word.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// Gemini's way to say that a plan has no free use of a model: `limit: 0`.
fn allows_nothing(message: &str) -> bool {
    let rest = message.split("limit: 0").skip(1);
    rest.into_iter()
        .any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') || rest.starts_with(". "))
}

fn by_phrase(message: &str) -> Option<ErrorClass> {
    PHRASES
        .iter()
        .find(|(phrase, _)| message.contains(phrase))
        .map(|(_, class)| *class)
}

fn by_model(said: &Said, message: &str, status: Option<u16>) -> Option<ErrorClass> {
    let named = message.contains("model") && status != Some(401);
    // A field may be deprecated for a model that is not.
    let message = &message.replace("deprecated for this model", "");
    let gone = MODEL_GONE.iter().any(|phrase| message.contains(phrase));
    let is_missing = said.words().any(|word| MISSING.contains(&bare(word).as_str()));
    // In mid-stream the address has been right: what is missing then is the model.
    let typed = is_missing && matches!(status, Some(404) | None);
    ((named && (gone || typed)) || (typed && status.is_none())).then_some(ModelNotFound)
}

fn by_param(said: &Said, status: Option<u16>) -> Option<ErrorClass> {
    let param = said.param.as_deref()?;
    let top = param.split(['.', '[']).next().unwrap_or(param);
    let is_content = matches!(top, "messages" | "input" | "prompt" | "contents");
    (matches!(status, Some(400 | 422)) && !is_content).then_some(RefusedParameter)
}

fn by_status(said: &Said, message: &str, status: Option<u16>) -> ErrorClass {
    match status {
        Some(401) if is_about_rights(message) => Forbidden,
        Some(401) => WrongKey,
        Some(403) if is_about_content(message) => ContentFilter,
        Some(403) if is_about_the_key(message) => WrongKey,
        Some(403) => Forbidden,
        Some(404 | 405) => WrongAddress,
        Some(408) => Timeout,
        Some(413) => ContextTooLong,
        Some(429) => RateLimit,
        Some(503 | 529) => Overloaded,
        Some(400..500) => BadRequest,
        Some(_) => Server,
        None => in_table(FAULTS, said).unwrap_or(Unclear),
    }
}

/// Whether a refusal is about the key itself: it is not known, or there is none.
fn is_about_the_key(message: &str) -> bool {
    let names_key = [
        "api key",
        "api-key",
        "api_key",
        "apikey",
        "access token",
        "bearer",
        "credential",
    ]
    .iter()
    .any(|word| message.contains(word));
    let is_bad = [
        "invalid",
        "incorrect",
        "expired",
        "missing",
        "revoked",
        "unregistered",
        "not valid",
        "leaked",
        "no ",
    ]
    .iter()
    .any(|word| message.contains(word));
    (names_key && is_bad) || matches!(message.trim_end_matches('.'), "unauthorized" | "not authenticated")
}

/// Whether a refusal is about what was asked: OpenRouter's, xAI's.
fn is_about_content(message: &str) -> bool {
    ["flagged", "usage guidelines", "safety_check", "content policy"]
        .iter()
        .any(|words| message.contains(words))
}

/// Whether a key is known, and is not allowed to do this.
fn is_about_rights(message: &str) -> bool {
    [
        "insufficient permission",
        "missing scope",
        "not have permission",
        "not allowed to",
    ]
    .iter()
    .any(|words| message.contains(words))
}
