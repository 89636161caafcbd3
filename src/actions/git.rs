//! What git says of the staged changes, and of how commits are described here.

use std::io;
use std::path::Path;
use std::process::Output;

use tokio::time::timeout;

use crate::git::{self, LIMIT};
use crate::words::{Text, text};

/// The most of a diff that is sent, in bytes.
const LONGEST_DIFF: usize = 200_000;
/// How many subjects of the log say how messages are written here.
const SUBJECTS: usize = 20;

/// The staged changes; empty if there are none.
///
/// # Errors
/// There is no git, no repository, or no answer in time.
pub async fn staged(folder: &Path) -> Result<String, Text> {
    let args = [&git::DIFF[..], &["--cached", "--submodule=short"]].concat();
    run(folder, &args).await.map(cut)
}

/// The subjects of the last commits, the newest first; none in a repository without one.
pub async fn subjects(folder: &Path) -> Vec<String> {
    let count = format!("-{SUBJECTS}");
    let args = ["log", &count, "--no-merges", "--no-show-signature", "--format=%s"];
    let log = run(folder, &args).await.unwrap_or_default();
    log.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn cut(mut diff: String) -> String {
    if diff.len() > LONGEST_DIFF {
        let end = (0..=LONGEST_DIFF).rev().find(|&at| diff.is_char_boundary(at));
        diff.truncate(end.unwrap_or_default());
        diff.push_str("\n[the diff is cut here, being too long]\n");
    }
    diff
}

async fn run(folder: &Path, args: &[&str]) -> Result<String, Text> {
    let ran = timeout(LIMIT, git::command(folder).args(args).output()).await;
    let output = ran.map_err(|_| text!("git.too_slow", seconds = LIMIT.as_secs()))?;
    read(output)
}

fn read(output: io::Result<Output>) -> Result<String, Text> {
    let output = output.map_err(|error| text!("git.not_started", reason = error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(text!("git.failed", reason = first.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_diff_is_cut_between_characters_and_says_so() {
        let short = cut("é".repeat(10));
        assert_eq!(short, "é".repeat(10));
        let long = cut(format!("a{}", "é".repeat(LONGEST_DIFF)));
        assert!(long.ends_with("too long]\n") && long.len() < LONGEST_DIFF + 100);
    }

    #[tokio::test]
    async fn what_is_no_repository_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert!(staged(folder.path()).await.is_err());
        assert_eq!(subjects(folder.path()).await, Vec::<String>::new());
    }
}
