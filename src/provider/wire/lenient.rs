//! Types that read whatever a server sends: a missing field, `null` and a value of another type read as empty.
//!
//! Servers that call themselves compatible differ from the documented types in dozens of places; none of that may
//! lose an answer. Strings are borrowed from the input where they have no escapes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A string; a number reads as its digits, everything else as empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

/// A string, or a JSON object or array as its text (some servers send a tool's arguments so).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct JsonText<'a>(pub(crate) Cow<'a, str>);

/// A count; digits in a string are read, negative ones and everything else are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

/// An array; everything else reads as empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// An object; everything else reads as the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Count {
    pub(crate) fn or_zero(self) -> u64 {
        self.0.unwrap_or_default()
    }
}

/// Whether a value of an `error` field says that there is an error.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// JSON that serde refuses though its meaning is plain, written anew: fields given twice (the last one counts) and
/// halves of surrogate pairs (U+FFFD). `None` if it is not JSON.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(&replace_lone_surrogates(text)).ok()?;
    Some(value.to_string())
}

fn replace_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let first = unit(escape);
        let pair = escape.get(6..).and_then(unit);
        let (kept, length) = match (first, pair) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (escape.get(..12), 12),
            (Some(0xD800..=0xDFFF), _) => (Some("\\ufffd"), 6),
            (Some(_), _) => (escape.get(..6), 6),
            (None, _) => (None, 1 + escape.chars().nth(1).map_or(0, char::len_utf8)),
        };
        out.push_str(kept.or(escape.get(..length)).unwrap_or_default());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The code unit of a `\uXXXX` escape at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// Visitor methods that drop a value and yield the default.
macro_rules! default_for {
    ($($kind:ident)*) => { $(default_for!(@ $kind);)* };
    (@ bool) => { fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> { Ok(Default::default()) } };
    (@ number) => {
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> { Ok(Default::default()) }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> { Ok(Default::default()) }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> { Ok(Default::default()) }
    };
    (@ string) => { fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> { Ok(Default::default()) } };
    (@ null) => { fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok(Default::default()) } };
    (@ seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (@ map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}
pub(crate) use default_for;

/// A visitor for the target type `T`.
pub(crate) struct Reads<T>(pub(crate) PhantomData<T>);

macro_rules! expecting {
    ($text:literal) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str($text)
        }
    };
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<Text<'a>> {
    type Value = Text<'a>;
    expecting!("a string");
    default_for!(bool null seq map);

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<JsonText<'a>> {
    type Value = JsonText<'a>;
    expecting!("a string, an object or an array");
    default_for!(bool number null);

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<JsonText<'a>, E> {
        Ok(JsonText(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<JsonText<'a>, E> {
        Ok(JsonText(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<JsonText<'a>, A::Error> {
        let value = Value::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(JsonText(Cow::Owned(value.to_string())))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonText<'a>, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(JsonText(Cow::Owned(value.to_string())))
    }
}

impl<'de> Visitor<'de> for Reads<Count> {
    type Value = Count;
    expecting!("a count");
    default_for!(bool null seq map);

    fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
        Ok(Count(Some(number)))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(number).ok()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
        // `as` saturates; a count with a fraction is cut.
        Ok(Count((number >= 0.0).then_some(number as u64)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
        Ok(Count(text.trim().parse().ok()))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reads<List<T>> {
    type Value = List<T>;
    expecting!("an array");
    default_for!(bool number string null map);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(List(list))
    }
}

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Reads<Object<T>> {
    type Value = Object<T>;
    expecting!("an object");
    default_for!(bool number string null seq);

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

macro_rules! reads {
    ([$($generics:tt)*] $type:ty) => {
        impl<'de $($generics)*> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Reads(PhantomData::<$type>))
            }
        }
    };
}

reads!([: 'a, 'a] Text<'a>);
reads!([: 'a, 'a] JsonText<'a>);
reads!([] Count);
reads!([, T: Deserialize<'de>] List<T>);
reads!([, T: Deserialize<'de> + Default] Object<T>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_escapes_is_borrowed() {
        let text: Text<'_> = serde_json::from_str("\"plain\"").unwrap();
        assert!(matches!(text.0, Cow::Borrowed("plain")));
    }

    #[test]
    fn values_of_other_types_read_as_empty() {
        for json in ["null", "true", "[1,{}]", "{\"a\":[]}"] {
            assert_eq!(
                serde_json::from_str::<Text<'_>>(json).unwrap(),
                Text::default(),
                "{json}"
            );
            assert_eq!(serde_json::from_str::<Count>(json).unwrap(), Count(None), "{json}");
        }
        for json in ["null", "true", "\"x\"", "3.5", "{\"a\":[]}"] {
            assert_eq!(
                serde_json::from_str::<List<Count>>(json).unwrap(),
                List::default(),
                "{json}"
            );
        }
    }

    #[test]
    fn counts_come_in_many_shapes() {
        for (json, count) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("\"7\"", Some(7)),
            ("-7", None),
            ("1e30", Some(u64::MAX)),
        ] {
            assert_eq!(serde_json::from_str::<Count>(json).unwrap().0, count, "{json}");
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_become_replacement_characters() {
        let json = r#"{"a":"\ud83d","b":"\ude00x","c":"\ud83d\ude00","d":"\\ud83d","e":"\ud83d\n"}"#;
        let value: Value = serde_json::from_str(&canonical(json).unwrap()).unwrap();
        let expected = serde_json::json!({"a":"\u{fffd}","b":"\u{fffd}x","c":"😀","d":"\\ud83d","e":"\u{fffd}\n"});
        assert_eq!(value, expected);
    }

    #[test]
    fn of_a_field_given_twice_the_last_counts() {
        assert_eq!(canonical(r#"{"a":1,"a":2}"#).as_deref(), Some(r#"{"a":2}"#));
        assert_eq!(canonical("{\"a\":"), None);
    }
}
