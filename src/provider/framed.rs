//! What all wires over HTTP have in common: telling an event stream from a plain JSON answer and from a web page, and
//! ending exactly once.

use std::mem;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::error::{self, ErrorClass, ProviderError};
use super::lenient;
use super::sse::{DEFAULT_LIMIT, SseDecoder, SseEvent};
use super::think::Thinking;
use super::{Decoder, Event, ToolCall};
use crate::words::text;

/// Of a web page only so much is read: its title is in there.
pub(crate) const PAGE_LIMIT: usize = 64 * 1024;

/// A payload is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Whether the turn goes on. `Break`: the terminal event has been appended.
pub(crate) type Flow = ControlFlow<()>;

/// Reads the payloads of one provider's protocol.
pub(crate) trait Wire: Send {
    /// Reads the data of one event of the stream; `event` is its name.
    fn payload(&mut self, event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable>;
    /// Reads a body that is one JSON text rather than a stream; appends the terminal event.
    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable>;
    /// Appends what was collected and the terminal event: the stream has ended.
    fn close(&mut self, out: &mut Vec<Event>);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Unknown,
    Stream,
    Json,
    Page,
}

/// A [`Wire`] behind the framing.
#[derive(Debug, Default)]
pub(crate) struct Framed<W> {
    wire: W,
    thinking: Thinking,
    sse: SseDecoder,
    kind: Kind,
    /// The body so far, if it is no stream.
    body: Vec<u8>,
    over: bool,
}

impl<W: Wire> Decoder for Framed<W> {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let from = out.len();
        self.take(bytes, out);
        self.thinking.sort(from, out);
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        let from = out.len();
        self.finish(out);
        self.thinking.sort(from, out);
    }
}

impl<W: Wire> Framed<W> {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        if self.over {
            return;
        }
        let skipped = self.sniff(bytes);
        match self.kind {
            Kind::Unknown | Kind::Stream => self.stream(bytes, out),
            Kind::Json => self.collect(bytes.get(skipped..).unwrap_or_default(), DEFAULT_LIMIT, out),
            Kind::Page => self.collect(bytes.get(skipped..).unwrap_or_default(), PAGE_LIMIT, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        if mem::replace(&mut self.over, true) {
            return;
        }
        match self.kind {
            Kind::Unknown | Kind::Stream => self.end_stream(out),
            Kind::Json => end_whole(&mut self.wire, &self.body, out),
            Kind::Page => out.push(Event::Error(ProviderError::page(None, &self.body))),
        }
    }

    /// Learns from the first byte that is neither space nor byte order mark what the body is. Yields where it is.
    fn sniff(&mut self, bytes: &[u8]) -> usize {
        if self.kind != Kind::Unknown {
            return 0;
        }
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF);
        let first = bytes.iter().position(|byte| !is_blank(byte));
        match first.and_then(|at| bytes.get(at)) {
            None => return bytes.len(),
            Some(b'{' | b'[') => self.kind = Kind::Json,
            Some(b'<') => self.kind = Kind::Page,
            Some(_) => self.kind = Kind::Stream,
        }
        first.unwrap_or_default()
    }

    fn stream(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let Self { wire, sse, over, .. } = self;
        let fed = sse.feed(bytes, |event| {
            if !*over {
                *over = take_event(wire, event, out).is_break();
            }
        });
        if let Err(cause) = fed
            && !mem::replace(over, true)
        {
            out.push(Event::Error(ProviderError::ours(
                ErrorClass::BrokenStream,
                cause.text(),
            )));
        }
    }

    fn end_stream(&mut self, out: &mut Vec<Event>) {
        let Self { wire, sse, .. } = self;
        let mut closed = false;
        sse.finish_leniently(|event| {
            // The last event may be cut: a line of it that cannot be read is dropped.
            let whole = read(wire, event.event, event.data, out);
            let lines = if whole.is_err() { event.data } else { "" }.lines();
            closed = matches!(whole, Ok(Flow::Break(())));
            for line in lines {
                closed = closed || matches!(read(wire, event.event, line, out), Ok(Flow::Break(())));
            }
        });
        if !closed {
            wire.close(out);
        }
    }

    fn collect(&mut self, bytes: &[u8], limit: usize, out: &mut Vec<Event>) {
        let room = limit.saturating_sub(self.body.len());
        self.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if bytes.len() > room {
            self.finish(out);
        }
    }
}

/// Reads a body that is no stream.
pub(crate) fn end_whole<W: Wire>(wire: &mut W, body: &[u8], out: &mut Vec<Event>) {
    let body = String::from_utf8_lossy(body);
    let body = body.trim_start_matches('\u{feff}');
    let whole = wire.whole(body, out).or_else(|_| match lenient::canonical(body) {
        Some(body) => wire.whole(&body, out),
        None => Err(Unreadable),
    });
    if whole.is_err() && !end_lines(wire, body, out) {
        out.push(broken(body));
    }
}

