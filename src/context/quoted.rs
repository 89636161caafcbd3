//! Splits a question into the blocks of code that it quotes, with the names of the files that they are of, and the rest:
//! what a question holds is looked over by its parts, in whatever way they came into it.

use super::secrets;
use crate::fence::{self, Line};

/// A part of a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// What it is called: a block's file; empty for what stands between blocks.
    pub name: String,
    /// The names of all files that it is of.
    pub names: Vec<String>,
    /// Its text, without the fence.
    pub text: String,
}

/// The parts of a question; what stands between its blocks is one, the last.
pub fn parts(question: &str) -> Vec<Part> {
    let (mut parts, mut rest) = (Vec::new(), String::new());
    let mut open: Option<Part> = None;
    let mut above = "";
    for (line, kind) in fence::lines(question) {
        match (kind, &mut open) {
            (Line::Opens(info), _) => open = Some(named(info, above)),
            (Line::Code, Some(part)) => {
                part.text.push_str(line);
                part.text.push('\n');
            }
            (Line::Closes, _) => parts.extend(open.take().map(finished)),
            (Line::Text | Line::Code, _) => {
                rest.push_str(line);
                rest.push('\n');
                above = if line.trim().is_empty() { above } else { line };
            }
        }
    }
    parts.extend(open.map(finished));
    parts.push(Part {
        text: rest,
        ..Part::default()
    });
    parts.retain(|part| !part.text.trim().is_empty());
    parts
}

/// A block's names: what its info string says behind the language (`rust #file:src/*.rs src/a.rs`), else the path in the
/// line above (`From \`src/a.rs\`, lines 3-4:`).
fn named(info: &str, above: &str) -> Part {
    let behind = info.split_once(char::is_whitespace).map(|(_, behind)| behind.trim());
    let of_word = behind.filter(|behind| behind.starts_with('#'));
    let names: Vec<String> = match of_word {
        Some(word) => words(word).map(|name| without_lines(name).to_owned()).collect(),
        None => path_above(above).map(str::to_owned).into_iter().collect(),
    };
    Part {
        name: names.last().cloned().unwrap_or_default(),
        names,
        text: String::new(),
    }
}

/// The names in `#file:"a b.txt" c`, with and without what looks like a word.
fn words(word: &str) -> impl Iterator<Item = &str> {
    let path = word.strip_prefix("#file:").unwrap_or_default();
    let (path, name) = match path.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some((path, name)) => (path, name),
        None => path.split_once(char::is_whitespace).unwrap_or((path, "")),
    };
    let is_quoted = word.starts_with("#file:\"");
    let other = word.split_once(char::is_whitespace).filter(|_| !is_quoted);
    let other = other.map_or("", |(_, name)| name).trim();
    [path, name.trim(), other].into_iter().filter(|name| !name.is_empty())
}

/// A name without the lines behind it: `a.rs:3-4`.
fn without_lines(name: &str) -> &str {
    let digits = |c: char| c.is_ascii_digit() || c == '-';
    let bare = name.trim_end_matches(digits);
    bare.strip_suffix(':')
        .filter(|_| bare.len() < name.len())
        .unwrap_or(name)
}

/// The path in the line that says where a block comes from, between backticks.
fn path_above(line: &str) -> Option<&str> {
    let start = line.find('`')?;
    let span = line.get(start..)?;
    let length = span.len() - span.trim_start_matches('`').len();
    let marks = span.get(..length)?;
    let (path, _) = span.get(length..)?.split_once(marks)?;
    Some(path.trim())
}

/// A block with the names that its text tells: those of a diff's files, and of a list's (`a.rs:3:1: …`).
fn finished(mut part: Part) -> Part {
    part.names.extend(secrets::files_of_diff(&part.text).map(str::to_owned));
    let listed = part.text.lines().filter_map(|line| {
        let (path, rest) = line.split_once(':')?;
        let is_place = rest.starts_with(|c: char| c.is_ascii_digit()) && !path.contains(char::is_whitespace);
        is_place.then_some(path)
    });
    let mut listed: Vec<String> = listed.map(str::to_owned).collect();
    listed.dedup();
    part.names.append(&mut listed);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(question: &str) -> Vec<Vec<String>> {
        parts(question).into_iter().map(|part| part.names).collect()
    }

    #[test]
    fn a_block_is_of_the_file_that_is_named_above_it_or_behind_its_fence() {
        let question = "Why?\n\nFrom `a/.env`, lines 1-2:\n\n```text\nA=b\n```\n\n```rust #file:src/*.rs src/a.rs\nx\n```\n\n\
                        ~~~text #selection .env:3-4\ny\n~~~\n\n```text #file:\"a b.pem\"\nz\n```";
        assert_eq!(
            names(question),
            [
                vec!["a/.env"],
                vec!["src/*.rs", "src/a.rs", "src/a.rs"],
                vec![".env"],
                vec!["a b.pem"],
                vec![]
            ]
        );
        assert!(parts(question).last().unwrap().text.starts_with("Why?"));
    }

    #[test]
    fn a_diff_and_a_list_name_their_files_themselves() {
        let diff = "```diff\ndiff --git a/.env b/.env\n--- a/.env\n+++ b/.env\n@@ -1 +1 @@\n-A\n+B\n```";
        assert_eq!(names(diff), [[".env", ".env"]]);
        assert_eq!(names("```text #quickfix\n.env:3:1: A=b\n```"), [[".env"]]);
    }

    #[test]
    fn a_block_that_is_not_closed_goes_to_the_end_and_nothing_is_left_out() {
        let found = parts("a\n````\n```\nb");
        let texts: Vec<&str> = found.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, ["```\nb\n", "a\n"]);
    }
}
