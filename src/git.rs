//! git, hardened: run without a shell or a pager, and without what a repository's own configuration could make it run.
//! Whoever runs it says what for, and reads what it prints.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long git may take.
pub const LIMIT: Duration = Duration::from_secs(10);
/// The words of a diff for which git runs no program that the repository names.
pub const DIFF: [&str; 4] = ["diff", "--no-ext-diff", "--no-textconv", "--no-color"];

/// git in this folder: it asks nobody, takes no lock that it can do without, writes paths as they are, and goes with its
/// handle.
pub fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.args(["--no-pager", "--no-optional-locks"])
        .args(["-c", "core.fsmonitor=false", "-c", "core.quotepath=false"])
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    git
}
