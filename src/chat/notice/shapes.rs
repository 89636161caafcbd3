//! Errors of every shape, as a body and in mid-stream, on every wire: what the user reads of them.

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::provider::error::AnswerHeaders;
use crate::provider::registry::{Provider, Registry};
use crate::provider::wire::anthropic::AnthropicDecoder;
use crate::provider::wire::gemini::GeminiDecoder;
use crate::provider::wire::ollama::OllamaDecoder;
use crate::provider::wire::openai_chat::ChatDecoder;
use crate::provider::wire::openai_responses::ResponsesDecoder;
use crate::provider::{Decoder, ErrorClass, Event, FinishReason, ProviderError};
use crate::words::Locale;

/// Marsaglia's xorshift: the same sequence for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % n
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

fn provider() -> Provider {
    let config = json!({"providers": {"work": {"base_url": "https://llm.test/v1"}}});
    let config: Config = serde_json::from_value(config).unwrap();
    Registry::new(&config, &|_| None).provider("work").unwrap().clone()
}

fn told(error: &ProviderError) -> String {
    let notice = of_error(error, &provider(), "m", Locale::English);
    format!("{}\n{}\n{}", notice.title, notice.advice, notice.details.join("\n"))
}

/// The wires that stream events, by name, each with the beginning of an answer.
fn wires() -> Vec<(&'static str, Box<dyn Decoder>, &'static str)> {
    vec![
        (
            "chat",
            Box::new(ChatDecoder::new()),
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n",
        ),
        (
            "responses",
            Box::new(ResponsesDecoder::new()),
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"half\"}\n\n",
        ),
        (
            "anthropic",
            Box::new(AnthropicDecoder::new()),
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"half\"}}\n\n",
        ),
        (
            "gemini",
            Box::new(GeminiDecoder::new()),
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"half\"}]}}]}\n\n",
        ),
    ]
}

/// The error that ends a stream, which is cut after `cut` bytes; everything else is the beginning of the answer.
fn end(decoder: &mut dyn Decoder, stream: &str, cut: usize) -> ProviderError {
    let mut events = Vec::new();
    let (first, second) = stream.as_bytes().split_at(cut);
    decoder.feed(first, &mut events);
    decoder.feed(second, &mut events);
    decoder.end(&mut events);
    let error = match events.pop() {
        Some(Event::Error(error)) => error,
        other => panic!("{stream} ended in {other:?} after {events:?}"),
    };
    for event in &events {
        let ends = matches!(event, Event::Error(_) | Event::Finished(_));
        assert!(!ends, "{stream} ended twice: {events:?}");
    }
    error
}

