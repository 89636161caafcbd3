//! Lists the built-in prompts. Made of data/actions.json by scripts/messages: change that, and run it.

/// The names of the built-in actions, and their prompts, as files of the library are.
pub const BUILT_IN: [(&str, &str); 7] = [
    ("explain", include_str!("explain.md")),
    ("fix", include_str!("fix.md")),
    ("refactor", include_str!("refactor.md")),
    ("document", include_str!("document.md")),
    ("tests", include_str!("tests.md")),
    ("problems", include_str!("problems.md")),
    ("commit", include_str!("commit.md")),
];
