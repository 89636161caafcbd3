//! Takes keys out of texts before anybody sees them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use super::encoded::{Unescaped, forms};
use super::formats::{self, Kind, Look};
use super::secret::Secret;
use super::spread::SpreadForms;

const REDACTED: &str = "[redacted]";

/// Names of models that look like keys, for texts that are looked over where no [`Redactor`] is at hand.
static NAMES: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// Live secrets shorter than this (in bytes) are not looked for: they are placeholders such as `ollama` or `none`, and
/// taking those words out of messages would only make them unreadable.
const SHORTEST_LIVE: usize = 8;

/// What providers put in place of a key's middle.
const MASK: &str = "***";

/// Knows the keys in use, and the look of others. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    live: Arc<RwLock<Live>>,
    /// Names of models that look like keys.
    names: Arc<RwLock<BTreeSet<String>>>,
}

/// The keys in use, in each of their forms.
#[derive(Debug, Clone, Default)]
struct Live {
    /// The longest first: one may be the beginning of another.
    forms: Vec<Secret>,
    spread: SpreadForms,
}

impl Redactor {
    /// A redactor that also takes out the secrets in `live`, wherever they stand.
    #[must_use]
    pub fn new(live: Vec<Secret>) -> Self {
        let redactor = Self::default();
        live.iter().for_each(|secret| redactor.learn(secret));
        redactor
    }

    /// Takes this secret out from now on, also in base64, in hex, and with escapes.
    pub fn learn(&self, secret: &Secret) {
        if secret.expose().len() < SHORTEST_LIVE {
            return;
        }
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if live.forms.iter().any(|known| known.expose() == secret.expose()) {
            return;
        }
        for form in forms(secret, SHORTEST_LIVE) {
            if !live.forms.iter().any(|known| known.expose() == form.expose()) {
                live.forms.push(form);
            }
        }
        live.forms
            .sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        live.spread.learn(secret, SHORTEST_LIVE);
    }

    /// Takes these names for what they are from now on, also where they look like keys: `xai-grok-…` is a model.
    pub fn know_names(&self, names: impl IntoIterator<Item = impl AsRef<str>>) {
        let looks_so = |name: &&str| formats::find(name, Look::Shown).next().is_some();
        let names = names.into_iter();
        let names = names.filter_map(|name| Some(name.as_ref()).filter(looks_so).map(str::to_owned));
        let names: Vec<String> = names.collect();
        NAMES
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(names.iter().cloned());
        self.names.write().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// A redactor that knows more than this one, which does not learn it.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Self {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner).clone();
        let redactor = Self {
            live: Arc::new(RwLock::new(live)),
            names: self.names.clone(),
        };
        more.into_iter().for_each(|secret| redactor.learn(&secret));
        redactor
    }

    /// The text without the secrets that are known; what only looks like a key stays.
    pub fn without_live<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        without(text, places(&live, text))
    }

    /// How many bytes at the end of `text` may be the beginning of a secret that is known.
    fn beginning_at_end(&self, text: &str) -> usize {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        if live.forms.is_empty() {
            return 0;
        }
        let begun = beginning_of_a_key(&live.forms, text).max(live.spread.beginning_at_end(text));
        let plain = text.len() - begun;
        let escaped = Unescaped::readings(text).into_iter().map(|read| {
            let length = beginning_of_a_key(&live.forms, read.text());
            if length == 0 && !read.is_cut() {
                return text.len();
            }
            read.origin(read.text().len() - length)
        });
        text.len() - escaped.fold(plain, usize::min)
    }

    /// The text without keys.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        match self.without_live(text) {
            Cow::Borrowed(text) => without_formats(text, &names),
            Cow::Owned(text) => Cow::Owned(without_formats(&text, &names).into_owned()),
        }
    }

    /// Whether one of the keys in use stands in the text.
    #[must_use]
    pub fn knows_key_in(&self, text: &str) -> bool {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        !places(&live, text).is_empty()
    }

    /// What stands in the text that looks like a key. Unlike where keys are taken out, words such as `sk-folding-cube` are
    /// none, and neither are placeholders.
    pub fn keys_in<'a>(&self, text: &'a str) -> impl Iterator<Item = Kind> + use<'a> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner).clone();
        formats::find(text, Look::Sent)
            .filter(move |found| !is_name(text, &found.place, &names))
            .map(|found| found.kind)
    }

    /// Whether a key stands in the text: one in use, or one that looks so.
    #[must_use]
    pub fn holds_key(&self, text: &str) -> bool {
        self.knows_key_in(text) || self.keys_in(text).next().is_some()
    }

    /// The text without keys, of which the last may have been cut by the text's end.
    #[must_use]
    pub fn redact_cut(&self, text: &str) -> String {
        let mut text = self.redact(text).into_owned();
        let cut = self.beginning_at_end(&text);
        if cut >= SHORTEST_LIVE {
            text.truncate(text.len() - cut);
            text.push_str(REDACTED);
        }
        text
    }
}

