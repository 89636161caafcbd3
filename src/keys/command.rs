//! A key command: the user's own program that prints a key, such as `pass show openai`. Run without a shell.

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::{KeyError, Redactor, Secret};
use crate::process::Group;
use crate::words::{Text, text};

/// How long a key command may take: it may ask for a passphrase in a window of its own.
const LIMIT: Duration = Duration::from_secs(60);
/// How long is waited for the command's end once it has printed its line, and for the rest of its output once it has ended:
/// an agent that it started may hold its outputs open.
const GRACE: Duration = Duration::from_millis(500);
/// The most of each of its outputs that is kept, in bytes.
const MOST_OUTPUT: usize = 64 * 1024;
/// The most of its lines and words that are taken out of its error output.
const MOST_SECRETS: usize = 200;
/// The most of its error output that is shown, in characters.
const LONGEST_COMPLAINT: usize = 300;

/// Runs the command; the first line that it prints is the key.
///
/// # Errors
/// It cannot be started, fails, takes too long or prints no key. The message names the program, not its arguments, and
/// holds neither what `redactor` knows nor what the command printed.
pub async fn run(command: &[String], redactor: &Redactor) -> Result<Secret, KeyError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(KeyError::Command(text!("key_command.empty")));
    };
    let failed = |how: Text| KeyError::Command(how.change_plain(&|plain| redactor.redact(plain).into_owned()));
    let mut child = Command::new(program);
    child
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut group = Group::spawn(child).map_err(|error| {
        failed(text!(
            "key_command.not_started",
            program = program,
            reason = error.to_string()
        ))
    })?;
    let output = timeout(LIMIT, watch(&mut group.leader))
        .await
        .map_err(|_| {
            failed(text!(
                "key_command.too_slow",
                program = program,
                seconds = LIMIT.as_secs()
            ))
        })?
        .map_err(|error| {
            failed(text!(
                "key_command.unreadable",
                program = program,
                reason = error.to_string()
            ))
        })?;
    if let Some(status) = output.status.filter(|status| !status.success()) {
        return Err(failed(text!(
            "key_command.failed",
            program = program,
            status = status.to_string(),
            words = complaint(&output, redactor)
        )));
    }
    let line = first_line(&output.stdout)
        .filter(|line| line.len() < MOST_OUTPUT)
        .unwrap_or_default();
    let printed = str::from_utf8(line).map_err(|_| failed(text!("key_command.no_text", program = program)))?;
    Secret::new(printed.to_owned()).map_err(|_| failed(text!("key_command.no_key", program = program)))
}

/// What came of a command.
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How it ended; `None` if it goes on after its line.
    status: Option<ExitStatus>,
}

/// Waits until the command has printed a line or ended; what it started itself is not waited for.
async fn watch(child: &mut Child) -> io::Result<Output> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    let mut status = None;
    {
        let line = Notify::new();
        let mut print = pin!(read_all(stdout, &mut printed, |text| if is_enough(text) {
            line.notify_one();
        }));
        let mut complain = pin!(read_all(stderr, &mut complained, |_| {}));
        let (mut printing, mut complaining, mut has_line) = (true, true, false);
        let mut deadline = None;
        while printing || complaining || status.is_none() {
            let late = sleep_until(deadline.unwrap_or_else(Instant::now));
            let mut over = false;
            tokio::select! {
                () = line.notified(), if !has_line => {
                    has_line = true;
                    over = true;
                }
                end = &mut print, if printing => {
                    printing = false;
                    end?;
                }
                end = &mut complain, if complaining => {
                    complaining = false;
                    end?;
                }
                end = child.wait(), if status.is_none() => {
                    status = Some(end?);
                    over = true;
                }
                () = late, if deadline.is_some() => break,
            }
            if (has_line || !printing) && status.is_some_and(|status| status.success()) {
                break;
            }
            if over && deadline.is_none() {
                deadline = Some(Instant::now() + GRACE);
            }
        }
    }
    Ok(Output {
        stdout: printed,
        stderr: complained,
        status,
    })
}

/// Whether there is a whole line that is not blank, or as much as is kept.
fn is_enough(text: &[u8]) -> bool {
    let end = text.iter().rposition(|&byte| byte == b'\n');
    let lines = end.and_then(|end| text.get(..end));
    text.len() >= MOST_OUTPUT || lines.is_some_and(|lines| first_line(lines).is_some())
}

