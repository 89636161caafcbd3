//! OpenAI. Facts (2026-11-22): its [API reference](https://platform.openai.com/docs/api-reference), and the variables that
//! openai-python 3.54.0 reads.

use super::{COMPATIBLE, Entry, Key, read};
use crate::keys::vault::Environment;
use crate::provider::Dialect;
use crate::provider::registry::{Provider, base};
use crate::provider::wire;

/// OpenAI's own names of parameters.
pub(super) const DIALECT: Dialect = Dialect {
    max_tokens_field: "max_completion_tokens",
    include_usage: true,
    openai_models: true,
};

const ENTRY: Entry = Entry {
    name: "openai",
    label: "OpenAI",
    wire: wire::openai_responses::WIRE,
    base_url: "https://api.openai.com/v1",
    key: Key::Required,
    variables: &["OPENAI_API_KEY"],
    dialect: DIALECT,
    default_model: Some("gpt-6.1-sol"),
    keys_page: Some("https://platform.openai.com/api-keys"),
    billing_page: Some("https://platform.openai.com/settings/organization/billing"),
    ..COMPATIBLE
};

pub(super) fn provider(environment: Environment<'_>) -> Provider {
    let mut provider = ENTRY.provider();
    if let Some(url) = read(environment, "OPENAI_BASE_URL") {
        provider.base_url = base(&url);
    }
    provider.organization = read(environment, "OPENAI_ORG_ID").unwrap_or_default();
    provider.project = read(environment, "OPENAI_PROJECT_ID").unwrap_or_default();
    provider.has_organizations = true;
    provider
}
