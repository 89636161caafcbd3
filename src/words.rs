//! Messages in the user's language: one table, `data/messages.json`, for the program and for the editor's side
//! (`lua/gpt/messages/`, made of it by `scripts/messages`).
//!
//! A text that is ours is an entry of the table and the values of its placeholders; it is put into a language where it
//! is shown, and nowhere earlier, so that the log stays English. What others wrote (a provider, a library) stays theirs.
//!
//! For translators: English is the original. Portuguese is that of Brazil, and says "você"; Spanish belongs to no single
//! country, and says "tú" (`presiona`, `elige`). Commands, keys, options, variables and addresses are never translated;
//! "token" and "prompt" stay, as those who speak these languages use them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

#[cfg(test)]
mod tests;

/// A language that messages are written in. The editor's side decides which (`lua/gpt/locale.lua`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Locale {
    /// `en`; also what every language is that is not among the others.
    #[default]
    English,
    /// `pt`.
    Portuguese,
    /// `es`.
    Spanish,
}

impl From<String> for Locale {
    fn from(name: String) -> Self {
        match name.as_str() {
            "pt" => Self::Portuguese,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }
}

/// An entry of the table: the same sentence in each language, with `{placeholders}`.
#[derive(Debug, Deserialize)]
struct Sentence {
    en: String,
    pt: String,
    es: String,
}

impl Sentence {
    fn within(&self, locale: Locale) -> &str {
        match locale {
            Locale::English => &self.en,
            Locale::Portuguese => &self.pt,
            Locale::Spanish => &self.es,
        }
    }
}

/// The table, as it was built in. A test reads it, so it can be read.
static TABLE: LazyLock<BTreeMap<&str, Sentence>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/messages.json")).unwrap_or_default());

/// A text that is not in a language yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// What is the same in every language: a name, a number, others' words.
    Plain(String),
    /// An entry of the table, and what stands for its placeholders. Made by [`text!`].
    Entry(&'static str, Vec<(&'static str, Text)>),
}

impl Text {
    /// The text in a language.
    #[must_use]
    pub fn said(&self, locale: Locale) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            // No text lacks its entry (tested); if one did, its name would still tell something.
            Self::Entry(key, values) => match TABLE.get(key) {
                Some(sentence) => fill(sentence.within(locale), values, locale),
                None => (*key).to_owned(),
            },
        }
    }

    /// The same text with its plain parts changed: what comes from elsewhere may have to be redacted.
    #[must_use]
    pub fn change_plain(self, change: &dyn Fn(&str) -> String) -> Self {
        match self {
            Self::Plain(text) => Self::Plain(change(&text)),
            Self::Entry(key, values) => {
                let changed = values.into_iter();
                let changed = changed.map(|(name, value)| (name, value.change_plain(change)));
                Self::Entry(key, changed.collect())
            }
        }
    }
}

/// The text in English, for the log.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said(Locale::English))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::Plain(text.clone())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<u64> for Text {
    fn from(number: u64) -> Self {
        Self::Plain(number.to_string())
    }
}

impl From<usize> for Text {
    fn from(number: usize) -> Self {
        Self::Plain(number.to_string())
    }
}

/// Puts values for placeholders. A value is not looked at again, whatever stands in it.
fn fill(sentence: &str, values: &[(&str, Text)], locale: Locale) -> String {
    let mut filled = String::with_capacity(sentence.len() * 2);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        if let Some((value, behind)) = named {
            filled.push_str(&value.said(locale));
            rest = behind;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// A [`Text`] of the table: `text!("error.no_key", provider = label)`.
macro_rules! text {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::words::Text::Entry($key, vec![$((stringify!($name), $crate::words::Text::from($value))),*])
    };
}

/// A text of the table in a language, as a `String`: `say!(locale, "error.no_key", provider = label)`.
macro_rules! say {
    ($locale:expr, $($text:tt)+) => {
        $crate::words::text!($($text)+).said($locale)
    };
}

pub(crate) use {say, text};
