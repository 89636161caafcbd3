//! Remembers what follows an action's answer: quickfix entries, or a commit message.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chat::SubmissionId;
use crate::chat::session::FollowUp;

/// How many submissions are remembered with what is to be done with their answers.
const MOST_FOLLOW_UPS: usize = 64;

/// What follows the answers to what actions ask, by the ids that the editor has given these. Clones share them.
#[derive(Clone, Default)]
pub struct FollowUps(Arc<Mutex<VecDeque<(SubmissionId, FollowUp)>>>);

impl FollowUps {
    /// Remembers what follows the answer to this submission.
    pub fn add(&self, submission: SubmissionId, follow_up: FollowUp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_front((submission, follow_up));
        known.truncate(MOST_FOLLOW_UPS);
    }

    /// What follows the answer to this submission. It stays known: a submission may come back into the prompt, and be
    /// sent from there.
    pub fn of(&self, submission: SubmissionId) -> Option<FollowUp> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(of, _)| *of == submission);
        found.map(|(_, follow_up)| follow_up.clone())
    }
}
