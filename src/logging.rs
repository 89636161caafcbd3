//! The log: a file in the editor's log folder. Standard output belongs to the editor, so nothing is ever printed there.
//! Every line passes the redactor.

use std::cell::Cell;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;
use tracing::level_filters::LevelFilter;

use crate::keys::redact;

/// A log that has grown past this is begun anew, in bytes.
const LARGEST_LOG: u64 = 5 * 1024 * 1024;

/// Logs to `file` from now on. A second call changes nothing: the log of a process is set once.
pub fn start(file: &Path, level: Option<&str>) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let log = open(file)?;
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Mutex::new(RedactedFile(log)))
        .finish();
    tracing::subscriber::set_global_default(subscriber).ok();
    Ok(())
}

/// Opens the log. What is no regular file is refused: a pipe without a reader would hold us up for ever, and what a link
/// leads to is not ours to empty.
fn open(file: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    if std::fs::symlink_metadata(file).is_ok_and(|facts| !facts.is_file()) {
        return Err(refused());
    }
    // It may have changed since.
    let careful = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(careful.bits().cast_signed())
        .open(file)?;
    let facts = log.metadata()?;
    if !facts.is_file() {
        return Err(refused());
    }
    if facts.len() > LARGEST_LOG {
        log.set_len(0)?;
    }
    Ok(log)
}

thread_local! {
    /// Whether this thread is writing to the log, and holds its lock.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Leaves a line about a panic: of the first one only, and none about a panic in the log itself, which would wait for its
/// own lock.
pub fn panicked(panic: &dyn Display) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let writing = WRITING.try_with(Cell::get).unwrap_or(true);
    if !writing && !TOLD.swap(true, Ordering::Relaxed) {
        tracing::error!("{panic}");
    }
}

/// A file that no key gets into. Each event is written whole, in one call.
struct RedactedFile(File);

impl Write for RedactedFile {
    /// Never fails: a line that is lost on a full disk is no reason to write about it on standard error, as
    /// tracing-subscriber does.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        WRITING.try_with(|writing| writing.set(true)).ok();
        self.0
            .write_all(redact::redact(&String::from_utf8_lossy(line)).as_bytes())
            .ok();
        WRITING.try_with(|writing| writing.set(false)).ok();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_gets_into_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gpt.log");
        let mut file = RedactedFile(File::create(&path).unwrap());
        let line = b"refused: sk-proj-abcdefghijklmnop is wrong\n";
        assert_eq!(file.write(line).unwrap(), line.len());
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, "refused: [redacted] is wrong\n");
    }

    #[test]
    fn a_line_that_cannot_be_written_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gpt.log");
        std::fs::write(&path, "").unwrap();
        let mut unwritable = RedactedFile(File::open(&path).unwrap());
        assert_eq!(unwritable.write(b"line\n").unwrap(), 5);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let other = folder.path().join("other");
        let length = LARGEST_LOG + 1;
        File::create(&other).unwrap().set_len(length).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        for path in [pipe.as_path(), link.as_path(), folder.path()] {
            assert_eq!(open(path).unwrap_err().to_string(), "it is no regular file");
        }
        assert_eq!(std::fs::metadata(&other).unwrap().len(), length);
        assert_eq!(open(&other).unwrap().metadata().unwrap().len(), 0);
    }
}
