//! Frames of all wires over HTTP: telling an event stream from a plain JSON answer and from a web page, and
//! ending exactly once.

use std::mem;
use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::lenient;
use super::sse::{DEFAULT_LIMIT, Piece, SseDecoder, SseEvent};
use super::think_tags::Thinking;
use super::unknown_frame::UnknownFrame;
use crate::provider::error::{self, ErrorClass, ProviderError, shape};
use crate::provider::{Decoder, Event, ToolCall};
use crate::words::text;

/// Of a web page only so much is read: its title is in there.
pub(crate) const PAGE_LIMIT: usize = 64 * 1024;

/// A payload is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Whether the turn goes on. `Break`: the terminal event has been appended.
pub(crate) type Flow = ControlFlow<()>;

/// Reads the payloads of one provider's protocol.
pub(crate) trait Payloads: Send {
    /// The fields of which every payload has one.
    const FIELDS: &'static [&'static str];
    /// Reads the data of one event of the stream; `event` is its name.
    fn payload(&mut self, event: &str, data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable>;
    /// Reads a body that is one JSON text rather than a stream; appends the terminal event.
    fn whole(&mut self, body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable>;
    /// Appends what was collected and the terminal event: the stream has ended.
    fn close(&mut self, out: &mut Vec<Event>);
    /// Whether the server has said why the answer ended.
    fn is_told(&self) -> bool {
        false
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Unknown,
    Stream,
    Json,
    Page,
}

/// A [`Payloads`] behind the framing.
#[derive(Debug, Default)]
pub(crate) struct EventStream<W> {
    wire: W,
    thinking: Thinking,
    sse: SseDecoder,
    kind: Kind,
    /// The body so far, if it is no stream.
    body: Vec<u8>,
    aside: Aside,
    over: bool,
}

/// What cannot be read.
#[derive(Debug, Default)]
struct Aside {
    /// What stood between the events: told at the end, whatever the end says.
    stray: String,
    /// An event that is no part of an answer.
    unknown: UnknownFrame,
}

/// The most of what cannot be read that is kept, in bytes.
const MOST_STRAY: usize = 4 * 1024;

impl Aside {
    /// Looks at an event that has been read. On a wire that names its events, what has a name is none of ours to judge.
    fn look<W: Payloads>(&mut self, event: SseEvent<'_>, events: &[Event]) {
        let is_named = W::FIELDS.contains(&"type") && !matches!(event.event, "" | "message");
        let data = if is_named { "" } else { event.data };
        self.unknown.look(data, W::FIELDS, events);
    }
}

impl<W: Payloads> Decoder for EventStream<W> {
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

impl<W: Payloads> EventStream<W> {
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
        let Self {
            wire, sse, over, aside, ..
        } = self;
        let begin = out.len();
        let fed = sse.feed_all(bytes, |piece| {
            if !*over {
                *over = take(wire, piece, aside, out).is_break();
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
        self.tell_stray(begin, out);
    }

    fn end_stream(&mut self, out: &mut Vec<Event>) {
        let Self { wire, sse, aside, .. } = self;
        let begin = out.len();
        let mut closed = false;
        sse.finish_all(|piece| {
            let event = match piece {
                Piece::Event(event) if !is_error_name(event.event) && is_json_like(event.data) => event,
                other => {
                    closed = closed || take(wire, other, aside, out).is_break();
                    return;
                }
            };
            // The last event may be cut: a line of it that cannot be read is dropped.
            let before = out.len();
            let whole = read(wire, event.event, event.data, out);
            aside.look::<W>(event, out.get(before..).unwrap_or_default());
            let lines = if whole.is_err() { event.data } else { "" }.lines();
            closed = matches!(whole, Ok(Flow::Break(())));
            for line in lines {
                closed = closed || matches!(read(wire, event.event, line, out), Ok(Flow::Break(())));
            }
        });
        if !closed {
            wire.close(out);
        }
        self.tell_stray(begin, out);
    }

    /// An answer between whose events stood what cannot be read has failed, whatever its end says.
    fn tell_stray(&mut self, begin: usize, out: &mut [Event]) {
        let Self { aside, wire, .. } = self;
        let mut said = out.get_mut(begin..).and_then(<[Event]>::last_mut);
        if let Some(end @ Event::Finished(_)) = &mut said
            && !aside.stray.is_empty()
        {
            **end = Event::Error(ProviderError::from_text(&aside.stray, None));
        }
        aside.unknown.tell(wire.is_told(), said);
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
pub(crate) fn end_whole<W: Payloads>(wire: &mut W, body: &[u8], out: &mut Vec<Event>) {
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
fn end_lines<W: Payloads>(wire: &mut W, body: &str, out: &mut Vec<Event>) -> bool {
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

/// Reads one piece of the stream; one that cannot be read ends the turn.
fn take<W: Payloads>(wire: &mut W, piece: Piece<'_>, aside: &mut Aside, out: &mut Vec<Event>) -> Flow {
    let event = match piece {
        Piece::Event(event) if is_error_name(event.event) => return fail(event.data, out),
        Piece::Event(event) => event,
        Piece::Stray(text) => return take_stray(wire, text, &mut aside.stray, out),
    };
    if let Ok(flow) = read_noticing(wire, event, aside, out) {
        return flow;
    }
    // Some servers end their events with one line feed instead of two: the standard joins the payloads by line feeds.
    for line in event.data.lines() {
        match read_noticing(wire, SseEvent { data: line, ..event }, aside, out) {
            Ok(Flow::Continue(())) => {}
            Ok(Flow::Break(())) => return Flow::Break(()),
            Err(Unreadable) => {
                // JSON that goes on in lines without `data:`.
                let whole = format!("{}\n{}", event.data, aside.stray);
                return match lenient::canonical(&whole) {
                    Some(whole) => take_stray(wire, &whole, &mut String::new(), out),
                    None => {
                        out.push(broken(line));
                        Flow::Break(())
                    }
                };
            }
        }
    }
    Flow::Continue(())
}

/// Reads what stands in the stream but in no event: an error, or a payload without `data:`; else it is kept, to be told
/// at the end.
fn take_stray<W: Payloads>(wire: &mut W, text: &str, stray: &mut String, out: &mut Vec<Event>) -> Flow {
    if text.trim().is_empty() {
        return Flow::Continue(());
    }
    if let Some(error) = text.strip_prefix("error:") {
        return fail(error, out);
    }
    let value = serde_json::from_str::<Value>(text)
        .ok()
        .filter(|value| !value.is_string());
    if value.as_ref().is_some_and(shape::is_error) {
        return fail(text, out);
    }
    let before = out.len();
    match value.map(|_| read(wire, "", text, out)) {
        Some(Ok(Flow::Break(()))) => return Flow::Break(()),
        Some(Ok(Flow::Continue(()))) if out.len() > before => return Flow::Continue(()),
        _ => {}
    }
    if stray.len() + text.len() < MOST_STRAY {
        stray.push_str(text);
        stray.push('\n');
    } else if stray.is_empty() {
        stray.extend(text.chars().take(MOST_STRAY / 4));
    }
    Flow::Continue(())
}

/// Reads one payload; an error in it that the wire does not know ends the turn.
fn read_noticing<W: Payloads>(
    wire: &mut W,
    event: SseEvent<'_>,
    aside: &mut Aside,
    out: &mut Vec<Event>,
) -> Result<Flow, Unreadable> {
    let before = out.len();
    let flow = read(wire, event.event, event.data, out)?;
    aside.look::<W>(event, out.get(before..).unwrap_or_default());
    if flow.is_continue() && out.len() == before {
        return Ok(unnoticed(event.data, out));
    }
    Ok(flow)
}

/// Takes an error out of a payload that says nothing else.
pub(crate) fn unnoticed(data: &str, out: &mut Vec<Event>) -> Flow {
    match serde_json::from_str::<Value>(data) {
        Ok(value) if shape::is_error(&value) => fail(data, out),
        _ => Flow::Continue(()),
    }
}

/// Ends the turn with an error in whatever form.
fn fail(data: &str, out: &mut Vec<Event>) -> Flow {
    let said = data.trim().trim_end_matches("[DONE]");
    let mut error = ProviderError::from_text(said, None);
    if error.message.is_empty() && error.code.is_none() {
        let class = error.class;
        error = ProviderError {
            status: error.status,
            ..ProviderError::ours(class, text!("server.no_reason"))
        };
    }
    out.push(Event::Error(error));
    Flow::Break(())
}

/// Whether an event of this name is an error, whatever its data.
fn is_error_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "error" | "exception") || name.ends_with(".error") || name.ends_with("_error")
}

/// Whether a payload may be JSON, or the mark of the end, that was cut.
fn is_json_like(data: &str) -> bool {
    data.trim_start().is_empty() || data.trim_start().starts_with(['{', '['])
}

/// Reads one payload, if need be in its canonical form; a blank one says nothing.
pub(crate) fn read<W: Payloads>(
    wire: &mut W,
    event: &str,
    data: &str,
    out: &mut Vec<Event>,
) -> Result<Flow, Unreadable> {
    if data.trim_ascii().is_empty() {
        return Ok(Flow::Continue(()));
    }
    wire.payload(event, data, out)
        .or_else(|_| match lenient::canonical(data) {
            Some(data) => wire.payload(event, &data, out),
            None => Err(Unreadable),
        })
}

/// The error of a payload that cannot be read: what plain text says, if that is known, else that it is no JSON.
pub(crate) fn broken(text: &str) -> Event {
    let told = ProviderError::from_text(text, None);
    let is_text = !text.trim_start().starts_with(['{', '[', '<', '"']);
    if is_text && !matches!(told.class, ErrorClass::Unclear | ErrorClass::WrongAddress) {
        return Event::Error(told);
    }
    let reason = text!("server.no_json", start = start(text));
    Event::Error(ProviderError::ours(ErrorClass::BrokenStream, reason))
}

/// The first 200 characters, without keys and on one line.
fn start(text: &str) -> String {
    // More is redacted than shown, lest the first half of a key be left over.
    let near: String = text.trim().chars().take(1000).collect();
    error::clean(&near).replace('\n', " ").chars().take(200).collect()
}

/// A payload that is an array: Gemini's errors come so. Other arrays say nothing.
pub(crate) fn listed_error(data: &str, out: &mut Vec<Event>) -> Result<Flow, Unreadable> {
    let value: Value = serde_json::from_str(data).map_err(|_| Unreadable)?;
    if !shape::is_error(&value) {
        return Ok(Flow::Continue(()));
    }
    out.push(Event::Error(ProviderError::from_value(&value, None)));
    Ok(Flow::Break(()))
}

/// A whole body that holds no answer: an error without its envelope, or in an array, or something else entirely.
pub(crate) fn no_answer(body: &str, out: &mut Vec<Event>) -> Result<(), Unreadable> {
    let value: Value = serde_json::from_str(body).map_err(|_| Unreadable)?;
    let mut error = ProviderError::from_value(&value, None);
    if error.code.is_none() && !shape::is_error(&value) && !shape::has_reason(&value) {
        let reason = text!("server.no_answer", start = start(body));
        error = ProviderError::ours(ErrorClass::BrokenStream, reason);
    }
    out.push(Event::Error(error));
    Ok(())
}

/// The error of an answer that ends behind a payload which is no part of it.
pub(crate) fn no_part(payload: &str) -> Event {
    let reason = text!("server.no_part", start = start(payload));
    Event::Error(ProviderError::ours(ErrorClass::BrokenStream, reason))
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
