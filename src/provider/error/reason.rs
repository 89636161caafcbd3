//! Finds the human-readable reason in an error of any JSON shape: strings, objects, lists, JSON within strings.
//!
//! Shapes seen in public reports: OpenAI's `{error: {message}}`, FastAPI's `{detail: [{loc, msg}]}`, Mistral's
//! `{message: {detail: […]}}`, Cloudflare's `{errors: [{message}]}`, problem details
//! ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457#section-3.1)), AWS's `{Message}`, and routers that put the JSON of
//! the server behind them into a string.

use std::borrow::Cow;

use serde_json::Value;

use super::{page, xml};

/// How deep a reason is looked for: each object, list, and JSON in a string is one step.
const DEEPEST: usize = 8;

/// The most reasons that are told.
const MOST: usize = 8;

/// The longest string that is looked at for JSON, in bytes.
const LONGEST_JSON: usize = 64 * 1024;

/// Where a reason stands. All of them are told, if they differ.
const REASONS: &[&str] = &[
    "message",
    "detail",
    "error",
    "errors",
    "error_message",
    "errorMessage",
    "error_msg",
    "error_description",
    "msg",
    "Message",
    "Error",
    "details",
    "fault",
    "faultstring",
    "issues",
];

/// Where a reason stands, if nowhere else.
const OTHERWISE: &[&str] = &[
    "title",
    "description",
    "reason",
    "cause",
    "info",
    "text",
    "body",
    "response",
];

/// What is no reason wherever it stands: words for programs.
const FACTS: &[&str] = &[
    "code",
    "type",
    "status",
    "object",
    "param",
    "loc",
    "request_id",
    "requestId",
    "id",
    "@type",
    "domain",
    "reason",
    "error_type",
    "error_code",
    "event_id",
    "user_id",
    "instance",
    "path",
    "timestamp",
    "url",
    "help",
    "doc_url",
    "provider_name",
    "model",
];

/// The reasons in `value`, one a line; empty if it holds none.
pub(super) fn of(value: &Value) -> String {
    let mut found = Vec::new();
    collect(value, DEEPEST, &mut found);
    found.join("\n")
}

/// Whether words for people are left in `value` that are not in `told`.
pub(super) fn is_more_in(value: &Value, told: &str) -> bool {
    fn look(value: &Value, told: &str, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return true };
        match value {
            Value::String(text) => match json(text) {
                Some(inner) => look(&inner, told, depth),
                None => !text.trim().is_empty() && !told.contains(text.trim()),
            },
            Value::Array(list) => list.iter().any(|item| look(item, told, depth)),
            Value::Object(fields) => {
                let is_fact = |key: &String| FACTS.contains(&key.as_str());
                fields.iter().any(|(key, inner)| {
                    !(is_fact(key) && (key == "loc" || !(inner.is_object() || inner.is_array())))
                        && look(inner, told, depth)
                })
            }
            _ => false,
        }
    }
    look(value, told, DEEPEST)
}

/// JSON that stands in a string, if it is an object or a list.
pub(super) fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.len() > LONGEST_JSON || !text.starts_with(['{', '[', '"']) {
        return None;
    }
    serde_json::from_str(text)
        .ok()
        .filter(|value: &Value| !value.is_number())
}

fn collect(value: &Value, depth: usize, found: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Value::String(text) => match json(text) {
            Some(inner) => {
                let before = found.len();
                collect(&inner, depth, found);
                if found.len() == before {
                    add(text, found);
                }
            }
            None => add(text, found),
        },
        Value::Array(list) => list.iter().for_each(|item| collect(item, depth, found)),
        Value::Object(_) => object(value, depth, found),
        _ => {}
    }
}

fn object(value: &Value, depth: usize, found: &mut Vec<String>) {
    let before = found.len();
    let field = field(value);
    for inner in REASONS.iter().filter_map(|key| value.get(key)) {
        let mut reasons = Vec::new();
        collect(inner, depth, &mut reasons);
        for reason in reasons {
            // FastAPI's `loc` says which field is meant.
            match &field {
                Some(field) if !reason.contains(field.as_str()) => add(&format!("{field}: {reason}"), found),
                _ => add(&reason, found),
            }
        }
    }
    if let Some(raw) = value.get("metadata").and_then(|metadata| metadata.get("raw")) {
        collect(raw, depth, found);
    }
    if found.len() > before {
        return;
    }
    for key in OTHERWISE {
        if let Some(inner) = value.get(key) {
            collect(inner, depth, found);
        }
    }
    if found.len() == before {
        by_field(value, depth, found);
    }
}

/// `{field: ["reason"]}`, as Django and Rails write what is wrong with each field.
fn by_field(value: &Value, depth: usize, found: &mut Vec<String>) {
    let lists = value.as_object().into_iter().flatten();
    for (name, inner) in lists.filter(|(_, inner)| inner.get(0).is_some_and(Value::is_string)) {
        let mut reasons = Vec::new();
        collect(inner, depth, &mut reasons);
        if let Some(reason) = reasons.first() {
            add(&format!("{name}: {reason}"), found);
        }
    }
}

