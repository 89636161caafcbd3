//! Finds keys in texts by their formats, as the services document them: the table is `data/secrets.json`.
//!
//! One automaton looks for all beginnings at once, and what follows a beginning is read once only, so that a text takes
//! time by its length alone, whatever stands in it.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use serde::Deserialize;

mod address;
mod alphabet;
#[cfg(test)]
mod tests;

use address::Placeholders;
use alphabet::{Alphabet, Runs, begins_word, is_random};

/// The table, with its sources and examples.
pub(crate) const TABLE: &str = include_str!("../../data/secrets.json");

/// What a text is looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is shown or logged: what may be a key is one, also one whose middle was masked.
    Shown,
    /// It is to be sent, and the user is asked about keys: placeholders and words are none.
    Sent,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A key of a service, or a password in an address.
    Key,
    /// A private key.
    PrivateKey,
}

/// A key in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, in bytes.
    pub place: Range<usize>,
}

/// A service's format.
#[derive(Debug, Deserialize)]
struct KeyFormat {
    begins: Vec<String>,
    alphabet: Alphabet,
    /// How many characters follow at least.
    least: usize,
    /// How many are enough in what is only shown. Such a key may be all words.
    shown: Option<usize>,
    /// Whether exactly `least` follow.
    #[serde(default)]
    exact: bool,
    /// Whether it may be made of words: its length says enough.
    #[serde(default)]
    words: bool,
    /// Whether quotes, blanks and one of `=` and `:` stand between: it is known by its name.
    #[serde(default)]
    gap: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table {
    keys: Vec<KeyFormat>,
    placeholders: Placeholders,
}

/// What begins so.
#[derive(Debug, Clone, Copy)]
enum Format {
    /// The service at this place of the table.
    Key(usize),
    /// A JSON Web Token, [RFC 7519](https://www.rfc-editor.org/rfc/rfc7519#section-3).
    Token,
    /// An address, which may hold a password.
    Address,
    /// A private key in armor, [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468#section-10).
    Armor,
    /// A private key of PuTTY.
    Putty,
}

#[derive(Debug)]
struct Beginning {
    text: String,
    format: Format,
    /// All beginnings that this one begins with, itself among them, the longest first.
    within: Vec<usize>,
}

#[derive(Debug)]
struct Formats {
    table: Table,
    beginnings: Vec<Beginning>,
    finder: AhoCorasick,
}

static FORMATS: LazyLock<Option<Formats>> = LazyLock::new(Formats::new);

/// The keys in a text, in their order.
pub fn find(text: &str, look: Look) -> impl Iterator<Item = Found> {
    let mut runs = Runs::new(look);
    let mut at = 0;
    std::iter::from_fn(move || {
        let found = FORMATS.as_ref()?.next(text, at, &mut runs)?;
        at = found.place.end.max(found.place.start + 1);
        Some(found)
    })
}

impl Formats {
    fn new() -> Option<Self> {
        let table: Table = serde_json::from_str(TABLE)
            .inspect_err(|error| tracing::error!(%error, "the table of secrets is broken"))
            .unwrap_or_default();
        let mut beginnings: Vec<(String, Format)> = [
            ("eyJ", Format::Token),
            ("://", Format::Address),
            (r":\/\/", Format::Address),
            ("-----BEGIN ", Format::Armor),
            ("---- BEGIN ", Format::Armor),
            ("PuTTY-User-Key-File-", Format::Putty),
        ]
        .map(|(text, format)| (text.to_owned(), format))
        .into();
        for (number, key) in table.keys.iter().enumerate() {
            beginnings.extend(key.begins.iter().map(|text| (text.clone(), Format::Key(number))));
        }
        beginnings.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let within = |whole: &str| {
            let begins = beginnings.iter().enumerate();
            begins
                .filter(|(_, (text, _))| whole.starts_with(text.as_str()))
                .map(|(at, _)| at)
                .collect()
        };
        let beginnings: Vec<Beginning> = beginnings
            .iter()
            .map(|(text, format)| Beginning {
                text: text.clone(),
                format: *format,
                within: within(text),
            })
            .collect();
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(beginnings.iter().map(|beginning| &beginning.text))
            .ok()?;
        Some(Self {
            table,
            beginnings,
            finder,
        })
    }

