//! Shared by the decoders' tests: a stream put into a decoder, and the events that come out.

use crate::provider::{Decoder, Event, FinishReason, ToolCall, Why};

/// The events of these bytes. Whatever comes `late`, after the end, must add nothing.
pub fn decode(mut decoder: impl Decoder, pieces: &[&[u8]], late: &[u8]) -> Vec<Event> {
    let mut out = Vec::new();
    for piece in pieces {
        decoder.feed(piece, &mut out);
    }
    decoder.end(&mut out);
    decoder.feed(late, &mut out);
    decoder.end(&mut out);
    out
}

pub fn text(text: &str) -> Event {
    Event::Text(text.into())
}

pub fn reasoning(text: &str) -> Event {
    Event::Reasoning(text.into())
}

pub fn call(id: &str, name: &str, arguments: &str) -> Event {
    Event::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
        signature: None,
    })
}

/// The end of an answer that was cut, with the provider's word for it.
pub fn cut(why: Why, word: &str) -> Event {
    Event::Finished(FinishReason::cut(why, word))
}

pub fn finished(reason: FinishReason) -> Event {
    Event::Finished(reason)
}
