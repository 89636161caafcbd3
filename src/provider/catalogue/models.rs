//! Lists of models, as providers give them: `GET /models` and its relatives.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{is_openai, not_for_chat, undated};
use crate::calendar;
use crate::provider::registry::Provider;

/// What OpenAI's list has in it besides chat models.
const NO_CHAT: [&str; 9] = [
    "audio",
    "realtime",
    "image",
    "tts",
    "transcribe",
    "embedding",
    "moderation",
    "instruct",
    "whisper",
];

/// A model that a provider lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// When it was made, in seconds since 1970; 0 where the provider does not say.
    pub created: i64,
    /// The day of its end: `YYYY-MM-DD`.
    pub ends: Option<String>,
}

/// Reads a list, in whichever of the usual shapes it comes, without the models that it says are not for chats. JSON that
/// is no list has no models in it.
///
/// - OpenAI and Anthropic: `{ data: [{ id, created | created_at, shutdown_date? }] }`; some servers send the bare list.
/// - Gemini: `{ models: [{ name: "models/…", supportedGenerationMethods }] }`.
/// - Ollama's `/api/tags`: `{ models: [{ name }] }`.
pub fn parse(body: &[u8]) -> Result<Vec<Listed>, serde_json::Error> {
    let list: Value = serde_json::from_slice(body)?;
    let entries = list.get("data").or_else(|| list.get("models")).unwrap_or(&list);
    Ok(entries.as_array().into_iter().flatten().filter_map(entry).collect())
}

fn entry(entry: &Value) -> Option<Listed> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let id = text("id").or_else(|| text("name")).or_else(|| text("model"))?;
    let id = id.strip_prefix("models/").unwrap_or(id);
    if not_for_chat::is_no_chat(entry) {
        return None;
    }
    Some(Listed {
        id: id.to_owned(),
        created: entry.get("created").and_then(Value::as_i64).unwrap_or_default(),
        ends: ["shutdown_date", "deprecation_date"]
            .iter()
            .find_map(|name| day(entry.get(name)?)),
    })
}

/// A day, from a text that begins with it or from seconds since 1970.
fn day(value: &Value) -> Option<String> {
    if let Some(seconds) = value.as_i64() {
        return Some(calendar::day(seconds));
    }
    let day = value.as_str()?.get(..10)?;
    let shaped = day.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    shaped.then(|| day.to_owned())
}

/// Those of a provider's models that one can chat with, newest first. OpenAI lists all that it has; of another host we
/// cannot know better than its own list.
pub fn for_chat(provider: &Provider, mut models: Vec<Listed>) -> Vec<Listed> {
    models.sort_by_key(|model| std::cmp::Reverse(model.created));
    if !is_openai(&provider.host()) {
        return models;
    }
    models.retain(|model| is_chat(&model.id));
    let ids: std::collections::HashSet<String> = models.iter().map(|model| model.id.clone()).collect();
    let is_copy = |model: &Listed| undated(&model.id).is_some_and(|id| ids.contains(id));
    models.retain(|model| !is_copy(model));
    models
}

fn is_chat(id: &str) -> bool {
    let reasoning = |id: &str| {
        id.strip_prefix('o')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let base = id.strip_prefix("ft:").unwrap_or(id);
    (base.starts_with("gpt-") || base.starts_with("chat") || reasoning(base))
        && !NO_CHAT.iter().any(|word| base.contains(word))
}

/// Today, `YYYY-MM-DD`, in UTC.
pub fn today() -> String {
    calendar::day(now())
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::registry::Registry;

    fn ids(body: &Value) -> Vec<String> {
        let models = parse(body.to_string().as_bytes()).unwrap();
        models.into_iter().map(|model| model.id).collect()
    }

    #[test]
    fn every_usual_shape_of_a_list_is_read() {
        assert_eq!(ids(&serde_json::json!({"data": [{"id": "a"}, {"id": 5}, {}]})), ["a"]);
        assert_eq!(ids(&serde_json::json!([{"id": "a"}])), ["a"]);
        assert_eq!(
            ids(&serde_json::json!({"models": [{"name": "qwen3:latest"}]})),
            ["qwen3:latest"]
        );
        let gemini = serde_json::json!({"models": [
            {"name": "models/gemini-2.5-pro", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/embedding-001", "supportedGenerationMethods": ["embedContent"]}]});
        assert_eq!(ids(&gemini), ["gemini-2.5-pro"]);
        assert!(ids(&serde_json::json!({"data": null})).is_empty());
        assert!(parse(b"<html>").is_err());
    }

    #[test]
    fn the_end_of_a_model_is_a_text_or_a_number() {
        let ends = |value: Value| {
            let body = serde_json::json!({"data": [{"id": "a", "shutdown_date": value}]}).to_string();
            parse(body.as_bytes()).unwrap().remove(0).ends
        };
        assert_eq!(ends("2026-12-11".into()).as_deref(), Some("2026-12-11"));
        assert_eq!(ends("2026-12-11T00:00:00Z".into()).as_deref(), Some("2026-12-11"));
        assert_eq!(ends(1_796_947_200.into()).as_deref(), Some("2026-12-11"));
        assert_eq!(ends("soon".into()), None);
        assert_eq!(ends(Value::Null), None);
    }

    #[test]
    fn only_the_list_of_openai_itself_is_filtered() {
        let listed = |id: &str, created| Listed {
            id: id.into(),
            created,
            ends: None,
        };
        let models = vec![
            listed("gpt-5-2025-08-07", 3),
            listed("gpt-5", 3),
            listed("gpt-realtime", 4),
            listed("whisper-1", 1),
            listed("o3", 2),
            listed("gpt-7", 9),
            listed("omni-moderation-latest", 9),
            listed("gpt-4o-mini-tts", 9),
        ];
        let registry = Registry::new(&crate::config::Config::default(), &|_| None);
        let mut provider = registry.provider("openai").unwrap().clone();
        let ids = |models: Vec<Listed>| models.into_iter().map(|model| model.id).collect::<Vec<_>>();
        assert_eq!(ids(for_chat(&provider, models.clone())), ["gpt-7", "gpt-5", "o3"]);
        provider.base_url = "https://llm.example.com/v1".into();
        assert_eq!(for_chat(&provider, models).len(), 8);
    }
}
