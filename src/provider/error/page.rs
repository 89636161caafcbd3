//! The words of a web page that came instead of the API's answer.

/// The page's title, or else its first text.
pub(super) fn words(page: &str) -> String {
    let title = between(page, "<title", "</title")
        .and_then(|rest| rest.split_once('>'))
        .map(|(_, title)| plain(title));
    match title {
        Some(title) if !title.is_empty() => title,
        _ => first_text(page),
    }
}

fn between<'a>(page: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find(open)? + open.len();
    let end = lower.get(start..)?.find(close).map_or(page.len(), |at| start + at);
    page.get(start..end)
}

/// The first run of text outside of tags, styles and scripts.
fn first_text(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let mut at = 0;
    while let Some(open) = find(&lower, '<', at) {
        let text = plain(page.get(at..open).unwrap_or_default());
        if !text.is_empty() {
            return text;
        }
        let tag = lower.get(open..).unwrap_or_default();
        let silent = ["<style", "<script", "<!--"].iter().zip(["</style", "</script", "-->"]);
        let end = silent
            .filter(|(start, _)| tag.starts_with(**start))
            .find_map(|(_, end)| tag.find(end));
        let Some(close) = find(&lower, '>', open + end.unwrap_or_default()) else {
            return String::new();
        };
        at = close + 1;
    }
    plain(page.get(at..).unwrap_or_default())
}

fn find(text: &str, what: char, from: usize) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| from + at)
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_speaks_for_the_page() {
        assert_eq!(
            words("<!DOCTYPE html><HTML><TITLE lang=en>502\n Bad  Gateway</TITLE><body>x"),
            "502 Bad Gateway"
        );
    }

    #[test]
    fn without_a_title_the_first_text_does() {
        let page = "<html><!-- no --><title></title><style>a{}</style><script>1</script><body>\n<h1>Blocked by İT</h1>";
        assert_eq!(words(page), "Blocked by İT");
    }

    #[test]
    fn broken_pages_do_no_harm() {
        for page in ["<", "<title", "<title>", "<!--", "<a", "<script>"] {
            assert_eq!(words(page), "", "{page}");
        }
    }
}
