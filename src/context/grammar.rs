//! Finds context words in a text, as the cases in `data/context_word_cases.json` show; `lua/gpt/context/grammar.lua` is the
//! same for the editor's side. What is sent is decided by this one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use super::prose;

/// Signs that end a path in running text: those of Chinese and Japanese, which need no space behind them.
const CJK_SIGNS: [char; 14] = [
    '、', '。', '，', '；', '：', '！', '？', '（', '）', '」', '』', '】', '”', '’',
];
const FILE: &str = "#file:";

/// An entry of the table of words.
#[derive(Debug, Deserialize)]
struct Known {
    word: String,
}

/// The words that there are, but for `#file:`. A test reads the table, so it can be read.
static WORDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let table = include_str!("../../data/context_words.json");
    let known: Vec<Known> = serde_json::from_str(table).unwrap_or_default();
    let words = known.into_iter().map(|known| known.word);
    words.filter(|word| word != FILE).collect()
});

/// The context words of a text, each once, in their order: `#file:"a b.txt"`, `#diff`. In code and in comments there are
/// none, and a backslash before one, or a letter, makes it plain text.
pub fn find(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    if !text.contains('#') {
        return found;
    }
    for paragraph in prose::paragraphs(text) {
        for (at, _) in paragraph.match_indices('#') {
            let Some((before, from)) = paragraph.split_at_checked(at) else {
                continue;
            };
            if before.ends_with(may_not_precede) {
                continue;
            }
            if let Some(word) = word_at_start(from)
                && seen.insert(word.clone())
            {
                found.push(word);
            }
        }
    }
    found
}

/// What no word begins behind: a part of another word, of an address, an escape.
fn may_not_precede(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '_' | '\\' | '#' | '/' | '&' | '=' | '?' | '-')
}

/// The context word that a text begins with.
fn word_at_start(text: &str) -> Option<String> {
    if let Some(behind) = text.strip_prefix(FILE) {
        let quoted = behind.strip_prefix('"').and_then(|inside| inside.split_once('"'));
        if let Some((path, _)) = quoted.filter(|(path, _)| !path.is_empty() && !path.contains('\n')) {
            return Some(format!("{FILE}\"{path}\""));
        }
        let ends = |sign: char| sign == '"' || matches!(sign, ' ' | '\t'..='\r');
        let path = without_signs(behind.split(ends).next().unwrap_or_default());
        return (!path.is_empty()).then(|| format!("{FILE}{path}"));
    }
    let letters = text.bytes().skip(1).take_while(u8::is_ascii_lowercase).count();
    let (word, behind) = text.split_at_checked(letters + 1)?;
    let mut next = behind.chars();
    let goes_on = match next.next() {
        Some('-') => next.next().is_some_and(|sign| sign.is_ascii_alphanumeric()),
        Some(sign) => sign.is_ascii_alphanumeric() || matches!(sign, '_' | '/'),
        None => false,
    };
    (WORDS.contains(word) && !goes_on).then(|| word.to_owned())
}

/// A path as it stands in running text: without the signs that end a sentence or a bracket behind it.
fn without_signs(path: &str) -> &str {
    let mut path = path.split(CJK_SIGNS).next().unwrap_or_default();
    let count = |path: &str, sign: char| path.matches(sign).count();
    while let Some(last) = path.chars().next_back() {
        let opening = match last {
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => None,
        };
        let is_closed = opening.is_some_and(|opening| count(path, last) <= count(path, opening));
        let is_sign = matches!(
            last,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | ')' | ']' | '}' | '>'
        );
        match path.strip_suffix(last) {
            Some(shorter) if is_sign && !is_closed => path = shorter,
            _ => break,
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn words_are_found_as_the_table_says() {
        let table: Value = serde_json::from_str(include_str!("../../data/context_word_cases.json")).unwrap();
        for case in table.as_array().unwrap() {
            let found = find(case["text"].as_str().unwrap());
            assert_eq!(Value::from(found), case["words"], "{}", case["name"]);
        }
    }

    #[test]
    fn the_table_of_words_can_be_read() {
        assert!(WORDS.len() >= 10, "{WORDS:?}");
        assert!(WORDS.iter().all(|word| word.starts_with('#')), "{WORDS:?}");
    }
}
