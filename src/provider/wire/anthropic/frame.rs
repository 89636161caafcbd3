//! The frames of a Messages stream, and the answer that is not streamed. Every field may be missing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::provider::Usage;
use crate::provider::finish::StopWord;
use crate::provider::wire::citations::{Link, Source};
use crate::provider::wire::lenient::{Count, JsonText, List, Object, Reads, Text, default_for};
use crate::provider::wire::token_counts::{self, Tokens};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) index: Count,
    /// Of `message_start`.
    pub(super) message: Object<Start>,
    /// Of `content_block_start`.
    #[serde(borrow)]
    pub(super) content_block: Object<Block<'a>>,
    /// Of `content_block_delta`, and of `message_delta`.
    #[serde(borrow)]
    pub(super) delta: Object<Block<'a>>,
    /// Of `message_delta`.
    pub(super) usage: Object<Counts>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Start {
    pub(super) usage: Object<Counts>,
}

/// A model, named where another one answers in its place.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) model: Text<'a>,
}

/// A block of the content, or a delta of one; the fields that a kind does not have are empty.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
    /// Of `thinking`, and of a `signature_delta`.
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    /// Of `redacted_thinking`.
    #[serde(borrow)]
    pub(super) data: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) input: JsonText<'a>,
    #[serde(borrow)]
    pub(super) partial_json: Text<'a>,
    /// Of a `fallback` block: who answers from here on.
    #[serde(borrow)]
    pub(super) to: Object<Named<'a>>,
    /// Of a `citations_delta`.
    #[serde(borrow)]
    pub(super) citation: Object<Source<'a>>,
    /// Of a text block that comes whole.
    #[serde(borrow)]
    pub(super) citations: List<Link<'a>>,
    /// Of an `mcp_tool_use`.
    #[serde(borrow)]
    pub(super) server_name: Text<'a>,
    /// Of what code that the provider ran has put out.
    #[serde(borrow)]
    pub(super) content: Nested<'a>,
    #[serde(borrow)]
    pub(super) file_id: Text<'a>,
    #[serde(borrow)]
    pub(super) stop_reason: StopWord<'a>,
    #[serde(borrow)]
    pub(super) stop_details: Object<StopDetails<'a>>,
}

/// What stands beside a `stop_reason`, of a refusal for example.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    explanation: Text<'a>,
    #[serde(borrow)]
    recommended_model: Text<'a>,
}

impl StopDetails<'_> {
    /// All of it, a line each.
    pub(super) fn told(&self) -> String {
        let named = |name: &str, text: &Text<'_>| match text.is_empty() {
            true => String::new(),
            false => format!("{name}: {}", text.as_str()),
        };
        let lines = [
            self.explanation.as_str().to_owned(),
            named("category", &self.category),
            named("recommended_model", &self.recommended_model),
        ];
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }
}

/// The results of a tool that the provider ran: files are among them. A block within a block, or blocks; a text is none.
#[derive(Debug, Default)]
pub(super) struct Nested<'a>(pub(super) Vec<Object<Block<'a>>>);

impl<'de: 'a, 'a> Deserialize<'de> for Nested<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads(PhantomData::<Self>))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Reads<Nested<'a>> {
    type Value = Nested<'a>;
    default_for!(bool number string null);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block or blocks")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Nested<'a>, A::Error> {
        let mut blocks = Vec::new();
        while let Some(block) = seq.next_element()? {
            blocks.push(block);
        }
        Ok(Nested(blocks))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Nested<'a>, A::Error> {
        Block::deserialize(MapAccessDeserializer::new(map)).map(|block| Nested(vec![Object(block)]))
    }
}

/// A whole answer.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) content: List<Object<Block<'a>>>,
    #[serde(borrow)]
    pub(super) stop_reason: StopWord<'a>,
    #[serde(borrow)]
    pub(super) stop_details: Object<StopDetails<'a>>,
    pub(super) usage: Object<Counts>,
    pub(super) error: Option<Value>,
}

/// Counts so far; those of the input leave out what was read from and written to the cache. Where the provider ran the model
/// several times, for a compaction or with another model after a refusal, `iterations` has the counts of each run, and the
/// others are those of the last one alone
/// (<https://platform.claude.com/docs/en/build-with-claude/compaction>).
#[derive(Debug, Default, Clone, serde::Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    #[serde(flatten)]
    own: Run,
    iterations: List<Object<Run>>,
}

/// The counts of one run of a model.
#[derive(Debug, Default, Clone, Copy, serde::Deserialize)]
#[serde(default)]
struct Run {
    input_tokens: Tokens,
    cache_creation_input_tokens: Tokens,
    cache_read_input_tokens: Tokens,
    output_tokens: Tokens,
}

impl Counts {
    /// Takes the counts that a frame holds, and keeps the others.
    pub(super) fn updated(&mut self, newer: &Self) -> Usage {
        let (own, new) = (&mut self.own, &newer.own);
        let pairs = [
            (&mut own.input_tokens, new.input_tokens),
            (&mut own.cache_creation_input_tokens, new.cache_creation_input_tokens),
            (&mut own.cache_read_input_tokens, new.cache_read_input_tokens),
            (&mut own.output_tokens, new.output_tokens),
        ];
        for (known, newer) in pairs {
            *known = Tokens(newer.0.or(known.0));
        }
        if !newer.iterations.0.is_empty() {
            self.iterations.clone_from(&newer.iterations);
        }
        if self.iterations.0.is_empty() {
            return usage(&[self.own]);
        }
        let runs: Vec<Run> = self.iterations.0.iter().map(|run| run.0).collect();
        usage(&runs)
    }
}

fn usage(runs: &[Run]) -> Usage {
    let all = |count: fn(&Run) -> Tokens| token_counts::sum(runs.iter().map(|run| count(run).or_zero()));
    let cached = all(|run| run.cache_read_input_tokens);
    let written = all(|run| run.cache_creation_input_tokens);
    Usage {
        input: token_counts::sum([all(|run| run.input_tokens), written, cached]),
        cached,
        output: all(|run| run.output_tokens),
        reasoning: 0,
    }
}
