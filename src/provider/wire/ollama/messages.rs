//! Writes the conversation of a request as messages: text, calls beside it, a message of the tool for each result.
//!
//! Facts (2026-11-28): Ollama's page on [tool calling](https://docs.ollama.com/capabilities/tool-calling). Arguments are an
//! object, a result names its tool, and calls have no ids.

use serde_json::{Map, Value, json};

use crate::provider::wire::alternating_roles::{self, Part, Turn};
use crate::provider::{Request, Tool};

/// The instructions and the messages.
pub(super) fn all(request: &Request) -> Value {
    let instructions = alternating_roles::instructions(&request.messages);
    let system = (!instructions.is_empty()).then(|| json!({"role": "system", "content": instructions}));
    let turns = alternating_roles::list(request);
    system.into_iter().chain(turns.iter().flat_map(messages)).collect()
}

fn messages(turn: &Turn<'_>) -> Vec<Value> {
    let role = if turn.is_user { "user" } else { "assistant" };
    let mut messages = Vec::new();
    let mut said = Map::new();
    let mut calls = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Result(result) => {
                messages.push(json!({"role": "tool", "tool_name": result.name, "content": result.content}));
            }
            Part::Call(call) => calls.push(json!({"function": {"name": call.name, "arguments": call.arguments}})),
            Part::Text(_) | Part::Sealed(_) => {}
        }
    }
    let text = turn.text();
    if text.is_some() || !calls.is_empty() {
        said.insert("role".into(), json!(role));
        said.insert("content".into(), json!(text.unwrap_or_default()));
    }
    if !calls.is_empty() {
        said.insert("tool_calls".into(), Value::Array(calls));
    }
    if !said.is_empty() {
        messages.push(Value::Object(said));
    }
    messages
}

/// A tool that is offered.
pub(super) fn tool(tool: &Tool) -> Value {
    let function = json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters});
    json!({"type": "function", "function": function})
}
