//! Keeps the reasoning that a server wants back: OpenRouter's `reasoning_details`, DeepSeek's `reasoning_content`.
//!
//! Facts (2026-11-28): [OpenRouter](https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks) wants
//! the list as it was; in a stream each of its entries comes in pieces with the same `type` and `index`.
//! [DeepSeek](https://api-docs.deepseek.com/guides/thinking_mode) wants the text back with calls, and elsewhere none.

use serde_json::{Map, Value, json};

use crate::provider::Event;
use crate::transcript::Signature;

/// How much of it is kept, in bytes: what is longer cannot be sent back whole.
const LONGEST: usize = 256 * 1024;
/// The most entries that are kept.
const MOST: usize = 1_000;
/// The fields of an entry that come in pieces.
const GROWING: [&str; 3] = ["text", "summary", "data"];

/// What has come of an answer.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    details: Vec<Map<String, Value>>,
    content: String,
    size: usize,
}

impl Sealed {
    /// Takes what one frame has of both.
    pub(super) fn take(&mut self, details: &[Value], content: &str) {
        self.size = self.size.saturating_add(content.len());
        self.size = details
            .iter()
            .fold(self.size, |size, entry| size.saturating_add(entry.to_string().len()));
        if self.size > LONGEST {
            return;
        }
        self.content.push_str(content);
        details
            .iter()
            .filter_map(Value::as_object)
            .for_each(|entry| self.entry(entry));
    }

    fn entry(&mut self, entry: &Map<String, Value>) {
        let goes_on = |last: &&mut Map<String, Value>| {
            let is_same = |name: &str| last.get(name) == entry.get(name);
            // What was signed is whole.
            let is_piece = entry.get("index").is_some() && last.get("signature").is_none_or(Value::is_null);
            is_same("type") && is_same("index") && (is_piece || repeats(last, entry))
        };
        let Some(last) = self.details.last_mut().filter(goes_on) else {
            if self.details.len() < MOST {
                self.details.push(entry.clone());
            }
            return;
        };
        if entry.get("index").is_none() {
            last.clone_from(entry);
            return;
        }
        for (name, value) in entry {
            match (last.get_mut(name), value) {
                (Some(Value::String(text)), Value::String(more)) if GROWING.contains(&name.as_str()) => {
                    text.push_str(more);
                }
                (None | Some(Value::Null), value) => drop(last.insert(name.clone(), value.clone())),
                _ => {}
            }
        }
    }

    /// Hands it on, at the answer's end.
    pub(super) fn tell(&mut self, has_calls: bool, out: &mut Vec<Event>) {
        let Self { details, content, size } = std::mem::take(self);
        let sealed = match (details.is_empty(), content.is_empty()) {
            _ if size > LONGEST => return,
            (false, _) if has_calls || details.iter().any(is_signed) => json!({ "reasoning_details": details }),
            (_, false) if has_calls => json!({ "reasoning_content": content }),
            _ => return,
        };
        out.push(Event::Signature(Signature::of_wire(sealed)));
    }
}

/// Whether an entry without an index has all of the one before it, and goes on: MiniMax sends them so.
fn repeats(last: &Map<String, Value>, entry: &Map<String, Value>) -> bool {
    let text = |entry: &Map<String, Value>| entry.get("text").and_then(Value::as_str).map(str::to_owned);
    let goes_on = text(last)
        .zip(text(entry))
        .is_some_and(|(last, entry)| entry.starts_with(&last));
    entry.get("index").is_none() && goes_on
}

/// Whether an entry holds what only its provider can read.
fn is_signed(entry: &Map<String, Value>) -> bool {
    let is_there = |name: &str| {
        entry
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    is_there("signature") || is_there("data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(frames: &[Value]) -> Vec<Event> {
        let (mut sealed, mut out) = (Sealed::default(), Vec::new());
        for frame in frames {
            sealed.take(frame.as_array().unwrap(), "");
        }
        sealed.tell(false, &mut out);
        out
    }

    fn entry(index: u64, text: &str, signature: Value) -> Value {
        json!([{"type": "reasoning.text", "index": index, "text": text, "signature": signature}])
    }

    #[test]
    fn the_pieces_of_an_entry_are_one_and_the_next_entry_is_another() {
        let frames = [
            json!([{"type": "reasoning.text", "index": 0, "text": "a"}]),
            entry(0, "b", json!("s")),
            entry(1, "c", Value::Null),
            json!([{"type": "reasoning.encrypted", "index": 2, "data": "x"}]),
        ];
        let whole = json!({"reasoning_details": [
            {"type": "reasoning.text", "index": 0, "text": "ab", "signature": "s"},
            {"type": "reasoning.text", "index": 1, "text": "c", "signature": null},
            {"type": "reasoning.encrypted", "index": 2, "data": "x"}]});
        assert_eq!(told(&frames), [Event::Signature(Signature::of_wire(whole))]);
    }

    #[test]
    fn what_is_too_long_to_be_sent_back_whole_is_not_kept() {
        let frames = vec![entry(0, &"x".repeat(100_000), Value::Null); 4];
        assert_eq!(told(&frames), []);
    }

    #[test]
    fn a_reasoning_without_a_list_is_wanted_back_with_calls_alone() {
        for (has_calls, count) in [(true, 1), (false, 0)] {
            let (mut sealed, mut out) = (Sealed::default(), Vec::new());
            sealed.take(&[], "hm");
            sealed.tell(has_calls, &mut out);
            assert_eq!(out.len(), count);
        }
    }
}
