//! Reads a provider's error object, whatever its form: its reason, and the words in it that are for programs.

use std::time::Duration;

use serde_json::Value;

use super::{reason, wait};

/// How deep the words for programs are looked for.
const DEEPEST: usize = 6;

/// The most objects that are looked at.
const MOST: usize = 32;

/// Where a further error object may stand in one.
const WITHIN: &[&str] = &[
    "error",
    "errors",
    "message",
    "Message",
    "detail",
    "details",
    "innererror",
    "body",
    "fault",
    "raw",
    "metadata",
];

/// Codes of a field that no request may have: pydantic's, and OpenAI's.
pub(super) const EXTRA_FIELD: &[&str] = &["extra_forbidden", "value_error.extra", "unexpected_keyword_argument"];

/// The fields of an error object that mean something to us, from all known forms.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) message: String,
    /// `code`, if it is a word.
    pub(super) code: String,
    /// `code`, if it is a number: most often the HTTP status.
    pub(super) number: Option<u64>,
    pub(super) kind: String,
    /// Gemini's `status`, such as `NOT_FOUND`.
    pub(super) state: String,
    /// `details[].reason` of Gemini, `innererror.code` of Azure, and the words of errors within errors.
    pub(super) reasons: Vec<String>,
    /// `details[].violations[].quotaId` of Gemini.
    pub(super) quotas: Vec<String>,
    pub(super) retry_delay: Option<String>,
    pub(super) param: Option<String>,
    pub(super) request_id: Option<String>,
}

impl Said {
    pub(super) fn read(value: &Value) -> Self {
        let mut said = Self {
            message: reason::of(value),
            ..Self::default()
        };
        let mut left = MOST;
        said.look(value, DEEPEST, &mut left);
        said
    }

    /// Takes what is known yet of nothing out of this object, the errors within it first.
    fn look(&mut self, value: &Value, depth: usize, left: &mut usize) {
        let (Some(depth), Some(fewer)) = (depth.checked_sub(1), left.checked_sub(1)) else {
            return;
        };
        *left = fewer;
        match value {
            Value::Array(list) => list.iter().for_each(|item| self.look(item, depth, left)),
            Value::String(text) => {
                if let Some(inner) = reason::json(text) {
                    self.look(&inner, depth, left);
                }
            }
            Value::Object(_) => {
                let (first, rest) = WITHIN.split_at(1);
                let mut within = |names: &[&str], said: &mut Self| {
                    for inner in names.iter().filter_map(|name| value.get(name)) {
                        said.look(inner, depth, left);
                    }
                };
                within(first, self);
                self.take(value);
                within(rest, self);
            }
            _ => {}
        }
    }

    fn take(&mut self, value: &Value) {
        for key in ["code", "error_code", "status", "status_code", "statusCode"] {
            let number = value.get(key).and_then(Value::as_u64);
            let digits = || text(value, key).and_then(|digits| digits.parse().ok());
            self.number = self.number.or(number).or_else(digits);
        }
        for (known, keys) in [
            (&mut self.code, ["code", "error_code", "errorCode"]),
            (&mut self.kind, ["type", "error_type", "__type"]),
            (&mut self.state, ["status", "", ""]),
        ] {
            for word in keys
                .iter()
                .filter_map(|key| text(value, key))
                .filter(|word| is_word(word))
            {
                if known.is_empty() {
                    *known = word;
                } else if *known != word {
                    self.reasons.push(word);
                }
            }
        }
        self.reasons.extend(text(value, "reason").filter(|word| is_word(word)));
        let violations = value.get("violations").and_then(Value::as_array).into_iter().flatten();
        self.quotas
            .extend(violations.filter_map(|violation| text(violation, "quotaId")));
        self.retry_delay = self.retry_delay.take().or_else(|| text(value, "retryDelay"));
        self.request_id = self.request_id.take().or_else(|| text(value, "request_id"));
        let named = text(value, "param").filter(|param| !param.is_empty());
        let extra = value
            .get("params")
            .and_then(|params| text(params, "additionalProperty"));
        self.param = self.param.take().or(named).or(extra).or_else(|| refused_field(value));
    }

    /// The HTTP status that stands in the object.
    pub(super) fn status(&self) -> Option<u16> {
        self.number
            .and_then(|number| u16::try_from(number).ok())
            .filter(|status| (400..600).contains(status))
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        wait::duration(self.retry_delay.as_deref()?)
    }

    /// The word that names the error best.
    pub(super) fn best_code(&self) -> Option<String> {
        let extra = self.words().find(|word| EXTRA_FIELD.contains(word));
        let mut words = [extra.unwrap_or(&self.code)]
            .into_iter()
            .chain(self.reasons.iter().map(String::as_str));
        let word = words.find(|word| !word.is_empty());
        let word = word.or_else(|| {
            [self.state.as_str(), self.kind.as_str()]
                .into_iter()
                .find(|word| !word.is_empty())
        });
        let word = word.map(str::to_owned);
        word.or_else(|| self.number.map(|number| number.to_string()))
    }

    /// All the words that may be codes.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let single = [self.code.as_str(), self.kind.as_str(), self.state.as_str()];
        single
            .into_iter()
            .chain(self.reasons.iter().map(String::as_str))
            .chain(Some(self.message.as_str()).filter(|message| is_word(message)))
            .filter(|word| !word.is_empty())
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// Whether this may name an error: one word, no number, and not only that there is one.
fn is_word(text: &str) -> bool {
    let generic = ["error", "about:blank", "failed", "fail", "string"];
    !text.is_empty()
        && text.len() <= 80
        && !text.contains(char::is_whitespace)
        && text.parse::<u64>().is_err()
        && !generic.contains(&text.to_ascii_lowercase().as_str())
}

/// The field that FastAPI refuses: not one that is missing, nor one within the conversation.
fn refused_field(value: &Value) -> Option<String> {
    let kind = text(value, "type").unwrap_or_default();
    let is_missing =
        kind.contains("missing") || text(value, "msg").is_some_and(|msg| msg.eq_ignore_ascii_case("field required"));
    reason::field(value).filter(|_| !is_missing)
}
