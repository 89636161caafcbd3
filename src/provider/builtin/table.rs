//! The providers that speak Chat Completions and differ in data only. Facts (2026-11-22): each one's own reference, named
//! beside it, and the variables that its own SDK or command reads.
//!
//! A key is read from a variable only when its provider is asked. Two of these, `GITHUB_TOKEN` and `HF_TOKEN`, open more
//! than a language model, and are set where nobody thinks of one: they choose no provider (`opens_more`).
//!
//! Default models: names that move along where a provider has them, else what litellm 1.109.1 (2026-11-12) lists without
//! an end.

use super::{COMPATIBLE, Entry, Key};
use crate::provider::Dialect;

/// Knows the name that OpenAI uses now.
const NEWER: Dialect = Dialect {
    max_tokens_field: "max_completion_tokens",
    ..COMPATIBLE.dialect
};

/// Sends the counts unasked, and refuses or ignores the wish for them.
const UNASKED: Dialect = Dialect {
    include_usage: false,
    ..COMPATIBLE.dialect
};

const HOSTED: Entry = Entry {
    key: Key::Required,
    ..COMPATIBLE
};

pub(super) const ENTRIES: &[Entry] = &[
    // https://lmstudio.ai/docs/developer/openai-compat
    Entry {
        name: "lmstudio",
        label: "LM Studio",
        base_url: "http://localhost:1234/v1",
        key: Key::None,
        ..COMPATIBLE
    },
    // https://docs.mistral.ai/api
    Entry {
        name: "mistral",
        label: "Mistral",
        base_url: "https://api.mistral.ai/v1",
        variables: &["MISTRAL_API_KEY"],
        dialect: UNASKED,
        keys_page: Some("https://console.mistral.ai/api-keys"),
        billing_page: Some("https://console.mistral.ai/billing"),
        default_model: Some("mistral-large-latest"),
        ..HOSTED
    },
    // https://console.groq.com/docs/api-reference
    Entry {
        name: "groq",
        label: "Groq",
        base_url: "https://api.groq.com/openai/v1",
        variables: &["GROQ_API_KEY"],
        dialect: NEWER,
        keys_page: Some("https://console.groq.com/keys"),
        billing_page: Some("https://console.groq.com/settings/billing"),
        default_model: Some("openai/gpt-oss-120b"),
        ..HOSTED
    },
    // https://api-docs.deepseek.com
    Entry {
        name: "deepseek",
        label: "DeepSeek",
        base_url: "https://api.deepseek.com/v1",
        variables: &["DEEPSEEK_API_KEY"],
        keys_page: Some("https://platform.deepseek.com/api_keys"),
        billing_page: Some("https://platform.deepseek.com/top_up"),
        default_model: Some("deepseek-v4-pro"),
        ..HOSTED
    },
    // https://docs.x.ai/docs/api-reference
    Entry {
        name: "xai",
        label: "xAI",
        base_url: "https://api.x.ai/v1",
        variables: &["XAI_API_KEY"],
        dialect: NEWER,
        keys_page: Some("https://console.x.ai"),
        billing_page: Some("https://console.x.ai"),
        default_model: Some("grok-4.7"),
        ..HOSTED
    },
    // https://openrouter.ai/docs/api-reference; the plain list of models is open to all, so it would check no key.
    Entry {
        name: "openrouter",
        label: "OpenRouter",
        base_url: "https://openrouter.ai/api/v1",
        models_path: "models/user",
        variables: &["OPENROUTER_API_KEY"],
        keys_page: Some("https://openrouter.ai/settings/keys"),
        billing_page: Some("https://openrouter.ai/settings/credits"),
        default_model: Some("openrouter/auto"),
        ..HOSTED
    },
    // https://docs.together.ai/reference
    Entry {
        name: "together",
        label: "Together",
        base_url: "https://api.together.xyz/v1",
        variables: &["TOGETHER_API_KEY"],
        keys_page: Some("https://api.together.ai/settings/api-keys"),
        billing_page: Some("https://api.together.ai/settings/billing"),
        default_model: Some("zai-org/GLM-5.3"),
        ..HOSTED
    },
    // https://docs.fireworks.ai/api-reference
    Entry {
        name: "fireworks",
        label: "Fireworks",
        base_url: "https://api.fireworks.ai/inference/v1",
        variables: &["FIREWORKS_API_KEY"],
        keys_page: Some("https://app.fireworks.ai/settings/users/api-keys"),
        billing_page: Some("https://app.fireworks.ai/account/billing"),
        default_model: Some("accounts/fireworks/models/glm-5p1"),
        ..HOSTED
    },
    // https://docs.perplexity.ai/api-reference
    Entry {
        name: "perplexity",
        label: "Perplexity",
        base_url: "https://api.perplexity.ai",
        variables: &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
        dialect: UNASKED,
        keys_page: Some("https://www.perplexity.ai/settings/api"),
        billing_page: Some("https://www.perplexity.ai/settings/api"),
        default_model: Some("sonar-pro"),
        ..HOSTED
    },
    // https://inference-docs.cerebras.ai/api-reference
    Entry {
        name: "cerebras",
        label: "Cerebras",
        base_url: "https://api.cerebras.ai/v1",
        variables: &["CEREBRAS_API_KEY"],
        dialect: NEWER,
        keys_page: Some("https://cloud.cerebras.ai"),
        billing_page: Some("https://cloud.cerebras.ai"),
        default_model: Some("gpt-oss-120b"),
        ..HOSTED
    },
    // https://docs.api.nvidia.com/nim/reference
    Entry {
        name: "nvidia",
        label: "NVIDIA",
        base_url: "https://integrate.api.nvidia.com/v1",
        variables: &["NVIDIA_API_KEY"],
        keys_page: Some("https://build.nvidia.com/settings/api-keys"),
        default_model: Some("openai/gpt-oss-120b"),
        ..HOSTED
    },
    // https://huggingface.co/docs/inference-providers
    Entry {
        name: "huggingface",
        label: "Hugging Face",
        base_url: "https://router.huggingface.co/v1",
        variables: &["HF_TOKEN"],
        keys_page: Some("https://huggingface.co/settings/tokens"),
        billing_page: Some("https://huggingface.co/settings/billing"),
        default_model: Some("openai/gpt-oss-120b"),
        opens_more: true,
        ..HOSTED
    },
    // https://docs.cohere.com/docs/compatibility-api; it refuses `stream_options`, and the list of models is in its own
    // API only.
    Entry {
        name: "cohere",
        label: "Cohere",
        base_url: "https://api.cohere.ai/compatibility/v1",
        models_path: "../../v1/models?page_size=1000",
        variables: &["COHERE_API_KEY", "CO_API_KEY"],
        dialect: UNASKED,
        keys_page: Some("https://dashboard.cohere.com/api-keys"),
        billing_page: Some("https://dashboard.cohere.com/billing"),
        default_model: Some("command-a-plus-05-2026"),
        ..HOSTED
    },
    // https://docs.github.com/rest/models; the list is an array, beside the API.
    Entry {
        name: "github",
        label: "GitHub Models",
        base_url: "https://models.github.ai/inference",
        models_path: "../catalog/models",
        variables: &["GITHUB_TOKEN"],
        keys_page: Some("https://github.com/settings/personal-access-tokens"),
        billing_page: Some("https://github.com/settings/billing"),
        opens_more: true,
        ..HOSTED
    },
];
