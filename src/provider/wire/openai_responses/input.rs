//! Writes the turns of a request as input items: messages, reasoning as it was sealed, calls and their outputs.
//!
//! Facts (2026-11-28): OpenAI's [guide to reasoning](https://platform.openai.com/docs/guides/reasoning) and to
//! [function calling](https://platform.openai.com/docs/guides/function-calling). What is not stored there is sent back as
//! items in their order; an item of reasoning without the item that followed it is refused.

use serde_json::{Value, json};

use crate::provider::Tool;
use crate::provider::wire::alternating_roles::{Part, Turn};

/// The items of one side's words.
pub(super) fn items(turn: &Turn<'_>) -> Vec<Value> {
    let role = if turn.is_user { "user" } else { "assistant" };
    let item = |part: &Part<'_>| match part {
        Part::Text(text) => Some(json!({"type": "message", "role": role, "content": text})),
        Part::Sealed(sealed) => {
            let is_reasoning = sealed.get("type").and_then(Value::as_str) == Some("reasoning");
            is_reasoning.then(|| Value::clone(sealed))
        }
        Part::Call(call) => {
            let arguments = Value::Object(call.arguments.clone()).to_string();
            Some(json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}))
        }
        Part::Result(result) => {
            Some(json!({"type": "function_call_output", "call_id": result.id, "output": result.content}))
        }
    };
    turn.parts.iter().filter_map(item).collect()
}

/// A tool that is offered. Not strictly: that wants schemas in which nothing is optional.
pub(super) fn tool(tool: &Tool) -> Value {
    json!({"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters,
        "strict": false})
}
