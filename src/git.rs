//! Reads a repository with git, but through a git directory of ours, so that nothing that the repository says is run or
//! fetched, and nothing outside of it is read.
//!
//! A list of what a repository's configuration must not do would always lack something: filters, drivers, hooks, includes,
//! fetches by need, submodules with a configuration of their own. So git never sees that configuration. [`layout`] finds
//! the real directory without git and checks that it belongs to the project, [`config`] reads the few harmless settings,
//! [`head`] the commit, and [`ours`] makes the directory that git is run with: a configuration of ours, a copy of the
//! index, the real objects; [`special_files`] looks that git will wait for nothing. The program comes from outside of the project ([`program`]), and runs with a small
//! environment, without a shell, a pager or a network, for a limited time.

mod amended;
mod attributes;
mod changes;
mod config;
mod error;
mod head;
mod layout;
mod ours;
mod program;
mod special_files;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::process::{self, RunError};

pub use changes::Changes;
pub use error::GitError;

use self::config::Settings;
use self::layout::Layout;
use self::ours::Ours;
use self::program::Program;

/// How long git may take for all that is asked of it at once.
pub const LIMIT: Duration = Duration::from_secs(10);
/// The most that git may print beside a diff, in bytes.
const MOST_PRINTED: usize = 64 << 20;
/// The user's settings that matter for what counts as changed.
const USERS_SETTINGS: &str =
    "^core\\.(autocrlf|eol|ignorecase|filemode|symlinks|precomposeunicode|trustctime|checkstat)$";

/// A repository that can be asked.
#[derive(Debug)]
pub struct Repository {
    layout: Layout,
    ours: Ours,
    program: Program,
    /// The commit that HEAD names.
    head: Option<String>,
}

impl Repository {
    /// Opens the repository around a folder.
    ///
    /// # Errors
    /// There is no git or no repository, or it is one that is not read: bare, or with parts that lie elsewhere.
    pub async fn open(folder: &Path) -> Result<Self, GitError> {
        Self::open_by(folder, &|name| std::env::var_os(name)).await
    }

