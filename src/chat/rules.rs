//! The project's own rules, which are added to the system prompt: `AGENTS.md` (<https://agents.md>) and `.gpt/rules.md` of
//! its root. Read when a question is sent, and again when they have changed. Nobody asked for them to be sent: so a file
//! that looks as if it held secrets, by any of its names or by its text, is not, and that is told once; nor is one with
//! another name (a hard link), which could be a secret's: which name that is cannot be looked up, and copying the file helps.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::bounded;
use crate::context::secrets;
use crate::keys::Redactor;

/// The files, seen from the project's root, in the order in which they are sent.
const FILES: [&str; 2] = ["AGENTS.md", ".gpt/rules.md"];
/// The most of a file that is sent, in bytes.
const LONGEST: usize = 32 * 1024;
/// How much more of it is looked at for keys that the cut goes through, in bytes.
const MARGIN: usize = 4 * 1024;
/// How long reading them may take.
const LIMIT: Duration = Duration::from_secs(2);

/// What a project wants its assistants to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    files: Vec<File>,
    /// The names of those that are not sent, why, and what they really are.
    refused: Vec<(&'static str, Refused, PathBuf)>,
}

/// Why a file of rules is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It looks as if it held secrets.
    Secret,
    /// It has another name.
    Linked,
}

/// The files that users were told of, not being sent. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<HashSet<PathBuf>>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: PathBuf,
    name: &'static str,
    stamp: (Option<SystemTime>, u64),
    text: String,
    /// What follows, as far as it is looked at.
    margin: String,
    /// Whether there is more than is sent.
    cut: bool,
    /// Whether the file has another name.
    is_linked: bool,
}

impl Rules {
    /// The rules as they stand now; what has not changed is not read again. Where that takes too long, there are none.
    pub async fn renewed(self, root: Option<&str>, redactor: &Redactor) -> Self {
        let Some(root) = root.map(PathBuf::from) else {
            return Self::default();
        };
        let redactor = redactor.clone();
        let reading = spawn_blocking(move || self.read(&root, &redactor));
        match timeout(LIMIT, reading).await {
            Ok(Ok(rules)) => rules,
            _ => Self::default(),
        }
    }

    fn read(self, root: &Path, redactor: &Redactor) -> Self {
        let Ok(root) = root.canonicalize() else {
            return Self::default();
        };
        let mut rules = Self::default();
        for name in FILES {
            let Some(file) = file(&root, name, &self.files) else {
                continue;
            };
            // Looked at each time: more keys may be known by now.
            let within = file.path.strip_prefix(&root).unwrap_or(&file.path).to_string_lossy();
            // Before the cut: half a key is not known as one.
            let looked_at = file.text.clone() + &file.margin;
            match secrets::sign([name, within.as_ref()], &looked_at, redactor) {
                Some(_) => rules.refused.push((name, Refused::Secret, file.path)),
                None if file.is_linked => rules.refused.push((name, Refused::Linked, file.path)),
                None => rules.files.push(file),
            }
        }
        rules
    }

    /// What is added to the system prompt; empty without rules.
    pub fn text(&self) -> String {
        let section = |file: &File| {
            let end = if file.cut { "\n[cut here, being too long]" } else { "" };
            format!("The rules of this project ({}):\n\n{}{end}", file.name, file.text)
        };
        self.files.iter().map(section).collect::<Vec<_>>().join("\n\n")
    }

    /// The names of the files, and whether each is sent only in part.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.files.iter().map(|file| (file.name, file.cut))
    }

    /// The names of the files that are not sent, and why; each once.
    pub fn refused(&self, told: &Told) -> Vec<(&'static str, Refused)> {
        let mut told = told.0.lock().unwrap_or_else(PoisonError::into_inner);
        let untold = self.refused.iter().filter(|(_, _, path)| told.insert(path.clone()));
        untold.map(|(name, why, _)| (*name, *why)).collect()
    }
}

