//! What a provider's error object says, whatever its form.

use std::time::Duration;

use serde_json::Value;

use super::wait;

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
    /// `details[].reason` of Gemini, `innererror.code` of Azure.
    pub(super) reasons: Vec<String>,
    /// `details[].violations[].quotaId` of Gemini.
    pub(super) quotas: Vec<String>,
    pub(super) retry_delay: Option<String>,
    pub(super) param: Option<String>,
    pub(super) request_id: Option<String>,
}

impl Said {
    pub(super) fn read(value: &Value) -> Self {
        let outer = match value.as_array().map(Vec::as_slice) {
            Some([only, ..]) => only,
            _ => value,
        };
        let inner = outer
            .get("error")
            .filter(|inner| super::super::lenient::is_truthy(inner))
            .unwrap_or(outer);
        let mut said = match inner {
            Value::String(text) => Self {
                message: text.clone(),
                ..Self::default()
            },
            _ => Self::from_object(inner),
        };
        if said.message.is_empty() {
            said.message = message(outer);
        }
        said.request_id = text(outer, "request_id").or_else(|| text(inner, "request_id"));
        said
    }

    fn from_object(inner: &Value) -> Self {
        let details = list(inner, "details");
        let within = inner.get("innererror").and_then(|within| text(within, "code"));
        let reasons = details
            .iter()
            .filter_map(|detail| text(detail, "reason"))
            .chain(within)
            .collect();
        let violations = details.iter().flat_map(|detail| list(detail, "violations"));
        let code = text(inner, "code").unwrap_or_default();
        Self {
            message: message(inner),
            number: inner.get("code").and_then(Value::as_u64).or_else(|| code.parse().ok()),
            code: if code.parse::<u64>().is_ok() {
                String::new()
            } else {
                code
            },
            kind: text(inner, "type").unwrap_or_default(),
            state: text(inner, "status").unwrap_or_default(),
            reasons,
            quotas: violations.filter_map(|violation| text(violation, "quotaId")).collect(),
            retry_delay: details.iter().find_map(|detail| text(detail, "retryDelay")),
            param: text(inner, "param").filter(|param| !param.is_empty()),
            request_id: None,
        }
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
        let words = [self.code.as_str()]
            .into_iter()
            .chain(self.reasons.iter().map(String::as_str));
        let words = words.chain([self.state.as_str(), self.kind.as_str()]);
        let word = words.into_iter().find(|word| !word.is_empty()).map(str::to_owned);
        word.or_else(|| self.number.map(|number| number.to_string()))
    }

    /// All the words that may be codes.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let single = [self.code.as_str(), self.kind.as_str(), self.state.as_str()];
        single
            .into_iter()
            .chain(self.reasons.iter().map(String::as_str))
            .filter(|word| !word.is_empty())
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The message of an error object, with the words that a router passes on from the server behind it.
fn message(value: &Value) -> String {
    let own = ["message", "detail", "error_description", "msg"]
        .iter()
        .find_map(|key| text(value, key));
    let listed = || {
        list(value, "detail")
            .iter()
            .filter_map(|detail| text(detail, "msg"))
            .next()
    };
    let own = own.or_else(listed).unwrap_or_default();
    match value.get("metadata").and_then(|metadata| text(metadata, "raw")) {
        Some(raw) if !raw.is_empty() => format!("{own}\n{raw}"),
        _ => own,
    }
}
