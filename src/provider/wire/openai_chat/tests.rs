use super::*;
use crate::provider::wire::test_support::{self, call, cut, reasoning, text};
use crate::provider::{Citation, ErrorClass, Message, Role, Why};

mod content;

fn decode(pieces: &[&[u8]]) -> Vec<Event> {
    let late = b"data: {\"choices\":[{\"delta\":{\"content\":\"late\"}}]}\n\n";
    test_support::decode(ChatDecoder::new(), pieces, late)
}

/// The events of a stream with these payloads, without `[DONE]`.
fn chunks(payloads: &[&str]) -> Vec<Event> {
    let stream: String = payloads.iter().map(|payload| format!("data: {payload}\n\n")).collect();
    decode(&[stream.as_bytes()])
}

fn deltas(deltas: &[&str]) -> Vec<Event> {
    let payloads: Vec<String> = deltas
        .iter()
        .map(|delta| format!("{{\"choices\":[{{\"delta\":{delta}}}]}}"))
        .collect();
    let mut payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    payloads.push("[DONE]");
    chunks(&payloads)
}

fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> Event {
    Event::Usage(Usage {
        input,
        cached,
        output,
        reasoning,
    })
}

const STOP: Event = Event::Finished(FinishReason::Stop);
const INCOMPLETE: Event = Event::Finished(FinishReason::Incomplete);
const TOOLS: Event = Event::Finished(FinishReason::ToolCalls);

fn the_error(events: &[Event]) -> &ProviderError {
    match events {
        [.., Event::Error(error)] => error,
        _ => panic!("no error at the end: {events:?}"),
    }
}

#[test]
fn a_request_is_written_in_the_servers_dialect() {
    let mut request = Request {
        model: "m".into(),
        max_tokens: Some(9),
        temperature: Some(0.5),
        ..Request::default()
    };
    let said = Message::said;
    request.messages = vec![
        said(Role::System, "s"),
        said(Role::User, "u"),
        said(Role::Assistant, "a"),
    ];
    let dialect = Dialect {
        max_tokens_field: "max_completion_tokens",
        include_usage: true,
        openai_models: false,
    };
    assert_eq!(
        body(&request, &dialect),
        json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_completion_tokens": 9,
            "temperature": 0.5, "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
            {"role": "assistant", "content": "a"}]})
    );
}

#[test]
fn the_users_fields_win_and_null_takes_a_field_out() {
    let params = json!({"model": "other", "temperature": null, "top_k": 3});
    let params = params.as_object().unwrap().clone();
    let request = Request {
        model: "m".into(),
        temperature: Some(1.0),
        params,
        ..Request::default()
    };
    let dialect = Dialect {
        max_tokens_field: "max_tokens",
        include_usage: false,
        openai_models: false,
    };
    assert_eq!(
        body(&request, &dialect),
        json!({"model": "other", "messages": [], "stream": true, "top_k": 3})
    );
}

#[test]
fn a_stream_cut_at_any_byte_reads_the_same() {
    let stream = "\u{feff}: hi\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"né ✔\"}}]}\r\n\r\ndata: {\"choices\":[{\"delta\":\
        {\"content\":\" 🥌\\ud83e\\udd4c\",\"tool_calls\":[{\"index\":0,\"id\":\"ü\",\"function\":{\"name\":\"f\",\"arguments\":\
        \"{}\"}}]}}]}\r\n\r\ndata: {\"usage\":{\"prompt_tokens\":3}}\r\n\r\ndata: [DONE]\r\n\r\n";
    let expected = [
        text("né ✔"),
        text(" 🥌🥌"),
        usage(3, 0, 0, 0),
        call("ü", "f", "{}"),
        TOOLS,
    ];
    let bytes = stream.as_bytes();
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(decode(&[left, right]), expected, "cut at {cut}");
    }
}

#[test]
fn openrouters_comments_and_second_finish_reason_do_no_harm() {
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let stream = format!(": OPENROUTER PROCESSING\n\n{end}{end}data: [DONE]\n\n");
    assert_eq!(decode(&[stream.as_bytes()]), [STOP]);
}

