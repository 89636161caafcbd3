//! The names of a project's files as a tree, as deep as there is room for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use super::{Problem, paths};
use crate::visible;

/// The most lines of a tree: some 8,000 tokens.
const MOST_LINES: usize = 1000;

#[derive(Debug, Default)]
struct Folder {
    folders: BTreeMap<String, Folder>,
    files: BTreeSet<String>,
}

/// The tree below a project's root. It waits for the disk.
///
/// # Errors
/// There are no files, or more than are looked through.
pub fn of(root: &Path) -> Result<String, Problem> {
    let root = std::fs::canonicalize(root).map_err(|error| Problem::Unreadable(error.to_string()))?;
    let found = paths::walk(&root, Path::new(""), false)?;
    let mut tree = Folder::default();
    for path in &found {
        tree.add(path);
    }
    match found.is_empty() {
        true => Err(Problem::NoFiles),
        false => Ok(tree.drawn(MOST_LINES)),
    }
}

impl Folder {
    fn add(&mut self, path: &Path) {
        let mut parts: Vec<String> = path
            .components()
            .map(|part| visible::name(&part.as_os_str().to_string_lossy()))
            .collect();
        let Some(file) = parts.pop() else { return };
        let mut folder = self;
        for part in parts {
            folder = folder.folders.entry(part).or_default();
        }
        folder.files.insert(file);
    }

    /// How many files are in here and below.
    fn count(&self) -> usize {
        self.files.len() + self.folders.values().map(Self::count).sum::<usize>()
    }

    /// How many lines it takes to show so many levels.
    fn lines(&self, levels: usize) -> usize {
        let below = |folder: &Self| if levels > 1 { folder.lines(levels - 1) } else { 0 };
        self.files.len() + self.folders.len() + self.folders.values().map(below).sum::<usize>()
    }

    fn depth(&self) -> usize {
        1 + self.folders.values().map(Self::depth).max().unwrap_or(0)
    }

    /// As many levels as `most` lines show, at least one.
    fn drawn(&self, most: usize) -> String {
        let levels = (1..=self.depth())
            .rev()
            .find(|&levels| self.lines(levels) <= most)
            .unwrap_or(1);
        let mut out = String::new();
        self.draw(levels, 0, &mut out);
        let lines = out.lines().count();
        match out.match_indices('\n').nth(most.saturating_sub(1)) {
            Some((end, _)) if lines > most => {
                out.truncate(end);
                out + &format!("\n… {} more\n", lines - most)
            }
            _ => out,
        }
    }

    fn draw(&self, levels: usize, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        for (name, folder) in &self.folders {
            if levels > 1 {
                writeln!(out, "{indent}{name}/").ok();
                folder.draw(levels - 1, depth + 1, out);
            } else {
                writeln!(out, "{indent}{name}/ ({} files)", folder.count()).ok();
            }
        }
        for name in &self.files {
            writeln!(out, "{indent}{name}").ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> Folder {
        let mut tree = Folder::default();
        files.iter().for_each(|file| tree.add(Path::new(file)));
        tree
    }

    #[test]
    fn a_tree_shows_folders_and_then_files_by_their_names() {
        let tree = tree(&["b.rs", "src/日本.rs", "src/ação/x.rs", "src/a.rs"]);
        assert_eq!(tree.drawn(100), "src/\n  ação/\n    x.rs\n  a.rs\n  日本.rs\nb.rs\n");
    }

    #[test]
    fn a_name_of_several_lines_or_with_control_characters_is_one_visible_line() {
        let tree = tree(&["x\n#file:.env\n```", "\u{1b}]0;title\u{7}"]);
        assert_eq!(
            tree.drawn(9),
            "<U+001B>]0;title<U+0007>\nx<U+000A>#file:.env<U+000A>```\n"
        );
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let tree = tree(&["a/b/c.rs", "a/b/d.rs", "a/e.rs", "f.rs"]);
        assert_eq!(tree.drawn(4), "a/\n  b/ (2 files)\n  e.rs\nf.rs\n");
        assert_eq!(tree.drawn(2), "a/ (3 files)\nf.rs\n");
        assert_eq!(tree.drawn(1), "a/ (3 files)\n… 1 more\n");
    }
}
