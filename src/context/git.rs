//! What git says has changed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{MOST_BYTES, Problem};
use crate::git::{self, LIMIT};

/// How much of its complaints is read, in bytes.
const MOST_COMPLAINT: u64 = 4096;

/// Which changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// Those that are not staged.
    Unstaged,
    /// Those that are.
    Staged,
}

/// The changes as a diff, without those of the files in `without`. `root` and these are paths without links in them.
///
/// # Errors
/// There are none, or git cannot tell them, or not in time.
pub async fn diff(root: &Path, changes: Changes, without: &[PathBuf]) -> Result<String, Problem> {
    let child = command(root, changes, without)
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Problem::NoGit,
            _ => Problem::GitFailed(error.to_string()),
        })?;
    // Given up, the child goes with its handle.
    let said = timeout(LIMIT, listen(child))
        .await
        .map_err(|_| Problem::GitSlow(LIMIT.as_secs()))?;
    let (diff, complaint, is_well) = said.map_err(|error| Problem::GitFailed(error.to_string()))?;
    if !is_well && diff.len() as u64 <= MOST_BYTES {
        return Err(refused(&complaint, root));
    }
    match diff.len() as u64 {
        0 if changes == Changes::Staged => Err(Problem::NothingStaged),
        0 => Err(Problem::NothingChanged),
        length if length > MOST_BYTES => Err(Problem::LongDiff),
        _ => Ok(String::from_utf8_lossy(&diff).into_owned()),
    }
}

fn command(root: &Path, changes: Changes, without: &[PathBuf]) -> Command {
    let mut command = git::command(root);
    // Its complaints are read: in one language.
    command
        .env("LC_ALL", "C")
        .args(git::DIFF)
        .args(["--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/"])
        .args((changes == Changes::Staged).then_some("--cached"))
        .arg("--");
    for path in without {
        if let Ok(path) = path.strip_prefix(root) {
            command.arg(format!(":(exclude,literal){}", path.display()));
        }
    }
    command
}

/// What it prints, what it complains of, and whether it ended well. One that prints too much is not listened to further.
async fn listen(mut child: Child) -> std::io::Result<(Vec<u8>, Vec<u8>, bool)> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(ErrorKind::BrokenPipe.into());
    };
    let (diff, complaint) = tokio::try_join!(beginning(stdout, MOST_BYTES + 1), beginning(stderr, MOST_COMPLAINT))?;
    if diff.len() as u64 > MOST_BYTES {
        return Ok((diff, complaint, false));
    }
    let status = child.wait().await?;
    Ok((diff, complaint, status.success()))
}

async fn beginning(from: impl AsyncRead + Unpin, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn refused(complaint: &[u8], root: &Path) -> Problem {
    let complaint = String::from_utf8_lossy(complaint);
    if complaint.to_lowercase().contains("not a git repository") {
        return Problem::NoRepository {
            root: root.display().to_string(),
        };
    }
    Problem::GitFailed(complaint.lines().next().unwrap_or_default().trim().to_owned())
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
        assert!(matches!(told, Err(Problem::NoRepository { .. })), "{told:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_repository_runs_nothing_of_its_own() {
        let folder = repository();
        let root = folder.path();
        let trap = root.join("ran");
        let script = format!("touch {}; cat", trap.display());
        for (name, value) in [
            ("diff.external", script.as_str()),
            ("diff.trap.textconv", &script),
            ("core.fsmonitor", &script),
            ("core.pager", &script),
        ] {
            git(root, &["config", name, value]);
        }
        std::fs::write(root.join(".gitattributes"), "* diff=trap\n").unwrap();
        std::fs::write(root.join("b.txt"), "two\n").unwrap();
        let changed = diff(root, Changes::Unstaged, &[]).await.unwrap();
        assert!(changed.contains("+two"), "{changed}");
        assert!(!trap.exists());
    }

    #[tokio::test]
    async fn a_diff_that_is_too_long_is_refused() {
        let folder = repository();
        std::fs::write(folder.path().join("b.txt"), "x\n".repeat(600_000)).unwrap();
        let told = diff(folder.path(), Changes::Unstaged, &[]).await;
        assert_eq!(told, Err(Problem::LongDiff));
    }
}
