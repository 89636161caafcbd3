use super::*;
use crate::provider::wire::test_support::{self, call, cut, finished};
use crate::provider::{Citation, Message, Role, Unshown, UnshownKind, Why};

/// The events of a stream with these payloads.
fn frames(payloads: &[&str]) -> Vec<Event> {
    let stream: String = payloads.iter().map(|payload| format!("data: {payload}\n\n")).collect();
    decode(&stream)
}

fn decode(body: &str) -> Vec<Event> {
    let late = b"data: {\"type\":\"message_stop\"}\n\n";
    test_support::decode(AnthropicDecoder::new(), &[body.as_bytes()], late)
}

fn usage(input: u64, cached: u64, output: u64) -> Event {
    Event::Usage(Usage {
        input,
        cached,
        output,
        reasoning: 0,
    })
}

const END: &str = r#"{"type":"message_stop"}"#;
const TOOL: &str =
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}"#;

fn stopped(reason: &str) -> String {
    format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}}}}"#)
}

fn piece(json: &str) -> String {
    let delta = json!({"type": "input_json_delta", "partial_json": json});
    json!({"type": "content_block_delta", "index": 1, "delta": delta}).to_string()
}

#[test]
fn the_body_has_the_instructions_on_top_and_a_limit_even_if_none_is_set() {
    let said = Message::said;
    let request = Request {
        model: "claude-sonnet-5".into(),
        messages: vec![
            said(Role::System, "s"),
            said(Role::User, "a"),
            said(Role::User, "b"),
            said(Role::Assistant, "c "),
        ],
        ..Request::default()
    };
    let expected = json!({"model": "claude-sonnet-5", "max_tokens": 8192, "system": "s", "stream": true, "messages": [
        {"role": "user", "content": "a\n\nb"}, {"role": "assistant", "content": "c"}]});
    assert_eq!(body(&request), expected);
}

#[test]
fn the_limit_is_the_users_else_what_the_model_has_room_for() {
    let limit = |max_tokens, answer_room| {
        let request = Request {
            max_tokens,
            answer_room,
            ..Request::default()
        };
        body(&request)["max_tokens"].clone()
    };
    assert_eq!(limit(Some(7), Some(64_000)), 7);
    assert_eq!(limit(None, Some(64_000)), 64_000);
    assert_eq!(limit(None, None), 8_192);
}

#[test]
fn temperature_limit_and_parameters_are_sent_if_set() {
    let request = Request {
        temperature: Some(0.5),
        max_tokens: Some(9),
        params: serde_json::from_str(r#"{"thinking":{"type":"adaptive"},"stream":null}"#).unwrap(),
        ..Request::default()
    };
    let expected =
        json!({"model": "", "max_tokens": 9, "messages": [], "temperature": 0.5, "thinking": {"type": "adaptive"}});
    assert_eq!(body(&request), expected);
}

#[test]
fn counts_of_the_cache_belong_to_the_input_and_later_counts_replace_earlier_ones() {
    let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":1}}}"#;
    let delta = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#;
    assert_eq!(
        frames(&[start, delta, END]),
        [usage(123, 100, 1), usage(123, 100, 9), finished(FinishReason::Stop)]
    );
}

#[test]
fn a_call_is_put_together_from_its_pieces() {
    let stream = [
        TOOL,
        &piece(""),
        &piece("{\"a\":"),
        &piece("1}"),
        &stopped("tool_use"),
        END,
    ];
    assert_eq!(
        frames(&stream),
        [call("t1", "f", "{\"a\":1}"), finished(FinishReason::ToolCalls)]
    );
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    assert_eq!(
        frames(&[TOOL, &piece(""), &stopped("tool_use"), END]),
        [call("t1", "f", "{}"), finished(FinishReason::ToolCalls)]
    );
}

#[test]
fn of_a_cut_answer_only_whole_calls_are_handed_on() {
    assert_eq!(
        frames(&[TOOL, &piece("{\"a\":"), &stopped("max_tokens"), END]),
        [cut(Why::Length, "max_tokens")]
    );
    assert_eq!(frames(&[TOOL]), [finished(FinishReason::Incomplete)]);
    assert_eq!(
        frames(&[TOOL, &piece("{}")]),
        [call("t1", "f", "{}"), finished(FinishReason::Incomplete)]
    );
}

#[test]
fn tools_that_the_provider_runs_are_named_and_not_handed_on() {
    let start = r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"s","name":"web_search"}}"#;
    let ran = unshown(UnshownKind::Ran, "web_search");
    let end = stopped("end_turn");
    assert_eq!(
        frames(&[start, &piece("{}"), &end, END]),
        [ran, finished(FinishReason::Stop)]
    );
}

