use super::*;
use crate::provider::wire::test_support::{self, call, cut, text};
use crate::provider::{Citation, Message, Role};

mod content;

fn decode(pieces: &[&[u8]]) -> Vec<Event> {
    let late = b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"late\"}\n\n";
    test_support::decode(ResponsesDecoder::new(), pieces, late)
}

fn frames(payloads: &[Value]) -> Vec<Event> {
    let stream: String = payloads
        .iter()
        .map(|payload| format!("event: x\ndata: {payload}\n\n"))
        .collect();
    decode(&[stream.as_bytes()])
}

fn delta(kind: &str, output: u64, text: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "output_index": output, "content_index": 0, "delta": text})
}

fn completed() -> Value {
    json!({"type": "response.completed", "response": {"status": "completed", "output": [], "usage": {"input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 8, "output_tokens_details": {"reasoning_tokens": 3}}}})
}

fn refusal(text: &str) -> Event {
    Event::Refusal(text.into())
}

const USAGE: Event = Event::Usage(Usage {
    input: 9,
    cached: 4,
    output: 8,
    reasoning: 3,
});
const STOP: Event = Event::Finished(FinishReason::Stop);
const INCOMPLETE: Event = Event::Finished(FinishReason::Incomplete);
const TOOLS: Event = Event::Finished(FinishReason::ToolCalls);

#[test]
fn a_request_is_stateless_and_keeps_instructions_apart() {
    let said = Message::said;
    let messages = vec![
        said(Role::System, "s"),
        said(Role::System, "t"),
        said(Role::User, "u"),
        said(Role::Assistant, "a"),
    ];
    let mut request = Request {
        model: "m".into(),
        messages,
        max_tokens: Some(9),
        ..Request::default()
    };
    let expected = json!({"model": "m", "instructions": "s\n\nt", "stream": true, "store": false, "max_output_tokens": 9,
        "input": [{"type": "message", "role": "user", "content": "u"},
        {"type": "message", "role": "assistant", "content": "a"}]});
    assert_eq!(body(&request), expected);
    request.params.insert("store".into(), json!(true));
    request.params.insert("include".into(), Value::Null);
    assert_eq!(
        (body(&request)["store"].clone(), body(&request).get("include")),
        (json!(true), None)
    );
}

#[test]
fn a_stream_cut_at_any_byte_reads_the_same() {
    let payloads = [
        delta("output_text", 0, "né ✔"),
        delta("output_text", 0, " 🥌"),
        completed(),
    ];
    let stream: String = payloads
        .iter()
        .map(|p| format!("event: {}\r\ndata: {p}\r\n\r\n", p["type"]))
        .collect();
    let bytes = stream.as_bytes();
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(
            decode(&[left, right]),
            [text("né ✔"), text(" 🥌"), USAGE, STOP],
            "cut at {cut}"
        );
    }
}

/// The five ways in which one text comes.
fn said_fivefold(kind: &str, field: &str) -> [Value; 5] {
    let part = json!({"type": kind, field: "hello"});
    let item = json!({"type": "message", "content": [part]});
    let mut end = completed();
    end["response"]["output"] = json!([item]);
    [
        delta(kind, 0, "hello"),
        json!({"type": format!("response.{kind}.done"), "output_index": 0, "content_index": 0, field: "hello"}),
        json!({"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": part}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        end,
    ]
}

#[test]
fn text_is_told_once_whichever_frames_bring_it() {
    for (kind, field, event) in [
        ("output_text", "text", text("hello")),
        ("refusal", "refusal", refusal("hello")),
    ] {
        let all = said_fivefold(kind, field);
        for first in 0..all.len() {
            assert_eq!(
                frames(&all[first..]),
                [event.clone(), USAGE, STOP],
                "{kind} from {first}"
            );
        }
    }
}

#[test]
fn the_rest_of_a_text_whose_last_deltas_are_missing_is_told() {
    let done = json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "hello"});
    assert_eq!(
        frames(&[delta("output_text", 0, "hel"), done, completed()]),
        [text("hel"), text("lo"), USAGE, STOP]
    );
}

#[test]
fn the_finished_answer_may_number_its_output_otherwise() {
    let mut end = completed();
    end["response"]["output"] = json!([{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}]);
    assert_eq!(
        frames(&[delta("output_text", 5, "hello"), end]),
        [text("hello"), USAGE, STOP]
    );
}

#[test]
fn two_messages_are_parted_by_an_empty_line() {
    let events = frames(&[
        delta("output_text", 0, "a"),
        delta("output_text", 0, "b"),
        delta("output_text", 1, "c"),
        completed(),
    ]);
    assert_eq!(events, [text("a"), text("b"), text("\n\nc"), USAGE, STOP]);
}

#[test]
fn reasoning_comes_as_text_and_as_summary_in_parts() {
    let summary = |part: u64, text: &str| json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": part, "delta": text});
    let item = json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning", "summary":
        [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}]}});
    let events = frames(&[
        summary(0, "one"),
        summary(1, "two"),
        item,
        delta("reasoning_text", 1, "three"),
        completed(),
    ]);
    let reasoning = |text: &str| Event::Reasoning(text.into());
    assert_eq!(
        events,
        [reasoning("one"), reasoning("\n\ntwo"), reasoning("three"), USAGE, STOP]
    );
}

