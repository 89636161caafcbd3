//! Splits markdown into its paragraphs, without code and comments: fenced code (§4.5 of CommonMark 0.31), indented code
//! (§4.4), code spans (§6.1) and HTML comments (§4.6, §6.6). `lua/gpt/context/prose.lua` is the same for the editor's side.

use std::borrow::Cow;

use crate::fence::{self, Line};

/// The paragraphs of a text. A line of a list's item, a heading, a blank line and code end one.
pub fn paragraphs(text: &str) -> Vec<String> {
    let mut walk = Walk::default();
    for line in text.split('\n') {
        walk.take(line);
    }
    walk.finish();
    walk.found
}

/// A walk over the lines of a text.
#[derive(Default)]
struct Walk<'a> {
    found: Vec<String>,
    /// The lines of the paragraph that is going on.
    current: Vec<&'a str>,
    fences: fence::Reader,
    is_comment: bool,
    /// Where the texts of the open lists' items begin, in columns.
    items: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn take(&mut self, line: &'a str) {
        if !self.is_comment && self.fences.read(line) != Line::Text {
            return self.finish();
        }
        let was_comment = self.is_comment;
        let line = self.without_comment(line);
        let indent = indent_of(line);
        let is_blank = line.bytes().all(is_white);
        let is_going_on = !self.current.is_empty();
        if !is_blank && !is_going_on {
            self.leave_items(indent);
        }
        let base = self.items.last().copied().unwrap_or_default();
        let is_code = !is_blank && !is_going_on && !was_comment && indent >= base + 4;
        let item = (!is_blank && !is_code && indent < base + 4)
            .then(|| item_of(line, indent))
            .flatten();
        let is_heading = !is_code && is_heading(line);
        if is_blank || is_code || item.is_some() || is_heading {
            self.finish();
        }
        if let Some(column) = item {
            self.leave_items(indent);
            self.items.push(column);
        }
        if !is_blank && !is_code {
            self.current.push(line);
        }
        if is_heading {
            self.finish();
        }
    }

    /// Leaves the items whose texts begin further to the right.
    fn leave_items(&mut self, indent: usize) {
        while self.items.last().is_some_and(|column| indent < *column) {
            self.items.pop();
        }
    }

    fn finish(&mut self) {
        if !self.current.is_empty() {
            self.found.push(without_spans(&self.current.join("\n")));
            self.current.clear();
        }
    }

    /// The line without the comments that begin lines: such a one may hold blank lines, and without an end it goes to the
    /// text's.
    fn without_comment(&mut self, mut line: &'a str) -> &'a str {
        loop {
            let begun = match self.is_comment {
                true => Some(line),
                // `<!-->` is one, too.
                false => comment_at_start(line),
            };
            let Some(inside) = begun else { return line };
            self.is_comment = true;
            let Some((_, behind)) = inside.split_once("-->") else {
                return "";
            };
            self.is_comment = false;
            line = behind;
        }
    }
}

/// A line that begins with a comment, from behind its `<!`.
fn comment_at_start(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    let is_near = line.len() - text.len() <= 3;
    text.strip_prefix("<!").filter(|rest| is_near && rest.starts_with("--"))
}

/// What Lua's patterns take for white space.
fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The columns of white space before a line's text: a tab goes on to the next multiple of four.
fn indent_of(line: &str) -> usize {
    let white = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t'));
    white.fold(0, |column, byte| match byte {
        b'\t' => column + 4 - column % 4,
        _ => column + 1,
    })
}

/// Where the text of a list's item begins, if a line begins one.
fn item_of(line: &str, indent: usize) -> Option<usize> {
    let text = line.trim_start_matches([' ', '\t']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let marks = match text.as_bytes().get(digits)? {
        b'-' | b'+' | b'*' if digits == 0 => 1,
        b'.' | b')' if (1..10).contains(&digits) => digits + 1,
        _ => return None,
    };
    let behind = text.get(marks..)?;
    let rest = behind.trim_start_matches([' ', '\t']);
    let white = behind.get(..behind.len() - rest.len())?;
    if white.is_empty() && !rest.is_empty() {
        return None;
    }
    let is_wide = white.contains('\t') || white.len() > 4;
    let gap = if rest.is_empty() || is_wide { 1 } else { white.len() };
    Some(indent + marks + gap)
}

fn is_heading(line: &str) -> bool {
    let text = line.trim_start_matches(' ');
    let behind = text.trim_start_matches('#');
    line.len() - text.len() <= 3 && behind.len() < text.len() && behind.starts_with([' ', '\t'])
}

/// A paragraph without its code spans and comments. A space stands for a comment, a backtick for a span.
fn without_spans(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(from) = rest.find(['`', '<', '\\']) {
        let (before, here) = rest.split_at(from);
        kept.push_str(before);
        let (shown, behind) = span(here);
        kept.push_str(&shown);
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

/// What stands for the span, comment or escape that a text begins with, and what is behind it.
fn span(text: &str) -> (Cow<'_, str>, &str) {
    let mut chars = text.char_indices().skip(1);
    let first = chars.next().map_or(text.len(), |(at, _)| at);
    match text.as_bytes().first() {
        Some(b'\\') => {
            let end = chars.next().map_or(text.len(), |(at, _)| at);
            let (escaped, behind) = text.split_at(end);
            (escaped.into(), behind)
        }
        Some(b'`') => {
            let ticks = text.len() - text.trim_start_matches('`').len();
            let behind = text.get(ticks..).unwrap_or_default();
            ("`".into(), behind_run(behind, ticks).unwrap_or(behind))
        }
        _ => match text.strip_prefix("<!").filter(|rest| rest.starts_with("--")) {
            Some(inside) if inside.contains("-->") => {
                let behind = inside.split_once("-->").map_or("", |(_, behind)| behind);
                (" ".into(), behind)
            }
            _ => {
                let (sign, behind) = text.split_at(first);
                (sign.into(), behind)
            }
        },
    }
}

/// What is behind the next run of just so many backticks.
fn behind_run(text: &str, ticks: usize) -> Option<&str> {
    let mut rest = text;
    loop {
        let run = rest.get(rest.find('`')?..)?;
        rest = run.trim_start_matches('`');
        if run.len() - rest.len() == ticks {
            return Some(rest);
        }
    }
}
