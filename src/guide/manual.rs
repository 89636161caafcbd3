//! Cuts a Vim help file into the sections that an answer can quote.

use super::markdown;

/// One stretch of the manual that answers a question by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading, without its number and its help markers.
    pub heading: String,
    /// The help tags that lead here, the first being the one to name.
    pub tags: Vec<String>,
    /// The text below the heading, as it stands in the help file.
    pub body: String,
}

impl Section {
    /// The section as markdown: its heading and its body.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let heading = match self.heading.starts_with(':') {
            true => format!("`{}`", self.heading),
            false => self.heading.clone(),
        };
        format!("### {heading}\n\n{}", markdown::from_help(&self.body))
    }
}

/// Parses a help file. A section begins below a ruler (`====` or `----`), or at a line of nothing but tags; the table of
/// contents and the modeline belong to none.
#[must_use]
pub fn parse(help: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut open: Option<Section> = None;
    let mut in_code = false;
    for line in help.lines() {
        let indented = line.is_empty() || line.starts_with([' ', '\t']);
        in_code = (in_code && indented) || markdown::opens_code(line).is_some();
        let (text, tags) = split_tags(line);
        if !in_code && (is_ruler(line) || (text.is_empty() && !tags.is_empty())) {
            sections.extend(open.take().filter(is_quotable));
            open = Some(Section {
                heading: String::new(),
                tags,
                body: String::new(),
            });
        } else if let Some(section) = open.as_mut() {
            if section.heading.is_empty() && !is_modeline(line) {
                section.heading = plain_heading(text);
                section.tags.splice(0..0, tags);
            } else {
                section.body.push_str(line);
                section.body.push('\n');
            }
        }
    }
    sections.extend(open.filter(is_quotable));
    sections
}

fn is_ruler(line: &str) -> bool {
    line.len() > 20 && (line.bytes().all(|byte| byte == b'=') || line.bytes().all(|byte| byte == b'-'))
}

fn is_modeline(line: &str) -> bool {
    line.trim_start().starts_with("vim:")
}

fn is_quotable(section: &Section) -> bool {
    !section.body.trim().is_empty() && !section.heading.is_empty() && section.heading != "CONTENTS"
}

/// `1. Introduction` and `Organization and project ~` as a reader would say them.
fn plain_heading(text: &str) -> String {
    let text = text.trim_end_matches('~').trim();
    let unnumbered = text
        .split_once(". ")
        .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
    unnumbered.map_or(text, |(_, rest)| rest).to_owned()
}

/// Splits the `*tags*` at a line's end from the text before them.
fn split_tags(line: &str) -> (&str, Vec<String>) {
    let mut text = line.trim_end();
    let mut tags = Vec::new();
    loop {
        let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let word = text.get(start..).unwrap_or_default();
        match word.strip_prefix('*').and_then(|word| word.strip_suffix('*')) {
            Some(tag) if !tag.is_empty() => tags.insert(0, tag.to_owned()),
            _ => return (text, tags),
        }
        text = text.get(..start).unwrap_or_default().trim_end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULER: &str = "==============================================================================";

    #[test]
    fn a_ruler_begins_a_section_with_its_heading_and_tags() {
        let sections = parse(&format!(
            "{RULER}\n2. Quick start       *gpt-quick* *other*\n\nBuild it.\n"
        ));
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].heading, "Quick start");
        assert_eq!(sections[0].tags, ["gpt-quick", "other"]);
        assert_eq!(sections[0].body, "\nBuild it.\n");
    }

    #[test]
    fn a_line_of_tags_begins_a_section_whose_heading_follows() {
        let sections = parse("            *:GPT-stop*\n:GPT stop\n\nStops.\n     *a-b*\nA heading ~\n\nText.\n");
        assert_eq!(sections.len(), 2);
        assert_eq!(
            (sections[0].heading.as_str(), sections[0].tags[0].as_str()),
            (":GPT stop", ":GPT-stop")
        );
        assert_eq!(sections[1].heading, "A heading");
    }

    #[test]
    fn stars_in_code_are_no_tags() {
        let sections = parse("   *a*\nHeading ~\n\nCode: >lua\n    *not-a-tag*\n<\nEnd.\n");
        assert_eq!(sections.len(), 1);
        assert!(sections[0].body.contains("*not-a-tag*"));
    }

    #[test]
    fn contents_modeline_and_empty_sections_are_left_out() {
        let help = format!("{RULER}\nCONTENTS   *c*\n\n1. x |x|\n{RULER}\n   *empty*\n{RULER}\n vim:tw=78:ft=help:\n");
        assert_eq!(parse(&help), []);
    }
}
