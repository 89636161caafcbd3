//! Wires: how the APIs are spoken, and what they have in common in reading an answer.

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
