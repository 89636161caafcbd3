//! Commit messages: how a project writes them, and the one in an answer.

use super::fill::fenced;
use crate::fence::{self, Line};

/// The types of Conventional Commits, as its users know them (<https://www.conventionalcommits.org/en/v1.0.0/>).
const TYPES: [&str; 11] = [
    "build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test",
];

/// How to write a message here, told to the model.
pub fn style(subjects: &[String]) -> String {
    if subjects.is_empty() {
        return String::new();
    }
    let log = fenced("text", &subjects.join("\n"));
    let advice = if is_conventional(subjects) {
        "Write it as Conventional Commits (`type(scope): subject`), as this project's last commits do:"
    } else {
        "Write it in the language and style of this project's last commits, without a type before the subject:"
    };
    format!("{advice}\n{log}")
}

/// Whether most subjects are Conventional Commits.
fn is_conventional(subjects: &[String]) -> bool {
    let count = subjects.iter().filter(|subject| has_type(subject)).count();
    count * 2 > subjects.len()
}

fn has_type(subject: &str) -> bool {
    let Some((head, _)) = subject.split_once(": ") else {
        return false;
    };
    let head = head.strip_suffix('!').unwrap_or(head);
    let (kind, scope) = head.split_once('(').unwrap_or((head, ")"));
    TYPES.contains(&kind) && scope.ends_with(')')
}

/// The message in an answer: its first fenced block, else all of it.
pub fn message(answer: &str) -> Vec<String> {
    let block = fence::lines(answer).skip_while(|(_, line)| !matches!(line, Line::Opens(_)));
    let inside = block.skip(1).take_while(|(_, line)| *line == Line::Code);
    let inside: Vec<&str> = inside.map(|(text, _)| text).collect();
    let block = Some(inside.join("\n")).filter(|block| !block.trim().is_empty());
    let text = block.unwrap_or_else(|| answer.to_owned());
    text.trim().lines().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(subjects: &[&str]) -> Vec<String> {
        subjects.iter().map(|&subject| subject.to_owned()).collect()
    }

    #[test]
    fn a_habit_is_what_most_subjects_show() {
        let habit = |subjects: &[&str]| style(&log(subjects)).contains("Conventional");
        assert!(habit(&["feat: a", "fix(ui)!: b", "Bump c"]));
        assert!(!habit(&["feat: a", "Fix b", "Add c", "note: d"]));
        assert!(!habit(&["feat: a", "Fix b"]));
        assert_eq!(style(&[]), "");
    }

    #[test]
    fn a_message_is_the_fenced_block_else_all() {
        assert_eq!(
            message("Here:\n```text\nfeat: a\n\nWhy.\n```\nBye"),
            ["feat: a", "", "Why."]
        );
        assert_eq!(message("\nfeat: a  \n"), ["feat: a"]);
        assert_eq!(message("```\nfeat: a"), ["feat: a"]);
        assert_eq!(message("~~~~\nfix: b\n```\n~~~~\n```\nno\n```"), ["fix: b", "```"]);
        assert_eq!(message(""), Vec::<String>::new());
    }
}
