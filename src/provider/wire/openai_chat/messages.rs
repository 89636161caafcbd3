//! Writes the turns of a request as messages: text, calls beside it, a message of the tool for each result.
//!
//! Facts (2026-11-28): OpenAI's [guide to function calling](https://platform.openai.com/docs/guides/function-calling?api-mode=chat);
//! [OpenRouter](https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks) takes `reasoning_details`
//! back as they were, [DeepSeek](https://api-docs.deepseek.com/guides/thinking_mode) refuses a call without the
//! `reasoning_content` that came with it.

use serde_json::{Map, Value, json};

use crate::provider::Tool;
use crate::provider::wire::alternating_roles::{Part, Turn};

/// Stands between results and the user's next words: Mistral's API, and templates of local models, want the model to
/// speak there.
const STOPPED: &str = "(My answer was stopped here.)";
/// The fields of a message that may be sealed.
const SEALED: [&str; 2] = ["reasoning_details", "reasoning_content"];

/// The messages of one side's words. `in_turn`: the sides must alternate.
pub(super) fn messages(turn: &Turn<'_>, in_turn: bool) -> Vec<Value> {
    match turn.is_user {
        true => from_user(turn, in_turn),
        false => vec![from_model(turn)],
    }
}

fn from_user(turn: &Turn<'_>, in_turn: bool) -> Vec<Value> {
    let result = |part: &Part<'_>| match part {
        Part::Result(result) => Some(json!({"role": "tool", "tool_call_id": result.id, "content": result.content})),
        _ => None,
    };
    let mut messages: Vec<Value> = turn.parts.iter().filter_map(result).collect();
    if let Some(text) = turn.text() {
        if in_turn && !messages.is_empty() {
            messages.push(json!({"role": "assistant", "content": STOPPED}));
        }
        messages.push(json!({"role": "user", "content": text}));
    }
    messages
}

fn from_model(turn: &Turn<'_>) -> Value {
    let mut message = Map::new();
    message.insert("role".into(), json!("assistant"));
    message.insert("content".into(), turn.text().map_or(Value::Null, Value::String));
    let mut calls = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Sealed(sealed) => seal(&mut message, sealed),
            Part::Call(call) => {
                let arguments = Value::Object(call.arguments.clone()).to_string();
                let function = json!({"name": call.name, "arguments": arguments});
                calls.push(json!({"id": call.id, "type": "function", "function": function}));
            }
            Part::Text(_) | Part::Result(_) => {}
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    Value::Object(message)
}

/// Adds the fields that were sealed; lists go on.
fn seal(message: &mut Map<String, Value>, sealed: &Value) {
    for name in SEALED {
        match (message.get_mut(name), sealed.get(name)) {
            (Some(Value::Array(all)), Some(Value::Array(more))) => all.extend(more.iter().cloned()),
            (None, Some(value)) => drop(message.insert(name.to_owned(), value.clone())),
            _ => {}
        }
    }
}

/// A tool that is offered.
pub(super) fn tool(tool: &Tool) -> Value {
    let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
    json!({"type": "function", "function": function})
}
