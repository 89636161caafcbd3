//! Runs git for a repository's diff and its last commits' subjects.

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::time::timeout;

use super::{GitError, LIMIT, MOST_PRINTED, Repository, head, is_safe};

/// The words of a diff. The repository's configuration is not there to say otherwise; these say it again.
const DIFF: [&str; 8] = [
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--submodule=short",
    "--ignore-submodules=dirty",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

/// Which changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// Those that are not staged.
    Unstaged,
    /// Those that are.
    Staged,
    /// Those that a commit would hold which takes the last one's place (`git commit --amend`).
    Amended,
}

impl Repository {
    /// The changes as a diff, without those of the files in `without`, paths without links in them. Files that have a
    /// filter are shown as binary.
    ///
    /// # Errors
    /// git cannot tell them, or not in time, or they are more than `most` bytes.
    pub async fn diff(&self, changes: Changes, without: &[PathBuf], most: usize) -> Result<Vec<u8>, GitError> {
        let diff = timeout(LIMIT, self.diff_at_leisure(changes, without, most)).await;
        diff.map_err(|_| GitError::Slow)?
    }

    async fn diff_at_leisure(&self, changes: Changes, without: &[PathBuf], most: usize) -> Result<Vec<u8>, GitError> {
        self.check_special_files().await?;
        let base: Vec<OsString> = match changes {
            Changes::Unstaged => Vec::new(),
            Changes::Staged => vec![
                "--cached".into(),
                self.head.as_deref().unwrap_or(self.empty_tree()).into(),
            ],
            Changes::Amended => vec!["--cached".into(), self.parent().await?.into()],
        };
        let mut paths: Vec<OsString> = vec!["--".into()];
        for path in without {
            if let Ok(path) = path.strip_prefix(self.work_tree()) {
                let mut excluded = OsString::from(":(top,exclude,literal)");
                excluded.push(path);
                paths.push(excluded);
            }
        }
        let words = |more: &[&str]| -> Vec<OsString> {
            let words = DIFF.iter().chain(more).map(OsString::from);
            words.chain(base.iter().cloned()).chain(paths.iter().cloned()).collect()
        };
        // Its names come first: nothing of a file is read that is not the project's.
        let names = self
            .run(&words(&["--name-only", "--no-renames", "-z"]), MOST_PRINTED)
            .await?;
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            if !is_safe(name) {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(GitError::OddName { name });
            }
        }
        self.hide_filtered(&names, changes != Changes::Unstaged).await?;
        self.run(&words(&[]), most).await
    }

    /// The subjects of the last commits, the newest first; none in a repository without one.
    pub async fn subjects(&self, count: usize) -> Vec<String> {
        let log = self.log(&[&format!("-{count}"), "--no-merges", "--format=%s"]).await;
        let subjects = log.lines().map(str::trim).filter(|line| !line.is_empty());
        subjects.map(str::to_owned).collect()
    }

    pub(super) async fn log(&self, args: &[&str]) -> String {
        let Some(head) = &self.head else { return String::new() };
        let mut words = vec![
            "log",
            "--no-show-signature",
            "--no-mailmap",
            "--no-decorate",
            "--no-color",
        ];
        words.extend_from_slice(args);
        words.extend_from_slice(&[head, "--"]);
        let log = self.run(&words, MOST_PRINTED).await.unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn empty_tree(&self) -> &'static str {
        head::empty_tree(&self.layout)
    }

    /// What the last commit was made on.
    async fn parent(&self) -> Result<String, GitError> {
        let Some(head) = &self.head else {
            return Ok(self.empty_tree().to_owned());
        };
        let parents = self
            .run(&["rev-list", "--parents", "-n", "1", head, "--"], MOST_PRINTED)
            .await?;
        let parents = String::from_utf8_lossy(&parents);
        let first = parents.split_whitespace().nth(1);
        Ok(first.unwrap_or(self.empty_tree()).to_owned())
    }
}
