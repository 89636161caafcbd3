use async_trait::async_trait;
use tokio::sync::mpsc;

use super::*;
use crate::chat::Revision;
use crate::chat::notice::Notice;
use crate::editor::{Act, AskEvent, Choice, KeyForm, ShownContext, ShownKeyChange, ShownModel, ShownOutcome};

const LATE: Duration = Duration::from_millis(300);

/// An editor that takes `cost` for each frame (300 ms for the text "late"), is busy for the first `busy` ones, and reports what it was shown.
struct Fake {
    cost: Duration,
    busy: Mutex<u32>,
    shown: mpsc::UnboundedSender<(Instant, String)>,
}

impl Fake {
    fn start(cost_ms: u64, busy: u32) -> (Canvas, mpsc::UnboundedReceiver<(Instant, String)>) {
        let (shown, seen) = mpsc::unbounded_channel();
        let editor = Fake {
            cost: Duration::from_millis(cost_ms),
            busy: Mutex::new(busy),
            shown,
        };
        let canvas = Canvas::default();
        tokio::spawn(paint(ChatId("c".into()), canvas.clone(), Arc::new(editor)));
        (canvas, seen)
    }

    async fn show(&self, what: String) -> Result<(), EditorError> {
        let at = Instant::now();
        sleep(if what == "late" { LATE } else { self.cost }).await;
        {
            let mut busy = self.busy.lock().unwrap();
            if *busy > 0 {
                *busy -= 1;
                return Err(EditorError::Busy("E565".into()));
            }
        }
        self.shown.send((at, what)).map_err(|_| EditorError::Closed)
    }
}

#[async_trait]
impl Editor for Fake {
    async fn begin_turn(&self, _: &ShownTurn) -> Result<(), EditorError> {
        self.show("turn".into()).await
    }
    async fn refuse(&self, _: &ChatId, _: &Notice) -> Result<(), EditorError> {
        self.show("refused".into()).await
    }
    async fn show_branch(&self, _: &ShownBranch) -> Result<(), EditorError> {
        self.show("branch".into()).await
    }
    async fn append(&self, _: &ChatId, _: MessageId, _: Voice, lines: Vec<String>) -> Result<(), EditorError> {
        self.show(lines.join("\n")).await
    }
    async fn retrying(&self, retry: &ShownRetry) -> Result<(), EditorError> {
        self.show(format!("again in {}", retry.wait)).await
    }
    async fn end_turn(&self, _: &ShownEnd) -> Result<(), EditorError> {
        self.show("end".into()).await
    }
    async fn show_request(&self, _: &ChatId, _: Vec<String>) -> Result<(), EditorError> {
        Ok(())
    }
    async fn ask_anew(&self, _: &ShownWish) -> Result<(), EditorError> {
        self.show("anew".into()).await
    }
    async fn give_back(&self, _: &ChatId) -> Result<(), EditorError> {
        Ok(())
    }
    async fn show_model(&self, _: &ShownModel) -> Result<(), EditorError> {
        Ok(())
    }
    async fn refuse_question(&self, _: &ChatId, _: &Notice) -> Result<(), EditorError> {
        Ok(())
    }
    async fn inform(&self, _: &Notice) -> Result<(), EditorError> {
        Ok(())
    }
    async fn tell_asker(&self, _: u64, _: Vec<AskEvent>) -> Result<(), EditorError> {
        Ok(())
    }
    async fn forget_typed(&self, _: &str) -> Result<(), EditorError> {
        Ok(())
    }
    async fn act(&self, _: &Act) -> Result<(), EditorError> {
        Ok(())
    }
    async fn choose(&self, _: &Choice) -> Result<(), EditorError> {
        Ok(())
    }
    async fn enter_key(&self, _: &KeyForm) -> Result<(), EditorError> {
        Ok(())
    }
    async fn context_found(&self, _: &ShownContext) -> Result<(), EditorError> {
        Ok(())
    }
    async fn context_refused(&self, _: &ChatId, _: u64, _: Option<&Notice>) -> Result<(), EditorError> {
        Ok(())
    }
    async fn open_chat(&self, _: &ChatId) -> Result<(), EditorError> {
        Ok(())
    }
    async fn close_chat(&self, _: &ChatId) -> Result<(), EditorError> {
        Ok(())
    }
    async fn key_changed(&self, _: &ShownKeyChange) -> Result<(), EditorError> {
        Ok(())
    }
}

