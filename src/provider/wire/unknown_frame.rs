//! Keeps a payload of a stream in which its wire knows no field, and shows it where the answer ends without a word.
//!
//! Servers add frames of their own, so that one which is not known fails no answer. But where the text breaks off behind
//! it, or none came at all, it is what the server had to say.

use serde_json::Value;

use super::{event_stream, lenient};
use crate::provider::{Event, FinishReason};

/// The most that is kept of it, in characters.
const MOST: usize = 1000;

/// What frames are called that say only that the server lives, or how far it is.
const SIGNS_OF_LIFE: &[&str] = &["ping", "keep", "heartbeat", "status", "progress", "chunk"];

/// A payload that cannot be read, if there is one.
#[derive(Debug, Default)]
pub(crate) struct UnknownFrame {
    payload: Option<String>,
    /// Whether something of the answer has come.
    said: bool,
}

impl UnknownFrame {
    /// Looks at a payload, the `fields` of its wire, and the events that came of it.
    pub(crate) fn look(&mut self, data: &str, fields: &[&str], events: &[Event]) {
        if events.iter().any(is_answer) {
            self.said = true;
            self.payload = None;
        } else if events.is_empty() && self.payload.is_none() && is_unknown(data, fields) {
            self.payload = Some(data.chars().take(MOST).collect());
        }
    }

    /// Puts the payload in the place of an end that would hide it. `told`: whether the server has said why it ended.
    pub(crate) fn tell(&mut self, told: bool, end: Option<&mut Event>) {
        let Some(end @ Event::Finished(FinishReason::Stop | FinishReason::Incomplete)) = end else {
            return;
        };
        if let Some(payload) = self.payload.take().filter(|_| !(self.said && told)) {
            *end = event_stream::no_part(&payload);
        }
    }
}

fn is_answer(event: &Event) -> bool {
    matches!(
        event,
        Event::Text(_) | Event::Reasoning(_) | Event::Refusal(_) | Event::ToolCall(_) | Event::Unshown(_)
    )
}

fn is_unknown(data: &str, fields: &[&str]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(data) else {
        return false;
    };
    let is_sign = ["type", "object", "event"].iter().any(|key| {
        let word = object.get(*key).and_then(Value::as_str).unwrap_or_default();
        SIGNS_OF_LIFE.iter().any(|sign| word.contains(sign))
    });
    let is_known = |key: &&str| object.get(*key).is_some_and(|value| says_something(key, value));
    object.values().any(lenient::is_truthy) && !is_sign && !fields.iter().any(is_known)
}

/// Whether a field holds what it should: `choices` a list, `message` none of the words of an error.
fn says_something(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && key != "message",
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty() && key != "choices",
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Decoder;
    use crate::provider::wire::gemini::GeminiDecoder;
    use crate::provider::wire::ollama::OllamaDecoder;
    use crate::provider::wire::openai_chat::ChatDecoder;
    use crate::provider::wire::openai_responses::ResponsesDecoder;

    const CHAT: &[&str] = &["choices", "usage", "message"];

    #[test]
    fn frames_of_a_wire_and_signs_of_life_are_told_from_what_is_unknown() {
        for data in [
            r#"{"alert": "halted"}"#,
            r#"{"result": {"error": {"message": "m"}}}"#,
            r#"{"data": {"choices": [{"delta": {"content": "x"}}]}}"#,
            r#"{"choices": {"0": {"delta": {"content": "x"}}}}"#,
            r#"{"choices": [], "message": "quota gone"}"#,
            r#"{"type": "abort", "why": "gpu lost"}"#,
        ] {
            assert!(is_unknown(data, CHAT), "{data}");
        }
        for data in [
            r#"{"choices": [{"delta": {"role": "assistant"}}]}"#,
            r#"{"choices": [], "usage": {"prompt_tokens": 1}}"#,
            r#"{"id": "x", "object": "chat.completion.chunk", "choices": []}"#,
            r#"{"message": {"content": ""}}"#,
            r#"{"type": "ping"}"#,
            "{}",
            r#"{"error": null, "warnings": []}"#,
            "[1]",
            "5",
            "null",
            "cut {",
        ] {
            assert!(!is_unknown(data, CHAT), "{data}");
        }
    }

    fn end(decoder: &mut dyn Decoder, body: &str) -> (String, Event) {
        let mut events = Vec::new();
        decoder.feed(body.as_bytes(), &mut events);
        decoder.end(&mut events);
        let end = events.pop().unwrap();
        let text = events.into_iter().filter_map(|event| match event {
            Event::Text(text) => Some(text),
            _ => None,
        });
        (text.collect(), end)
    }

    #[track_caller]
    fn shown(end: &Event) -> &str {
        match end {
            Event::Error(error) => &error.message,
            other => panic!("{other:?}"),
        }
    }

    const HALF: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n";
    const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const ALERT: &str = "data: {\"alert\":\"model halted\"}\n\n";
    const DONE: &str = "data: [DONE]\n\n";

    #[test]
    fn an_answer_that_breaks_off_behind_an_unknown_frame_shows_it_and_is_not_whole() {
        for body in [[HALF, ALERT, DONE].concat(), [HALF, ALERT].concat()] {
            let (text, end) = end(&mut ChatDecoder::new(), &body);
            assert_eq!(text, "Half");
            assert!(shown(&end).contains("model halted"), "{end:?}");
        }
    }

    #[test]
    fn an_answer_that_goes_on_or_ends_with_a_word_is_whole_whatever_stands_in_it() {
        for body in [
            [ALERT, HALF, DONE].concat(),
            [HALF, ALERT, STOP, DONE].concat(),
            [HALF, STOP, ALERT, DONE].concat(),
        ] {
            let (text, end) = end(&mut ChatDecoder::new(), &body);
            assert_eq!(
                (text.as_str(), end),
                ("Half", Event::Finished(FinishReason::Stop)),
                "{body}"
            );
        }
    }

    #[test]
    fn an_answer_of_another_form_is_shown_and_not_told_as_silence() {
        let enveloped = "data: {\"data\":{\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}}\n\n";
        let numbered = "data: {\"choices\":{\"0\":{\"delta\":{\"content\":\"Hello\"}}}}\n\n";
        for body in [[enveloped, STOP, DONE].concat(), [numbered, DONE].concat()] {
            let (_, end) = end(&mut ChatDecoder::new(), &body);
            assert!(shown(&end).contains("Hello"), "{body}");
        }
        let wrapped = "data: {\"response\":{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}]}}]}}\n\n";
        assert!(shown(&end(&mut GeminiDecoder::new(), wrapped).1).contains("Hello"));
        assert!(shown(&end(&mut ResponsesDecoder::new(), &[HALF, DONE].concat()).1).contains("Half"));
        let status = "{\"status\":\"pulling manifest\"}\n{\"status\":\"success\"}\n";
        assert!(shown(&end(&mut OllamaDecoder::new(), status).1).contains("manifest"));
    }

    #[test]
    fn an_error_in_a_piece_of_an_answer_ends_it() {
        let failed = "data: {\"choices\":[{\"delta\":{\"error\":{\"message\":\"gpu lost\"}}}]}\n\n";
        let (_, end) = end(&mut ChatDecoder::new(), &[HALF, failed, DONE].concat());
        assert_eq!(shown(&end), "gpu lost");
    }
}
