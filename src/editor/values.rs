//! msgpack at the edge: between nvim-rs's values and plain data.

use rmpv::Value;
use serde_json::{Map, Number, Value as Json};

/// A msgpack value as plain data. Bytes that are no UTF-8 become U+FFFD; what JSON cannot say becomes null.
pub fn to_json(value: Value) -> Json {
    match value {
        Value::Nil | Value::Ext(..) => Json::Null,
        Value::Boolean(truth) => Json::Bool(truth),
        Value::Integer(number) => number
            .as_i64()
            .map(Json::from)
            .or_else(|| number.as_u64().map(Json::from))
            .unwrap_or(Json::Null),
        Value::F32(number) => Number::from_f64(f64::from(number)).map_or(Json::Null, Json::Number),
        Value::F64(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
        Value::String(text) => Json::String(lossy(text.into_bytes())),
        Value::Binary(bytes) => Json::String(lossy(bytes)),
        Value::Array(items) => Json::Array(items.into_iter().map(to_json).collect()),
        Value::Map(pairs) => Json::Object(
            pairs
                .into_iter()
                .map(|(key, value)| (key_text(key), to_json(value)))
                .collect(),
        ),
    }
}

/// Plain data as a msgpack value. Fields that are null are left out, so that Lua reads nil and not `vim.NIL`.
pub fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(signed), _, _) => Value::from(signed),
            (_, Some(unsigned), _) => Value::from(unsigned),
            (_, _, float) => float.map_or(Value::Nil, Value::from),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::Array(items.into_iter().map(from_json).collect()),
        Json::Object(fields) => from_fields(fields),
    }
}

fn from_fields(fields: Map<String, Json>) -> Value {
    let set = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Map(set.map(|(key, value)| (Value::from(key), from_json(value))).collect())
}

fn key_text(key: Value) -> String {
    match to_json(key) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_data_survives_the_way_there_and_back() {
        let data = serde_json::json!({"a": [1, -2, 2.5, true, null, "ção"], "b": {"c": u64::MAX}});
        assert_eq!(to_json(from_json(data.clone())), data);
    }

    #[test]
    fn fields_that_are_null_are_left_out() {
        assert_eq!(from_json(serde_json::json!({"a": null})), Value::Map(Vec::new()));
    }

    #[test]
    fn bytes_that_are_no_utf8_do_not_fail() {
        let raw = rmpv::decode::read_value(&mut &b"\xa2a\xff"[..]).unwrap();
        assert_eq!(to_json(raw), Json::String("a\u{fffd}".into()));
    }
}
