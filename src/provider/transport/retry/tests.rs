use std::collections::VecDeque;

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::provider::ErrorClass;
use crate::provider::error::AnswerHeaders;

/// An answer with this status and code, and these headers: `retry-after-ms`, `retry-after`, `x-should-retry`.
fn answered(status: u16, code: &str, headers: [Option<&str>; 3]) -> ProviderError {
    let [retry_after_ms, retry_after, should_retry] = headers;
    let headers = AnswerHeaders {
        retry_after_ms,
        retry_after,
        should_retry,
        request_id: None,
    };
    let body = json!({"error": {"message": "m", "code": code}}).to_string();
    ProviderError::from_response(status, &headers, body.as_bytes())
}

fn plain(status: u16) -> ProviderError {
    answered(status, "", [None; 3])
}

fn wait(failure: &ProviderError) -> Option<Duration> {
    delay(1, failure, 0.0)
}

#[test]
fn connections_time_outs_and_busy_servers_are_tried_again() {
    for class in [ErrorClass::Network, ErrorClass::Timeout] {
        assert!(wait(&ProviderError::new(class, "")).is_some(), "{class:?}");
    }
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        assert!(wait(&plain(status)).is_some(), "{status}");
    }
}

#[test]
fn what_asking_again_does_not_mend_is_asked_once() {
    for status in [400, 401, 403, 404, 407, 413, 422] {
        assert_eq!(wait(&plain(status)), None, "{status}");
    }
    for class in [ErrorClass::Tls, ErrorClass::Configuration, ErrorClass::NoKey] {
        assert_eq!(wait(&ProviderError::new(class, "")), None, "{class:?}");
    }
    let quota = answered(429, "insufficient_quota", [Some("5"), None, Some("true")]);
    assert_eq!(wait(&quota), None);
    let large = ProviderError::new(ErrorClass::RateLimit, "Request too large for m");
    assert_eq!(wait(&large), None);
}

#[test]
fn the_server_says_itself_whether_it_wants_to_be_asked_again() {
    assert_eq!(wait(&answered(503, "", [None, None, Some("false")])), None);
    assert!(wait(&answered(400, "", [None, None, Some("true")])).is_some());
    assert!(wait(&answered(503, "", [None, None, Some("maybe")])).is_some());
}

#[test]
fn the_server_names_the_wait_up_to_two_minutes() {
    let named = |ms, after| wait(&answered(429, "", [ms, after, None]));
    assert_eq!(named(Some("1500"), Some("7")), Some(Duration::from_millis(1500)));
    assert_eq!(named(None, Some("7")), Some(Duration::from_secs(7)));
    assert_eq!(named(None, Some("120")), Some(Duration::from_secs(120)));
    assert_eq!(named(None, Some("121")), None);
    assert_eq!(named(Some("120001"), None), None);
    assert_eq!(named(Some("0"), None), Some(FIRST_WAIT));
}

#[test]
fn without_a_named_wait_it_doubles_up_to_eight_seconds_less_a_quarter_by_chance() {
    let failure = plain(503);
    let milliseconds = |attempt, chance| backoff(attempt, chance).as_millis();
    assert_eq!(delay(2, &failure, 0.0), Some(Duration::from_secs(1)));
    let waits: Vec<u128> = [1, 2, 3, 4, 5, 6, 99].map(|attempt| milliseconds(attempt, 0.0)).into();
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    assert_eq!((milliseconds(1, 1.0), milliseconds(9, 1.0)), (375, 6000));
    assert!((0..1000).all(|_| (0.0..=1.0).contains(&chance())));
}

#[test]
fn an_answer_that_has_begun_is_not_asked_for_again() {
    let begun = ProviderError {
        begun: true,
        ..plain(503)
    };
    assert_eq!(wait(&begun), None);
}

/// Runs attempts with these outcomes; yields the result, the attempts made, the waits told and the time taken.
async fn run(outcomes: Vec<Result<(), ProviderError>>) -> (Result<(), ProviderError>, usize, Vec<Retrying>, Duration) {
    let count = outcomes.len();
    let mut left: VecDeque<_> = outcomes.into();
    let mut told = Vec::new();
    let begun = Instant::now();
    let outcome = persist(
        || std::future::ready(left.pop_front().unwrap_or(Ok(()))),
        |retrying| {
            told.push(retrying);
            std::future::ready(())
        },
    )
    .await;
    (outcome, count - left.len(), told, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_request_is_sent_again_after_the_wait_that_is_told() {
    let busy = answered(429, "", [None, Some("7"), None]);
    let (outcome, sent, told, took) = run(vec![Err(busy.clone()), Ok(())]).await;
    assert_eq!((outcome, sent), (Ok(()), 2));
    let expected = Retrying {
        wait: Duration::from_secs(7),
        attempt: 2,
        error: busy,
    };
    assert_eq!(told, [expected]);
    assert_eq!(took.as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn after_three_attempts_the_last_failure_is_told_with_their_number() {
    let failures = vec![Err(plain(503)), Err(plain(500)), Err(plain(502)), Ok(())];
    let (outcome, sent, told, took) = run(failures).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.status, error.attempts, sent), (Some(502), 3, 3));
    let attempts: Vec<u8> = told.iter().map(|retrying| retrying.attempt).collect();
    assert_eq!(attempts, [2, 3]);
    assert!((1125..=1600).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_for_good_ends_the_attempts() {
    let (outcome, sent, told, took) = run(vec![Err(plain(401)), Ok(())]).await;
    assert_eq!((outcome.unwrap_err().attempts, sent), (1, 1));
    assert_eq!((told.len(), took), (0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_wait_ends_the_attempts() {
    let mut sent = 0;
    let asking = persist(
        || {
            sent += 1;
            std::future::ready(Err(plain(503)))
        },
        |_| std::future::ready(()),
    );
    let ended = tokio::time::timeout(Duration::from_millis(100), asking).await;
    assert!(ended.is_err());
    assert_eq!(sent, 1);
}
