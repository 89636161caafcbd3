//! Splits an answer that begins with `<think>…</think>` into its reasoning and its text, above all wires.
//!
//! Models that reason write their reasoning into the answer between tags, and a server that does not know the model's
//! template hands both on as text. Which tags: the chat templates of DeepSeek R1, Qwen 3, QwQ, GLM 4.5, MiniMax M2 and
//! Nemotron (`think`), Gemini's compatible API with `include_thoughts` and EXAONE (`thought`), Magistral (`[THINK]`),
//! Seed-OSS (`seed:think`), Kimi-VL (`◁think▷`), OpenThoughts (`<|begin_of_thought|>`), Command A Reasoning
//! (`<|START_THINKING|>`); `thinking`, `reasoning` and `reason` are what models are taught by prompts.

use std::mem;

use crate::fence;
use crate::provider::{Event, FinishReason};

/// What opens reasoning, and what closes it; in any case of letters.
const TAGS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reason>", "</reason>"),
    ("<seed:think>", "</seed:think>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
];

/// The most white space that may stand before the tag, in bytes.
const LONGEST_BLANK: usize = 1024;
/// How much reasoning is remembered, in bytes: what a tag that is never closed may have swallowed of an answer.
const LONGEST_KEPT: usize = 16 * 1024 * 1024;
/// How many closing tags within code are passed over.
const MOST_PASSED: usize = 16;

/// Tells reasoning from text in the events of one answer.
#[derive(Debug, Default)]
pub(crate) struct Thinking(State);

#[derive(Debug)]
enum State {
    /// Nothing but white space and what may be the beginning of a tag.
    Begin(String),
    /// Between the tags.
    Within(Reasoning),
    /// In the text: tags are text from here on.
    Text,
}

impl Default for State {
    fn default() -> Self {
        Self::Begin(String::new())
    }
}

#[derive(Debug)]
struct Reasoning {
    close: &'static str,
    /// What has been handed on.
    said: String,
    /// What is held back: white space, and what may be the beginning of the closing tag.
    held: String,
    /// Where a text would begin, in `said`, had the last closing tag not stood within code.
    passed: Option<usize>,
    passes: usize,
}

impl Thinking {
    /// Sorts the events from this place on.
    pub(crate) fn sort(&mut self, from: usize, out: &mut Vec<Event>) {
        if matches!(self.0, State::Text) || out.len() <= from {
            return;
        }
        for event in out.split_off(from) {
            match event {
                Event::Text(text) => self.text(&text, out),
                Event::Refusal(_) => {
                    self.begin_text(out);
                    out.push(event);
                }
                Event::Finished(ref reason) => {
                    let is_whole = matches!(reason, FinishReason::Stop);
                    self.end(is_whole, out);
                    out.push(event);
                }
                Event::Error(_) => {
                    self.end(false, out);
                    out.push(event);
                }
                other => out.push(other),
            }
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Event>) {
        match &mut self.0 {
            State::Text => push(out, Event::Text, text),
            State::Begin(held) => {
                held.push_str(text);
                self.begin(out);
            }
            State::Within(reasoning) => {
                if let Some(rest) = reasoning.take(text, out) {
                    self.0 = State::Text;
                    push(out, Event::Text, &rest);
                }
            }
        }
    }

    /// Looks what the answer begins with.
    fn begin(&mut self, out: &mut Vec<Event>) {
        let State::Begin(held) = &mut self.0 else { return };
        let body = held.trim_start();
        if let Some((open, close)) = TAGS.iter().find(|(open, _)| starts_with(body, open)) {
            let rest = body.get(open.len()..).unwrap_or_default().to_owned();
            self.0 = State::Within(Reasoning {
                close,
                said: String::new(),
                held: String::new(),
                passed: None,
                passes: 0,
            });
            return self.text(&rest, out);
        }
        let is_blank = body.is_empty() && held.len() <= LONGEST_BLANK;
        if !is_blank
            && !TAGS
                .iter()
                .any(|(open, _)| body.len() < open.len() && starts_with(open, body))
        {
            self.begin_text(out);
        }
    }

    /// What comes from now on is text, and so is what was held back at the beginning.
    fn begin_text(&mut self, out: &mut Vec<Event>) {
        match mem::replace(&mut self.0, State::Text) {
            State::Begin(held) => push(out, Event::Text, &held),
            State::Within(reasoning) => push(out, Event::Reasoning, &reasoning.held),
            State::Text => {}
        }
    }

    /// The answer ends. A tag that was never closed may have swallowed the answer: then all of it is text, too.
    fn end(&mut self, is_whole: bool, out: &mut Vec<Event>) {
        let unclosed = match &mut self.0 {
            State::Within(reasoning) => {
                let held = mem::take(&mut reasoning.held);
                // A tag that is held back here had an inline code's mark before it, and nothing after it.
                let is_closed = starts_with(&held, reasoning.close);
                if !is_closed {
                    reasoning.say(&held, out);
                }
                let from = reasoning.passed.or((is_whole && !is_closed).then_some(0));
                from.and_then(|from| reasoning.said.get(from..)).map(str::to_owned)
            }
            _ => None,
        };
        self.begin_text(out);
        if let Some(text) = unclosed.filter(|text| !text.trim().is_empty()) {
            push(out, Event::Text, &text);
        }
    }
}

impl Reasoning {
    /// Takes more; returns the text behind the closing tag once that has come.
    fn take(&mut self, text: &str, out: &mut Vec<Event>) -> Option<String> {
        self.held.push_str(text);
        loop {
            let Some(at) = find(&self.held, self.close) else {
                self.hand_on(out);
                return None;
            };
            let after = at + self.close.len();
            if self.is_quoted(at) {
                match self.held.get(after..).and_then(|rest| rest.chars().next()) {
                    None => {
                        self.release(at, out); // what follows the tag is still to come
                        return None;
                    }
                    Some('`') => {
                        self.release(after, out);
                        continue;
                    }
                    Some(_) => {}
                }
            }
            let rest = self.held.split_off(after);
            let before = self.held.get(..at).unwrap_or_default().trim_end().to_owned();
            if self.passes < MOST_PASSED && self.is_in_fence(&before) {
                self.passes += 1;
                self.release(after, out);
                self.passed = Some(self.said.len());
                self.held = rest;
                continue;
            }
            self.say(&before, out);
            return Some(rest);
        }
    }

