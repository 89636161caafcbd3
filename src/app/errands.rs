//! Remembers what follows an action's answer: quickfix entries, or a commit message.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chat::session::Errand;

/// How many questions are remembered with what is to be done with their answers.
const MOST_ERRANDS: usize = 64;

/// The questions of actions, by their text, with what belongs to them: the editor sends the text back, now or when its
/// turn comes. Clones share them.
#[derive(Clone, Default)]
pub struct Errands(Arc<Mutex<VecDeque<(String, Errand)>>>);

impl Errands {
    /// Remembers what belongs to this question.
    pub fn add(&self, question: &str, errand: Errand) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_front((question.trim().to_owned(), errand));
        known.truncate(MOST_ERRANDS);
    }

    /// What belongs to this question.
    pub fn of(&self, question: &str) -> Option<Errand> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Context words that it named are looked up by now, and stand below it.
        let is_it = |text: &str| {
            let behind = question.trim().strip_prefix(text);
            behind.is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'))
        };
        let found = known.iter().find(|(text, _)| is_it(text));
        found.map(|(_, errand)| errand.clone())
    }
}
