//! The characters that keys are made of, and how far they reach in a text.

use serde::Deserialize;

use super::Look;

/// What characters follow the beginning of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// `A-Z a-z 0-9`.
    Letters,
    /// The same and `_`.
    Word,
    /// The same and `-`.
    Dash,
    /// The same and `.`.
    Dots,
    /// Base64 of either kind.
    Base64,
    /// `A-Z a-z 0-9 _ /`.
    Path,
    /// `0-9 a-f A-F`.
    Hex,
    /// `A-Z 0-9`.
    Upper,
}

const ALPHABETS: usize = 8;

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Letters => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Dash => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dots => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'='),
            Self::Path => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/'),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        }
    }
}

/// The runs of characters that were looked through last: nothing is looked through twice.
#[derive(Debug)]
pub struct Runs {
    look: Look,
    /// By alphabet: from where to where all is of it.
    known: [(usize, usize); ALPHABETS],
}

impl Runs {
    pub fn new(look: Look) -> Self {
        Self {
            look,
            known: [(0, 0); ALPHABETS],
        }
    }

    pub fn look(&self) -> Look {
        self.look
    }

    /// How far characters of this alphabet reach from `from`. In what is shown, so does `*`: OpenAI quotes a wrong key as
    /// `sk-abc***xyz`.
    pub fn end(&mut self, text: &str, from: usize, alphabet: Alphabet) -> usize {
        let masked = self.look == Look::Shown;
        let Some(known) = self.known.get_mut(alphabet as usize) else {
            return from;
        };
        let bytes = text.as_bytes();
        let mut end = from;
        while let Some(&byte) = bytes.get(end) {
            if known.0 <= end && end < known.1 {
                end = known.1;
            } else if alphabet.has(byte) || masked && byte == b'*' {
                end += 1;
            } else {
                break;
            }
        }
        *known = (from, end);
        end
    }
}

/// Whether a word begins at `start`: nothing is glued to it but what an escape ends with (`%3D`, `\n`, `\u0022`).
/// With `strict` an underscore and a plus sign are part of a word, too: the beginning is nothing but letters, which base64
/// is full of.
pub fn begins_word(text: &str, start: usize, strict: bool) -> bool {
    let before = text.as_bytes().get(..start).unwrap_or_default();
    let escaped = |length: usize, mark: &[u8]| {
        let tail = before.get(before.len().saturating_sub(length)..).unwrap_or_default();
        tail.len() == length
            && tail.starts_with(mark)
            && tail
                .get(mark.len()..)
                .is_some_and(|rest| rest.iter().all(u8::is_ascii_hexdigit))
    };
    match before.last() {
        None => true,
        Some(b'_' | b'+') => !strict,
        Some(byte) if byte.is_ascii_alphanumeric() => {
            escaped(3, b"%")
                || escaped(6, b"\\u")
                || escaped(4, b"\\x")
                || matches!(before, [.., b'\\', b'n' | b'r' | b't'])
        }
        Some(_) => true,
    }
}

/// Whether a text looks as if it had been thrown with dice: a piece of it has digits and letters, or letters of both cases
/// mixed in more than one place.
pub fn is_random(text: &str) -> bool {
    const LEAST: usize = 8;
    const LOOKED_AT: usize = 64;
    let text = text.get(..LOOKED_AT).unwrap_or(text);
    text.split(['-', '_', '.', '/', '=', '+'])
        .filter(|piece| piece.len() >= LEAST)
        .any(|piece| {
            let has = |is: fn(&u8) -> bool| piece.as_bytes().iter().any(is);
            let turns = piece
                .as_bytes()
                .windows(2)
                .filter(
                    |pair| matches!(pair, [first, second] if first.is_ascii_lowercase() && second.is_ascii_uppercase()),
                )
                .count();
            let digits = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
            digits || turns >= 3
        })
}