/// A file of rules, if it is there: an ordinary file of the project. A link out of it is not followed, since it could name
/// anything; nor one into git's own files.
fn file(root: &Path, name: &'static str, known: &[File]) -> Option<File> {
    let path = root.join(name).canonicalize().ok()?;
    let within = path.strip_prefix(root).ok()?;
    if within
        .components()
        .any(|part| part == Component::Normal(".git".as_ref()))
    {
        return None;
    }
    let (opened, facts) = bounded::open(&path).ok()?;
    let stamp = (facts.modified().ok(), facts.len());
    let is_it = |file: &&File| file.path == path && file.name == name && file.stamp == stamp;
    if let Some(file) = known.iter().find(is_it) {
        return Some(File {
            is_linked: has_other_names(&facts),
            ..file.clone()
        });
    }
    let content = bounded::beginning(opened, (LONGEST + MARGIN) as u64).ok()?;
    if memchr::memchr(0, &content).is_some() {
        return None; // no text
    }
    let cut = content.len() > LONGEST;
    let end = match cut {
        true => last_end(content.get(..LONGEST).unwrap_or_default()),
        false => content.len(),
    };
    let (sent, rest) = content.split_at(end);
    let text = String::from_utf8_lossy(sent).trim().to_owned();
    (!text.is_empty()).then(|| File {
        path,
        name,
        stamp,
        text,
        margin: String::from_utf8_lossy(rest).into_owned(),
        cut,
        is_linked: has_other_names(&facts),
    })
}

/// Where a text that is too long is cut: behind its last line, or its last word where it is one line. Never within a word,
/// which could be a key of which the beginning is left.
fn last_end(text: &[u8]) -> usize {
    let line = text.iter().rposition(|&byte| byte == b'\n');
    let word = || text.iter().rposition(u8::is_ascii_whitespace);
    line.or_else(word).unwrap_or_default()
}

