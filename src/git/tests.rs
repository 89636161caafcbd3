//! Repositories that keep working, and repositories that try what they can: each way to run or fetch something, or to read
//! what is not the project's, has a trap that must not be sprung.

#![cfg(unix)]

mod hostile;
mod kinds;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

/// A folder with a repository in `p`, and beside it what the repository has no business with.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self::empty();
        home.git(&["init", "--quiet"]);
        home.write("a.txt", "one\n");
        home.write("b c.txt", "one\n");
        home.commit();
        home
    }

    fn empty() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.root()).unwrap();
        home
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn root(&self) -> PathBuf {
        self.beside("p")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.root().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn git(&self, words: &[&str]) -> String {
        git_in(&self.root(), words)
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", "c"]);
    }

    /// A program that leaves a mark behind, and the mark.
    fn trap(&self) -> String {
        let script = self.beside("trap");
        fs::write(
            &script,
            format!("#!/bin/sh\necho \"$0 $*\" >>{}\ncat\n", self.mark().display()),
        )
        .unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        script.display().to_string()
    }

    fn mark(&self) -> PathBuf {
        self.beside("mark")
    }

    /// That nothing has run.
    fn is_untouched(&self, what: &str) {
        let mark = fs::read_to_string(self.mark()).unwrap_or_default();
        assert_eq!(mark, "", "{what}");
    }

    async fn diff(&self, changes: Changes) -> Result<String, GitError> {
        diff_in(&self.root(), changes).await
    }
}

fn git_in(folder: &Path, words: &[&str]) -> String {
    let said = Command::new("git")
        .args([
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(said.status.success(), "{words:?}: {said:?}");
    String::from_utf8(said.stdout).unwrap()
}

/// A user's environment with nothing but a search path and these.
fn environment<'a>(more: &'a [(&'a str, OsString)]) -> impl Fn(&str) -> Option<OsString> + Sync + 'a {
    move |name| match more.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Some(value.clone()),
        None => (name == "PATH").then(|| std::env::var_os("PATH"))?,
    }
}

async fn diff_with(folder: &Path, changes: Changes, more: &[(&str, OsString)]) -> Result<String, GitError> {
    let repository = Repository::open_by(folder, &environment(more)).await?;
    let diff = repository.diff(changes, &[], 1 << 20).await?;
    Ok(String::from_utf8(diff).unwrap())
}

async fn diff_in(folder: &Path, changes: Changes) -> Result<String, GitError> {
    diff_with(folder, changes, &[]).await
}
