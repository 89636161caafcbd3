//! Loads prompts: those in this program, and those in the user's own folder (a project's: [`project`](super::project)).
//! Files are read again when they have changed; one that is broken is named, and the others are there all the same.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::built_in::BUILT_IN;
use super::file::{self, Fault};
use super::{Prompt, Source};
use crate::bounded;

/// The most files of a folder that are prompts.
pub(super) const MOST_FILES: usize = 500;
/// The most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// A file that is no prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
    /// Whether it was so already when the folder was last looked into, and the user has been told.
    pub told: bool,
}

impl Broken {
    /// Whether its prompt is asked for by this name, as far as can be told: that of the file.
    pub fn is_named(&self, name: &str) -> bool {
        self.file.file_stem().is_some_and(|stem| stem == name)
    }
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf {
    /// Its prompts, in the order of their files' names.
    pub prompts: Vec<Prompt>,
    /// The files that are none.
    pub broken: Vec<Broken>,
}

/// When a file was last changed, and its length: a change shows in one of them.
type Stamp = (Option<SystemTime>, u64);

/// What a file held when it was read.
type Read = (Stamp, Result<Prompt, Fault>);

/// What [`Library`] has read, by file.
pub(super) type Known = HashMap<PathBuf, Read>;

/// What was read earlier. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Library {
    pub(super) read: Arc<Mutex<Known>>,
}

/// The built-in prompts.
pub fn built_in() -> Vec<Prompt> {
    let parse = |(name, text): &(&str, &str)| {
        let mut prompt = file::parse(text.as_bytes(), Path::new(name), Source::BuiltIn).ok()?;
        prompt.file = None;
        Some(prompt)
    };
    BUILT_IN.iter().filter_map(parse).collect()
}

impl Library {
    /// What the user's folder holds; nothing where there is none. Reads files: not to be called where that must not wait.
    pub fn folder(&self, folder: &Path) -> Shelf {
        let mut shelf = Shelf::default();
        // For the whole folder: of two who look at once, one finds all that nobody was told of.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files(folder).unwrap_or_default() {
            let (told, held) = hold(&mut read, &file);
            match held {
                Ok(prompt) => shelf.prompts.push(prompt),
                Err(fault) => shelf.broken.push(Broken { file, fault, told }),
            }
        }
        shelf
    }

    /// Tells of broken files again, the next time, that nobody was told of now.
    pub fn forget(&self, broken: &[Broken]) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for Broken { file, .. } in broken.iter().filter(|broken| !broken.told) {
            read.remove(file);
        }
    }
}

/// What a file holds, and whether that is known from an earlier look.
fn hold(read: &mut Known, path: &Path) -> (bool, Result<Prompt, Fault>) {
    let stamp = stamp(path);
    if let Some((_, held)) = read.get(path).filter(|(earlier, _)| *earlier == stamp) {
        return (true, held.clone());
    }
    let held = match bounded::read(path, file::LONGEST as u64) {
        Ok(content) => file::parse(&content, path, Source::User),
        Err(unread) => Err(file::unreadable(&unread)),
    };
    read.insert(path.to_owned(), (stamp, held.clone()));
    (false, held)
}

fn stamp(path: &Path) -> Stamp {
    let facts = fs::metadata(path).ok();
    let changed = facts.as_ref().and_then(|facts| facts.modified().ok());
    (changed, facts.map_or(0, |facts| facts.len()))
}

