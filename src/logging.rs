//! The log: a file in the editor's log folder. Standard output belongs to the editor, so nothing is ever printed there.
//! Every line passes the redactor.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;

use crate::keys::redact;

/// A log that has grown past this is begun anew, in bytes.
const LARGEST_LOG: u64 = 5 * 1024 * 1024;

/// Logs to `file` from now on. A second call changes nothing: the log of a process is set once.
pub fn start(file: &Path, level: Option<&str>) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let grown = std::fs::metadata(file).is_ok_and(|facts| facts.len() > LARGEST_LOG);
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    if grown {
        log.set_len(0)?;
    }
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(Mutex::new(RedactedFile(log)))
        .finish();
    tracing::subscriber::set_global_default(subscriber).ok();
    Ok(())
}

/// A file that no key gets into. Each event is written whole, in one call.
struct RedactedFile(File);

impl Write for RedactedFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0
            .write_all(redact::redact(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
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
}
