//! Words for each class of error, for retries, and for what was left out.

use super::left_out::of_left_out;
use super::*;
use crate::chat::conversation::Outcome;
use crate::config::Config;
use crate::provider::catalogue::Facts;
use crate::provider::registry::Provider;
use crate::provider::registry::Registry;
use crate::provider::{ErrorClass, ProviderError};
use crate::words::Locale;

fn openai() -> Provider {
    let registry = Registry::new(&Config::default(), &|_| None);
    registry.target("openai").unwrap().provider
}

/// Every class of error: a new one does not compile without its place here.
pub fn classes() -> Vec<ErrorClass> {
    use ErrorClass::*;
    let next = |class| match class {
        NoKey => Some(KeyUnavailable),
        KeyUnavailable => Some(HeaderUnavailable),
        HeaderUnavailable => Some(WrongKey),
        WrongKey => Some(Forbidden),
        Forbidden => Some(WrongAddress),
        WrongAddress => Some(WrongOrganization),
        WrongOrganization => Some(Quota),
        Quota => Some(RateLimit),
        RateLimit => Some(Overloaded),
        Overloaded => Some(ModelNotFound),
        ModelNotFound => Some(ContextTooLong),
        ContextTooLong => Some(ContentFilter),
        ContentFilter => Some(Region),
        Region => Some(RefusedParameter),
        RefusedParameter => Some(BadRequest),
        BadRequest => Some(Server),
        Server => Some(Unclear),
        Unclear => Some(Network),
        Network => Some(Tls),
        Tls => Some(Proxy),
        Proxy => Some(Encoded),
        Encoded => Some(ProxyRefused),
        ProxyRefused => Some(Timeout),
        Timeout => Some(BrokenStream),
        BrokenStream => Some(Configuration),
        Configuration => None,
    };
    std::iter::successors(Some(NoKey), |class| next(*class)).collect()
}

#[test]
fn every_class_of_error_has_a_sentence_a_way_out_the_providers_words_and_the_requests_id() {
    let mut titles = Vec::new();
    for class in classes() {
        let error = ProviderError {
            status: Some(499),
            request_id: Some("req_1".into()),
            ..ProviderError::new(class, "In its own words.")
        };
        let notice = of_error(&error, &openai(), "m", Locale::English);
        assert!(notice.title.ends_with('.') && notice.advice.len() > 20, "{notice:?}");
        let words = notice.details.first().unwrap_or(&notice.title);
        assert!(
            words == "In its own words." || class == ErrorClass::Configuration,
            "{notice:?}"
        );
        assert_eq!(notice.details.last().unwrap(), "HTTP 499 · request req_1", "{class:?}");
        titles.push(notice.title);
    }
    let count = titles.len();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), count, "two classes share a sentence: {titles:?}");
}

#[test]
fn a_notice_says_how_often_it_was_tried() {
    let advice = |attempts| {
        let error = ProviderError {
            attempts,
            ..ProviderError::new(ErrorClass::Overloaded, "")
        };
        of_error(&error, &openai(), "m", Locale::English).advice
    };
    assert_eq!(advice(1), "Wait a little, then press gr.");
    assert_eq!(advice(3), "Tried 3 times. Wait a little, then press gr.");
}

#[test]
fn a_wait_is_told_with_its_reason_and_places_for_what_only_the_editor_knows() {
    let told = |class, status| {
        let error = ProviderError {
            status,
            ..ProviderError::new(class, "")
        };
        of_retry(&error, &openai(), Locale::English)
    };
    let end = " · asks again in {seconds} s · {key} stops";
    for (class, status, reason) in [
        (ErrorClass::RateLimit, Some(429), "OpenAI is busy (HTTP 429)"),
        (ErrorClass::Overloaded, Some(503), "OpenAI is busy (HTTP 503)"),
        (ErrorClass::Server, Some(500), "OpenAI failed (HTTP 500)"),
        (ErrorClass::Proxy, Some(502), "OpenAI failed (HTTP 502)"),
        (ErrorClass::Network, None, "No connection to api.openai.com"),
        (ErrorClass::ProxyRefused, None, "No connection through the proxy"),
        (ErrorClass::Timeout, None, "Nothing came from api.openai.com"),
    ] {
        assert_eq!(told(class, status), format!("{reason}{end}"));
    }
}

#[test]
fn of_a_model_that_is_not_found_since_it_ended_the_day_and_the_successor_are_told() {
    let told = |class, ends: &str, replacement: Option<&str>| {
        let outcome = Outcome::Failed(ProviderError::new(class, "No such model."));
        let facts = Facts {
            ends: Some(ends.into()),
            replacement: replacement.map(str::to_owned),
            ..Facts::default()
        };
        let notice = of_outcome(&outcome, &[], &openai(), "gpt-4", Locale::English).unwrap();
        naming_end(notice, &outcome, "gpt-4", &facts, "2026-11-22", Locale::English)
    };
    let ended = told(ErrorClass::ModelNotFound, "2026-10-23", Some("gpt-5.6-sol"));
    assert_eq!(ended.title, "gpt-4 ended on 2026-10-23.");
    assert_eq!(
        ended.advice,
        "Its successor is gpt-5.6-sol. Choose another one with :GPTModel."
    );
    assert_eq!(ended.details, ["No such model."]);
    let title = "OpenAI has no model gpt-4, or not for this key.";
    assert_eq!(told(ErrorClass::ModelNotFound, "2026-12-11", None).title, title);
    assert_eq!(told(ErrorClass::Server, "2026-10-23", None).title, "OpenAI failed.");
}

#[test]
fn what_was_left_out_is_told_beside_what_else_there_is_to_tell() {
    let fields = ["generationConfig.temperature".to_owned()];
    let left = of_left_out(&fields, &openai(), "m", Locale::English);
    let advice = "To leave it out for good: providers.openai.params = { generationConfig = { temperature = vim.NIL } }, \
                  or no chat.temperature.";
    assert_eq!(left.advice, advice);
    let stopped = of_outcome(
        &Outcome::Stopped { fallen: 0 },
        &fields,
        &openai(),
        "m",
        Locale::English,
    )
    .unwrap();
    assert_eq!(
        (stopped.title.as_str(), stopped.details),
        ("Stopped.", vec![left.title, left.advice])
    );
}

#[test]
fn retries_and_what_was_left_out_are_told_in_each_language() {
    let busy = ProviderError {
        status: Some(429),
        attempts: 3,
        ..ProviderError::new(ErrorClass::RateLimit, "")
    };
    for (locale, wait, tried, left) in [
        (
            Locale::Portuguese,
            "OpenAI está com muita demanda (HTTP 429) · nova tentativa em {seconds} s · {key} interrompe",
            "Foram feitas 3 tentativas. Aguarde um pouco e pressione gr.",
            "Para deixar de enviá-lo de vez: providers.openai.params = { top_p = vim.NIL }.",
        ),
        (
            Locale::Spanish,
            "OpenAI tiene mucha demanda (HTTP 429) · nuevo intento en {seconds} s · {key} lo detiene",
            "Se hicieron 3 intentos. Espera un poco y presiona gr.",
            "Para dejar de enviarlo del todo: providers.openai.params = { top_p = vim.NIL }.",
        ),
    ] {
        assert_eq!(of_retry(&busy, &openai(), locale), wait);
        assert_eq!(of_error(&busy, &openai(), "m", locale).advice, tried);
        assert_eq!(of_left_out(&["top_p".into()], &openai(), "m", locale).advice, left);
    }
}
