//! Any server that speaks Chat Completions: what is left when nothing is known of it.

use super::{Entry, Key};
use crate::provider::Dialect;
use crate::provider::registry::Auth;
use crate::provider::wire;

pub(crate) const COMPATIBLE: Entry = Entry {
    name: "openai-compatible",
    label: "openai-compatible",
    wire: wire::COMPATIBLE,
    offline: false,
    base_url: "",
    resource_url: None,
    models_path: "models",
    auth: Auth::Bearer,
    key: Key::Optional,
    variables: &[],
    dialect: Dialect {
        max_tokens_field: "max_tokens",
        include_usage: true,
        openai_models: false,
    },
    default_model: None,
    opens_more: false,
    keys_page: None,
    billing_page: None,
};