#[test]
fn reasoning_comes_in_three_fields_but_is_told_once() {
    let events = deltas(&[
        r#"{"reasoning_content":"a"}"#,
        r#"{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b"}]}"#,
        r#"{"reasoning":"c","reasoning_content":"c"}"#,
        r#"{"reasoning":null,"reasoning_details":[{"type":"reasoning.summary","summary":"d"},{"text":"e"},7]}"#,
    ]);
    assert_eq!(
        events,
        [reasoning("a"), reasoning("b"), reasoning("c"), reasoning("de"), STOP]
    );
}

#[test]
fn an_error_in_a_chunk_comes_after_its_text_and_usage() {
    let events = chunks(&[
        r#"{"error":{"code":502,"message":"upstream"},"choices":[{"delta":{"content":"half"},"finish_reason":"error"}],"usage":{"completion_tokens":2}}"#,
        r#"{"choices":[{"delta":{"content":"more"}}]}"#,
    ]);
    assert_eq!(events[..2], [text("half"), usage(0, 0, 2, 0)]);
    assert_eq!(
        (events.len(), the_error(&events).class, the_error(&events).status),
        (3, ErrorClass::Server, Some(502))
    );
}

#[test]
fn every_truthy_error_is_one_and_no_other() {
    for error in [r#"{"message":"m"}"#, "\"m\"", "true", "[1]", "5"] {
        assert!(
            matches!(chunks(&[&format!("{{\"error\":{error}}}")])[..], [Event::Error(_)]),
            "{error}"
        );
    }
    for error in ["null", "false", "\"\"", "0", "{}", "[]"] {
        assert_eq!(
            chunks(&[&format!("{{\"error\":{error}}}"), "[DONE]"]),
            [STOP],
            "{error}"
        );
    }
    assert!(matches!(
        chunks(&[r#"[{"error":{"code":429,"message":"m"}}]"#])[..],
        [Event::Error(_)]
    ));
}

#[test]
fn usage_beside_choices_is_taken_and_groqs_copy_is_not_told_again() {
    let counts = r#"{"prompt_tokens":5,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":2}}"#;
    let payload =
        format!(r#"{{"choices":[{{"delta":{{"content":"x"}}}}],"usage":{counts},"x_groq":{{"usage":{counts}}}}}"#);
    assert_eq!(chunks(&[&payload, "[DONE]"]), [text("x"), usage(5, 1, 6, 2), STOP]);
    assert_eq!(
        chunks(&[r#"{"x_groq":{"usage":{"prompt_tokens":4}}}"#, "[DONE]"]),
        [usage(4, 0, 0, 0), STOP]
    );
}

#[test]
fn usage_after_the_finish_reason_comes_before_the_end() {
    let events = chunks(&[
        r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6}}"#,
    ]);
    assert_eq!(events, [usage(5, 0, 6, 0), cut(Why::Length, "length")]);
}

#[test]
fn content_may_be_an_array_of_typed_parts() {
    let events = deltas(&[
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"},null]}"#,
        r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"reference","reference_ids":[1]}]}"#,
        r#"{"content":{"type":"text","text":"b"}}"#,
    ]);
    assert_eq!(events, [reasoning("hm"), text("a"), reasoning("hm"), text("b"), STOP]);
}

#[test]
fn a_later_piece_of_a_tool_call_does_not_overwrite_its_name_and_id() {
    let events = deltas(&[
        r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{\"a\":"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"name":"","arguments":"1"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"}"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"","function":{"name":null,"arguments":null}}]}"#,
    ]);
    assert_eq!(events, [call("i", "f", "{\"a\":1}"), TOOLS]);
}

