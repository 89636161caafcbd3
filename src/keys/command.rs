//! A key command: the user's own program that prints a key, such as `pass show openai`. Run without a shell.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::{KeyError, Secret, redact};

/// How long a key command may take: it may ask for a passphrase in a window of its own.
const LIMIT: Duration = Duration::from_secs(60);
/// The most of its error output that is shown, in characters.
const LONGEST_COMPLAINT: usize = 300;

/// Runs the command; the first line that it prints is the key.
///
/// # Errors
/// It cannot be started, fails, takes too long or prints no key. The message names the program, not its arguments.
pub async fn run(command: &[String]) -> Result<Secret, KeyError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(KeyError::Command("The key command is empty.".into()));
    };
    let failed = |how: String| KeyError::Command(format!("The key command {program} {how}"));
    let mut child = Command::new(program);
    child
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = child
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}.")))?;
    let output = timeout(LIMIT, child.wait_with_output())
        .await
        .map_err(|_| failed(format!("has not ended within {} seconds.", LIMIT.as_secs())))?
        .map_err(|error| failed(format!("cannot be read: {error}.")))?;
    if !output.status.success() {
        return Err(failed(format!(
            "failed ({}): {}",
            output.status,
            complaint(&output.stderr)
        )));
    }
    let printed = String::from_utf8(output.stdout).map_err(|_| failed("prints no text.".into()))?;
    let first = printed
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .to_owned();
    Secret::new(first).map_err(|_| failed("prints no key.".into()))
}

/// What the command said on its error output, fit to be shown.
fn complaint(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let words: Vec<&str> = text.split_whitespace().collect();
    redact::redact(&words.join(" "))
        .chars()
        .take(LONGEST_COMPLAINT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run_words(words: &[&str]) -> Result<Secret, KeyError> {
        run(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).await
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
            "The key command sh failed (exit status: 3): no store: [redacted]"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_does_not_end_is_given_up() {
        let error = run_words(&["sleep", "600"]).await.unwrap_err().to_string();
        assert_eq!(error, "The key command sleep has not ended within 60 seconds.");
    }

    #[tokio::test]
    async fn a_command_that_is_missing_or_silent_is_named() {
        let missing = run_words(&["/no/such/program", "secret-argument"])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("The key command /no/such/program cannot be started"),
            "{missing}"
        );
        assert!(!missing.contains("secret-argument"));
        let silent = run_words(&["true"]).await.unwrap_err().to_string();
        assert_eq!(silent, "The key command true prints no key.");
    }
}
