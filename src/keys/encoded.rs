//! The forms in which a key may stand in a text: in base64 and hex, and with escapes of addresses, JSON and HTML.
//!
//! Of base64 and hex there are only so many forms: they are made in advance. Any of a key's characters may be escaped, or
//! none, so texts with escapes are read without them instead.

use std::fmt::Write;
use std::ops::Range;

use zeroize::Zeroizing;

use super::secret::Secret;
use crate::visible;

/// How often escapes are undone: JSON within JSON within an address.
const DEEPEST: usize = 3;
/// The longest escape that is understood, in bytes: `&#x0000073;`.
const LONGEST_ESCAPE: usize = 12;

/// A secret as it stands, and as base64 and hex write it. What is shorter than `shortest` is no form.
pub fn forms(secret: &Secret, shortest: usize) -> Vec<Secret> {
    let plain = secret.expose();
    let mut forms = vec![secret.clone()];
    let hex = hex(plain.as_bytes());
    let mut texts = vec![plain.escape_debug().to_string(), hex.to_uppercase(), hex];
    texts.extend(base64_forms(plain.as_bytes()));
    for text in texts {
        if text.len() >= shortest && !forms.iter().any(|form| form.expose() == text) {
            forms.extend(Secret::new(text));
        }
    }
    forms
}

/// Bytes in hex, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(hex, "{byte:02x}").ok();
    }
    hex
}