    /// Whether the character before this place in what is held begins inline code.
    fn is_quoted(&self, at: usize) -> bool {
        let before = self.held.get(..at).unwrap_or_default();
        let before = if before.is_empty() { &self.said } else { before };
        before.ends_with('`') && !before.ends_with("``")
    }

    fn is_in_fence(&self, before: &str) -> bool {
        let said = format!("{}{before}", self.said);
        fence::unclosed(&said).is_some()
    }

    /// Hands on all but white space at the end and what may be the beginning of the tag.
    fn hand_on(&mut self, out: &mut Vec<Event>) {
        let partial = (1..self.close.len())
            .rev()
            .find(|&length| self.close.get(..length).is_some_and(|part| ends_with(&self.held, part)));
        let end = self.held.len() - partial.unwrap_or_default();
        let end = self.held.get(..end).map_or(0, |before| before.trim_end().len());
        self.release(end, out);
    }

    /// Hands on what is held, up to this place.
    fn release(&mut self, end: usize, out: &mut Vec<Event>) {
        let rest = self.held.split_off(end);
        let said = mem::replace(&mut self.held, rest);
        self.say(&said, out);
    }

    fn say(&mut self, text: &str, out: &mut Vec<Event>) {
        let text = if self.said.is_empty() { text.trim_start() } else { text };
        self.keep(text);
        push(out, Event::Reasoning, text);
    }

    fn keep(&mut self, text: &str) {
        if self.said.len().saturating_add(text.len()) <= LONGEST_KEPT {
            self.said.push_str(text);
        }
    }
}

fn push(out: &mut Vec<Event>, event: fn(String) -> Event, text: &str) {
    if !text.is_empty() {
        out.push(event(text.to_owned()));
    }
}

fn starts_with(text: &str, tag: &str) -> bool {
    text.get(..tag.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(tag))
}

fn ends_with(text: &str, tag: &str) -> bool {
    let start = text.len().checked_sub(tag.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(tag))
}

/// Where a tag stands.
fn find(text: &str, tag: &str) -> Option<usize> {
    let first = tag.chars().next()?;
    let mut places = text.match_indices(first).map(|(at, _)| at);
    places.find(|&at| text.get(at..).is_some_and(|rest| starts_with(rest, tag)))
}

#[cfg(test)]
mod tests;
