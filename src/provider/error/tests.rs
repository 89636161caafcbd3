use serde_json::json;

use super::*;
use crate::words::{Locale, text};

fn from(status: u16, body: &str) -> ProviderError {
    ProviderError::from_response(status, &AnswerHeaders::default(), body.as_bytes())
}

fn coded(status: u16, code: &str) -> ProviderError {
    from(
        status,
        &json!({"error": {"message": "m", "type": "t", "param": null, "code": code}}).to_string(),
    )
}

#[test]
fn openais_codes_have_their_classes_and_retries() {
    for (status, code, class, retryable) in [
        (401, "invalid_api_key", ErrorClass::WrongKey, false),
        (401, "mismatched_organization", ErrorClass::WrongOrganization, false),
        (401, "invalid_organization", ErrorClass::WrongOrganization, false),
        (401, "no_organization", ErrorClass::WrongOrganization, false),
        (403, "unsupported_country_region_territory", ErrorClass::Region, false),
        (404, "model_not_found", ErrorClass::ModelNotFound, false),
        (400, "model_not_found", ErrorClass::ModelNotFound, false),
        (400, "context_length_exceeded", ErrorClass::ContextTooLong, false),
        (400, "unsupported_parameter", ErrorClass::RefusedParameter, false),
        (400, "unsupported_value", ErrorClass::RefusedParameter, false),
        (400, "content_filter", ErrorClass::ContentFilter, false),
        (429, "insufficient_quota", ErrorClass::Quota, false),
        (429, "credit_balance_exhausted", ErrorClass::Quota, false),
        (429, "organization_spend_limit_exceeded", ErrorClass::Quota, false),
        (429, "project_spend_limit_exceeded", ErrorClass::Quota, false),
        (429, "organization_usage_limit_exceeded", ErrorClass::Quota, false),
        (429, "rate_limit_exceeded", ErrorClass::RateLimit, true),
        (429, "slow_down", ErrorClass::Overloaded, true),
        (503, "server_is_overloaded", ErrorClass::Overloaded, true),
        (500, "server_error", ErrorClass::Server, true),
    ] {
        let error = coded(status, code);
        assert_eq!(
            (error.class, error.is_retryable()),
            (class, retryable),
            "{status} {code}"
        );
        assert_eq!((error.status, error.code.as_deref()), (Some(status), Some(code)));
    }
}

#[test]
fn the_type_says_quota_when_the_code_does_not() {
    let body = json!({"error": {"message": "m", "type": "insufficient_quota", "code": "something_new"}}).to_string();
    assert_eq!(from(429, &body).class, ErrorClass::Quota);
}

#[test]
fn a_status_without_words_has_a_class_too() {
    for (status, class, retryable) in [
        (400, ErrorClass::BadRequest, false),
        (401, ErrorClass::WrongKey, false),
        (402, ErrorClass::Quota, false),
        (403, ErrorClass::Forbidden, false),
        (404, ErrorClass::WrongAddress, false),
        (405, ErrorClass::WrongAddress, false),
        (408, ErrorClass::Timeout, true),
        (409, ErrorClass::BadRequest, true),
        (413, ErrorClass::ContextTooLong, false),
        (429, ErrorClass::RateLimit, true),
        (500, ErrorClass::Server, true),
        (502, ErrorClass::Server, true),
        (503, ErrorClass::Overloaded, true),
        (504, ErrorClass::Server, true),
        (529, ErrorClass::Overloaded, true),
    ] {
        for body in ["", "{}", "null", "[]", "{\"error\":null}", "oops"] {
            let error = from(status, body);
            assert_eq!(
                (error.class, error.is_retryable()),
                (class, retryable),
                "{status} {body:?}"
            );
        }
    }
}