    /// As [`Self::open`], with a user's environment.
    async fn open_by(folder: &Path, environment: &(dyn Fn(&str) -> Option<OsString> + Sync)) -> Result<Self, GitError> {
        let values = ["PATH", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"].map(|name| (name, environment(name)));
        let folder = folder.to_owned();
        let opened = spawn_blocking(move || {
            let value = |wanted: &str| values.iter().find(|(name, _)| *name == wanted)?.1.clone();
            prepare(&folder, &value)
        });
        let opened = timeout(LIMIT, opened).await.map_err(|_| GitError::Slow)?;
        let opened = opened.map_err(|error| GitError::Failed(error.to_string()))?;
        timeout(LIMIT, opened?.configured()).await.map_err(|_| GitError::Slow)?
    }

    /// The folder that holds its files, without links in its path.
    pub fn work_tree(&self) -> &Path {
        &self.layout.work_tree
    }

    /// With the user's own settings, which the repository's stand above.
    async fn configured(mut self) -> Result<Self, GitError> {
        let mut settings = self.users_settings().await;
        let harmless = std::mem::take(&mut settings.harmless);
        self.layout.settings.harmless.splice(0..0, harmless);
        let failed = |error: std::io::Error| GitError::Failed(error.to_string());
        if self.layout.settings.has_reftables {
            self.head = self.head_of_reftables().await?;
            self.layout.settings.has_reftables = false;
        }
        self.ours.configure(&self.layout.settings).map_err(failed)?;
        // The commit itself: no branch has to be there.
        if let Some(head) = &self.head {
            std::fs::write(self.ours.path("HEAD"), format!("{head}\n")).map_err(failed)?;
        }
        Ok(self)
    }

    /// What the user's and the system's configuration say. Reading it runs nothing, and the repository has no part in it.
    async fn users_settings(&self) -> Settings {
        let mut command = self.command();
        for name in [
            "GIT_CONFIG_NOSYSTEM",
            "GIT_CONFIG_SYSTEM",
            "GIT_CONFIG_GLOBAL",
            "HOME",
            "XDG_CONFIG_HOME",
        ] {
            match std::env::var_os(name) {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.args(["config", "--null", "--includes", "--get-regexp", USERS_SETTINGS]);
        let output = process::run(command, Vec::new(), LIMIT, MOST_PRINTED).await;
        let printed = output.map(|output| output.stdout).unwrap_or_default();
        let mut settings = Settings::default();
        for entry in String::from_utf8_lossy(&printed).split('\0') {
            let (name, value) = entry
                .split_once('\n')
                .map_or((entry, None), |(name, value)| (name, Some(value)));
            settings.set(name, value);
        }
        settings
    }

    /// Resolves HEAD where refs are in reftables: git reads copies of these. A linked work tree's own ones hold its HEAD.
    async fn head_of_reftables(&self) -> Result<Option<String>, GitError> {
        let layout = &self.layout;
        let failed = |error: std::io::Error| GitError::Failed(error.to_string());
        let settings = Settings {
            is_sha256: layout.settings.is_sha256,
            has_reftables: true,
            ..Settings::default()
        };
        self.ours.configure(&settings).map_err(failed)?;
        self.ours.copy_reftables(layout, &layout.git_dir)?;
        let branch = self
            .run(&["symbolic-ref", "-q", "HEAD"], MOST_PRINTED)
            .await
            .unwrap_or_default();
        let branch = String::from_utf8_lossy(&branch).trim().to_owned();
        if !branch.is_empty() {
            self.ours.copy_reftables(layout, &layout.common)?;
        }
        let name = if branch.is_empty() { "HEAD" } else { branch.as_str() };
        let id = self
            .run(&["rev-parse", "-q", "--verify", "--end-of-options", name], MOST_PRINTED)
            .await;
        let id = String::from_utf8_lossy(&id.unwrap_or_default()).trim().to_owned();
        std::fs::remove_dir_all(self.ours.path("reftable")).map_err(failed)?;
        Ok(Some(id).filter(|id| head::is_id(layout, id)))
    }

    /// Runs git to its end, and returns what it prints.
    async fn run<S: AsRef<OsStr>>(&self, args: &[S], most: usize) -> Result<Vec<u8>, GitError> {
        self.feed(args, Vec::new(), most).await
    }

    /// As [`Self::run`], with something to read.
    async fn feed<S: AsRef<OsStr>>(&self, args: &[S], input: Vec<u8>, most: usize) -> Result<Vec<u8>, GitError> {
        let mut command = self.command();
        command.args(args);
        let output = process::run(command, input, LIMIT, most)
            .await
            .map_err(|error| match error {
                RunError::Slow => GitError::Slow,
                RunError::Io(error) => GitError::NotStarted(error.to_string()),
            })?;
        match output.status {
            None => Err(GitError::TooLong),
            Some(status) if status.success() => Ok(output.stdout),
            Some(_) => Err(GitError::complaint(&output.stderr, &self.layout.work_tree)),
        }
    }

    /// git on this repository, by all the variables that say where something is.
    fn command(&self) -> Command {
        let ours = |name: &str| self.ours.path(name);
        let mut git = Command::new(&self.program.file);
        git.args(["--no-pager", "--no-optional-locks"])
            .current_dir(&self.layout.work_tree)
            .env_clear()
            .envs(process::environment())
            .env("PATH", &self.program.path)
            .env("LC_ALL", "C")
            .env("HOME", ours("home"))
            .env("XDG_CONFIG_HOME", ours("home"))
            .env("GIT_DIR", ours(""))
            .env("GIT_WORK_TREE", &self.layout.work_tree)
            .env("GIT_INDEX_FILE", ours("index"))
            .env("GIT_OBJECT_DIRECTORY", self.layout.common.join("objects"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_SYSTEM", ours("none"))
            .env("GIT_CONFIG_GLOBAL", ours("none"))
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_ALLOW_PROTOCOL", "")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", ":")
            .env("GIT_PAGER", "cat");
        git
    }
}

/// Does what waits for the disk: finds the repository, and makes our directory for it.
fn prepare(folder: &Path, environment: layout::Environment<'_>) -> Result<Repository, GitError> {
    let layout = Layout::find(folder, environment)?;
    let path = environment("PATH").unwrap_or_default();
    let projects: [&Path; 2] = [&layout.work_tree, &layout.common];
    let program = program::find(&path, &projects).ok_or(GitError::NotFound)?;
    let failed = |error: std::io::Error| GitError::Failed(error.to_string());
    let ours = Ours::new().map_err(failed)?;
    ours.copy(&layout)?;
    let head = match layout.settings.has_reftables {
        true => None,
        false => head::resolve(&layout)?,
    };
    Ok(Repository {
        layout,
        ours,
        program,
        head,
    })
}

/// Whether a path that git printed stays within the work tree and out of git directories. An index that was made for it can
/// name `../../.ssh/id_rsa`, and git reads that file.
fn is_safe(name: &[u8]) -> bool {
    let Ok(name) = str::from_utf8(name) else {
        // On Unix any bytes are a name; these are looked at as what they are.
        return name
            .split(|byte| *byte == b'/')
            .all(|part| is_safe_part(&String::from_utf8_lossy(part)));
    };
    let is_odd = |c: char| cfg!(windows) && (c == '\\' || c == ':');
    !name.contains(is_odd) && name.split('/').all(is_safe_part)
}

/// Whether a part of a path is a name, and by no file system's rules that of a git directory
/// (<https://github.com/git/git/blob/master/path.c>, `is_ntfs_dotgit`; utf8.c, `is_hfs_dotgit`).
fn is_safe_part(part: &str) -> bool {
    let is_ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let plain: String = part
        .chars()
        .filter(|c| !is_ignored(c))
        .collect::<String>()
        .to_ascii_lowercase();
    let plain = plain.trim_end_matches(['.', ' ']);
    !part.is_empty() && part != "." && part != ".." && plain != ".git" && plain != "git~1"
}