fn unshown(kind: UnshownKind, name: &str) -> Event {
    Event::Unshown(Unshown {
        kind,
        name: name.into(),
    })
}

fn block(block: Value) -> String {
    json!({"type": "content_block_start", "index": 0, "content_block": block}).to_string()
}

#[test]
fn files_other_servers_tools_and_unknown_blocks_are_named() {
    let mcp = block(json!({"type": "mcp_tool_use", "id": "m", "name": "open", "server_name": "files", "input": {}}));
    let result = block(
        json!({"type": "code_execution_tool_result", "tool_use_id": "c", "content":
        {"type": "code_execution_result", "stdout": "1", "content": [{"type": "code_execution_output", "file_id": "file_1"}]}}),
    );
    let upload = block(json!({"type": "container_upload", "file_id": "file_2"}));
    let strange = block(json!({"type": "hologram", "data": "x"}));
    let hidden = block(json!({"type": "redacted_thinking", "data": ""}));
    assert_eq!(
        frames(&[&mcp, &result, &upload, &strange, &hidden, &stopped("end_turn"), END]),
        [
            unshown(UnshownKind::Ran, "files.open"),
            unshown(UnshownKind::File, "file_1"),
            unshown(UnshownKind::File, "file_2"),
            unshown(UnshownKind::Other, "hologram"),
            finished(FinishReason::Stop)
        ]
    );
}

#[test]
fn a_whole_message_where_a_frame_is_due_is_the_answer_with_its_sources() {
    let cited = json!({"type": "char_location", "document_title": "D", "cited_text": "x"});
    let body = json!({"type": "message", "stop_reason": "end_turn", "usage": {"output_tokens": 3},
        "content": [{"type": "text", "text": "All of it.", "citations": [cited]}]});
    let citation = Event::Citation(Citation {
        url: String::new(),
        title: "D".into(),
    });
    let expected = [
        Event::Text("All of it.".into()),
        citation,
        usage(0, 0, 3),
        finished(FinishReason::Stop),
    ];
    assert_eq!(frames(&[&body.to_string()]), expected);
    assert_eq!(decode(&body.to_string()), expected);
}

#[test]
fn each_stop_reason_has_its_meaning() {
    for (word, reason) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::cut(Why::Length, "max_tokens")),
        (
            "model_context_window_exceeded",
            FinishReason::cut(Why::Length, "model_context_window_exceeded"),
        ),
        ("refusal", FinishReason::cut(Why::Filter, "refusal")),
        ("tool_use", FinishReason::cut(Why::Unknown, "tool_use")),
        ("pause_turn", FinishReason::cut(Why::Paused, "pause_turn")),
        ("compaction", FinishReason::cut(Why::Unknown, "compaction")),
    ] {
        assert_eq!(frames(&[&stopped(word), END]), [finished(reason.clone())], "{word}");
        assert_eq!(frames(&[&stopped(word)]), [finished(reason)], "{word} without an end");
    }
    assert_eq!(frames(&[]), [finished(FinishReason::Incomplete)]);
}

#[test]
fn an_error_in_mid_stream_ends_the_turn() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#;
    let events = frames(&[r#"{"type":"ping"}"#, error, END]);
    let [Event::Error(error)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::Overloaded, "Overloaded")
    );
    assert_eq!(error.request_id.as_deref(), Some("req_1"));
}

#[test]
fn an_error_without_words_is_still_one() {
    let events = decode("event: error\ndata: {}\n\n");
    assert!(
        matches!(events.as_slice(), [Event::Error(error)] if error.class == ErrorClass::Unclear),
        "{events:?}"
    );
}

