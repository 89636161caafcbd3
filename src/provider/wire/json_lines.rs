//! Answers of one JSON text per line (NDJSON), over the same [`Payloads`] as event streams.

use std::mem;

use memchr::memchr;

use super::event_stream::{PAGE_LIMIT, Payloads, broken, end_whole, read, unnoticed};
use super::sse::{DEFAULT_LIMIT, SseError};
use super::think_tags::Thinking;
use super::unknown_frame::UnknownFrame;
use crate::provider::{Decoder, ErrorClass, Event, ProviderError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// Nothing but white space so far.
    #[default]
    Unknown,
    /// A line has been read.
    Lines,
    /// The first line is no JSON: it may be the beginning of a text on several lines.
    Json,
    /// A web page.
    Page,
}

/// A [`Payloads`] whose payloads are lines.
#[derive(Debug, Default)]
pub(crate) struct JsonLines<W> {
    wire: W,
    thinking: Thinking,
    kind: Kind,
    /// The line so far; the body so far, if it is no stream.
    kept: Vec<u8>,
    unknown: UnknownFrame,
    over: bool,
}

impl<W: Payloads> Decoder for JsonLines<W> {
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

impl<W: Payloads> JsonLines<W> {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let mut bytes = bytes;
        while !self.over && !bytes.is_empty() {
            if matches!(self.kind, Kind::Json | Kind::Page) {
                return self.collect(bytes, out);
            }
            let Some(end) = memchr(b'\n', bytes) else {
                return self.keep(bytes, out);
            };
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.kept.is_empty() {
                self.line(line, out);
            } else {
                self.keep(line, out);
                let line = mem::take(&mut self.kept);
                self.line(&line, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<Event>) {
        if mem::replace(&mut self.over, true) {
            return;
        }
        let kept = mem::take(&mut self.kept);
        match self.kind {
            Kind::Unknown | Kind::Page if is_page(&kept) => out.push(Event::Error(ProviderError::page(None, &kept))),
            Kind::Unknown if kept.trim_ascii().is_empty() => self.wire.close(out),
            Kind::Unknown | Kind::Json | Kind::Page => end_whole(&mut self.wire, &kept, out),
            Kind::Lines => {
                // The last line may be cut: then it is dropped.
                let line = String::from_utf8_lossy(&kept);
                let line = payload(line.trim()).unwrap_or_default();
                if !matches!(read(&mut self.wire, "", line, out), Ok(flow) if flow.is_break()) {
                    self.wire.close(out);
                }
                self.unknown.tell(self.wire.is_told(), out.last_mut());
            }
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<Event>) {
        if self.over || line.trim_ascii().is_empty() {
            return;
        }
        if self.kind == Kind::Unknown && is_page(line) {
            return self.begin(Kind::Page, line, out);
        }
        let text = String::from_utf8_lossy(line);
        let Some(text) = payload(text.trim_start_matches('\u{feff}').trim()) else {
            return;
        };
        let before = out.len();
        match read(&mut self.wire, "", text, out) {
            Ok(flow) => {
                self.unknown
                    .look(text, W::FIELDS, out.get(before..).unwrap_or_default());
                let is_silent = flow.is_continue() && out.len() == before;
                self.over = flow.is_break() || (is_silent && unnoticed(text, out).is_break());
                self.kind = Kind::Lines;
            }
            Err(_) if self.kind == Kind::Unknown => self.begin(Kind::Json, line, out),
            Err(_) => {
                out.push(broken(text));
                self.over = true;
            }
        }
    }

    /// What comes is not lines; this is the first one of it.
    fn begin(&mut self, kind: Kind, line: &[u8], out: &mut Vec<Event>) {
        self.kind = kind;
        self.collect(line, out);
        self.collect(b"\n", out);
    }

    fn keep(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        if self.kept.len().saturating_add(bytes.len()) > DEFAULT_LIMIT {
            let reason = SseError::TooLarge(DEFAULT_LIMIT).text();
            out.push(Event::Error(ProviderError::ours(ErrorClass::BrokenStream, reason)));
            self.over = true;
            return;
        }
        self.kept.extend_from_slice(bytes);
    }

    fn collect(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let limit = if self.kind == Kind::Page {
            PAGE_LIMIT
        } else {
            DEFAULT_LIMIT
        };
        let room = limit.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if bytes.len() > room {
            self.finish(out);
        }
    }
}

/// What a line says: one of an event stream, which some proxies make of the lines, only by its data.
fn payload(line: &str) -> Option<&str> {
    if let Some(data) = line.strip_prefix("data:") {
        return Some(data.trim_start()).filter(|data| !data.starts_with("[DONE]"));
    }
    let is_other = [":", "event:", "id:", "retry:"]
        .iter()
        .any(|field| line.starts_with(field));
    (!is_other).then_some(line)
}

fn is_page(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    bytes.trim_ascii_start().first() == Some(&b'<')
}
