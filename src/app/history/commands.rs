//! The chats of the history as a user handles them: found, renamed, deleted, copied, written to files.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::dialog::Dialog;
use crate::chat::ChatId;
use crate::chat::archive::Archive;
use crate::chat::notice::{Level, Notice};
use crate::editor::Editor;
use crate::fence;
use crate::history::{
    Chat, History, HistoryError, Listed, Listing, MARKS, Notice as Record, Search, Time, export, now,
};
use crate::keys::Redactor;
use crate::numbers;
use crate::words::{Locale, Text, say, text};

/// How many chats are shown.
const SHOWN: u32 = 200;
/// A number that no message reaches: of a chat from there on, only the chat itself is loaded.
const NO_MESSAGE: u64 = i64::MAX.cast_unsigned();
/// How many names are tried for a copy.
const MOST_NAMES: u32 = 99;
/// The longest title in the list, in characters.
const LONGEST_TITLE: usize = 42;
/// The longest name of a model there.
const LONGEST_MODEL: usize = 18;

/// All that handling chats takes. Cheap to clone.
#[derive(Clone)]
pub struct HistoryCommands {
    pub archive: Archive,
    pub dialog: Dialog,
    pub editor: Arc<dyn Editor>,
    /// The language of what is said.
    pub locale: Locale,
}

impl HistoryCommands {
    /// Lets the user choose a chat, of those that have the words, and shows it.
    pub async fn pick(&self, words: String, project: Option<String>) {
        let Some(history) = self.history().await else { return };
        let found = match words.trim() {
            "" => list(&history, project.clone()).await,
            words => search(&history, words, project.clone()).await,
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.failed(error).await,
        };
        if found.is_empty() {
            let title = match words.trim() {
                "" => text!("history.empty"),
                words => text!("history.none_found", words = words),
            };
            return self.say(Level::Info, title, "").await;
        }
        let at = now();
        let rows: Vec<String> = found
            .iter()
            .map(|(chat, snippet)| row(chat, snippet.as_deref(), project.as_deref(), at))
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let prompt = say!(self.locale, "history.prompt");
        let chosen = self.dialog.choose(prompt, &rows).await;
        if let Some((chat, _)) = chosen.and_then(|chosen| found.get(chosen)) {
            self.editor.open_chat(&ChatId(chat.info.id.clone())).await.ok();
        }
    }

    /// Offers to go on with the project's last chat.
    pub async fn offer_last(&self, project: Option<String>) {
        let Some(history) = self.archive.history().await else {
            return;
        };
        let Ok(Some(last)) = history.latest(project.as_deref()).await else {
            return;
        };
        let Ok(chat) = history.load(&last, NO_MESSAGE).await else {
            return;
        };
        let age = age(chat.updated, now());
        let question = text!("history.resume", title = &chat.info.title, age = age);
        if self
            .asked(question, text!("history.resume_yes"), text!("history.resume_no"))
            .await
        {
            self.editor.open_chat(&ChatId(last)).await.ok();
        }
    }

    /// Gives a chat another title.
    pub async fn rename(&self, chat: ChatId, title: String) {
        let Some(history) = self.history().await else { return };
        match history.rename(&chat.0, &title).await {
            Ok(()) => self.say(Level::Info, text!("history.renamed", title = title), "").await,
            Err(error) => self.failed(error).await,
        }
    }

    /// Deletes a chat, if that is meant so.
    pub async fn delete(&self, chat: ChatId) {
        let Some(history) = self.history().await else { return };
        let found = match history.load(&chat.0, NO_MESSAGE).await {
            Ok(found) => found,
            Err(error) => return self.failed(error).await,
        };
        let question = text!("history.delete", title = &found.info.title);
        if !self.asked_no_first(question, text!("history.delete_yes")).await {
            return self.say(Level::Info, text!("view.unchanged"), "").await;
        }
        match history.delete(&chat.0).await {
            Ok(()) => {
                self.editor.close_chat(&chat).await.ok();
                let title = text!("history.deleted", title = &found.info.title);
                self.say(Level::Info, title, "").await;
            }
            Err(error) => self.failed(error).await,
        }
    }

    /// Makes a chat of its own of the messages up to one, and shows it.
    pub async fn fork(&self, chat: ChatId, new: ChatId, at: Option<u64>) {
        let Some(history) = self.history().await else { return };
        let title = say!(self.locale, "history.unfinished");
        let advice = say!(self.locale, "history.interrupted_advice");
        let unfinished = Notice::new(Level::Info, title, advice).record(&Redactor::default());
        match fork(&history, &chat, &new, at, &unfinished).await {
            Ok(Some((new, title))) => {
                self.editor.open_chat(&new).await.ok();
                self.say(Level::Info, text!("history.forked", title = title), "").await;
            }
            Ok(None) => self.failed(HistoryError::NoChat(chat.0)).await,
            Err(error) => self.failed(error).await,
        }
    }

