//! Passes the events of an answer on to whoever listens, without keys.

use std::borrow::Cow;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::keys::redact::StreamRedactor;
use crate::keys::{Credentials, Redactor};
use crate::provider::error::word;
use crate::provider::{Citation, Event, FinishReason, ProviderError, ToolCall, Unshown};

/// The fields of what is signed that nobody but its provider can read.
const ENCRYPTED: [&str; 4] = ["signature", "data", "encrypted_content", "thoughtSignature"];

/// Whom the events go to, without the live key in any text.
pub struct Listener<'a> {
    events: &'a mpsc::Sender<Vec<Event>>,
    text: StreamRedactor,
    reasoning: StreamRedactor,
    whole: Redactor,
    heard: bool,
}

impl<'a> Listener<'a> {
    pub fn new(credentials: &Credentials, events: &'a mpsc::Sender<Vec<Event>>) -> Self {
        let redactor = || StreamRedactor::new(credentials.redactor());
        Self {
            events,
            text: redactor(),
            reasoning: redactor(),
            whole: credentials.redactor(),
            heard: false,
        }
    }

    /// Hands events on in one batch; returns the end, if it is among them. That nobody listens any more is one, too.
    pub async fn hear(&mut self, decoded: impl Iterator<Item = Event>) -> Option<Result<FinishReason, ProviderError>> {
        let mut batch = Vec::new();
        let mut end = None;
        for event in decoded {
            self.heard |= is_said(&event);
            let redacted = match event {
                Event::Finished(reason) => {
                    end = Some(Ok(reason.redacted(&self.whole)));
                    break;
                }
                Event::Error(error) => {
                    end = Some(Err(error));
                    break;
                }
                Event::Text(text) => Event::Text(self.text.push(&without_returns(&text))),
                Event::Refusal(text) => Event::Refusal(self.text.push(&without_returns(&text))),
                Event::Reasoning(text) => Event::Reasoning(self.reasoning.push(&without_returns(&text))),
                Event::Signature(signature) if !self.is_clean(None, &signature.sealed) => continue,
                Event::ToolCall(call) => Event::ToolCall(ToolCall {
                    signature: call
                        .signature
                        .filter(|signature| self.is_clean(None, &signature.sealed)),
                    name: word(&self.whole.redact(&call.name)),
                    arguments: self.whole.redact(&call.arguments).into_owned(),
                    id: self.whole.redact(&call.id).into_owned(),
                }),
                Event::Citation(citation) => Event::Citation(Citation {
                    // As it is shown: signs that are left out there must not hide a key here.
                    url: self
                        .whole
                        .redact(&citation.url.replace(char::is_control, ""))
                        .into_owned(),
                    title: self.whole.redact(&citation.title).into_owned(),
                }),
                Event::AnsweredBy(model) => Event::AnsweredBy(word(&self.whole.redact(&model))),
                Event::Unshown(Unshown { kind, name }) => Event::Unshown(Unshown {
                    name: self.whole.redact(&name).into_owned(),
                    kind,
                }),
                other => other,
            };
            if !is_empty(&redacted) {
                batch.push(redacted);
            }
        }
        if !batch.is_empty() && self.events.send(batch).await.is_err() {
            return Some(Ok(FinishReason::Incomplete));
        }
        end
    }

    /// Whether what is to be sent back unchanged holds no key, which would be kept with it. What is encrypted may look like
    /// one by chance.
    fn is_clean(&self, name: Option<&str>, sealed: &Value) -> bool {
        match sealed {
            Value::String(text) if name.is_some_and(|name| ENCRYPTED.contains(&name)) => {
                !self.whole.knows_key_in(&without_returns(text))
            }
            Value::String(text) => {
                let text = without_returns(text);
                self.whole.redact(&text) == text
            }
            Value::Array(list) => list.iter().all(|value| self.is_clean(name, value)),
            Value::Object(fields) => fields.iter().all(|(name, value)| self.is_clean(Some(name), value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }

    /// Whether any text, reasoning or call has come.
    pub fn has_heard(&self) -> bool {
        self.heard
    }

    /// Hands on what was held back.
    pub async fn flush(&mut self) {
        let held = [
            Event::Reasoning(self.reasoning.finish()),
            Event::Text(self.text.finish()),
        ];
        let held: Vec<Event> = held.into_iter().filter(|event| !is_empty(event)).collect();
        if !held.is_empty() {
            self.events.send(held).await.ok();
        }
    }
}

/// Whether an event is a piece of what the model says.
fn is_said(event: &Event) -> bool {
    matches!(
        event,
        Event::Text(_) | Event::Refusal(_) | Event::Reasoning(_) | Event::Signature(_) | Event::ToolCall(_)
    )
}

/// The text without carriage returns, which are never shown: one within a key must not hide it from the redactor.
fn without_returns(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace('\r', ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_empty(event: &Event) -> bool {
    matches!(event, Event::Text(text) | Event::Refusal(text) | Event::Reasoning(text) if text.is_empty())
}
