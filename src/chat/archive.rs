//! The history as chats see it: opened beside. What is wrong with it is told once, and the chats go on in memory; each
//! question tries again whether it can be used by now.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::chat::notice::{self, Level, Notice};
use crate::editor::Editor;
use crate::history::{Aside, History, HistoryError, Limits, Opened, Retention, schema};
use crate::words::{Locale, say};

/// How long the file may take to be closed.
const CLOSING: Duration = Duration::from_secs(5);
/// How long the same thing is not told again.
const TOLD_FOR: Duration = Duration::from_secs(600);
/// How long something that was told is still being read.
const READ_FOR: Duration = Duration::from_secs(2);

/// The history, or that there is none. A clone is the same one. Nothing of it: nothing is kept.
#[derive(Clone)]
pub struct Archive(Option<Arc<Shared>>);

struct Shared {
    file: PathBuf,
    kept: Retention,
    state: watch::Sender<State>,
    teller: Arc<Teller>,
}

#[derive(Debug, Clone)]
enum State {
    Opening,
    Open(History),
    /// It could not be opened.
    Failed(HistoryError),
}

/// Tells the user what is wrong, once.
struct Teller {
    editor: Arc<dyn Editor>,
    locale: Locale,
    file: PathBuf,
    told: Mutex<HashMap<String, Instant>>,
}

impl Archive {
    /// Nothing is kept.
    pub fn none() -> Self {
        Self(None)
    }

    /// Opens the file beside, and then forgets what need not be kept.
    pub fn open(file: PathBuf, kept: Retention, editor: Arc<dyn Editor>, locale: Locale) -> Self {
        let teller = Arc::new(Teller {
            editor,
            locale,
            file: file.clone(),
            told: Mutex::default(),
        });
        let shared = Arc::new(Shared {
            file,
            kept,
            state: watch::Sender::new(State::Opening),
            teller,
        });
        tokio::spawn(shared.clone().attempt(false));
        Self(Some(shared))
    }

    /// The history; `None` where nothing is kept. One that could not be opened before is tried again, though by one at
    /// a time.
    pub async fn history(&self) -> Option<History> {
        let shared = self.0.as_ref()?;
        let again = shared.state.send_if_modified(|state| match state {
            State::Failed(_) => {
                *state = State::Opening;
                true
            }
            _ => false,
        });
        if again {
            tokio::spawn(shared.clone().attempt(true));
        }
        let mut state = shared.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Opening)).await;
        match settled.as_deref() {
            Ok(State::Open(history)) => Some(history.clone()),
            _ => None,
        }
    }

    /// Tells what is wrong, unless that has been told already.
    pub fn complain(&self, error: &HistoryError) {
        match &self.0 {
            Some(shared) => shared.teller.complain(error),
            None => tracing::warn!(%error, "the history"),
        }
    }

    /// Tells a user who has just asked for the history why it cannot be used, though it may have been told before.
    /// `false`: it is not known to be so.
    pub fn explain(&self) -> bool {
        let Some(shared) = &self.0 else { return false };
        match &*shared.state.borrow() {
            State::Failed(error) => shared.teller.insist(error),
            _ => return false,
        }
        true
    }

    /// The same of something that went wrong with what a user has just asked for.
    pub fn insist(&self, error: &HistoryError) {
        if let Some(shared) = &self.0 {
            shared.teller.insist(error);
        }
    }

    /// Writes what waits, and closes the file.
    pub async fn close(&self) {
        let state = self.0.as_ref().map(|shared| shared.state.borrow().clone());
        if let Some(State::Open(history)) = state {
            timeout(CLOSING, history.close()).await.ok();
        }
    }
}

impl Shared {
    /// Opens the file, and then looks after it for as long as it is open. `again`: it could not be opened before.
    async fn attempt(self: Arc<Self>, again: bool) {
        let teller = self.teller.clone();
        let history = match History::open(&self.file, limits()).await {
            Ok(opened) => teller.take(opened),
            Err(error) => {
                teller.complain(&error);
                self.state.send_replace(State::Failed(error));
                return;
            }
        };
        if again {
            teller.tell_that_it_works();
        }
        tokio::spawn(tidy(history.clone(), self.kept));
        self.state.send_replace(State::Open(history.clone()));
        drop(self); // the file is closed with the last one who knows it
        teller.follow(history).await;
    }
}

impl Teller {
    fn take(&self, opened: Opened) -> History {
        if let Some(aside) = opened.set_aside {
            self.complain_of_damage(aside);
        }
        opened.history
    }

    fn complain_of_damage(&self, aside: Aside) {
        self.complain(&HistoryError::Corrupt {
            reason: String::new(),
            set_aside: Some(aside),
        });
    }

    fn complain(&self, error: &HistoryError) {
        tracing::warn!(%error, "the history");
        self.tell(notice::of_history(error, &self.file, self.locale));
    }

    /// Tells it once more, but for what the user has just read.
    fn insist(&self, error: &HistoryError) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, then| now.duration_since(*then) < read_for());
        drop(told);
        self.complain(error);
    }

    fn tell_that_it_works(&self) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.tell(Notice::new(Level::Info, say!(self.locale, "history.back"), ""));
    }

    /// Tells what has not been told for a while.
    fn tell(&self, notice: Notice) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, then| now.duration_since(*then) < TOLD_FOR);
        let words = notice.title.clone() + &notice.advice;
        if !told.contains_key(&words) {
            told.insert(words, now);
            let editor = self.editor.clone();
            tokio::spawn(async move { editor.inform(&notice).await });
        }
    }

    /// Tells what keeps the pieces of an answer from being written, and of files that are put aside.
    async fn follow(&self, history: History) {
        let (mut trouble, mut replaced) = (history.trouble(), history.replaced());
        drop(history);
        loop {
            tokio::select! {
                changed = trouble.changed() => if changed.is_err() { return },
                changed = replaced.changed() => match changed {
                    Ok(()) => {
                        let aside = replaced.borrow_and_update().clone();
                        aside.into_iter().for_each(|aside| self.complain_of_damage(aside));
                        continue;
                    }
                    Err(_) => return,
                },
            }
            let error = trouble.borrow_and_update().clone();
            if let Some(error) = error.filter(is_news) {
                self.complain(&error);
            }
        }
    }
}

/// What only a program that is built for tests can be told.
fn is_told_by_a_test(name: &str) -> bool {
    cfg!(debug_assertions) && std::env::var_os(name).is_some()
}

/// What the history may take. To a test it may be that of a later program, whose file has seen more steps.
fn limits() -> Limits {
    let is_later = is_told_by_a_test("GPT_NVIM_TEST_LATER");
    Limits {
        steps: if is_later { schema::LATER } else { schema::STEPS },
        ..Limits::default()
    }
}

/// A test need not wait until what was told is read.
fn read_for() -> Duration {
    match is_told_by_a_test("GPT_NVIM_TEST_READS_AT_ONCE") {
        true => Duration::ZERO,
        false => READ_FOR,
    }
}

/// Whether that is to be told: not that a chat has been deleted, nor what is told where a file is put aside.
fn is_news(error: &HistoryError) -> bool {
    error.is_passing() && !matches!(error, HistoryError::Corrupt { set_aside: Some(_), .. })
}

async fn tidy(history: History, kept: Retention) {
    if kept != Retention::default()
        && let Err(error) = history.tidy(kept).await
    {
        tracing::warn!(%error, "the history is not tidied");
    }
}