    /// Writes a chat to a file: as JSON if its name says so, else as markdown. A file that is there is left alone.
    pub async fn export(&self, chat: ChatId, path: PathBuf) {
        let Some(history) = self.history().await else { return };
        let found = match history.load(&chat.0, 0).await {
            Ok(found) => found,
            Err(error) => return self.failed(error).await,
        };
        let file = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || write_out(&found, &path)).await;
        match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => self.say(Level::Info, text!("history.exported", file = file), "").await,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let advice = text!("history.exists_advice");
                self.say(Level::Warning, text!("history.exists", file = file), advice)
                    .await;
            }
            Err(error) => {
                let title = text!("view.not_saved", file = file, reason = error.to_string());
                self.say(Level::Warning, title, "").await;
            }
        }
    }

    /// Deletes everything, if that is meant so, and really so.
    pub async fn clear(&self) {
        let Some(history) = self.history().await else { return };
        let size = match history.size().await {
            Ok(size) => size,
            Err(error) => return self.failed(error).await,
        };
        if size.chats == 0 {
            return self.say(Level::Info, text!("history.empty"), "").await;
        }
        let first = text!("history.clear", count = size.chats);
        let meant = self.asked_no_first(first, text!("history.clear_yes")).await
            && self
                .asked_no_first(text!("history.clear_again"), text!("history.clear_yes_again"))
                .await;
        if !meant {
            return self.say(Level::Info, text!("view.unchanged"), "").await;
        }
        match history.clear().await {
            Ok(()) => {
                self.say(Level::Info, text!("history.cleared", count = size.chats), "")
                    .await
            }
            Err(error) => self.failed(error).await,
        }
    }

    async fn history(&self) -> Option<History> {
        let history = self.archive.history().await;
        if history.is_none() && !self.archive.explain() {
            self.say(Level::Info, text!("history.off"), text!("history.off_advice"))
                .await;
        }
        history
    }

    async fn asked(&self, question: Text, yes: Text, no: Text) -> bool {
        let (yes, no) = (yes.said(self.locale), no.said(self.locale));
        let chosen = self.dialog.choose(question.said(self.locale), &[&yes, &no]).await;
        chosen == Some(0)
    }

    async fn asked_no_first(&self, question: Text, yes: Text) -> bool {
        let (no, yes) = (say!(self.locale, "connect.no"), yes.said(self.locale));
        let chosen = self.dialog.choose(question.said(self.locale), &[&no, &yes]).await;
        chosen == Some(1)
    }

    async fn failed(&self, error: HistoryError) {
        match error {
            HistoryError::NoChat(_) => {
                let advice = text!("history.not_yet_advice");
                self.say(Level::Info, text!("history.not_yet"), advice).await;
            }
            error @ (HistoryError::NoMessage { .. } | HistoryError::Closed | HistoryError::Failed { .. }) => {
                self.say(Level::Warning, text!("history.failed", reason = error.to_string()), "")
                    .await
            }
            error => self.archive.insist(&error),
        }
    }

    async fn say(&self, level: Level, title: Text, advice: impl Into<Text>) {
        let notice = Notice::new(level, title.said(self.locale), advice.into().said(self.locale));
        self.editor.inform(&notice).await.ok();
    }
}

/// A chat, and the words around what was searched for.
type Hit = (Listed, Option<String>);

async fn list(history: &History, project: Option<String>) -> Result<Vec<Hit>, HistoryError> {
    let listing = Listing {
        project,
        offset: 0,
        limit: SHOWN,
    };
    let listed = history.list(listing).await?;
    Ok(listed.into_iter().map(|chat| (chat, None)).collect())
}

async fn search(history: &History, words: &str, project: Option<String>) -> Result<Vec<Hit>, HistoryError> {
    let wanted = Search {
        words: words.to_owned(),
        project,
        limit: SHOWN as usize,
    };
    let found = history.search(wanted).await?;
    let plain = |snippet: String| snippet.replace([MARKS.0, MARKS.1], "");
    let hits = found.into_iter().map(|found| {
        let snippet = found.message.map(|_| plain(found.snippet));
        (found.chat, snippet)
    });
    Ok(hits.collect())
}

/// Copies a chat up to a message; returns the copy's name, which is another one where there is a chat of that name, and
/// its title.
async fn fork(
    history: &History,
    chat: &ChatId,
    new: &ChatId,
    at: Option<u64>,
    unfinished: &Record,
) -> Result<Option<(ChatId, String)>, HistoryError> {
    let from = history.load(&chat.0, 0).await?;
    let at = at.filter(|at| from.message(*at).is_some());
    let Some(head) = at.or(from.head) else {
        return Ok(None);
    };
    let others = (2..=MOST_NAMES).map(|number| format!("{}-{number}", new.0));
    for name in std::iter::once(new.0.clone()).chain(others) {
        let mut copy = from.fork(&name, head, now(), unfinished);
        copy.info.title = next_title(&from.info.title);
        let title = copy.info.title.clone();
        if history.import(copy).await? {
            return Ok(Some((ChatId(name), title)));
        }
    }
    Ok(None)
}

