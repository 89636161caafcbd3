//! The directories of an editor under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

/// A home directory with everything that Neovim and the plugin write. It is removed with its last clone; hand it to a
/// second [`Builder`] to see what a first editor left behind.
#[derive(Debug, Clone)]
pub struct Home {
    directory: Arc<TempDir>,
    editors: Arc<AtomicUsize>,
}

impl Home {
    pub fn new() -> Home {
        let directory = tempfile::Builder::new()
            .prefix("gpt-nvim-")
            .tempdir()
            .expect("a temporary directory");
        for name in ["home", "config", "data", "state", "cache", "run"] {
            let path = directory.path().join(name);
            fs::create_dir(&path).expect("a directory in the temporary one");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("the directory's permissions");
            }
        }
        Home {
            directory: Arc::new(directory),
            editors: Arc::default(),
        }
    }

    /// The how-manieth editor this is that starts here, counted from 0.
    pub(super) fn next_editor(&self) -> usize {
        self.editors.fetch_add(1, Ordering::Relaxed)
    }

    /// The directory that holds `home`, `config`, `data`, `state`, `cache` and `run`.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The log of the binary under test, `stdpath("log")/gpt.log`.
    pub fn log(&self) -> PathBuf {
        self.path().join("state/nvim/gpt.log")
    }

    /// Writes a file below `home`, with its directories; returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join("home").join(name);
        fs::create_dir_all(path.parent().expect("a file in a directory")).expect("the file's directory");
        fs::write(&path, content).expect("a file in the temporary directory");
        path
    }
}

impl Default for Home {
    fn default() -> Home {
        Home::new()
    }
}
