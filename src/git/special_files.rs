//! Looks for FIFOs, devices and the like where git would open a file and wait for it, before git is started.
//!
//! What git opens for us, and who looks at it: the index and its shared part, `shallow`, `info/sparse-checkout`, `HEAD`, refs
//! and reftables are read by us with a limit and copied ([`super::ours`], [`super::head`]); loose objects, packs and their
//! indexes, commit graphs and alternates are looked at with the objects' folder ([`super::layout`]); the files of the work tree
//! git opens only where they are ordinary ones, and above `core.bigFileThreshold` not at all. What is left is looked at here:
//! `.gitattributes` in each folder of the index, `.gitmodules`, and the git directories of submodules, whose `HEAD` is read
//! (<https://git-scm.com/docs/gitattributes>, <https://git-scm.com/docs/gitmodules>).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::layout::small;
use super::{GitError, MOST_PRINTED, Repository};

/// The largest file of attributes or submodules that is handed to git, in bytes; git itself passes over attributes above
/// 100 MB.
const LARGEST: u64 = 16 << 20;
/// How many names in a submodule's git directory are looked at.
const MOST_NAMES: usize = 100_000;
/// How deep they are looked for: `refs/heads/a/b/c`.
const DEEPEST: usize = 16;
/// The mode of a submodule in an index.
const SUBMODULE: &[u8] = b"160000 ";

impl Repository {
    /// That git waits for nothing where it compares the work tree.
    pub(super) async fn check_special_files(&self) -> Result<(), GitError> {
        // Only the index is read for this.
        let listed = self.run(&["ls-files", "--stage", "-z"], MOST_PRINTED).await?;
        let root = self.layout.work_tree.clone();
        let looked = spawn_blocking(move || check(&root, &listed)).await;
        looked.map_err(|error| GitError::Failed(error.to_string()))?
    }
}

fn check(root: &Path, listed: &[u8]) -> Result<(), GitError> {
    let mut folders = BTreeSet::from([PathBuf::new()]);
    for entry in listed.split(|byte| *byte == 0) {
        let Some(tab) = memchr::memchr(b'\t', entry) else {
            continue;
        };
        let name = path(entry.get(tab + 1..).unwrap_or_default());
        if entry.starts_with(SUBMODULE) {
            check_submodule(&root.join(&name))?;
        }
        let mut folder = name.parent();
        while let Some(around) = folder.filter(|around| folders.insert(around.to_path_buf())) {
            folder = around.parent();
        }
    }
    for folder in folders {
        check_file(&root.join(folder).join(".gitattributes"))?;
    }
    check_file(&root.join(".gitmodules"))
}

/// That a file, if there is one, is an ordinary one, and not too large.
fn check_file(file: &Path) -> Result<(), GitError> {
    match file.metadata() {
        // A folder is no such file: git passes by it.
        Ok(facts) if facts.is_dir() || (facts.is_file() && facts.len() <= LARGEST) => Ok(()),
        Ok(_) => Err(GitError::odd_file(file)),
        Err(_) => Ok(()),
    }
}

/// Where a submodule is checked out, its commit is read: from `HEAD`, and the refs that it may name.
fn check_submodule(folder: &Path) -> Result<(), GitError> {
    let dot_git = folder.join(".git");
    check_file(&dot_git)?;
    let git_dir = match small(&dot_git) {
        Some(text) => {
            let named = text.strip_prefix("gitdir:").unwrap_or_default();
            folder.join(named.trim_start_matches(' ').trim_end_matches(['\r', '\n']))
        }
        None => dot_git,
    };
    let Ok(git_dir) = git_dir.canonicalize() else {
        return Ok(());
    };
    let mut left = MOST_NAMES;
    for name in [
        "HEAD",
        "config",
        "config.worktree",
        "commondir",
        "packed-refs",
        "gitdir",
    ] {
        check_file(&git_dir.join(name))?;
    }
    check_folder(&git_dir.join("refs"), DEEPEST, &mut left)?;
    check_folder(&git_dir.join("reftable"), DEEPEST, &mut left)
}

/// That all below a folder is ordinary.
fn check_folder(folder: &Path, depth: usize, left: &mut usize) -> Result<(), GitError> {
    let (Ok(entries), Some(depth)) = (fs::read_dir(folder), depth.checked_sub(1)) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        *left = left.checked_sub(1).ok_or_else(|| GitError::odd_file(folder))?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => check_folder(&entry.path(), depth, left)?,
            _ => check_file(&entry.path())?,
        }
    }
    Ok(())
}

/// A path as git prints it.
#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::new(String::from_utf8_lossy(bytes).as_ref()))
}
