//! The blocks of a message: text, reasoning, calls of tools and their results, sources.

use serde_json::Value;

use super::unshown::Unshown;

/// A part of a message. Where it stands among the others is part of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// What is said, as markdown.
    Text(String),
    /// The same, where the model refuses to answer.
    Refusal(String),
    /// What the model thought.
    Reasoning {
        /// As far as it is told; may be empty, where the provider shows none of it.
        text: String,
        /// What its provider wants back, unchanged.
        signature: Option<Signature>,
    },
    /// A tool that the model wants run.
    ToolCall(ToolCall),
    /// What came of a call.
    ToolResult(ToolResult),
    /// A source of what was said.
    Citation(Citation),
    /// Something else, which is named and not shown.
    Unshown(Unshown),
}

/// What a provider gave with a block and takes back as it was: Anthropic's signature of thinking, OpenAI's encrypted
/// reasoning, Gemini's thoughtSignature. It means something to that provider's model alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who gave it, as `provider/model`; empty while an answer is being decoded, which does not know.
    pub by: String,
    /// What was given, in the words of its wire.
    pub sealed: Value,
}

impl Signature {
    /// A signature as its wire reads it.
    #[must_use]
    pub fn of_wire(sealed: Value) -> Self {
        let by = String::new();
        Self { by, sealed }
    }

    /// What was given, if it goes back to the one who gave it.
    #[must_use]
    pub fn for_model(&self, label: &str) -> Option<&Value> {
        (!label.is_empty() && self.by == label).then_some(&self.sealed)
    }
}

/// A call of a tool that the model asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCall {
    /// The id that the result must name.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments: JSON, as text, exactly as the model wrote it.
    pub arguments: String,
    /// What its provider wants back with it, unchanged.
    pub signature: Option<Signature>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// The id of the call.
    pub call: String,
    /// What the tool says.
    pub content: String,
    /// Whether it failed, was refused or stopped.
    pub is_error: bool,
}

/// A source that the model names for what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citation {
    /// Where it is: an address of http or https; empty for a file or a document.
    pub url: String,
    /// What it is called; may be empty where there is an address.
    pub title: String,
}

impl Citation {
    /// Whether two sources are one: a page by its address, a file by its name.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.url == other.url && (!self.url.is_empty() || self.title == other.title)
    }
}
