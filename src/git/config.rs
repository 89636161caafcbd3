//! Parses a git configuration file without git: no include is followed, nothing is run, and only settings that can do no
//! more than change how bytes are compared are taken over (<https://git-scm.com/docs/git-config#_configuration_file>).

/// The settings of `core` that are yes or no and are taken over.
const SWITCHES: [&str; 7] = [
    "filemode",
    "ignorecase",
    "precomposeunicode",
    "symlinks",
    "trustctime",
    "sparsecheckout",
    "sparsecheckoutcone",
];
/// The settings of `core` that are one of some words and are taken over.
const CHOICES: [(&str, &[&str]); 3] = [
    ("autocrlf", &["true", "false", "input"]),
    ("eol", &["lf", "crlf", "native"]),
    ("checkstat", &["default", "minimal"]),
];

/// What of a configuration is read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Whether the repository has no work tree of its own.
    pub is_bare: bool,
    /// Whether its objects' names are SHA-256.
    pub is_sha256: bool,
    /// Whether its refs are kept in reftables.
    pub has_reftables: bool,
    /// `core.worktree`: never used, only compared.
    pub work_tree: Option<String>,
    /// Whether `config.worktree` counts.
    pub per_worktree: bool,
    /// The harmless settings, as `core`'s name and a value that was looked at. The last one of a name counts.
    pub harmless: Vec<(&'static str, &'static str)>,
}

impl Settings {
    /// Takes a file's settings over those that are there.
    pub fn read(&mut self, text: &str) {
        for (name, value) in entries(text) {
            self.set(&name, value.as_deref());
        }
    }

    /// Takes over one setting, `section.name`, without the value if it has none.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        match name {
            "core.bare" => self.is_bare = switch(value) == Some("true"),
            "core.worktree" => self.work_tree = value.map(str::to_owned),
            "extensions.objectformat" => {
                self.is_sha256 = value.is_some_and(|value| value.eq_ignore_ascii_case("sha256"))
            }
            "extensions.refstorage" => {
                self.has_reftables = value.is_some_and(|value| value.eq_ignore_ascii_case("reftable"));
            }
            "extensions.worktreeconfig" => self.per_worktree = switch(value) == Some("true"),
            _ => self.set_harmless(name, value),
        }
    }

    fn set_harmless(&mut self, name: &str, value: Option<&str>) {
        let Some(name) = name.strip_prefix("core.") else { return };
        let known = SWITCHES.into_iter().find(|known| *known == name);
        let taken = match known {
            Some(known) => switch(value).map(|value| (known, value)),
            None => CHOICES
                .into_iter()
                .find(|(known, _)| *known == name)
                .and_then(|(known, words)| {
                    let given = value.unwrap_or("true").to_ascii_lowercase();
                    let word = words.iter().find(|word| **word == given).copied();
                    let word = word.or_else(|| switch(value).filter(|word| words.contains(word)));
                    word.map(|word| (known, word))
                }),
        };
        self.harmless.extend(taken);
    }
}

/// A yes or no by git's rules.
fn switch(value: Option<&str>) -> Option<&'static str> {
    let Some(value) = value else { return Some("true") };
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some("true"),
        "false" | "no" | "off" | "0" | "" => Some("false"),
        _ => None,
    }
}

/// The entries of sections without subsections, as `section.name` in small letters. What cannot be read is passed by.
fn entries(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut section = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim_start_matches('\u{feff}').trim_start();
        if let Some(head) = line.strip_prefix('[') {
            let (name, rest) = head.split_once(']').unwrap_or((head, ""));
            let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            section = is_plain.then(|| name.to_ascii_lowercase());
            line = match is_plain {
                true => rest.trim_start(),
                false => "",
            };
        }
        let length = line
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .unwrap_or(line.len());
        let (name, rest) = line.split_at_checked(length).unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let value = rest
            .trim_start()
            .strip_prefix('=')
            .map(|value| self::value(value, &mut lines));
        if let Some(section) = &section {
            found.push((format!("{section}.{}", name.to_ascii_lowercase()), value));
        }
    }
    found
}

/// A value: without quotes, comments and the spaces around it, its lines joined where one ends in a backslash.
fn value<'a>(first: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let (mut value, mut quoted, mut kept) = (String::new(), false, 0);
    let mut line = first.trim_start();
    'lines: loop {
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    quoted = !quoted;
                    kept = value.len();
                }
                '#' | ';' if !quoted => break 'lines,
                '\\' => match chars.next() {
                    None => match lines.next() {
                        Some(next) => {
                            line = next;
                            continue 'lines;
                        }
                        None => break 'lines,
                    },
                    Some(escaped) => {
                        value.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            'b' => '\u{8}',
                            other => other,
                        });
                        kept = value.len();
                    }
                },
                c => {
                    value.push(c);
                    if quoted || !c.is_whitespace() {
                        kept = value.len();
                    }
                }
            }
        }
        break;
    }
    value.truncate(kept);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        let mut settings = Settings::default();
        settings.read(text);
        settings
    }

    #[test]
    fn only_what_is_harmless_is_taken_over_and_only_with_a_value_that_is_known() {
        let settings = read(
            "\u{feff}[core] bare = no ; as usual\n\tFileMode = off\n\tignorecase\n\tautocrlf = Input # so\n\teol = run-me\n\
             \tfsmonitor = touch x\n\thooksPath = h\n\tsymlinks = !sh\n[filter \"x\"]\n\tclean = touch x\n\tbare = yes\n\
             [include]\n\tpath = other\n[diff]\n\texternal = touch x\n",
        );
        assert!(!settings.is_bare);
        let taken = [("filemode", "false"), ("ignorecase", "true"), ("autocrlf", "input")];
        assert_eq!(settings.harmless, taken);
    }

    #[test]
    fn values_are_read_by_gits_rules() {
        let tree = |text: &str| read(&format!("[core]\nworktree = {text}\n")).work_tree.unwrap();
        assert_eq!(tree(r#"  "../a b" ; c"#), "../a b");
        assert_eq!(tree("../a \\\n b  "), "../a  b");
        assert_eq!(tree(r#"a\"b\\c\td" # "e"#), "a\"b\\c\td # e");
        assert_eq!(tree("a#b"), "a");
        assert_eq!(tree("x\\"), "x");
    }

    #[test]
    fn what_cannot_be_read_is_passed_by() {
        for text in [
            "[core",
            "[]\n=",
            "]\n[core]]]\n= = =",
            "[core]\n\0\u{1}=x\nbare",
            "[a \"]\"]\nb",
            "\\",
            "[core]\nbare=\"",
        ] {
            read(text);
        }
        assert!(
            read("[core]\n????\nbare = true\n[extensions]\nobjectFormat = SHA256\nrefStorage=reftable\n").is_sha256
        );
    }
}
