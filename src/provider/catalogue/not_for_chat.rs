//! Tells from what a provider lists of a model that one cannot chat with it: embeddings, rerankers, speech, pictures.
//!
//! Facts (2026-11-28), by the lists' fields. Looked up:
//! - `capabilities.completion_chat`: Mistral (<https://docs.mistral.ai/api>, schema `ModelCapabilities`);
//! - `supported_output_modalities`, beside `capabilities` that are words: GitHub Models
//!   (<https://docs.github.com/en/rest/models/catalog>);
//! - `type`: `chat`, `language`, `code`, `image`, `embedding`, `moderation`, `rerank` at Together
//!   (<https://docs.together.ai/reference/models-1>); `llm`, `vlm`, `embeddings` at LM Studio
//!   (<https://lmstudio.ai/docs/api/rest-api>);
//! - `architecture.output_modalities`: OpenRouter, which lists others than text only where asked for
//!   (<https://openrouter.ai/docs/sdks/go/api-reference/operations/getmodelsrequest>).
//!
//! Seen in lists, or in what reads them: `capabilities.chat_completion` (Azure), `capabilities.type` (GitHub Copilot),
//! `capabilities` as words and `details.family` (Ollama, llama.cpp), `supportedGenerationMethods` (Gemini), `endpoints`
//! (Cohere), `supports_chat` (Fireworks), `model_info.mode` (LiteLLM), `task.name` (Cloudflare). Where a list says nothing, a
//! model stays.

use serde_json::Value;

/// What a kind says that one can chat with.
const CHAT: &[&str] = &[
    "chat",
    "language",
    "llm",
    "vlm",
    "text-generation",
    "text generation",
    "text-to-text",
    "any-to-any",
    "completion",
    "generate",
];
/// What a kind says that one cannot chat with, unless it says one of those as well.
const NO_CHAT: &[&str] = &[
    "embed",
    "rerank",
    "moderation",
    "image",
    "video",
    "audio",
    "speech",
    "tts",
    "stt",
    "transcri",
    "classif",
    "ocr",
    "similarity",
    "guard",
];

/// Whether the list says that this is no model to chat with.
pub(super) fn is_no_chat(entry: &Value) -> bool {
    let of = |path: &str| path.split('.').try_fold(entry, |value, name| value.get(name));
    let lists = |paths: &[&str]| paths.iter().filter_map(|path| of(path)?.as_array()).collect::<Vec<_>>();
    let methods = lists(&["supportedGenerationMethods"]);
    let outputs = lists(&[
        "architecture.output_modalities",
        "output_modalities",
        "supported_output_modalities",
        "modalities.output",
    ]);
    let endpoints = lists(&["endpoints", "supported_endpoints"]);
    let never = |list: &&Vec<Value>, wanted: &[&str]| !list.is_empty() && !list.iter().any(|word| says(word, wanted));
    let switched_off = [
        "capabilities.completion_chat",
        "capabilities.chat_completion",
        "capabilities.chat",
        "supports_chat",
    ]
    .iter()
    .any(|path| of(path).and_then(Value::as_bool) == Some(false));
    methods
        .iter()
        .any(|list| !list.iter().any(|method| method == "generateContent"))
        || outputs.iter().any(|list| never(list, &["text"]))
        || endpoints
            .iter()
            .any(|list| never(list, &["chat", "generate", "completions", "responses", "messages"]))
        || switched_off
        || kinds(entry)
        || of("capabilities")
            .and_then(Value::as_array)
            .is_some_and(|words| is_other(words.iter()))
        || of("details.family").is_some_and(|family| says(family, &["bert"]))
}

/// Whether one of the fields that name a kind names one to which nobody talks.
fn kinds(entry: &Value) -> bool {
    let of = |path: &str| path.split('.').try_fold(entry, |value, name| value.get(name));
    let paths = [
        "type",
        "model_type",
        "mode",
        "model_info.mode",
        "task",
        "task.name",
        "capabilities.type",
        "pipeline_tag",
        "kind",
        "reported_type",
    ];
    paths
        .iter()
        .filter_map(|path| of(path))
        .any(|kind| is_other([kind].into_iter()))
}

fn is_other<'a>(mut words: impl Iterator<Item = &'a Value> + Clone) -> bool {
    let is_chat = words.clone().any(|word| says(word, CHAT));
    !is_chat && words.any(|word| says(word, NO_CHAT))
}

fn says(word: &Value, parts: &[&str]) -> bool {
    let word = word.as_str().unwrap_or_default().to_ascii_lowercase();
    parts.iter().any(|part| word.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn models_that_are_not_for_chats_are_known_by_what_the_list_says() {
        for entry in [
            json!({"id": "mistral-embed", "capabilities": {"completion_chat": false}}),
            json!({"id": "e", "capabilities": {"chat_completion": false, "embeddings": true}}),
            json!({"id": "e", "capabilities": {"type": "embeddings"}}),
            json!({"name": "nomic-embed-text", "capabilities": ["embedding"]}),
            json!({"name": "all-minilm", "details": {"family": "bert"}}),
            json!({"id": "i", "architecture": {"output_modalities": ["image"]}}),
            json!({"id": "e", "supported_output_modalities": ["embeddings"]}),
            json!({"id": "e", "type": "embeddings"}),
            json!({"id": "r", "type": "rerank"}),
            json!({"id": "t", "type": "audio"}),
            json!({"id": "t", "object": "model", "type": "moderation", "context_length": 4096}),
            json!({"id": "e", "type": "embedding", "organization": "Together"}),
            json!({"id": "o", "capabilities": {"completion_chat": false, "ocr": true, "audio_transcription": false}}),
            json!({"name": "embed-v4", "endpoints": ["embed", "classify"]}),
            json!({"id": "f", "supports_chat": false}),
            json!({"id": "l", "model_info": {"mode": "audio_transcription"}}),
            json!({"id": "c", "task": {"name": "Text-to-Image"}}),
            json!({"name": "models/e", "supportedGenerationMethods": ["embedContent"]}),
        ] {
            assert!(is_no_chat(&entry), "{entry}");
        }
    }

    #[test]
    fn models_to_chat_with_and_those_of_which_nothing_is_said_stay() {
        for entry in [
            json!({"id": "text-embedding-3-small", "object": "model"}),
            json!({"id": "claude", "type": "model", "capabilities": {"image_input": {"supported": true}}}),
            json!({"id": "m", "capabilities": {"completion_chat": true, "vision": true}}),
            json!({"name": "llava", "capabilities": ["completion", "vision"], "details": {"family": "llama"}}),
            json!({"id": "g", "architecture": {"output_modalities": ["image", "text"], "modality": "text->text+image"}}),
            json!({"id": "t", "type": "chat"}),
            json!({"id": "t", "type": "language"}),
            json!({"id": "t", "type": "code"}),
            json!({"id": "o/g", "capabilities": ["streaming", "tool-calling"], "supported_output_modalities": ["text"]}),
            json!({"id": "l", "type": "vlm"}),
            json!({"name": "command", "endpoints": ["generate", "chat", "summarize"]}),
            json!({"name": "old", "endpoints": []}),
            json!({"id": "h", "pipeline_tag": "image-text-to-text"}),
            json!({"id": "n", "type": null, "capabilities": null, "details": 3}),
            json!("x"),
        ] {
            assert!(!is_no_chat(&entry), "{entry}");
        }
    }
}
