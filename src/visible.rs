//! Makes visible what a name can hide: control characters, line ends and escape codes, marks that turn the direction of
//! writing, and signs without width. What is asked about something shows it as it is.

use std::borrow::Cow;
use std::fmt::Write;

/// The most characters of a name that are shown.
const LONGEST: usize = 120;

/// The text with each sign that is not seen, or that changes how others are seen, as its number: `<U+202E>`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_hidden(c) {
            true => drop(write!(shown, "<U+{:04X}>", u32::from(c))),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A name, visible; of a very long one its beginning and its end.
pub fn name(text: &str) -> String {
    let count = text.chars().count();
    if count <= LONGEST {
        return visible(text).into_owned();
    }
    let (head, tail): (String, String) = (
        text.chars().take(LONGEST / 2).collect(),
        text.chars().skip(count - LONGEST / 2).collect(),
    );
    format!("{}…{}", visible(&head), visible(&tail))
}

/// By Unicode's general categories Cc and Zl and Zp, and those of Cf that hide or turn text (UTR #36 §2, UTS #39).
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_hides_is_seen() {
        assert_eq!(
            visible("a\n\u{1b}[31mb\u{202e}c\u{200b}"),
            "a<U+000A><U+001B>[31mb<U+202E>c<U+200B>"
        );
        assert!(matches!(visible("ação 日本 é.txt"), Cow::Borrowed(_)));
    }

    #[test]
    fn of_a_very_long_name_both_ends_are_seen() {
        let shown = name(&format!("a{}z", "é".repeat(500)));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.starts_with('a') && shown.ends_with('z') && shown.contains('…'));
    }
}
