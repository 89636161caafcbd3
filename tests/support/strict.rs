//! What each API insists on in a request, and answers with HTTP 400 otherwise: a checker that is stricter than any of them.
//!
//! Sources (2026-11): the reference pages of OpenAI (Chat Completions, Responses), Anthropic (Messages), Google
//! (`generateContent`) and Ollama (`/api/chat`); for the alternation in Chat Completions those of Perplexity and Mistral, and
//! the chat templates of Gemma and Mistral that local servers run.

use serde_json::{Map, Value};

type Checked = Result<(), String>;

/// Whether this request is one that the API at this path accepts.
pub fn check(path: &str, body: &Value) -> Checked {
    let body = object(body)?;
    match path {
        path if path.ends_with("/chat/completions") => chat(body),
        path if path.ends_with("/responses") => responses(body),
        path if path.ends_with("/messages") => anthropic(body),
        path if path.contains(":streamGenerateContent") => gemini(body),
        path if path.ends_with("/api/chat") => ollama(body),
        other => Err(format!("no such API: {other}")),
    }
}

fn chat(body: &Map<String, Value>) -> Checked {
    let limits = ["max_tokens", "max_completion_tokens"];
    let known = ["model", "messages", "stream", "stream_options", "temperature"];
    only(body, &[&known[..], &limits].concat())?;
    let mut said = array(body, "messages")?;
    if let Some((first, rest)) = said.split_first()
        && matches!(first["role"].as_str(), Some("system" | "developer"))
    {
        words(object(first)?, "content")?;
        said = rest;
    }
    in_turn(said, "content", ["user", "assistant"])
}

fn responses(body: &Map<String, Value>) -> Checked {
    let known = [
        "model",
        "instructions",
        "input",
        "stream",
        "store",
        "temperature",
        "max_output_tokens",
    ];
    only(body, &known)?;
    let input = array(body, "input")?;
    for item in input {
        let item = object(item)?;
        only(item, &["type", "role", "content"])?;
        role(item, ["user", "assistant"])?;
        words(item, "content")?;
        if item.get("type") != Some(&Value::from("message")) {
            return Err(format!("an item of another provider's: {item:?}"));
        }
    }
    ends_with_the_user(input)
}

fn anthropic(body: &Map<String, Value>) -> Checked {
    only(
        body,
        &["model", "max_tokens", "system", "messages", "stream", "temperature"],
    )?;
    if body
        .get("max_tokens")
        .and_then(Value::as_u64)
        .is_none_or(|limit| limit == 0)
    {
        return Err("max_tokens is required".into());
    }
    if body.contains_key("system") {
        words(body, "system")?;
    }
    in_turn(array(body, "messages")?, "content", ["user", "assistant"])
}

fn gemini(body: &Map<String, Value>) -> Checked {
    only(body, &["systemInstruction", "contents", "generationConfig"])?;
    if let Some(system) = body.get("systemInstruction") {
        only(object(system)?, &["parts"])?;
        parts(object(system)?)?;
    }
    let contents = array(body, "contents")?;
    for content in contents {
        parts(object(content)?)?;
    }
    in_turn(contents, "parts", ["user", "model"])
}

fn ollama(body: &Map<String, Value>) -> Checked {
    only(body, &["model", "messages", "stream", "options"])?;
    let said = array(body, "messages")?;
    for message in said {
        let message = object(message)?;
        only(message, &["role", "content"])?;
        role(message, ["system", "user", "assistant"])?;
        words(message, "content")?;
    }
    ends_with_the_user(said)
}

/// Messages of these two keys, by these two roles in turn; the first role begins and ends.
fn in_turn(messages: &[Value], key: &str, roles: [&str; 2]) -> Checked {
    for (at, message) in messages.iter().enumerate() {
        let message = object(message)?;
        only(message, &["role", key])?;
        role(message, [roles[at % 2]])?;
        if key != "parts" {
            words(message, key)?;
        }
    }
    ends_with_the_user(messages)
}

fn ends_with_the_user(messages: &[Value]) -> Checked {
    match messages.last() {
        Some(last) if last["role"] == "user" => Ok(()),
        other => Err(format!("the last message is {other:?}")),
    }
}

fn parts(content: &Map<String, Value>) -> Checked {
    let parts = array(content, "parts")?;
    if parts.is_empty() {
        return Err("no parts".into());
    }
    parts.iter().try_for_each(|part| {
        only(object(part)?, &["text"])?;
        words(object(part)?, "text")
    })
}

/// No key beside these: no tool call without its result, no reasoning, nothing that another API invented.
fn only(object: &Map<String, Value>, known: &[&str]) -> Checked {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown key {key:?} in {object:?}")),
        None => Ok(()),
    }
}

fn role<const N: usize>(message: &Map<String, Value>, roles: [&str; N]) -> Checked {
    match message.get("role").and_then(Value::as_str) {
        Some(role) if roles.contains(&role) => Ok(()),
        other => Err(format!("role {other:?} where {roles:?} is due: {message:?}")),
    }
}

fn words(object: &Map<String, Value>, key: &str) -> Checked {
    match object.get(key).and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(()),
        other => Err(format!("{key} is {other:?} in {object:?}")),
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("no object: {value}"))
}

fn array<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], String> {
    let array = object.get(key).and_then(Value::as_array);
    array
        .map(Vec::as_slice)
        .ok_or_else(|| format!("{key} is no array: {object:?}"))
}