/// The markdown files of a folder, sorted; `None` where there is none, or so much that it is no folder of prompts.
pub(super) fn files(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder).ok()?;
    let is_prompt = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md") && !path.is_dir();
    let paths = entries.by_ref().take(MOST_ENTRIES).flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths.filter(is_prompt).collect();
    if entries.next().is_some() {
        tracing::warn!(folder = %folder.display(), "more entries than a folder of prompts has");
        return None;
    }
    files.sort();
    files.truncate(MOST_FILES);
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_actions_are_files_of_the_same_form_in_the_order_of_the_table() {
        let table: serde_json::Value = serde_json::from_str(include_str!("../../data/actions.json")).unwrap();
        let listed = table
            .as_array()
            .unwrap()
            .iter()
            .map(|action| action["name"].as_str().unwrap());
        let names: Vec<String> = built_in().into_iter().map(|prompt| prompt.name).collect();
        assert!(names.iter().map(String::as_str).eq(listed), "{names:?}");
    }

    #[test]
    fn a_broken_file_is_known_for_one_and_skips_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.md"), "---\n---\nLook.").unwrap();
        fs::write(folder.path().join("b.md"), "---\nnmae: x\n---\nLook.").unwrap();
        fs::write(folder.path().join("c.txt"), "no prompt").unwrap();
        let library = Library::default();
        let names = |shelf: &Shelf| {
            shelf
                .prompts
                .iter()
                .map(|prompt| prompt.name.clone())
                .collect::<Vec<_>>()
        };
        let first = library.folder(folder.path());
        assert_eq!((names(&first), first.broken.len()), (vec!["a".to_owned()], 1));
        assert_eq!(
            (first.broken[0].fault.line, first.broken[0].file.ends_with("b.md")),
            (2, true)
        );
        let again = library.folder(folder.path());
        assert_eq!((names(&again), again.broken[0].told), (vec!["a".to_owned()], true));
        assert_eq!((first.broken[0].told, first.broken[0].is_named("b")), (false, true));
        fs::write(folder.path().join("b.md"), "---\nname: b\n---\nLook there.").unwrap();
        assert_eq!(names(&library.folder(folder.path())), ["a", "b"]);
    }

    #[test]
    fn of_several_who_look_at_once_one_tells_of_all_broken_files() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..50 {
            fs::write(folder.path().join(format!("{number}.md")), "---\nnmae: x\n---\nLook.").unwrap();
        }
        let library = Library::default();
        let untold = || {
            let shelf = library.folder(folder.path());
            shelf.broken.iter().filter(|broken| !broken.told).count()
        };
        let mut counts: Vec<usize> = std::thread::scope(|scope| {
            let looks: Vec<_> = (0..8).map(|_| scope.spawn(untold)).collect();
            looks.into_iter().map(|look| look.join().unwrap()).collect()
        });
        counts.sort_unstable();
        assert_eq!(counts, [0, 0, 0, 0, 0, 0, 0, 50]);
    }

    #[test]
    fn a_folder_that_is_missing_holds_nothing() {
        assert_eq!(Library::default().folder(Path::new("/no/such")), Shelf::default());
    }

    #[test]
    fn a_file_of_3_gb_is_named_as_too_long_and_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.md"), "---\n---\nLook.").unwrap();
        let huge = fs::File::create(folder.path().join("b.md")).unwrap();
        huge.set_len(3_000_000_000).unwrap();
        let shelf = Library::default().folder(folder.path());
        assert_eq!((shelf.prompts.len(), shelf.broken.len()), (1, 1));
        assert!(shelf.broken[0].fault.reason.to_string().contains("64 KiB"), "{shelf:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_that_is_called_as_a_prompt_is_named_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let path = folder.path().join("a.md");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let shelf = Library::default().folder(folder.path());
        assert!(
            shelf.broken[0].fault.reason.to_string().contains("no ordinary file"),
            "{shelf:?}"
        );
    }

    #[test]
    fn a_folder_with_more_entries_than_prompts_ever_are_is_passed_by() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.md"), "---\n---\nLook.").unwrap();
        assert_eq!(files(folder.path()).unwrap().len(), 1);
        for number in 0..MOST_ENTRIES {
            fs::write(folder.path().join(format!("{number}.txt")), "").unwrap();
        }
        assert_eq!(files(folder.path()), None);
    }
}
