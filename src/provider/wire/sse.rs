//! Server-sent events, by the rules of the [WHATWG HTML standard, 9.2.6][std].
//!
//! [std]: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

use std::mem;

use memchr::{memchr, memchr2};

use crate::words::{Text, text};

#[cfg(test)]
mod tests;

/// The most bytes that one line, or the data of one event, may have.
pub const DEFAULT_LIMIT: usize = 32 * 1024 * 1024;

/// The names of fields, with what follows them.
const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b"error:"];

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// One dispatched event. Bytes that are not UTF-8 have become U+FFFD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The event's type; `message` if the stream names none.
    pub event: &'a str,
    /// The `data` lines, joined by line feeds.
    pub data: &'a str,
    /// The last event id.
    pub id: &'a str,
}

/// What a stream holds: events, and what the standard says to ignore but where servers put their errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// An event.
    Event(SseEvent<'a>),
    /// Lines of a block, joined by line feeds, that are no fields: plain text, JSON without `data:`, a field `error:`.
    /// `error:` alone stands for an event of that name without data.
    Stray(&'a str),
}

/// The most of a block's stray lines that is kept, in bytes.
const MOST_STRAY: usize = 64 * 1024;

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum SseError {
    /// A line, or an event's data, grew past the limit (in bytes).
    TooLarge(usize),
}

impl SseError {
    /// Why, for the user.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::TooLarge(limit) => text!("server.large_event", bytes = limit),
        }
    }
}

/// Turns bytes, cut anywhere, into events. Memory is bounded by twice the limit.
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    /// How many bytes of a byte order mark have been seen; `None` once the stream proper has begun.
    bom: Option<usize>,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The start of a line whose end has not come yet.
    line: Vec<u8>,
    /// The data lines of the current event, without the last line feed.
    data: Vec<u8>,
    has_data: bool,
    /// The lines of the current block that are no fields.
    stray: Vec<u8>,
    event: String,
    id: String,
    last_event_id: String,
    retry: Option<u64>,
    failed: bool,
}

/// What a line says.
enum Line<'a> {
    Blank,
    Data(&'a [u8]),
    Field(&'a [u8], &'a [u8]),
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }
}

