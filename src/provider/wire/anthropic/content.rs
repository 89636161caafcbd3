//! Reads the blocks of an answer: text and thinking, sources, and what can only be named.
//!
//! Facts (2026-11-28): Anthropic's pages on [citations](https://docs.claude.com/en/docs/build-with-claude/citations) and on
//! the tools that it runs (web search, web fetch, code execution, MCP).

use super::frame::Block;
use crate::provider::wire::citations::Sources;
use crate::provider::wire::lenient::{Object, Text};
use crate::provider::wire::unshown::Named;
use crate::provider::{Event, UnshownKind};

/// How deep results are looked into for files.
const DEEPEST: usize = 4;

/// What has been told of the answer.
#[derive(Debug, Default)]
pub(super) struct Content {
    sources: Sources,
    named: Named,
}

impl Content {
    /// A block begins, or comes whole.
    pub(super) fn block(&mut self, block: &Block<'_>, out: &mut Vec<Event>) {
        said(block, out);
        self.sources.add_all(&block.citations.0, out);
        self.name(block, out);
        self.files(block, 0, out);
    }

    /// A piece of a block.
    pub(super) fn delta(&mut self, delta: &Block<'_>, out: &mut Vec<Event>) {
        said(delta, out);
        self.sources.add(&delta.citation.0, out);
    }

    fn name(&mut self, block: &Block<'_>, out: &mut Vec<Event>) {
        let key = match block.id.as_str() {
            "" => String::new(),
            id => format!("use {id}"),
        };
        let kind = block.kind.as_str();
        match kind {
            // `fallback` says which model answers; what is redacted is for the provider's eyes.
            "" | "text" | "thinking" | "redacted_thinking" | "tool_use" | "fallback" | "compaction" => {}
            "server_tool_use" => self.named.add(&key, UnshownKind::Ran, block.name.as_str(), out),
            "mcp_tool_use" => {
                let name = format!("{}.{}", block.server_name.as_str(), block.name.as_str());
                self.named
                    .add(&key, UnshownKind::Ran, name.trim_start_matches('.'), out);
            }
            "container_upload" => {} // named as the file that it is
            _ if kind.ends_with("_tool_result") => {}
            _ => self.named.add_type(&key, kind, "", out),
        }
    }

    /// Names the files that a tool has made.
    fn files(&mut self, block: &Block<'_>, depth: usize, out: &mut Vec<Event>) {
        let id: &Text<'_> = &block.file_id;
        if !id.is_empty() {
            self.named
                .add(&format!("file {}", id.as_str()), UnshownKind::File, id.as_str(), out);
        }
        if depth < DEEPEST {
            for Object(inner) in &block.content.0 {
                self.files(inner, depth + 1, out);
            }
        }
    }
}

/// The text and the thinking of a block, or of a piece of one.
fn said(block: &Block<'_>, out: &mut Vec<Event>) {
    if !block.thinking.is_empty() {
        out.push(Event::Reasoning(block.thinking.as_str().to_owned()));
    }
    if !block.text.is_empty() {
        out.push(Event::Text(block.text.as_str().to_owned()));
    }
}
