//! Parameters that a server refuses: found in its error, and left out of the request's body.

use serde_json::{Map, Value};

use crate::provider::{ErrorClass, ProviderError};

/// The codes that say: send it without this. What is only out of its range is the user's to correct.
const CODES: &[&str] = &[
    "unsupported_parameter",
    "unsupported_value",
    "unknown_parameter",
    "extra_forbidden",
    "value_error.extra",
    "unexpected_keyword_argument",
];

/// What servers say without such a code, in lower case. Seen of Mistral, Groq, Anthropic, Gemini, Cohere,
/// vLLM, Azure, Bedrock, and of the checkers ajv and zod that gateways use.
const PHRASES: &[&str] = &[
    "not supported",
    "unsupported",
    "does not support",
    "doesn't support",
    "extra inputs are not permitted",
    "extra fields not permitted",
    "additional properties are not allowed",
    "must not have additional properties",
    "extraneous key",
    "unrecognized key",
    "unknown parameter",
    "unknown field",
    "unknown name",
    "unknown argument",
    "unrecognized request argument",
    "unrecognized field",
    "unrecognized parameter",
    "unexpected keyword argument",
    "not a valid field",
    "is deprecated for this model",
    "cannot be specified",
];

/// What no request can do without.
const NEEDED: &[&str] = &["model", "messages", "input", "contents", "prompt"];

/// What is senseless without another field.
const BELONGING: &[(&str, &str)] = &[("stream", "stream_options")];

/// Whether a server refuses the request for a field of it, so that [`fields`] may find which.
#[must_use]
pub fn is_refusal(error: &ProviderError) -> bool {
    let refused = matches!(error.class, ErrorClass::RefusedParameter | ErrorClass::BadRequest);
    refused && matches!(error.status, Some(400 | 422) | None) && (is_coded(error) || phrase(&error.message).is_some())
}

/// The fields of `body` to leave out so that a server which answered `error` may take it, each as its path with dots;
/// none if there is no such way.
#[must_use]
pub fn fields(error: &ProviderError, body: &Value) -> Vec<String> {
    if !is_refusal(error) {
        return Vec::new();
    }
    let named = match error.param.as_deref() {
        // What was refused is told, but not in the request: another field is not guessed.
        Some(param) if !has(body, param) => Vec::new(),
        Some(param) => std::iter::once(param.to_owned())
            .chain(listed(&error.message, body))
            .collect(),
        None => named(&error.message, body),
    };
    let mut fields: Vec<String> = Vec::new();
    for field in named.into_iter().filter(|field| !is_needed(field)) {
        let belonging = BELONGING.iter().filter(|(first, _)| *first == field);
        let belonging = belonging
            .map(|(_, other)| (*other).to_owned())
            .filter(|other| has(body, other));
        for field in std::iter::once(field.clone()).chain(belonging) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
    }
    fields
}

fn is_coded(error: &ProviderError) -> bool {
    error.code.as_deref().is_some_and(|code| CODES.contains(&code))
}

fn is_needed(path: &str) -> bool {
    path.split('.').next().is_some_and(|first| NEEDED.contains(&first))
}

/// The first line of a message that refuses something, in lower case.
fn phrase(message: &str) -> Option<String> {
    refusing(message).next()
}

fn refusing(message: &str) -> impl Iterator<Item = String> {
    let lines = message.lines().map(str::to_lowercase);
    lines.filter(|line| PHRASES.iter().any(|phrase| line.contains(phrase)))
}

/// The optional fields of the body that refusing lines of a message begin with: FastAPI refuses several at once.
fn listed(message: &str, body: &Value) -> Vec<String> {
    let heads = refusing(message).filter_map(|line| line.split_once(':').map(|(head, _)| head.to_owned()));
    heads.filter(|head| has(body, head)).collect()
}

