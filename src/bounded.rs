//! Reads files with a limit: what kind of file it is and how long is looked at first, on the opened file itself, and no
//! more than the limit is ever read. Everything that reads a file of others', or of our own folders, reads it here
//! (`clippy.toml` forbids the ways around).
//!
//! A FIFO, a device or a socket is never waited for: it is opened without blocking, and refused by its kind. A file that
//! says that it is empty and never ends (`/proc`) ends at the limit.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::words::{Text, text};

/// The most of a small file of ours: a choice, a list of models.
pub const SMALL: u64 = 8 * 1024 * 1024;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is a folder, a FIFO, a device or the like.
    #[error("no ordinary file")]
    NoFile,
    /// It has more bytes than are read; as many as it says, or as were seen.
    #[error("{0} bytes")]
    TooLarge(u64),
    /// The system says why.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Unread {
    /// Why, to be said in brackets or behind a colon: `it is no ordinary file`.
    pub fn reason(&self) -> Text {
        match self {
            Self::NoFile => text!("file.no_file"),
            Self::TooLarge(bytes) => text!("file.too_large", size = megabytes(*bytes)),
            Self::Failed(error) => Text::from(error.to_string()),
        }
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Failed(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// A size as users read it: `2.1 MB`.
pub fn megabytes(bytes: u64) -> String {
    // Rounded up: what is refused is never shown as what is allowed.
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// A size of any order as users read it: `12 KB`, `2.1 MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => megabytes(bytes),
    }
}

/// A file that may be read: opened, and known to be an ordinary one.
///
/// # Errors
/// It cannot be opened, or is of another kind.
pub fn open(path: &Path) -> Result<(File, Metadata), Unread> {
    let mut options = OpenOptions::new();
    options.read(true);
    without_waiting(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        // What cannot be opened as a file, a socket say, is told by its kind where that is known.
        Err(error) => {
            let is_other = path.metadata().is_ok_and(|facts| !facts.is_file());
            return Err(if is_other { Unread::NoFile } else { error.into() });
        }
    };
    let facts = file.metadata()?;
    if facts.is_file() {
        Ok((file, facts))
    } else {
        Err(Unread::NoFile)
    }
}

/// All of a file that has at most `most` bytes.
///
/// # Errors
/// It cannot be read, is no ordinary file, or is longer.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unread> {
    let (file, facts) = open(path)?;
    if facts.len() > most {
        return Err(Unread::TooLarge(facts.len()));
    }
    let bytes = beginning(file, most.saturating_add(1))?;
    match bytes.len() as u64 {
        length if length > most => Err(Unread::TooLarge(length)),
        _ => Ok(bytes),
    }
}

/// The first bytes of an opened file, at most `most`.
///
/// # Errors
/// It cannot be read.
pub fn beginning(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opening a FIFO that nobody writes to waits for a writer, and opening a terminal may make it ours.
#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
}

#[cfg(not(unix))]
fn without_waiting(_: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_a_longer_one_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(matches!(read(&path, 4), Err(Unread::TooLarge(5))));
        // Of 3 TB that take no room.
        File::create(&path).unwrap().set_len(3 << 40).unwrap();
        assert!(matches!(read(&path, 4), Err(Unread::TooLarge(length)) if length == 3 << 40));
        assert!(read(&folder.path().join("b"), 4).unwrap_err().is_missing());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_ordinary_file_is_refused_at_once() {
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let (fifo, socket) = (folder.path().join("fifo"), folder.path().join("socket"));
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [fifo.as_path(), &socket, Path::new("/dev/zero"), folder.path()] {
            assert!(matches!(read(path, 10), Err(Unread::NoFile)), "{path:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_says_it_is_empty_ends_at_the_limit() {
        let maps = Path::new("/proc/self/maps");
        assert_eq!(maps.metadata().unwrap().len(), 0);
        assert!(matches!(read(maps, 10), Err(Unread::TooLarge(11))));
        assert_eq!(beginning(open(maps).unwrap().0, 7).unwrap().len(), 7);
    }
}
