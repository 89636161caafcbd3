//! Writes the notice about a provider's error: what happened, what to do, and below it the provider's own words.

use std::time::Duration;

use super::{Level, Notice, address, key_advice};
use crate::chat::conversation::Outcome;
use crate::provider::catalogue::{Facts, has_ended};
use crate::provider::registry::Provider;
use crate::provider::{ErrorClass, ProviderError};
use crate::terms::fit;
use crate::words::{Locale, Text, say, text};

/// What is to be said about a failed turn.
pub fn of_error(error: &ProviderError, provider: &Provider, model: &str, locale: Locale) -> Notice {
    let (title, advice) = sentences(error, provider, model);
    let advice = match error.attempts {
        0 | 1 => advice,
        times => text!("error.tried", count = u64::from(times), advice = advice),
    };
    let (title, advice) = (title.said(locale), advice.said(locale));
    Notice {
        level: Level::Error,
        details: details(error, locale)
            .into_iter()
            .filter(|line| *line != title)
            .collect(),
        title,
        advice,
    }
}

/// What is said while a failed request waits to be sent again, with places for the seconds left and the stop key.
pub fn of_retry(error: &ProviderError, provider: &Provider, locale: Locale) -> String {
    let (label, host) = (&provider.label, provider.host());
    let status = error
        .status
        .map(|status| format!(" (HTTP {status})"))
        .unwrap_or_default();
    let what = match error.class {
        ErrorClass::RateLimit | ErrorClass::Overloaded => text!("retry.busy", provider = label, status = status),
        ErrorClass::Network => text!("retry.network", host = host),
        ErrorClass::ProxyRefused => text!("retry.proxy"),
        ErrorClass::Timeout => text!("retry.timeout", host = host),
        _ => text!("retry.failed", provider = label, status = status),
    };
    let told = text!("retry.countdown", what = what, seconds = "{seconds}", key = "{key}");
    fit(&told.said(locale))
}

/// Says of a model that was not found because it has ended, when that was and what comes after it.
pub fn naming_end(
    notice: Notice,
    outcome: &Outcome,
    model: &str,
    facts: &Facts,
    today: &str,
    locale: Locale,
) -> Notice {
    let is_missing = matches!(outcome, Outcome::Failed(error) if error.class == ErrorClass::ModelNotFound);
    let Some(ends) = facts
        .ends
        .as_deref()
        .filter(|ends| is_missing && has_ended(Some(ends), today))
    else {
        return notice;
    };
    Notice {
        title: say!(locale, "model.ended", model = model, day = ends),
        advice: match (&facts.replacement, &facts.nearest) {
            (Some(other), _) => say!(locale, "error.successor", successor = other),
            (None, Some(near)) => say!(locale, "error.nearest", nearest = near),
            (None, None) => say!(locale, "error.choose_model"),
        },
        ..notice
    }
}

/// What is to be said about a key that its provider did not accept when it was entered.
pub fn of_failed_check(error: &ProviderError, provider: &Provider, locale: Locale) -> Notice {
    let title = match error.class {
        ErrorClass::NoKey | ErrorClass::WrongKey => text!("error.wrong_key", provider = &provider.label),
        _ => sentences(error, provider, "").0,
    };
    Notice {
        level: Level::Warning,
        title: title.said(locale),
        advice: String::new(),
        details: details(error, locale),
    }
}

