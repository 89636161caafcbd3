//! Checks that the manual has a section on every class of errors.

use std::collections::HashSet;

use crate::guide::MANUAL;
use crate::provider::ErrorClass::{self, *};

/// The tag of the manual's section on a class of errors.
fn help_tag(class: ErrorClass) -> &'static str {
    match class {
        NoKey => "gpt-error-no-key",
        KeyUnavailable => "gpt-error-key-source",
        HeaderUnavailable => "gpt-headers",
        WrongKey => "gpt-error-wrong-key",
        Forbidden => "gpt-error-forbidden",
        WrongAddress => "gpt-error-address",
        WrongOrganization => "gpt-error-organization",
        Quota => "gpt-error-quota",
        RateLimit => "gpt-error-rate-limit",
        Overloaded | Server | Unclear => "gpt-error-overloaded",
        ModelNotFound => "gpt-error-model-not-found",
        ContextTooLong => "gpt-error-context-length",
        ContentFilter => "gpt-error-content-filter",
        Region => "gpt-error-region",
        RefusedParameter => "gpt-error-refused-parameter",
        BadRequest => "gpt-error-bad-request",
        Network => "gpt-error-no-connection",
        Tls => "gpt-error-tls",
        Proxy | Encoded => "gpt-error-page",
        ProxyRefused => "gpt-error-proxy",
        Timeout => "gpt-error-timeout",
        BrokenStream => "gpt-error-broken-stream",
        Configuration => "gpt-error-configuration",
    }
}

#[test]
fn every_class_of_error_has_its_section() {
    let words = MANUAL.split_whitespace();
    let tags: HashSet<&str> = words
        .filter_map(|word| word.strip_prefix('*')?.strip_suffix('*'))
        .collect();
    for class in [
        NoKey,
        KeyUnavailable,
        HeaderUnavailable,
        WrongKey,
        Forbidden,
        WrongAddress,
        WrongOrganization,
        Quota,
        RateLimit,
        Overloaded,
        Server,
        Unclear,
        ModelNotFound,
        ContextTooLong,
        ContentFilter,
        Region,
        RefusedParameter,
        BadRequest,
        Network,
        Tls,
        Proxy,
        Encoded,
        ProxyRefused,
        Timeout,
        BrokenStream,
        Configuration,
    ] {
        assert!(tags.contains(help_tag(class)), "{class:?}");
    }
}
