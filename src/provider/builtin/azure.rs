//! Azure OpenAI. Facts (2026-11-22): Microsoft's pages on the
//! [v1 API](https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle) and the older one with dated
//! versions, and openai-python 3.54.0. The model is the name of a deployment.

use super::openai::DIALECT;
use super::{COMPATIBLE, Entry, Key, read};
use crate::keys::vault::Environment;
use crate::provider::registry::{Auth, Provider, base};
use crate::provider::wire;

const ENTRY: Entry = Entry {
    name: "azure",
    label: "Azure OpenAI",
    wire: wire::openai_responses::WIRE,
    resource_url: Some("https://{resource}.openai.azure.com/openai/v1"),
    auth: Auth::Header("api-key"),
    key: Key::Required,
    variables: &["AZURE_OPENAI_API_KEY"],
    dialect: DIALECT,
    keys_page: Some("https://portal.azure.com"),
    billing_page: Some("https://portal.azure.com/#view/Microsoft_Azure_CostManagement"),
    ..COMPATIBLE
};

pub(super) fn provider(environment: Environment<'_>) -> Provider {
    let mut provider = ENTRY.provider();
    if let Some(endpoint) = read(environment, "AZURE_OPENAI_ENDPOINT") {
        provider.base_url = format!("{}/openai/v1", base(&endpoint));
    }
    provider
}
