//! A temporary git directory of our own over a repository's objects: git reads the repository through it, and nothing that
//! the repository's own configuration, hooks, attributes or remotes say is ever looked at.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::GitError;
use super::config::Settings;
use super::layout::Layout;
use crate::bounded::{self, Unread};

/// How the folder's name begins.
const PREFIX: &str = "gpt-nvim-git-";
/// The age of a folder that a crash has left behind. None is used for longer than some seconds.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);
/// The most of an index that is copied, in bytes.
const MOST_INDEX: u64 = 256 << 20;
/// How much of an index is searched for the name of its shared part, in bytes. An index that has one is small.
const MOST_SEARCHED: u64 = 16 << 20;
/// The most of a list of shallow commits or sparse paths that is copied, in bytes.
const MOST_LIST: u64 = 16 << 20;
/// The most reftables that are copied, and the most bytes of each.
const MOST_TABLES: (usize, u64) = (100, 16 << 20);

/// The folder. It goes with its handle.
#[derive(Debug)]
pub(super) struct Ours {
    folder: TempDir,
}

impl Ours {
    /// An empty git directory, which only its owner may read.
    pub fn new() -> io::Result<Self> {
        sweep(&std::env::temp_dir());
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let ours = Self {
            folder: builder.tempdir()?,
        };
        for folder in ["objects", "refs", "info", "home"] {
            fs::create_dir(ours.path(folder))?;
        }
        fs::write(ours.path("HEAD"), "ref: refs/heads/none\n")?;
        ours.configure(&Settings::default())?;
        Ok(ours)
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes its configuration: what turns things off, and settings that were looked at.
    pub fn configure(&self, settings: &Settings) -> io::Result<()> {
        let nowhere = self.path("none").display().to_string();
        let nowhere = nowhere.replace('\\', "\\\\").replace('"', "\\\"");
        let mut text = format!(
            "[core]\n\tbare = false\n\trepositoryformatversion = {}\n\tfsmonitor = false\n\tuntrackedCache = false\n\
             \tbigFileThreshold = 16m\n\thooksPath = \"{nowhere}\"\n\tattributesFile = \"{nowhere}\"\n\texcludesFile = \"{nowhere}\"\n\
             \tquotePath = false\n\tsafecrlf = false\n\tpager = cat\n\teditor = :\n\taskPass =\n",
            u8::from(settings.is_sha256 || settings.has_reftables)
        );
        for (name, value) in &settings.harmless {
            text.push_str(&format!("\t{name} = {value}\n"));
        }
        text.push_str("[protocol]\n\tallow = never\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[extensions]\n");
        if settings.is_sha256 {
            text.push_str("\tobjectFormat = sha256\n");
        }
        if settings.has_reftables {
            text.push_str("\trefStorage = reftable\n");
        }
        fs::write(self.path("config"), text)
    }

    /// Copies what git reads from beside the objects: the index, with its shared part, and lists.
    pub fn copy(&self, layout: &Layout) -> Result<(), GitError> {
        self.copy_file(layout, &layout.index, "index", MOST_INDEX)?;
        // The larger part of a split index (<https://git-scm.com/docs/git-update-index#_split_index>).
        if let Some(name) = self.shared_part(layout)? {
            self.copy_file(layout, &layout.git_dir.join(&name), &name, MOST_INDEX)?;
        }
        self.copy_file(layout, &layout.common.join("shallow"), "shallow", MOST_LIST)?;
        let sparse = "info/sparse-checkout";
        self.copy_file(layout, &layout.git_dir.join(sparse), sparse, MOST_LIST)
    }

    /// The file that the copied index names as its shared part, if it is there: the extension `link` begins with its hash
    /// (<https://git-scm.com/docs/index-format#_split_index>).
    fn shared_part(&self, layout: &Layout) -> Result<Option<String>, GitError> {
        let Ok((index, _)) = bounded::open(&self.path("index")) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        index.take(MOST_SEARCHED).read_to_end(&mut bytes).map_err(failed)?;
        let length = if layout.settings.is_sha256 { 32 } else { 20 };
        let named = memchr::memmem::find_iter(&bytes, b"link").filter_map(|at| bytes.get(at + 8..at + 8 + length));
        let names = named.map(|hash| {
            let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sharedindex.{hex}")
        });
        let mut names = names.take(1000);
        Ok(names.find(|name| layout.git_dir.join(name).symlink_metadata().is_ok()))
    }

    /// Copies the reftables of one of the repository's folders.
    pub fn copy_reftables(&self, layout: &Layout, folder: &Path) -> Result<(), GitError> {
        fs::write(self.path("HEAD"), "ref: refs/heads/.invalid\n").map_err(failed)?;
        fs::create_dir_all(self.path("reftable")).map_err(failed)?;
        let folder = folder.join("reftable");
        for entry in fs::read_dir(&folder).map_err(failed)?.flatten().take(MOST_TABLES.0) {
            let name = entry.file_name();
            if let Some(name) = name.to_str().filter(|name| !name.ends_with(".lock")) {
                self.copy_file(layout, &entry.path(), &format!("reftable/{name}"), MOST_TABLES.1)?;
            }
        }
        Ok(())
    }

    /// Copies a file that may not be there. Its time goes along: by the index's git knows which files it has to read. One
    /// that cannot be taken is told: without an index, all files would seem to be deleted.
    fn copy_file(&self, layout: &Layout, from: &Path, name: &str, most: u64) -> Result<(), GitError> {
        if from.symlink_metadata().is_err() {
            return Ok(());
        }
        let own = layout.own(from).map_err(|_| GitError::odd_file(from))?;
        let (opened, found) = bounded::open(&own).map_err(|error| match error {
            Unread::NoFile => GitError::odd_file(from),
            other => GitError::Failed(format!("{name}: {other}")),
        })?;
        if found.len() > most {
            return Err(GitError::Failed(format!("{name}: {} bytes", found.len())));
        }
        let to = self.path(name);
        let copy = || {
            io::copy(&mut opened.take(most), &mut File::create(&to)?)?;
            File::options().write(true).open(&to)?.set_modified(found.modified()?)
        };
        copy().map_err(failed)
    }
}

fn failed(error: io::Error) -> GitError {
    GitError::Failed(error.to_string())
}

/// Removes what crashes have left behind: old folders of ours, and no link.
fn sweep(folder: &Path) {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(found) = entry.metadata() else { continue };
        let age = found.modified().ok().and_then(|time| now.duration_since(time).ok());
        #[cfg(unix)]
        let is_mine = std::os::unix::fs::MetadataExt::uid(&found) == rustix::process::geteuid().as_raw();
        #[cfg(not(unix))]
        let is_mine = true;
        if found.is_dir() && is_mine && age.is_some_and(|age| age > LEFT_BEHIND) {
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_it_and_it_goes_with_its_handle() {
        use std::os::unix::fs::PermissionsExt;
        let ours = Ours::new().unwrap();
        let folder = ours.folder.path().to_owned();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(ours);
        assert!(!folder.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_a_crash_has_left_behind_goes_later() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str, hours: u64| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("index"), "x").unwrap();
            let time = SystemTime::now() - Duration::from_secs(hours * 3600);
            File::open(&path).unwrap().set_modified(time).unwrap();
            path
        };
        let (old, young, others) = (made("gpt-nvim-git-a", 2), made("gpt-nvim-git-b", 0), made("other", 2));
        std::os::unix::fs::symlink(&others, folder.path().join("gpt-nvim-git-link")).unwrap();
        sweep(folder.path());
        assert!(!old.exists() && young.exists() && others.join("index").exists());
    }
}
