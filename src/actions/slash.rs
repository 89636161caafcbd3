//! Finds the action that a chat's prompt names: `/explain more words` at its start, or right below the code that it begins
//! with, as the cases in `data/slash_cases.json` show. `lua/gpt/slash.lua` is the same for the editor's side.

use crate::fence::{self, Line};

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
    let mut heading = false;
    for (index, (line, kind)) in fence::lines(prompt).enumerate() {
        match kind {
            Line::Opens(_) | Line::Code => {}
            Line::Closes => heading = false,
            Line::Text => {
                if let Some((name, words)) = named(line).filter(|_| !heading) {
                    return Some(Slash {
                        name: name.to_owned(),
                        words: words.trim().to_owned(),
                        rest: without_line(prompt, index),
                    });
                }
                if !line.trim().is_empty() {
                    // A line that says where the code below it comes from may stand before; more is prose.
                    if heading {
                        return None;
                    }
                    heading = true;
                }
            }
        }
    }
    None
}

/// The name that a line begins with, and what follows it.
fn named(line: &str) -> Option<(&str, &str)> {
    let text = line.strip_prefix('/')?;
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (name, words) = text.split_at_checked(end)?;
    // Letters of all scripts; which of them a name can have the library says.
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii());
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
    fn a_prompt_names_the_action_that_the_table_says() {
        let table: serde_json::Value = serde_json::from_str(include_str!("../../data/slash_cases.json")).unwrap();
        for case in table.as_array().unwrap() {
            let name = find(case["prompt"].as_str().unwrap()).map(|slash| slash.name);
            assert_eq!(name.as_deref(), case["names"].as_str(), "{case}");
        }
    }
}
