//! Puts a damaged file aside, with its date, so that whoever knows how can still get more out of it than we do.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Result, Time, clock};

/// What SQLite keeps beside a file, and needs in order to read it.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// A damaged file that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it is now.
    pub file: PathBuf,
    /// How many of its chats could be read, at least in part: they are in the new file.
    pub chats: u64,
}

/// Renames the file to `history.db.corrupt-2026-11-22T18-55-00`, and what belongs to it likewise. Overwrites nothing.
/// What lies beside the file goes first: a new file must not find the old one's journal.
pub(super) fn put(path: &Path, now: Time) -> Result<PathBuf> {
    let target = free_name(&with_suffix(path, &format!(".corrupt-{}", clock::stamp(now))));
    for suffix in BESIDE {
        let beside = with_suffix(path, suffix);
        if beside.exists() {
            fs::rename(&beside, with_suffix(&target, suffix))?;
        }
    }
    fs::rename(path, &target)?;
    Ok(target)
}

fn free_name(wanted: &Path) -> PathBuf {
    let is_free = |path: &Path| {
        let all = BESIDE.iter().map(|suffix| with_suffix(path, suffix));
        all.chain([path.to_owned()])
            .all(|path| fs::symlink_metadata(path).is_err())
    };
    let numbered = (2u32..).map(|number| with_suffix(wanted, &format!("-{number}")));
    std::iter::once(wanted.to_owned())
        .chain(numbered)
        .find(|path| is_free(path))
        .unwrap_or_else(|| wanted.to_owned())
}

/// Deletes a file that nobody needs, and what lies beside it.
pub(super) fn remove(path: &Path) {
    let beside = BESIDE.iter().map(|suffix| with_suffix(path, suffix));
    for path in beside.chain([path.to_owned()]) {
        fs::remove_file(path).ok();
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_damaged_files_of_one_second_are_both_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let damage = |text: &str| {
            fs::write(&path, text).unwrap();
            fs::write(with_suffix(&path, "-wal"), "journal").unwrap();
            put(&path, 1_795_373_700_000).unwrap()
        };
        let (first, second) = (damage("one"), damage("two"));
        assert_eq!(first, folder.path().join("history.db.corrupt-2026-11-22T18-55-00"));
        assert_eq!(fs::read_to_string(first).unwrap(), "one");
        assert_eq!(fs::read_to_string(&second).unwrap(), "two");
        assert!(with_suffix(&second, "-wal").exists());
        assert!(!path.exists());
    }
}
