//! Reads a stop word (finish reason) in whatever shape a server sends it: a string, or a word in an object or a list.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{FinishReason, Words};
use crate::provider::wire::lenient::{Reads, default_for};

/// How deep a word is looked for in objects and lists.
const DEEPEST: usize = 4;

/// Fields that hold the word: one there that nobody knows may say that the answer is not whole.
const WORDS: &[&str] = &[
    "reason",
    "value",
    "word",
    "finish_reason",
    "finishReason",
    "stop_reason",
    "stopReason",
    "done_reason",
];

/// Fields that say what sort of object it is, which may be the word itself: `{type: "length"}`.
const SORTS: &[&str] = &["type", "kind", "object", "name"];

/// A stop word as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StopWord<'a> {
    text: Cow<'a, str>,
    /// What came in place of a text.
    shaped: Value,
}

/// The texts in an object or a list, by the fields that they stand in.
#[derive(Default)]
struct Found<'v> {
    words: Vec<&'v str>,
    sorts: Vec<&'v str>,
    others: Vec<&'v str>,
}

/// Where a text stands.
#[derive(Clone, Copy)]
enum Place {
    Word,
    Sort,
    Other,
}

impl StopWord<'_> {
    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && says_nothing(&self.shaped)
    }

    /// Whether it came as an object or a list, or as anything else that is no text.
    pub(crate) fn is_shaped(&self) -> bool {
        !self.shaped.is_null()
    }

    /// The word, by the words of a wire: of several the one that cuts. Where none is known the single text is the word, else
    /// all of it, as it is.
    pub(crate) fn word(&self, words: &Words) -> Cow<'_, str> {
        if self.is_empty() || self.shaped.is_null() {
            return Cow::Borrowed(&self.text);
        }
        let mut found = Found::default();
        found.look(&self.shaped, Place::Word, DEEPEST);
        let is_known = |word: &&str| words.knows(word);
        let mut known: Vec<&str> = found
            .words
            .iter()
            .chain(&found.sorts)
            .copied()
            .filter(is_known)
            .collect();
        if known.is_empty() {
            known.extend(found.others.iter().copied().filter(is_known));
        }
        let cuts = |word: &&str| matches!(words.read(word, ""), FinishReason::Cut(_));
        let strange = found.words.iter().copied().find(|word| !is_known(word));
        let said = strange.or(known.iter().copied().find(cuts)).or(known.first().copied());
        match said.or_else(|| found.single()) {
            Some(word) => Cow::Borrowed(word),
            None => Cow::Owned(self.shaped.to_string()),
        }
    }
}

impl<'v> Found<'v> {
    /// The text, if there is but one.
    fn single(&self) -> Option<&'v str> {
        let mut all = [&self.words, &self.sorts, &self.others].into_iter().flatten();
        all.next().copied().filter(|_| all.next().is_none())
    }

    fn look(&mut self, value: &'v Value, place: Place, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::String(text) if !text.trim().is_empty() => {
                let list = match place {
                    Place::Word => &mut self.words,
                    Place::Sort => &mut self.sorts,
                    Place::Other => &mut self.others,
                };
                list.push(text.trim());
            }
            Value::Array(list) => list.iter().for_each(|item| self.look(item, place, depth)),
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let place = match name.as_str() {
                        name if WORDS.contains(&name) => Place::Word,
                        name if SORTS.contains(&name) => Place::Sort,
                        _ => Place::Other,
                    };
                    self.look(inner, place, depth);
                }
            }
            _ => {}
        }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(fields) => fields.values().all(says_nothing),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for StopWord<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<StopWord<'a>> {
    type Value = StopWord<'a>;
    default_for!(null);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stop word")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<StopWord<'a>, E> {
        Ok(text.into())
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<StopWord<'a>, E> {
        Ok(shaped(text.into()))
    }
    fn visit_bool<E: Error>(self, said: bool) -> Result<StopWord<'a>, E> {
        Ok(shaped(said.into()))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<StopWord<'a>, E> {
        Ok(shaped(number.into()))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<StopWord<'a>, E> {
        Ok(shaped(number.into()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<StopWord<'a>, E> {
        Ok(shaped(number.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<StopWord<'a>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(shaped)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StopWord<'a>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(shaped)
    }
}

fn shaped<'a>(value: Value) -> StopWord<'a> {
    match value {
        Value::String(text) => StopWord {
            text: Cow::Owned(text),
            ..StopWord::default()
        },
        shaped => StopWord {
            shaped,
            ..StopWord::default()
        },
    }
}

impl<'a> From<&'a str> for StopWord<'a> {
    fn from(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::wire::openai_chat::STOP_WORDS as CHAT;

    fn word(value: &Value) -> String {
        let text = value.to_string();
        let read: StopWord<'_> = serde_json::from_str(&text).unwrap();
        read.word(&CHAT).into_owned()
    }

    #[test]
    fn a_stop_word_is_found_in_an_object_and_in_a_list() {
        for (value, expected) in [
            (json!("length"), "length"),
            (json!({"type": "length"}), "length"),
            (json!({"reason": "length"}), "length"),
            (json!({"value": "stop"}), "stop"),
            (json!({"type": "finish", "reason": "stop"}), "stop"),
            (
                json!({"type": "stop", "details": {"reason": "content_filter"}}),
                "content_filter",
            ),
            (json!(["stop"]), "stop"),
            (json!(["stop", {"type": "length"}]), "length"),
            (json!([null, "stop", ""]), "stop"),
            (json!({"finish": {"stop_reason": ["max_tokens"]}}), "max_tokens"),
            (json!({"why": "length"}), "length"),
            (json!({"type": "odd"}), "odd"),
            (json!(["odd"]), "odd"),
            (json!({"type": "stop", "reason": "overload"}), "overload"),
            (json!(["stop", "odd"]), "odd"),
            (
                json!({"reason": "content_filter", "filters": [{"source": "completion", "blocked": true}]}),
                "content_filter",
            ),
        ] {
            assert_eq!(word(&value), expected, "{value}");
        }
    }

    #[test]
    fn a_shape_without_a_word_that_is_known_is_told_as_it_is() {
        for value in [
            json!({"type": "odd", "id": "7"}),
            json!({"a": "odd", "b": "odder"}),
            json!({"code": 3}),
            json!(3),
            json!(true),
            json!({"a": {"b": {"c": {"d": {"e": "stop"}}}}}),
        ] {
            assert_eq!(word(&value), value.to_string());
        }
        assert_eq!(word(&json!("odd")), "odd");
    }

    #[test]
    fn a_shape_that_holds_nothing_says_nothing() {
        for value in [
            json!(null),
            json!(""),
            json!(false),
            json!({}),
            json!([]),
            json!({"type": null, "reason": ""}),
        ] {
            assert_eq!(word(&value), "", "{value}");
        }
    }
}
