//! The walk through a project's folders.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ignore::{DirEntry, WalkBuilder, WalkState};

/// No more files are kept of one project: a home folder holds millions.
const MOST: usize = 200_000;
/// No walk takes longer; what was found until then is the list.
const LONGEST: Duration = Duration::from_secs(10);
/// The folders of version control, which are no part of the project.
const VERSION_CONTROL: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// A project's files at one time.
#[derive(Debug)]
pub struct Listing {
    /// In no order.
    pub entries: Vec<Entry>,
    /// When it was begun.
    pub made: Instant,
    /// How long the walk took.
    pub took: Duration,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the root, with `/` between its parts.
    pub path: Box<str>,
    /// The same in small letters, if that is another text.
    folded: Option<Box<str>>,
    /// Whether it, or a folder it is in, begins with a dot.
    pub is_hidden: bool,
}

impl Entry {
    /// `path` is relative to the root.
    pub fn new(path: &str) -> Self {
        let folded = path.to_lowercase();
        Self {
            is_hidden: path.split('/').any(|part| part.starts_with('.')),
            folded: (folded != path).then(|| folded.into()),
            path: path.into(),
        }
    }

    /// The path in small letters.
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.path)
    }
}

/// All files below `root`. Folders that cannot be read are passed over; symbolic links to folders are not followed, so
/// that no circle is walked.
pub fn walk(root: &Path, start: Instant) -> Listing {
    let found = Arc::new(Mutex::new(Vec::new()));
    let count = AtomicUsize::new(0);
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .parents(false)
        .require_git(false)
        .filter_entry(|entry| !VERSION_CONTROL.iter().any(|name| entry.file_name() == *name));
    builder.build_parallel().run(|| {
        let mut batch = Batch::new(&found);
        let count = &count;
        Box::new(move |entry| {
            if let Some(entry) = entry.ok().and_then(|entry| file(root, &entry)) {
                batch.entries.push(entry);
                if count.fetch_add(1, Ordering::Relaxed) >= MOST {
                    return WalkState::Quit;
                }
            }
            if start.elapsed() > LONGEST {
                return WalkState::Quit;
            }
            WalkState::Continue
        })
    });
    let entries = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    Listing {
        entries,
        made: start,
        took: start.elapsed(),
    }
}

/// What one thread finds, handed over at its end.
struct Batch {
    entries: Vec<Entry>,
    all: Arc<Mutex<Vec<Entry>>>,
}

impl Batch {
    fn new(all: &Arc<Mutex<Vec<Entry>>>) -> Self {
        Self {
            entries: Vec::new(),
            all: all.clone(),
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(&mut self.entries);
    }
}

/// A file, by a name that can be typed: of one line, and text.
fn file(root: &Path, entry: &DirEntry) -> Option<Entry> {
    let kind = entry.file_type()?;
    let is_file = kind.is_file() || (kind.is_symlink() && entry.path().is_file());
    if !is_file {
        return None;
    }
    let path = entry.path().strip_prefix(root).ok()?.to_str()?;
    if path.is_empty() || path.contains(char::is_control) {
        return None;
    }
    Some(match std::path::MAIN_SEPARATOR {
        '/' => Entry::new(path),
        other => Entry::new(&path.replace(other, "/")),
    })
}
