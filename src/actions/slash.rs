//! `/explain more words` in a chat's prompt: at its start, or right below the code that it begins with.

/// An action named in a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slash {
    /// The action's name.
    pub name: String,
    /// What stands behind it in its line.
    pub words: String,
    /// What else stands in the prompt.
    pub rest: String,
}

/// The action that a prompt names, if it does; whether there is one of that name is not known here.
pub fn find(prompt: &str) -> Option<Slash> {
    let mut open: Option<&str> = None;
    let mut heading = false;
    for (index, line) in prompt.lines().enumerate() {
        let bare = line.trim();
        if let Some(fence) = open {
            if bare.starts_with(fence) && bare.trim_start_matches('`').is_empty() {
                (open, heading) = (None, false);
            }
        } else if bare.starts_with("```") {
            let length = bare.len() - bare.trim_start_matches('`').len();
            open = bare.get(..length);
        } else if let Some((name, words)) = named(line).filter(|_| !heading) {
            return Some(Slash {
                name: name.to_owned(),
                words: words.trim().to_owned(),
                rest: without_line(prompt, index),
            });
        } else if !bare.is_empty() {
            // A line that says where the code below it comes from may stand before; more is prose.
            if heading {
                return None;
            }
            heading = true;
        }
    }
    None
}

/// The name that a line begins with, and what follows it.
fn named(line: &str) -> Option<(&str, &str)> {
    let text = line.strip_prefix('/')?;
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (name, words) = text.split_at_checked(end)?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    is_name.then_some((name, words))
}

fn without_line(prompt: &str, left_out: usize) -> String {
    let lines = prompt.lines().enumerate().filter(|(index, _)| *index != left_out);
    let text = lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    text.trim_matches('\n').trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(prompt: &str) -> Option<(String, String, String)> {
        find(prompt).map(|slash| (slash.name, slash.words, slash.rest))
    }

    fn is(name: &str, words: &str, rest: &str) -> Option<(String, String, String)> {
        Some((name.into(), words.into(), rest.into()))
    }

    #[test]
    fn an_action_stands_at_the_start_or_below_the_code() {
        assert_eq!(found("/explain"), is("explain", "", ""));
        assert_eq!(found("\n/fix  it now \n\nplease"), is("fix", "it now", "please"));
        let block = "From `a`, line 1:\n\n```lua\n/no\n```";
        assert_eq!(found(&format!("{block}\n\n/tests\n")), is("tests", "", block));
        assert_eq!(
            found(&format!("{block}\n\n{block}\n/tests")),
            is("tests", "", &format!("{block}\n\n{block}"))
        );
        assert_eq!(found(&format!("/tests\n{block}")), is("tests", "", block));
    }

    #[test]
    fn a_path_prose_or_code_names_no_action() {
        for prompt in [
            "/etc/hosts is what?",
            "/",
            "/ x",
            "What is this?\n/explain",
            " /explain",
            "```\n/explain\n```",
            "````\n```\n/explain",
        ] {
            assert_eq!(found(prompt), None, "{prompt}");
        }
    }
}
