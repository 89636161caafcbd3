//! The history as chats see it: opened beside, once. What is wrong with it is told once, and the chats go on in memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::chat::notice;
use crate::editor::Editor;
use crate::history::{History, HistoryError, Limits, Opened, Retention};
use crate::words::Locale;

/// How long the file may take to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// The history, or that there is none. A clone is the same one.
#[derive(Clone)]
pub struct Archive {
    /// `None`: it is being opened.
    opened: watch::Receiver<Option<Option<History>>>,
    teller: Option<Arc<Teller>>,
}

/// Tells the user what is wrong, once.
struct Teller {
    editor: Arc<dyn Editor>,
    locale: Locale,
    file: PathBuf,
    told: AtomicBool,
}

impl Archive {
    /// Nothing is kept.
    pub fn none() -> Self {
        let (_, opened) = watch::channel(Some(None));
        Self { opened, teller: None }
    }

    /// Opens the file beside, and then forgets what need not be kept.
    pub fn open(file: PathBuf, kept: Retention, editor: Arc<dyn Editor>, locale: Locale) -> Self {
        let (settled, opened) = watch::channel(None);
        let teller = Arc::new(Teller {
            editor,
            locale,
            file: file.clone(),
            told: AtomicBool::new(false),
        });
        let telling = teller.clone();
        tokio::spawn(async move {
            let history = match History::open(&file, Limits::default()).await {
                Ok(opened) => Some(telling.take(opened)),
                Err(error) => {
                    telling.complain(&error);
                    None
                }
            };
            settled.send_replace(Some(history.clone()));
            if let Some(history) = history {
                tokio::spawn(tidy(history.clone(), kept));
                telling.follow(history).await;
            }
        });
        Self {
            opened,
            teller: Some(teller),
        }
    }

    /// The history, once it is open; `None` where nothing is kept.
    pub async fn history(&self) -> Option<History> {
        let mut opened = self.opened.clone();
        let settled = opened.wait_for(Option::is_some).await.ok()?;
        settled.clone().flatten()
    }

    /// Tells what is wrong, unless something has been told already.
    pub fn complain(&self, error: &HistoryError) {
        match &self.teller {
            Some(teller) => teller.complain(error),
            None => tracing::warn!(%error, "the history"),
        }
    }

    /// Writes what waits, and closes the file.
    pub async fn close(&self) {
        let opened = self.opened.borrow().clone().flatten();
        if let Some(history) = opened {
            timeout(CLOSING, history.close()).await.ok();
        }
    }
}

impl Teller {
    fn take(&self, opened: Opened) -> History {
        if let Some(place) = opened.set_aside {
            let reason = String::new();
            let set_aside = Some(place);
            self.complain(&HistoryError::Corrupt { reason, set_aside });
            // What is wrong with the new file is told as well.
            self.told.store(false, Ordering::Relaxed);
        }
        opened.history
    }

    fn complain(&self, error: &HistoryError) {
        tracing::warn!(%error, "the history");
        if !self.told.swap(true, Ordering::Relaxed) {
            let (editor, told) = (self.editor.clone(), notice::of_history(error, &self.file, self.locale));
            tokio::spawn(async move { editor.inform(&told).await });
        }
    }

    /// Tells what keeps the pieces of an answer from being written.
    async fn follow(&self, history: History) {
        let mut trouble = history.trouble();
        drop(history); // the file is closed with the last one
        while trouble.changed().await.is_ok() {
            let error = trouble.borrow_and_update().clone();
            if let Some(error) = error.filter(HistoryError::is_passing) {
                self.complain(&error);
            }
        }
    }
}

async fn tidy(history: History, kept: Retention) {
    if kept != Retention::default()
        && let Err(error) = history.tidy(kept).await
    {
        tracing::warn!(%error, "the history is not tidied");
    }
}