#[test]
fn azures_first_chunk_without_choices_is_nothing() {
    let first = r#"{"choices":[],"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]}"#;
    assert_eq!(
        chunks(&[first, r#"{"choices":[{"delta":{"content":"x"}}]}"#, "[DONE]"]),
        [text("x"), STOP]
    );
}

#[test]
fn the_role_may_be_repeated_and_the_first_tool_have_any_index() {
    let events = deltas(&[
        r#"{"role":"assistant","content":"x"}"#,
        r#"{"role":"assistant","content":null,"tool_calls":[{"index":3,"id":"b","function":{"name":"g","arguments":"{}"}}]}"#,
        r#"{"role":"assistant","tool_calls":[{"index":1,"id":"a","function":{"name":"f","arguments":{"k":[1]}}}]}"#,
    ]);
    assert_eq!(
        events,
        [text("x"), call("b", "g", "{}"), call("a", "f", "{\"k\":[1]}"), TOOLS]
    );
}

#[test]
fn tool_calls_without_or_with_equal_indexes_are_told_apart() {
    let two = [call("a", "f", "{}"), call("b", "f", "{}"), TOOLS];
    let piece =
        |fields: &str| format!(r#"{{"tool_calls":[{{{fields}"function":{{"name":"f","arguments":"{{}}"}}}}]}}"#);
    for (first, second) in [
        ("\"index\":0,\"id\":\"a\",", "\"index\":0,\"id\":\"b\","),
        ("\"id\":\"a\",", "\"id\":\"b\","),
    ] {
        assert_eq!(deltas(&[&piece(first), &piece(second)]), two);
    }
    assert_eq!(
        deltas(&[&piece(""), &piece("")]),
        [call("", "f", "{}"), call("", "f", "{}"), TOOLS]
    );
}

#[test]
fn an_id_invented_anew_for_each_piece_begins_no_new_call() {
    let events = deltas(&[
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
        r#"{"tool_calls":[{"index":0,"id":"b","function":{"arguments":"}"}}]}"#,
    ]);
    assert_eq!(events, [call("a", "f", "{}"), TOOLS]);
}

#[test]
fn the_older_function_call_is_a_tool_call() {
    let events = deltas(&[
        r#"{"function_call":{"name":"f","arguments":"{"}}"#,
        r#"{"function_call":{"arguments":"}"}}"#,
    ]);
    assert_eq!(events, [call("", "f", "{}"), TOOLS]);
}

#[test]
fn collected_tools_are_told_whatever_the_finish_reason() {
    let tool = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"f"}}]}}]}"#;
    for reason in ["stop", "tool_calls", "function_call", ""] {
        let end = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
        assert_eq!(chunks(&[tool, &end, "[DONE]"]), [call("i", "f", ""), TOOLS], "{reason}");
    }
}

#[test]
fn a_tool_call_that_was_cut_off_is_not_told() {
    let piece = |index: u64, arguments: &str| {
        json!({"choices": [{"delta": {"tool_calls": [{"index": index, "id": "i", "function": {"name": "f", "arguments": arguments}}]}}]}).to_string()
    };
    let events = chunks(&[&piece(0, "{\"a\":1}"), &piece(1, "{\"a\":")]);
    assert_eq!(events, [call("i", "f", "{\"a\":1}"), INCOMPLETE]);
}

