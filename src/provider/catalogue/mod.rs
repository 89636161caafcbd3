//! The catalogue of models: windows, prices, ends. Our own table, `data/models.json`, with the user's
//! `models` over it. Prices change: what is computed with them is an estimate.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

pub use crate::model_facts::Facts;
use crate::provider::registry::Provider;

pub mod models;
mod not_for_chat;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/models.json")).unwrap_or_else(|error| {
        tracing::error!(%error, "the catalogue of models cannot be read");
        Table::default()
    })
});

#[derive(Debug, Default, Deserialize)]
struct Table {
    /// When it was made: `YYYY-MM-DD`.
    date: String,
    /// By the provider that makes the models, newest model first.
    providers: BTreeMap<String, Vec<Model>>,
}

#[derive(Debug, Deserialize)]
struct Model {
    id: String,
    /// Stays selectable after its end.
    #[serde(default)]
    keep: bool,
    #[serde(flatten)]
    facts: Facts,
}

/// The catalogue with the user's own facts over it.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    own: BTreeMap<String, Facts>,
}

impl Catalogue {
    /// With the user's facts by `provider/model`.
    pub fn new(own: BTreeMap<String, Facts>) -> Self {
        Self { own }
    }

    /// The day on which its facts were gathered: `YYYY-MM-DD`.
    pub fn date() -> &'static str {
        &TABLE.date
    }

    /// What is known of a provider's model; empty facts where nothing is.
    pub fn facts(&self, provider: &Provider, id: &str) -> Facts {
        let mut names = std::iter::once(&provider.name).chain(&provider.like);
        let own = names.find_map(|name| self.own.get(&format!("{name}/{id}"))).cloned();
        let known = maker(provider).and_then(|maker| find(maker, id)).or_else(|| {
            let (vendor, id) = id.rsplit_once('/').map(|(path, id)| (last(path), id))?;
            find(vendor_maker(vendor)?, id)
        });
        match (own, known) {
            (Some(own), Some(known)) => own.or(known),
            (Some(own), None) => own,
            (None, known) => known.cloned().unwrap_or_default(),
        }
    }

    /// The models of a provider that it can be asked for before its own list is known, newest first.
    pub fn models(&self, provider: &Provider, today: &str) -> Vec<String> {
        let alive = |model: &&Model| model.keep || !has_ended(model.facts.ends.as_deref(), today);
        listed(provider).filter(alive).map(|model| model.id.clone()).collect()
    }

    /// The models of a provider that stay selectable although its own list may not have them.
    pub fn kept(&self, provider: &Provider) -> Vec<String> {
        listed(provider)
            .filter(|model| model.keep)
            .map(|model| model.id.clone())
            .collect()
    }
}

/// Whether a day is past; days compare as texts.
pub fn has_ended(ends: Option<&str>, today: &str) -> bool {
    ends.is_some_and(|ends| ends <= today)
}

/// An id without the date at its end: `gpt-5-2025-08-07`, `claude-haiku-4-5-20251001`, `gpt-4-0613`.
pub fn undated(id: &str) -> Option<&str> {
    ["-dddd-dd-dd", "-dddddddd", "-dddd"].iter().find_map(|shape| {
        let (name, date) = id.split_at_checked(id.len().checked_sub(shape.len())?)?;
        let fits = |(byte, wanted): (u8, u8)| {
            if wanted == b'd' {
                byte.is_ascii_digit()
            } else {
                byte == wanted
            }
        };
        (!name.is_empty() && date.bytes().zip(shape.bytes()).all(fits)).then_some(name)
    })
}

/// The ids of all models that the catalogue knows.
pub fn ids() -> impl Iterator<Item = &'static str> {
    TABLE.providers.values().flatten().map(|model| model.id.as_str())
}

fn listed(provider: &Provider) -> impl Iterator<Item = &'static Model> {
    maker(provider)
        .and_then(|maker| TABLE.providers.get(maker))
        .into_iter()
        .flatten()
}

fn find(maker: &str, id: &str) -> Option<&'static Facts> {
    let models = TABLE.providers.get(maker)?;
    let exact = |id: &str| models.iter().find(|model| model.id == id).map(|model| &model.facts);
    exact(id).or_else(|| exact(undated(id)?))
}

/// Who makes the models of a provider: known by its address, or by its name.
fn maker(provider: &Provider) -> Option<&'static str> {
    match provider.host().as_str() {
        host if is_openai(host) => Some("openai"),
        "api.anthropic.com" => Some("anthropic"),
        "generativelanguage.googleapis.com" => Some("gemini"),
        _ => vendor_maker(&provider.name),
    }
}

/// Whether a host is OpenAI's own, in whichever region.
pub fn is_openai(host: &str) -> bool {
    host == "api.openai.com" || host.ends_with(".api.openai.com")
}

fn vendor_maker(vendor: &str) -> Option<&'static str> {
    match vendor {
        "openai" => Some("openai"),
        "anthropic" => Some("anthropic"),
        "gemini" | "google" => Some("gemini"),
        _ => None,
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
