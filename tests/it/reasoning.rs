//! Reasoning: shown above the answer's text, folded, and never sent.

use serde_json::json;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A piece of Chat Completions' stream.
pub fn chunk(delta: &serde_json::Value) -> String {
    json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}).to_string()
}

/// An answer that thinks and then speaks; each piece is one token for gates.
pub fn thoughtful(thoughts: &[&str], words: &[&str]) -> Answer {
    let thoughts = thoughts.iter().map(|text| chunk(&json!({"reasoning_content": text})));
    let words = words.iter().map(|text| chunk(&json!({"content": text})));
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    let payloads: Vec<String> = thoughts.chain(words).chain([end, "[DONE]".to_owned()]).collect();
    Answer::sse(&payloads.iter().map(String::as_str).collect::<Vec<_>>())
}

const SHOWN: &str = "> **Reasoning**\n>\n> hm\n> well\n\none two";

async fn thinking() -> (Nvim, Server) {
    let first = thoughtful(&["hm", "\nwell"], &["one", " two"])
        .gate_before_token(1, "think")
        .gate_before_token(2, "speak")
        .gate_before_token(3, "end");
    let (nvim, server) = start([first, answer("again"), answer("more")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "> hm").await;
    (nvim, server)
}

fn open_all(server: &Server) {
    for gate in ["think", "speak", "end"] {
        server.open(gate);
    }
}

#[tokio::test]
async fn reasoning_streams_above_the_answer_and_is_not_sent_back() {
    let (nvim, server) = thinking().await;
    open_all(&server);
    ended(&nvim, 1).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", SHOWN)])
    );
    say(&nvim, "go on").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn reasoning_is_folded_while_it_streams_and_opens_by_the_usual_key() {
    let (nvim, server) = thinking().await;
    nvim.wait_screen_contains("Reasoning · 1 line").await;
    server.open("think");
    nvim.wait_screen_contains("Reasoning · 2 lines").await;
    assert!(!nvim.screen().contains("> well"), "{}", nvim.screen());
    normal_mode(&nvim).await;
    nvim.feed("/Reasoning<CR>zo").await;
    nvim.wait_screen_contains("> well").await;
    server.open("speak");
    server.open("end");
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("> well").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn reasoning_has_its_own_colour_and_the_text_below_has_not() {
    let (nvim, server) = thinking().await;
    open_all(&server);
    ended(&nvim, 1).await;
    let groups = "local row = ... return vim.tbl_map(function(mark) return mark.opts.hl_group end, \
                  vim.inspect_pos(chat_buffer(), row, 2, { extmarks = true, treesitter = false, syntax = false }).extmarks)";
    let at = async |row: i64| nvim.lua_lines(groups, &[row.into()]).await;
    assert!(at(6).await.contains(&"GPTReasoning".to_owned()), "{:?}", at(6).await);
    assert!(!at(11).await.contains(&"GPTReasoning".to_owned()), "{:?}", at(11).await);
}

#[tokio::test]
async fn an_answer_that_is_stopped_within_its_reasoning_keeps_it() {
    let (nvim, _server) = thinking().await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    let lines = chat_lines(&nvim).await;
    assert!(lines.contains(&"> hm".to_owned()), "{lines:?}");
    clean(&nvim).await;
}

#[tokio::test]
async fn one_undo_takes_reasoning_and_text_and_redo_brings_both_back_with_the_fold() {
    let (nvim, server) = thinking().await;
    open_all(&server);
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    nvim.feed("<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi"), ("test/m1", SHOWN)]))
        .await;
    nvim.wait_screen_contains("Reasoning · 2 lines").await;
    nvim.feed("GAmore<Esc><CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_in_the_middle_of_reasoning_loses_nothing_of_the_answer() {
    let (nvim, server) = thinking().await;
    normal_mode(&nvim).await;
    nvim.feed("Ga draft<Esc>").await;
    server.open("think");
    chat_holds(&nvim, "> well").await;
    nvim.feed("uuu").await;
    server.open("speak");
    server.open("end");
    ended(&nvim, 1).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", SHOWN)])
    );
    nvim.feed("GAmore<Esc><CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_line_written_below_or_above_reasoning_is_sent() {
    let (nvim, server) = thinking().await;
    open_all(&server);
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("/^one<CR>Obelow<Esc>/test.m1<CR>oabove<Esc>GAmore<CR><Esc><CR>")
        .await;
    ended(&nvim, 2).await;
    let sent = [
        ("user", "hi"),
        ("assistant", "above\n\nbelow\none two"),
        ("user", "more"),
    ];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn another_branch_shows_its_reasoning_again() {
    let (nvim, server) = thinking().await;
    open_all(&server);
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", "again")])
    );
    nvim.feed("[b").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi"), ("test/m1", SHOWN)]))
        .await;
    nvim.wait_screen_contains("Reasoning · 2 lines").await;
    nvim.feed("GAmore<Esc><CR>").await;
    ended(&nvim, 3).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[2]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn with_reasoning_switched_off_only_the_spinner_says_that_the_model_thinks() {
    let first = thoughtful(&["hm"], &["one"]).gate_before_token(1, "speak");
    let server = Server::start([first]).await;
    let nvim = configured(&server, "chat = { reasoning = false }").start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("thinking").await;
    server.open("speak");
    ended(&nvim, 1).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", "one")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn reasoning_of_answers_that_have_ended_is_folded_and_hides_nothing_of_the_text() {
    let second = thoughtful(&["so"], &["three", "\nfour", "\nfive"])
        .gate_before_token(1, "speak")
        .gate_before_token(3, "end");
    let server = Server::start([thoughtful(&["hm", "\nwell"], &["one", "\ntwo"]), second]).await;
    let nvim = configured(&server, "").size(80, 50).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("Reasoning · 2 lines").await;
    say(&nvim, "go on").await;
    chat_holds(&nvim, "> so").await;
    nvim.feed("a draft<CR>").await;
    server.open("speak");
    chat_holds(&nvim, "four").await;
    nvim.feed("more of it<CR>").await;
    server.open("end");
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("Reasoning · 1 line").await;
    nvim.wait_screen_contains("more of it").await;
    let screen = nvim.screen();
    for seen in ["one", "two", "go on", "three", "four", "five", "a draft"] {
        assert!(screen.contains(seen), "{seen} in\n{screen}");
    }
    assert!(!screen.contains("> well") && !screen.contains("> so"), "{screen}");
    clean(&nvim).await;
}
