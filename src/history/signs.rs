//! Chinese, Japanese and Korean text as the index takes it: there nothing stands between words, so each sign is a word.

/// What stands between signs in the index: no width, and no part of a word.
const BETWEEN: char = '\u{200b}';

/// Whether a character is a sign of such a script: those and what is like them begin there in Unicode.
pub(super) fn is_sign(c: char) -> bool {
    c >= '\u{2e80}' && c.is_alphanumeric()
}

/// The text with its signs apart. Those of a question are then found, one after the other, wherever they stand.
pub(super) fn apart(text: &str) -> String {
    if !text.chars().any(is_sign) {
        return text.to_owned();
    }
    let mut spaced = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_sign(c) {
            spaced.extend([BETWEEN, c, BETWEEN]);
        } else {
            spaced.push(c);
        }
    }
    spaced
}

/// The text as it was, out of one whose signs are apart.
pub(super) fn together(text: &str) -> String {
    text.chars().filter(|c| *c != BETWEEN).collect()
}

#[cfg(test)]
mod tests {
    use super::{BETWEEN, apart, together};

    #[test]
    fn signs_stand_apart_and_letters_stay_together() {
        let words = |text: &str| {
            let apart = apart(text);
            let words = apart.split([BETWEEN, ' ']).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            words("rust の、テスト ok"),
            ["rust", "の", "、", "テ", "ス", "ト", "ok"]
        );
        assert_eq!(words("GPT日本"), ["GPT", "日", "本"]);
        assert_eq!(apart("naïve text"), "naïve text");
        assert_eq!(together(&apart("rust の、テスト ok")), "rust の、テスト ok");
    }
}