/// Where the live secrets stand in a text, in order; they may overlap.
fn places(live: &Live, text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    if live.forms.is_empty() {
        return places;
    }
    each_place(&live.forms, text, |place| places.push(place));
    live.spread.each_place(text, |place| places.push(place));
    for read in Unescaped::readings(text) {
        each_place(&live.forms, read.text(), |place| {
            places.push(read.origin(place.start)..read.origin(place.end));
        });
    }
    places.sort_by_key(|place| place.start);
    places
}

fn each_place(live: &[Secret], text: &str, mut tell: impl FnMut(Range<usize>)) {
    for secret in live
        .iter()
        .map(Secret::expose)
        .filter(|secret| secret.len() <= text.len())
    {
        for at in memchr::memmem::find_iter(text.as_bytes(), secret.as_bytes()) {
            tell(at..at + secret.len());
        }
    }
}

/// The text without what stands at these places, which are in order and may overlap.
fn without(text: &str, places: impl IntoIterator<Item = Range<usize>>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied: Option<usize> = None;
    for place in places {
        match copied {
            // Of two that overlap one mark is left.
            Some(end) if place.start < end => copied = Some(end.max(place.end)),
            _ => {
                out.push_str(text.get(copied.unwrap_or_default()..place.start).unwrap_or_default());
                out.push_str(REDACTED);
                copied = Some(place.end);
            }
        }
    }
    let Some(copied) = copied else {
        return Cow::Borrowed(text);
    };
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// How many bytes at the end of `text` may be the beginning of a live key.
fn beginning_of_a_key(live: &[Secret], text: &str) -> usize {
    let longest = live.first().map_or(0, |secret| secret.expose().len());
    let from = text.len() - longest.saturating_sub(1).min(text.len());
    let begins = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        !rest.is_empty()
            && live
                .iter()
                .any(|secret| secret.expose().len() > rest.len() && secret.expose().starts_with(rest))
    };
    let start = (from..text.len()).find(|&at| begins(at));
    start.map_or(0, |start| text.len() - start)
}

/// Takes live keys out of a text that comes in pieces, also where a key is cut by their borders.
///
/// What may be the beginning of a key is held back until more comes; that is next to never more than a character.
#[derive(Debug, Default)]
pub struct StreamRedactor {
    redactor: Redactor,
    held: String,
}

impl StreamRedactor {
    /// Takes out what `redactor` knows as live.
    pub fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            held: String::new(),
        }
    }

    /// Takes a piece; returns what may be shown, which may be nothing yet.
    pub fn push(&mut self, piece: &str) -> String {
        let text = std::mem::take(&mut self.held) + piece;
        let mut text = self.redactor.without_live(&text).into_owned();
        self.held = text.split_off(text.len() - self.redactor.beginning_at_end(&text));
        text
    }

    /// What is still held back; nothing more will come.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// The text without anything that looks like a key of a known service, and is no name that any [`Redactor`] knows.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    without_formats(text, &NAMES.read().unwrap_or_else(PoisonError::into_inner))
}

