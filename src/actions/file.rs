//! A prompt as a file: markdown with flat front matter, `key: value` lines between two lines `---`. No YAML beyond that:
//! what is not understood is named with its line, and never guessed at.

use std::path::Path;

use super::{Mode, Prompt, Source, fill};
use crate::bounded::Unread;
use crate::words::{Text, text};

/// The most bytes of a file.
pub const LONGEST: usize = 64 * 1024;
/// The longest name, in characters.
const LONGEST_NAME: usize = 40;
/// What front matter can hold.
const KEYS: &str = "name, description, mode, model, context, keymap";

/// Why a file is no prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line at fault, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: Text,
}

fn fault(line: usize, reason: Text) -> Fault {
    Fault { line, reason }
}

/// A file that cannot be read.
pub fn unreadable(unread: &Unread) -> Fault {
    let reason = match unread {
        Unread::TooLarge(_) => too_long(),
        unread => text!("library.unreadable", reason = unread.reason()),
    };
    fault(1, reason)
}

fn too_long() -> Text {
    text!("library.too_long", most = LONGEST / 1024)
}

/// Reads a prompt. Without a `name` it is called as its file is.
///
/// # Errors
/// The file is not of this form; says where and why.
pub fn parse(content: &[u8], file: &Path, source: Source) -> Result<Prompt, Fault> {
    if content.len() > LONGEST {
        return Err(fault(1, too_long()));
    }
    let content = str::from_utf8(content).map_err(|error| {
        let before = content.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        fault(line, text!("library.no_utf"))
    })?;
    let content = content
        .strip_prefix('\u{feff}')
        .unwrap_or(content)
        .replace("\r\n", "\n");
    let mut lines = content.lines().enumerate().map(|(index, line)| (index + 1, line));
    if lines.next().is_none_or(|(_, line)| line.trim_end() != "---") {
        return Err(fault(1, text!("library.no_front_matter")));
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut front = Front::new(Prompt {
        name: stem.into_owned(),
        description: String::new(),
        mode: Mode::Chat,
        model: None,
        context: String::new(),
        keymap: None,
        body: String::new(),
        source,
        file: Some(file.to_owned()),
        model_line: 0,
    });
    let end = loop {
        match lines.next() {
            None => return Err(fault(1, text!("library.not_closed"))),
            Some((number, line)) if line.trim_end() == "---" => break number,
            Some((number, line)) => front.take(number, line)?,
        }
    };
    let Front { mut prompt, .. } = front;
    check_name(&prompt.name).map_err(|reason| fault(1, reason))?;
    let rest: Vec<&str> = content.lines().skip(end).collect();
    prompt.body = rest.join("\n").trim().to_owned();
    if prompt.body.is_empty() {
        return Err(fault(end + 1, text!("library.no_text")));
    }
    for (index, line) in rest.iter().enumerate() {
        if let Some(unknown) = fill::unknown(line) {
            let known = fill::NAMES.join(", ");
            let reason = text!("library.unknown_placeholder", name = unknown, known = known);
            return Err(fault(end + 1 + index, reason));
        }
    }
    Ok(prompt)
}

/// Front matter as it is read.
struct Front {
    prompt: Prompt,
    seen: Vec<String>,
}

impl Front {
    fn new(prompt: Prompt) -> Self {
        let seen = Vec::new();
        Self { prompt, seen }
    }

    /// Takes in a line.
    fn take(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let parts = line
            .split_once(':')
            .filter(|(key, _)| !key.contains(char::is_whitespace));
        let Some((key, value)) = parts else {
            return Err(fault(number, text!("library.no_pair")));
        };
        if self.seen.iter().any(|seen| seen == key) {
            return Err(fault(number, text!("library.twice", key = key)));
        }
        self.seen.push(key.to_owned());
        self.set(number, key, unquoted(value.trim()))
    }

    fn set(&mut self, number: usize, key: &str, value: &str) -> Result<(), Fault> {
        let given = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match key {
            "name" => {
                check_name(value).map_err(|reason| fault(number, reason))?;
                value.clone_into(&mut self.prompt.name);
            }
            "description" => value.clone_into(&mut self.prompt.description),
            "mode" => {
                self.prompt.mode = mode(value).ok_or_else(|| fault(number, text!("library.mode", value = value)))?
            }
            "model" => {
                self.prompt.model = given();
                self.prompt.model_line = number;
            }
            "context" => value.clone_into(&mut self.prompt.context),
            "keymap" => self.prompt.keymap = given(),
            _ => return Err(fault(number, text!("library.unknown_key", key = key, known = KEYS))),
        }
        Ok(())
    }
}

fn mode(value: &str) -> Option<Mode> {
    match value {
        "" | "chat" => Some(Mode::Chat),
        "quickfix" => Some(Mode::Quickfix),
        "commit" => Some(Mode::Commit),
        _ => None,
    }
}

/// The value without the quotes around it.
fn unquoted(value: &str) -> &str {
    let inside = |mark: char| value.strip_prefix(mark)?.strip_suffix(mark);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

fn check_name(name: &str) -> Result<(), Text> {
    let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(is_plain);
    if fits { Ok(()) } else { Err(text!("library.name")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Prompt, Fault> {
        parse(content.as_bytes(), Path::new("/p/review.md"), Source::User)
    }

    #[test]
    fn front_matter_is_read_as_the_table_says() {
        let table: serde_json::Value = serde_json::from_str(include_str!("../../data/front_matter.json")).unwrap();
        for case in table.as_array().unwrap() {
            let found = read(case["text"].as_str().unwrap());
            if let Some(fault) = case.get("fault") {
                let found = found.unwrap_err();
                assert_eq!(found.line, fault[0], "{}: {found:?}", case["name"]);
                let reason = found.reason.to_string();
                assert!(
                    reason.contains(fault[1].as_str().unwrap()),
                    "{}: {reason}",
                    case["name"]
                );
                continue;
            }
            let prompt = found.unwrap_or_else(|fault| panic!("{}: {fault:?}", case["name"]));
            let field = |name: &str| case["fields"][name].as_str();
            let mode = field("mode").map_or(Some(Mode::Chat), mode);
            assert_eq!(prompt.name, field("name").unwrap_or("review"), "{}", case["name"]);
            assert_eq!(
                (prompt.description.as_str(), prompt.context.as_str(), Some(prompt.mode)),
                (
                    field("description").unwrap_or_default(),
                    field("context").unwrap_or_default(),
                    mode
                ),
                "{}",
                case["name"]
            );
            assert_eq!(
                (prompt.model.as_deref(), prompt.keymap.as_deref()),
                (field("model"), field("keymap")),
                "{}",
                case["name"]
            );
        }
    }

    #[test]
    fn the_text_stands_behind_and_the_line_of_the_model_is_known() {
        let prompt = read("---\r\nname: a\r\nmodel: x/y\r\n---\r\n\r\nLook.\r\n\r\n{{selection}}\r\n").unwrap();
        assert_eq!((prompt.body.as_str(), prompt.model_line), ("Look.\n\n{{selection}}", 3));
    }

    #[test]
    fn without_a_name_it_is_called_as_its_file_is() {
        assert_eq!(read("---\n---\nLook.").unwrap().name, "review");
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let fault = read(&format!("---\n---\n{}", "a".repeat(LONGEST))).unwrap_err();
        assert!(fault.line == 1 && fault.reason.to_string().contains("64"), "{fault:?}");
        let fault = parse(b"---\nname: a\n---\n\xff", Path::new("a.md"), Source::User).unwrap_err();
        assert_eq!(fault.line, 4);
    }
}
