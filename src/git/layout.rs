//! Finds a project's git directory without git, and checks that it and the objects belong to this project: a `.git` file,
//! a link or `alternates` could name another repository, whose contents would be read as this one's
//! (<https://git-scm.com/docs/gitrepository-layout>).

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::GitError;
use super::config::Settings;
use crate::bounded::Unread;

/// The most of a small file (`HEAD`, `.git`, `commondir`) that is read, in bytes.
const MOST_SMALL: u64 = 4096;
/// The most of a configuration that is read, in bytes.
const MOST_CONFIG: u64 = 1 << 20;
/// How many objects' and packs' names are looked at for links.
const MOST_NAMES: usize = 1_000_000;

/// A repository's places, without links in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The folder that holds the files.
    pub work_tree: PathBuf,
    /// The work tree's own part: `HEAD` and the index.
    pub git_dir: PathBuf,
    /// What all work trees share: refs and objects. The same as `git_dir` in most repositories.
    pub common: PathBuf,
    /// The index in use.
    pub index: PathBuf,
    /// What the repository's configuration says.
    pub settings: Settings,
}

/// The user's environment: theirs is the word, and not a repository's.
pub(super) type Environment<'a> = &'a (dyn Fn(&str) -> Option<OsString> + Sync);

impl Layout {
    /// The repository around `folder`; where there is none, the one that the user's `GIT_DIR` names.
    pub fn find(folder: &Path, environment: Environment<'_>) -> Result<Self, GitError> {
        let folder = folder.canonicalize().map_err(|_| GitError::no_repository(folder))?;
        let found = folder.ancestors().find_map(|folder| {
            let dot_git = folder.join(".git");
            // git passes by a folder that only has the name.
            let is_one = dot_git.is_file() || is_git_dir(&dot_git);
            is_one.then(|| (folder.to_owned(), dot_git))
        });
        let mut layout = match (found, environment("GIT_DIR").filter(|named| !named.is_empty())) {
            (Some((work_tree, dot_git)), _) => Self::of_work_tree(work_tree, &dot_git)?,
            (None, Some(named)) => {
                let git_dir = folder
                    .join(named)
                    .canonicalize()
                    .map_err(|_| GitError::no_repository(&folder))?;
                let work_tree = environment("GIT_WORK_TREE").filter(|named| !named.is_empty());
                let work_tree = work_tree.and_then(|named| folder.join(named).canonicalize().ok());
                Self::of_git_dir(work_tree.unwrap_or_else(|| folder.clone()), git_dir)?
            }
            (None, None) if folder.ancestors().any(is_git_dir) => return Err(GitError::Bare),
            (None, None) => return Err(GitError::no_repository(&folder)),
        };
        layout.check_objects()?;
        // `git commit -a` and `git commit {path}` have an editor's git read another index than the usual one.
        if let Some(named) = environment("GIT_INDEX_FILE") {
            let index = layout.work_tree.join(named).canonicalize();
            layout.index = index
                .ok()
                .filter(|index| index.parent() == Some(&layout.git_dir))
                .unwrap_or(layout.index);
        }
        Ok(layout)
    }

    /// What a folder's `.git` stands for: a folder, or a file or link that names one. One that lies outside has to name
    /// this work tree, as those of `git worktree` and of submodules do.
    fn of_work_tree(work_tree: PathBuf, dot_git: &Path) -> Result<Self, GitError> {
        let named = match dot_git.is_dir() {
            true => dot_git.to_owned(),
            false => {
                let text = small(dot_git).ok_or_else(|| GitError::no_repository(&work_tree))?;
                let name = text
                    .strip_prefix("gitdir:")
                    .ok_or_else(|| GitError::no_repository(&work_tree))?;
                work_tree.join(name.trim_start_matches(' ').trim_end_matches(['\r', '\n']))
            }
        };
        let git_dir = named.canonicalize().ok().filter(|found| is_git_dir(found));
        let git_dir = git_dir.ok_or_else(|| GitError::no_repository(&work_tree))?;
        let layout = Self::of_git_dir(work_tree, git_dir)?;
        let is_inside = layout.git_dir.starts_with(&layout.work_tree) && layout.common.starts_with(&layout.work_tree);
        if is_inside || layout.names_its_work_tree() {
            return Ok(layout);
        }
        Err(GitError::elsewhere(&layout.git_dir))
    }

    fn of_git_dir(work_tree: PathBuf, git_dir: PathBuf) -> Result<Self, GitError> {
        if !is_git_dir(&git_dir) {
            return Err(GitError::no_repository(&work_tree));
        }
        let common = match small(&git_dir.join("commondir")) {
            None => git_dir.clone(),
            Some(name) => git_dir
                .join(name.trim_end_matches(['\r', '\n']))
                .canonicalize()
                .ok()
                .filter(|common| git_dir.parent() == Some(&common.join("worktrees")))
                .ok_or_else(|| GitError::elsewhere(&git_dir))?,
        };
        let mut settings = Settings::default();
        settings.read(&configuration(&common.join("config")));
        // That the shared part has no work tree says nothing of the linked ones.
        settings.is_bare &= common == git_dir;
        if settings.per_worktree {
            settings.read(&configuration(&git_dir.join("config.worktree")));
        }
        if settings.is_bare {
            return Err(GitError::Bare);
        }
        let index = git_dir.join("index");
        Ok(Self {
            work_tree,
            git_dir,
            common,
            index,
            settings,
        })
    }

