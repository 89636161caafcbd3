//! Parameters that a server refuses: found in its error, and left out of the request's body.

use serde_json::{Map, Value};

use super::ProviderError;

/// The codes that say: send it without this. What is only out of its range is the user's to correct.
const CODES: &[&str] = &["unsupported_parameter", "unsupported_value", "unknown_parameter"];

/// What no request can do without.
const NEEDED: &[&str] = &["model", "messages", "input", "contents", "prompt"];

/// What is senseless without another field.
const BELONGING: &[(&str, &str)] = &[("stream", "stream_options")];

/// The fields of `body` to leave out so that a server which answered `error` may take it, each as its path with dots;
/// none if there is no such way.
#[must_use]
pub fn fields(error: &ProviderError, body: &Value) -> Vec<String> {
    let refused = error.code.as_deref().is_some_and(|code| CODES.contains(&code));
    let Some(param) = error.param.as_deref().filter(|_| refused) else {
        return Vec::new();
    };
    let is_needed = param.split('.').next().is_some_and(|first| NEEDED.contains(&first));
    if is_needed || !has(body, param) {
        return Vec::new();
    }
    let belonging = BELONGING.iter().filter(|(field, _)| *field == param);
    let belonging = belonging.map(|(_, other)| *other).filter(|other| has(body, other));
    [param].into_iter().chain(belonging).map(str::to_owned).collect()
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