#[test]
fn an_error_in_mid_stream_is_told_in_whatever_form_it_comes_on_every_wire() {
    for (part, class, reason) in [
        (
            "event: error\ndata: {\"code\":400,\"details\":\"logprobs of 21 asked for\"}\n\n",
            ErrorClass::BadRequest,
            "logprobs of 21 asked for",
        ),
        (
            "data: {\"object\":\"error\",\"message\":\"The engine stopped.\",\"type\":\"InternalServerError\",\"code\":500}\n\n",
            ErrorClass::Server,
            "The engine stopped.",
        ),
        (
            "data: {\"error_type\":\"overloaded_error\",\"error_message\":\"Busy now.\"}\n\n",
            ErrorClass::Overloaded,
            "Busy now.",
        ),
        (
            "error: {\"code\":400,\"message\":\"the request exceeds the available context size\"}\n\n",
            ErrorClass::ContextTooLong,
            "exceeds the available context size",
        ),
        (
            "{\"error\":{\"message\":\"bare and not in a frame\",\"code\":429}}\n\n",
            ErrorClass::RateLimit,
            "bare and not in a frame",
        ),
        (
            "{\n  \"detail\": \"on several lines\",\n  \"status\": 500\n}\n\n",
            ErrorClass::Server,
            "on several lines",
        ),
        (
            "data: {\n  \"error\": \"begun in a frame\"\n}\n\n",
            ErrorClass::Unclear,
            "begun in a frame",
        ),
        (
            "upstream connect error or disconnect/reset before headers\n\n",
            ErrorClass::Unclear,
            "upstream connect error or disconnect/reset before headers",
        ),
        ("Internal Server Error", ErrorClass::Unclear, "Internal Server Error"),
        ("Too Many Requests\n", ErrorClass::RateLimit, "Too Many Requests"),
        (
            "event: error\ndata: plain words of it\n\n",
            ErrorClass::Unclear,
            "plain words of it",
        ),
        (
            "event: error\ndata: [\"listed words\"]\n\n",
            ErrorClass::Unclear,
            "listed words",
        ),
        (
            "event: error\ndata: \"quoted words\"\n\n",
            ErrorClass::Unclear,
            "quoted words",
        ),
        ("event: error\n\n", ErrorClass::Unclear, "It does not say why."),
        ("event: error\ndata:\n\n", ErrorClass::Unclear, "not why"),
        (
            "data: upstream timed out\n\n",
            ErrorClass::BrokenStream,
            "upstream timed out",
        ),
        (
            "data: upstream timed out",
            ErrorClass::BrokenStream,
            "upstream timed out",
        ),
        (
            "data: {\"errors\":[{\"message\":\"of a list\"}],\"success\":false}\n\n",
            ErrorClass::Unclear,
            "of a list",
        ),
        (
            "data: {\"detail\":[{\"loc\":[\"body\",\"top_k\"],\"msg\":\"Extra inputs are not permitted\"}]}\n\n",
            ErrorClass::Unclear,
            "top_k: Extra inputs are not permitted",
        ),
        (
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"Not for this key.\"}}\n\n",
            ErrorClass::Forbidden,
            "Not for this key.",
        ),
        (
            "data: {\"error\":{\"code\":403,\"message\":\"Not in your plan.\",\"status\":\"PERMISSION_DENIED\"}}\n\n",
            ErrorClass::Forbidden,
            "Not in your plan.",
        ),
        (
            "data: {\"error\":{\"type\":\"billing_error\",\"message\":\"Add a card.\"}}\n\n",
            ErrorClass::Quota,
            "Add a card.",
        ),
        (
            "data: {\"error\":{\"type\":\"not_found_error\",\"message\":\"model: claude-x\"}}\n\n",
            ErrorClass::ModelNotFound,
            "model: claude-x",
        ),
        (
            "data: {\"error\":{\"code\":503,\"message\":\"Try later.\",\"status\":\"UNAVAILABLE\"}}\n\n",
            ErrorClass::Overloaded,
            "Try later.",
        ),
        (
            "data: {\"error\":{\"odd\":{\"why\":\"deep in it\"}}}\n\n",
            ErrorClass::Unclear,
            "deep in it",
        ),
    ] {
        for begun in [false, true] {
            for tail in ["", "data: [DONE]\n\n"] {
                if !tail.is_empty() && !part.ends_with("\n\n") {
                    continue;
                }
                for cut in (0..=part.len()).step_by(9) {
                    for (wire, mut decoder, beginning) in wires() {
                        // What begins like JSON or a page is one, if it comes first.
                        let beginning = if begun || part.starts_with('{') { beginning } else { "" };
                        let stream = format!("{beginning}{part}{tail}");
                        let at = beginning.len() + cut;
                        let error = end(decoder.as_mut(), &stream, at);
                        let notice = told(&error);
                        assert_eq!(error.class, class, "{wire}: {stream}: {notice}");
                        assert!(notice.contains(reason), "{wire}: {stream}: {notice}");
                        let blamed = notice.contains("not your mistake");
                        assert!(!blamed || class == ErrorClass::Server, "{wire}: {stream}: {notice}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_error_among_ollamas_lines_is_told_in_whatever_form_it_comes() {
    for (line, class, reason) in [
        (
            "{\"error\":\"out of memory here\"}",
            ErrorClass::Unclear,
            "out of memory here",
        ),
        (
            "{\"detail\":\"of a proxy\",\"status\":503}",
            ErrorClass::Overloaded,
            "of a proxy",
        ),
        (
            "upstream is overloaded",
            ErrorClass::Overloaded,
            "upstream is overloaded",
        ),
        ("upstream went away", ErrorClass::BrokenStream, "upstream went away"),
    ] {
        let stream = format!("{{\"message\":{{\"content\":\"half\"}},\"done\":false}}\n{line}\n{{\"done\":true}}\n");
        let error = end(&mut OllamaDecoder::new(), &stream, 0);
        let notice = told(&error);
        assert!(error.class == class && notice.contains(reason), "{line}: {notice}");
    }
}

#[test]
fn a_comment_and_a_field_that_nobody_knows_are_no_errors() {
    for harmless in [": keep-alive\n\n", "x-trace: 1\n\n", "retry: 10\n\n", "id: 7\n\n"] {
        let stream = format!(
            "{harmless}data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"all\"}},\"finish_reason\":\"stop\"}}]}}\n\n\
             {harmless}data: [DONE]\n\n"
        );
        let mut events = Vec::new();
        let mut decoder = ChatDecoder::new();
        decoder.feed(stream.as_bytes(), &mut events);
        decoder.end(&mut events);
        let whole = [Event::Text("all".into()), Event::Finished(FinishReason::Stop)];
        assert_eq!(events, whole, "{harmless}");
    }
}

/// A reason within layers of JSON that servers put around it.
fn around(random: &mut Random, reason: &str) -> Value {
    let mut value = Value::from(reason);
    for _ in 0..=random.below(3) {
        let key = random.of(&[
            "message",
            "detail",
            "error",
            "errors",
            "Message",
            "msg",
            "error_message",
            "details",
            "odd",
            "why",
            "info",
        ]);
        value = match random.below(6) {
            0 => json!([value]),
            1 => json!({key: value.to_string()}),
            2 => json!({key: value, "code": random.below(600), "type": "x_error", "param": null}),
            3 => json!({"ok": false, key: [value], "request_id": "req_1"}),
            4 => json!({"message": "Error", key: value}),
            _ => json!({ key: value }),
        };
    }
    value
}

#[test]
fn whatever_json_stands_around_a_reason_the_notice_has_the_reason_or_the_bodys_beginning() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let reason = format!("it failed for cause {seed} with sk-abcdefgh1234");
        let value = around(&mut random, &reason);
        let wanted = format!("for cause {seed} with [redacted]");
        let status = random.of(&[400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503, 529]);
        let body = value.to_string();
        let error = ProviderError::from_response(status, &AnswerHeaders::default(), body.as_bytes());
        let mut notices = vec![told(&error)];
        for (_, mut decoder, beginning) in wires() {
            let stream = format!("{beginning}event: error\ndata: {body}\n\ndata: [DONE]\n\n");
            let cut = random.below(body.len());
            notices.push(told(&end(decoder.as_mut(), &stream, cut)));
        }
        for notice in notices {
            assert!(notice.contains(&wanted), "{seed}: {body}:\n{notice}");
            assert!(!notice.contains("abcdefgh"), "{seed}: {notice}");
        }
    }
}

#[test]
fn that_a_reason_stands_below_is_only_said_when_one_does() {
    for body in ["", "{}", "[]", "null", "{\"error\":{}}", "{\"error\":{\"code\":400}}"] {
        let error = ProviderError::from_response(400, &AnswerHeaders::default(), body.as_bytes());
        let notice = told(&error);
        assert!(
            notice.contains("It gives no reason") && !notice.contains("below"),
            "{body}: {notice}"
        );
    }
    let error = ProviderError::from_response(400, &AnswerHeaders::default(), b"{\"odd\":\"why\"}");
    assert!(told(&error).contains("stands below"), "{}", told(&error));
}

#[test]
fn an_error_in_xml_is_told_by_its_message() {
    for (status, body, class, reason) in [
        (
            403,
            "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied to it</Message></Error>",
            ErrorClass::Forbidden,
            "Access Denied to it\nHTTP 403 · AccessDenied",
        ),
        (
            403,
            "<Error><Code>InvalidAccessKeyId</Code><Message>The key is not on file.</Message><RequestId>R1</RequestId></Error>",
            ErrorClass::WrongKey,
            "The key is not on file.\nHTTP 403 · InvalidAccessKeyId · request R1",
        ),
        (
            503,
            "<Error><Code>ServerBusy</Code><Message>Busy &amp; full.</Message></Error>",
            ErrorClass::Overloaded,
            "Busy & full.\nHTTP 503 · ServerBusy",
        ),
        (
            404,
            "<Error><Code>NoSuchKey</Code></Error>",
            ErrorClass::WrongAddress,
            "HTTP 404 · NoSuchKey",
        ),
    ] {
        let error = ProviderError::from_response(status, &AnswerHeaders::default(), body.as_bytes());
        let notice = told(&error);
        assert_eq!(error.class, class, "{notice}");
        assert!(notice.ends_with(reason), "{notice}");
        // With the status of a success, and in mid-stream.
        for (wire, mut decoder, beginning) in wires() {
            for stream in [
                body.to_owned(),
                format!("{beginning}event: error\ndata: {}\n\n", body.replace('\n', " ")),
            ] {
                let notice = told(&end(decoder.as_mut(), &stream, stream.len() / 2));
                let reason = reason.lines().next().unwrap_or_default();
                let is_code = reason.starts_with("HTTP");
                assert!(is_code || notice.contains(reason), "{wire}: {stream}: {notice}");
                decoder = wires()
                    .into_iter()
                    .find(|(name, ..)| *name == wire)
                    .map(|(_, decoder, _)| decoder)
                    .unwrap();
            }
        }
    }
}

#[test]
fn nothing_is_said_twice() {
    for (status, body, lines) in [
        (
            502,
            r#"{"error":{"code":502,"message":"Upstream is gone."}}"#,
            "Upstream is gone.\nHTTP 502",
        ),
        (502, r#"{"error":{"code":"502","message":"HTTP 502"}}"#, "HTTP 502"),
        (502, r#"{"error":{"message":"502"}}"#, "HTTP 502"),
        (400, r#"{"message":"odd_code","code":"odd_code"}"#, "odd_code\nHTTP 400"),
        (
            500,
            r#"{"error":{"message":"Tell us req_9.","code":"oops"},"request_id":"req_9"}"#,
            "Tell us req_9.\nHTTP 500 · oops",
        ),
    ] {
        let error = ProviderError::from_response(status, &AnswerHeaders::default(), body.as_bytes());
        let notice = of_error(&error, &provider(), "m", Locale::English);
        assert_eq!(notice.details.join("\n"), lines, "{body}");
    }
}
