//! The context window: how many tokens a request has, by estimate, and how many there is room for.
//!
//! Exact counting takes each model's own table of tokens, megabytes of it, and most providers publish none. Bytes are
//! close enough, once they are corrected by what the provider itself counted in earlier requests ([`Calibration`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::provider::catalogue::Facts;
use crate::provider::registry::Provider;

/// Bytes of ASCII in a token. Measured with OpenAI's tables of 2023 and 2024 (cl100k, o200k): 4.3 in English prose, 3.8 to
/// 5 in code, 3.5 in dense markdown, 2.4 in JSON full of numbers.
const ASCII_BYTES: u64 = 4;
/// Bytes of other scripts in a token, likewise: 2.6 in Arabic, 3 in Japanese, 4 in Chinese, 5.7 in Russian with the older
/// table, and half as many tokens again with the newer one. Too many tokens are the safer mistake.
const OTHER_BYTES: u64 = 3;
/// What each message costs beside its text: who speaks, and where it begins and ends.
const MESSAGE: u64 = 4;

/// The answer keeps at most this part of the window free, whatever the model could write: a quarter. So a model whose
/// answers may be as long as its window can still be asked something.
const ANSWER_SHARE: u64 = 4;
/// A limit that the user has set for answers keeps at most half of the window free.
const WISHED_SHARE: u64 = 2;
/// How much too long a question may be and is still sent, since all this is an estimate: an eighth.
const TOLERANCE: u64 = 8;

/// The tokens of a text, before calibration.
pub fn tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.len() as u64 - ascii;
    ascii.div_ceil(ASCII_BYTES) + other.div_ceil(OTHER_BYTES)
}

/// The tokens of a message with this text, before calibration.
pub fn message(text: &str) -> u64 {
    MESSAGE + tokens(text)
}

/// How many tokens a model takes. Where nothing is known, nothing is limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most tokens of a request and its answer together.
    pub window: Option<u64>,
    /// The most tokens of a request, so that there is room for its answer.
    pub input: Option<u64>,
    /// The room that is kept for the answer.
    pub answer: Option<u64>,
}

impl Limits {
    /// Those of a provider's model; `max_tokens` is the user's limit of an answer.
    pub fn of(provider: &Provider, facts: &Facts, max_tokens: Option<u64>) -> Self {
        let known = facts.window.filter(|size| *size > 0);
        let window = match provider.asked_context() {
            Some(context) => Some(known.map_or(context, |size| size.min(context))),
            None => known,
        };
        let answer = window.map(|size| match max_tokens {
            Some(wished) => wished.min(size / WISHED_SHARE),
            None => facts.max_output.unwrap_or(size).min(size / ANSWER_SHARE),
        });
        let left = window.zip(answer).map(|(size, answer)| size - answer);
        let input = match (left, facts.max_input) {
            (Some(left), Some(most)) => Some(left.min(most)),
            (left, most) => left.or(most),
        };
        Self { window, input, answer }
    }
}

/// What a request may take, and how far estimates are off.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    limits: Limits,
    factor: f64,
}

/// A question for which there is no room. In tokens, estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// What it has, with the instructions.
    pub tokens: u64,
    /// What fits.
    pub room: u64,
}

impl Budget {
    /// For a model with these limits, whose provider counts `factor` tokens where we count one.
    pub fn new(limits: Limits, factor: f64) -> Self {
        Self { limits, factor }
    }

    /// The most tokens of a request and its answer together, if known.
    pub fn window(&self) -> Option<u64> {
        self.limits.window
    }

    /// An estimate as the provider will probably count it.
    pub fn calibrated(&self, tokens: u64) -> u64 {
        (tokens as f64 * self.factor).round() as u64
    }

    /// Whether this many tokens, before calibration, have room in a request.
    pub fn fits(&self, tokens: u64) -> bool {
        self.limits.input.is_none_or(|room| self.calibrated(tokens) <= room)
    }

    /// Whether a question of this many tokens, before calibration and with the instructions, is too long to be asked.
    pub fn too_long(&self, tokens: u64) -> Option<TooLong> {
        let (room, tokens) = (self.limits.input?, self.calibrated(tokens));
        (tokens > room + room / TOLERANCE).then_some(TooLong { tokens, room })
    }
}

/// How the providers' counts compare to our estimates, by model, for this session. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Calibration(Arc<Mutex<HashMap<String, Counted>>>);

/// Tokens of the last requests, the newest weighing most.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    estimated: f64,
    counted: f64,
}

/// The weight of our own estimate, in tokens: what a provider puts before every request makes short ones look dear,
/// and says little about long ones.
const PRIOR: f64 = 256.0;
/// No table has tokens of less than a byte, so we cannot be off by more than our [`ASCII_BYTES`].
const MOST: f64 = ASCII_BYTES as f64;
/// Less than this (Russian in the newest table) is no table's doing: some servers leave out what they had cached.
const LEAST: f64 = 1.0 / 3.0;

impl Calibration {
    /// How many tokens the provider of this model counts where we count one; 1 until it has said so.
    pub fn factor(&self, label: &str) -> f64 {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { estimated, counted } = known.get(label).copied().unwrap_or_default();
        ((PRIOR + counted) / (PRIOR + estimated)).clamp(LEAST, MOST)
    }

    /// Takes what the provider counted in a request; 0 is no count.
    pub fn learn(&self, label: &str, estimated: u64, counted: u64) {
        if counted == 0 {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.entry(label.to_owned()).or_default();
        before.estimated = before.estimated / 2.0 + estimated as f64;
        before.counted = before.counted / 2.0 + counted as f64;
    }
}

#[cfg(test)]
mod tests;