/// The optional field of the body that the first refusing line of a message names, and those that others begin with. A
/// name that is a word of a language too must stand in quotes or before a colon.
fn named(message: &str, body: &Value) -> Vec<String> {
    let Some(line) = phrase(message) else { return Vec::new() };
    let mut paths = Vec::new();
    paths_in(body, "", &mut paths);
    let found = paths.into_iter().filter(|path| !is_needed(path)).filter_map(|path| {
        let leaf = path.rsplit('.').next().unwrap_or(&path).to_lowercase();
        let at = [path.to_lowercase(), leaf]
            .iter()
            .find_map(|name| place_of(&line, name))?;
        Some((at, path))
    });
    let first = found.min_by_key(|(at, path)| (*at, path.len())).map(|(_, path)| path);
    first.into_iter().chain(listed(message, body)).collect()
}

/// Where a name stands in a line as a name.
fn place_of(line: &str, name: &str) -> Option<usize> {
    let is_plain_word = name.bytes().all(|byte| byte.is_ascii_lowercase()) && name != "temperature";
    line.match_indices(name).map(|(at, _)| at).find(|&at| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + name.len()..).and_then(|text| text.chars().next());
        let is_border = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-'));
        let is_quote = |c: Option<char>| c.is_some_and(|c| matches!(c, '\'' | '"' | '`' | '‘' | '’' | '“' | '”'));
        let is_marked = (is_quote(before) && is_quote(after)) || (at == 0 && after == Some(':')) || before == Some('.');
        is_border(before) && is_border(after) && (!is_plain_word || is_marked)
    })
}

/// The paths of all fields of an object, and of the objects within it.
fn paths_in(value: &Value, within: &str, paths: &mut Vec<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let path = match within {
            "" => name.clone(),
            _ => format!("{within}.{name}"),
        };
        paths_in(inner, &path, paths);
        paths.push(path);
    }
}

/// Takes these fields out of a request's body, and an object that is empty without them.
pub fn leave_out(body: &mut Value, fields: &[String]) {
    for field in fields {
        if let Some(object) = body.as_object_mut() {
            remove(object, field);
        }
    }
}

fn has(body: &Value, path: &str) -> bool {
    let mut at = Some(body);
    for name in path.split('.') {
        at = at.and_then(Value::as_object).and_then(|object| object.get(name));
    }
    at.is_some()
}

