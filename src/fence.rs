//! Markdown's code fences: finds one that an answer left open.

/// What would close the code fence that `text` leaves open, if it does: a line of its fence characters.
///
/// By CommonMark 0.31 §4.5: a fence is three or more backticks or tildes after at most three spaces; a closing one has
/// the same character, is at least as long, and stands alone; the info string of a backtick fence holds no backtick.
pub fn unclosed(text: &str) -> Option<String> {
    let mut open: Option<(char, usize)> = None;
    for line in text.lines() {
        let Some((mark, length, rest)) = fence(line) else {
            continue;
        };
        match open {
            None if mark == '~' || !rest.contains('`') => open = Some((mark, length)),
            Some((opened, least)) if mark == opened && length >= least && rest.trim().is_empty() => open = None,
            _ => {}
        }
    }
    open.map(|(mark, length)| String::from(mark).repeat(length))
}

/// A fence of backticks that nothing in `text` can close.
pub fn around(text: &str) -> String {
    let lengths = text.lines().filter_map(fence).map(|(_, length, _)| length);
    "`".repeat(lengths.max().map_or(3, |length| length + 1))
}

/// The fence that a line begins with: its character, its length, and what follows it.
pub fn fence(line: &str) -> Option<(char, usize, &str)> {
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
    use super::unclosed;

    #[test]
    fn a_closed_fence_needs_nothing() {
        assert_eq!(unclosed("a\n```lua\nx\n```\nb"), None);
        assert_eq!(unclosed("no fence at all"), None);
    }

    #[test]
    fn an_open_fence_is_closed_by_its_own_characters() {
        assert_eq!(unclosed("```lua\nx = 1").as_deref(), Some("```"));
        assert_eq!(unclosed("~~~~\nx").as_deref(), Some("~~~~"));
    }

    #[test]
    fn a_shorter_or_other_fence_within_does_not_close_it() {
        assert_eq!(unclosed("````md\n```lua\nx\n```\n").as_deref(), Some("````"));
        assert_eq!(unclosed("```\n~~~\n").as_deref(), Some("```"));
    }

    #[test]
    fn inline_backticks_and_indented_code_open_nothing() {
        assert_eq!(unclosed("```inline``` text"), None);
        assert_eq!(unclosed("    ```\n"), None);
    }
}
