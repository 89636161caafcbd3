//! Writes the turns of a request as messages of content blocks: text, thinking as it was signed, calls and their results.
//!
//! Facts (2026-11-28): Anthropic's pages on [tool use](https://docs.claude.com/en/docs/agents-and-tools/tool-use/implement-tool-use)
//! and on [extended thinking](https://docs.claude.com/en/docs/build-with-claude/extended-thinking). The results of all calls of
//! a message stand in the next one, before its text; blocks of thinking are taken back unchanged and in their order, and no
//! message ends with one.

use serde_json::{Map, Value, json};

use crate::provider::Tool;
use crate::provider::wire::alternating_roles::{Part, Turn};

/// A message. One that is nothing but text is written as such.
pub(super) fn message(turn: &Turn<'_>) -> Value {
    let role = if turn.is_user { "user" } else { "assistant" };
    match turn.only_text() {
        Some(text) => json!({"role": role, "content": text}),
        None => json!({"role": role, "content": turn.parts.iter().filter_map(block).collect::<Vec<_>>()}),
    }
}

fn block(part: &Part<'_>) -> Option<Value> {
    Some(match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Sealed(sealed) => {
            let kind = sealed.get("type").and_then(Value::as_str);
            return matches!(kind, Some("thinking" | "redacted_thinking")).then(|| Value::clone(sealed));
        }
        Part::Call(call) => json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}),
        Part::Result(result) => {
            let mut block = Map::new();
            block.insert("type".into(), json!("tool_result"));
            block.insert("tool_use_id".into(), json!(result.id));
            block.insert("content".into(), json!(result.content));
            if result.is_error {
                block.insert("is_error".into(), json!(true));
            }
            Value::Object(block)
        }
    })
}

/// A tool that is offered.
pub(super) fn tool(tool: &Tool) -> Value {
    json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})
}
