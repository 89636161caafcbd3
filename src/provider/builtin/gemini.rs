//! Google Gemini. Facts (2026-11-22): its [API reference](https://ai.google.dev/api), which also names the variables. The
//! list of models comes in pages of at most 1000.

use super::{COMPATIBLE, Entry, Key};
use crate::provider::registry::Auth;
use crate::provider::wire;

pub(super) const ENTRY: Entry = Entry {
    name: "gemini",
    label: "Google Gemini",
    wire: wire::gemini::WIRE,
    base_url: "https://generativelanguage.googleapis.com/v1beta",
    models_path: wire::gemini::MODELS_PATH,
    auth: Auth::Header("x-goog-api-key"),
    key: Key::Required,
    variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    default_model: Some("gemini-flash-latest"),
    keys_page: Some("https://aistudio.google.com/apikey"),
    billing_page: Some("https://aistudio.google.com/usage"),
    ..COMPATIBLE
};