#[test]
fn a_function_call_has_its_name_from_the_item() {
    let item = |state: &str, arguments: &str| {
        json!({"type": format!("response.output_item.{state}"), "output_index": 1, "item": {"type": "function_call",
            "id": "fc", "call_id": "call", "name": "f", "arguments": arguments}})
    };
    let piece = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 1, "delta": text});
    let done = json!({"type": "response.function_call_arguments.done", "item_id": "fc", "output_index": 1, "arguments": "{\"a\":1}"});
    let mut end = completed();
    end["response"]["output"] = json!([item("done", "{\"a\":1}")["item"]]);
    let all = [
        item("added", ""),
        piece("{\"a\""),
        piece(":1}"),
        done,
        item("done", "{\"a\":1}"),
        end,
    ];
    let expected = [call("call", "f", "{\"a\":1}"), USAGE, TOOLS];
    for first in [0, 4, 5] {
        assert_eq!(frames(&all[first..]), expected, "from {first}");
    }
    assert_eq!(
        frames(&[all[0].clone(), all[1].clone(), all[2].clone(), completed()]),
        expected
    );
    assert_eq!(frames(&all[..2]), [INCOMPLETE]);
}

#[test]
fn an_incomplete_answer_says_why() {
    for (reason, why, word) in [
        (json!("max_output_tokens"), Why::Length, "max_output_tokens"),
        (json!("content_filter"), Why::Filter, "content_filter"),
        (json!("steered"), Why::Unknown, "steered"),
        (json!("completed"), Why::Unexplained, "incomplete"),
        (Value::Null, Why::Unexplained, "incomplete"),
    ] {
        let end = json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}});
        assert_eq!(frames(&[end, completed()]), [cut(why, word)]);
    }
}

#[test]
fn an_error_may_be_flat_or_nested_and_comes_once() {
    let fields = json!({"code": "rate_limit_exceeded", "message": "m", "param": null});
    let mut flat = fields.clone();
    flat["type"] = json!("error");
    let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": fields}});
    for first in [
        flat,
        json!({"type": "error", "error": fields}),
        json!({"error": fields}),
        failed.clone(),
    ] {
        let events = frames(&[delta("output_text", 0, "x"), first, failed.clone()]);
        let [Event::Text(_), Event::Error(error)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!((error.class, error.message.as_str()), (ErrorClass::RateLimit, "m"));
        assert_eq!(error.code.as_deref(), Some("rate_limit_exceeded"));
    }
}

#[test]
fn a_failure_without_a_reason_is_still_a_failure() {
    let events = frames(&[json!({"type": "response.failed", "response": {"error": null}})]);
    assert!(matches!(events.as_slice(), [Event::Error(error)] if !error.message.is_empty()));
}

#[test]
fn a_stream_that_stops_early_is_incomplete() {
    assert_eq!(frames(&[delta("output_text", 0, "x")]), [text("x"), INCOMPLETE]);
    assert_eq!(decode(&[b"data: [DONE]\n\n"]), [INCOMPLETE]);
}

#[test]
fn a_type_that_is_only_in_the_events_name_is_taken_from_there() {
    let stream =
        b"event: response.output_text.delta\ndata: {\"delta\":\"x\"}\n\nevent: response.completed\ndata: {}\n\n";
    assert_eq!(decode(&[stream]), [text("x"), STOP]);
}

#[test]
fn wrong_types_and_unknown_frames_lose_no_text() {
    let events = frames(&[
        json!({"type": "response.web_search_call.searching", "item_id": "ws", "output_index": "1"}),
        json!({"type": "response.output_text.annotation.added", "annotation": {"type": "url_citation"}}),
        json!({"type": "response.custom.delta", "delta": {"x": 1}}),
        json!({"type": "response.output_text.delta", "output_index": null, "content_index": [], "delta": "x", "item": 7}),
        json!({"type": "response.completed", "response": {"output": {}, "usage": null, "incomplete_details": "no"}}),
    ]);
    assert_eq!(events, [text("x"), STOP]);
}

#[test]
fn a_broken_frame_is_named() {
    let events = decode(&[b"data: <html>\n\n"]);
    let [Event::Error(error)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::BrokenStream, "The server sent what is not JSON: <html>")
    );
}

