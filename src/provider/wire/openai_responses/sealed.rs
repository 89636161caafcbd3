//! Keeps items of reasoning whose content is encrypted, to be sent back as they are.
//!
//! Facts (2026-11-28): OpenAI's [guide to reasoning](https://platform.openai.com/docs/guides/reasoning). The content is whole
//! in `response.output_item.done`; what `….added` has may be a part of it.

use serde_json::{Map, Value, json};

use super::frame::Item;
use crate::provider::Event;
use crate::provider::wire::lenient::Object;
use crate::transcript::Signature;

/// The largest content that is kept, in bytes.
const LONGEST: usize = 256 * 1024;
/// The most items that are kept of an answer.
const MOST: usize = 256;

/// What has been handed on.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    known: Vec<String>,
}

impl Sealed {
    /// Hands an item on, once.
    pub(super) fn item(&mut self, item: &Item<'_>, out: &mut Vec<Event>) {
        let encrypted = item.encrypted_content.as_str();
        let is_kept = item.kind.as_str() == "reasoning" && !encrypted.is_empty() && encrypted.len() <= LONGEST;
        if !is_kept || self.known.len() >= MOST || self.known.iter().any(|known| known == encrypted) {
            return;
        }
        self.known.push(encrypted.to_owned());
        let mut sealed = Map::new();
        sealed.insert("type".into(), json!("reasoning"));
        if !item.id.is_empty() {
            sealed.insert("id".into(), json!(item.id.as_str()));
        }
        let part =
            |Object(part): &Object<super::frame::Part<'_>>| json!({"type": "summary_text", "text": part.text.as_str()});
        sealed.insert("summary".into(), item.summary.0.iter().map(part).collect());
        sealed.insert("encrypted_content".into(), json!(encrypted));
        out.push(Event::Signature(Signature::of_wire(Value::Object(sealed))));
    }
}
