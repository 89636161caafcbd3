//! Child processes that end: in a group of their own, with a small environment, a time limit and bounded output.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The most of a program's complaints that is read, in bytes.
const MOST_COMPLAINT: u64 = 4096;

/// The variables that a program of others gets from the user's environment, beside those that begin with `LC_`. A list of
/// what is allowed: whatever holds a key, by whatever name, is not among them.
const ALLOWED: [&str; 22] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    // Windows and macOS: without these, programs do not start there.
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "DEVELOPER_DIR",
];

/// What of the user's environment is handed on: no key of any provider.
pub fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_allowed))
}

fn is_allowed(name: &str) -> bool {
    let is = |allowed: &&str| match cfg!(windows) {
        true => allowed.eq_ignore_ascii_case(name),
        false => *allowed == name,
    };
    ALLOWED.iter().any(is) || name.starts_with("LC_")
}

/// A running program. Dropped before it has ended, it goes with all that it has started; what it leaves behind when it
/// ends by itself, an agent say, stays.
#[derive(Debug)]
pub struct Group {
    /// The program itself.
    pub leader: Child,
}

impl Group {
    /// Starts it as the leader of a group.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(mut command: Command) -> io::Result<Self> {
        #[cfg(unix)]
        command.process_group(0);
        let leader = command.kill_on_drop(true).spawn()?;
        Ok(Self { leader })
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        // Once it has been waited for it has no number any more, which may be another's by then.
        let running = self.leader.id().and_then(|id| i32::try_from(id).ok());
        if let Some(leader) = running.and_then(Pid::from_raw) {
            kill_process_group(leader, Signal::KILL).ok();
        }
    }
}

/// What came of a program.
#[derive(Debug)]
pub struct Output {
    /// What it printed, at most one byte more than was asked for.
    pub stdout: Vec<u8>,
    /// The beginning of its complaints.
    pub stderr: Vec<u8>,
    /// How it ended; `None` if it printed too much, and was ended.
    pub status: Option<ExitStatus>,
}

/// Why nothing came of a program.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be started or listened to.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It did not end in time, and was ended with all that it had started.
    #[error("no end in time")]
    Slow,
}

/// Runs a program to its end: `input` is what it reads. One that prints more than `most` bytes, or takes longer than
/// `limit`, is ended with all that it has started.
///
/// # Errors
/// It cannot be started, or takes too long.
pub async fn run(mut command: Command, input: Vec<u8>, limit: Duration, most: usize) -> Result<Output, RunError> {
    let stdin = if input.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command)?;
    let output = timeout(limit, listen(&mut group.leader, input, most)).await;
    Ok(output.map_err(|_| RunError::Slow)??)
}

async fn listen(child: &mut Child, input: Vec<u8>, most: usize) -> io::Result<Output> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // One that does not read to the end has its reasons.
            stdin.write_all(&input).await.ok();
        }
        Ok(())
    };
    let (stdout, stderr, ()) = tokio::try_join!(
        beginning(stdout, most as u64 + 1),
        beginning(stderr, MOST_COMPLAINT),
        feed
    )?;
    let status = match stdout.len() > most {
        true => None,
        false => Some(child.wait().await?),
    };
    Ok(Output { stdout, stderr, status })
}

async fn beginning(from: impl AsyncRead + Unpin, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