#[test]
fn the_outer_key_may_be_missing_and_the_code_be_a_number_or_null() {
    let flat = from(403, r#"{"message":"m","code":"unsupported_country_region_territory"}"#);
    assert_eq!((flat.class, flat.message.as_str()), (ErrorClass::Region, "m"));
    let number = from(429, r#"{"error":{"message":"m","code":429}}"#);
    assert_eq!(
        (number.class, number.code.as_deref()),
        (ErrorClass::RateLimit, Some("429"))
    );
    let digits = from(429, r#"{"error":{"message":"m","code":"429"}}"#);
    assert_eq!(
        (digits.class, digits.code.as_deref()),
        (ErrorClass::RateLimit, Some("429"))
    );
    let null = from(
        400,
        r#"{"error":{"message":"m","type":"invalid_request_error","param":"top_k","code":null}}"#,
    );
    assert_eq!(
        (null.class, null.param.as_deref()),
        (ErrorClass::RefusedParameter, Some("top_k"))
    );
}

#[test]
fn in_mid_stream_a_numeric_code_is_the_status() {
    let error = ProviderError::from_value(&json!({"code": 402, "message": "m"}), None);
    assert_eq!((error.class, error.status), (ErrorClass::Quota, Some(402)));
    let error = ProviderError::from_value(&json!({"error": {"code": 503, "message": "m"}}), Some(200));
    assert_eq!((error.class, error.status), (ErrorClass::Overloaded, Some(200)));
    let error = ProviderError::from_value(&json!("overflow"), None);
    assert_eq!((error.class, error.message.as_str()), (ErrorClass::Unclear, "overflow"));
}

#[test]
fn geminis_errors_come_in_an_array_with_details() {
    let error = from(
        400,
        r#"[{"error":{"code":400,"message":"m","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
    );
    assert_eq!(
        (error.class, error.code.as_deref()),
        (ErrorClass::WrongKey, Some("API_KEY_INVALID"))
    );
    let wait = json!({"error": {"code": 429, "message": "exceeded your current quota", "status": "RESOURCE_EXHAUSTED",
        "details": [{"violations": [{"quotaId": "PerMinute"}]}, {"retryDelay": "34.4s"}]}});
    let error = from(429, &wait.to_string());
    assert_eq!(
        (error.class, error.retry_after),
        (ErrorClass::RateLimit, Some(Duration::from_millis(34_400)))
    );
    let day = wait
        .to_string()
        .replace("PerMinute", "GenerateRequestsPerDayPerProject");
    assert_eq!(from(429, &day).class, ErrorClass::Quota);
    let region = r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#;
    assert_eq!(from(400, region).class, ErrorClass::Region);
}

#[test]
fn anthropics_errors_have_a_type_and_a_request_id() {
    let body = |kind: &str, message: &str| {
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).to_string()
    };
    let error = from(529, &body("overloaded_error", "Overloaded"));
    assert_eq!(
        (error.class, error.code.as_deref()),
        (ErrorClass::Overloaded, Some("overloaded_error"))
    );
    assert_eq!(
        (error.request_id.as_deref(), error.is_retryable()),
        (Some("req_1"), true)
    );
    for (status, kind, message, class) in [
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the API.",
            ErrorClass::Quota,
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 200001 tokens > 200000 maximum",
            ErrorClass::ContextTooLong,
        ),
        (401, "authentication_error", "invalid x-api-key", ErrorClass::WrongKey),
        (404, "not_found_error", "model: claude-x", ErrorClass::ModelNotFound),
        (413, "request_too_large", "m", ErrorClass::ContextTooLong),
        (429, "rate_limit_error", "m", ErrorClass::RateLimit),
        (500, "api_error", "m", ErrorClass::Server),
    ] {
        assert_eq!(from(status, &body(kind, message)).class, class, "{kind}: {message}");
    }
}

#[test]
fn ollamas_error_is_a_bare_string() {
    let error = from(404, r#"{"error":"model \"x\" not found, try pulling it first"}"#);
    assert_eq!(error.class, ErrorClass::ModelNotFound);
    assert_eq!(error.message, "model \"x\" not found, try pulling it first");
}

#[test]
fn a_routers_message_carries_the_words_behind_it() {
    let error = from(
        429,
        r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"slow"}}}"#,
    );
    assert_eq!(error.message, "Provider returned error\nslow");
}

