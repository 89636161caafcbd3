//! Renders what stands below an answer's text and is never sent: the tools that the model asked for, what can only be
//! named, and its sources.

use crate::editor::{ShownPart, ShownPartKind};
use crate::fence;
use crate::provider::wire::citations::is_link;
use crate::transcript::{Citation, Message, ToolCall, Unshown, UnshownKind};
use crate::words::{Locale, Text, say, text};

/// How many different things are named in one line.
const NAMES_SHOWN: usize = 8;
/// The longest title of a source that is shown, in characters.
const LONGEST_TITLE: usize = 100;
/// The longest name of a tool that is shown, in characters.
const LONGEST_NAME: usize = 80;

/// The parts below an answer's text.
#[must_use]
pub fn below(message: &Message, locale: Locale) -> Vec<ShownPart> {
    let mut parts: Vec<ShownPart> = message.calls().map(|call| tool(call, locale)).collect();
    let (ran, others): (Vec<&Unshown>, Vec<&Unshown>) =
        message.unshown().partition(|thing| thing.kind == UnshownKind::Ran);
    let citations: Vec<&Citation> = message.citations().collect();
    if !ran.is_empty() {
        parts.push(named(say!(locale, "part.ran", names = counted(&ran))));
    }
    if !others.is_empty() {
        parts.push(named(say!(locale, "part.unshown", names = counted(&others))));
    }
    if !citations.is_empty() {
        parts.push(sources(&citations, locale));
    }
    parts
}

fn named(line: String) -> ShownPart {
    ShownPart {
        kind: ShownPartKind::Unshown,
        lines: vec![line],
    }
}

/// The different things, each with its number: `2 images, 1 file (a.pdf)`.
fn counted(things: &[&Unshown]) -> Text {
    let mut counts: Vec<(&Unshown, u64)> = Vec::new();
    for thing in things {
        match counts.iter_mut().find(|(known, _)| known == thing) {
            Some((_, count)) => *count += 1,
            None => counts.push((thing, 1)),
        }
    }
    let more = counts.len().saturating_sub(NAMES_SHOWN);
    let mut names = counts.iter().take(NAMES_SHOWN).map(|(thing, count)| one(thing, *count));
    let first = names.next().unwrap_or_else(|| "".into());
    let names = names.fold(first, |all, name| text!("part.list", names = all, name = name));
    match more {
        0 => names,
        more => text!("context.and_more", names = names, count = more),
    }
}

/// One of the different things, which is there so often.
fn one(thing: &Unshown, count: u64) -> Text {
    let name = plain(&thing.name, LONGEST_NAME);
    let kind = match (thing.kind, count) {
        (UnshownKind::Image, 1) => text!("part.image"),
        (UnshownKind::Image, _) => text!("part.images", count = count),
        (UnshownKind::Audio, 1) => text!("part.audio"),
        (UnshownKind::Audio, _) => text!("part.audios", count = count),
        (UnshownKind::Video, 1) => text!("part.video"),
        (UnshownKind::Video, _) => text!("part.videos", count = count),
        (UnshownKind::File, 1) => text!("part.file"),
        (UnshownKind::File, _) => text!("part.files", count = count),
        (UnshownKind::Ran | UnshownKind::Other, _) => {
            let name = if name.is_empty() {
                text!("part.thing")
            } else {
                format!("`{name}`").into()
            };
            return match count {
                1 => name,
                count => text!("part.times", name = name, count = count),
            };
        }
    };
    match name.as_str() {
        "" => kind,
        name => text!("part.with_name", kind = kind, name = format!("`{name}`")),
    }
}