/// Whether a file has more than one name ([stat(2)](https://man7.org/linux/man-pages/man3/stat.3type.html), `st_nlink`).
#[cfg(unix)]
fn has_other_names(facts: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(facts) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::keys::Secret;

    fn read(folder: &Path, known: Rules) -> Rules {
        known.read(folder, &Redactor::default())
    }

    fn names(rules: &Rules) -> Vec<(&'static str, bool)> {
        rules.names().collect()
    }

    #[test]
    fn both_files_are_read_and_read_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), Rules::default()).text(), "");
        fs::write(folder.path().join("AGENTS.md"), "\nUse tabs.\n").unwrap();
        fs::create_dir(folder.path().join(".gpt")).unwrap();
        fs::write(folder.path().join(".gpt/rules.md"), "Be brief.").unwrap();
        let rules = read(folder.path(), Rules::default());
        let expected = "The rules of this project (AGENTS.md):\n\nUse tabs.\n\n\
                        The rules of this project (.gpt/rules.md):\n\nBe brief.";
        assert_eq!(rules.text(), expected);
        assert_eq!(names(&rules), [("AGENTS.md", false), (".gpt/rules.md", false)]);
        fs::write(folder.path().join("AGENTS.md"), "Use spaces.").unwrap();
        fs::remove_file(folder.path().join(".gpt/rules.md")).unwrap();
        let changed = read(folder.path(), rules);
        assert_eq!(changed.text(), "The rules of this project (AGENTS.md):\n\nUse spaces.");
    }

    #[test]
    fn a_long_file_is_cut_at_a_line_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("AGENTS.md"), "ção\n".repeat(LONGEST)).unwrap();
        let rules = read(folder.path(), Rules::default());
        assert_eq!(names(&rules), [("AGENTS.md", true)]);
        assert!(rules.text().ends_with("ção\n[cut here, being too long]") && rules.text().len() < LONGEST + 100);
    }

    #[test]
    fn a_long_file_is_never_cut_within_a_word_and_a_key_at_the_cut_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("AGENTS.md");
        let redactor = Redactor::new(vec![Secret::new("hunter2-hunter2-hunter2".into()).unwrap()]);
        let one_line = "word ".repeat(LONGEST / 5 - 2);
        fs::write(&path, format!("{one_line}{}", "x".repeat(LONGEST))).unwrap();
        let rules = Rules::default().read(folder.path(), &redactor);
        assert!(
            rules.text().ends_with("word\n[cut here, being too long]"),
            "{}",
            rules.text().len()
        );
        fs::write(&path, "x".repeat(2 * LONGEST)).unwrap();
        assert_eq!(Rules::default().read(folder.path(), &redactor), Rules::default());
        for at in 0..40 {
            let before = LONGEST - 30 + at;
            let key = format!("{} hunter2-hunter2-hunter2\nmore", "y\n".repeat(before / 2));
            fs::write(&path, key + &"z".repeat(LONGEST)).unwrap();
            let rules = Rules::default().read(folder.path(), &redactor);
            assert_eq!(rules.text(), "", "{at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_another_name_is_refused_and_a_copy_of_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join(".env"), "PASSWORD=opensesame").unwrap();
        fs::hard_link(root.join(".env"), root.join("AGENTS.md")).unwrap();
        let rules = read(root, Rules::default());
        let refused = vec![("AGENTS.md", Refused::Linked)];
        assert_eq!((rules.text().as_str(), rules.refused(&Told::default())), ("", refused));
        fs::copy(root.join("AGENTS.md"), root.join("copy")).unwrap();
        fs::rename(root.join("copy"), root.join("AGENTS.md")).unwrap();
        assert_eq!(names(&read(root, rules)), [("AGENTS.md", false)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_project_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (project, secret) = (folder.path().join("project"), folder.path().join("id_rsa"));
        fs::create_dir(&project).unwrap();
        fs::write(&secret, "PRIVATE").unwrap();
        std::os::unix::fs::symlink(&secret, project.join("AGENTS.md")).unwrap();
        assert_eq!(read(&project, Rules::default()).text(), "");
        fs::write(project.join("CLAUDE.md"), "Use tabs.").unwrap();
        fs::remove_file(project.join("AGENTS.md")).unwrap();
        std::os::unix::fs::symlink("CLAUDE.md", project.join("AGENTS.md")).unwrap();
        assert!(read(&project, Rules::default()).text().ends_with("Use tabs."));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_within_the_project_is_followed_unless_it_leads_to_secrets_or_to_gits_files() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("AGENTS.md"), "Use tabs.").unwrap();
        fs::create_dir(root.join(".gpt")).unwrap();
        symlink("../AGENTS.md", root.join(".gpt/rules.md")).unwrap();
        assert_eq!(names(&read(root, Rules::default())).len(), 2);
        fs::write(root.join(".env"), "A=b").unwrap();
        fs::remove_file(root.join("AGENTS.md")).unwrap();
        symlink(".env", root.join("AGENTS.md")).unwrap();
        let told = Told::default();
        let rules = read(root, Rules::default());
        let refused = vec![("AGENTS.md", Refused::Secret)];
        assert_eq!((rules.text().as_str(), rules.refused(&told)), ("", refused));
        assert_eq!(read(root, rules).refused(&told), vec![]);
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(root.join(".git/config"), "[core]").unwrap();
        fs::remove_file(root.join("AGENTS.md")).unwrap();
        symlink(".git/config", root.join("AGENTS.md")).unwrap();
        assert_eq!(read(root, Rules::default()), Rules::default());
    }

    #[test]
    fn rules_with_a_key_are_refused_once_the_key_is_known() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("AGENTS.md"), "Ask with hunter2-hunter2.").unwrap();
        let redactor = Redactor::default();
        let rules = Rules::default().read(folder.path(), &redactor);
        assert_eq!(names(&rules), [("AGENTS.md", false)]);
        redactor.learn(&Secret::new("hunter2-hunter2".into()).unwrap());
        let rules = rules.read(folder.path(), &redactor);
        assert_eq!(
            (names(&rules), rules.refused(&Told::default())),
            (vec![], vec![("AGENTS.md", Refused::Secret)])
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_and_what_is_no_text_are_no_rules() {
        let folder = tempfile::tempdir().unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let path = folder.path().join("AGENTS.md");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        fs::create_dir(folder.path().join(".gpt")).unwrap();
        fs::write(folder.path().join(".gpt/rules.md"), "a\0b").unwrap();
        assert_eq!(read(folder.path(), Rules::default()), Rules::default());
    }
}