/// Reads a body of one JSON text per line where an event stream was due; false if the first line is no JSON. A last line
/// that is cut is dropped.
fn end_lines<W: Wire>(wire: &mut W, body: &str, out: &mut Vec<Event>) -> bool {
    let mut lines = body.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let mut is_first = true;
    while let Some(line) = lines.next() {
        match read(wire, "", line, out) {
            Ok(Flow::Break(())) => return true,
            Ok(Flow::Continue(())) => {}
            Err(Unreadable) if is_first => return false,
            Err(Unreadable) if lines.peek().is_none() => {}
            Err(Unreadable) => {
                out.push(broken(line));
                return true;
            }
        }
        is_first = false;
    }
    wire.close(out);
    true
}

/// Reads one event; one that cannot be read ends the turn.
fn take_event<W: Wire>(wire: &mut W, event: SseEvent<'_>, out: &mut Vec<Event>) -> Flow {
    if let Ok(flow) = read(wire, event.event, event.data, out) {
        return flow;
    }
    // Some servers end their events with one line feed instead of two: the standard joins the payloads by line feeds.
    for line in event.data.lines() {
        match read(wire, event.event, line, out) {
            Ok(Flow::Continue(())) => {}
            Ok(Flow::Break(())) => return Flow::Break(()),
            Err(Unreadable) => {
                out.push(broken(line));
                return Flow::Break(());
            }
        }
    }
    Flow::Continue(())
}

/// Reads one payload, if need be in its canonical form; a blank one says nothing.
pub(crate) fn read<W: Wire>(wire: &mut W, event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
    if data.trim_ascii().is_empty() {
        return Ok(Flow::Continue(()));
    }
    wire.payload(event, data, out)
        .or_else(|_| match lenient::canonical(data) {
            Some(data) => wire.payload(event, &data, out),
            None => Err(Unreadable),
        })
}

/// The error of a payload that cannot be read.
pub(crate) fn broken(text: &str) -> Event {
    let reason = text!("server.no_json", start = start(text));
    Event::Error(ProviderError::ours(ErrorClass::BrokenStream, reason))
}

/// The first 80 characters, without keys.
fn start(text: &str) -> String {
    // More is redacted than shown, lest the first half of a key be left over.
    let near: String = text.trim().chars().take(400).collect();
    error::clean(&near).chars().take(80).collect()
}

/// A payload that is an array: Gemini's errors come so. Other arrays say nothing.
pub(crate) fn listed_error(data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
    let value: Value = serde_json::from_str(data).map_err(|_| Unreadable)?;
    if !value
        .get(0)
        .and_then(|first| first.get("error"))
        .is_some_and(lenient::is_truthy)
    {
        return Ok(Flow::Continue(()));
    }
    out.push(Event::Error(ProviderError::from_value(&value, None)));
    Ok(Flow::Break(()))
}

/// A whole body that holds no answer: an error without its envelope, or in an array, or something else entirely.
pub(crate) fn no_answer(body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
    let value: Value = serde_json::from_str(body).map_err(|_| Unreadable)?;
    let mut error = ProviderError::from_value(&value, None);
    if error.message.is_empty() && error.code.is_none() {
        let reason = text!("server.no_answer", start = start(body));
        error = ProviderError::ours(ErrorClass::BrokenStream, reason);
    }
    out.push(Event::Error(error));
    Ok(())
}

/// Lays the user's fields over ours, in objects field by field; `null` takes a field out.
pub(crate) fn merge(body: &mut Map<String, Value>, params: &Map<String, Value>) {
    for (key, value) in params {
        match (body.get_mut(key), value) {
            (_, Value::Null) => drop(body.remove(key)),
            (Some(Value::Object(ours)), Value::Object(theirs)) => merge(ours, theirs),
            _ => drop(body.insert(key.clone(), value.clone())),
        }
    }
}

/// The most calls that are kept of an answer.
pub(crate) const MOST_CALLS: usize = 256;

/// The longest arguments of a call that are kept, in bytes.
const LONGEST_ARGUMENTS: usize = 1024 * 1024;

/// Takes a piece of a call's arguments, unless they grow too long.
pub(crate) fn push_arguments(call: &mut ToolCall, piece: &str) {
    if call.arguments.len() + piece.len() <= LONGEST_ARGUMENTS {
        call.arguments.push_str(piece);
    }
}

/// Whether the arguments are a complete JSON object: then nothing of the call is missing.
pub(crate) fn is_whole(call: &ToolCall) -> bool {
    !call.name.is_empty() && matches!(serde_json::from_str(&call.arguments), Ok(Value::Object(_)))
}