fn remove(object: &mut Map<String, Value>, path: &str) {
    let Some((name, rest)) = path.split_once('.') else {
        object.remove(path);
        return;
    };
    let Some(inner) = object.get_mut(name).and_then(Value::as_object_mut) else {
        return;
    };
    remove(inner, rest);
    if inner.is_empty() {
        object.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(code: &str, param: Value) -> ProviderError {
        ProviderError::from_value(
            &json!({"error": {"message": "m", "code": code, "param": param}}),
            Some(400),
        )
    }

    fn body() -> Value {
        json!({"model": "m", "messages": [], "stream": true, "stream_options": {}, "temperature": 1,
            "reasoning": {"effort": "low"}, "text": {"verbosity": "low", "format": {"type": "text"}}})
    }

    fn without(code: &str, param: &str) -> (Vec<String>, Value) {
        let mut body = body();
        let fields = fields(&error(code, json!(param)), &body);
        leave_out(&mut body, &fields);
        (fields, body)
    }

    #[test]
    fn the_parameter_that_the_server_names_is_left_out() {
        for code in ["unsupported_parameter", "unsupported_value", "unknown_parameter"] {
            let (fields, body) = without(code, "temperature");
            assert_eq!(fields, ["temperature"]);
            assert_eq!((body.get("temperature"), body["stream"].clone()), (None, json!(true)));
        }
    }

    #[test]
    fn a_field_that_is_refused_in_words_is_left_out_as_well() {
        let told = |status, answer: Value| {
            let error = ProviderError::from_value(&answer, Some(status));
            fields(&error, &body())
        };
        let forbidden = |field: &str| json!({"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted"});
        for (status, answer, left) in [
            (
                422,
                json!({"detail": [forbidden("stream_options")]}),
                vec!["stream_options"],
            ),
            (
                422,
                json!({"object": "error", "message": {"detail": [forbidden("temperature"), forbidden("stream_options")]},
                    "type": "invalid_request_error", "param": null, "code": null}),
                vec!["temperature", "stream_options"],
            ),
            (
                400,
                json!({"error": {"message": "property 'stream_options' is unsupported", "type": "invalid_request_error"}}),
                vec!["stream_options"],
            ),
            (
                400,
                json!({"error": {"message": "Unrecognized request argument supplied: stream_options"}}),
                vec!["stream_options"],
            ),
            (
                400,
                json!({"error": {"type": "invalid_request_error", "message": "temperature: Extra inputs are not permitted"}}),
                vec!["temperature"],
            ),
            (
                400,
                json!({"error": {"message": "`temperature` is deprecated for this model."}}),
                vec!["temperature"],
            ),
            (
                400,
                json!({"error": {"message": "Web search and reasoning.effort are not supported.", "param": null}}),
                vec!["reasoning.effort"],
            ),
            (
                400,
                json!({"error": {"message": "temperature is not supported with this model", "param": "temperature", "code": null}}),
                vec!["temperature"],
            ),
            (
                400,
                json!({"message": "Malformed input request: #: extraneous key [stream_options] is not permitted, please reformat."}),
                vec!["stream_options"],
            ),
            (
                400,
                json!({"statusCode": 400, "error": "Bad Request", "message": "body must NOT have additional properties",
                    "params": {"additionalProperty": "stream_options"}}),
                vec!["stream_options"],
            ),
            (
                400,
                json!({"success": false, "error": {"name": "ZodError", "issues": [{"code": "unrecognized_keys",
                    "keys": ["stream_options"], "path": [], "message": "Unrecognized key(s) in object: 'stream_options'"}]}}),
                vec!["stream_options"],
            ),
            (
                422,
                json!({"detail": [{"type": "missing", "loc": ["body", "stream_options"], "msg": "Field required"}]}),
                vec![],
            ),
            (
                422,
                json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "messages", 0, "x"], "msg": "Extra inputs are not permitted"}]}),
                vec![],
            ),
            (
                400,
                json!({"error": {"message": "This model does not support text or a stream of it."}}),
                vec![],
            ),
            (
                400,
                json!({"error": {"message": "The temperature must be below 2."}}),
                vec![],
            ),
            (
                500,
                json!({"error": {"message": "temperature is not supported"}}),
                vec![],
            ),
            (
                404,
                json!({"error": {"message": "temperature is not supported"}}),
                vec![],
            ),
        ] {
            assert_eq!(told(status, answer.clone()), left, "{answer}");
        }
    }

    #[test]
    fn one_within_an_object_is_left_out_and_so_is_the_object_that_is_empty_then() {
        let (fields, body) = without("unsupported_value", "reasoning.effort");
        assert_eq!(
            (fields, body.get("reasoning")),
            (vec!["reasoning.effort".to_owned()], None)
        );
        let (_, body) = without("unsupported_parameter", "text.format.type");
        assert_eq!(body["text"], json!({"verbosity": "low"}));
    }

    #[test]
    fn a_server_that_does_not_stream_is_not_sent_options_for_it() {
        let (fields, body) = without("unsupported_value", "stream");
        assert_eq!(fields, ["stream", "stream_options"]);
        assert_eq!((body.get("stream"), body.get("stream_options")), (None, None));
    }

    #[test]
    fn what_a_request_needs_or_does_not_hold_is_not_left_out() {
        for param in [
            "model",
            "messages",
            "messages.0.content",
            "top_p",
            "reasoning.effort.x",
            "",
            ".",
            "tools[0].type",
        ] {
            let (fields, changed) = without("unsupported_parameter", param);
            assert_eq!((fields, changed), (Vec::new(), body()), "{param}");
        }
        assert!(fields(&error("unsupported_parameter", Value::Null), &body()).is_empty());
    }

    #[test]
    fn a_value_that_is_only_wrong_is_left_for_the_user_to_correct() {
        for code in ["invalid_value", "", "integer_above_max_value"] {
            assert_eq!(without(code, "temperature"), (Vec::new(), body()), "{code}");
        }
    }
}
