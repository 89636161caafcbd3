//! Reads reasoning in whatever shape a server sends it, and hands it on once where several fields say the same.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::lenient::{Reads, default_for};
use crate::provider::Event;

/// How much reasoning is told of one answer, in bytes.
const LONGEST: usize = 1024 * 1024;
/// A field that has repeated more than this of another one before they differ, in bytes, did repeat it: that is not told
/// again.
const REPEATED: usize = 64;
/// How deep an object is looked into.
const DEEPEST: usize = 6;

/// Where an object keeps its text: the first of these that has some.
const TEXTS: &[&str] = &[
    "text",
    "content",
    "thinking",
    "summary",
    "reasoning",
    "reasoning_content",
    "reasoning_text",
];
/// What of an object is never its text.
const BESIDE: &[&str] = &[
    "type",
    "id",
    "index",
    "format",
    "role",
    "status",
    "signature",
    "data",
    "encrypted_content",
];

/// Reasoning as a string, as an object that holds one, or as a list of such.
#[derive(Debug, Default)]
pub(crate) struct Thought<'a> {
    text: Cow<'a, str>,
    /// The objects that it came as, if it came as a list.
    entries: Vec<Value>,
}

impl Thought<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The objects that it came as, if it came as a list.
    pub(crate) fn entries(&self) -> &[Value] {
        &self.entries
    }
}

