//! From the `<CR>` of `:GPTChat` to the float on the screen.

use std::time::Instant;

use crate::report::Report;
use crate::support::nvim::Nvim;
use crate::{milliseconds, nvim};

/// How often a new editor opens its first chat, and how often that chat is shown again, for each round.
const COLD: usize = 5;
const WARM: usize = 10;

pub async fn measure(report: &mut Report, rounds: usize) {
    for _ in 0..COLD * rounds {
        // Nobody is asked anything, so any address will do.
        let editor = nvim("http://127.0.0.1:9/v1").start().await;
        report.limited(
            "window: :GPTChat, first in the session",
            "ms",
            50.0,
            open(&editor).await,
        );
        editor.wait_lua("return require('gpt').status().model").await;
        for _ in 0..WARM {
            editor.feed("<Esc>q").await;
            editor.wait_screen_lacks("## You").await;
            report.limited("window: :GPTChat, shown again", "ms", 5.0, open(&editor).await);
        }
    }
}

pub async fn open(editor: &Nvim) -> f64 {
    editor.feed(":GPTChat").await;
    editor.wait_screen_contains("\n:GPTChat").await;
    let mut screen = editor.screen_updates();
    let asked = Instant::now();
    editor.feed("<CR>").await;
    let drawn = screen
        .wait_for(|screen| screen.find("## You").is_some() && screen.find("╰").is_some())
        .await;
    drop(drawn.expect("an editor that lives"));
    milliseconds(asked.elapsed())
}
