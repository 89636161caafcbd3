use super::*;
use crate::provider::wire::test_support::{self, finished};
use crate::provider::{Message, Role};
use crate::provider::{Signature, ToolCall};

mod content;

fn decode(body: &str) -> Vec<Event> {
    let late = b"data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n";
    test_support::decode(GeminiDecoder::new(), &[body.as_bytes()], late)
}

fn stream(payloads: &[Value]) -> Vec<Event> {
    decode(
        &payloads
            .iter()
            .map(|data| format!("data: {data}\r\n\r\n"))
            .collect::<String>(),
    )
}

fn parts(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}}]})
}

fn ended(reason: &str) -> Value {
    json!({"candidates": [{"finishReason": reason}]})
}

#[test]
fn the_body_names_the_roles_in_geminis_words() {
    let said = Message::said;
    let request = Request {
        messages: vec![
            said(Role::System, "s"),
            said(Role::User, "q"),
            said(Role::Assistant, "a"),
            said(Role::User, "r"),
        ],
        temperature: Some(0.5),
        max_tokens: Some(7),
        params: serde_json::from_str(r#"{"generationConfig":{"topK":3,"temperature":null}}"#).unwrap(),
        ..Request::default()
    };
    let part = |role: &str, text: &str| json!({"role": role, "parts": [{"text": text}]});
    let expected = json!({"systemInstruction": {"parts": [{"text": "s"}]}, "generationConfig": {"maxOutputTokens": 7, "topK": 3},
        "contents": [part("user", "q"), part("model", "a"), part("user", "r")]});
    assert_eq!(body(&request), expected);
    let bare = Request::default();
    assert_eq!(body(&bare), json!({"contents": []}));
}

#[test]
fn thoughts_are_reasoning() {
    let events = stream(&[
        parts(json!([{"text": "hm", "thought": true}, {"text": "ok", "thought": false}])),
        ended("STOP"),
    ]);
    let expected = [
        Event::Reasoning("hm".into()),
        Event::Text("ok".into()),
        finished(FinishReason::Stop),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_function_call_comes_whole_and_says_why_the_answer_ended() {
    let call = |id: &str, arguments: &str, signature: Option<&str>| {
        Event::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            arguments: arguments.into(),
            signature: signature.map(|given| Signature::of_wire(json!({ "thoughtSignature": given }))),
        })
    };
    let events = stream(&[
        parts(json!([{"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "x"}])),
        parts(json!([{"functionCall": {"name": "f", "id": "c2"}}])),
        ended("STOP"),
    ]);
    assert_eq!(
        events,
        [
            call("", "{\"a\":1}", Some("x")),
            call("c2", "{}", None),
            finished(FinishReason::ToolCalls)
        ]
    );
}

#[test]
fn thoughts_count_as_output_and_equal_counts_are_told_once() {
    let counts = json!({"usageMetadata": {"promptTokenCount": 10, "toolUsePromptTokenCount": 2, "cachedContentTokenCount": 4,
        "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 20}});
    let usage = Usage {
        input: 12,
        cached: 4,
        output: 8,
        reasoning: 3,
    };
    let events = stream(&[counts.clone(), counts, ended("STOP")]);
    assert_eq!(events, [Event::Usage(usage), finished(FinishReason::Stop)]);
}

#[test]
fn each_finish_reason_has_its_meaning() {
    use FinishReason::{Incomplete, Stop};
    let cut = FinishReason::cut;
    for (word, reason) in [
        ("STOP", Stop),
        ("MAX_TOKENS", cut(Why::Length, "MAX_TOKENS")),
        ("SAFETY", cut(Why::Filter, "SAFETY")),
        ("RECITATION", cut(Why::Filter, "RECITATION")),
        ("PROHIBITED_CONTENT", cut(Why::Filter, "PROHIBITED_CONTENT")),
        (UNSPECIFIED, cut(Why::Unknown, UNSPECIFIED)),
        ("MALFORMED_FUNCTION_CALL", cut(Why::Unknown, "MALFORMED_FUNCTION_CALL")),
    ] {
        assert_eq!(stream(&[ended(word)]), [finished(reason)], "{word}");
    }
    assert_eq!(stream(&[]), [finished(Incomplete)]);
}

#[test]
fn a_question_that_is_blocked_is_a_content_filter_error() {
    for body in [
        json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}).to_string(),
        "data: {\"promptFeedback\": {\"blockReason\": \"SAFETY\"}}\r\n\r\n".to_owned(),
    ] {
        let events = decode(&body);
        let Some(Event::Error(error)) = events.last() else {
            panic!("{events:?}");
        };
        assert_eq!(
            (error.class, error.code.as_deref()),
            (ErrorClass::ContentFilter, Some("SAFETY"))
        );
    }
}

#[test]
fn errors_come_bare_in_an_array_and_in_mid_stream() {
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    for body in [
        error.to_string(),
        json!([error]).to_string(),
        format!("data: {error}\r\n\r\n"),
        format!("data: {}\r\n\r\n", json!([error])),
    ] {
        let events = decode(&body);
        let [Event::Error(error)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(
            (error.class, error.status),
            (ErrorClass::Overloaded, Some(503)),
            "{body}"
        );
    }
}

#[test]
fn chunks_in_an_array_are_read_too() {
    let body = json!([parts(json!([{"text": "a"}])), ended("STOP")]).to_string();
    assert_eq!(decode(&body), [Event::Text("a".into()), finished(FinishReason::Stop)]);
}

#[test]
fn what_gemini_says_of_an_end_is_told_with_its_word() {
    let end = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed call:\u{1b}[1m f("}]});
    let cut = crate::provider::Cut::new(Why::Unknown, "MALFORMED_FUNCTION_CALL", "Malformed call:[1m f(");
    assert_eq!(stream(&[end]), [finished(FinishReason::Cut(cut))]);
}
