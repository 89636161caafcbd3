//! The problems that an answer lists, one a line: `path:line: error: what is wrong`. Only those are taken that name a line
//! of the code that was sent, or where that is not known, a line of a file of the project.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bounded;

/// The largest file whose lines are counted, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;
/// The most problems of an answer.
const MOST: usize = 500;

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its file; `None`: the buffer that was sent.
    pub file: Option<PathBuf>,
    /// Its line, counted from 1.
    pub line: usize,
    /// `E`, `W` or `N`, as in a quickfix list; empty if the answer does not say.
    pub kind: &'static str,
    /// What is wrong.
    pub text: String,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// The path that the code was sent with, and its lines; `None` if it came in another way.
    pub code: Option<(String, usize, usize)>,
    /// The root of the project.
    pub root: PathBuf,
}

/// What an answer lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The problems that can be jumped to.
    pub problems: Vec<Problem>,
    /// How many were left out: they name no line of what was sent.
    pub left_out: usize,
}

/// Reads an answer. Reads files too: not to be called where that must not wait.
pub fn find(answer: &str, sent: &Sent) -> Found {
    let mut found = Found::default();
    for listed in answer.lines().filter_map(listed).take(MOST) {
        match located(listed, sent) {
            Some(problem) => found.problems.push(problem),
            None => found.left_out += 1,
        }
    }
    found
}

/// A problem as the answer names it.
struct Listed<'a> {
    path: &'a str,
    line: usize,
    text: &'a str,
}

/// Reads a line of an answer, also where it is an item of a list, or has its place in a code span.
fn listed(line: &str) -> Option<Listed<'_>> {
    let line = line.trim().trim_start_matches(['-', '*', '+']).trim_start();
    let mut from = 0;
    loop {
        let colon = line.get(from..)?.find(':')? + from;
        let (path, behind) = (line.get(..colon)?, line.get(colon + 1..)?);
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = behind.get(digits..)?;
        if let (Ok(number), Some(text)) = (behind.get(..digits)?.parse(), text_of(rest)) {
            let path = path.trim_matches(['`', '*', ' ']);
            return (!path.is_empty()).then_some(Listed {
                path,
                line: number,
                text,
            });
        }
        from = colon + 1;
    }
}

/// What follows the line's number: perhaps a column, or the line that it goes up to, then the text.
fn text_of(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches(['`', '*']);
    let numbers = |c: char| c.is_ascii_digit() || c == '-' || c == ':' || c == '`' || c == '*';
    let is_text = rest.starts_with(':') || rest.starts_with('-');
    let text = rest.trim_start_matches(numbers).trim();
    (is_text && !text.is_empty()).then_some(text)
}

fn kind(text: &str) -> (&'static str, &str) {
    for (word, kind) in [("error", "E"), ("warning", "W"), ("note", "N")] {
        let behind = text.get(word.len()..).filter(|_| {
            text.get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
        });
        if let Some(text) = behind.and_then(|behind| behind.strip_prefix(':')) {
            return (kind, text.trim());
        }
    }
    ("", text)
}

/// The problem at its place, if there is such a place.
fn located(listed: Listed<'_>, sent: &Sent) -> Option<Problem> {
    let (kind, text) = kind(listed.text);
    let file = match &sent.code {
        Some((path, first, last)) => {
            let is_it = is_same(path, listed.path) && (*first..=*last).contains(&listed.line);
            is_it.then_some(None)
        }
        None => within(&sent.root, listed.path, listed.line).map(Some),
    }?;
    Some(Problem {
        file,
        line: listed.line,
        kind,
        text: text.to_owned(),
    })
}

/// Whether the answer means the path that was sent: a buffer without a name has none, and models shorten paths.
fn is_same(sent: &str, named: &str) -> bool {
    let name = |path: &str| Path::new(path).file_name().map(ToOwned::to_owned);
    sent.is_empty() || sent == named || Path::new(sent).ends_with(named) || Path::new(named).ends_with(sent) || {
        !named.contains('/') && name(sent) == name(named)
    }
}

/// The file of the project, if it has this line.
fn within(root: &Path, named: &str, line: usize) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let file = root.join(named).canonicalize().ok()?;
    if !file.starts_with(&root) {
        return None;
    }
    let content = bounded::read(&file, LARGEST).ok()?;
    let breaks = content.iter().filter(|&&byte| byte == b'\n').count();
    let lines = breaks + usize::from(!content.ends_with(b"\n"));
    (1..=lines).contains(&line).then_some(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sent(path: &str, first: usize, last: usize) -> Sent {
        Sent {
            code: Some((path.into(), first, last)),
            root: PathBuf::from("/nowhere"),
        }
    }

    fn texts(answer: &str, sent: &Sent) -> (Vec<(usize, &'static str, String)>, usize) {
        let found = find(answer, sent);
        let short = |problem: Problem| (problem.line, problem.kind, problem.text);
        (found.problems.into_iter().map(short).collect(), found.left_out)
    }

    #[test]
    fn problems_are_found_however_the_answer_lists_them() {
        let answer = "Here:\n```text\nsrc/a.rs:5: error: leaks\n- `a.rs:6`: Warning: slow\n* **src/a.rs:7:3**: odd: very\n\
                      src/a.rs:8-9: note: long\n```\nThat is all: 4.";
        let (problems, left_out) = texts(answer, &sent("src/a.rs", 5, 9));
        let expected = [
            (5, "E", "leaks".to_owned()),
            (6, "W", "slow".to_owned()),
            (7, "", "odd: very".to_owned()),
            (8, "N", "long".to_owned()),
        ];
        assert_eq!((problems.as_slice(), left_out), (expected.as_slice(), 0));
    }

    #[test]
    fn a_line_or_file_that_was_not_sent_is_left_out() {
        let answer = "src/a.rs:4: error: x\nsrc/a.rs:10: error: x\nsrc/b.rs:6: error: x\nother/a.rs:6: error: x";
        assert_eq!(texts(answer, &sent("src/a.rs", 5, 9)), (Vec::new(), 4));
    }

    #[test]
    fn prose_lists_no_problem() {
        for answer in [
            "No problems.",
            "",
            "At 10:30 it ends",
            "See https://x.org:80/a",
            "a.rs:5",
            "a.rs:x: y",
        ] {
            assert_eq!(texts(answer, &sent("a.rs", 1, 9)), (Vec::new(), 0), "{answer}");
        }
    }

    #[test]
    fn without_known_code_a_file_of_the_project_must_have_the_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in/a.c"), "1\n2\n").unwrap();
        fs::write(folder.path().join("b.c"), "1\n").unwrap();
        let sent = Sent {
            code: None,
            root: folder.path().join("in"),
        };
        let found = find(
            "a.c:2: error: y\na.c:3: error: n\n../b.c:1: error: n\nc.c:1: error: n",
            &sent,
        );
        assert_eq!((found.problems.len(), found.left_out), (1, 3));
        assert!(found.problems[0].file.as_ref().unwrap().ends_with("in/a.c"));
    }
}
