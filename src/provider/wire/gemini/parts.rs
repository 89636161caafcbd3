//! Writes the turns of a request as contents of parts: text, calls with their signatures, and results.
//!
//! Facts (2026-11-28): Google's pages on [function calling](https://ai.google.dev/gemini-api/docs/function-calling) and on
//! [thought signatures](https://ai.google.dev/gemini-api/docs/thought-signatures). Gemini 3 and later refuse a call of the
//! current turn whose part lacks its signature; of parallel calls only the first has one. A call that another model made, or
//! whose signature is lost, has the word in its place that the page names for that. Signatures of texts are recommended and
//! not checked: they are kept, and not sent.

use serde_json::{Map, Value, json};

use crate::provider::Tool;
use crate::provider::wire::alternating_roles::{Answered, Call, Part, Turn};

/// Stands for a signature that there is none of.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// One side's words.
pub(super) fn content(turn: &Turn<'_>, model: &str) -> Value {
    let role = if turn.is_user { "user" } else { "model" };
    let mut is_first = checks_signatures(model);
    let part = |part: &Part<'_>| match part {
        Part::Text(text) => Some(json!({"text": text})),
        Part::Sealed(_) => None,
        Part::Call(call) => Some(self::call(call, std::mem::take(&mut is_first))),
        Part::Result(result) => Some(self::result(result)),
    };
    json!({"role": role, "parts": turn.parts.iter().filter_map(part).collect::<Vec<_>>()})
}

/// Whether the model refuses calls without their signatures: all since Gemini 3.
fn checks_signatures(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let version = name.strip_prefix("gemini-").unwrap_or_default();
    let major: String = version.chars().take_while(char::is_ascii_digit).collect();
    major.parse::<u32>().is_ok_and(|major| major >= 3)
}

fn call(call: &Call<'_>, needs_signature: bool) -> Value {
    let mut function = Map::new();
    if let Some(id) = call.given {
        function.insert("id".into(), json!(id));
    }
    function.insert("name".into(), json!(call.name));
    function.insert("args".into(), json!(call.arguments));
    let mut part = Map::new();
    part.insert("functionCall".into(), Value::Object(function));
    let signature = call.sealed.and_then(|sealed| sealed.get("thoughtSignature")?.as_str());
    if let Some(signature) = signature.or_else(|| needs_signature.then_some(NO_SIGNATURE)) {
        part.insert("thoughtSignature".into(), json!(signature));
    }
    Value::Object(part)
}

fn result(result: &Answered<'_>) -> Value {
    let mut function = Map::new();
    if let Some(id) = result.given {
        function.insert("id".into(), json!(id));
    }
    function.insert("name".into(), json!(result.name));
    let field = if result.is_error { "error" } else { "output" };
    function.insert("response".into(), json!({ field: result.content }));
    json!({"functionResponse": function})
}

/// A tool that is offered.
pub(super) fn tool(tool: &Tool) -> Value {
    json!({"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters})
}
