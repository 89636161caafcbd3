//! Wires: the protocols in which providers are asked (Chat Completions, Responses, Messages, Gemini, Ollama), one file each.
//!
//! A file that implements [`Wire`] and stands in [`ALL`] is a wire: nothing above asks which one it is. What they have in
//! common in reading an answer stands beside them: framing ([`sse`], `event_stream`, `json_lines`), fields that may hold
//! anything (`lenient`), reasoning, sources, counts of tokens, and the tags of reasoning in a text (`think_tags`).

use std::fmt;

use serde_json::Value;

use super::registry::{Auth, Provider};
use super::{Decoder, ProviderError, Request};

mod alternating_roles;
pub mod anthropic;
pub(crate) mod citations;
mod event_stream;
pub mod gemini;
mod json_lines;
pub(crate) mod lenient;
pub mod ollama;
pub mod openai_chat;
pub mod openai_models;
pub mod openai_responses;
mod path;
mod reasoning;
pub mod sse;
#[cfg(test)]
mod test_support;
mod think_tags;
mod token_counts;
#[cfg(test)]
mod tool_calls_tests;
mod unknown_frame;
mod unshown;

pub use path::has_version;

/// The wire of servers that call themselves compatible.
pub const COMPATIBLE: &dyn Wire = openai_chat::WIRE;

/// All wires.
pub const ALL: &[&dyn Wire] = &[
    openai_responses::WIRE,
    openai_chat::WIRE,
    anthropic::WIRE,
    gemini::WIRE,
    ollama::WIRE,
];

/// How a provider is spoken to: what a request looks like, and how its answer is read.
pub trait Wire: Send + Sync {
    /// What the option `wire` calls it.
    fn name(&self) -> &'static str;

    /// The body of a request. Its `params` win over our fields; a `null` among them takes the field out.
    fn body(&self, provider: &Provider, request: &Request) -> Value;

    /// Where a model is asked, seen from the base URL.
    ///
    /// # Errors
    /// The model's name can be no part of a path.
    fn path(&self, provider: &Provider, model: &str) -> Result<String, ProviderError>;

    /// A decoder for one answer.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// The headers of every request, by their names in lower case, beside the key and what HTTP itself wants.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Where a provider that changes over to this wire has its key, and where it lists its models, seen from the base URL;
    /// `None`: as OpenAI has it.
    fn conventions(&self) -> Option<(Auth, &'static str)> {
        None
    }

    /// Whether a request can set the size of the context ([`Provider::context`]).
    fn sets_context(&self) -> bool {
        false
    }

    /// What requests add to a base URL, in lower case: it does not belong into it.
    fn added_paths(&self) -> &'static [&'static str];

    /// Whether a base URL holds the API's version (`/v1`).
    fn is_versioned(&self) -> bool {
        true
    }

    /// Whether an address tells by its host (in lower case, with its port) or by its path that this wire is spoken there.
    fn is_spoken_at(&self, _host: &str, _path: &str) -> bool {
        false
    }

    /// Whether most servers that are compatible with OpenAI's do not speak it.
    fn is_openais_own(&self) -> bool {
        false
    }

    /// The base URL of this wire, from the one that users know.
    fn base_url(&self, url: &str) -> String {
        url.to_owned()
    }

    /// The base URL of another wire, from the one of a server that speaks this one too.
    fn base_url_beside(&self, url: &str) -> String {
        url.to_owned()
    }
}

impl PartialEq for dyn Wire {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl fmt::Debug for dyn Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The wire that the option `wire` names.
pub fn named(name: &str) -> Option<&'static dyn Wire> {
    ALL.iter().copied().find(|wire| wire.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_wire_has_a_name_of_its_own_which_the_editor_takes_and_the_manual_explains() {
        let names: BTreeSet<&str> = ALL.iter().map(|wire| wire.name()).collect();
        assert_eq!(names.len(), ALL.len());
        let options = include_str!("../../../lua/gpt/config/options.lua");
        let quoted: Vec<String> = ALL.iter().map(|wire| format!("\"{}\"", wire.name())).collect();
        let line = format!("wire = {{ type = {{ {} }} }},", quoted.join(", "));
        assert!(options.contains(&line), "lua/gpt/config/options.lua has no {line}");
        for name in quoted {
            assert!(crate::guide::MANUAL.contains(&name), "doc/gpt.txt has no {name}");
        }
    }

    #[test]
    fn a_path_that_is_added_begins_with_a_slash_and_is_in_lower_case() {
        for path in ALL.iter().flat_map(|wire| wire.added_paths()) {
            assert!(path.starts_with('/') && *path == path.to_lowercase(), "{path}");
        }
    }
}
