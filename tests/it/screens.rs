//! What a reader would see, as text: written to `tests/out/screens`, to be looked at.

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

fn write(nvim: &Nvim, name: &str, size: (u16, u16)) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/out/screens");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}-{}x{}.txt", size.0, size.1));
    std::fs::write(path, nvim.screen()).unwrap();
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
    let more = "models = { ['test/m1'] = { input = 1, output = 10 } }";
    let nvim = configured(&server, more).size(size.0, size.1).start().await;
    open(&nvim).await;
    say(&nvim, QUESTION).await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("Reasoning · 3 lines").await;
    write(&nvim, "float", size);
    normal_mode(&nvim).await;
    nvim.feed("/Reasoning<CR>zo").await;
    nvim.wait_screen_contains("or a copy.").await;
    write(&nvim, "reasoning", size);
    nvim.feed("zcggzc").await;
    nvim.wait_screen_contains("You · How do I").await;
    write(&nvim, "fold", size);
    nvim.feed("zRGgr").await;
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("2/2").await;
    write(&nvim, "branch", size);
    nvim.feed("GASays who?<Esc><CR>").await;
    ended(&nvim, 3).await;
    nvim.wait_screen_contains("Programming in Lua").await;
    write(&nvim, "sources", size);
    nvim.feed("GAgo on<Esc><CR>").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("Aand then?<Esc><CR>").await;
    nvim.wait_screen_contains("queued").await;
    write(&nvim, "queued", size);
    server.open("on");
    ended(&nvim, 5).await;
    nvim.wait_screen_contains("quota").await;
    write(&nvim, "notice", size);
    nvim.feed("g?").await;
    nvim.wait_screen_contains("open the link here").await;
    write(&nvim, "keys", size);
}

#[tokio::test]
async fn small_and_large_screens_can_be_looked_at() {
    look((80, 24)).await;
    look((160, 50)).await;
    look((40, 24)).await;
}
