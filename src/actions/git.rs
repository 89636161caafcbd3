//! Reads what actions need of git: the staged changes, and how commits are described here.

use std::path::{Path, PathBuf};

use crate::git::{Changes, GitError, Repository};
use crate::words::Text;

/// The most of a diff that is read, in bytes.
const MOST_DIFF: usize = 16 << 20;
/// The most of a diff that is sent, in bytes.
const LONGEST_DIFF: usize = 200_000;
/// How many subjects of the log say how messages are written here.
const SUBJECTS: usize = 20;

/// The changes that a commit would hold, without those of the files in `without`; empty if there are none. `draft` is what
/// stands in the commit buffer: by it a commit that takes the last one's place is known (`git commit --amend`).
///
/// # Errors
/// There is no git, no repository, or no answer in time.
pub async fn staged(folder: &Path, draft: Option<&str>, without: &[PathBuf]) -> Result<String, Text> {
    let without: Vec<PathBuf> = without
        .iter()
        .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()))
        .collect();
    let diff = async {
        let repository = Repository::open(folder).await?;
        let changes = match draft {
            Some(draft) if repository.is_amended(draft).await => Changes::Amended,
            _ => Changes::Staged,
        };
        repository.diff(changes, &without, MOST_DIFF).await
    };
    let diff = diff.await.map_err(|error: GitError| error.said())?;
    Ok(cut(String::from_utf8_lossy(&diff).into_owned()))
}

/// The subjects of the last commits, the newest first; none in a repository without one.
pub async fn subjects(folder: &Path) -> Vec<String> {
    match Repository::open(folder).await {
        Ok(repository) => repository.subjects(SUBJECTS).await,
        Err(_) => Vec::new(),
    }
}

fn cut(mut diff: String) -> String {
    if diff.len() > LONGEST_DIFF {
        let end = (0..=LONGEST_DIFF).rev().find(|&at| diff.is_char_boundary(at));
        diff.truncate(end.unwrap_or_default());
        diff.push_str("\n[the diff is cut here, being too long]\n");
    }
    diff
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
        assert!(staged(folder.path(), None, &[]).await.is_err());
        assert_eq!(subjects(folder.path()).await, Vec::<String>::new());
    }
}
