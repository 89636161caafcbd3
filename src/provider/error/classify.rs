//! From a provider's words to a class.
//!
//! Codes first, since they are exact; then phrases of messages, for the servers that send no code; then the status.

use super::ErrorClass::{self, *};
use super::said::Said;

/// Codes, types and states of OpenAI, Anthropic, Gemini, Azure, Groq and llama.cpp. The order of rows is the order of
/// precedence: quota stands before the rate limit since both come with status 429.
const CODES: &[(&str, ErrorClass)] = &[
    ("insufficient_quota", Quota),
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
    ("model_not_found", ModelNotFound),
    ("model_decommissioned", ModelNotFound),
    ("DeploymentNotFound", ModelNotFound),
    ("context_length_exceeded", ContextTooLong),
    ("exceed_context_size_error", ContextTooLong),
    ("request_too_large", ContextTooLong),
    ("content_filter", ContentFilter),
    ("content_policy_violation", ContentFilter),
    ("ResponsibleAIPolicyViolation", ContentFilter),
    ("slow_down", Overloaded),
    ("server_is_overloaded", Overloaded),
    ("overloaded_error", Overloaded),
    ("UNAVAILABLE", Overloaded),
    ("rate_limit_exceeded", RateLimit),
    ("rate_limit_error", RateLimit),
    ("RESOURCE_EXHAUSTED", RateLimit),
    ("unsupported_parameter", RefusedParameter),
    ("unsupported_value", RefusedParameter),
    ("unknown_parameter", RefusedParameter),
    ("timeout_error", Timeout),
];

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
    ("maximum context length", ContextTooLong),
    ("prompt is too long", ContextTooLong),
    ("context window", ContextTooLong),
    ("available context size", ContextTooLong),
    ("input token count", ContextTooLong),
    ("overloaded", Overloaded),
];

/// What a message says of a model that cannot be used. The word `model` must be in it too.
const MODEL_GONE: &[&str] = &[
    "not found",
    "does not exist",
    "deprecated",
    "decommissioned",
    "is not a valid",
];

/// The class of what was said with this status.
pub(super) fn classify(said: &Said, status: Option<u16>) -> ErrorClass {
    let message = said.message.to_lowercase();
    by_code(said)
        .or_else(|| (status == Some(402)).then_some(Quota))
        .or_else(|| by_phrase(&message))
        .or_else(|| by_model(said, &message, status))
        .or_else(|| by_param(said, status))
        .unwrap_or_else(|| by_status(said, &message, status))
}

fn by_code(said: &Said) -> Option<ErrorClass> {
    if said.state == "RESOURCE_EXHAUSTED" && said.quotas.iter().any(|quota| quota.contains("PerDay")) {
        return Some(Quota);
    }
    CODES
        .iter()
        .find(|(code, _)| said.words().any(|word| word == *code))
        .map(|(_, class)| *class)
}

fn by_phrase(message: &str) -> Option<ErrorClass> {
    PHRASES
        .iter()
        .find(|(phrase, _)| message.contains(phrase))
        .map(|(_, class)| *class)
}

fn by_model(said: &Said, message: &str, status: Option<u16>) -> Option<ErrorClass> {
    let named = message.contains("model") && status != Some(401);
    let gone = MODEL_GONE.iter().any(|phrase| message.contains(phrase));
    let typed = status == Some(404) && said.words().any(|word| matches!(word, "not_found_error" | "NOT_FOUND"));
    (named && (gone || typed)).then_some(ModelNotFound)
}

fn by_param(said: &Said, status: Option<u16>) -> Option<ErrorClass> {
    let param = said.param.as_deref()?;
    let is_content = matches!(param, "messages" | "input" | "prompt");
    (matches!(status, Some(400 | 422)) && !is_content).then_some(RefusedParameter)
}

fn by_status(said: &Said, message: &str, status: Option<u16>) -> ErrorClass {
    match status {
        Some(401) => WrongKey,
        Some(403) if message.contains("flagged") => ContentFilter,
        Some(403) => WrongKey,
        Some(408) => Timeout,
        Some(413) => ContextTooLong,
        Some(429) => RateLimit,
        Some(503 | 529) => Overloaded,
        Some(400..500) => BadRequest,
        None if said.kind == "invalid_request_error" => BadRequest,
        _ => Server,
    }
}