#[test]
fn an_answer_that_is_not_streamed_is_an_answer() {
    let answer = json!({"object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "hi"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]});
    let expected = [text("hi"), call("c", "f", "{}"), cut(Why::Length, "max_output_tokens")];
    assert_eq!(decode(&[answer.to_string().as_bytes()]), expected);
    let events = decode(&[br#"{"error":{"message":"m","code":"invalid_api_key"}}"#]);
    assert!(matches!(events.as_slice(), [Event::Error(error)] if error.class == ErrorClass::WrongKey));
    let events = decode(&[b"<html>Go away</html>"]);
    assert!(matches!(events.as_slice(), [Event::Error(error)] if error.class == ErrorClass::Proxy));
}

#[test]
fn calls_without_end_are_not_kept() {
    let added = |index: u64| {
        json!({"type": "response.output_item.added", "output_index": index,
            "item": {"type": "function_call", "id": format!("i{index}"), "call_id": format!("c{index}"), "name": "f"}})
    };
    let mut payloads: Vec<Value> = (0..300).map(added).collect();
    payloads.extend((0..30).map(|_| delta("function_call_arguments", 0, &"x".repeat(64 * 1024))));
    payloads.push(completed());
    let calls: Vec<usize> = frames(&payloads)
        .iter()
        .filter_map(|event| match event {
            Event::ToolCall(call) => Some(call.arguments.len()),
            _ => None,
        })
        .collect();
    assert_eq!((calls.len(), calls.iter().sum::<usize>()), (256, 1024 * 1024));
}

#[test]
fn a_source_is_told_once() {
    let source = json!({"type": "url_citation", "url": "https://a.example", "title": "A"});
    let events = frames(&[
        json!({"type": "response.output_text.delta", "delta": "x"}),
        json!({"type": "response.output_text.annotation.added", "annotation": source}),
        json!({"type": "response.output_text.annotation.added", "annotation": source}),
        json!({"type": "response.completed", "response": {}}),
    ]);
    let citation = Event::Citation(Citation {
        url: "https://a.example".into(),
        title: "A".into(),
    });
    assert_eq!(events, [text("x"), citation, STOP]);
}

#[test]
fn reasoning_is_kept_as_it_was_encrypted_and_stands_before_its_call() {
    let reasoning = json!({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "xyz"});
    let called = json!({"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"});
    let done =
        |index: u64, item: &Value| json!({"type": "response.output_item.done", "output_index": index, "item": item});
    let mut end = completed();
    end["response"]["output"] = json!([reasoning, called]);
    let expected = [
        Event::Reasoning("hm".into()),
        Event::Signature(crate::transcript::Signature::of_wire(reasoning.clone())),
        call("c", "f", "{}"),
        USAGE,
        TOOLS,
    ];
    let partly = json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs",
        "encrypted_content": "x"}});
    assert_eq!(frames(&[partly, done(0, &reasoning), done(1, &called), end]), expected);
}