impl SseDecoder {
    /// A decoder with the default limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder that fails on a line or an event of more than `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            bom: Some(0),
            after_cr: false,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            stray: Vec::new(),
            event: String::new(),
            id: String::new(),
            last_event_id: String::new(),
            retry: None,
            failed: false,
        }
    }

    /// The id of the last event that was dispatched and had one.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time that the stream asked for, in milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Takes the next bytes and hands on the events that they complete.
    ///
    /// # Errors
    /// A line or an event is over the limit. All later calls fail too.
    pub fn feed(&mut self, bytes: &[u8], mut on_event: impl FnMut(SseEvent<'_>)) -> Result<(), SseError> {
        self.feed_all(bytes, |piece| {
            if let Piece::Event(event) = piece {
                on_event(event);
            }
        })
    }

    /// As [`Self::feed`], and hands on what is no event too.
    ///
    /// # Errors
    /// As there.
    pub fn feed_all(&mut self, bytes: &[u8], mut on_event: impl FnMut(Piece<'_>)) -> Result<(), SseError> {
        if self.failed {
            return Err(SseError::TooLarge(self.limit));
        }
        let mut bytes = self.skip_bom(bytes);
        // An event's first data line, as long as it need not be copied.
        let mut held: Option<&[u8]> = None;
        while !bytes.is_empty() {
            if mem::take(&mut self.after_cr)
                && let Some(rest) = bytes.strip_prefix(b"\n")
            {
                bytes = rest;
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                self.keep_line(bytes)?;
                break;
            };
            let (line, rest) = bytes.split_at(end);
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if !self.line.is_empty() {
                self.keep_line(line)?;
                self.kept_line(&mut on_event)?;
                continue;
            }
            self.check(line.len())?;
            match read_line(line) {
                Line::Blank => self.dispatch(held.take(), &mut on_event),
                Line::Data(value) if !self.has_data && held.is_none() => held = Some(value),
                Line::Data(value) => {
                    self.hold(held.take())?;
                    self.hold(Some(value))?;
                }
                Line::Field(name, value) => self.field(name, value, line),
            }
        }
        self.hold(held)
    }

    /// Dispatches what is left at the end of a body as if a blank line had followed.
    ///
    /// The standard drops it; but there are servers whose last event has no blank line, or no line end at all. The
    /// data may be cut anywhere: whoever calls this must check that it is whole.
    pub fn finish_leniently(&mut self, mut on_event: impl FnMut(SseEvent<'_>)) {
        self.finish_all(|piece| {
            if let Piece::Event(event) = piece {
                on_event(event);
            }
        });
    }

    /// As [`Self::finish_leniently`], and hands on what is no event too.
    pub fn finish_all(&mut self, mut on_event: impl FnMut(Piece<'_>)) {
        // Half of a field's name is no text.
        if FIELDS.iter().any(|name| name.starts_with(self.line.as_slice())) {
            self.line.clear();
        }
        if !self.failed && self.kept_line(&mut on_event).is_ok() {
            self.dispatch(None, &mut on_event);
        }
    }

    fn skip_bom<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while let (Some(seen), Some((first, rest))) = (self.bom, bytes.split_first()) {
            if BOM.get(seen) == Some(first) {
                self.bom = (seen + 1 < BOM.len()).then_some(seen + 1);
                bytes = rest;
            } else {
                self.line.extend(BOM.iter().take(seen));
                self.bom = None;
            }
        }
        bytes
    }

    fn check(&mut self, size: usize) -> Result<(), SseError> {
        if size <= self.limit {
            return Ok(());
        }
        self.failed = true;
        self.line = Vec::new();
        self.data = Vec::new();
        Err(SseError::TooLarge(self.limit))
    }

    fn keep_line(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        self.check(self.line.len() + bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads the line that was kept from earlier calls.
    fn kept_line(&mut self, on_event: &mut impl FnMut(Piece<'_>)) -> Result<(), SseError> {
        let mut line = mem::take(&mut self.line);
        if line.is_empty() {
            return Ok(());
        }
        match read_line(&line) {
            Line::Blank => self.dispatch(None, on_event),
            Line::Data(value) => self.hold(Some(value))?,
            Line::Field(name, value) => self.field(name, value, &line),
        }
        line.clear();
        self.line = line;
        Ok(())
    }

    fn hold(&mut self, value: Option<&[u8]>) -> Result<(), SseError> {
        let Some(value) = value else { return Ok(()) };
        self.check(self.data.len() + value.len())?;
        if mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        Ok(())
    }

    fn field(&mut self, name: &[u8], value: &[u8], line: &[u8]) {
        match name {
            b"event" => replace_lossy(&mut self.event, value),
            b"id" if memchr(0, value).is_none() => replace_lossy(&mut self.id, value),
            b"retry" => self.retry = read_digits(value).or(self.retry),
            b"id" | b"" => {}
            _ if is_field(name, line) => {}
            _ => self.keep_stray(line),
        }
    }

    fn keep_stray(&mut self, line: &[u8]) {
        if self.stray.len().saturating_add(line.len()) < MOST_STRAY {
            self.stray.extend_from_slice(line);
            self.stray.push(b'\n');
        }
    }

    fn dispatch(&mut self, held: Option<&[u8]>, on_event: &mut impl FnMut(Piece<'_>)) {
        if self.last_event_id != self.id {
            self.last_event_id.clone_from(&self.id);
        }
        let is_error = self.event.eq_ignore_ascii_case("error");
        if !self.stray.is_empty() {
            on_event(Piece::Stray(String::from_utf8_lossy(&self.stray).trim_end()));
            self.stray.clear();
        } else if is_error && held.is_none() && !self.has_data {
            on_event(Piece::Stray("error:"));
        }
        if held.is_some() || self.has_data {
            let data = String::from_utf8_lossy(held.unwrap_or(&self.data));
            let event = if self.event.is_empty() { "message" } else { &self.event };
            on_event(Piece::Event(SseEvent {
                event,
                data: &data,
                id: &self.last_event_id,
            }));
        }
        self.has_data = false;
        self.data.clear();
        self.event.clear();
    }
}

/// A line without its end, as the standard reads it. A comment is a field with an empty name.
fn read_line(line: &[u8]) -> Line<'_> {
    if line.is_empty() {
        return Line::Blank;
    }
    if let Some(value) = line.strip_prefix(b"data:") {
        return Line::Data(value.strip_prefix(b" ").unwrap_or(value));
    }
    let (name, value) = match memchr(b':', line) {
        Some(colon) => (
            line.get(..colon).unwrap_or_default(),
            line.get(colon + 1..).unwrap_or_default(),
        ),
        None => (line, &[][..]),
    };
    if name == b"data" {
        return Line::Data(value);
    }
    Line::Field(name, value.strip_prefix(b" ").unwrap_or(value))
}

/// Whether a line is a field of whatever name, to be ignored as the standard says: not `error:`, nor text with a colon.
fn is_field(name: &[u8], line: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    name.len() < line.len() && name != b"error" && name.iter().all(is_name)
}

fn replace_lossy(target: &mut String, value: &[u8]) {
    target.clear();
    target.push_str(&String::from_utf8_lossy(value));
}

fn read_digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(value).ok()?.parse().ok()
}