#[test]
fn an_answer_that_is_not_streamed_is_read_too() {
    let body = json!({"type": "message", "stop_reason": "tool_use", "usage": {"input_tokens": 2, "output_tokens": 3}, "content": [
        {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "ok"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}, {"type": "tool_use", "id": "t2", "name": "g", "input": {}}]});
    let expected = [
        Event::Reasoning("hm".into()),
        Event::Text("ok".into()),
        call("t1", "f", "{\"a\":1}"),
        call("t2", "g", "{}"),
        usage(2, 0, 3),
        finished(FinishReason::ToolCalls),
    ];
    assert_eq!(decode(&body.to_string()), expected);
}

#[test]
fn a_citation_of_the_web_is_a_link_and_one_of_a_document_its_title() {
    let cited = |citation: Value| {
        let delta = json!({"type": "citations_delta", "citation": citation});
        json!({"type": "content_block_delta", "index": 0, "delta": delta}).to_string()
    };
    let web = json!({"type": "web_search_result_location", "url": "https://a.example", "title": "A"});
    let page = json!({"type": "page_location", "document_index": 0, "document_title": "D"});
    let events = frames(&[&cited(web), &cited(page), &stopped("end_turn"), END]);
    let citation = Event::Citation(Citation {
        url: "https://a.example".into(),
        title: "A".into(),
    });
    let document = Event::Citation(Citation {
        url: String::new(),
        title: "D".into(),
    });
    assert_eq!(events, [citation, document, finished(FinishReason::Stop)]);
}

#[test]
fn what_stands_beside_a_refusal_is_told_with_it() {
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"Not\u0007 this.","recommended_model":"claude-x"}}}"#;
    let said = "Not this.\ncategory: cyber\nrecommended_model: claude-x";
    let refused = Event::Finished(FinishReason::Cut(crate::provider::Cut::new(
        Why::Filter,
        "refusal",
        said,
    )));
    assert_eq!(frames(&[end, END]), [refused]);
}

#[test]
fn the_tokens_of_all_runs_of_a_model_count_and_the_one_that_answers_is_named() {
    let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":408,"output_tokens":1}}}"#;
    let fallback = r#"{"type":"content_block_start","index":0,"content_block":{"type":"fallback","from":{"model":"a"},"to":{"model":"b"}}}"#;
    let delta = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":412,"output_tokens":264,"iterations":[{"model":"a","input_tokens":408,"output_tokens":3,"cache_read_input_tokens":10},{"model":"b","input_tokens":412,"output_tokens":264},7]}}"#;
    assert_eq!(
        frames(&[start, fallback, delta, END]),
        [
            usage(408, 0, 1),
            Event::AnsweredBy("b".into()),
            usage(830, 10, 267),
            finished(FinishReason::Stop)
        ]
    );
}

#[test]
fn counts_that_cannot_be_are_clamped() {
    let most = crate::provider::wire::token_counts::MOST;
    let delta = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":18446744073709551615,"cache_read_input_tokens":18446744073709551615,"output_tokens":-5}}"#;
    assert_eq!(
        frames(&[delta, END]),
        [usage(most, most, 0), finished(FinishReason::Stop)]
    );
}

fn signed(sealed: Value) -> Event {
    Event::Signature(crate::transcript::Signature::of_wire(sealed))
}

#[test]
fn thinking_is_kept_as_it_was_signed_and_calls_stand_where_they_came() {
    let start = |index: u64, block: Value| {
        json!({"type": "content_block_start", "index": index, "content_block": block}).to_string()
    };
    let delta =
        |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta}).to_string();
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index}).to_string();
    let stream = [
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "\n\nhm"})),
        delta(0, json!({"type": "signature_delta", "signature": "s1"})),
        stop(0),
        start(1, json!({"type": "redacted_thinking", "data": "xyz"})),
        stop(1),
        start(2, json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}})),
        stop(2),
        start(3, json!({"type": "text", "text": "ok"})),
        stop(3),
        stopped("tool_use"),
        END.to_owned(),
    ];
    let stream: Vec<&str> = stream.iter().map(String::as_str).collect();
    let expected = [
        Event::Reasoning("\n\nhm".into()),
        signed(json!({"type": "thinking", "thinking": "\n\nhm", "signature": "s1"})),
        signed(json!({"type": "redacted_thinking", "data": "xyz"})),
        call("t1", "f", "{}"),
        Event::Text("ok".into()),
        finished(FinishReason::ToolCalls),
    ];
    assert_eq!(frames(&stream), expected);
}
