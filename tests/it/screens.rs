//! What a reader sees, as text: `tests/screens` has it to be looked at, and each test run compares. What has changed on
//! purpose is written anew by `make screens`.

use serde_json::json;

use crate::common::*;
use crate::reasoning::{chunk, thoughtful};
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

const QUESTION: &str = "How do I reverse a list in Lua?";
const CODE: &str = "There is no function for it. Walk from both ends:\n\n```lua\nfor i = 1, math.floor(#list / 2) do\n  \
                    list[i], list[#list + 1 - i] = list[#list + 1 - i], list[i]\nend\n```\n\nThat takes no other list.";

fn with_sources() -> Answer {
    let mut first: serde_json::Value = serde_json::from_str(&chunk(&json!({"content": "It is so [1]."}))).unwrap();
    first["search_results"] = json!([{"title": "Programming in Lua", "url": "https://www.lua.org/pil/"}]);
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1200, "completion_tokens": 34}});
    Answer::sse(&[&first.to_string(), &end.to_string(), "[DONE]"])
}

/// The screen with every time of the day as noon, and without white space at the ends of lines.
fn stable(screen: &str) -> String {
    let masked = screen.lines().map(|line| {
        let mut cells: Vec<char> = line.trim_end().chars().collect();
        for at in 0..cells.len().saturating_sub(4) {
            let is_time = |(index, cell): (usize, &char)| {
                if index == 2 {
                    *cell == ':'
                } else {
                    cell.is_ascii_digit()
                }
            };
            if cells[at..at + 5].iter().enumerate().all(is_time) {
                cells.splice(at..at + 5, "12:00".chars());
            }
        }
        cells.into_iter().collect::<String>() + "\n"
    });
    masked.collect()
}

/// Waits until the screen is the one that is kept, or keeps it.
async fn compare(nvim: &Nvim, name: &str, size: (u16, u16)) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let path = folder.join(format!("{name}-{}x{}.txt", size.0, size.1));
    if std::env::var_os("GPT_WRITE_SCREENS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        return std::fs::write(path, stable(&nvim.screen())).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    eprintln!(
        "{} shows:\n{kept}(`make screens` keeps what is shown now)",
        path.display()
    );
    nvim.wait_screen(move |screen| stable(screen) == kept).await;
}

async fn look(size: (u16, u16)) {
    let quota = json!({"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota", "code": "insufficient_quota"}});
    let thoughts = ["The user wants", "\na loop from both ends,", "\nor a copy."];
    let answers = [
        thoughtful(&thoughts, &[CODE]),
        answer("Or use a copy."),
        with_sources(),
        answer("one two").gate_before_token(1, "on"),
        Answer::json(429, &quota),
    ];
    let server = Server::start(answers).await;
    let more = "models = { ['test/m1'] = { window = 8000, input = 1, output = 10 } }";
    let nvim = configured(&server, more).size(size.0, size.1).start().await;
    open(&nvim).await;
    say(&nvim, QUESTION).await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("Reasoning · 3 lines").await;
    compare(&nvim, "float", size).await;
    normal_mode(&nvim).await;
    nvim.feed("G2[[jjzo").await;
    nvim.wait_screen_contains("or a copy.").await;
    compare(&nvim, "reasoning", size).await;
    nvim.feed("zcggzc").await;
    nvim.wait_screen_contains("You · How do I").await;
    compare(&nvim, "fold", size).await;
    nvim.feed("zRGgr").await;
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("2/2").await;
    compare(&nvim, "branch", size).await;
    nvim.feed("GASays who?<Esc><CR>").await;
    ended(&nvim, 3).await;
    nvim.wait_screen_contains("Programming in Lua").await;
    compare(&nvim, "sources", size).await;
    nvim.feed("GAgo on<Esc><CR>").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("Aand then?<Esc><CR>").await;
    nvim.wait_screen_contains("queued").await;
    compare(&nvim, "queued", size).await;
    server.open("on");
    ended(&nvim, 5).await;
    nvim.wait_screen_contains("quota").await;
    compare(&nvim, "notice", size).await;
    nvim.feed("g?").await;
    nvim.wait_screen_contains("open the link here").await;
    compare(&nvim, "keys", size).await;
}

#[tokio::test]
async fn the_chat_looks_as_the_screens_that_are_kept_on_small_and_large_terminals() {
    look((80, 24)).await;
    look((160, 50)).await;
    look((40, 24)).await;
}
