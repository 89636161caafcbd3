//! Anthropic. Facts (2026-11-22): its [API reference](https://docs.anthropic.com/en/api/overview), and
//! anthropic-sdk-python 2.12.0. The list of models comes in pages of at most 1000.

use super::{COMPATIBLE, Entry, Key};
use crate::provider::registry::Auth;
use crate::provider::wire;

pub(super) const ENTRY: Entry = Entry {
    name: "anthropic",
    label: "Anthropic",
    wire: wire::anthropic::WIRE,
    base_url: "https://api.anthropic.com/v1",
    models_path: wire::anthropic::MODELS_PATH,
    auth: Auth::Header("x-api-key"),
    key: Key::Required,
    variables: &["ANTHROPIC_API_KEY"],
    default_model: Some("claude-sonnet-5"),
    keys_page: Some("https://console.anthropic.com/settings/keys"),
    billing_page: Some("https://console.anthropic.com/settings/billing"),
    ..COMPATIBLE
};
