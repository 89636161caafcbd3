//! Another model in mid-chat: what one provider said, thought and called, in the request to another one.

use serde_json::{Value, json};

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::{Request, Server};
use crate::support::strict;

/// The wires, each a provider of that name.
const WIRES: [&str; 5] = ["chat", "responses", "anthropic", "gemini", "ollama"];
/// What the model thinks: nobody else's business.
const THOUGHT: &str = "Secretly I think.";
/// What it calls.
const CALL: &str = "call_of_a_tool";

/// What a model does in one answer.
#[derive(Clone, Copy)]
struct Acts {
    says: Option<&'static str>,
    thinks_and_calls: bool,
}

/// The first answer thinks, speaks and calls a tool; the second only calls; the others only speak.
fn acts(turn: usize) -> Acts {
    let says = (turn != 1).then_some("fine");
    let thinks_and_calls = turn < 2;
    Acts { says, thinks_and_calls }
}

fn answer_on(path: &str, acts: Acts) -> Answer {
    match path {
        path if path.ends_with("/chat/completions") => chat(acts),
        path if path.ends_with("/responses") => responses(acts),
        path if path.ends_with("/messages") => anthropic(acts),
        path if path.ends_with("/api/chat") => ollama(acts),
        _ => gemini(acts),
    }
}

fn sse(frames: &[Option<Value>]) -> Answer {
    let texts: Vec<String> = frames.iter().flatten().map(Value::to_string).collect();
    Answer::sse(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

fn chat(acts: Acts) -> Answer {
    let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let function = json!({"name": "look", "arguments": "{\"at\":1}"});
    let call = json!({"tool_calls": [{"index": 0, "id": CALL, "type": "function", "function": function}]});
    let reason = if acts.thinks_and_calls { "tool_calls" } else { "stop" };
    sse(&[
        acts.thinks_and_calls
            .then(|| delta(json!({"content": null, "reasoning_content": THOUGHT}))),
        acts.says.map(|text| delta(json!({"content": text}))),
        acts.thinks_and_calls.then(|| delta(call)),
        Some(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})),
    ])
}

fn responses(acts: Acts) -> Answer {
    let text = |kind: &str, at: u64, delta: &str| {
        json!({"type": format!("response.{kind}.delta"), "item_id": format!("i{at}"), "output_index": at,
            "summary_index": 0, "content_index": 0, "delta": delta})
    };
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": CALL, "name": "look", "arguments": "{}"});
    sse(&[
        acts.thinks_and_calls
            .then(|| text("reasoning_summary_text", 0, THOUGHT)),
        acts.says.map(|said| text("output_text", 1, said)),
        acts.thinks_and_calls
            .then(|| json!({"type": "response.output_item.done", "output_index": 2, "item": call})),
        Some(json!({"type": "response.completed", "response": {"status": "completed", "output": []}})),
    ])
}

fn anthropic(acts: Acts) -> Answer {
    let start = |at: u64, block: Value| json!({"type": "content_block_start", "index": at, "content_block": block});
    let delta = |at: u64, delta: Value| json!({"type": "content_block_delta", "index": at, "delta": delta});
    let thinks = acts.thinks_and_calls;
    let reason = if thinks { "tool_use" } else { "end_turn" };
    sse(&[
        thinks.then(|| start(0, json!({"type": "thinking", "thinking": ""}))),
        thinks.then(|| delta(0, json!({"type": "thinking_delta", "thinking": THOUGHT}))),
        thinks.then(|| delta(0, json!({"type": "signature_delta", "signature": "c2lnbmVk"}))),
        acts.says.map(|_| start(1, json!({"type": "text", "text": ""}))),
        acts.says
            .map(|said| delta(1, json!({"type": "text_delta", "text": said}))),
        thinks.then(|| start(2, json!({"type": "tool_use", "id": CALL, "name": "look", "input": {}}))),
        Some(json!({"type": "message_delta", "delta": {"stop_reason": reason}})),
        Some(json!({"type": "message_stop"})),
    ])
}