/// Reads to the end, and keeps the beginning; `seen` is shown it as it grows.
async fn read_all(mut from: impl AsyncRead + Unpin, to: &mut Vec<u8>, seen: impl Fn(&[u8])) -> io::Result<()> {
    let mut chunk = [0; 4096];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        let room = length.min(MOST_OUTPUT.saturating_sub(to.len()));
        to.extend_from_slice(chunk.get(..room).unwrap_or_default());
        seen(to);
    }
}

/// The first line that is not blank.
fn first_line(text: &[u8]) -> Option<&[u8]> {
    text.split(|&byte| byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty())
}

/// What the command said on its error output, fit to be shown: without what it printed on the other one, which may be
/// the key.
fn complaint(output: &Output, redactor: &Redactor) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = redactor.with(printed(&output.stdout)).redact_cut(&text);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_COMPLAINT).collect()
}

/// What a key may be of what the command printed: each line, and each word that is none of a language.
fn printed(stdout: &[u8]) -> Vec<Secret> {
    let text = String::from_utf8_lossy(stdout);
    let words = text
        .split_whitespace()
        .filter(|word| word.contains(|c: char| c.is_ascii_digit()));
    let secrets = text.lines().chain(words).take(MOST_SECRETS);
    secrets.filter_map(|text| Secret::new(text.to_owned()).ok()).collect()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    async fn run_words(words: &[&str]) -> Result<Secret, KeyError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        run(&words, &Redactor::new(vec![Secret::new("live-secret".into()).unwrap()])).await
    }

    #[tokio::test]
    async fn the_first_line_that_it_prints_is_the_key() {
        let key = run_words(&["printf", "\n  the-key  \nuser: me\n"]).await.unwrap();
        assert_eq!(key.expose(), "the-key");
    }

    #[tokio::test]
    async fn its_arguments_pass_no_shell() {
        let key = run_words(&["printf", "%s", "$(id) `id` ; #"]).await.unwrap();
        assert_eq!(key.expose(), "$(id) `id` ; #");
    }

    #[tokio::test]
    async fn a_failure_shows_its_own_words_without_keys() {
        let error = run_words(&["sh", "-c", "echo 'no store: sk-abcdefghijklmnop' >&2; exit 3"])
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "The command sh failed (exit status: 3): no store: [redacted]"
        );
    }

    #[tokio::test]
    async fn a_failure_repeats_neither_a_live_key_nor_what_the_command_printed() {
        let script =
            "echo 'key: opensesame7'; echo plain-words; echo 'live-secret, opensesame7: plain-words' >&2; exit 3";
        let error = run_words(&["sh", "-c", script]).await.unwrap_err();
        let said = "The command sh failed (exit status: 3): [redacted], [redacted]: [redacted]";
        assert_eq!(error.to_string(), said);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_command_that_is_given_up_goes_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!(
            "trap '' TERM HUP; sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
            file.display()
        );
        let running = tokio::spawn(async move { run_words(&["sh", "-c", &script]).await });
        let pid = loop {
            match std::fs::read_to_string(&file) {
                Ok(pid) => break pid.trim().to_owned(),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        while !matches!(
            state().rsplit(") ").next().and_then(|rest| rest.chars().next()),
            None | Some('Z')
        ) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_key_in_place_of_the_program_is_not_repeated() {
        let error = run_words(&["sk-abcdefghijklmnop"]).await.unwrap_err().to_string();
        assert!(error.starts_with("The command [redacted] cannot be started"), "{error}");
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_is_not_waited_for() {
        let begun = std::time::Instant::now();
        for script in [
            "echo key; sleep 25 & exit 0",
            "printf key; sleep 25 & exit 0",
            "echo key; exec sleep 25",
        ] {
            assert_eq!(run_words(&["sh", "-c", script]).await.unwrap().expose(), "key");
        }
        let error = run_words(&["sh", "-c", "echo no; sleep 25 & exit 3"])
            .await
            .unwrap_err();
        assert!(error.to_string().contains("failed (exit status: 3)"), "{error}");
        run_words(&["sh", "-c", "tr '\\0' '\\n' </dev/zero"]).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_does_not_end_is_given_up() {
        let error = run_words(&["sleep", "600"]).await.unwrap_err().to_string();
        assert_eq!(error, "The command sleep has not ended within 60 seconds.");
    }

    #[tokio::test]
    async fn a_command_that_is_missing_or_silent_is_named() {
        let missing = run_words(&["/no/such/program", "secret-argument"])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("The command /no/such/program cannot be started"),
            "{missing}"
        );
        assert!(!missing.contains("secret-argument"));
        let silent = run_words(&["true"]).await.unwrap_err().to_string();
        assert_eq!(silent, "The command true prints nothing that a header may hold.");
    }
}
