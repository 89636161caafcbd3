//! Turns the blocks of a message into the parts that the history keeps, and back.
//!
//! Programs of several versions share one file, and an older one fails at a kind of part that it does not know. So the
//! kinds are those of the first version: what came later is JSON among the tool calls, where older programs pass by what
//! is no call to them. An older program loses nothing by that, since it rewrites only the answers that it streams itself.

use serde_json::{Value, json};

use super::{Part, PartKind};
use crate::transcript::{Block, Citation, Signature, ToolCall, ToolResult, Unshown, UnshownKind};

/// The largest signature that is kept, in bytes of JSON.
const LARGEST_SIGNATURE: usize = 256 * 1024;

/// The parts that stand for these blocks.
#[must_use]
pub fn parts(blocks: &[Block]) -> Vec<Part> {
    blocks.iter().flat_map(of_block).collect()
}

/// The parts that stand for a block: two for signed reasoning, since the text of it goes on in pieces.
#[must_use]
pub fn of_block(block: &Block) -> Vec<Part> {
    let part = |kind, content: String| Part { kind, content };
    match block {
        Block::Text(text) | Block::Refusal(text) => vec![part(PartKind::Text, text.clone())],
        Block::Reasoning { text, signature } => {
            let thought = (!text.is_empty()).then(|| part(PartKind::Reasoning, text.clone()));
            let signature = signature.as_ref().and_then(of_signature);
            let signed = signature.map(|signature| json!({ "signature": signature }).to_string());
            let signed = signed.map(|signed| part(PartKind::ToolCall, signed));
            thought.into_iter().chain(signed).collect()
        }
        Block::ToolCall(call) => vec![part(PartKind::ToolCall, of_call(call))],
        Block::ToolResult(result) => vec![part(PartKind::ToolCall, of_result(result))],
        Block::Citation(Citation { url, title }) => {
            let source = json!({ "url": url, "title": title });
            vec![part(PartKind::Citation, source.to_string())]
        }
        Block::Unshown(Unshown { kind, name }) => {
            let named = json!({ "unshown": kind.word(), "name": name });
            vec![part(PartKind::ToolCall, named.to_string())]
        }
    }
}

/// The block that a part stands for; `None` where it says nothing to this version. A signature is a block of reasoning
/// without text, which goes on with the one before it.
#[must_use]
pub fn to_block(part: &Part) -> Option<Block> {
    match part.kind {
        PartKind::Text => Some(Block::Text(part.content.clone())),
        PartKind::Reasoning => Some(Block::Reasoning {
            text: part.content.clone(),
            signature: None,
        }),
        PartKind::Context => None,
        PartKind::Citation => {
            let json = object(&part.content)?;
            let (url, title) = (word(&json, "url")?, word(&json, "title")?);
            Some(Block::Citation(Citation { url, title }))
        }
        PartKind::ToolCall => to_call_or_other(&object(&part.content)?),
    }
}

fn to_call_or_other(json: &Value) -> Option<Block> {
    if let Some(call) = to_call(json) {
        return Some(Block::ToolCall(call));
    }
    if let Some(result) = json.get("result") {
        return Some(Block::ToolResult(ToolResult {
            call: word(result, "call")?,
            content: word(result, "content")?,
            is_error: result.get("is_error").and_then(Value::as_bool).unwrap_or_default(),
        }));
    }
    if let Some(kind) = word(json, "unshown") {
        let (kind, name) = (UnshownKind::of_word(&kind)?, word(json, "name")?);
        return Some(Block::Unshown(Unshown { kind, name }));
    }
    Some(Block::Reasoning {
        text: String::new(),
        signature: Some(to_signature(json.get("signature")?)?),
    })
}

fn object(content: &str) -> Option<Value> {
    serde_json::from_str(content).ok()
}

fn word(json: &Value, name: &str) -> Option<String> {
    json.get(name)?.as_str().map(str::to_owned)
}

