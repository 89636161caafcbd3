//! Reads diffs from git for `#diff` and `#staged`.

use std::path::{Path, PathBuf};

use super::{MOST_BYTES, Problem};
use crate::git::{GitError, Repository};

pub use crate::git::Changes;

/// The changes as a diff, without those of the files in `without`. `root` and these are paths without links in them.
///
/// # Errors
/// There are none, or git cannot tell them, or not in time.
pub async fn diff(root: &Path, changes: Changes, without: &[PathBuf]) -> Result<String, Problem> {
    let most = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
    let repository = Repository::open(root).await?;
    let diff = repository
        .diff(changes, without, most)
        .await
        .map_err(|error| match error {
            GitError::TooLong => Problem::LongDiff,
            error => error.into(),
        })?;
    match (diff.is_empty(), changes) {
        (true, Changes::Unstaged) => Err(Problem::NothingChanged),
        (true, Changes::Staged | Changes::Amended) => Err(Problem::NothingStaged),
        (false, _) => Ok(String::from_utf8_lossy(&diff).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(root: &Path, words: &[&str]) {
        let said = std::process::Command::new("git")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
            .args(words)
            .current_dir(root)
            .output()
            .unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "--quiet"]);
        std::fs::write(folder.path().join("ação.txt"), "um\n").unwrap();
        std::fs::write(folder.path().join("b.txt"), "one\n").unwrap();
        git(folder.path(), &["add", "."]);
        folder
    }

    #[tokio::test]
    async fn what_is_staged_and_what_is_not_are_told_apart() {
        let folder = repository();
        let root = folder.path();
        let staged = diff(root, Changes::Staged, &[]).await.unwrap();
        assert!(staged.contains("+++ b/ação.txt\n@@ -0,0 +1 @@\n+um\n"), "{staged}");
        assert_eq!(diff(root, Changes::Unstaged, &[]).await, Err(Problem::NothingChanged));
        git(root, &["commit", "--quiet", "-m", "a"]);
        assert_eq!(diff(root, Changes::Staged, &[]).await, Err(Problem::NothingStaged));
        std::fs::write(root.join("ação.txt"), "dois\n").unwrap();
        std::fs::write(root.join("b.txt"), "two\n").unwrap();
        let changed = diff(root, Changes::Unstaged, &[]).await.unwrap();
        assert!(
            changed.contains("-um\n+dois\n") && changed.contains("+two"),
            "{changed}"
        );
        let without = diff(root, Changes::Unstaged, &[root.join("b.txt")]).await.unwrap();
        assert!(without.contains("+dois") && !without.contains("b.txt"), "{without}");
    }

    #[tokio::test]
    async fn a_folder_that_git_does_not_know_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let told = diff(folder.path(), Changes::Unstaged, &[]).await;
        assert!(
            matches!(told, Err(Problem::Git(GitError::NoRepository { .. }))),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn a_diff_that_is_too_long_is_refused() {
        let folder = repository();
        std::fs::write(folder.path().join("b.txt"), "x\n".repeat(600_000)).unwrap();
        let told = diff(folder.path(), Changes::Unstaged, &[]).await;
        assert_eq!(told, Err(Problem::LongDiff));
    }
}
