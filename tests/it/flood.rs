//! Answers that come faster than they can be shown, and longer than anybody reads.

use std::time::Duration;

use crate::common::*;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::process;
use crate::support::server::Server;
use crate::support::wait;

const MEGABYTE: u64 = 1 << 20;
/// What the program may need, however long an answer is.
const MOST_MEMORY: u64 = 96 * MEGABYTE;

/// So many megabytes of numbered lines as one answer, which ends properly.
fn megabytes(count: usize) -> Answer {
    let piece = |n: usize| {
        let lines: String = (0..1024)
            .map(|line| format!("line {:>9} {}\n", n * 1024 + line, "x".repeat(48)))
            .collect();
        format!(
            "data: {}\n\n",
            serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": lines } }] })
        )
    };
    let mut steps = vec![Step::Status(200), Step::header("Content-Type", "text/event-stream")];
    steps.extend((0..count * 16).map(|n| Step::chunk(piece(n))));
    steps.push(Step::chunk(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    ));
    Answer::new(steps)
}

/// The text of the newest chat's last answer, as the buffer has it.
async fn shown(nvim: &Nvim) -> String {
    let all = chat_lines(nvim).await.join("\n");
    let from = all.rfind("\n## test/m1\n\n").expect("an answer") + "\n## test/m1\n\n".len();
    let to = all.rfind("\n\n## You").expect("the prompt");
    all[from..to].trim_end().to_owned()
}

/// The program that the editor has started.
async fn program(nvim: &Nvim) -> u32 {
    let children = nvim.children();
    *children.first().expect("the program runs")
}

/// The last end of a turn, and what its notice is called.
async fn last_end(nvim: &Nvim) -> String {
    nvim.lua_string(
        "return seen[#seen].name .. ': ' .. vim.inspect(seen[#seen].data.finish)",
        &[],
    )
    .await
}

#[tokio::test]
async fn a_flood_is_read_no_faster_than_it_is_painted_and_a_stop_ends_it_at_once() {
    let server = Server::start(vec![megabytes(40), answer("after it")]).await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "flood").await;
    nvim.wait_lua("return vim.api.nvim_buf_line_count(chat_buffer()) > 2000")
        .await;
    let memory = process::resident_bytes(program(&nvim).await);
    assert!(memory < MOST_MEMORY, "{} MB", memory / MEGABYTE);
    nvim.command("GPT stop").await;
    ended(&nvim, 1).await;
    assert_eq!(last_end(&nvim).await, "GPTAnswerStopped: nil");
    let text = shown(&nvim).await;
    nvim.wait_screen_contains("Stopped.").await;

    normal_mode(&nvim).await;
    nvim.feed("Gi").await;
    say(&nvim, "next").await;
    ended(&nvim, 2).await;
    let request = server.requests().last().expect("the next question").json();
    let sent = request["messages"].as_array().expect("messages").iter();
    let answers: Vec<_> = sent.filter(|message| message["role"] == "assistant").collect();
    assert_eq!(answers.len(), 1);
    let content = answers[0]["content"].as_str().expect("a text").trim_end();
    let tail = |text: &str| (text.len(), text.lines().last().map(str::to_owned));
    assert_eq!(tail(content), tail(&text));
    assert!(content == text, "what is shown is what is sent");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_stop_reaches_what_has_come_as_a_whole_and_the_history_keeps_what_was_shown() {
    let server = Server::start(vec![megabytes(1)]).await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "flood").await;
    wait::until("the whole answer was read", || {
        server.requests().len() == 1 && server.writes().len() >= 18
    })
    .await;
    nvim.wait_lua("return vim.api.nvim_buf_line_count(chat_buffer()) > 100")
        .await;
    nvim.command("GPT stop").await;
    ended(&nvim, 1).await;
    let text = shown(&nvim).await;
    assert!(text.len() < 1 << 20, "all of it was painted by then");
    nvim.wait_screen_contains("Stopped.").await;
    let name = nvim
        .lua_string("return vim.api.nvim_buf_get_name(chat_buffer())", &[])
        .await;
    tokio::time::timeout(Duration::from_secs(30), nvim.quit())
        .await
        .expect("it leaves");

    let again = configured(&server, "").home(nvim.home()).start().await;
    again.command(&format!("edit {name}")).await;
    again
        .wait_lua("return vim.api.nvim_buf_line_count(chat_buffer()) > 100")
        .await;
    assert_eq!(shown(&again).await, text);
}

#[tokio::test]
async fn an_answer_that_is_longer_than_the_limit_is_cut_and_says_so() {
    let server = Server::start(vec![megabytes(2)]).await;
    let nvim = configured(&server, "chat = { max_answer = 20000 }").start().await;
    open(&nvim).await;
    say(&nvim, "flood").await;
    ended(&nvim, 1).await;
    assert_eq!(last_end(&nvim).await, "GPTAnswerFailed: \"max_answer\"");
    nvim.wait_screen_contains("longer than chat.max_answer").await;
    assert!(shown(&nvim).await.len() <= 20000);
    wait::until("the connection is closed", || server.is_closed(0)).await;
    clean(&nvim).await;
}
