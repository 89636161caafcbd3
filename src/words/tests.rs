use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

const LOCALES: [Locale; 3] = [Locale::English, Locale::Portuguese, Locale::Spanish];

/// Where the sources name an entry: its key, and the placeholders that they give values for. `None` where the key stands
/// alone, and is said elsewhere.
#[derive(Debug)]
struct Mention {
    place: String,
    key: String,
    given: Option<BTreeSet<String>>,
}

/// The sources that can name entries.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("lua")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name != "messages" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" || name.ends_with(".lua") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The text up to the bracket that closes it, and the strings in it left out.
fn up_to_close(text: &str) -> String {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut inside = String::new();
    for c in text.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => quoted = true,
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => break,
            ')' | '}' | ']' => depth -= 1,
            // What is deeper belongs to a call or entry of its own.
            _ if depth == 0 => inside.push(c),
            _ => {}
        }
    }
    inside
}

/// The names in `a = …, b = …`.
fn names(arguments: &str) -> BTreeSet<String> {
    let name = |argument: &str| Some(argument.split_once('=')?.0.trim().to_owned());
    arguments.split(',').filter_map(name).collect()
}

/// The calls that begin with `opening` and name their entry in a string.
fn calls(path: &Path, text: &str, opening: &str, found: &mut Vec<Mention>) {
    for (at, _) in text.match_indices(opening) {
        let behind = &text[at + opening.len()..];
        let inside = up_to_close(behind);
        let first = inside.split(',').next().unwrap_or_default();
        let Some((_, behind)) = behind.split_once('"') else {
            continue;
        };
        let (key, behind) = behind.split_once('"').unwrap();
        let is_lua = path.extension().is_some_and(|extension| extension == "lua");
        if first.contains('=')
            || !is_key(key)
            || !first.trim().chars().all(|c| c.is_alphanumeric() || ". _".contains(c))
        {
            continue;
        }
        let given = match (is_lua, behind.trim_start().strip_prefix(", {")) {
            (true, Some(values)) => names(&up_to_close(values)),
            (true, None) => BTreeSet::new(),
            (false, _) => names(&up_to_close(behind)),
        };
        let place = format!("{}:{}", path.display(), text[..at].lines().count());
        found.push(Mention {
            place,
            key: key.to_owned(),
            given: Some(given),
        });
    }
}

fn is_key(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    text.contains('.') && text.split('.').all(plain)
}

/// Keys of the editor's side that stand in tables, and are said elsewhere.
fn strings(path: &Path, text: &str, found: &mut Vec<Mention>) {
    for key in text.split('"').filter(|text| text.starts_with("view.") && is_key(text)) {
        let place = path.display().to_string();
        found.push(Mention {
            place,
            key: key.to_owned(),
            given: None,
        });
    }
}

fn mentions() -> Vec<Mention> {
    let mut found = Vec::new();
    for (path, text) in sources() {
        if path.extension().is_some_and(|extension| extension == "lua") {
            calls(&path, &text, "words(", &mut found);
            strings(&path, &text, &mut found);
        } else if !path.ends_with("words.rs") || path.ends_with("guide/words.rs") {
            calls(&path, &text, "text!(", &mut found);
            calls(&path, &text, "say!(", &mut found);
        }
    }
    found
}

/// The placeholders of a sentence.
fn placeholders(sentence: &str) -> BTreeSet<String> {
    let inside = sentence
        .split('{')
        .skip(1)
        .filter_map(|part| Some(part.split_once('}')?.0));
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    inside.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn each_message_is_there_in_all_languages_with_the_same_placeholders() {
    assert!(TABLE.len() > 200, "{}", TABLE.len());
    for (key, sentence) in TABLE.iter() {
        assert!(is_key(key), "{key}");
        for locale in LOCALES {
            let words = sentence.within(locale);
            assert!(!words.trim().is_empty(), "{key} in {locale:?}");
            assert_eq!(placeholders(words), placeholders(&sentence.en), "{key} in {locale:?}");
            assert_eq!(end(words), end(&sentence.en), "{key} in {locale:?}");
        }
    }
}

/// How a message ends: what is a sentence, a question or a prompt in one language is so in all.
fn end(words: &str) -> Option<char> {
    words.chars().last().filter(|last| ".?: )".contains(*last))
}

#[test]
fn what_is_no_word_is_the_same_in_all_languages() {
    let is_code = |word: &str| {
        word.starts_with(':') && word.len() > 2 && word[1..].starts_with(char::is_alphabetic)
            || word.contains("_")
            || word.contains("://")
            || word == "gr"
            || word.starts_with("<C-")
    };
    let code = |words: &str| -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let cut = |c: char| c.is_whitespace() || "(),;".contains(c);
        for word in words.split(cut).map(|word| word.trim_end_matches(['.', ':', '?'])) {
            if is_code(word) && !word.contains('{') {
                *found.entry(word.to_owned()).or_default() += 1;
            }
        }
        found
    };
    for (key, sentence) in TABLE.iter() {
        for locale in LOCALES {
            assert_eq!(code(sentence.within(locale)), code(&sentence.en), "{key} in {locale:?}");
        }
    }
}

#[test]
fn each_message_that_is_said_is_in_the_table_with_its_placeholders_and_no_other_is() {
    let mentions = mentions();
    for Mention { place, key, given } in &mentions {
        let sentence = TABLE.get(key.as_str());
        let sentence = sentence.unwrap_or_else(|| panic!("{place}: there is no message {key}"));
        if let Some(given) = given {
            assert_eq!(given, &placeholders(&sentence.en), "{place}: {key}");
        }
    }
    let said: BTreeSet<&str> = mentions.iter().map(|mention| mention.key.as_str()).collect();
    let unsaid: Vec<_> = TABLE.keys().filter(|key| !said.contains(**key)).collect();
    assert_eq!(unsaid, Vec::<&&str>::new(), "nobody says these");
}

#[test]
fn values_stand_for_placeholders_and_are_not_looked_at_again() {
    let text = text!("turn.tools_more", names = "{count} {", count = 2_u64);
    assert_eq!(text.said(Locale::English), "{count} { and 2 more");
    assert_eq!(text.said(Locale::Portuguese), "{count} { e mais 2");
}

#[test]
fn a_text_within_a_text_is_said_in_the_same_language() {
    let text = text!("error.wait", time = text!("time.seconds", count = 19_u64));
    assert_eq!(text.to_string(), "Wait 19 seconds, then press gr.");
    assert_eq!(text.said(Locale::Spanish), "Espera 19 segundos y presiona gr.");
}

#[test]
fn a_language_that_is_not_known_is_english() {
    let named = |name: &str| Locale::from(name.to_owned());
    assert_eq!(
        ["en", "pt", "es", "fr", ""].map(named),
        [
            Locale::English,
            Locale::Portuguese,
            Locale::Spanish,
            Locale::English,
            Locale::English
        ]
    );
}
