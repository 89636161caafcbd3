//! The prompts that a project brings along (`.gpt/prompts/`), read as one set with a hash of all that it holds: the user
//! allows what they were asked about, and nothing that comes later.
//!
//! Nothing is taken from an earlier look, since time stamps can be set; and nothing from outside of the project, whatever
//! its links say.

use std::path::{Component, Path, PathBuf};
use std::sync::PoisonError;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::library::{self, Broken, Known, Library, Shelf};
use super::{Prompt, Source, file};
use crate::bounded::{self, Unread};

/// The project's folder of prompts, seen from its root.
pub const FOLDER: &str = ".gpt/prompts";
/// The most bytes of all its prompts together.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A project's prompts, as they were read together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectPrompts {
    /// What the folder holds.
    pub shelf: Shelf,
    /// A hash of the names and contents of all its files, and of which built-in actions they replace.
    pub digest: String,
    /// Which built-in actions they replace.
    pub replaces: Vec<String>,
}

impl ProjectPrompts {
    /// Whether there is a prompt of this name.
    pub fn has(&self, name: &str) -> bool {
        self.shelf.prompts.iter().any(|prompt| prompt.name == name)
    }

    /// The names of the prompts: those first that replace a built-in action.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.shelf.prompts.iter().map(|prompt| prompt.name.as_str()).collect();
        names.sort_by_key(|name| (!self.replaces.iter().any(|replaced| replaced == name), *name));
        names.dedup();
        names
    }
}

impl Library {
    /// The prompts of the project with this root; `None` where it has no folder of them. Reads files: not to be called
    /// where that must not wait.
    pub fn of_project(&self, root: &Path) -> Option<ProjectPrompts> {
        let folder = folder(root)?;
        let contents = contents(&folder)?;
        let mut shelf = Shelf::default();
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, content) in &contents {
            let held = match content {
                Ok(content) => file::parse(content, path, Source::Project),
                Err(unread) => Err(file::unreadable(unread)),
            };
            let told = is_told(&mut known, path, &held);
            match held {
                Ok(prompt) => shelf.prompts.push(prompt),
                Err(fault) => shelf.broken.push(Broken {
                    file: path.clone(),
                    fault,
                    told,
                }),
            }
        }
        drop(known);
        let replaces = replaced(&shelf.prompts);
        let digest = digest(&contents, &replaces);
        Some(ProjectPrompts {
            shelf,
            digest,
            replaces,
        })
    }
}

/// The real folder of a project's prompts, if it lies in the project and not among git's own files.
fn folder(root: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let folder = root.join(FOLDER).canonicalize().ok()?;
    let within = folder.strip_prefix(&root).ok();
    let is_ours = within.is_some_and(|path| !path.components().any(|part| part == Component::Normal(".git".as_ref())));
    if !is_ours {
        tracing::warn!(folder = %folder.display(), "a folder of prompts is not used: it lies outside of its project");
    }
    is_ours.then_some(folder)
}

/// A file, and what it holds.
type Content = (PathBuf, Result<Vec<u8>, Unread>);

/// The files of the folder; `None` where they are too much to be prompts.
fn contents(folder: &Path) -> Option<Vec<Content>> {
    let mut contents = Vec::new();
    let mut bytes = 0;
    for path in library::files(folder)? {
        // A link out of the folder could name anything.
        if path.canonicalize().is_ok_and(|real| !real.starts_with(folder)) {
            continue;
        }
        let content = bounded::read(&path, file::LONGEST as u64);
        bytes += content.as_ref().map_or(0, Vec::len);
        if bytes > MOST_BYTES {
            tracing::warn!(folder = %folder.display(), "more bytes than a folder of prompts has");
            return None;
        }
        contents.push((path, content));
    }
    Some(contents)
}

/// Which built-in actions these prompts replace.
fn replaced(prompts: &[Prompt]) -> Vec<String> {
    let ours = library::built_in().into_iter().map(|prompt| prompt.name);
    ours.filter(|name| prompts.iter().any(|prompt| prompt.name == *name))
        .collect()
}

fn digest(contents: &[Content], replaces: &[String]) -> String {
    let mut hash = Sha256::new();
    // Each with its length: no two lists of them read alike.
    let mut take = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (path, content) in contents {
        take(path.file_name().unwrap_or_default().as_encoded_bytes());
        match content {
            Ok(content) => take(content),
            Err(unread) => take(format!("unread: {unread}").as_bytes()),
        }
    }
    replaces.iter().for_each(|name| take(name.as_bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a file was broken in this way already; from now on it was.
fn is_told(known: &mut Known, path: &Path, held: &Result<Prompt, file::Fault>) -> bool {
    let told = held.is_err() && known.get(path).is_some_and(|(_, earlier)| earlier == held);
    known.insert(path.to_owned(), ((None::<SystemTime>, 0), held.clone()));
    told
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(FOLDER)).unwrap();
        for (name, content) in files {
            fs::write(root.path().join(FOLDER).join(name), content).unwrap();
        }
        root
    }

    fn of(root: &Path) -> ProjectPrompts {
        Library::default().of_project(root).unwrap()
    }

    const ONE: &str = "---\n---\nLook.";

    #[test]
    fn the_hash_is_another_for_another_name_another_text_and_another_file() {
        let root = project(&[("a.md", ONE)]);
        let first = of(root.path()).digest;
        assert_eq!(first, of(root.path()).digest);
        let at = |name: &str| root.path().join(FOLDER).join(name);
        let stamp = fs::metadata(at("a.md")).unwrap().modified().unwrap();
        fs::write(at("a.md"), "---\n---\nL0ok.").unwrap();
        fs::File::options()
            .write(true)
            .open(at("a.md"))
            .unwrap()
            .set_modified(stamp)
            .unwrap();
        let second = of(root.path()).digest;
        fs::rename(at("a.md"), at("b.md")).unwrap();
        let third = of(root.path()).digest;
        fs::write(at("c.md"), "no prompt").unwrap();
        let fourth = of(root.path()).digest;
        let mut all = vec![first, second, third, fourth];
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn what_replaces_a_built_in_action_is_named_first() {
        let root = project(&[("a.md", ONE), ("z.md", "---\nname: fix\n---\nLook.")]);
        let found = of(root.path());
        assert_eq!(
            (found.names(), found.replaces.as_slice()),
            (vec!["fix", "a"], &["fix".to_owned()][..])
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_project_is_not_followed_neither_as_file_nor_as_folder() {
        use std::os::unix::fs::symlink;
        let (root, other) = (project(&[("a.md", ONE)]), project(&[("b.md", ONE)]));
        symlink(
            other.path().join(FOLDER).join("b.md"),
            root.path().join(FOLDER).join("b.md"),
        )
        .unwrap();
        assert_eq!(of(root.path()).names(), ["a"]);
        fs::remove_dir_all(root.path().join(".gpt")).unwrap();
        symlink(other.path().join(".gpt"), root.path().join(".gpt")).unwrap();
        assert_eq!(Library::default().of_project(root.path()), None);
        fs::remove_file(root.path().join(".gpt")).unwrap();
        fs::create_dir_all(root.path().join(".git/prompts")).unwrap();
        symlink(".git", root.path().join(".gpt")).unwrap();
        assert_eq!(Library::default().of_project(root.path()), None);
    }
}