/// The text without what looks like a key and is none of these names.
fn without_formats<'a>(text: &'a str, names: &BTreeSet<String>) -> Cow<'a, str> {
    let found = formats::find(text, Look::Shown).map(|found| found.place);
    match without(text, found.filter(|place| !is_name(text, place, names))) {
        Cow::Borrowed(text) => without_masked(text),
        Cow::Owned(text) => Cow::Owned(without_masked(&text).into_owned()),
    }
}

/// Whether what stands at this place is one of these names, or a part of it.
fn is_name(text: &str, place: &Range<usize>, names: &BTreeSet<String>) -> bool {
    let is_glued = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    names.iter().any(|name| {
        let key = text.get(place.clone()).unwrap_or_default();
        let common = |(at, _): (usize, char)| {
            let begin = place.start.checked_sub(at)?;
            let behind = text.get(begin..)?.strip_prefix(name.as_str())?;
            let before = text.get(..begin)?;
            let whole = !behind.starts_with(is_glued) && !before.ends_with(is_glued);
            (whole && at + key.len() <= name.len()).then_some(())
        };
        name.char_indices().find_map(common).is_some()
    })
}

/// The text without words such as `abcd***wxyz`: a key of any form, quoted by its ends.
fn without_masked(text: &str) -> Cow<'_, str> {
    let is_masked = |word: &str| word.contains(MASK) && word.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if !text.contains(MASK) {
        return Cow::Borrowed(text);
    }
    let words = text.split_inclusive(|c: char| !c.is_ascii() || !is_key_byte(c as u8));
    let mut out = String::with_capacity(text.len());
    for word in words {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii() || !is_key_byte(c as u8));
        out.push_str(if is_masked(bare) { REDACTED } else { bare });
        out.push_str(word.get(bare.len()..).unwrap_or_default());
    }
    Cow::Owned(out)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into()).unwrap()
    }

    #[test]
    fn a_live_key_is_taken_out_wherever_the_pieces_are_cut() {
        let text = "before canary-9f8e7d, canary-9f8e7d after canary-9";
        for cut in 0..=text.len() {
            for second in cut..=text.len() {
                let mut stream = StreamRedactor::new(Redactor::new(vec![secret("canary-9f8e7d")]));
                let mut shown = String::new();
                for piece in [&text[..cut], &text[cut..second], &text[second..]] {
                    shown.push_str(&stream.push(piece));
                }
                shown.push_str(&stream.finish());
                assert_eq!(shown, "before [redacted], [redacted] after canary-9");
            }
        }
    }

    #[test]
    fn nothing_is_held_back_that_cannot_become_a_key() {
        let mut stream = StreamRedactor::new(Redactor::new(vec![secret("canary-9f8e7d")]));
        assert_eq!(stream.push("plain text"), "plain text");
        assert_eq!(stream.push(" can"), " ");
        assert_eq!(stream.push("dle"), "candle");
    }

    #[test]
    fn the_ends_of_a_key_that_openai_quotes_are_taken_out() {
        let text = "Incorrect API key provided: sk-5f6ce***********************acdb. You can find your API key at x.";
        assert_eq!(
            redact(text),
            "Incorrect API key provided: [redacted]. You can find your API key at x."
        );
    }

    #[test]
    fn keys_of_every_known_form_are_taken_out() {
        let google = format!("AIza{}", "aB3_-".repeat(7));
        for key in [
            "sk-proj-abc_DEF-123",
            "gsk_abcdEFGH1234",
            "xai-abcdEFGH1234",
            google.as_str(),
        ] {
            for (before, after) in [("", ""), ("key=", "&x"), ("\"", "\""), ("é", "é"), ("Bearer%20", ".")] {
                let text = format!("{before}{key}{after} and {key}");
                assert_eq!(
                    redact(&text),
                    format!("{before}[redacted]{after} and [redacted]"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn words_stay_and_nothing_is_copied() {
        for text in [
            "",
            "task-management and disk-encryption",
            "sk-short",
            "AIza only",
            "xai-",
            "a gsk_ b",
            "ß–sk",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn a_long_text_of_what_is_nearly_a_key_takes_no_longer_than_another() {
        let text = "ask-".repeat(20_000);
        let begun = std::time::Instant::now();
        assert_eq!(redact(&text), text.as_str());
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        assert_eq!(redact("ask-me-sk-abcdefgh"), "ask-me-[redacted]");
    }

    #[test]
    fn live_secrets_are_taken_out_whatever_they_look_like() {
        let redactor = Redactor::new(vec![
            secret("hunter2hunter2"),
            secret("hunter2hunter2-long"),
            secret("ollama"),
        ]);
        let text = "ollama said hunter2hunter2-long, hunter2hunter2 and sk-abcdefgh";
        assert_eq!(
            redactor.redact(text),
            "ollama said [redacted], [redacted] and [redacted]"
        );
    }

    #[test]
    fn a_key_of_any_form_that_is_quoted_by_its_ends_is_taken_out() {
        assert_eq!(
            redact("Incorrect API key provided: hunter2h******ção ***9f3e. *** and **bold**"),
            "Incorrect API key provided: [redacted]ção [redacted]. *** and **bold**"
        );
    }

    #[test]
    fn a_key_that_is_cut_by_the_texts_end_is_taken_out() {
        let redactor = Redactor::new(vec![secret("hunter2-hunter2-hunter2")]);
        assert_eq!(redactor.redact_cut("wrong: hunter2-hunter2"), "wrong: [redacted]");
        assert_eq!(redactor.redact_cut("a hunt"), "a hunt");
    }

    #[test]
    fn a_live_key_is_taken_out_in_base64_at_each_alignment_and_in_hex() {
        let key = "hunter2+hunter2/ção?";
        let redactor = Redactor::new(vec![secret(key)]);
        for before in ["", "a", "ab", "user:"] {
            for after in ["", "z", "zz"] {
                for engine in [base64_of as fn(&[u8], &[u8; 64]) -> String] {
                    for alphabet in [STANDARD, URL_SAFE] {
                        let text = engine(format!("{before}{key}{after}").as_bytes(), alphabet);
                        let shown = redactor.redact(&text).into_owned();
                        assert!(shown.contains("[redacted]"), "{text}");
                        assert!(shown.len() <= "[redacted]".len() + 12, "{text} is {shown}");
                    }
                }
            }
        }
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        let said = format!("0x{hex} or {}", hex.to_uppercase());
        assert_eq!(redactor.redact(&said), "0x[redacted] or [redacted]");
        assert!(redactor.knows_key_in(&said));
    }

    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// Written by the standard's own words, and not as the code has it.
    fn base64_of(bytes: &[u8], alphabet: &[u8; 64]) -> String {
        let mut out = String::new();
        for three in bytes.chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|at| u32::from(*three.get(at).unwrap_or(&0)));
            let group = a << 16 | b << 8 | c;
            for at in 0..=three.len() {
                out.push(char::from(alphabet[(group >> (18 - 6 * at) & 63) as usize]));
            }
            out.push_str(&"="[..usize::from(three.len() < 3)]);
        }
        out
    }

    #[test]
    fn a_live_key_is_taken_out_with_any_of_its_characters_escaped() {
        let key = "hunter2/\"&_canary";
        let redactor = Redactor::new(vec![secret(key)]);
        for escape in [
            |c: char| format!("%{:02x}", c as u32),
            |c| format!("%{:02X}", c as u32),
            |c| format!("\\u{:04x}", c as u32),
            |c| format!("\\u{{{:X}}}", c as u32),
            |c| format!("\\x{:02x}", c as u32),
            |c| format!("&#{};", c as u32),
            |c| format!("&#x{:X};", c as u32),
            |c| format!("\\\\u{:04x}", c as u32),
        ] {
            for which in [1, 2, 3, 5, 16] {
                let said: String = key
                    .chars()
                    .enumerate()
                    .map(|(at, c)| match at % which == 0 || c == '&' || c == '"' {
                        true => escape(c),
                        false => c.to_string(),
                    })
                    .collect();
                assert_eq!(
                    redactor.redact(&format!("it is {said}!")),
                    "it is [redacted]!",
                    "{said}"
                );
                for cut in (0..said.len()).filter(|&at| said.is_char_boundary(at)) {
                    let mut stream = StreamRedactor::new(redactor.clone());
                    let shown = stream.push("it is ") + &stream.push(&said[..cut]) + &stream.push(&said[cut..]);
                    assert_eq!(
                        shown + &stream.push("!") + &stream.finish(),
                        "it is [redacted]!",
                        "{said} at {cut}"
                    );
                }
            }
        }
        assert_eq!(redactor.redact("a%2Fb &amp; \\u0041"), "a%2Fb &amp; \\u0041");
    }

    /// One sign of each class that is not shown, and the ends of its range; the attacker's were `\\0`, `\\u{8}`, `\\u{200b}`,
    /// `\\u{202e}` and `\\u{feff}`.
    const UNSEEN: &[char] = &[
        '\0',
        '\u{1}',
        '\u{8}',
        '\u{b}',
        '\r',
        '\u{1b}',
        '\u{1f}',
        '\u{7f}',
        '\u{80}',
        '\u{85}',
        '\u{9f}',
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{17b5}',
        '\u{180b}',
        '\u{180e}',
        '\u{180f}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2063}',
        '\u{2066}',
        '\u{2069}',
        '\u{206f}',
        '\u{3164}',
        '\u{fe00}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fff0}',
        '\u{fff9}',
        '\u{fffb}',
        '\u{1bca0}',
        '\u{1d173}',
        '\u{1d17a}',
        '\u{e0000}',
        '\u{e0001}',
        '\u{e0020}',
        '\u{e007f}',
        '\u{e0100}',
        '\u{e01ef}',
        '\u{e0fff}',
    ];

    #[test]
    fn a_key_between_whose_letters_unseen_signs_stand_is_taken_out_whatever_sign_it_is() {
        let key = "hunter2-hunter2";
        let redactor = Redactor::new(vec![secret(key)]);
        for sign in UNSEEN {
            for which in [1, 2, 7] {
                let said: String = key
                    .chars()
                    .enumerate()
                    .flat_map(|(at, c)| [Some(c), (at % which == 0 && at + 1 < key.len()).then_some(*sign)])
                    .flatten()
                    .collect();
                let text = format!("it is {said}!");
                assert_eq!(redactor.redact(&text), "it is [redacted]!", "{sign:?}");
                assert!(redactor.knows_key_in(&text), "{sign:?}");
                let mut stream = StreamRedactor::new(redactor.clone());
                let mut shown: String = text.chars().map(|c| stream.push(&c.to_string())).collect();
                shown.push_str(&stream.finish());
                assert_eq!(shown, "it is [redacted]!", "{sign:?}");
                // As JSON escapes it.
                let escaped = text.replace(*sign, &format!("\\u{{{:x}}}", u32::from(*sign)));
                assert_eq!(redactor.redact(&escaped), "it is [redacted]!", "{sign:?}");
            }
        }
        for seen in ["a\nb", "hunter2-\thunter2", "👩\u{200d}💻 e\u{fe0f}"] {
            assert_eq!(redactor.redact(seen), seen);
        }
    }

    #[test]
    fn a_key_in_octal_escapes_is_taken_out() {
        let key = "hunter2-hunter2";
        let said: String = key.bytes().map(|byte| format!("\\{byte:03o}")).collect();
        let redactor = Redactor::new(vec![secret(key)]);
        assert_eq!(redactor.redact(&format!("it is {said}!")), "it is [redacted]!");
        assert_eq!(redactor.redact("\\1 \\08 \\377 \\12x"), "\\1 \\08 \\377 \\12x");
    }

    #[test]
    fn a_stream_of_single_characters_hides_every_form_of_a_key() {
        let key = "canary-9f8e7d/of?ours";
        let redactor = Redactor::new(vec![secret(key)]);
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        let escaped: String = key.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
        for said in [
            key.to_owned(),
            hex,
            escaped,
            key.replace('/', "%2f"),
            key.replace('/', "\\/"),
        ] {
            let mut stream = StreamRedactor::new(redactor.clone());
            let text = format!("100% a\\b & {said}, done");
            let mut shown: String = text.chars().map(|c| stream.push(&c.to_string())).collect();
            shown.push_str(&stream.finish());
            assert_eq!(shown, "100% a\\b & [redacted], done");
        }
    }

    #[test]
    fn a_stream_of_what_is_nearly_a_key_takes_no_longer_than_another() {
        let redactor = Redactor::new(vec![secret(&"ab".repeat(100)), secret(&"\\u0061".repeat(40))]);
        let begun = std::time::Instant::now();
        for piece in ["ab", "\\u0061", "%61", "&#97;", "\\"] {
            let mut stream = StreamRedactor::new(redactor.clone());
            (0..300).for_each(|_| drop(stream.push(piece)));
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(60),
            "{:?}",
            begun.elapsed()
        );
    }

    #[test]
    fn the_name_of_a_model_that_looks_like_a_key_is_none() {
        let redactor = Redactor::default();
        let model = ["sk", "-llama-31-70B-instruct"].concat();
        let said = format!("{model} is unknown; custom/{model}, \"{model}\"");
        assert!(redactor.redact(&said).contains("[redacted]"));
        redactor.clone().know_names([model.as_str(), "gpt-5.6"]);
        assert_eq!(redactor.redact(&said), said);
        assert!(!redactor.holds_key(&said));
        let longer = format!("{model}-abcdefgh and x{model}");
        assert_eq!(
            redactor.redact(&longer).matches("[redacted]").count(),
            1,
            "{}",
            redactor.redact(&longer)
        );
        assert_eq!(
            redact("xai-grok-4.3-fast-reasoning and pplx-70b-chat"),
            "xai-grok-4.3-fast-reasoning and pplx-70b-chat"
        );
    }

    #[test]
    fn a_model_that_a_redactor_knows_is_no_key_where_none_is_at_hand() {
        let id = ["sk", "-qwen-72B-instruct-a1b2c3"].concat();
        assert_eq!(redact(&id), "[redacted]");
        Redactor::default().know_names([&id]);
        assert_eq!(
            redact(&format!("work has no model {id}.")),
            format!("work has no model {id}.")
        );
        assert_eq!(redact(&format!("{id}-and-more")), "[redacted]");
    }

    #[test]
    fn what_one_clone_learns_all_take_out_also_quoted_and_in_an_address() {
        let (redactor, other) = (Redactor::default(), Redactor::default());
        let clone = redactor.clone();
        redactor.learn(&secret("hunter\"2/ção"));
        let said = r#"hunter"2/ção "hunter\"2/ção" ?key=hunter%222%2F%C3%A7%C3%A3o"#;
        assert_eq!(clone.redact(said), r#"[redacted] "[redacted]" ?key=[redacted]"#);
        assert_eq!(other.redact(said), said);
        let more = redactor.with([secret("another-one")]);
        assert_eq!(more.redact("another-one hunter\"2/ção"), "[redacted] [redacted]");
        assert_eq!(redactor.redact("another-one"), "another-one");
    }

    #[test]
    fn a_redactor_does_not_print_its_secrets() {
        assert!(!format!("{:?}", Redactor::new(vec![secret("hunter2hunter2")])).contains("hunter2"));
    }
}
