//! Matches and ranks file names for completion, by what is typed.

use std::collections::HashSet;

use memchr::memmem::Finder;

use super::tree::{Entry, Listing};
use super::{Found, Wanted};

/// How well a file fits; the smaller, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    fit: Fit,
    /// Whether it is not open in the editor.
    is_closed: bool,
    /// How many folders it lies deep.
    depth: usize,
    length: usize,
}

/// Where what is typed stands in a path, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is the file's name.
    Name,
    /// The name begins with it.
    NameStart,
    /// The path begins with it.
    PathStart,
    /// It stands in the name.
    InName,
    /// A folder's name begins with it.
    FolderStart,
    /// It stands in the path.
    InPath,
    /// Its letters stand in the name, in this order.
    LettersInName,
    /// Its letters stand in the path, in this order.
    LettersInPath,
}

/// The best files, at most as many as are wanted.
pub fn best(listing: &Listing, wanted: &Wanted) -> Found {
    let open: HashSet<&str> = wanted.open.iter().map(String::as_str).collect();
    let typed = Typed::new(&wanted.typed);
    let mut fits: Vec<(Rank, &str)> = listing
        .entries
        .iter()
        .filter_map(|entry| Some((typed.rank(entry, &open)?, entry.path.as_ref())))
        .collect();
    let more = fits.len() > wanted.limit;
    if more && wanted.limit > 0 {
        fits.select_nth_unstable(wanted.limit - 1);
    }
    fits.truncate(wanted.limit);
    fits.sort_unstable();
    Found {
        paths: fits.into_iter().map(|(_, path)| path.to_owned()).collect(),
        more,
    }
}

/// What is typed, made ready to be looked for.
struct Typed {
    text: String,
    finder: Finder<'static>,
    /// Whether hidden files are meant.
    wants_hidden: bool,
}

impl Typed {
    fn new(typed: &str) -> Self {
        let typed = typed.strip_prefix("./").unwrap_or(typed);
        let text = typed.to_lowercase();
        Self {
            finder: Finder::new(&text).into_owned(),
            wants_hidden: text.split('/').any(|part| part.starts_with('.')),
            text,
        }
    }

    fn rank(&self, entry: &Entry, open: &HashSet<&str>) -> Option<Rank> {
        let is_open = open.contains(entry.path.as_ref());
        if entry.is_hidden && !self.wants_hidden && !is_open {
            return None;
        }
        Some(Rank {
            fit: self.fit(entry.folded())?,
            is_closed: !is_open,
            depth: memchr::memchr_iter(b'/', entry.path.as_bytes()).count(),
            length: entry.path.len(),
        })
    }

    fn fit(&self, path: &str) -> Option<Fit> {
        let name = path.rsplit('/').next().unwrap_or(path);
        if self.text.is_empty() {
            return Some(Fit::NameStart);
        }
        // One search over the whole path, since most paths do not hold it at all.
        if self.finder.find(path.as_bytes()).is_some() {
            return Some(self.place(path, name));
        }
        if are_letters_of(&self.text, name) {
            return Some(Fit::LettersInName);
        }
        are_letters_of(&self.text, path).then_some(Fit::LettersInPath)
    }

    /// Where it stands in a path that holds it.
    fn place(&self, path: &str, name: &str) -> Fit {
        if name == self.text {
            Fit::Name
        } else if name.starts_with(&self.text) {
            Fit::NameStart
        } else if path.starts_with(&self.text) {
            Fit::PathStart
        } else if self.finder.find(name.as_bytes()).is_some() {
            Fit::InName
        } else if path.split('/').any(|part| part.starts_with(&self.text)) {
            Fit::FolderStart
        } else {
            Fit::InPath
        }
    }
}

/// Whether the letters of `text` stand in `within`, in their order.
fn are_letters_of(text: &str, within: &str) -> bool {
    let mut rest = within.chars();
    text.chars().all(|letter| rest.any(|other| other == letter))
}