/// What a copy is called, so that a list tells it from the first one: `Why?` becomes `Why? (2)`, and that `Why? (3)`.
fn next_title(title: &str) -> String {
    let numbered = title.strip_suffix(')').and_then(|title| title.rsplit_once(" ("));
    let next = numbered.and_then(|(title, number)| Some((title, number.parse::<u32>().ok()?.checked_add(1)?)));
    let (title, number) = next.unwrap_or((title, 2));
    format!("{title} ({number})")
}

fn write_out(chat: &Chat, path: &Path) -> io::Result<()> {
    let is_json = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let text = match is_json {
        true => export::json(chat).map_err(io::Error::other)? + "\n",
        false => export::markdown(chat, None, fence::unclosed),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// A chat in one line: `3 h  Why is the sky blue?  gpt-6 · $0.02 · ~/other/project`.
fn row(chat: &Listed, snippet: Option<&str>, project: Option<&str>, at: Time) -> String {
    let info = &chat.info;
    let words = info.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut title: String = words.chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect();
    if title.is_empty() {
        title.push('…');
    }
    let mut facts = vec![short(&info.model)];
    if chat.totals.cost > 0.0 {
        facts.push(numbers::money(chat.totals.cost));
    }
    let elsewhere = info.project.as_deref().filter(|root| Some(*root) != project);
    facts.extend(elsewhere.and_then(|root| Path::new(root).file_name()?.to_str().map(str::to_owned)));
    let found = snippet.map(|snippet| format!("  \"{snippet}\"")).unwrap_or_default();
    format!("{:>10}  {title}  {}{found}", age(chat.updated, at), facts.join(" · "))
}

/// A model's name as far as a list has room for it: without the folders before it.
fn short(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model);
    match name.chars().count() > LONGEST_MODEL {
        true => name.chars().take(LONGEST_MODEL - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// How long ago that is: `5 min`, `3 h`, `4 d`; the date where it is longer.
fn age(then: Time, at: Time) -> String {
    let minutes = at.saturating_sub(then).max(0) / 60_000;
    match minutes {
        0..60 => format!("{minutes} min"),
        60..1440 => format!("{} h", minutes / 60),
        1440..43_200 => format!("{} d", minutes / 1440),
        _ => crate::history::day(then),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{ChatInfo, Totals};

    #[test]
    fn a_long_name_of_a_model_is_cut_in_a_row() {
        assert_eq!(short("gpt-6"), "gpt-6");
        assert_eq!(short("meta-llama/llama-9"), "llama-9");
        assert_eq!(short(&"é".repeat(30)), format!("{}…", "é".repeat(LONGEST_MODEL - 1)));
    }

    #[test]
    fn a_row_tells_age_title_model_cost_and_another_project() {
        let listed = Listed {
            info: ChatInfo {
                id: "a".into(),
                title: "Why?".into(),
                project: Some("/home/me/p".into()),
                provider: "openai".into(),
                model: "gpt-6".into(),
                created: 0,
            },
            updated: 0,
            totals: Totals {
                cost: 0.12,
                ..Totals::default()
            },
            messages: 2,
            branches: 1,
        };
        let hour = 3_600_000;
        assert_eq!(
            row(&listed, None, Some("/home/me/p"), 3 * hour),
            "       3 h  Why?  gpt-6 · $0.12"
        );
        assert_eq!(
            row(&listed, Some("so it is"), None, 2 * hour / 60),
            "     2 min  Why?  gpt-6 · $0.12 · p  \"so it is\""
        );
    }

    #[test]
    fn a_title_of_several_lines_is_one_row() {
        let listed = |title: &str| Listed {
            info: ChatInfo {
                id: "a".into(),
                title: title.into(),
                project: None,
                provider: "openai".into(),
                model: "gpt-6".into(),
                created: 0,
            },
            updated: 0,
            totals: Totals::default(),
            messages: 2,
            branches: 1,
        };
        let shown = |title: &str| row(&listed(title), None, None, 0);
        assert_eq!(shown("Why\nis\t\u{1b}[31m it?"), "     0 min  Why is [31m it?  gpt-6");
        assert_eq!(shown(" \n"), "     0 min  …  gpt-6");
    }

    #[test]
    fn a_copy_has_the_next_number() {
        for (title, next) in [
            ("Why?", "Why? (2)"),
            ("Why? (2)", "Why? (3)"),
            ("f(1)", "f(1) (2)"),
            ("f (x)", "f (x) (2)"),
            ("(4294967295)", "(4294967295) (2)"),
            ("a (4294967295)", "a (4294967295) (2)"),
        ] {
            assert_eq!(next_title(title), next);
        }
    }

    #[test]
    fn what_is_long_ago_has_its_date() {
        assert_eq!(age(1_795_373_700_000, 1_795_373_700_000 + 86_400_000 * 4), "4 d");
        assert_eq!(
            age(1_795_373_700_000, 1_795_373_700_000 + 86_400_000 * 40),
            "2026-11-22"
        );
        assert_eq!(age(10, 5), "0 min");
    }
}