/// A name out of a server's mouth: on one line, without what turns or hides text, and without what would end the code or
/// the link that it stands in.
fn plain(name: &str, longest: usize) -> String {
    let is_hidden = |sign: char| {
        matches!(sign, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let signs = name.chars().filter(|sign| !is_hidden(*sign)).map(|sign| match sign {
        sign if sign.is_control() => ' ',
        '`' => '\'',
        sign => sign,
    });
    let flat: String = signs.take(longest * 4).collect();
    let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = flat.chars().take(longest).collect();
    if cut.len() < flat.len() {
        cut.push('…');
    }
    cut
}

/// The name, and the arguments as a block of JSON.
fn tool(call: &ToolCall, locale: Locale) -> ShownPart {
    let arguments = match serde_json::from_str::<serde_json::Value>(&call.arguments) {
        Ok(value) => format!("{value:#}"),
        Err(_) => call.arguments.clone(), // cut, or no JSON: shown as it came
    };
    let fence = fence::around(&arguments);
    let name = plain(&call.name, LONGEST_NAME);
    let mut lines = vec![say!(locale, "part.tool", name = name), String::new()];
    lines.push(format!("{fence}json"));
    lines.extend(arguments.lines().map(str::to_owned));
    lines.push(fence);
    ShownPart {
        kind: ShownPartKind::Tool,
        lines,
    }
}

fn sources(citations: &[&Citation], locale: Locale) -> ShownPart {
    let mut lines = vec![say!(locale, "part.sources"), String::new()];
    lines.extend(citations.iter().map(|citation| link(citation)));
    ShownPart {
        kind: ShownPartKind::Sources,
        lines,
    }
}

/// A line of the list: a link, or the name of what is not on the web. What comes from a server must not break the line or
/// the brackets, nor call one address by another.
fn link(citation: &Citation) -> String {
    let title = plain(&citation.title, LONGEST_TITLE);
    let url = address(&citation.url);
    let title = escaped(&title);
    if !is_link(&url) {
        let name = if title.is_empty() {
            escaped(&plain(&url, LONGEST_TITLE))
        } else {
            title
        };
        return format!("- {name}");
    }
    if title.is_empty() || title.contains("://") || title == url {
        format!("- <{url}>")
    } else if url.contains(['(', ')']) {
        format!("- [{title}](<{url}>)")
    } else {
        format!("- [{title}]({url})")
    }
}

/// An address without what markdown or the line would take for its end.
fn address(url: &str) -> String {
    let mut safe = String::with_capacity(url.len());
    for sign in url.trim().chars().filter(|sign| !sign.is_control()) {
        match sign {
            ' ' | '<' | '>' | '`' | '\\' => safe.push_str(&format!("%{:02X}", u32::from(sign))),
            sign if sign.is_whitespace() => {}
            sign => safe.push(sign),
        }
    }
    safe
}

/// A title without what markdown would take for a link's end or another link.
fn escaped(title: &str) -> String {
    let other = |sign| match sign {
        '[' => '(',
        ']' => ')',
        '<' => '‹',
        '>' => '›',
        '\\' => '/',
        sign => sign,
    };
    title.chars().map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Block, Role};

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
        assert_eq!(shown("https://a.example/\n# x>", ""), "- <https://a.example/#%20x%3E>");
        assert_eq!(
            shown("https://a.example/", "<https://evil.example>"),
            "- <https://a.example/>"
        );
        assert_eq!(shown("https://a.example/", "a\\"), "- [a/](https://a.example/)");
        assert_eq!(shown("https://a.example/", "`a`"), "- ['a'](https://a.example/)");
        assert_eq!(
            shown("https://a.example/", "\u{202e}a\r\n\tb\u{1b}[31m\u{200b}"),
            "- [a b (31m](https://a.example/)"
        );
        let long = shown("https://a.example/", &"wide 宽 ".repeat(2_000));
        assert!(long.chars().count() < 130 && long.ends_with("…](https://a.example/)"));
    }

    #[test]
    fn a_source_that_is_not_on_the_web_is_a_name_without_a_link() {
        assert_eq!(shown("", "ai.pdf"), "- ai.pdf");
        assert_eq!(shown("", "<https://evil.example>"), "- ‹https://evil.example›");
        assert_eq!(shown("javascript:alert(1)", "A"), "- A");
        assert_eq!(shown("file:///etc/passwd", ""), "- file:///etc/passwd");
    }

    #[test]
    fn what_is_not_shown_is_counted_and_named() {
        let thing = |kind, name: &str| Unshown {
            kind,
            name: name.into(),
        };
        let lines = |things: &[Unshown]| -> Vec<String> {
            let mut message = Message::said(Role::Assistant, "");
            message.blocks = things.iter().cloned().map(Block::Unshown).collect();
            let parts = below(&message, Locale::English);
            parts.into_iter().flat_map(|part| part.lines).collect()
        };
        let (image, search) = (thing(UnshownKind::Image, ""), thing(UnshownKind::Ran, "web_search"));
        assert_eq!(lines(std::slice::from_ref(&image)), ["**1 image, not shown yet**"]);
        let file = thing(UnshownKind::File, "a`b\n.pdf");
        assert_eq!(
            lines(&[image.clone(), search.clone(), file, image, search]),
            [
                "**Run by the provider:** `web_search` (2 times)",
                "**2 images, 1 file (`a'b .pdf`), not shown yet**"
            ]
        );
        let many: Vec<Unshown> = (0..100).map(|n| thing(UnshownKind::Other, &format!("t{n}"))).collect();
        assert!(lines(&many)[0].ends_with("`t7` and 92 more, not shown yet**"));
    }

    #[test]
    fn a_call_of_a_tool_shows_its_arguments_as_a_block_that_they_cannot_end() {
        let call = |arguments: &str| ToolCall {
            id: String::new(),
            name: "search".into(),
            arguments: arguments.into(),
            signature: None,
        };
        let lines = tool(&call(r#"{"q":"x"}"#), Locale::English).lines;
        assert_eq!(lines[2..], ["```json", "{", "  \"q\": \"x\"", "}", "```"]);
        let cut = tool(&call("{\"q\": \"\n```\n"), Locale::English).lines;
        assert_eq!(cut[2..], ["````json", "{\"q\": \"", "```", "````"]);
    }
}