fn text(text: &str) -> Stroke {
    Stroke::Text(MessageId(2), Voice::Text, text.into())
}

fn end() -> Stroke {
    Stroke::End(ShownEnd {
        chat: ChatId("c".into()),
        answer: MessageId(2),
        outcome: ShownOutcome::Done,
        finish: None,
        notice: None,
        provider: String::new(),
        model: String::new(),
        usage: None,
        cost: None,
        parts: Vec::new(),
        revision: Revision(2),
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_frame_is_shown_at_once() {
    let (canvas, mut seen) = Fake::start(0, 0);
    let sent = Instant::now();
    canvas.add(text("a"));
    let (at, what) = seen.recv().await.unwrap();
    assert_eq!((at - sent, what.as_str()), (Duration::ZERO, "a"));
}

#[tokio::test(start_paused = true)]
async fn text_that_waits_for_a_frame_is_joined() {
    let (canvas, mut seen) = Fake::start(1, 0);
    canvas.add(text("a"));
    tokio::task::yield_now().await; // the first frame is under way
    canvas.add(text("b"));
    canvas.add(text("c"));
    assert_eq!(seen.recv().await.unwrap().1, "a");
    assert_eq!(seen.recv().await.unwrap().1, "bc");
}

#[tokio::test(start_paused = true)]
async fn the_pause_is_four_times_the_cost_within_its_bounds() {
    for (cost, expected) in [(0, 6), (5, 20), (100, 50)] {
        let (canvas, mut seen) = Fake::start(cost, 0);
        canvas.add(text("a"));
        tokio::task::yield_now().await;
        canvas.add(text("b"));
        let first = seen.recv().await.unwrap().0;
        let second = seen.recv().await.unwrap().0;
        assert_eq!(
            second - first,
            Duration::from_millis(cost + expected),
            "for a frame of {cost} ms"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_late_frame_is_no_slow_editor() {
    let (canvas, mut seen) = Fake::start(1, 0);
    let mut begun = Vec::new();
    for piece in ["soon", "late", "next"] {
        canvas.add(text(piece));
        begun.push(seen.recv().await.unwrap().0);
    }
    assert_eq!(begun[2] - begun[1], LATE + SHORTEST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_the_editor_was_too_busy_for_is_not_lost() {
    let (canvas, mut seen) = Fake::start(1, 3);
    canvas.add(text("kept"));
    canvas.add(end());
    assert_eq!(seen.recv().await.unwrap().1, "kept");
    assert_eq!(seen.recv().await.unwrap().1, "end");
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_after_all_the_text() {
    let (canvas, mut seen) = Fake::start(1, 0);
    for piece in ["a", "b", "c"] {
        canvas.add(text(piece));
    }
    canvas.add(end());
    assert_eq!(seen.recv().await.unwrap().1, "abc");
    assert_eq!(seen.recv().await.unwrap().1, "end");
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_cut_into_frames_at_whole_characters() {
    let (canvas, mut seen) = Fake::start(0, 0);
    let flood = "é".repeat(FRAME_BYTES);
    canvas.add(text(&format!("x{flood}")));
    canvas.add(end());
    let mut shown = String::new();
    loop {
        let (_, frame) = seen.recv().await.unwrap();
        if frame == "end" {
            break;
        }
        assert!(frame.len() <= FRAME_BYTES);
        shown.push_str(&frame);
    }
    assert_eq!(shown, format!("x{flood}"));
}

/// The frames that show a text as it comes at once: when each began, and its bytes.
async fn frames(all: &str) -> Vec<(Instant, usize)> {
    let (canvas, mut seen) = Fake::start(0, 0);
    canvas.add(text(all));
    canvas.add(end());
    let mut frames = Vec::new();
    loop {
        let (at, frame) = seen.recv().await.unwrap();
        if frame == "end" {
            return frames;
        }
        frames.push((at, frame.len()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_end_grows_in_larger_steps_and_with_time_between_them() {
    let frames = frames(&"x".repeat(2 << 20)).await;
    assert!(frames.len() < 25, "{} frames", frames.len());
    let mut shown = 0;
    for pair in frames.windows(2) {
        shown += pair[0].1;
        assert!(pair[1].1 <= FRAME_BYTES.max(shown / LINE_PART));
        let pause = pair[1].0 - pair[0].0;
        assert!(
            pause >= Duration::from_nanos(300 * shown as u64),
            "{pause:?} after {shown} bytes"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_short_lines_is_drawn_in_small_steps_to_its_end() {
    let frames = frames(&"a line\n".repeat(300_000)).await;
    assert!(frames.iter().all(|frame| frame.1 <= FRAME_BYTES));
    assert!(
        frames
            .windows(2)
            .all(|pair| pair[1].0 - pair[0].0 <= SHORTEST_PAUSE + Duration::from_millis(1))
    );
}

#[tokio::test(start_paused = true)]
async fn the_text_after_endless_reasoning_does_not_wait_for_it() {
    let (canvas, mut seen) = Fake::start(0, 0);
    canvas.add(Stroke::Text(MessageId(2), Voice::Reasoning, "x".repeat(FRAME_BYTES)));
    canvas.add(text("one"));
    canvas.add(end());
    let mut begun = Vec::new();
    for _ in 0..3 {
        begun.push(seen.recv().await.unwrap().0);
    }
    assert!(begun[2] - begun[1] <= SHORTEST_PAUSE + Duration::from_millis(1));
}

#[test]
fn what_waits_is_joined_with_what_the_same_voice_says_and_with_nothing_else() {
    let canvas = Canvas::default();
    let said = |voice, text: &str| Stroke::Text(MessageId(2), voice, text.to_owned());
    canvas.add(said(Voice::Reasoning, "h"));
    canvas.add(said(Voice::Reasoning, "m"));
    canvas.add(said(Voice::Text, "so"));
    canvas.add(Stroke::Text(MessageId(4), Voice::Text, "other".to_owned()));
    assert_eq!(canvas.take(FRAME_BYTES), Some(said(Voice::Reasoning, "hm")));
    assert_eq!(canvas.take(FRAME_BYTES), Some(said(Voice::Text, "so")));
    assert_eq!(
        canvas.take(FRAME_BYTES),
        Some(Stroke::Text(MessageId(4), Voice::Text, "other".to_owned()))
    );
    assert_eq!(canvas.take(FRAME_BYTES), None);
}

#[tokio::test(start_paused = true)]
async fn a_canvas_is_full_above_its_limit_and_has_room_again_once_enough_is_painted() {
    let (canvas, mut seen) = Fake::start(1, 0);
    canvas.add(text(&"x".repeat(MOST_WAITING)));
    assert!(!canvas.is_full());
    canvas.add(text("xx"));
    assert!(canvas.is_full());
    canvas.room().await;
    assert!(!canvas.is_full());
    assert_eq!(seen.recv().await.unwrap().1.len(), FRAME_BYTES, "a frame made room");
}

#[tokio::test(start_paused = true)]
async fn a_canvas_without_a_painter_holds_nothing_and_is_never_full() {
    let (canvas, seen) = Fake::start(0, 0);
    drop(seen); // the editor is gone
    canvas.add(text("x"));
    canvas.add(text(&"x".repeat(MOST_WAITING + 1)));
    canvas.room().await;
    sleep(LATE).await;
    canvas.add(text(&"x".repeat(MOST_WAITING + 1)));
    assert!(!canvas.is_full());
    assert_eq!(canvas.take(FRAME_BYTES), None);
}

#[test]
fn what_waits_of_an_answer_is_taken_back_with_its_end_and_nothing_else_is() {
    let canvas = Canvas::default();
    assert_eq!(canvas.take_back(), None);
    canvas.add(end());
    assert_eq!(canvas.take_back(), None, "all of it is shown: its end stays");
    assert_eq!(canvas.take(FRAME_BYTES), Some(end()));
    let refused = || Stroke::Refused(Notice::new(crate::chat::notice::Level::Info, "no", ""));
    canvas.add(Stroke::Text(MessageId(2), Voice::Reasoning, "hm".into()));
    canvas.add(refused());
    canvas.add(text("four"));
    canvas.add(end());
    let unpainted = Unpainted {
        answer: MessageId(2),
        text: 4,
        reasoning: 2,
    };
    assert_eq!(canvas.take_back(), Some(unpainted));
    assert_eq!(canvas.take(FRAME_BYTES), Some(refused()));
    assert_eq!(canvas.take(FRAME_BYTES), None);
    assert_eq!(canvas.take_back(), None);
}
