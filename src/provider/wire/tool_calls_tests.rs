//! Chains of calls on every wire: random conversations, checked against the rules that the providers document.
//!
//! The rules: `turns` and the wires' own modules name the pages.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{anthropic, gemini, ollama, openai_chat, openai_responses};
use crate::provider::{Dialect, Request, Tool};
use crate::transcript::{Block, Message, NOT_RUN, Role, Signature, ToolCall, ToolResult};

const LABEL: &str = "p/m";

fn dialect(openai_models: bool) -> Dialect {
    Dialect {
        max_tokens_field: "max_tokens",
        include_usage: false,
        openai_models,
    }
}

fn request(messages: Vec<Message>) -> Request {
    let parameters = json!({"type": "object"});
    let tool = Tool {
        name: "read".into(),
        description: "Reads.".into(),
        parameters,
    };
    Request {
        model: "gemini-3-pro".into(),
        label: LABEL.into(),
        messages,
        tools: vec![tool],
        ..Request::default()
    }
}

fn signature(by: &str, sealed: Value) -> Option<Signature> {
    let by = by.to_owned();
    Some(Signature { by, sealed })
}

fn text(text: &str) -> Block {
    Block::Text(text.into())
}

fn thought(by: &str, sealed: Value) -> Block {
    Block::Reasoning {
        text: "hm".into(),
        signature: signature(by, sealed),
    }
}

fn call(id: &str, signature: Option<Signature>) -> Block {
    Block::ToolCall(ToolCall {
        id: id.into(),
        name: "read".into(),
        arguments: r#"{"path":"a"}"#.into(),
        signature,
    })
}

fn result(id: &str, content: &str, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call: id.into(),
        content: content.into(),
        is_error,
    })
}

fn answer(blocks: Vec<Block>) -> Message {
    Message {
        blocks,
        ..Message::said(Role::Assistant, "")
    }
}

/// A question, and an answer of text, two calls at once, their results and text.
fn exchange(sealed: Value, signature: Option<Signature>) -> Vec<Message> {
    let blocks = vec![
        thought(LABEL, sealed),
        text("I look."),
        call("a", signature),
        call("b", None),
        result("b", "two", true),
        result("a", "one", false),
        text("There."),
    ];
    vec![
        Message::said(Role::User, "q"),
        answer(blocks),
        Message::said(Role::User, "r"),
    ]
}

#[test]
fn anthropic_gets_thinking_calls_and_all_results_at_once() {
    let thinking = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    let body = anthropic::body(&request(exchange(thinking.clone(), None)));
    let expected = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "content": [thinking, {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "a", "name": "read", "input": {"path": "a"}},
            {"type": "tool_use", "id": "b", "name": "read", "input": {"path": "a"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "one"},
            {"type": "tool_result", "tool_use_id": "b", "content": "two", "is_error": true}]},
        {"role": "assistant", "content": "There."},
        {"role": "user", "content": "r"}]);
    assert_eq!(body["messages"], expected);
    assert_eq!(body["tools"][0]["input_schema"], json!({"type": "object"}));
}

#[test]
fn gemini_gets_each_signature_on_its_own_call() {
    let given = signature(LABEL, json!({"thoughtSignature": "s"}));
    let body = gemini::body(&request(exchange(Value::Null, given)));
    let expected = json!([{"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "I look."},
            {"functionCall": {"id": "a", "name": "read", "args": {"path": "a"}}, "thoughtSignature": "s"},
            {"functionCall": {"id": "b", "name": "read", "args": {"path": "a"}}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "a", "name": "read", "response": {"output": "one"}}},
            {"functionResponse": {"id": "b", "name": "read", "response": {"error": "two"}}}]},
        {"role": "model", "parts": [{"text": "There."}]},
        {"role": "user", "parts": [{"text": "r"}]}]);
    assert_eq!(body["contents"], expected);
    let lost = gemini::body(&request(exchange(Value::Null, None)));
    let signature = &lost["contents"][1]["parts"][1]["thoughtSignature"];
    assert_eq!(signature, "skip_thought_signature_validator");
}