#[test]
fn a_stream_with_an_empty_finish_reason_or_none_ends_well_at_done() {
    for end in [
        r#"{"choices":[{"delta":{},"finish_reason":""}]}"#,
        r#"{"choices":[{}]}"#,
        "{}",
    ] {
        assert_eq!(
            chunks(&[r#"{"choices":[{"delta":{"content":"x"}}]}"#, end, "[DONE]"]),
            [text("x"), STOP],
            "{end}"
        );
    }
}

#[test]
fn a_stream_without_done_ends_with_its_finish_reason() {
    let end = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
    assert_eq!(chunks(&[end]), [cut(Why::Filter, "content_filter")]);
}

#[test]
fn a_stream_with_neither_is_incomplete() {
    assert_eq!(
        chunks(&[r#"{"choices":[{"delta":{"content":"x"}}]}"#]),
        [text("x"), INCOMPLETE]
    );
    assert_eq!(decode(&[]), [INCOMPLETE]);
    assert_eq!(decode(&[b": comment\n\n"]), [INCOMPLETE]);
}

#[test]
fn done_ends_the_turn_at_once() {
    let mut out = Vec::new();
    let mut decoder = ChatDecoder::new();
    decoder.feed(b"data: [DONE] \n\n", &mut out);
    assert_eq!(out, [STOP]);
}

#[test]
fn the_last_line_counts_though_no_blank_line_follows_if_it_is_whole() {
    let chunk = r#"data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    for end in ["", "\n", "\r\n", "\r"] {
        assert_eq!(
            decode(&[format!("{chunk}{end}").as_bytes()]),
            [text("x"), STOP],
            "{end:?}"
        );
    }
    assert_eq!(decode(&[chunk.split_at(40).0.as_bytes()]), [INCOMPLETE]);
    assert_eq!(
        decode(&[format!("{chunk}\ndata: {{\"cho").as_bytes()]),
        [text("x"), STOP]
    );
    assert_eq!(
        decode(&[format!("{chunk}\n\ndata: [DONE]").as_bytes()]),
        [text("x"), STOP]
    );
}

#[test]
fn events_that_end_with_a_single_line_feed_are_told_apart() {
    let chunk = r#"data: {"choices":[{"delta":{"content":"x"}}]}"#;
    assert_eq!(
        decode(&[format!("{chunk}\n{chunk}\ndata: [DONE]\n\n").as_bytes()]),
        [text("x"), text("x"), STOP]
    );
}

#[test]
fn a_broken_chunk_is_named() {
    let events = chunks(&[
        r#"{"choices":[{"delta":{"content":"x"}}]}"#,
        r#"{"choices":[{"del sk-abcdefghijk"#,
    ]);
    let error = the_error(&events);
    assert_eq!(
        (events.len(), &events[0], error.class),
        (2, &text("x"), ErrorClass::BrokenStream)
    );
    assert_eq!(
        error.message,
        r#"The server sent what is not JSON: {"choices":[{"del [redacted]"#
    );
}

#[test]
fn wrong_types_lose_no_text() {
    let events = chunks(&[
        r#"{"id":7,"choices":{"a":1},"usage":"none","x_groq":[]}"#,
        r#"{"choices":[null,5,{"index":"0","delta":{"content":"a","refusal":7.5,"tool_calls":{"x":1},"role":[]},"finish_reason":{}}]}"#,
        r#"{"choices":[{"delta":{"content":"b","content":"c"}}]}"#,
        r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
        "5",
        "null",
        "\"x\"",
        "[]",
        " ",
    ]);
    let refusal = Event::Refusal("7.5".into());
    assert_eq!(events, [text("a"), refusal, text("c"), text("\u{fffd}"), INCOMPLETE]);
}

#[test]
fn a_second_choice_is_not_mixed_in() {
    let events = chunks(&[
        r#"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"c"},"finish_reason":"stop"}]}"#,
    ]);
    assert_eq!(events, [text("a"), INCOMPLETE]);
}

#[test]
fn an_answer_that_is_not_streamed_is_an_answer() {
    let answer = json!({"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "né",
        "reasoning_content": "r", "refusal": null}, "finish_reason": "length"}], "usage": {"prompt_tokens": 1}});
    let pretty = serde_json::to_string_pretty(&answer).unwrap();
    let expected = [
        reasoning("r"),
        text("né"),
        usage(1, 0, 0, 0),
        cut(Why::Length, "length"),
    ];
    for cut in 0..=pretty.len() {
        let (left, right) = pretty.as_bytes().split_at(cut);
        assert_eq!(decode(&[b" \r\n", left, right]), expected, "cut at {cut}");
    }
}

#[test]
fn an_error_instead_of_a_stream_is_an_error() {
    for body in [
        r#"{"error":{"message":"m","code":"insufficient_quota"}}"#,
        r#"[{"error":{"message":"m","code":"insufficient_quota"}}]"#,
        r#"{"message":"m","code":"insufficient_quota"}"#,
    ] {
        let events = decode(&[body.as_bytes()]);
        let error = the_error(&events);
        assert_eq!(
            (events.len(), error.class, error.message.as_str()),
            (1, ErrorClass::Quota, "m"),
            "{body}"
        );
    }
    assert_eq!(
        the_error(&decode(&[b"{\"choices\":[{\"mess"])).class,
        ErrorClass::BrokenStream
    );
}

