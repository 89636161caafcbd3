//! The log: a file in the editor's log folder. Standard output belongs to the editor, so nothing is ever printed there.
//! Every line passes the redactor, whoever wrote it.

use std::cell::Cell;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::disk;
use crate::keys::Redactor;

/// A log that has grown past this is begun anew, in bytes.
const LARGEST_LOG: u64 = 5 * 1024 * 1024;

/// Logs to `file` from now on, without what `redactor` knows or learns. A second call changes nothing: the log of a
/// process is set once.
pub fn start(file: &Path, level: Option<&str>, redactor: &Redactor) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let log = open(file)?;
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    let writer = Mutex::new(RedactedFile::new(log, redactor.clone()));
    tracing::subscriber::set_global_default(subscriber(level, writer)).ok();
    Ok(())
}

fn subscriber<W>(level: LevelFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(writer)
        .finish()
}

/// Opens the log. What is no regular file is refused: a pipe without a reader would hold us up for ever, and what a link
/// leads to is not ours to empty.
fn open(file: &Path) -> io::Result<File> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    if std::fs::symlink_metadata(file).is_ok_and(|facts| !facts.is_file()) {
        return Err(refused());
    }
    let mut options = OpenOptions::new();
    careful(disk::private(options.create(true).append(true)));
    let log = options.open(file)?;
    let facts = log.metadata()?;
    if !facts.is_file() {
        return Err(refused());
    }
    if facts.len() > LARGEST_LOG {
        log.set_len(0)?;
    }
    Ok(log)
}

/// What lies there may have changed since it was looked at: no link is followed, and no pipe waited for.
#[cfg(unix)]
fn careful(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    options.custom_flags(flags.bits().cast_signed());
}

#[cfg(not(unix))]
fn careful(_: &mut OpenOptions) {}

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

/// A file that no key gets into. A line is written when it is whole, so that a key may come in pieces.
struct RedactedFile {
    file: File,
    redactor: Redactor,
    /// The beginning of a line.
    held: Vec<u8>,
}

impl RedactedFile {
    fn new(file: File, redactor: Redactor) -> Self {
        Self {
            file,
            redactor,
            held: Vec::new(),
        }
    }

    /// Never fails: a line that is lost on a full disk is no reason to write about it on standard error, as
    /// tracing-subscriber does.
    fn put(&mut self, lines: &[u8]) {
        WRITING.try_with(|writing| writing.set(true)).ok();
        let lines = String::from_utf8_lossy(lines);
        self.file.write_all(self.redactor.redact(&lines).as_bytes()).ok();
        WRITING.try_with(|writing| writing.set(false)).ok();
    }
}

impl Write for RedactedFile {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(piece);
        if let Some(end) = self.held.iter().rposition(|&byte| byte == b'\n') {
            let rest = self.held.split_off(end + 1);
            let lines = std::mem::replace(&mut self.held, rest);
            self.put(&lines);
        }
        Ok(piece.len())
    }

    /// What is no whole line waits for its end, since a key may be cut there.
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Secret;

    /// What is in the log after this has been written, with `hunter2hunter2` as a key.
    fn logged(write: impl FnOnce(RedactedFile, &Redactor)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gpt.log");
        let redactor = Redactor::default();
        let file = RedactedFile::new(File::create(&path).unwrap(), redactor.clone());
        write(file, &redactor);
        std::fs::read_to_string(&path).unwrap()
    }

    fn key() -> Secret {
        Secret::new("hunter2hunter2".into()).unwrap()
    }

    #[test]
    fn no_key_gets_into_the_log() {
        let written = logged(|mut file, _| {
            let line = b"refused: sk-proj-abcdefghijklmnop is wrong\n";
            assert_eq!(file.write(line).unwrap(), line.len());
        });
        assert_eq!(written, "refused: [redacted] is wrong\n");
    }

    #[test]
    fn a_key_that_comes_in_two_writes_does_not_get_into_the_log() {
        for cut in 0..=14 {
            let written = logged(|mut file, redactor| {
                redactor.learn(&key());
                let (head, tail) = "hunter2hunter2".split_at(cut);
                file.write_all(format!("one\nit is {head}").as_bytes()).unwrap();
                file.flush().unwrap();
                file.write_all(format!("{tail}.\n").as_bytes()).unwrap();
            });
            assert_eq!(written, "one\nit is [redacted].\n");
        }
    }

    #[test]
    fn what_any_crate_says_of_a_live_key_does_not_get_into_the_log() {
        let written = logged(|file, redactor| {
            tracing::subscriber::with_default(subscriber(LevelFilter::TRACE, Mutex::new(file)), || {
                redactor.learn(&key());
                tracing::trace!(target: "foreign", header = ?Some("hunter2hunter2"), "sent hunter2hunter2");
            });
        });
        assert!(
            written.ends_with("foreign: sent [redacted] header=Some(\"[redacted]\")\n"),
            "{written}"
        );
    }

    #[test]
    fn a_line_that_cannot_be_written_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gpt.log");
        std::fs::write(&path, "").unwrap();
        let mut unwritable = RedactedFile::new(File::open(&path).unwrap(), Redactor::default());
        assert_eq!(unwritable.write(b"line\n").unwrap(), 5);
    }

    #[cfg(unix)]
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
