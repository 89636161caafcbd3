//! Takes keys out of texts before anybody sees them.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

use super::secret::Secret;

const REDACTED: &str = "[redacted]";

/// Live secrets shorter than this (in bytes) are not looked for: they are placeholders such as `ollama` or `none`, and
/// taking those words out of messages would only make them unreadable.
const SHORTEST_LIVE: usize = 8;

/// What providers put in place of a key's middle.
const MASK: &str = "***";

/// How the keys of the known providers begin, and how many characters of `A-Z a-z 0-9 _ - *` must follow at least.
///
/// The asterisk is in there since OpenAI quotes a wrong key as `sk-abc***xyz`.
const PATTERNS: [(&str, usize); 4] = [("sk-", 8), ("AIza", 35), ("gsk_", 8), ("xai-", 8)];

/// Knows the keys in use, and the look of others. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// The longest first: one may be the beginning of another.
    live: Arc<RwLock<Vec<Secret>>>,
}

impl Redactor {
    /// A redactor that also takes out the secrets in `live`, wherever they stand.
    #[must_use]
    pub fn new(live: Vec<Secret>) -> Self {
        let redactor = Self::default();
        live.iter().for_each(|secret| redactor.learn(secret));
        redactor
    }

    /// Takes this secret out from now on, also as it looks when it is quoted or stands in an address.
    pub fn learn(&self, secret: &Secret) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms(secret) {
            if form.expose().len() >= SHORTEST_LIVE && !live.iter().any(|known| known.expose() == form.expose()) {
                live.push(form);
            }
        }
        live.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    /// A redactor that knows more than this one, which does not learn it.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Self {
        Self::new(self.known().into_iter().chain(more).collect())
    }

    fn known(&self) -> Vec<Secret> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The text without the secrets that are known.
    fn without_live<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(text);
        for secret in live.iter() {
            if text.contains(secret.expose()) {
                text = Cow::Owned(text.replace(secret.expose(), REDACTED));
            }
        }
        text
    }

    /// How many bytes at the end of `text` may be the beginning of a secret that is known.
    fn beginning_at_end(&self, text: &str) -> usize {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        beginning_of_a_key(&live, text)
    }

    /// The text without keys.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.without_live(text) {
            Cow::Borrowed(text) => redact(text),
            Cow::Owned(text) => Cow::Owned(redact(&text).into_owned()),
        }
    }

    /// Whether a key stands in the text: one in use, or one that looks like those of the known providers. Unlike where
    /// keys are taken out, words such as `sk-folding-cube` are none.
    #[must_use]
    pub fn holds_key(&self, text: &str) -> bool {
        matches!(self.without_live(text), Cow::Owned(_)) || holds_pattern(text)
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

/// A secret as it stands, as `Debug` quotes it, and as it stands in an address: the forms that differ.
fn forms(secret: &Secret) -> Vec<Secret> {
    let plain = secret.expose();
    let mut in_address = String::with_capacity(plain.len());
    for byte in plain.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => in_address.push(byte.into()),
            _ => drop(write!(in_address, "%{byte:02X}")),
        }
    }
    let others = [plain.escape_debug().to_string(), in_address];
    let others = others.into_iter().filter(|form| form != plain).map(Secret::new);
    std::iter::once(secret.clone()).chain(others.flatten()).collect()
}

/// How many bytes at the end of `text` may be the beginning of a live key.
fn beginning_of_a_key(live: &[Secret], text: &str) -> usize {
    let possible = |key: &str| {
        let longest = key.len().saturating_sub(1).min(text.len());
        (1..=longest)
            .rev()
            .find(|&length| key.get(..length).is_some_and(|beginning| text.ends_with(beginning)))
    };
    live.iter()
        .filter_map(|secret| possible(secret.expose()))
        .max()
        .unwrap_or(0)
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

/// The text without anything that looks like a key of a known provider.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut runs = Runs::default();
    while let Some(rest) = text.get(at..) {
        let Some(step) = rest.find(['s', 'A', 'g', 'x']) else {
            break;
        };
        let start = at + step;
        let length = key_at(text, start, &mut runs);
        at = start + length.max(1);
        if length > 0 {
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(REDACTED);
            copied = at;
        }
    }
    if copied == 0 {
        return without_masked(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(without_masked(&out).into_owned())
}

/// Whether a text holds what looks like a whole key of a known provider.
fn holds_pattern(text: &str) -> bool {
    let mut runs = Runs::default();
    text.char_indices()
        .filter(|(_, c)| matches!(c, 's' | 'A' | 'g' | 'x'))
        .any(|(at, _)| {
            let length = key_at(text, at, &mut runs);
            let key = text.get(at..at + length).unwrap_or_default();
            let body = key.split_once(['-', '_']).map_or(key, |(_, body)| body);
            !key.contains('*') && body.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())
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

/// How far the runs of bytes reach that were looked through last: nothing is looked through twice.
#[derive(Debug, Default)]
struct Runs {
    /// Up to here, all are bytes of a key.
    key: usize,
    /// Up to here, all are bytes of a word.
    word: usize,
}

impl Runs {
    /// How far bytes of a key reach from `at`, which never goes back.
    fn key(&mut self, text: &str, at: usize) -> usize {
        self.key = run(text, self.key.max(at), is_key_byte);
        self.key
    }

    /// How far bytes of a word reach from `at`, which never goes back.
    fn word(&mut self, text: &str, at: usize) -> usize {
        self.word = run(text, self.word.max(at), |byte| {
            byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_')
        });
        self.word
    }
}

fn run(text: &str, from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|&&byte| belongs(byte)).count()
}

/// The length of the key that begins at `start`; 0 if none does.
fn key_at(text: &str, start: usize, runs: &mut Runs) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let Some((prefix, shortest)) = PATTERNS.iter().find(|(prefix, _)| rest.starts_with(prefix)) else {
        return 0;
    };
    let tail = start + prefix.len();
    let end = runs.key(text, tail);
    if end - tail < *shortest {
        return 0;
    }
    // `task-management` is a word, `tokensk-A1…` is a key that was glued to a word.
    let in_word = text
        .get(..start)
        .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()));
    if in_word && runs.word(text, tail) >= end {
        return 0;
    }
    end - start
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
        let text = "ask-".repeat(500_000);
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