    fn next(&self, text: &str, mut at: usize, runs: &mut Runs) -> Option<Found> {
        loop {
            let hit = self.finder.find(Input::new(text).span(at..text.len()))?;
            let within = &self.beginnings.get(hit.pattern().as_usize())?.within;
            let found = within.iter().find_map(|&number| {
                let beginning = self.beginnings.get(number)?;
                self.read(text, hit.start(), beginning, runs)
            });
            if found.is_some() {
                return found;
            }
            // A beginning is of ASCII: so is the border behind its first character.
            at = hit.start() + 1;
        }
    }

    fn read(&self, text: &str, start: usize, beginning: &Beginning, runs: &mut Runs) -> Option<Found> {
        let behind = start + beginning.text.len();
        let (kind, place) = match beginning.format {
            Format::Key(number) => (Kind::Key, key(text, start..behind, self.table.keys.get(number)?, runs)?),
            Format::Token => (Kind::Key, token(text, start, runs)?),
            Format::Address => (
                Kind::Key,
                address::password(text, start, behind, runs.look(), &self.table.placeholders)?,
            ),
            Format::Armor => (Kind::PrivateKey, armored(text, start, behind)?),
            Format::Putty => (Kind::PrivateKey, start..behind),
        };
        Some(Found { kind, place })
    }
}

/// The key that begins so, if enough follows.
fn key(text: &str, beginning: Range<usize>, format: &KeyFormat, runs: &mut Runs) -> Option<Range<usize>> {
    let (start, tail) = match format.gap {
        true => (gap(text, beginning.end)?, gap(text, beginning.end)?),
        false => (beginning.start, beginning.end),
    };
    let end = runs.end(text, tail, format.alphabet);
    let body = text.get(tail..end)?;
    let only_letters = !text.get(beginning)?.contains(|c: char| c.is_ascii_punctuation());
    let glued = !format.gap && !begins_word(text, start, only_letters);
    if let Some(least) = format.shown.filter(|_| runs.look() == Look::Shown) {
        // `task-management` is a word, `tokensk-A1…` is a key that was glued to one.
        let is_key = body.len() >= least && (!glued || body.len() >= 16 && is_random(body));
        return is_key.then_some(start..end);
    }
    let body = body.trim_end_matches('*');
    let end = tail + body.len();
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let fits = body.len() >= format.least
        && (!format.exact || body.len() == format.least)
        && !glued
        && text.as_bytes().get(end).is_none_or(|byte| !goes_on(byte));
    let may_be_words = format.words || format.alphabet == Alphabet::Upper;
    (fits && (may_be_words || is_random(body))).then_some(start..end)
}

/// Where the value of a name begins.
fn gap(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let between = |c: char| matches!(c, ' ' | '\t' | '"' | '\'' | '`' | ':' | '=' | '\\' | '>' | ',');
    let length = rest.chars().take(8).take_while(|&c| between(c)).count();
    let gap = rest.get(..length)?;
    gap.contains(['=', ':', ',']).then_some(from + length)
}

/// A JSON Web Token: three parts in base64url, of which the first two are JSON objects.
fn token(text: &str, start: usize, runs: &mut Runs) -> Option<Range<usize>> {
    if !begins_word(text, start, true) || start > 0 && text.as_bytes().get(start - 1) == Some(&b'-') {
        return None;
    }
    let mut part = |from: usize, least: usize| {
        let end = runs.end(text, from, Alphabet::Dash);
        (end - from >= least).then_some(end)
    };
    let head = part(start, 10)?;
    let claims = text.get(head..)?.starts_with(".eyJ").then(|| part(head + 1, 10))??;
    let signed = text.get(claims..)?.starts_with('.').then(|| part(claims + 1, 10))??;
    Some(start..signed)
}

/// `-----BEGIN … PRIVATE KEY-----`, to its end. Also within a diff, and as a string.
fn armored(text: &str, start: usize, behind: usize) -> Option<Range<usize>> {
    const LONGEST_LABEL: usize = 60;
    let rest = text.get(behind..)?;
    let window = rest
        .char_indices()
        .nth(LONGEST_LABEL)
        .map_or(rest, |(end, _)| rest.get(..end).unwrap_or(rest));
    let (label, _) = window.split_once("----")?;
    if !label.contains("PRIVATE KEY") {
        return None;
    }
    let end = rest
        .find("-- END ")
        .or_else(|| rest.find("--END "))
        .unwrap_or(rest.len());
    let closing = rest.get(end..)?;
    let length = closing
        .match_indices("----")
        .map(|(at, dashes)| at + dashes.len())
        .next()
        .unwrap_or(closing.len());
    let dashes = closing.get(length..)?.bytes().take_while(|&byte| byte == b'-').count();
    Some(start..behind + end + length + dashes)
}
