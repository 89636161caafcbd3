use super::*;
use crate::provider::wire::test_support::{self, cut, finished};
use crate::provider::{ErrorClass, Message, Role, Unshown, Why};

fn decode(body: &str) -> Vec<Event> {
    let late = b"{\"message\":{\"content\":\"late\"},\"done\":true}\n";
    test_support::decode(OllamaDecoder::new(), &[body.as_bytes()], late)
}

fn only_error(body: &str) -> ProviderError {
    match decode(body).as_slice() {
        [Event::Error(error)] => error.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_options_stand_apart_and_the_users_are_laid_over_them() {
    let request = Request {
        model: "qwen3".into(),
        messages: vec![Message::said(Role::System, "s")],
        temperature: Some(0.5),
        max_tokens: Some(7),
        params: serde_json::from_str(r#"{"think":false,"options":{"seed":1}}"#).unwrap(),
        ..Request::default()
    };
    let expected = json!({"model": "qwen3", "messages": [{"role": "system", "content": "s"}], "stream": true, "think": false,
        "options": {"num_ctx": 16384, "num_predict": 7, "temperature": 0.5, "seed": 1}});
    assert_eq!(body(&request, Some(16_384)), expected);
    let bare = Request::default();
    assert_eq!(body(&bare, None), json!({"model": "", "messages": [], "stream": true}));
}

#[test]
fn text_thinking_and_counts_come_line_by_line() {
    let body = "{\"message\":{\"thinking\":\"hm\"},\"done\":false}\r\n\n{\"message\":{\"content\":\"ok\"}}\n\
         {\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":5,\"eval_count\":2}";
    let usage = Usage {
        input: 5,
        output: 2,
        ..Usage::default()
    };
    let expected = [
        Event::Reasoning("hm".into()),
        Event::Text("ok".into()),
        Event::Usage(usage),
        finished(FinishReason::Stop),
    ];
    assert_eq!(decode(body), expected);
}

#[test]
fn arguments_are_handed_on_as_text() {
    let body = "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}},{\"id\":\"c\",\"function\":{\"name\":\"g\"}}]}}\n\
         {\"done\":true,\"done_reason\":\"stop\"}\n";
    let call = |id: &str, name: &str, arguments: &str| {
        Event::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
            signature: None,
        })
    };
    let expected = [
        call("", "f", "{\"a\":1}"),
        call("c", "g", "{}"),
        finished(FinishReason::ToolCalls),
    ];
    assert_eq!(decode(body), expected);
}

#[test]
fn an_answer_without_its_end_is_incomplete() {
    let line = "{\"message\":{\"content\":\"a\"}}";
    for body in [line.to_owned(), format!("{line}\n"), format!("{line}\n{{\"mess")] {
        assert_eq!(
            decode(&body),
            [Event::Text("a".into()), finished(FinishReason::Incomplete)]
        );
    }
    assert_eq!(decode(" \n"), [finished(FinishReason::Incomplete)]);
}

#[test]
fn the_limit_of_tokens_is_a_length() {
    assert_eq!(
        decode("{\"done\":true,\"done_reason\":\"length\"}\n"),
        [cut(Why::Length, "length")]
    );
}

#[test]
fn an_error_is_a_bare_text_also_in_mid_stream() {
    let error = only_error("{\"error\":\"model 'x' not found\"}");
    assert_eq!(
        (error.class, error.message.as_str()),
        (ErrorClass::ModelNotFound, "model 'x' not found")
    );
    let events = decode("{\"message\":{\"content\":\"a\"}}\n{\"error\":\"out of memory\"}\n");
    assert!(
        matches!(events.as_slice(), [Event::Text(_), Event::Error(error)] if error.message == "out of memory"),
        "{events:?}"
    );
}

#[test]
fn a_page_and_what_is_not_json_are_told_from_an_answer() {
    assert_eq!(only_error("<html><title>Login</title></html>").class, ErrorClass::Proxy);
    assert_eq!(
        only_error("\n<html>\n<title>Login</title></html>\n").class,
        ErrorClass::Proxy
    );
    assert_eq!(only_error("404 page not found\n").class, ErrorClass::BrokenStream);
    let late = decode("{\"message\":{\"content\":\"a\"}}\nnonsense\n{}\n");
    assert!(matches!(late.last(), Some(Event::Error(error)) if error.class == ErrorClass::BrokenStream));
    assert_eq!(only_error("{}").class, ErrorClass::BrokenStream);
}

#[test]
fn an_error_on_several_lines_is_read_as_one() {
    let error = only_error("{\n  \"error\": {\n    \"message\": \"no\"\n  }\n}\n");
    assert_eq!(error.message, "no");
}

#[test]
fn pictures_are_named_and_reasoning_between_tags_is_told_as_such() {
    let body = "{\"message\":{\"content\":\"<think>hm</th\"}}\n{\"message\":{\"content\":\"ink>ok\",\"images\":[\"iVBO\"]}}\n\
         {\"done\":true,\"done_reason\":\"stop\"}\n";
    let image = Event::Unshown(Unshown {
        kind: UnshownKind::Image,
        name: String::new(),
    });
    let expected = [
        Event::Reasoning("hm".into()),
        Event::Text("ok".into()),
        image,
        finished(FinishReason::Stop),
    ];
    assert_eq!(decode(body), expected);
}

#[test]
fn an_answer_of_generate_and_lines_that_a_proxy_made_an_event_stream_of_are_read() {
    let expected = [Event::Text("ok".into()), finished(FinishReason::Stop)];
    let end = "\"done\":true,\"done_reason\":\"stop\"}";
    for body in [
        format!("{{\"response\":\"ok\",{end}"),
        format!("{{\n\"response\": \"ok\",\n{end}"),
        format!("{{\n\"message\": {{\"content\": \"ok\"}},\n{end}"),
        format!(
            ": hello\n\nevent: message\ndata: {{\"message\":{{\"content\":\"ok\"}}}}\n\ndata: {{{end}\n\ndata: [DONE]\n\n"
        ),
    ] {
        assert_eq!(decode(&body), expected, "{body}");
    }
}
