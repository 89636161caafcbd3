//! The model that `:GPTModel` chose: understood, and kept over restarts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::chat::notice::{Level, Notice};
use crate::disk;
use crate::keys::Redactor;
use crate::provider::catalogue::{Facts, has_ended};
use crate::provider::registry::{Registry, Target};
use crate::words::{Locale, Text, say, text};

/// What the file holds; never a key.
#[derive(Serialize, Deserialize)]
struct Kept {
    model: String,
}

fn file(state: &Path) -> PathBuf {
    state.join("model.json")
}

/// The choice of an earlier session.
pub fn read(state: &Path) -> Option<String> {
    let kept: Kept = disk::read(&file(state))?;
    Some(kept.model)
}

/// Keeps a choice for later sessions. A choice that cannot be kept is made all the same.
pub async fn keep(state: PathBuf, model: String) {
    let write = move || disk::write(&file(&state), &Kept { model });
    if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
        tracing::warn!(%error, "the choice of a model is not kept");
    }
}

/// The model that a user named, or why there is none of that name.
///
/// What looks like a key, and is no name that `redactor` knows, is none.
pub fn understand(registry: &Registry, name: &str, redactor: &Redactor, locale: Locale) -> Result<Target, Notice> {
    let name = name.trim();
    let refused = |title: Text, advice: Text| Notice::new(Level::Warning, title.said(locale), advice.said(locale));
    if redactor.holds_key(name) {
        let mut notice = refused(text!("model.is_key"), text!("model.is_key_advice"));
        notice.details = vec![say!(locale, "model.is_key_not")];
        return Err(notice);
    }
    let none_named = || refused(text!("model.none_named", name = name), text!("model.write_so"));
    let (provider, model) = name.split_once('/').unwrap_or((name, "?"));
    if model.is_empty() || name.contains(char::is_whitespace) {
        return Err(none_named());
    }
    if registry.provider(provider).is_none() {
        let title = text!("provider.unknown", name = provider);
        return Err(refused(title, registry.meant(provider)));
    }
    registry.target(name).map_err(|_| none_named())
}

/// A choice is made; of a model that ends, the user is told when, and what comes after it.
pub fn made(target: &Target, facts: &Facts, today: &str, locale: Locale) -> Notice {
    let label = target.label();
    let Some(ends) = &facts.ends else {
        return Notice::new(Level::Info, say!(locale, "model.answers", model = label), "");
    };
    let title = match (&facts.replacement, &facts.nearest) {
        _ if !has_ended(Some(ends), today) => text!("model.answers_until", model = label, day = ends),
        (Some(model), _) => text!("model.ended_successor", model = label, day = ends, successor = model),
        (None, Some(near)) => text!("model.ended_nearest", model = label, day = ends, nearest = near),
        (None, None) => text!("model.ended", model = label, day = ends),
    };
    Notice::new(Level::Warning, title.said(locale), say!(locale, "model.others"))
}

/// The last choice cannot be used any more.
pub fn lost(chosen: &str, locale: Locale) -> Notice {
    let provider = chosen.split_once('/').map_or(chosen, |(provider, _)| provider);
    Notice::new(
        Level::Warning,
        say!(locale, "model.lost", model = chosen, provider = provider),
        say!(locale, "model.lost_advice"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn registry() -> Registry {
        let config = serde_json::json!({"providers": {"work": {"base_url": "https://llm.example.com/v1"}}});
        let config: Config = serde_json::from_value(config).unwrap();
        Registry::new(&config, &|_| None)
    }

    #[test]
    fn a_model_is_named_by_its_provider_and_its_id() {
        let label = |name: &str| {
            understand(&registry(), name, &Redactor::default(), Locale::English)
                .unwrap()
                .label()
        };
        assert_eq!(label("work/meta/llama:8b"), "work/meta/llama:8b");
        assert_eq!(label(" guide "), "guide/manual");
    }

    #[test]
    fn a_name_that_means_nothing_is_refused_with_what_may_be_meant() {
        let refused = |name: &str| understand(&registry(), name, &Redactor::default(), Locale::English).unwrap_err();
        for name in ["work", "work/", "openai/", "openai/gpt 5"] {
            assert_eq!(refused(name).title, format!("\"{name}\" names no model."));
        }
        for name in ["opnai/gpt-5", "gpt-5", "/x"] {
            assert!(refused(name).title.starts_with("There is no provider \""), "{name}");
        }
        assert_eq!(refused("opnai/x").advice, "Did you mean \"openai\"?");
        assert_eq!(refused("work").advice, "Write provider/model.");
    }

    #[test]
    fn of_a_model_without_a_successor_the_nearest_is_told() {
        let catalogue = crate::provider::catalogue::Catalogue::default();
        for model in ["gpt-4-32k", "gpt-3.5-turbo-16k"] {
            let target = understand(
                &registry(),
                &format!("openai/{model}"),
                &Redactor::default(),
                Locale::English,
            )
            .unwrap();
            let facts = catalogue.facts(&target.provider, model);
            let title = made(&target, &facts, "2026-11-22", Locale::English).title;
            assert!(title.ends_with("none named; gpt-5.6-terra is the nearest."), "{title}");
        }
    }

    #[test]
    fn of_a_model_that_ends_the_user_is_told_when_and_what_comes_after_it() {
        let target = understand(&registry(), "openai/gpt-4", &Redactor::default(), Locale::English).unwrap();
        let facts = |ends: &str| Facts {
            ends: Some(ends.into()),
            replacement: Some("gpt-5.6-sol".into()),
            ..Facts::default()
        };
        let ended = made(&target, &facts("2026-10-23"), "2026-11-22", Locale::English);
        assert_eq!(
            ended.title,
            "openai/gpt-4 ended on 2026-10-23; its successor is gpt-5.6-sol."
        );
        let soon = made(&target, &facts("2026-12-11"), "2026-11-22", Locale::English);
        assert!(soon.title.ends_with("it ends on 2026-12-11."), "{}", soon.title);
        assert_eq!(
            made(&target, &Facts::default(), "2026-11-22", Locale::English).level,
            Level::Info
        );
    }

    #[tokio::test]
    async fn a_choice_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), None);
        keep(folder.path().to_owned(), "work/m".into()).await;
        assert_eq!(read(folder.path()), Some("work/m".into()));
    }
}