fn gemini(acts: Acts) -> Answer {
    let chunk = |part: Value| json!({"candidates": [{"content": {"role": "model", "parts": [part]}}]});
    let call = json!({"functionCall": {"id": CALL, "name": "look", "args": {}}, "thoughtSignature": "c2lnbmVk"});
    sse(&[
        acts.thinks_and_calls
            .then(|| chunk(json!({"text": THOUGHT, "thought": true}))),
        acts.says.map(|said| chunk(json!({"text": said}))),
        acts.thinks_and_calls.then(|| chunk(call)),
        Some(json!({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]})),
    ])
}

fn ollama(acts: Acts) -> Answer {
    let line = |message: Value| json!({"message": message, "done": false});
    let call = json!({"content": "", "tool_calls": [{"id": CALL, "function": {"name": "look", "arguments": {}}}]});
    let lines = [
        acts.thinks_and_calls
            .then(|| line(json!({"content": "", "thinking": THOUGHT}))),
        acts.says.map(|said| line(json!({"content": said}))),
        acts.thinks_and_calls.then(|| line(call)),
        Some(json!({"message": {"content": ""}, "done": true, "done_reason": "stop"})),
    ];
    let body: String = lines.iter().flatten().map(|line| format!("{line}\n")).collect();
    Answer::whole(200, "application/x-ndjson", &body)
}

async fn editor(server: &Server, first: &str) -> Nvim {
    let url = server.url();
    unconfigured()
        .config(format!(
            "{{ model = '{first}/m', providers = {{
                chat = {{ base_url = '{url}/v1', key = false }},
                responses = {{ base_url = '{url}/v1', wire = 'responses', key = false }},
                anthropic = {{ base_url = '{url}/v1', key = false }},
                gemini = {{ base_url = '{url}/v1beta', key = false }},
                ollama = {{ base_url = '{url}' }},
            }} }}"
        ))
        .start()
        .await
}

/// A chat that begins on this wire and goes on on each: no provider gets what it would refuse.
async fn history_of(first: &str) {
    let mut turn = 0;
    let server = Server::start(move |request: &Request| {
        turn += 1;
        answer_on(&request.path, acts(turn - 1))
    })
    .await;
    let nvim = editor(&server, first).await;
    open(&nvim).await;
    for (n, wire) in [first, first].into_iter().chain(WIRES).enumerate() {
        nvim.command(&format!("GPTModel {wire}/m")).await;
        wait(&nvim, format!("return require('gpt').status().model == '{wire}/m'")).await;
        say(&nvim, &format!("question {n}")).await;
        let request = server.next_request().await;
        ended(&nvim, n + 1).await;
        let (path, body) = (&request.path, request.json());
        if let Err(reason) = strict::check(path, &body) {
            panic!("{first} before {wire}: {reason}\n{body:#}");
        }
        let body = body.to_string();
        assert!((0..=n).all(|n| body.contains(&format!("question {n}"))), "{body}");
        assert!(n == 0 || body.contains("fine"), "{body}");
        assert!(!body.contains(THOUGHT) && !body.contains(CALL), "{body}");
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn reasoning_and_tool_calls_of_chat_completions_do_not_reach_another_provider() {
    history_of("chat").await;
}

#[tokio::test]
async fn reasoning_and_tool_calls_of_responses_do_not_reach_another_provider() {
    history_of("responses").await;
}

#[tokio::test]
async fn reasoning_and_tool_calls_of_anthropic_do_not_reach_another_provider() {
    history_of("anthropic").await;
}

#[tokio::test]
async fn reasoning_and_tool_calls_of_gemini_do_not_reach_another_provider() {
    history_of("gemini").await;
}

#[tokio::test]
async fn reasoning_and_tool_calls_of_ollama_do_not_reach_another_provider() {
    history_of("ollama").await;
}