#[test]
fn a_web_page_instead_of_a_stream_is_a_proxys() {
    let page = b"\n<!DOCTYPE html><html><head><title>Sign in to the network</title>";
    let events = decode(&[&page[..9], &page[9..]]);
    let error = the_error(&events);
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::Proxy, "Sign in to the network")
    );
    let endless = [b'<'; 100_000];
    let mut out = Vec::new();
    ChatDecoder::new().feed(&endless, &mut out);
    assert_eq!(the_error(&out).class, ErrorClass::Proxy);
}

#[test]
fn openais_reasoning_models_have_a_developer_and_no_temperature() {
    let roles = |model: &str, openai_models| {
        let dialect = Dialect {
            max_tokens_field: "max_completion_tokens",
            include_usage: false,
            openai_models,
        };
        let request = Request {
            model: model.into(),
            messages: vec![Message::said(Role::System, "s")],
            temperature: Some(0.5),
            ..Request::default()
        };
        let body = body(&request, &dialect);
        (body["messages"][0]["role"].clone(), body.get("temperature").is_some())
    };
    assert_eq!(roles("gpt-6.1-sol", true), (json!("developer"), false));
    assert_eq!(roles("gpt-5.6-sol", true), (json!("developer"), true));
    assert_eq!(roles("gpt-4o", true), (json!("system"), true));
    assert_eq!(roles("gpt-6.1-sol", false), (json!("system"), true));
}

#[test]
fn calls_without_end_are_not_kept() {
    let piece = |index: usize, arguments: &str| {
        let function = format!(r#"{{"name":"f","arguments":"{arguments}"}}"#);
        format!(r#"{{"tool_calls":[{{"index":{index},"id":"i{index}","function":{function}}}]}}"#)
    };
    let mut pieces: Vec<String> = (0..300).map(|index| piece(index, "")).collect();
    pieces.extend((0..30).map(|_| piece(0, &"x".repeat(64 * 1024))));
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let calls: Vec<usize> = deltas(&pieces)
        .iter()
        .filter_map(|event| match event {
            Event::ToolCall(call) => Some(call.arguments.len()),
            _ => None,
        })
        .collect();
    assert_eq!((calls.len(), calls.iter().sum::<usize>()), (256, 1024 * 1024));
}

#[test]
fn sources_that_come_with_every_chunk_are_told_once_and_by_their_titles() {
    let chunk = |text: &str| {
        format!(
            r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}],"citations":["https://a.example","https://b.example"],"search_results":[{{"title":"A","url":"https://a.example"}}]}}"#
        )
    };
    let annotated = r#"{"choices":[{"index":0,"delta":{"annotations":[{"type":"url_citation","url_citation":{"url":"https://c.example","title":"C"}}]},"finish_reason":"stop"}]}"#;
    let source = |url: &str, title: &str| {
        Event::Citation(Citation {
            url: url.into(),
            title: title.into(),
        })
    };
    assert_eq!(
        chunks(&[&chunk("x"), &chunk("y"), annotated, "[DONE]"]),
        [
            text("x"),
            source("https://a.example", "A"),
            source("https://b.example", ""),
            text("y"),
            source("https://c.example", "C"),
            STOP
        ]
    );
}

#[test]
fn the_word_of_the_provider_behind_a_router_is_told_too() {
    let end = r#"{"choices":[{"delta":{},"finish_reason":"error","native_finish_reason":"OVERLOADED"}]}"#;
    let cut = crate::provider::Cut::new(Why::Unknown, "error", "native_finish_reason: OVERLOADED");
    assert_eq!(chunks(&[end, "[DONE]"]), [Event::Finished(FinishReason::Cut(cut))]);
    let end = r#"{"choices":[{"delta":{},"finish_reason":"stop","native_finish_reason":"end_turn"}]}"#;
    assert_eq!(chunks(&[end, "[DONE]"]), [STOP]);
}
