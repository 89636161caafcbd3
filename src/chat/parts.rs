//! What stands below an answer's text and is never sent: the tools that the model asked for, and its sources.

use crate::editor::{ShownPart, ShownPartKind};
use crate::fence;
use crate::provider::{Citation, ToolCall};
use crate::words::{Locale, say};

/// The parts below an answer's text.
#[must_use]
pub fn below(calls: &[ToolCall], citations: &[Citation], locale: Locale) -> Vec<ShownPart> {
    let mut parts: Vec<ShownPart> = calls.iter().map(|call| tool(call, locale)).collect();
    if !citations.is_empty() {
        parts.push(sources(citations, locale));
    }
    parts
}

/// The name, and the arguments as a block of JSON.
fn tool(call: &ToolCall, locale: Locale) -> ShownPart {
    let arguments = match serde_json::from_str::<serde_json::Value>(&call.arguments) {
        Ok(value) => format!("{value:#}"),
        Err(_) => call.arguments.clone(), // cut, or no JSON: shown as it came
    };
    let fence = fence::around(&arguments);
    let mut lines = vec![say!(locale, "part.tool", name = &call.name), String::new()];
    lines.push(format!("{fence}json"));
    lines.extend(arguments.lines().map(str::to_owned));
    lines.push(fence);
    ShownPart {
        kind: ShownPartKind::Tool,
        lines,
    }
}

fn sources(citations: &[Citation], locale: Locale) -> ShownPart {
    let mut lines = vec![say!(locale, "part.sources"), String::new()];
    lines.extend(citations.iter().map(link));
    ShownPart {
        kind: ShownPartKind::Sources,
        lines,
    }
}

/// A link in a list. What comes from a server must not break the line or the brackets.
fn link(citation: &Citation) -> String {
    let url: String = citation
        .url
        .chars()
        .filter(|sign| !sign.is_control() && !sign.is_whitespace() && !"<>".contains(*sign))
        .collect();
    let title: String = citation
        .title
        .chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect();
    let title = title.trim().replace('[', "(").replace(']', ")");
    if title.is_empty() || title == url {
        format!("- <{url}>")
    } else if url.contains(['(', ')']) {
        format!("- [{title}](<{url}>)")
    } else {
        format!("- [{title}]({url})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str, title: &str) -> String {
        let (url, title) = (url.to_owned(), title.to_owned());
        link(&Citation { url, title })
    }

    #[test]
    fn a_source_is_a_link_that_no_title_can_break() {
        assert_eq!(shown("https://a.example/x", "A"), "- [A](https://a.example/x)");
        assert_eq!(shown("https://a.example/x", ""), "- <https://a.example/x>");
        assert_eq!(
            shown("https://a.example/x_(y)", "[1]\n#"),
            "- [(1) #](<https://a.example/x_(y)>)"
        );
        assert_eq!(shown("https://a.example/\n# x>", ""), "- <https://a.example/#x>");
    }

    #[test]
    fn a_call_of_a_tool_shows_its_arguments_as_a_block_that_they_cannot_end() {
        let call = |arguments: &str| ToolCall {
            id: String::new(),
            name: "search".into(),
            arguments: arguments.into(),
        };
        let lines = tool(&call(r#"{"q":"x"}"#), Locale::English).lines;
        assert_eq!(lines[2..], ["```json", "{", "  \"q\": \"x\"", "}", "```"]);
        let cut = tool(&call("{\"q\": \"\n```\n"), Locale::English).lines;
        assert_eq!(cut[2..], ["````json", "{\"q\": \"", "```", "````"]);
    }
}
