//! Brings a chat to the screen in frames: one request to the editor in flight, then a pause that follows its cost.
//!
//! A slow stream shows each token at once; a fast one, or a slow editor, is never loaded above a fifth, since the pause
//! is four times what frames take. A single late answer is no slow editor (it may have drawn, or compiled something), so
//! the cheaper of the last two frames counts. What waits, waits here, and text that waits is joined.
//!
//! What a frame really costs, its redraw, comes after the editor's answer. It shows where a line has no end: each redraw
//! measures all of it, 50 ns a byte, so such a line grows in fewer and larger steps.
//!
//! What waits is bounded by those who bring it: a full canvas takes all, but says so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::chat::notice::Notice;
use crate::chat::{ChatId, MessageId, Voice};
use crate::editor::{Editor, EditorError, ShownBranch, ShownEnd, ShownRetry, ShownTurn, ShownWish};

/// The pause after a frame, as a multiple of what frames take.
const PAUSE_FACTOR: u32 = 4;
/// The shortest pause after a frame. With the frame itself and the timer's grain it stays below the 10 ms between two
/// tokens of a stream of 100 a second, so that none of these has to wait.
const SHORTEST_PAUSE: Duration = Duration::from_millis(6);
/// The longest pause after a frame that the editor took.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// The pause before a frame that the editor was too busy for is offered again.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// The most bytes of one frame, so that even a flood is drawn in small steps.
const FRAME_BYTES: usize = 16 * 1024;
/// The most that a frame adds to a line that is longer than that: this part of it.
const LINE_PART: usize = 4;
/// The pause after a frame, by the byte of the line that it ends in: some times what its redraw takes.
const PAUSE_A_BYTE: Duration = Duration::from_nanos(300);
/// The longest pause after a frame, however long the line.
const LONGEST_LINE_PAUSE: Duration = Duration::from_secs(1);
/// The bytes of text that wait, above which nobody should bring more.
const MOST_WAITING: usize = 1024 * 1024;

/// One thing to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Stroke {
    /// A question, and room for its answer.
    Turn(ShownTurn),
    /// Another branch.
    Branch(ShownBranch),
    /// A failed request is sent again after a wait.
    Retry(ShownRetry),
    /// More of an answer, or of its reasoning.
    Text(MessageId, Voice, String),
    /// The end of a turn.
    End(ShownEnd),
    /// A question that is not asked, and why.
    TooLong(Notice),
    /// Why what the user wanted was not done.
    Refused(Notice),
    /// What the user wanted of messages that were shown otherwise is asked anew, once all before this is shown.
    Anew(ShownWish),
}

impl Stroke {
    /// How long its text is, in bytes; 0 for all that is bounded by itself.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(_, _, text) => text.len(),
            _ => 0,
        }
    }
}

/// What waits to be shown. Cheap to clone; all clones are the same queue.
#[derive(Debug, Clone, Default)]
pub struct Canvas {
    waiting: Arc<Mutex<Waiting>>,
    arrived: Arc<Notify>,
    drained: Arc<Notify>,
}

/// The strokes that wait.
#[derive(Debug, Default)]
struct Waiting {
    strokes: VecDeque<Stroke>,
    /// How long their texts are, in bytes.
    bytes: usize,
    /// Whether nobody paints any more: then nothing waits.
    is_left: bool,
}

/// What of an answer was not shown when its painting was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpainted {
    /// The answer.
    pub answer: MessageId,
    /// The end of its text, in bytes.
    pub text: usize,
    /// The end of its reasoning, in bytes.
    pub reasoning: usize,
}

