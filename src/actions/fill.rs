//! Puts what an action is about for the placeholders of its text. A value is not looked at again, whatever stands in it; a
//! paragraph whose placeholders all come to nothing is left out.

use super::{Diagnostic, Prompt, Subject};
use crate::fence;

/// What can stand between `{{` and `}}`.
pub const NAMES: [&str; 8] = [
    "selection",
    "numbered",
    "words",
    "language",
    "path",
    "diagnostics",
    "staged",
    "style",
];

/// What git says, for the prompts that want it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The staged changes.
    pub staged: String,
    /// How this project's commit messages are written.
    pub style: String,
}

/// Whether the text has this placeholder.
pub fn wants(body: &str, name: &str) -> bool {
    pieces(body).any(|piece| matches!(piece, Piece::Name(found) if found == name))
}

/// Whether the text has a place for code.
pub fn wants_code(body: &str) -> bool {
    wants(body, "selection") || wants(body, "numbered")
}

/// The first placeholder of the text that there is not.
pub fn unknown(line: &str) -> Option<&str> {
    pieces(line).find_map(|piece| match piece {
        Piece::Name(name) if !NAMES.contains(&name) => Some(name),
        _ => None,
    })
}

/// A piece of a text.
enum Piece<'a> {
    Plain(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut name: Option<&str> = None;
    std::iter::from_fn(move || {
        if let Some(name) = name.take() {
            return Some(Piece::Name(name));
        }
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(at) = rest.get(from..).and_then(|text| text.find("{{")).map(|at| at + from) {
            let inside = rest.get(at + 2..).and_then(|text| text.split_once("}}"));
            match inside {
                Some((inside, behind)) if is_name(inside.trim()) => {
                    let plain = rest.get(..at).unwrap_or_default();
                    rest = behind;
                    name = Some(inside.trim());
                    return Some(Piece::Plain(plain));
                }
                _ => from = at + 2,
            }
        }
        Some(Piece::Plain(std::mem::take(&mut rest)))
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The text of a prompt about this. What the user selected and wrote is in it, also where the prompt has no placeholder
/// for it.
pub fn fill(prompt: &Prompt, subject: &Subject, changes: &Changes) -> String {
    let value = |name: &str| value(name, subject, changes);
    let mut paragraphs: Vec<String> = prompt
        .body
        .split("\n\n")
        .filter_map(|paragraph| filled(paragraph, &value))
        .collect();
    let has = |name: &str| wants(&prompt.body, name);
    let has_code = wants_code(&prompt.body);
    let selected = subject.code.as_ref().is_none_or(|code| code.selected);
    let further = [
        (subject.words.clone(), has("words")),
        (value("selection"), has_code || !selected),
        (prompt.context.clone(), false),
    ];
    let missing = further.into_iter().filter(|(text, is_in)| !text.is_empty() && !is_in);
    paragraphs.extend(missing.map(|(text, _)| text));
    paragraphs.retain(|text| !text.trim().is_empty());
    paragraphs.join("\n\n")
}

/// A paragraph with its values; `None` where all that it is about comes to nothing.
fn filled(paragraph: &str, value: &dyn Fn(&str) -> String) -> Option<String> {
    let (mut text, mut names, mut said) = (String::new(), 0, false);
    for piece in pieces(paragraph) {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Name(name) => {
                let value = value(name);
                let counts = !matches!(name, "language" | "path");
                names += usize::from(counts);
                said |= counts && !value.is_empty();
                text.push_str(&value);
            }
        }
    }
    (names == 0 || said).then_some(text)
}

fn value(name: &str, subject: &Subject, changes: &Changes) -> String {
    let code = subject.code.as_ref();
    match name {
        "selection" => code.map_or_else(|| subject.text.clone(), |code| code.block.clone()),
        "numbered" => code.map_or_else(|| subject.text.clone(), |code| numbered(&code.block, code.first)),
        "words" => subject.words.clone(),
        "language" => code.map(|code| code.filetype.clone()).unwrap_or_default(),
        "path" => code.map(|code| code.path.clone()).unwrap_or_default(),
        "diagnostics" => diagnostics(&subject.diagnostics),
        "staged" => changes.staged.clone(),
        "style" => changes.style.clone(),
        _ => String::new(),
    }
}

/// A block with the number of each line before it: models do not count well.
fn numbered(block: &str, first: usize) -> String {
    let lines: Vec<&str> = block.lines().collect();
    let end = lines.len().saturating_sub(1);
    // Where it comes from, an empty line and the fence stand before the code, a fence behind it.
    let line = |(index, line): (usize, &&str)| match index {
        3.. if index < end => format!("{}: {line}", first + index - 3),
        _ => (*line).to_owned(),
    };
    lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn diagnostics(list: &[Diagnostic]) -> String {
    if list.is_empty() {
        return String::new();
    }
    let line = |diagnostic: &Diagnostic| {
        let message = diagnostic.message.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = match diagnostic.source.as_str() {
            "" => String::new(),
            source => format!(" ({source})"),
        };
        format!("line {}: {}{source}: {message}", diagnostic.line, diagnostic.severity)
    };
    fenced("text", &list.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// A text in a fenced block that nothing in it closes.
pub fn fenced(language: &str, text: &str) -> String {
    let fence = fence::around(text);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Source, file};
    use super::*;
    use std::path::Path;

    fn prompt(body: &str) -> Prompt {
        let content = format!("---\nname: a\ncontext: #diff\n---\n{body}");
        file::parse(content.as_bytes(), Path::new("a.md"), Source::User).unwrap()
    }

    fn about(words: &str, selected: bool) -> Subject {
        let block = "From `f.rs`, lines 7-8:\n\n```rust\nlet a = \"{{words}}\";\n\n```".to_owned();
        let code = Code {
            path: "f.rs".into(),
            filetype: "rust".into(),
            first: 7,
            last: 8,
            block,
            selected,
        };
        Subject {
            words: words.into(),
            code: Some(code),
            ..Subject::default()
        }
    }

    fn filled(body: &str, subject: &Subject) -> String {
        fill(&prompt(body), subject, &Changes::default())
    }

    const BLOCK: &str = "From `f.rs`, lines 7-8:\n\n```rust\nlet a = \"{{words}}\";\n\n```";

    #[test]
    fn values_stand_for_placeholders_and_are_not_looked_at_again() {
        let text = filled(
            "In {{ language }}, {{path}}: {{words}}\n\n{{selection}}",
            &about("be {{path}}", true),
        );
        assert_eq!(text, format!("In rust, f.rs: be {{{{path}}}}\n\n{BLOCK}\n\n#diff"));
    }

    #[test]
    fn a_paragraph_whose_placeholders_come_to_nothing_is_left_out() {
        let text = filled(
            "Fix.\n\nSays:\n{{diagnostics}}\n\n{{words}}\n\n{{selection}}",
            &about("", true),
        );
        assert_eq!(text, format!("Fix.\n\n{BLOCK}\n\n#diff"));
    }

    #[test]
    fn what_was_selected_and_written_is_sent_where_the_prompt_has_no_place_for_it() {
        assert_eq!(
            filled("Look.", &about("twice", true)),
            format!("Look.\n\ntwice\n\n{BLOCK}\n\n#diff")
        );
        assert_eq!(filled("Look.", &about("", false)), "Look.\n\n#diff");
    }

    #[test]
    fn numbered_lines_have_those_of_the_file() {
        let text = filled("{{numbered}}", &about("", true));
        assert_eq!(
            text,
            "From `f.rs`, lines 7-8:\n\n```rust\n7: let a = \"{{words}}\";\n8: \n```\n\n#diff"
        );
    }

    #[test]
    fn diagnostics_are_one_line_each_in_a_fence_that_they_cannot_close() {
        let said = |line, source: &str, message: &str| Diagnostic {
            line,
            severity: "error".into(),
            source: source.into(),
            message: message.into(),
        };
        let list = [said(3, "rustc", "no\n  such #file"), said(4, "", "```")];
        let text = diagnostics(&list);
        assert_eq!(
            text,
            "```text\nline 3: error (rustc): no such #file\nline 4: error: ```\n```"
        );
    }

    #[test]
    fn braces_that_name_nothing_stay() {
        assert_eq!(unknown("a {{ 1 + 1 }} {{}} {{x"), None);
        assert_eq!(unknown("{{ 1 }} and {{selektion}}"), Some("selektion"));
        let text = filled("a {{ 1 }} b{{c", &Subject::default());
        assert_eq!(text, "a {{ 1 }} b{{c\n\n#diff");
    }
}
