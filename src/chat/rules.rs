//! The project's own rules, which are added to the system prompt: `AGENTS.md` (<https://agents.md>) and `.gpt/rules.md` of
//! its root. Read when a question is sent, and again when they have changed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The files, seen from the project's root, in the order in which they are sent.
const FILES: [&str; 2] = ["AGENTS.md", ".gpt/rules.md"];
/// The most of a file that is sent, in bytes.
const LONGEST: usize = 32 * 1024;
/// How long reading them may take.
const LIMIT: Duration = Duration::from_secs(2);

/// What a project wants its assistants to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    files: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: PathBuf,
    name: &'static str,
    stamp: (Option<SystemTime>, u64),
    text: String,
    /// Whether there is more than is sent.
    cut: bool,
}

impl Rules {
    /// The rules as they stand now; what has not changed is not read again. Where that takes too long, there are none.
    pub async fn renewed(self, root: Option<&str>) -> Self {
        let Some(root) = root.map(PathBuf::from) else {
            return Self::default();
        };
        let reading = spawn_blocking(move || self.read(&root));
        match timeout(LIMIT, reading).await {
            Ok(Ok(rules)) => rules,
            _ => Self::default(),
        }
    }

    fn read(mut self, root: &Path) -> Self {
        let Ok(root) = root.canonicalize() else {
            return Self::default();
        };
        let known = std::mem::take(&mut self.files);
        let read = FILES.iter().filter_map(|name| file(&root, name, &known));
        Self { files: read.collect() }
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
}

/// A file of rules, if it is there. A link out of the project is not followed: it could name anything.
fn file(root: &Path, name: &'static str, known: &[File]) -> Option<File> {
    let path = root.join(name).canonicalize().ok()?;
    let facts = fs::metadata(&path).ok()?;
    if !path.starts_with(root) || !facts.is_file() {
        return None;
    }
    let stamp = (facts.modified().ok(), facts.len());
    if let Some(file) = known.iter().find(|file| file.path == path && file.stamp == stamp) {
        return Some(file.clone());
    }
    let mut content = Vec::new();
    let opened = fs::File::open(&path).ok()?;
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    opened.take(most).read_to_end(&mut content).ok()?;
    let cut = content.len() > LONGEST;
    content.truncate(LONGEST);
    if cut {
        let end = content.iter().rposition(|&byte| byte == b'\n').unwrap_or(LONGEST);
        content.truncate(end);
    }
    let text = String::from_utf8_lossy(&content).trim().to_owned();
    (!text.is_empty()).then_some(File {
        path,
        name,
        stamp,
        text,
        cut,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, known: Rules) -> Rules {
        known.read(folder)
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
}