/// The texts that base64 makes of these bytes wherever they stand, and base64 of that again.
pub fn base64_forms(bytes: &[u8]) -> Vec<String> {
    let each = |bytes: &[u8]| -> Vec<String> {
        let alphabets = [false, true].into_iter();
        alphabets
            .flat_map(|url| (0..3).map(move |skipped| (skipped, url)))
            .map(|(skipped, url)| base64(bytes, skipped, url))
            .collect()
    };
    let once = each(bytes);
    let twice: Vec<String> = once.iter().flat_map(|text| each(text.as_bytes())).collect();
    let mut forms = [once, twice].concat();
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// What base64 ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648#section-4)) makes of these bytes where `before` others
/// stand before them, and more behind: without the characters at either end that depend on those.
fn base64(bytes: &[u8], before: usize, url: bool) -> String {
    let alphabet: &[u8; 64] = match url {
        false => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        true => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    };
    let bits = (before + bytes.len()) * 8;
    let bit = |at: usize| {
        let byte = (at / 8)
            .checked_sub(before)
            .and_then(|place| bytes.get(place))
            .unwrap_or(&0);
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let first = (before * 8).div_ceil(6);
    (first..bits / 6)
        .filter_map(|character| {
            let value = (0..6).fold(0, |value, offset| value << 1 | bit(character * 6 + offset));
            alphabet.get(value).map(|&byte| char::from(byte))
        })
        .collect()
}

/// A text without its escapes, and where each of its bytes came from.
#[derive(Default)]
pub struct Unescaped {
    text: Zeroizing<String>,
    /// Of each byte: where what it stands for begins in the text as it was.
    from: Vec<usize>,
    /// Where the text as it was ends; or where an escape begins that it cuts.
    end: usize,
    /// Whether it ends within an escape.
    cut: bool,
}

impl Unescaped {
    /// The readings of a text that has escapes: without the outermost, without those within them, and so on.
    pub fn readings(text: &str) -> Vec<Self> {
        let mut readings: Vec<Self> = Vec::new();
        while readings.len() < DEEPEST {
            let last = readings.last().map_or(text, |last| last.text.as_str());
            if !has_escapes(last) {
                break;
            }
            let mut next = Self::new(last);
            if let Some(outer) = readings.last() {
                next.cut |= outer.cut;
                next.end = outer.origin(next.end);
                next.from.iter_mut().for_each(|from| *from = outer.origin(*from));
            }
            readings.push(next);
        }
        readings
    }

    fn new(text: &str) -> Self {
        let mut this = Self {
            end: text.len(),
            ..Self::default()
        };
        let mut at = 0;
        while let Some(rest) = text.get(at..) {
            let stops = |c: char| matches!(c, '%' | '\\' | '&') || is_unseen(c);
            let plain = rest.find(stops).unwrap_or(rest.len());
            this.take(rest.get(..plain).unwrap_or_default(), at..at + plain);
            at += plain;
            let Some(mark) = rest.get(plain..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            match escape(mark) {
                Escape::Of(c, length) => {
                    let mut bytes = [0; 4];
                    let place = at..at;
                    this.take(c.encode_utf8(&mut bytes), place);
                    at += length;
                }
                Escape::Cut => {
                    (this.end, this.cut) = (at, true);
                    break;
                }
                Escape::None if mark.starts_with(is_unseen) => {
                    at += mark.chars().next().map_or(1, char::len_utf8);
                }
                Escape::None => {
                    this.take(mark.get(..1).unwrap_or_default(), at..at + 1);
                    at += 1;
                }
            }
        }
        this
    }

    /// Takes a piece over. Where nothing is escaped, each byte stands for itself.
    fn take(&mut self, piece: &str, place: Range<usize>) {
        self.text.push_str(piece);
        match place.is_empty() {
            true => self.from.extend(piece.bytes().map(|_| place.start)),
            false => self.from.extend(place),
        }
    }

    /// The text without escapes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the text as it was ends within an escape.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Where in the text as it was this place of the text without escapes is.
    pub fn origin(&self, at: usize) -> usize {
        self.from.get(at).copied().unwrap_or(self.end)
    }
}

fn has_escapes(text: &str) -> bool {
    memchr::memchr3(b'%', b'\\', b'&', text.as_bytes()).is_some() || text.contains(is_unseen)
}

/// Signs that are not shown: between the letters of a key they leave it readable. Those that hide something, and all that
/// Unicode calls ignorable, assigned or not
/// ([DerivedCoreProperties](https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt), `Default_Ignorable_Code_Point`).
fn is_unseen(c: char) -> bool {
    if matches!(c, '\n' | '\t') {
        return false;
    }
    visible::is_hidden(c)
        || matches!(c,
            '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

enum Escape {
    /// It stands for this character, and is so many bytes long.
    Of(char, usize),
    /// The text ends within it.
    Cut,
    None,
}

/// What the escape at the beginning of a text stands for.
fn escape(text: &str) -> Escape {
    let read = |skipped: usize, length: usize| {
        let Some(digits) = text.get(skipped..skipped + length) else {
            let rest = text.get(skipped..).unwrap_or_default();
            return if rest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                Escape::Cut
            } else {
                Escape::None
            };
        };
        let code = u32::from_str_radix(digits, 16)
            .ok()
            .filter(|_| !digits.starts_with('+'));
        match code.and_then(char::from_u32) {
            Some(c) => Escape::Of(c, skipped + length),
            None => Escape::None,
        }
    };
    match text.as_bytes() {
        [b'%', ..] => percent(text),
        [b'\\'] | [b'&'] => Escape::Cut,
        [b'\\', b'u', b'{', ..] => delimited(text, 3, '}', 16),
        [b'\\', b'u', ..] => read(2, 4),
        [b'\\', b'x', ..] => read(2, 2),
        [b'\\', b'0'..=b'3', ..] => octal(text),
        [b'\\', mark, ..] if mark.is_ascii_punctuation() => Escape::Of(char::from(*mark), 2),
        [b'&', b'#'] => Escape::Cut,
        [b'&', b'#', b'x' | b'X', ..] => delimited(text, 3, ';', 16),
        [b'&', b'#', ..] => delimited(text, 2, ';', 10),
        [b'&', ..] => named(text),
        _ => Escape::None,
    }
}

/// Three octal digits, as shells and C write a byte.
fn octal(text: &str) -> Escape {
    let digits: String = text.chars().skip(1).take(3).take_while(|c| c.is_digit(8)).collect();
    match digits.len() {
        3 => {
            let code = u32::from_str_radix(&digits, 8).ok().filter(|code| *code < 0x80);
            code.and_then(char::from_u32).map_or(Escape::None, |c| Escape::Of(c, 4))
        }
        length if length + 1 == text.len() => Escape::Cut,
        _ => Escape::None,
    }
}

/// A character in percent signs: one for each of its bytes
/// ([RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)).
fn percent(text: &str) -> Escape {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [b'%', first, second, behind @ ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() => {
                let digits = [*first, *second].map(|digit| char::from(digit).to_digit(16).unwrap_or_default());
                bytes.extend(
                    digits
                        .first()
                        .zip(digits.last())
                        .and_then(|(a, b)| u8::try_from(a * 16 + b).ok()),
                );
                rest = behind;
            }
            [] | [b'%'] => return Escape::Cut,
            [b'%', digit] if digit.is_ascii_hexdigit() => return Escape::Cut,
            _ => return Escape::None,
        }
        match std::str::from_utf8(&bytes) {
            Ok(read) => {
                return read
                    .chars()
                    .next()
                    .map_or(Escape::None, |c| Escape::Of(c, bytes.len() * 3));
            }
            Err(error) if error.error_len().is_some() => return Escape::None,
            Err(_) => {}
        }
    }
}

/// A number that a sign ends.
fn delimited(text: &str, skipped: usize, end: char, radix: u32) -> Escape {
    let rest = text.get(skipped..).unwrap_or_default();
    let length = rest
        .bytes()
        .take_while(|&byte| char::from(byte).is_digit(radix))
        .count();
    match rest
        .get(length..)
        .map(|behind| (behind.is_empty(), behind.starts_with(end)))
    {
        _ if skipped + length >= LONGEST_ESCAPE => Escape::None,
        Some((true, _)) => Escape::Cut,
        Some((_, true)) => {
            let code = rest
                .get(..length)
                .and_then(|digits| u32::from_str_radix(digits, radix).ok());
            code.and_then(char::from_u32)
                .map_or(Escape::None, |c| Escape::Of(c, skipped + length + 1))
        }
        _ => Escape::None,
    }
}

/// The characters of keys that have names in [HTML](https://html.spec.whatwg.org/multipage/named-characters.html).
const NAMED: [(&str, char); 15] = [
    ("&amp;", '&'),
    ("&apos;", '\''),
    ("&ast;", '*'),
    ("&colon;", ':'),
    ("&dash;", '-'),
    ("&equals;", '='),
    ("&gt;", '>'),
    ("&hyphen;", '-'),
    ("&lowbar;", '_'),
    ("&lt;", '<'),
    ("&num;", '#'),
    ("&period;", '.'),
    ("&plus;", '+'),
    ("&quot;", '"'),
    ("&sol;", '/'),
];

fn named(text: &str) -> Escape {
    for (name, c) in NAMED {
        if text.starts_with(name) {
            return Escape::Of(c, name.len());
        }
        if name.starts_with(text) {
            return Escape::Cut;
        }
    }
    Escape::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_part_is_what_stands_in_base64_of_the_whole() {
        assert_eq!(base64(b"any carnal pleas", 0, false), "YW55IGNhcm5hbCBwbGVhc");
        // "x" and "xy" before it: eGFueSBj…, eHlhbnkgY…
        assert_eq!(base64(b"any c", 1, false), "FueSBj");
        assert_eq!(base64(b"any c", 2, false), "hbnkgY");
        assert_eq!(base64(&[0xfb, 0xff], 0, false), "+/");
        assert_eq!(base64(&[0xfb, 0xff], 0, true), "-_");
    }

    #[test]
    fn escapes_are_undone_and_each_byte_knows_where_it_came_from() {
        for (escaped, plain) in [
            ("a%2Fb%2fc", "a/b/c"),
            (r"\u0073k\x2d\/\u{61}", "sk-/a"),
            ("&#115;k&#x2D;&quot;&amp;", "sk-\"&"),
            ("%C3%A9 or %e2%82%ac", "é or €"),
            (
                "100% of é & \\d %zz &foo; &#; %C3é %ff",
                "100% of é & \\d %zz &foo; &#; %C3é %ff",
            ),
        ] {
            let read = Unescaped::new(escaped);
            assert_eq!(read.text(), plain);
            assert_eq!(read.origin(plain.len()), escaped.len());
            assert!(!read.is_cut());
        }
        let read = Unescaped::new("a%2Fb");
        assert_eq!([0, 1, 2, 3].map(|at| read.origin(at)), [0, 1, 4, 5]);
    }

    #[test]
    fn an_escape_that_the_end_cuts_is_kept_apart() {
        for cut in [
            "%", "%2", "%C3", "%C3%", "%E2%82", "\\", "\\u", "\\u00", "\\u{7", "&", "&#", "&#1", "&#x7", "&qu",
        ] {
            let text = format!("ab{cut}");
            let read = Unescaped::new(&text);
            assert_eq!((read.text(), read.is_cut(), read.origin(2)), ("ab", true, 2), "{cut}");
        }
    }

    #[test]
    fn escapes_within_escapes_are_undone_too() {
        let readings = Unescaped::readings(r"\\u0073k%252D");
        let last = readings.last().unwrap();
        assert_eq!(last.text(), "sk-");
        assert_eq!([0, 1, 2, 3].map(|at| last.origin(at)), [0, 7, 8, 13]);
        assert!(Unescaped::readings("plain").is_empty());
    }
}