/// What happened, and what to do about it.
fn sentences(error: &ProviderError, provider: &Provider, model: &str) -> (Text, Text) {
    let label = provider.label.as_str();
    let host = provider.host();
    match error.class {
        ErrorClass::NoKey => (text!("error.no_key", provider = label), key_advice::no_key(provider)),
        ErrorClass::KeyUnavailable => (
            text!("error.key_unavailable", provider = label),
            text!("error.key_unavailable_advice"),
        ),
        ErrorClass::HeaderUnavailable => (
            text!("error.header_unavailable", provider = label),
            text!("error.header_unavailable_advice", name = &provider.name),
        ),
        ErrorClass::WrongKey => (
            text!("error.wrong_key", provider = label),
            key_advice::new_key(provider),
        ),
        ErrorClass::Forbidden => (
            text!("error.forbidden", provider = label),
            match provider.keys_page {
                Some(page) => text!("error.forbidden_page", page = page),
                None => text!("error.forbidden_advice"),
            },
        ),
        ErrorClass::WrongAddress => (
            match &error.asked {
                Some(url) => text!("error.wrong_address", url = url),
                None => text!("error.wrong_address", url = host),
            },
            address::advice(provider),
        ),
        ErrorClass::WrongOrganization => (
            text!("error.wrong_organization", provider = label),
            key_advice::wrong_organization(provider),
        ),
        ErrorClass::Quota => (text!("error.quota"), billing(provider)),
        ErrorClass::RateLimit if error.is_too_large() => {
            (text!("error.too_large", provider = label), text!("error.shorten"))
        }
        ErrorClass::RateLimit => (
            text!("error.rate_limit", provider = label),
            match error.retry_after {
                Some(wait) => text!("error.wait", time = spoken(wait)),
                None => text!("error.wait_a_little"),
            },
        ),
        ErrorClass::Overloaded => (
            text!("error.overloaded", provider = label),
            text!("error.wait_a_little"),
        ),
        ErrorClass::ModelNotFound => (
            text!("error.model_not_found", provider = label, model = model),
            text!("error.choose_model"),
        ),
        ErrorClass::ContextTooLong => (text!("error.context_too_long", model = model), text!("error.shorten")),
        ErrorClass::ContentFilter => (
            text!("error.content_filter", provider = label),
            text!("error.content_filter_advice"),
        ),
        ErrorClass::Region => (text!("error.region", provider = label), text!("error.region_advice")),
        ErrorClass::RefusedParameter => (
            text!(
                "error.refused_parameter",
                provider = label,
                parameter = error.param.as_deref().map_or(text!("error.a_parameter"), Text::from),
                model = model,
            ),
            text!("error.refused_parameter_advice", name = &provider.name),
        ),
        ErrorClass::BadRequest => (
            text!("error.bad_request", provider = label),
            match gives_reason(error) {
                false => text!("error.bad_request_unsaid"),
                true => text!("error.bad_request_advice"),
            },
        ),
        ErrorClass::Unclear => (
            text!("error.unclear", provider = label),
            match gives_reason(error) {
                false => text!("error.unclear_unsaid"),
                true => text!("error.unclear_advice"),
            },
        ),
        ErrorClass::Server => (text!("error.server", provider = label), text!("error.server_advice")),
        ErrorClass::Network => {
            let advice = match is_here(&host) {
                true => text!("error.network_here"),
                false => text!("error.network_there"),
            };
            (text!("error.network", host = host), advice)
        }
        ErrorClass::Tls => (text!("error.tls", host = &host), certificate(error, &host)),
        ErrorClass::Proxy => (text!("error.proxy", host = host), text!("error.proxy_advice")),
        ErrorClass::ProxyRefused => (text!("error.proxy_refused", host = host), proxy(error)),
        ErrorClass::Timeout => (text!("error.timeout", host = host), text!("error.timeout_advice")),
        ErrorClass::BrokenStream => (
            text!("error.broken_stream"),
            match error.begun {
                true => text!("view.kept"),
                false => text!("turn.ask_again"),
            },
        ),
        ErrorClass::Encoded => (text!("error.encoded", host = host), text!("error.encoded_advice")),
        ErrorClass::Configuration => (error.words(), text!("error.configuration_advice")),
    }
}

/// Whether the provider has said why: what we say of it ourselves is no reason.
fn gives_reason(error: &ProviderError) -> bool {
    !error.message.is_empty() && error.own.is_none()
}

/// Whether a host, perhaps with a port, is this machine.
fn is_here(host: &str) -> bool {
    ["localhost", "127.", "[::1]"].iter().any(|here| host.starts_with(here))
}

/// What to do about a certificate: one that does not name its host, or is of an old form, is to be made anew.
fn certificate(error: &ProviderError, host: &str) -> Text {
    let is_to_be_made = [
        "not valid for name",
        "not valid for any names",
        "UnsupportedCertVersion",
    ]
    .iter()
    .any(|words| error.message.contains(words));
    if !is_to_be_made {
        return text!("error.tls_advice");
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_matches(['[', ']']);
    let kind = match bare.parse::<std::net::IpAddr>() {
        Ok(_) => "IP",
        Err(_) => "DNS",
    };
    text!("error.tls_name", name = format!("subjectAltName={kind}:{bare}"))
}

/// What to do about a proxy.
fn proxy(error: &ProviderError) -> Text {
    match error.status {
        Some(407) => text!("error.proxy_login"),
        _ => text!("error.proxy_check"),
    }
}

/// Where to look about money.
fn billing(provider: &Provider) -> Text {
    match provider.billing_page {
        Some(page) => text!("error.billing", page = page),
        None => text!("error.billing_somewhere", provider = &provider.label),
    }
}

/// A wait as people say it: `19 seconds`, `2 minutes`.
fn spoken(wait: Duration) -> Text {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0 | 1 => text!("time.second"),
        2..=119 => text!("time.seconds", count = seconds),
        _ => text!("time.minutes", count = seconds.div_ceil(60)),
    }
}

/// The provider's own words, then a line with status, code and request id: nothing in it that stands in the words.
fn details(error: &ProviderError, locale: Locale) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if error.class != ErrorClass::Configuration {
        let words = error.words().said(locale);
        let words = words.lines().map(str::trim_end);
        lines.extend(words.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let status = error.status.map(|status| status.to_string());
    if let Some(status) = &status {
        // A line that the one below says again.
        let is_status = |line: &String| {
            let line = line.trim_end_matches(['.', ':']);
            line == status || line.strip_prefix("HTTP").is_some_and(|rest| rest.trim() == status)
        };
        lines.retain(|line| !is_status(line));
    }
    let code = error
        .code
        .clone()
        .filter(|code| Some(code) != status.as_ref() && !lines.contains(code));
    let request = error
        .request_id
        .as_ref()
        .filter(|id| !lines.iter().any(|line| line.contains(id.as_str())));
    let facts: Vec<String> = [
        status.map(|status| format!("HTTP {status}")),
        code,
        request.map(|id| say!(locale, "error.request_id", id = id)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !facts.is_empty() {
        lines.push(facts.join(" · "));
    }
    lines
}
