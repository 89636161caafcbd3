//! Someone types in the prompt while an answer streams in above it: how late a key's letter is in the buffer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::milliseconds;
use crate::observer;
use crate::report::{Report, quantile};
use crate::stream::Chat;
use crate::text;

/// The letter that is typed; no line of an answer consists of it.
const LETTER: &str = "x";
/// Between two keys: a fast typist's.
const PAUSE: Duration = Duration::from_millis(60);
/// How many keys are typed.
const KEYS: usize = 140;

/// When the prompt's line came to hold so many letters.
pub type Arrivals = Arc<Mutex<HashMap<usize, Instant>>>;

/// Notes the lines that consist of the letter alone.
fn note(arrivals: &Arrivals, lines: &[String]) {
    let typed = lines
        .iter()
        .filter(|line| !line.is_empty() && line.replace(LETTER, "").is_empty());
    for line in typed {
        arrivals
            .lock()
            .expect("no panic")
            .entry(line.len())
            .or_insert_with(Instant::now);
    }
}

/// Types for as long as an answer of ten seconds streams at 1,000 tokens a second.
pub async fn measure(report: &mut Report, chat: &Chat, suffix: &str) {
    chat.rests().await;
    let arrivals = Arrivals::default();
    let noted = Arc::clone(&arrivals);
    observer::lines(chat.editor.socket(), chat.buffer, move |lines| note(&noted, lines));
    let typing = async {
        let mut pressed = Vec::with_capacity(KEYS);
        sleep(Duration::from_secs(1)).await;
        for _ in 0..KEYS {
            pressed.push(Instant::now());
            chat.editor.feed(LETTER).await;
            sleep(PAUSE).await;
        }
        pressed
    };
    let (pressed, _) = tokio::join!(typing, chat.answer(text::tokens(10_000), Some(1000.0)));
    let arrivals = arrivals.lock().expect("no panic").clone();
    let delay = |(index, at): (usize, &Instant)| arrivals.get(&(index + 1)).map(|there| milliseconds(*there - *at));
    let delays: Vec<f64> = pressed.iter().enumerate().filter_map(delay).collect();
    assert_eq!(delays.len(), KEYS, "keys that were lost");
    let name = format!("1000/s{suffix}: a key's way to the line, p99");
    report.limited(name, "ms", 16.0, quantile(&delays, 0.99));
    chat.editor.feed("<C-u>").await;
}
