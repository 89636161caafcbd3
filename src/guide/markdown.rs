//! Turns the body of a help section into markdown.

/// The language of the code block that this line of help text opens (`text: >lua`); empty when it names none.
#[must_use]
pub fn opens_code(line: &str) -> Option<&str> {
    let (before, language) = line.trim_end().rsplit_once('>')?;
    let marks = before.is_empty() || before.ends_with(' ');
    (marks && language.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(language)
}

/// Converts help text: `>lua … <` becomes a fenced block, columns become a list, paragraphs one line each, `|links|`
/// become `:help` commands, and keys such as `<CR>` are kept from being read as HTML.
#[must_use]
pub fn from_help(body: &str) -> String {
    let mut blocks = Blocks::default();
    let mut code: Option<(String, Vec<&str>)> = None;
    for line in body.lines() {
        if let Some((_, lines)) = code.as_mut() {
            if line.is_empty() || line.starts_with([' ', '\t']) {
                lines.push(line);
                continue;
            }
            if let Some((language, lines)) = code.take() {
                blocks.code(&language, &lines);
            }
            blocks.line(
                line.strip_prefix('<')
                    .filter(|rest| rest.trim().is_empty())
                    .unwrap_or(line),
            );
        } else if let Some(language) = opens_code(line) {
            blocks.line(
                line.trim_end()
                    .trim_end_matches(language)
                    .trim_end_matches('>')
                    .trim_end(),
            );
            code = Some((language.to_owned(), Vec::new()));
        } else {
            blocks.line(line);
        }
    }
    if let Some((language, lines)) = code {
        blocks.code(&language, &lines);
    }
    blocks.finish()
}

/// Markdown in the making: finished blocks, and the paragraph or list item that still grows.
#[derive(Default)]
struct Blocks {
    done: Vec<String>,
    open: String,
}

impl Blocks {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            self.close();
        } else if let Some((name, meaning)) = row(line) {
            self.close();
            self.open = format!("- `{name}`: {meaning}");
        } else if is_item(line) {
            self.close();
            self.open = text.to_owned();
        } else {
            let separator = if self.open.is_empty() { "" } else { " " };
            self.open = format!("{}{separator}{text}", self.open);
        }
    }

    fn code(&mut self, language: &str, lines: &[&str]) {
        self.close();
        let indent = lines
            .iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| indent_of(line))
            .min()
            .unwrap_or(0);
        let lines: Vec<&str> = lines
            .iter()
            .map(|line| line.get(indent..).unwrap_or_default())
            .collect();
        self.done
            .push(format!("```{language}\n{}\n```", lines.join("\n").trim_end()));
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(inline(&std::mem::take(&mut self.open)));
        }
    }

    fn finish(mut self) -> String {
        self.close();
        let mut text = String::new();
        let mut after_item = false;
        for block in &self.done {
            let is_item = is_item(block);
            if !text.is_empty() {
                text.push_str(if after_item && is_item { "\n" } else { "\n\n" });
            }
            text.push_str(block);
            after_item = is_item;
        }
        text
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A line of two columns, such as `gr        send the last question again`.
fn row(line: &str) -> Option<(&str, &str)> {
    let (name, meaning) = line
        .split_once("  ")
        .filter(|(name, _)| !name.is_empty() && !name.contains(['`', ' ']))?;
    (!meaning.trim().is_empty()).then_some((name, meaning.trim()))
}

/// Whether a line begins an item of a list, `- …` or `1. …`.
fn is_item(line: &str) -> bool {
    let numbered = line.split_once(". ").is_some_and(|(number, _)| {
        !number.is_empty() && number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbered || line.starts_with("- ")
}

/// Converts what stands within a paragraph; spans of code are left as they are.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['`', '|', '<']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (markdown, length) = span(from);
        out.push_str(&markdown);
        rest = from.get(length..).unwrap_or_default();
    }
    out + rest
}

/// The markdown of the span that `text` begins with, and the span's length in bytes.
fn span(text: &str) -> (String, usize) {
    let inner = |close: char| {
        text.get(1..)
            .and_then(|rest| rest.split_once(close))
            .map(|(inner, _)| inner)
    };
    if text.starts_with('`') {
        let length = inner('`').map_or(1, |code| code.len() + 2);
        return (text.get(..length).unwrap_or_default().to_owned(), length);
    }
    if text.starts_with('|') {
        let tag = inner('|').filter(|tag| !tag.is_empty() && !tag.contains(char::is_whitespace));
        return tag.map_or_else(|| ("|".to_owned(), 1), |tag| (link(tag), tag.len() + 2));
    }
    let is_key = |key: &&str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let Some(key) = inner('>').filter(is_key) else {
        return ("<".to_owned(), 1);
    };
    let mut length = key.len() + 2;
    if let Some(rest) = text.get(length..).filter(|rest| key == "Plug" && rest.starts_with('(')) {
        length += rest.find(')').map_or(0, |at| at + 1);
    }
    (format!("`{}`", text.get(..length).unwrap_or_default()), length)
}

/// A link to a help tag: a command is its own name, everything else is where to read on.
fn link(tag: &str) -> String {
    if tag.starts_with(':') {
        format!("`{tag}`")
    } else {
        format!("`:help {tag}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_becomes_a_fenced_block_with_its_language() {
        let help = "Set it: >lua\n    vim.g.gpt = {\n      a = 1,\n    }\n<\nThen go on.\n";
        assert_eq!(
            from_help(help),
            "Set it:\n\n```lua\nvim.g.gpt = {\n  a = 1,\n}\n```\n\nThen go on."
        );
    }

    #[test]
    fn an_example_that_nothing_closes_is_closed_at_the_end() {
        assert_eq!(from_help("Run: >\n    make\n"), "Run:\n\n```\nmake\n```");
    }

    #[test]
    fn a_paragraph_becomes_one_line() {
        assert_eq!(from_help("One\ntwo.\n\nThree.\n"), "One two.\n\nThree.");
    }

    #[test]
    fn columns_become_a_list_and_their_names_code() {
        let help = "<CR>            send\nq               hide it; an\n                answer goes on\n]]  next\n";
        assert_eq!(
            from_help(help),
            "- `<CR>`: send\n- `q`: hide it; an answer goes on\n- `]]`: next"
        );
    }

    #[test]
    fn keys_and_links_are_code_and_code_stays_as_it_is() {
        assert_eq!(
            from_help("Press <C-c> or <Plug>(gpt-stop)."),
            "Press `<C-c>` or `<Plug>(gpt-stop)`."
        );
        assert_eq!(
            from_help("See |gpt-keys| and |:GPTChat|."),
            "See `:help gpt-keys` and `:GPTChat`."
        );
        assert_eq!(from_help("`a <b> |c|` 1 < 2 | 3"), "`a <b> |c|` 1 < 2 | 3");
    }

    #[test]
    fn a_code_span_may_run_over_the_end_of_a_line() {
        assert_eq!(from_help("Set `key =\nfalse` there."), "Set `key = false` there.");
    }

    #[test]
    fn only_a_marker_at_the_end_of_a_line_opens_code() {
        assert_eq!(opens_code("so: >lua"), Some("lua"));
        assert_eq!(opens_code(">"), Some(""));
        assert_eq!(opens_code("press <CR>"), None);
        assert_eq!(opens_code("a -> b c"), None);
    }
}
