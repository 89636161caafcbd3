//! Questions to the user: shown by the editor, answered whenever they like, or never.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::editor::{Choice, Editor};
use crate::visible::visible;

/// The questions that are open. Clones share them.
#[derive(Clone)]
pub struct Dialog {
    editor: Arc<dyn Editor>,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Option<usize>>>,
}

impl Dialog {
    pub fn new(editor: Arc<dyn Editor>) -> Self {
        Self {
            editor,
            open: Arc::default(),
        }
    }

    /// Lets the user choose; `None` if they choose nothing. Whatever stands in the question, a file's name say, is seen.
    pub async fn choose(&self, prompt: impl Into<String>, choices: &[&str]) -> Option<usize> {
        let (sender, receiver) = oneshot::channel();
        let question = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.last += 1;
            let question = open.last;
            open.waiting.insert(question, sender);
            question
        };
        let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        self.editor
            .choose(&Choice {
                question,
                prompt: visible(&prompt.into()).into_owned(),
                choices,
            })
            .await
            .ok()?;
        receiver.await.ok().flatten()
    }

    /// Takes the answer to a question.
    pub fn answered(&self, question: u64, choice: Option<usize>) {
        let waiting = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .waiting
            .remove(&question);
        if let Some(waiting) = waiting {
            waiting.send(choice).ok();
        }
    }
}