impl Canvas {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a stroke; text joins the text of the same answer that still waits.
    pub fn add(&self, stroke: Stroke) {
        let mut waiting = self.waiting();
        if waiting.is_left {
            return;
        }
        waiting.bytes += stroke.bytes();
        match (waiting.strokes.back_mut(), stroke) {
            (Some(Stroke::Text(last, speaking, text)), Stroke::Text(answer, voice, more))
                if *last == answer && *speaking == voice =>
            {
                text.push_str(&more);
            }
            (_, stroke) => waiting.strokes.push_back(stroke),
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Whether so much waits that no more should be brought. Never once the editor is gone.
    pub fn is_full(&self) -> bool {
        self.waiting().bytes > MOST_WAITING
    }

    /// Waits until there is room for more.
    pub async fn room(&self) {
        while self.is_full() {
            self.drained.notified().await;
        }
    }

    /// Takes back what still waits of the answer that is painted, its end too; `None`: not a letter of it waits.
    pub fn take_back(&self) -> Option<Unpainted> {
        let mut waiting = self.waiting();
        if waiting.bytes == 0 {
            return None;
        }
        let begins = |stroke: &Stroke| matches!(stroke, Stroke::Turn(_) | Stroke::Branch(_));
        let from = waiting.strokes.iter().rposition(begins).map_or(0, |at| at + 1);
        let mut taken: Option<Unpainted> = None;
        let mut others = VecDeque::new();
        for stroke in waiting.strokes.split_off(from) {
            let (answer, voice, length) = match &stroke {
                Stroke::Text(answer, voice, text) => (*answer, *voice, text.len()),
                Stroke::End(end) => (end.answer, Voice::Text, 0),
                _ => {
                    others.push_back(stroke);
                    continue;
                }
            };
            waiting.bytes = waiting.bytes.saturating_sub(length);
            let taken = taken.get_or_insert(Unpainted {
                answer,
                text: 0,
                reasoning: 0,
            });
            match voice {
                Voice::Text | Voice::Refusal => taken.text += length,
                Voice::Reasoning => taken.reasoning += length,
            }
        }
        waiting.strokes.append(&mut others);
        drop(waiting);
        self.drained.notify_one();
        taken
    }

    /// The next stroke, of a text at most `limit` bytes.
    fn take(&self, limit: usize) -> Option<Stroke> {
        let mut waiting = self.waiting();
        let mut stroke = waiting.strokes.pop_front()?;
        if let Stroke::Text(answer, voice, text) = &mut stroke
            && text.len() > limit
        {
            let cut = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let rest = text.split_off(cut);
            let rest = Stroke::Text(*answer, *voice, rest);
            waiting.strokes.push_front(rest);
        }
        waiting.bytes = waiting.bytes.saturating_sub(stroke.bytes());
        drop(waiting);
        self.drained.notify_one();
        Some(stroke)
    }

    /// Nobody paints any more: what waits is dropped, and what comes.
    fn leave(&self) {
        let mut waiting = self.waiting();
        *waiting = Waiting {
            is_left: true,
            ..Waiting::default()
        };
        drop(waiting);
        self.drained.notify_one();
    }

    async fn next(&self, limit: usize) -> Stroke {
        loop {
            if let Some(stroke) = self.take(limit) {
                return stroke;
            }
            self.arrived.notified().await;
        }
    }
}

/// The line that the text shown last ends in.
#[derive(Debug, Default)]
struct Line {
    of: Option<(MessageId, Voice)>,
    bytes: usize,
}

impl Line {
    fn follow(&mut self, stroke: &Stroke) {
        let Stroke::Text(answer, voice, text) = stroke else {
            *self = Self::default();
            return;
        };
        let of = Some((*answer, *voice));
        self.bytes = match text.rfind('\n') {
            Some(end) => text.len() - end - 1,
            None if self.of == of => self.bytes + text.len(),
            None => text.len(),
        };
        self.of = of;
    }

    /// The most bytes of the next frame.
    fn limit(&self) -> usize {
        FRAME_BYTES.max(self.bytes / LINE_PART)
    }

    fn pause(&self) -> Duration {
        let bytes = u32::try_from(self.bytes).unwrap_or(u32::MAX);
        PAUSE_A_BYTE.saturating_mul(bytes).min(LONGEST_LINE_PAUSE)
    }
}

/// Shows what is added to `canvas`, until the editor is gone. The task that runs this owns the chat's screen.
pub async fn paint(chat: ChatId, canvas: Canvas, editor: Arc<dyn Editor>) {
    let mut last_cost = Duration::MAX;
    let mut line = Line::default();
    loop {
        let stroke = canvas.next(line.limit()).await;
        let begun = Instant::now();
        match show(&chat, &stroke, editor.as_ref()).await {
            Ok(()) => {}
            Err(EditorError::Closed) => return canvas.leave(),
            // The chat's buffer was wiped: the conversation goes on without a screen.
            Err(EditorError::Gone(reason)) => tracing::debug!(%reason, "the chat is not shown any more"),
            Err(error) => tracing::error!(%error, "a frame was refused"),
        }
        let cost = begun.elapsed();
        line.follow(&stroke);
        sleep(pause(cost.min(last_cost)).max(line.pause())).await;
        last_cost = cost;
    }
}

/// Shows one stroke; while the editor is busy, offers it again.
async fn show(chat: &ChatId, stroke: &Stroke, editor: &dyn Editor) -> Result<(), EditorError> {
    loop {
        let shown = match stroke {
            Stroke::Turn(turn) => editor.begin_turn(turn).await,
            Stroke::Branch(branch) => editor.show_branch(branch).await,
            Stroke::Retry(retry) => editor.retrying(retry).await,
            Stroke::Text(answer, voice, text) => editor.append(chat, *answer, *voice, lines(text)).await,
            Stroke::End(end) => editor.end_turn(end).await,
            Stroke::TooLong(notice) => editor.refuse_question(chat, notice).await,
            Stroke::Refused(notice) => editor.refuse(chat, notice).await,
            Stroke::Anew(wish) => editor.ask_anew(wish).await,
        };
        match shown {
            Err(EditorError::Busy(_)) => sleep(BUSY_PAUSE).await,
            settled => return settled,
        }
    }
}

/// The pause that a frame of this cost deserves.
fn pause(cost: Duration) -> Duration {
    (cost * PAUSE_FACTOR).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// Text as the lines that a buffer takes.
pub fn lines(text: &str) -> Vec<String> {
    text.split('\n').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