fn add(text: &str, found: &mut Vec<String>) {
    let text = plain(text);
    let text = text.trim();
    if text.is_empty() || found.len() >= MOST || found.iter().any(|known| known.contains(text)) {
        return;
    }
    found.retain(|known| !text.contains(known.as_str()));
    found.push(text.to_owned());
}

/// A web page's words, and the message in XML; everything else as it is.
fn plain(text: &str) -> Cow<'_, str> {
    let is_page = text.trim_start().starts_with('<') && text.contains('>');
    let message = is_page.then(|| xml::value(text)).flatten();
    let message = message.as_ref().and_then(|value| value.get("message")?.as_str());
    let words = match message {
        Some(message) => message.to_owned(),
        None if is_page => page::words(text),
        None => String::new(),
    };
    if words.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(words)
    }
}

/// The field that a validation error is about, as its path with dots: FastAPI's `loc`, without the word for the body.
pub(super) fn field(value: &Value) -> Option<String> {
    let steps = value.get("loc")?.as_array()?.iter().filter_map(|step| match step {
        Value::String(name) => Some(name.clone()),
        Value::Number(index) => Some(index.to_string()),
        _ => None,
    });
    let steps: Vec<String> = steps.collect();
    let inner = match steps.split_first() {
        Some((first, rest)) if first == "body" => rest,
        _ => steps.as_slice(),
    };
    Some(inner.join(".")).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reason_is_found_wherever_it_stands() {
        for value in [
            json!("why"),
            json!({"error": "why"}),
            json!({"error": {"message": "why"}}),
            json!({"error": {"message": {"detail": "why"}}}),
            json!({"message": ["why"]}),
            json!({"detail": [{"msg": "why"}]}),
            json!({"errors": [{"message": "why", "code": 7}]}),
            json!({"errors": {"detail": ["why"]}}),
            json!({"Message": "why", "__type": "X"}),
            json!({"error": [{"code": 2009, "message": "why"}], "success": false}),
            json!({"error": true, "message": "why"}),
            json!({"error": {"message": "{\n \"error\": {\"message\": \"why\"}}"}}),
            json!({"message": json!({"error": json!({"message": "why"}).to_string()}).to_string()}),
            json!({"title": "why", "status": 403}),
            json!({"fault": {"faultstring": "why"}}),
            json!({"error": {"metadata": {"raw": "{\"detail\":\"why\"}"}}}),
            json!([{"error": {"message": "why"}}]),
        ] {
            assert_eq!(of(&value), "why", "{value}");
        }
    }

    #[test]
    fn reasons_at_several_places_are_all_told_and_none_twice() {
        let value =
            json!({"message": "Bad request", "error": {"message": "temperature is too high"}, "detail": "high"});
        assert_eq!(of(&value), "Bad request\ntemperature is too high");
        let nested = json!({"error": "Bad Request", "message": ["a is wrong", "b is wrong"]});
        assert_eq!(of(&nested), "a is wrong\nb is wrong\nBad Request");
    }

    #[test]
    fn the_field_that_is_meant_stands_before_its_reason() {
        let value = json!({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"},
            {"loc": ["body"], "msg": "Field required"}, {"loc": ["query", "x", 3], "msg": "odd"}]});
        let told = "stream_options: Extra inputs are not permitted\nField required\nquery.x.3: odd";
        assert_eq!(of(&value), told);
        assert_eq!(of(&json!({"errors": {"model": ["is closed"]}})), "model: is closed");
    }

    #[test]
    fn what_is_no_reason_is_none() {
        for value in [
            json!(null),
            json!({}),
            json!([]),
            json!(5),
            json!({"code": "x", "type": "y"}),
            json!({"error": {"code": 5}}),
            json!({"message": ""}),
        ] {
            assert_eq!(of(&value), "", "{value}");
            assert!(!is_more_in(&value, ""), "{value}");
        }
        assert!(is_more_in(&json!({"error": {"odd": ["why"]}}), ""));
        assert!(!is_more_in(&json!({"error": {"message": "why"}}), "why"));
    }

    #[test]
    fn a_reason_that_is_nested_without_end_does_no_harm() {
        let mut value = json!("why");
        for _ in 0..100 {
            value = json!({"error": [value]});
        }
        assert_eq!(of(&value), "");
        assert!(is_more_in(&value, ""));
        let mut text = String::from("why");
        for _ in 0..12 {
            text = json!({"message": text}).to_string();
        }
        assert!(of(&json!(text)).contains("why"));
    }

    #[test]
    fn a_page_in_a_reason_is_told_by_its_words() {
        let value = json!({"error": {"message": "<html><head><title>502 Bad Gateway</title></head></html>"}});
        assert_eq!(of(&value), "502 Bad Gateway");
        assert_eq!(of(&json!({"error": "<think"})), "<think");
    }
}