fn of_call(call: &ToolCall) -> String {
    let ToolCall {
        id,
        name,
        arguments,
        signature,
    } = call;
    let mut json = json!({ "id": id, "name": name, "arguments": arguments });
    if let (Some(fields), Some(signature)) = (json.as_object_mut(), signature.as_ref().and_then(of_signature)) {
        fields.insert("signature".into(), signature);
    }
    json.to_string()
}

fn to_call(json: &Value) -> Option<ToolCall> {
    Some(ToolCall {
        id: word(json, "id")?,
        name: word(json, "name")?,
        arguments: word(json, "arguments")?,
        signature: json.get("signature").and_then(to_signature),
    })
}

fn of_result(result: &ToolResult) -> String {
    let ToolResult {
        call,
        content,
        is_error,
    } = result;
    json!({ "result": { "call": call, "content": content, "is_error": is_error } }).to_string()
}

fn of_signature(signature: &Signature) -> Option<Value> {
    let Signature { by, sealed } = signature;
    let is_kept = !by.is_empty() && sealed.to_string().len() <= LARGEST_SIGNATURE;
    is_kept.then(|| json!({ "by": by, "sealed": sealed }))
}

fn to_signature(json: &Value) -> Option<Signature> {
    Some(Signature {
        by: word(json, "by")?,
        sealed: json.get("sealed")?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Message, Role};

    fn signature(sealed: Value) -> Option<Signature> {
        let by = "anthropic/claude".to_owned();
        Some(Signature { by, sealed })
    }

    fn answer() -> Vec<Block> {
        vec![
            Block::Reasoning {
                text: "hm".into(),
                signature: signature(json!({ "signature": "s" })),
            },
            Block::Reasoning {
                text: String::new(),
                signature: signature(json!({ "redacted": "r" })),
            },
            Block::Text("I look.".into()),
            Block::ToolCall(ToolCall {
                id: "a".into(),
                name: "search".into(),
                arguments: "{\"x\": 1}".into(),
                signature: signature(json!("t")),
            }),
            Block::ToolResult(ToolResult {
                call: "a".into(),
                content: "found".into(),
                is_error: true,
            }),
            Block::Unshown(Unshown {
                kind: UnshownKind::Image,
                name: "a.png".into(),
            }),
            Block::Text("There.".into()),
            Block::Citation(Citation {
                url: "https://a.example/?q=\"x\"".into(),
                title: "A".into(),
            }),
        ]
    }

    #[test]
    fn blocks_come_back_as_they_were_and_in_their_order() {
        let mut back = Message::said(Role::Assistant, "");
        parts(&answer())
            .iter()
            .filter_map(to_block)
            .for_each(|block| back.push(block));
        assert_eq!(back.blocks, answer());
    }

    #[test]
    fn the_kinds_of_parts_are_those_that_the_first_version_knows() {
        let words: Vec<&str> = parts(&answer()).iter().map(|part| part.kind.word()).collect();
        let known = ["text", "reasoning", "tool_call", "context", "citation"];
        assert!(words.iter().all(|word| known.contains(word)), "{words:?}");
    }

    #[test]
    fn what_is_no_block_is_passed_by() {
        for content in [
            "nonsense",
            "{}",
            "[]",
            "{\"unshown\":\"x\",\"name\":\"\"}",
            "{\"signature\":{}}",
        ] {
            let part = |kind| Part {
                kind,
                content: content.into(),
            };
            assert_eq!(to_block(&part(PartKind::ToolCall)), None, "{content}");
            assert_eq!(to_block(&part(PartKind::Citation)), None, "{content}");
        }
    }

    #[test]
    fn a_signature_without_end_is_not_kept() {
        let block = Block::Reasoning {
            text: "hm".into(),
            signature: signature(json!("x".repeat(LARGEST_SIGNATURE))),
        };
        assert_eq!(of_block(&block).len(), 1);
    }
}
