//! The turn in progress: its task, and the answers that come from it. Dropping the task closes its connection: that is
//! all that stopping is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::asking::{ANSWERS_WAITING, ask, request};
use super::{Running, Settings, Task};
use crate::chat::conversation::Event as ChatEvent;
use crate::chat::{TurnId, notice};
use crate::provider::registry::Target;
use crate::provider::{Event, FinishReason};
use crate::words::Locale;

/// How long a request waits for its question to be on the disk.
const SAVING: Duration = Duration::from_secs(2);
/// How long a key may take to be found when the editor is gone.
const KEY_LIMIT: Duration = Duration::from_secs(5);

/// The turn in progress.
pub(super) struct RunningTurn {
    pub(super) id: TurnId,
    pub(super) target: Target,
    /// The tokens of its request, estimated, before calibration.
    pub(super) tokens: u64,
    pub(super) answers: mpsc::Receiver<Vec<Event>>,
    /// Whether its key is there, and the request leaves.
    pub(super) asked: watch::Receiver<bool>,
    /// The fields that the server refused, and was asked without.
    pub(super) left_out: Vec<String>,
    /// Whether its request has ended: nothing more comes, until the next one goes out.
    pub(super) is_over: bool,
    task: Running,
}

impl Task {
    /// Sends what was prepared, once the question is in the history.
    pub(super) fn start_turn(&mut self, id: TurnId) {
        let settings = self.settings();
        let saved = self.keep_beginning(&settings.target);
        self.start_request(id, settings, saved);
    }

    /// Asks the same model again, with what came of its calls.
    pub(super) fn start_step(&mut self, id: TurnId) {
        let mut settings = Settings::clone(&self.settings());
        if let Some(turn) = &self.turn {
            settings.target = turn.target.clone();
        }
        self.prepare();
        self.start_request(id, Arc::new(settings), None);
    }

    fn start_request(&mut self, id: TurnId, settings: Arc<Settings>, saved: Option<oneshot::Receiver<()>>) {
        let target = settings.target.clone();
        let prompt = std::mem::take(&mut self.prompt);
        let (events, answers) = mpsc::channel(ANSWERS_WAITING);
        let (asking, asked) = watch::channel(false);
        let remind = self.reminder(settings.locale);
        let request = request(&settings, prompt.messages);
        let task = Running(tokio::spawn(async move {
            wait_for(saved).await;
            ask(settings, request, events, asking, remind).await;
        }));
        self.turn = Some(RunningTurn {
            id,
            target,
            tokens: prompt.tokens,
            answers,
            asked,
            left_out: Vec::new(),
            is_over: false,
            task,
        });
    }

    /// Tells the user that the keyring waits for them.
    fn reminder(&self, locale: Locale) -> impl FnOnce() + Send + use<> {
        let editor = self.editor.clone();
        move || {
            tokio::spawn(async move { editor.inform(&notice::keyring_waits(locale)).await });
        }
    }

    /// Stops the answer, or what is left of its painting: what is not on the screen yet falls away.
    pub(super) fn stop(&mut self) {
        match self.canvas.take_back() {
            Some(unpainted) => self.step(ChatEvent::PaintingStopped(unpainted)),
            None => self.step(ChatEvent::StopRequested),
        }
        self.look();
    }

    /// Drops the connection. The turn's target stays known until its end is shown.
    pub(super) fn abort_turn(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.task.0.abort();
        }
    }

    /// Goes on with the answer under way, for the history alone. One whose key has still to be given by somebody is
    /// none.
    pub(super) async fn answer_out(&mut self) {
        if let Some(turn) = &mut self.turn {
            let asked = turn.asked.wait_for(|asked| *asked);
            if timeout(KEY_LIMIT, asked).await.is_err() {
                return;
            }
        }
        // Calls that wait for somebody's word wait no longer.
        let waits = |turn: &RunningTurn| turn.is_over;
        while self.kept.is_some() && self.conversation.is_answering() && !self.turn.as_ref().is_some_and(waits) {
            let answers = next_answers(&mut self.turn).await;
            self.take(answers);
        }
    }
}

/// The next events of the turn in progress; waits for ever while there is none. A turn whose task ended without a
/// terminal event gets one.
pub(super) async fn next_answers(turn: &mut Option<RunningTurn>) -> (TurnId, Vec<Event>) {
    match turn {
        Some(turn) if !turn.is_over => {
            let lost = || vec![Event::Finished(FinishReason::Incomplete)];
            (turn.id, turn.answers.recv().await.unwrap_or_else(lost))
        }
        _ => std::future::pending().await,
    }
}

/// Waits until the question is on the disk, or that takes too long.
async fn wait_for(saved: Option<oneshot::Receiver<()>>) {
    if let Some(saved) = saved {
        timeout(SAVING, saved).await.ok();
    }
}
