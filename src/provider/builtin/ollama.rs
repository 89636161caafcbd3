//! Ollama, on this machine. Facts (2026-11-22): its
//! [API reference](https://github.com/ollama/ollama/blob/main/docs/api.md).

use super::{COMPATIBLE, Entry, Key};
use crate::provider::wire;

pub(super) const ENTRY: Entry = Entry {
    name: "ollama",
    label: "Ollama",
    wire: wire::ollama::WIRE,
    base_url: "http://localhost:11434",
    models_path: wire::ollama::MODELS_PATH,
    key: Key::None,
    ..COMPATIBLE
};