#[test]
fn responses_gets_its_items_back_in_their_order() {
    let reasoning = json!({"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "s"});
    let mut request = request(exchange(reasoning.clone(), None));
    request.model = "gpt-6-sol".into();
    let body = openai_responses::body(&request);
    let said = |role: &str, text: &str| json!({"type": "message", "role": role, "content": text});
    let called =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "read", "arguments": "{\"path\":\"a\"}"});
    let output = |id: &str, text: &str| json!({"type": "function_call_output", "call_id": id, "output": text});
    let expected = json!([
        said("user", "q"),
        reasoning,
        said("assistant", "I look."),
        called("a"),
        called("b"),
        output("a", "one"),
        output("b", "two"),
        said("assistant", "There."),
        said("user", "r")
    ]);
    assert_eq!(body["input"], expected);
    assert_eq!(
        (&body["include"], &body["store"]),
        (&json!(["reasoning.encrypted_content"]), &json!(false))
    );
}

#[test]
fn chat_gets_calls_beside_the_text_and_a_message_for_each_result() {
    let details = json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "s"}]});
    let body = openai_chat::body(&request(exchange(details.clone(), None)), &dialect(true));
    let function = json!({"name": "read", "arguments": "{\"path\":\"a\"}"});
    let expected = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "content": "I look.", "reasoning_details": details["reasoning_details"], "tool_calls": [
            {"id": "a", "type": "function", "function": function},
            {"id": "b", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "a", "content": "one"},
        {"role": "tool", "tool_call_id": "b", "content": "two"},
        {"role": "assistant", "content": "There."},
        {"role": "user", "content": "r"}]);
    assert_eq!(body["messages"], expected);
}

#[test]
fn ollama_gets_arguments_as_an_object_and_results_by_the_tools_name() {
    let body = ollama::body(&request(exchange(Value::Null, None)), None);
    let function = json!({"function": {"name": "read", "arguments": {"path": "a"}}});
    let expected = json!([{"role": "user", "content": "q"},
        {"role": "assistant", "content": "I look.", "tool_calls": [function, function]},
        {"role": "tool", "tool_name": "read", "content": "one"},
        {"role": "tool", "tool_name": "read", "content": "two"},
        {"role": "assistant", "content": "There."},
        {"role": "user", "content": "r"}]);
    assert_eq!(body["messages"], expected);
}

/// The bodies of all wires, each with the place of its conversation.
fn bodies(request: &Request) -> [(&'static str, Value); 6] {
    let of = |mut body: Value, place: &str| body[place].take();
    [
        ("anthropic", of(anthropic::body(request), "messages")),
        ("gemini", of(gemini::body(request), "contents")),
        ("responses", of(openai_responses::body(request), "input")),
        (
            "openai chat",
            of(openai_chat::body(request, &dialect(true)), "messages"),
        ),
        ("chat", of(openai_chat::body(request, &dialect(false)), "messages")),
        ("ollama", of(ollama::body(request, None), "messages")),
    ]
}

#[test]
fn what_another_one_signed_is_left_out_on_every_wire() {
    let sealed = json!({"type": "thinking", "thinking": "hm", "signature": "foreign", "encrypted_content": "foreign",
        "reasoning_details": ["foreign"], "reasoning_content": "foreign", "thoughtSignature": "foreign"});
    let blocks = vec![
        thought("other/m", sealed.clone()),
        call("a", signature("p/other", sealed)),
        result("a", "one", false),
        text("There."),
    ];
    let request = request(vec![Message::said(Role::User, "q"), answer(blocks)]);
    for (wire, body) in bodies(&request) {
        assert!(!body.to_string().contains("foreign"), "{wire}: {body}");
    }
}

#[test]
fn a_call_that_was_stopped_has_a_result_on_every_wire() {
    let request = request(vec![
        Message::said(Role::User, "q"),
        answer(vec![text("I look."), call("a", None)]),
        Message::said(Role::User, "r"),
    ]);
    for (wire, body) in bodies(&request) {
        assert!(body.to_string().contains(NOT_RUN), "{wire}: {body}");
    }
}

#[test]
fn without_tools_an_answer_is_its_text_on_every_wire() {
    let mut plain = request(exchange(json!({"type": "thinking"}), None));
    plain.tools.clear();
    let mut said = plain.clone();
    said.messages[1] = Message::said(Role::Assistant, "I look.There.");
    assert_eq!(bodies(&plain), bodies(&said));
}

/// What the checkers see of a conversation, whichever wire it is on.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    User,
    Model,
    /// The ids of calls that one message makes.
    Calls(Vec<String>),
    /// The ids of the results that follow.
    Results(Vec<String>),
}

