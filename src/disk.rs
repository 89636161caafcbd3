//! Small files of ours: read whole, written whole or not at all, and for nobody else to read. On Windows that is left to
//! the user's profile, which they lie in.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bounded;

/// What the file holds. One that is missing holds nothing; one that cannot be read is ignored, with a line in the log.
pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let ignored = |reason: &dyn std::fmt::Display| tracing::warn!(path = %path.display(), %reason, "a file is ignored");
    let text = match bounded::read(path, bounded::SMALL) {
        Ok(text) => text,
        Err(unread) if unread.is_missing() => return None,
        Err(error) => {
            ignored(&error);
            return None;
        }
    };
    serde_json::from_slice(&text).map_err(|error| ignored(&error)).ok()
}

/// Writes a file beside its place and moves it there, so that no reader ever sees half of it.
pub fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(DirBuilder::new().recursive(true)).create(folder)?;
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let draft = folder.join(format!(".{}.{number}.new", std::process::id()));
    let text = serde_json::to_vec(content).map_err(io::Error::other)?;
    let written = private(OpenOptions::new().write(true).create(true).truncate(true))
        .open(&draft)
        .and_then(|mut file| file.write_all(&text))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        fs::remove_file(&draft).ok();
    }
    written
}

/// A file that is made will be for its owner only.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn private_folder(folder: &mut DirBuilder) -> &mut DirBuilder {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(folder, 0o700);
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_comes_back_as_it_was_written_and_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        write(&path, &vec![1]).unwrap();
        write(&path, &vec![1, 2]).unwrap();
        assert_eq!(read::<Vec<i32>>(&path), Some(vec![1, 2]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_missing_or_broken_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        assert_eq!(read::<Vec<i32>>(&path), None);
        fs::write(&path, "{ half").unwrap();
        assert_eq!(read::<Vec<i32>>(&path), None);
    }
}
