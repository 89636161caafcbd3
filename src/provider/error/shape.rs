//! Tells JSON that says that something failed from JSON that is a piece of an answer.

use serde_json::Value;

use super::reason;
use crate::provider::wire::lenient::is_truthy;

/// What only a piece of an answer has, on any wire.
const CONTENT: &[&str] = &[
    "choices",
    "candidates",
    "output",
    "content",
    "content_block",
    "delta",
    "response",
    "item",
    "part",
    "usage",
    "usageMetadata",
    "promptFeedback",
    "done",
    "x_groq",
    "search_results",
    "annotation",
];

/// Fields that are there only where something failed.
const TELLING: &[&str] = &[
    "error",
    "errors",
    "error_message",
    "error_type",
    "error_code",
    "error_msg",
    "errorMessage",
    "errorCode",
    "__type",
    "exception",
    "traceback",
    "retmsg",
];

/// Where servers put a code that is 0 unless something failed: MiniMax's
/// (<https://platform.minimaxi.com/document/ChatCompletion%20v2>), Spark's (<https://www.xfyun.cn/doc/spark/Web.html>).
const CODES: &[[&str; 2]] = &[["base_resp", "status_code"], ["header", "code"]];

/// Whether this says that something failed.
pub(crate) fn is_error(value: &Value) -> bool {
    let value = value.get(0).unwrap_or(value);
    if !value.is_object() {
        return false;
    }
    let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let kinds = ["object", "type", "event", "kind"].map(word);
    let is_named = kinds
        .iter()
        .chain(&[word("status")])
        .any(|kind| kind.eq_ignore_ascii_case("error"));
    let has = |key: &&str| value.get(key).is_some_and(is_truthy);
    let failed = |path: &[&str; 2]| {
        let code = path.iter().try_fold(value, |value, key| value.get(key));
        code.is_some_and(is_truthy)
    };
    if is_named
        || TELLING.iter().any(has)
        || CODES.iter().any(failed)
        || value.get("success") == Some(&Value::Bool(false))
    {
        return true;
    }
    let has_message_object = value.get("message").is_some_and(Value::is_object);
    let holds = |key: &&str| value.get(key).is_some_and(|inner| !inner.is_null());
    if has_message_object || CONTENT.iter().any(holds) {
        return false;
    }
    let kind = kinds
        .iter()
        .find(|kind| !kind.is_empty())
        .map(|kind| kind.to_ascii_lowercase());
    if kind
        .as_deref()
        .is_some_and(|kind| kind.ends_with("error") || kind.ends_with("exception"))
    {
        return true;
    }
    let says_status = ["code", "status", "statusCode", "status_code"].iter().any(|key| {
        let number = value
            .get(key)
            .and_then(Value::as_u64)
            .or_else(|| word(key).parse().ok());
        number.is_some_and(|number| (400..600).contains(&number))
    });
    says_status || (kind.is_none() && has_reason(value))
}

/// Whether a reason is found in this.
pub(crate) fn has_reason(value: &Value) -> bool {
    !reason::of(value).is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_of_every_shape_are_told_from_pieces_of_an_answer() {
        for error in [
            json!({"object": "error", "message": "m"}),
            json!({"type": "error"}),
            json!({"error_type": "x", "error_message": "m"}),
            json!({"error": "m"}),
            json!({"errors": [{"message": "m"}]}),
            json!([{"error": {"code": 1}}]),
            json!({"detail": "m"}),
            json!({"message": "m"}),
            json!({"code": 400, "details": "m"}),
            json!({"status": "503"}),
            json!({"success": false}),
            json!({"type": "InternalServerError", "message": "m"}),
            json!({"Message": "m"}),
            json!({"choices": null, "base_resp": {"status_code": 1027, "status_msg": "m"}}),
            json!({"header": {"code": 10013, "message": "m"}, "payload": {}}),
            json!({"exception": "ValueError: m"}),
            json!({"ret": -1, "retmsg": "m"}),
        ] {
            assert!(is_error(&error), "{error}");
        }
        for piece in [
            json!({"type": "ping"}),
            json!({"choices": [{"delta": {"role": "assistant"}}]}),
            json!({"choices": [], "error": null, "message": "m"}),
            json!({"message": {"role": "assistant", "content": ""}, "done": false}),
            json!({"type": "response.created", "response": {"error": null}}),
            json!({"type": "status", "message": "thinking"}),
            json!({"candidates": [{}], "code": 500}),
            json!({"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}}),
            json!({"foo": "bar"}),
            json!({}),
            json!(null),
            json!("text"),
            json!([1]),
        ] {
            assert!(!is_error(&piece), "{piece}");
        }
    }
}