    fn names_its_work_tree(&self) -> bool {
        let is_ours = |named: PathBuf, ours: &Path| named.canonicalize().is_ok_and(|named| named == ours);
        if self.common != self.git_dir {
            let named = small(&self.git_dir.join("gitdir"));
            let named = named.map(|named| self.git_dir.join(named.trim_end_matches(['\r', '\n'])));
            return named.is_some_and(|named| {
                named
                    .parent()
                    .is_some_and(|named| is_ours(named.to_owned(), &self.work_tree))
            });
        }
        let named = self.settings.work_tree.as_ref();
        named.is_some_and(|named| is_ours(self.git_dir.join(named), &self.work_tree))
    }

    /// That all objects are this repository's own.
    fn check_objects(&self) -> Result<(), GitError> {
        let objects = self.common.join("objects");
        let real = objects
            .canonicalize()
            .map_err(|_| GitError::no_repository(&self.work_tree))?;
        if !self.owns(&real) {
            return Err(GitError::borrows(&real));
        }
        for name in ["info", "info/alternates", "info/http-alternates"] {
            if let Ok(real) = objects.join(name).canonicalize()
                && !self.owns(&real)
            {
                return Err(GitError::borrows(&real));
            }
        }
        self.check_alternates(&objects, 0, &mut MOST_NAMES.clone())
    }

    /// Whether a place is one of this repository or its work tree.
    fn owns(&self, real: &Path) -> bool {
        real.starts_with(&self.common) || real.starts_with(&self.work_tree)
    }

    /// git reads the objects of all folders that are named here, and of those that these name, five deep. `left` is how
    /// many names are looked at.
    fn check_alternates(&self, objects: &Path, depth: usize, left: &mut usize) -> Result<(), GitError> {
        check_links(objects, 0, left)?;
        let file = objects.join("info/alternates");
        if file.symlink_metadata().is_err() || depth > 5 {
            return Ok(());
        }
        let text = bounded(&file, MOST_CONFIG).map_err(|_| GitError::borrows(&file))?;
        let text = String::from_utf8_lossy(&text);
        for line in text
            .split('\n')
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let named = objects.join(line);
            // On Windows, looking at `//server/share` already tells that server who asks. A quoted name is one that git
            // reads in another way.
            let is_plain = !line.starts_with('"') && !line.starts_with("//") && !line.starts_with("\\\\");
            match is_plain.then(|| named.canonicalize()) {
                Some(Ok(real)) if self.owns(&real) => self.check_alternates(&real, depth + 1, left)?,
                // One that is not there gives nothing.
                Some(Err(_)) => {}
                _ => return Err(GitError::borrows(&named)),
            }
        }
        Ok(())
    }

    /// Reads a file of the repository, if it is an ordinary one of its own, and not larger than so many bytes.
    pub fn read(&self, file: &Path, most: u64) -> io::Result<Vec<u8>> {
        bounded(&self.own(file)?, most)
    }

    /// A file of the repository without links in its path.
    pub fn own(&self, file: &Path) -> io::Result<PathBuf> {
        let real = file.canonicalize()?;
        match real.starts_with(&self.git_dir) || real.starts_with(&self.common) {
            true => Ok(real),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

/// That nothing below is a link, or what git would wait for.
fn check_links(folder: &Path, depth: usize, left: &mut usize) -> Result<(), GitError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return Err(GitError::Failed(
                "too many loose objects (`git gc` packs them)".to_owned(),
            ));
        }
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            return Err(GitError::borrows(&entry.path()));
        }
        if !kind.is_file() && !kind.is_dir() {
            return Err(GitError::odd_file(&entry.path()));
        }
        if kind.is_dir() && depth < 4 {
            check_links(&entry.path(), depth + 1, left)?;
        }
    }
    Ok(())
}

fn is_git_dir(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
    has("HEAD") && (has("commondir") || (has("objects") && has("refs")))
}

fn configuration(file: &Path) -> String {
    String::from_utf8_lossy(&bounded(file, MOST_CONFIG).unwrap_or_default()).into_owned()
}

/// A small text; `None` where there is none.
pub(super) fn small(file: &Path) -> Option<String> {
    String::from_utf8(bounded(file, MOST_SMALL).ok()?).ok()
}

/// Reads an ordinary file that is not larger than so many bytes.
pub(super) fn bounded(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (opened, found) = crate::bounded::open(file).map_err(of_unread)?;
    if found.len() > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    opened.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is no ordinary file is as little to be read as what is damaged.
fn of_unread(reason: Unread) -> io::Error {
    match reason {
        Unread::Failed(error) => error,
        Unread::NoFile | Unread::TooLarge(_) => io::ErrorKind::InvalidData.into(),
    }
}
