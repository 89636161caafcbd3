//! Finds keys in use that are written in hex with separators (`68:75:6e`, `0x68, 0x75`), or in base64 that is broken over
//! lines, as MIME does after 76 characters ([RFC 2045, 6.8](https://www.rfc-editor.org/rfc/rfc2045#section-6.8)).

use std::ops::Range;

use zeroize::Zeroizing;

use super::encoded;
use super::secret::Secret;

/// The forms of keys that are looked for so.
#[derive(Debug, Default, Clone)]
pub struct SpreadForms {
    /// In lower case.
    hex: Vec<Secret>,
    base64: Vec<Secret>,
}

impl SpreadForms {
    /// Takes a key's forms. What is shorter than `shortest` is none.
    pub fn learn(&mut self, secret: &Secret, shortest: usize) {
        let plain = secret.expose().as_bytes();
        for (known, texts) in [
            (&mut self.hex, vec![encoded::hex(plain)]),
            (&mut self.base64, encoded::base64_forms(plain)),
        ] {
            for text in texts.into_iter().filter(|text| text.len() >= shortest) {
                if !known.iter().any(|form| form.expose() == text) {
                    known.extend(Secret::new(text));
                }
            }
        }
    }

    /// Tells each place of a key in the text.
    pub fn each_place(&self, text: &str, mut tell: impl FnMut(Range<usize>)) {
        for (forms, joined) in self.readings(text) {
            for form in forms.iter().map(Secret::expose) {
                for at in memchr::memmem::find_iter(joined.text.as_bytes(), form.as_bytes()) {
                    tell(joined.origin(at)..joined.end_of(at + form.len()));
                }
            }
        }
    }

    /// How many bytes at the text's end may be the beginning of a key.
    pub fn beginning_at_end(&self, text: &str) -> usize {
        // The end may be that of a separator that has only begun: a backslash, the 0 of `0x`.
        let bare = text.trim_end_matches('\\');
        let ends = [text, bare, bare.strip_suffix('0').unwrap_or(bare)];
        let readings = ends.into_iter().flat_map(|end| self.readings(end));
        let begun = readings.map(|(forms, joined)| {
            let longest = forms.iter().map(|form| form.expose().len()).max().unwrap_or_default();
            let from = joined.text.len().saturating_sub(longest.saturating_sub(1));
            let begins = |at: &usize| {
                let rest = joined.text.get(*at..).unwrap_or_default();
                let may = |form: &Secret| form.expose().len() > rest.len() && form.expose().starts_with(rest);
                !rest.is_empty() && forms.iter().any(may)
            };
            let start = (from..joined.text.len()).find(begins);
            start.map_or(0, |at| text.len() - joined.origin(at))
        });
        begun.max().unwrap_or_default()
    }

    fn readings(&self, text: &str) -> [(&[Secret], Joined); 2] {
        let read = |forms: &[Secret], style| match forms.is_empty() {
            true => Joined::default(),
            false => Joined::new(text, style),
        };
        [
            (&self.hex, read(&self.hex, Style::Hex)),
            (&self.base64, read(&self.base64, Style::Base64)),
        ]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Hex,
    Base64,
}

/// A text without separators, and where each of its bytes came from.
#[derive(Default)]
struct Joined {
    text: Zeroizing<String>,
    from: Vec<usize>,
    end: usize,
}

impl Joined {
    fn new(text: &str, style: Style) -> Self {
        let mut this = Self {
            end: text.len(),
            ..Self::default()
        };
        let mut at = 0;
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = text.get(at..).unwrap_or_default();
            match separator(rest, style) {
                0 => {
                    let kept = if style == Style::Hex { c.to_ascii_lowercase() } else { c };
                    this.text.push(kept);
                    this.from.extend(at..at + c.len_utf8());
                    at += c.len_utf8();
                }
                length => at += length,
            }
        }
        this
    }

    /// Where a byte came from.
    fn origin(&self, at: usize) -> usize {
        self.from.get(at).copied().unwrap_or(self.end)
    }

    /// The end, in the text as it was, of what ends before this byte: a separator behind it stays.
    fn end_of(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |last| self.origin(last) + 1)
    }
}