fn id_of(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn blank(text: &Value) -> bool {
    text.as_str().is_none_or(|text| text.trim().is_empty())
}

/// Each list of calls is followed by its results at once, and each id is there once; nothing else is a result.
fn every_call_is_answered_once(seen: &[Seen]) -> Result<(), String> {
    let mut ids = std::collections::HashSet::new();
    for (at, part) in seen.iter().enumerate() {
        match part {
            Seen::Calls(calls) => {
                if seen.get(at + 1) != Some(&Seen::Results(calls.clone())) {
                    return Err(format!("{calls:?} are not answered"));
                }
                if !calls.iter().all(|id| ids.insert(id.clone())) {
                    return Err(format!("{calls:?} were there before"));
                }
            }
            Seen::Results(_) if !matches!(at.checked_sub(1).map(|at| &seen[at]), Some(Seen::Calls(_))) => {
                return Err("results of nothing".into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_anthropic(messages: &Value) -> Result<(), String> {
    let mut seen = Vec::new();
    for (at, message) in list(messages).iter().enumerate() {
        let is_user = message["role"] == "user";
        if is_user != (at % 2 == 0) {
            return Err("the sides do not alternate".into());
        }
        let blocks = match &message["content"] {
            Value::String(text) => vec![json!({"type": "text", "text": text})],
            blocks => list(blocks),
        };
        if blocks.is_empty()
            || blocks
                .iter()
                .any(|block| block["type"] == "text" && blank(&block["text"]))
        {
            return Err("empty content".into());
        }
        if blocks.last().is_some_and(|last| last["type"] == "thinking") {
            return Err("thinking at the end".into());
        }
        let of = |kind: &str, name: &str| -> Vec<String> {
            let blocks = blocks.iter().filter(|block| block["type"] == kind);
            blocks.map(|block| id_of(block, name)).collect()
        };
        let (calls, results) = (of("tool_use", "id"), of("tool_result", "tool_use_id"));
        let first = blocks.iter().take(results.len());
        if first.clone().any(|block| block["type"] != "tool_result") {
            return Err("results are not first".into());
        }
        if blocks
            .iter()
            .any(|block| block["type"] == "tool_result" && blank(&block["content"]))
        {
            return Err("an empty result".into());
        }
        match (calls.is_empty(), results.is_empty()) {
            (false, true) => seen.push(Seen::Calls(calls)),
            (true, false) => seen.push(Seen::Results(results)),
            (true, true) => seen.push(if is_user { Seen::User } else { Seen::Model }),
            (false, false) => return Err("calls and results at once".into()),
        }
    }
    every_call_is_answered_once(&seen)
}

fn check_gemini(contents: &Value) -> Result<(), String> {
    let mut seen = Vec::new();
    let mut number = 0;
    for (at, content) in list(contents).iter().enumerate() {
        let is_user = content["role"] == "user";
        let parts = list(&content["parts"]);
        if is_user != (at % 2 == 0) || parts.is_empty() {
            return Err("the sides do not alternate, or say nothing".into());
        }
        let with = |name: &str| parts.iter().filter(|part| part.get(name).is_some()).count();
        let (calls, results) = (with("functionCall"), with("functionResponse"));
        let mut first = parts.iter().filter(|part| part.get("functionCall").is_some());
        if first.next().is_some_and(|part| part.get("thoughtSignature").is_none()) {
            return Err("no signature".into());
        }
        // They are told by their places, not by their ids.
        let numbered = |count: usize, from: usize| (from..from + count).map(|id| id.to_string()).collect();
        match (calls, results) {
            (0, 0) => seen.push(if is_user { Seen::User } else { Seen::Model }),
            (calls, 0) => seen.push(Seen::Calls(numbered(calls, number))),
            (0, results) => {
                seen.push(Seen::Results(numbered(results, number)));
                number += results;
            }
            _ => return Err("calls and results at once".into()),
        }
    }
    every_call_is_answered_once(&seen)
}

fn check_responses(input: &Value) -> Result<(), String> {
    let items = list(input);
    let mut seen: Vec<Seen> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let next = items.get(at + 1);
        match item["type"].as_str() {
            Some("reasoning") => {
                let follows = next.is_some_and(|next| next["role"] == "assistant" || next["type"] == "function_call");
                if !follows && next.is_none_or(|next| next["type"] != "reasoning") {
                    return Err("reasoning without its next item".into());
                }
            }
            Some("function_call") => match seen.last_mut() {
                Some(Seen::Calls(calls)) => calls.push(id_of(item, "call_id")),
                _ => seen.push(Seen::Calls(vec![id_of(item, "call_id")])),
            },
            Some("function_call_output") if blank(&item["output"]) => return Err("an empty result".into()),
            Some("function_call_output") => match seen.last_mut() {
                Some(Seen::Results(results)) => results.push(id_of(item, "call_id")),
                _ => seen.push(Seen::Results(vec![id_of(item, "call_id")])),
            },
            _ if blank(&item["content"]) => return Err("empty content".into()),
            // Text may stand between the calls of one step.
            _ if matches!(seen.last(), Some(Seen::Calls(_))) && item["role"] == "assistant" => {}
            _ => seen.push(if item["role"] == "user" {
                Seen::User
            } else {
                Seen::Model
            }),
        }
    }
    every_call_is_answered_once(&seen)
}

/// `in_turn`: user and model must alternate, and nothing of the user's follows a result. `has_ids`: Ollama's have none.
fn check_chat(messages: &Value, in_turn: bool, has_ids: bool) -> Result<(), String> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut number = 0;
    for message in list(messages) {
        let calls = list(&message["tool_calls"]);
        match message["role"].as_str() {
            Some("tool") => {
                if blank(&message["content"]) {
                    return Err("an empty result".into());
                }
                let id = match has_ids {
                    true => id_of(&message, "tool_call_id"),
                    false => number.to_string(),
                };
                number += 1;
                match seen.last_mut() {
                    Some(Seen::Results(results)) => results.push(id),
                    _ => seen.push(Seen::Results(vec![id])),
                }
            }
            Some("assistant") if !calls.is_empty() => {
                let id = |(at, call): (usize, &Value)| match has_ids {
                    true => id_of(call, "id"),
                    false => (number + at).to_string(),
                };
                seen.push(Seen::Calls(calls.iter().enumerate().map(id).collect()));
            }
            _ if blank(&message["content"]) => return Err("empty content".into()),
            Some("assistant") => seen.push(Seen::Model),
            _ => seen.push(Seen::User),
        }
    }
    if in_turn {
        let is_odd = |pair: &[Seen]| match pair {
            [Seen::User, other] => !matches!(other, Seen::Model | Seen::Calls(_)),
            [Seen::Model, other] => *other != Seen::User,
            [Seen::Results(_), other] => *other == Seen::User,
            _ => false,
        };
        if seen.first().is_some_and(|first| *first != Seen::User) || seen.windows(2).any(is_odd) {
            return Err("the sides do not alternate".into());
        }
    }
    every_call_is_answered_once(&seen)
}

fn any_block() -> impl Strategy<Value = Block> {
    let id = prop::sample::select(vec!["", "a", "b", "call:1", "nvim00001", "call00001"]);
    let by = prop::sample::select(vec![LABEL, "other/m", ""]);
    let said = prop::sample::select(vec!["", " \n", "I look.", "é\n\n"]);
    let sealed = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    let item = json!({"type": "reasoning", "encrypted_content": "s", "summary": []});
    prop_oneof![
        said.clone().prop_map(text),
        said.clone().prop_map(|said| Block::Refusal(said.into())),
        by.clone().prop_map(move |by| thought(by, sealed.clone())),
        by.clone().prop_map(move |by| thought(by, item.clone())),
        (id.clone(), by).prop_map(|(id, by)| call(id, signature(by, json!({"thoughtSignature": "s"})))),
        (id.clone(), said.clone()).prop_map(|(id, said)| {
            Block::ToolCall(ToolCall {
                id: id.into(),
                name: said.into(),
                arguments: said.into(),
                signature: None,
            })
        }),
        (id, said, any::<bool>()).prop_map(|(id, said, is_error)| result(id, said, is_error)),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let said = prop::sample::select(vec!["q", "", "r\n"]);
    prop_oneof![
        said.prop_map(|said| Message::said(Role::User, said)),
        prop::collection::vec(any_block(), 0..9).prop_map(answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_said_each_wire_gets_what_its_provider_takes(messages in prop::collection::vec(any_message(), 0..7)) {
        let request = request(messages);
        let [anthropic, gemini, responses, openai, chat, ollama] = bodies(&request).map(|(_, body)| body);
        for (wire, checked, body) in [
            ("anthropic", check_anthropic(&anthropic), anthropic),
            ("gemini", check_gemini(&gemini), gemini),
            ("responses", check_responses(&responses), responses),
            ("openai chat", check_chat(&openai, false, true), openai),
            ("chat", check_chat(&chat, true, true), chat),
            ("ollama", check_chat(&ollama, false, false), ollama),
        ] {
            prop_assert!(checked.is_ok(), "{wire}: {checked:?} {body}");
        }
    }
}
