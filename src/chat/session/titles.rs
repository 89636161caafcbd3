//! Titles of chats: the first words of its first question. Where that is switched on, the model makes a title: one
//! small request after the chat's first answer, beside all else. Nothing waits for it; where it fails, the words stay.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::asking::{ANSWERS_WAITING, ask};
use super::{Running, Settings, Task};
use crate::chat::conversation::{Ended, Outcome};
use crate::chat::{Message, Role};
use crate::config::Titles;
use crate::fence::{self, Line};
use crate::history::History;
use crate::provider::registry::Target;
use crate::provider::{Event, FinishReason, Request};

/// The longest title, in characters.
const LONGEST_TITLE: usize = 60;
/// How long the model may take for a title.
const LIMIT: Duration = Duration::from_secs(60);
/// How much of the question and of the answer is shown, in characters each.
const SHOWN: usize = 1_000;
/// The most tokens that a title may take: enough for a model that thinks first.
const MOST_TOKENS: u64 = 1_000;

impl Task {
    /// Asks for a title after the first answer of a chat that is kept.
    pub(super) fn ask_for_title(&mut self, ended: &Ended, target: &Target) {
        let settings = self.settings.borrow().clone();
        let is_done = matches!(ended.outcome, Outcome::Done { empty: false, .. });
        let is_same = settings.target.label() == target.label();
        let is_wanted = settings.titles == Titles::Model && is_same && !target.provider.offline;
        let all = self.conversation.all();
        let (Some(kept), [(question, _), (answer, _)]) = (&self.kept, all.as_slice()) else {
            return;
        };
        if is_done && is_wanted {
            let request = request(&settings, question, answer);
            let (history, chat) = (kept.history.clone(), self.chat.0.clone());
            let first = title(&question.text());
            self.titling = Some(Running(tokio::spawn(async move {
                retitle(settings, request, &history, &chat, &first).await;
            })));
        }
    }
}

/// What a chat is called: the first words of its first question, of its prose if it has any.
pub(super) fn title(question: &str) -> String {
    let mut prose = fence::lines(question).filter(|(line, kind)| *kind == Line::Text && !line.trim().is_empty());
    let line = prose
        .next()
        .map(|(line, _)| line)
        .or_else(|| question.lines().find(|line| !line.trim().is_empty()));
    let line: String = line.unwrap_or_default().replace(|c: char| c.is_control(), " ");
    let mut title = String::new();
    for word in line.split_whitespace() {
        if title.chars().count() + word.chars().count() > LONGEST_TITLE && !title.is_empty() {
            return title + " …";
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().take(LONGEST_TITLE));
    }
    title
}

fn request(settings: &Settings, question: &Message, answer: &Message) -> Request {
    let beginning = |text: &str| text.chars().take(SHOWN).collect::<String>();
    let content = format!(
        "Give the conversation below a title of at most six words, in its language. Write the title alone, without \
         quotes.\n\n<question>\n{}\n</question>\n\n<answer>\n{}\n</answer>",
        beginning(&question.text()),
        beginning(&answer.text()),
    );
    Request {
        temperature: None,
        max_tokens: Some(MOST_TOKENS),
        ..super::request(settings, vec![Message::said(Role::User, &content)])
    }
}

/// Gives the chat the model's title, unless it has been renamed meanwhile.
async fn retitle(settings: Arc<Settings>, request: Request, history: &History, chat: &str, first: &str) {
    let Ok(Some(title)) = timeout(LIMIT, answered(settings, request)).await else {
        return tracing::info!("no title came from the model");
    };
    if let Err(error) = history.retitle(chat, first, &title).await {
        tracing::info!(%error, "the model's title is not kept");
    }
}

/// The title that the model answers; `None` if it answers none at once.
async fn answered(settings: Arc<Settings>, request: Request) -> Option<String> {
    let (events, mut answers) = mpsc::channel(ANSWERS_WAITING);
    let (asking, _) = watch::channel(false);
    let task = Running(tokio::spawn(ask(settings, request, events, asking, || {})));
    let mut text = String::new();
    while let Some(batch) = answers.recv().await {
        for event in batch {
            match event {
                Event::Text(more) => text.push_str(&more),
                Event::Finished(FinishReason::Stop) => return clean(&text),
                Event::Finished(_) | Event::Error(_) | Event::Retrying(_) | Event::Refusal(_) => return None,
                _ => {}
            }
        }
    }
    drop(task);
    None
}

/// What a model says when it is asked for a title, as one.
fn clean(text: &str) -> Option<String> {
    let is_around = |sign: char| sign.is_whitespace() || "\"'`*#“”„«».".contains(sign);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let title = title(line.trim_matches(is_around));
    (!title.is_empty() && title.chars().count() <= LONGEST_TITLE + 2).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::{clean, title};

    #[test]
    fn a_title_is_the_first_line_of_prose() {
        assert_eq!(title("\n  Why  is it\tso?\nAnd more"), "Why is it so?");
        assert_eq!(
            title("`a.rs`, lines 1 to 2:\n\n```rust\nfn a()\n```"),
            "`a.rs`, lines 1 to 2:"
        );
        assert_eq!(title("```rust\nfn a()\n```\nWhat is this?"), "What is this?");
        assert_eq!(title("```rust\nfn a()\n```"), "```rust");
        assert_eq!(title(""), "");
    }

    #[test]
    fn a_long_title_is_cut_between_words() {
        let cut = title(&"word ".repeat(40));
        assert!(cut.ends_with("word …") && cut.chars().count() <= 62 + 12, "{cut}");
        assert_eq!(title(&"x".repeat(100)).chars().count(), 60);
    }

    #[test]
    fn a_models_title_is_one_line_without_quotes() {
        assert_eq!(
            clean("\n**\"Why skies are blue.\"**\n"),
            Some("Why skies are blue".into())
        );
        assert_eq!(clean("# Céu azul\nBecause"), Some("Céu azul".into()));
        assert_eq!(clean(" \n\"\"\n"), None);
        assert_eq!(clean(""), None);
    }
}