#[test]
fn detail_is_a_message_too() {
    assert_eq!(from(404, r#"{"detail":"Not Found"}"#).message, "Not Found");
    assert_eq!(
        from(422, r#"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#).message,
        "Field required"
    );
}

#[test]
fn a_web_page_is_a_proxys_and_retried_by_its_status() {
    let page = "\u{feff}\n<html><head><title>502 Bad Gateway</title></head>";
    for (status, retryable) in [(502, true), (500, true), (504, true), (429, true), (403, false)] {
        let error = from(status, page);
        assert_eq!(
            (error.class, error.message.as_str()),
            (ErrorClass::Proxy, "502 Bad Gateway")
        );
        assert_eq!((error.status, error.is_retryable()), (Some(status), retryable));
    }
}

#[test]
fn the_headers_tell_the_wait_and_the_requests_id() {
    let headers = AnswerHeaders {
        retry_after: Some("7"),
        request_id: Some("req_9"),
        ..AnswerHeaders::default()
    };
    let body = br#"{"error":{"message":"Please try again in 18.642s.","code":"rate_limit_exceeded"}}"#;
    let error = ProviderError::from_response(429, &headers, body);
    assert_eq!(
        (error.retry_after, error.request_id.as_deref()),
        (Some(Duration::from_secs(7)), Some("req_9"))
    );
    let error = ProviderError::from_response(429, &AnswerHeaders::default(), body);
    assert_eq!(error.retry_after, Some(Duration::from_millis(18_642)));
}

#[test]
fn a_wait_over_two_minutes_is_not_sat_out() {
    let headers = |wait| AnswerHeaders {
        retry_after: Some(wait),
        ..AnswerHeaders::default()
    };
    assert!(ProviderError::from_response(429, &headers("120"), b"").is_retryable());
    assert!(!ProviderError::from_response(429, &headers("121"), b"").is_retryable());
}

#[test]
fn a_request_that_is_too_large_is_not_sent_again() {
    let error = from(
        429,
        r#"{"error":{"message":"Request too large for gpt-4o","type":"tokens","code":"rate_limit_exceeded"}}"#,
    );
    assert_eq!((error.class, error.is_retryable()), (ErrorClass::RateLimit, false));
}

#[test]
fn no_message_holds_a_key() {
    let quoted = "Incorrect API key provided: sk-5f6ce*****acdb.";
    let body = json!({"error": {"message": quoted, "code": "invalid_api_key"}}).to_string();
    let expected = "Incorrect API key provided: [redacted].";
    assert_eq!(from(401, &body).message, expected);
    assert_eq!(from(401, quoted).message, expected);
    assert_eq!(from(401, "<p>sk-5f6ceabcdef").message, "[redacted]");
    let long = format!("{} sk-5f6ceabcdefghijk", "x".repeat(1_990));
    assert!(!from(400, &long).message.contains("sk-"));
}

#[test]
fn the_live_keys_are_taken_out_on_demand() {
    let secret = crate::keys::Secret::new("a-key-without-a-prefix".into()).unwrap();
    let error = from(
        400,
        r#"{"error":{"message":"bad a-key-without-a-prefix","param":"a-key-without-a-prefix"}}"#,
    );
    let error = error.redacted(&Redactor::new(vec![secret]));
    assert_eq!(
        (error.message.as_str(), error.param.as_deref()),
        ("bad [redacted]", Some("[redacted]"))
    );
}

#[test]
fn a_message_is_bounded_and_has_no_control_characters() {
    assert_eq!(from(500, &"é".repeat(9_000)).message.chars().count(), LONGEST_MESSAGE);
    assert_eq!(from(500, "a\u{1b}[31mb\r\nc").message, "a[31mb\nc");
}

#[test]
fn what_a_provider_names_is_short_and_on_one_line() {
    let long = format!("a\nb\u{0} sk-abcdefgh {}", "x".repeat(1_000));
    let error = ProviderError {
        code: Some(long.clone()),
        param: Some(long.clone()),
        request_id: Some(long),
        ..ProviderError::new(ErrorClass::BadRequest, "")
    };
    let error = error.redacted(&Redactor::default());
    for text in [error.code, error.param, error.request_id].into_iter().flatten() {
        assert!(text.starts_with("ab [redacted] xx"), "{text}");
        assert_eq!(text.chars().count(), 200);
    }
}

#[test]
fn our_own_words_are_redacted_in_every_language() {
    let key = crate::keys::Secret::new("my-gateways-key-1234".into()).unwrap();
    let url = "https://my-gateways-key-1234@x y";
    let text = text!("provider.no_url", name = "work", url = url, reason = "odd");
    let error = ProviderError::ours(ErrorClass::Configuration, text).redacted(&Redactor::new(vec![key]));
    for words in [
        error.message.clone(),
        error.words().to_string(),
        error.words().said(Locale::Portuguese),
    ] {
        assert!(words.contains("work") && !words.contains("1234"), "{words}");
    }
}

#[test]
fn what_other_servers_call_too_long_busy_or_gone_has_its_class() {
    for (status, message, class, retryable) in [
        (
            400,
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            ErrorClass::ContextTooLong,
            false,
        ),
        (
            400,
            "The number of tokens to keep from the initial prompt is greater than the context length.",
            ErrorClass::ContextTooLong,
            false,
        ),
        (
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 and 100",
            ErrorClass::ContextTooLong,
            false,
        ),
        (498, "Flex tier capacity exceeded", ErrorClass::Overloaded, true),
        (
            500,
            "m1 is currently over capacity. Back off.",
            ErrorClass::Overloaded,
            true,
        ),
        (
            404,
            "No endpoints found matching your data policy.",
            ErrorClass::ModelNotFound,
            false,
        ),
        (
            410,
            "The model m1 has been shut down. Use m2.",
            ErrorClass::ModelNotFound,
            false,
        ),
        (
            403,
            "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
            ErrorClass::ContentFilter,
            false,
        ),
    ] {
        let error = from(status, &json!({"error": {"message": message}}).to_string());
        assert_eq!((error.class, error.is_retryable()), (class, retryable), "{message}");
    }
    let busy = json!({"error": "server busy, please try again. maximum pending requests exceeded"});
    let error = ProviderError::from_value(&busy, None);
    assert_eq!((error.class, error.is_retryable()), (ErrorClass::Overloaded, true));
}