fn said(value: &Value, depth: usize, out: &mut String) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::String(text) => out.push_str(text),
        Value::Array(list) => list.iter().for_each(|value| said(value, depth + 1, out)),
        Value::Object(fields) => {
            let before = out.len();
            for value in TEXTS.iter().filter_map(|name| fields.get(*name)) {
                said(value, depth + 1, out);
                if out.len() > before {
                    return;
                }
            }
            let others = fields.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str()));
            others.for_each(|(_, value)| said(value, depth + 1, out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn of_text(text: Cow<'_, str>) -> Thought<'_> {
    let entries = Vec::new();
    Thought { text, entries }
}

fn of_value<'a>(value: Value) -> Thought<'a> {
    let mut text = String::new();
    said(&value, 0, &mut text);
    let entries = match value {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    let text = Cow::Owned(text);
    Thought { text, entries }
}

impl<'de: 'a, 'a> Deserialize<'de> for Thought<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<Thought<'a>> {
    type Value = Thought<'a>;
    default_for!(bool number null);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reasoning")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Thought<'a>, E> {
        Ok(of_text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Thought<'a>, E> {
        Ok(of_text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Thought<'a>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(of_value)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Thought<'a>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(of_value)
    }
}

/// The reasoning of one answer, out of `N` fields that may all say the same, each in pieces or as all of it so far.
#[derive(Debug)]
pub(crate) struct Reasoned<const N: usize> {
    told: String,
    fields: [Field; N],
}

/// What one of the fields has said.
#[derive(Debug, Default, Clone, Copy)]
struct Field {
    /// How far in what was told, where it said that too.
    same: usize,
    /// How much of that, last, was only compared: another field had told it.
    silent: usize,
}

impl<const N: usize> Default for Reasoned<N> {
    fn default() -> Self {
        Self {
            told: String::new(),
            fields: [Field::default(); N],
        }
    }
}

impl<const N: usize> Reasoned<N> {
    /// Takes what one frame's fields say, in their order.
    pub(crate) fn take(&mut self, pieces: [&str; N], out: &mut Vec<Event>) {
        for (index, piece) in pieces.into_iter().enumerate() {
            if piece.is_empty() || self.told.len() >= LONGEST {
                continue;
            }
            if pieces.iter().take(index).any(|before| *before == piece) {
                self.is_told(index); // by another field of this frame
            } else {
                self.piece(index, piece, out);
            }
        }
    }

    fn is_told(&mut self, index: usize) {
        if let Some(field) = self.fields.get_mut(index) {
            field.same = self.told.len();
            field.silent = 0;
        }
    }

    fn piece(&mut self, index: usize, piece: &str, out: &mut Vec<Event>) {
        let Some(field) = self.fields.get_mut(index) else {
            return;
        };
        let before = self.told.get(..field.same).unwrap_or_default();
        // All of it so far, instead of what is new.
        let piece = match piece.strip_prefix(before) {
            Some(new) if !before.is_empty() => new,
            _ => piece,
        };
        let ahead = self.told.get(field.same..).unwrap_or_default();
        if ahead.starts_with(piece) {
            field.same += piece.len();
            field.silent += piece.len();
            return;
        }
        let (silent, new) = match piece.strip_prefix(ahead) {
            Some(new) => ("", new),
            None if field.silent > REPEATED => ("", piece),
            // It only began alike.
            None => {
                let from = field.same.saturating_sub(field.silent);
                (before.get(from..).unwrap_or_default(), piece)
            }
        };
        let silent = silent.to_owned();
        self.tell(&[&silent, new], out);
        self.is_told(index);
    }

    fn tell(&mut self, pieces: &[&str], out: &mut Vec<Event>) {
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            self.told.push_str(piece);
            out.push(Event::Reasoning((*piece).to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        serde_json::from_str::<Thought<'_>>(json).unwrap().as_str().to_owned()
    }

    fn told(frames: &[[&str; 2]]) -> String {
        let (mut reasoned, mut out) = (Reasoned::<2>::default(), Vec::new());
        frames.iter().for_each(|frame| reasoned.take(*frame, &mut out));
        let text = |event: &Event| match event {
            Event::Reasoning(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        out.iter().map(text).collect()
    }

    #[test]
    fn reasoning_is_a_string_an_object_or_a_list() {
        for (json, text) in [
            (r#""a""#, "a"),
            (r#"{"text":"a"}"#, "a"),
            (r#"{"type":"reasoning.text","text":"a","signature":"xyz"}"#, "a"),
            (
                r#"[{"type":"thinking","thinking":"a"},{"summary":[{"text":"b"}]}]"#,
                "ab",
            ),
            (r#"["a","b"]"#, "ab"),
            (r#"{"step":"a"}"#, "a"),
            (r#"{"type":"reasoning.encrypted","data":"xyz"}"#, ""),
            ("null", ""),
            ("7", ""),
        ] {
            assert_eq!(read(json), text, "{json}");
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&deep), "");
    }

    #[test]
    fn fields_that_say_the_same_are_told_once() {
        assert_eq!(told(&[["One.", "One."], [" Two.", " Two."]]), "One. Two.");
        assert_eq!(told(&[["One.", ""], [" Two.", ""], ["", "One. Two."]]), "One. Two.");
        assert_eq!(
            told(&[["One.", ""], ["", "One. Two."], [" Two. Three.", ""]]),
            "One. Two. Three."
        );
    }

    #[test]
    fn all_so_far_instead_of_what_is_new_is_told_once() {
        assert_eq!(
            told(&[
                ["One.", ""],
                ["One. Two.", ""],
                ["One. Two.", ""],
                ["One. Two. Three.", ""]
            ]),
            "One. Two. Three."
        );
        assert_eq!(told(&[["One.", "One."], ["One. Two.", " Two."]]), "One. Two.");
    }

    #[test]
    fn what_only_begins_alike_is_told() {
        assert_eq!(
            told(&[["The plan.", ""], ["", "The"], ["", " answer."]]),
            "The plan.The answer."
        );
        assert_eq!(told(&[["a", ""], [" b", ""], [" a", ""], [" b", ""]]), "a b a b");
    }

    #[test]
    fn reasoning_without_end_is_not_told_without_end() {
        let piece = "x".repeat(100_000);
        let frames = vec![[piece.as_str(), ""]; 40];
        assert!(told(&frames).len() < 2 * LONGEST);
    }
}
