//! Tells a commit that takes the last one's place (`git commit --amend`) from a new one, by what git has written into the
//! commit buffer. git says it nowhere else: not in the environment of its editor, and a parent process's arguments may be
//! those of another program (a rebase, a plugin).
//!
//! Two signs are looked for. git's comments name the date of the commit whose author is kept, when it is not now
//! (<https://github.com/git/git/blob/master/builtin/commit.c>, `author_date_is_interesting`); and the message begins as the
//! last commit's, in the buffer or in the file as git wrote it. `git commit -c HEAD`, which makes a second commit of the
//! same message, shows the same and is taken for one that amends.

use super::Repository;

/// The most of the commit's file that is read, in bytes.
const MOST_DRAFT: u64 = 1 << 20;

impl Repository {
    /// Whether the commit that this is the draft of takes the last one's place.
    pub async fn is_amended(&self, draft: &str) -> bool {
        let said = self.log(&["-1", "--format=%B%x00%ad", "--date=default"]).await;
        let Some((message, date)) = said.split_once('\0') else {
            return false;
        };
        if names_date(draft, date.trim()) || begins_with(draft, message) {
            return true;
        }
        let file = self.layout.git_dir.join("COMMIT_EDITMSG");
        let written = self.layout.read(&file, MOST_DRAFT).unwrap_or_default();
        begins_with(&String::from_utf8_lossy(&written), message)
    }
}

/// Whether a comment ends in this date, behind a word and a colon in git's language.
fn names_date(draft: &str, date: &str) -> bool {
    let is_comment = |line: &str| line.starts_with(|c: char| !c.is_alphanumeric() && !c.is_whitespace());
    let names = |line: &str| {
        let before = line.trim_end().strip_suffix(date);
        before.is_some_and(|before| before.trim_end().ends_with([':', '\u{ff1a}']))
    };
    !date.is_empty() && draft.lines().any(|line| is_comment(line) && names(line))
}

/// Whether a draft has this message, and behind it nothing but comments.
fn begins_with(draft: &str, message: &str) -> bool {
    let mut draft = draft.trim_start().lines().map(str::trim_end);
    let message = message.trim();
    if message.is_empty() || !message.lines().all(|line| draft.next() == Some(line.trim_end())) {
        return false;
    }
    let next = draft.find(|line| !line.is_empty());
    next.is_none_or(|line| line.starts_with(|c: char| c.is_ascii_punctuation()))
}
