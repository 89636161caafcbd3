//! Finds fenced code in markdown, by CommonMark 0.31 §4.5, as the cases in `data/fences.json` show; `lua/gpt/fence.lua` is
//! the same for the editor's side.
//!
//! A fence is three or more backticks or tildes after at most three spaces; a closing one has the same character, is at
//! least as long, and stands alone; the info string of a backtick fence holds no backtick.

/// What a line is to the fenced code of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// It stands outside of code.
    Text,
    /// It opens code, with this info string.
    Opens(&'a str),
    /// It stands in code.
    Code,
    /// It closes code.
    Closes,
}

/// Reads a text line by line.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    open: Option<(char, usize)>,
}

impl Reader {
    /// What the next line is.
    pub fn read<'a>(&mut self, line: &'a str) -> Line<'a> {
        match (self.open, fence(line)) {
            (None, Some((mark, length, info))) if mark == '~' || !info.contains('`') => {
                self.open = Some((mark, length));
                Line::Opens(trimmed(info))
            }
            (None, _) => Line::Text,
            (Some((mark, least)), Some((closing, length, info)))
                if closing == mark && length >= least && trimmed(info).is_empty() =>
            {
                self.open = None;
                Line::Closes
            }
            (Some(_), _) => Line::Code,
        }
    }

    /// What would close the code that is open: a line of its fence characters.
    pub fn left_open(&self) -> Option<String> {
        self.open.map(|(mark, length)| String::from(mark).repeat(length))
    }
}

/// The lines of a text, each with what it is.
pub fn lines(text: &str) -> impl Iterator<Item = (&str, Line<'_>)> {
    let mut reader = Reader::default();
    text.lines().map(move |line| (line, reader.read(line)))
}

/// What would close the code fence that `text` leaves open, if it does.
pub fn unclosed(text: &str) -> Option<String> {
    let mut reader = Reader::default();
    for line in text.lines() {
        reader.read(line);
    }
    reader.left_open()
}

/// A fence of backticks that nothing in `text` can close, however it is indented.
pub fn around(text: &str) -> String {
    let length = |line: &str| {
        let signs = line.trim_start_matches([' ', '\t']);
        signs.len() - signs.trim_start_matches('`').len()
    };
    let longest = text.lines().map(length).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// What stands behind a fence's signs, without the white space around it.
fn trimmed(info: &str) -> &str {
    info.trim_matches([' ', '\t', '\r'])
}

/// The fence that a line begins with: its character, its length, and what follows it.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let body = line.trim_start_matches(' ');
    if line.len() - body.len() > 3 {
        return None;
    }
    let mark = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = body.trim_start_matches(mark);
    let length = body.len() - rest.len();
    (length >= 3).then_some((mark, length, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn kind(line: Line<'_>) -> &'static str {
        match line {
            Line::Text => "text",
            Line::Opens(_) => "opens",
            Line::Code => "code",
            Line::Closes => "closes",
        }
    }

    #[test]
    fn lines_are_what_the_table_says() {
        let table: Value = serde_json::from_str(include_str!("../data/fences.json")).unwrap();
        for case in table.as_array().unwrap() {
            let mut text = String::new();
            for line in case["lines"].as_array().unwrap() {
                text.push_str(line[0].as_str().unwrap());
                text.push('\n');
            }
            for ((line, found), expected) in lines(&text).zip(case["lines"].as_array().unwrap()) {
                assert_eq!(kind(found), expected[1], "{}: {line}", case["name"]);
            }
            assert_eq!(
                unclosed(&text).as_deref(),
                case["left_open"].as_str(),
                "{}",
                case["name"]
            );
        }
    }

    #[test]
    fn an_info_string_is_what_stands_behind_the_signs() {
        assert_eq!(
            lines("~~~ rust a`b ").next(),
            Some(("~~~ rust a`b ", Line::Opens("rust a`b")))
        );
    }

    /// Marsaglia's xorshift.
    fn below(state: &mut u64, n: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from((*state >> 11) % (n as u64)).unwrap()
    }

    #[test]
    fn nothing_closes_the_fence_that_is_put_around_a_text() {
        const PIECES: [&str; 8] = ["`", "```", "~~~", "\n", " ", "a", "    ", "````"];
        let mut state = 0x9E37_79B9_7F4A_7C15;
        for _ in 0..2_000 {
            let text: String = (0..below(&mut state, 30))
                .map(|_| PIECES[below(&mut state, PIECES.len())])
                .collect();
            let fence = around(&text);
            let whole = format!("{fence}\n{text}\n{fence}");
            let kinds: Vec<&str> = lines(&whole).map(|(_, line)| kind(line)).collect();
            let (last, before) = kinds.split_last().unwrap();
            assert_eq!((kinds[0], *last), ("opens", "closes"), "{text:?}");
            assert!(before[1..].iter().all(|kind| *kind == "code"), "{text:?}");
        }
    }
}