/// How long the separator is that a text begins with; 0: it begins with none.
fn separator(rest: &str, style: Style) -> usize {
    // A line end that JSON has escaped, as many times as it was put into a text.
    let slashes = rest.bytes().take_while(|&byte| byte == b'\\').count();
    let escaped = rest.get(slashes..).unwrap_or_default();
    if slashes > 0 && escaped.starts_with(['n', 'r', 't']) {
        return slashes + 1;
    }
    let is_hex = style == Style::Hex;
    if is_hex && slashes > 0 && escaped.starts_with(['x', 'X']) {
        return slashes + 1;
    }
    if is_hex && rest.get(..2).is_some_and(|mark| mark.eq_ignore_ascii_case("0x")) {
        return 2;
    }
    match rest.as_bytes() {
        [b' ' | b'\t' | b'\n' | b'\r', ..] => 1,
        [b':' | b'-' | b',' | b';' | b'.' | b'_' | b'|' | b'"' | b'\'', ..] if is_hex => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::Redactor;
    use crate::keys::redact::StreamRedactor;
    use crate::keys::secret::Secret;

    const KEY: &str = "hunter2-hunter2/canary";

    fn redactor() -> Redactor {
        Redactor::new(vec![Secret::new(KEY.into()).unwrap()])
    }

    /// Each text is taken out, known by the gate, and taken out of a stream of single characters.
    fn is_hidden(said: &str) {
        let redactor = redactor();
        let text = format!("it is {said}, yes");
        assert_eq!(redactor.redact(&text), "it is [redacted], yes", "{said}");
        assert!(redactor.knows_key_in(&text), "{said}");
        let mut stream = StreamRedactor::new(redactor);
        let mut shown: String = text.chars().map(|c| stream.push(&c.to_string())).collect();
        shown.push_str(&stream.finish());
        assert_eq!(shown, "it is [redacted], yes", "{said}");
    }

    #[test]
    fn a_key_in_hex_with_separators_is_taken_out() {
        let pairs: Vec<String> = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
        for between in [":", " ", "-", ", ", "\n", " \n  ", ".", "\\n", "::", "', '"] {
            is_hidden(&pairs.join(between));
            is_hidden(&pairs.join(between).to_uppercase().replace("\\N", "\\n"));
        }
        let prefixed: Vec<String> = pairs.iter().map(|pair| format!("0x{pair}")).collect();
        let shown = redactor().redact(&format!("[{}]", prefixed.join(", "))).into_owned();
        assert_eq!(shown, "[0x[redacted]]");
        let mixed: String = pairs
            .iter()
            .enumerate()
            .map(|(at, pair)| if at % 2 == 0 { pair.to_uppercase() } else { pair.clone() })
            .collect();
        is_hidden(&mixed);
        let fours: Vec<String> = pairs.chunks(4).map(<[String]>::concat).collect();
        is_hidden(&fours.join(" "));
    }

    #[test]
    fn a_key_in_base64_that_is_broken_over_lines_is_taken_out() {
        // Of "hunter2-hunter2/canary" and of 1 and 2 bytes before it.
        let base64 = "aHVudGVyMi1odW50ZXIyL2NhbmFye";
        for width in [1, 4, 7, 20] {
            for end in ["\n", "\r\n", "\\n", "\\\\n", "\n  "] {
                let bytes = base64.as_bytes().chunks(width);
                let lines: Vec<&str> = bytes.map(|line| std::str::from_utf8(line).unwrap()).collect();
                let said = lines.join(end);
                let shown = redactor().redact(&said).into_owned();
                assert!(
                    shown.starts_with("[redacted]") && shown.len() < 20,
                    "{said:?} is {shown:?}"
                );
            }
        }
    }

    #[test]
    fn a_key_in_base64_of_base64_is_taken_out() {
        for before in ["", "a", "ab", "user:"] {
            let once = encode(format!("{before}{KEY}").as_bytes());
            for around in ["", "x", "xy"] {
                let twice = encode(format!("{around}{once}").as_bytes());
                let shown = redactor().redact(&twice).into_owned();
                assert!(shown.contains("[redacted]"), "{twice}");
                // What is left are the ends, which others than the key have a part in.
                assert!(shown.len() < "[redacted]".len() + 24, "{twice} is {shown}");
            }
        }
    }

    /// Base64 by the words of the standard.
    fn encode(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for three in bytes.chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|at| u32::from(*three.get(at).unwrap_or(&0)));
            let group = a << 16 | b << 8 | c;
            for at in 0..=three.len() {
                out.push(char::from(ALPHABET[(group >> (18 - 6 * at) & 63) as usize]));
            }
            out.push_str(&"=="[..3 - three.len()]);
        }
        out
    }

    #[test]
    fn words_that_only_spell_a_key_together_stay() {
        let redactor = Redactor::new(vec![Secret::new("notasecret".into()).unwrap()]);
        for said in [
            "it is not a secret",
            "n-o-t-a-s-e-c-r-e-t",
            "not\nasecret",
            "68 75 6e 74",
            "dead beef: 0x00",
        ] {
            assert_eq!(redactor.redact(said), said);
        }
    }
}
