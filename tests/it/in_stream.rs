//! What a user does in the middle of an answer, to the answer or beside it.

use serde_json::json;

use crate::common::*;
use crate::reasoning::{chunk, thoughtful};
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::Server;

async fn thinking() -> (Nvim, Server) {
    let first = thoughtful(&["hm", "\nwell"], &["one", " two"])
        .gate_before_token(1, "think")
        .gate_before_token(2, "speak");
    let (nvim, server) = start([first, answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "> hm").await;
    normal_mode(&nvim).await;
    (nvim, server)
}

/// A refusal, cut after its first words by the gate "on".
async fn refusing() -> (Nvim, Server) {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    let payloads = [
        chunk(&json!({"refusal": "I cannot"})),
        chunk(&json!({"refusal": "\nhelp."})),
        end,
        "[DONE]".to_owned(),
    ];
    let refused = Answer::sse(&payloads.iter().map(String::as_str).collect::<Vec<_>>()).gate_before_token(1, "on");
    let (nvim, server) = start([refused, answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "I cannot").await;
    normal_mode(&nvim).await;
    (nvim, server)
}

/// Whether a line of the chat has a group, by their names.
async fn has_group(nvim: &Nvim, line: &str, group: &str) -> bool {
    let code = format!(
        "local row = vim.fn.index(vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true), {line:?})
        return row >= 0 and vim.iter(vim.inspect_pos(chat_buffer(), row, 2).extmarks):any(function(mark)
          return vim.startswith(mark.opts.hl_group or '', {group:?})
        end)"
    );
    nvim.lua_bool(&code, &[]).await
}

#[tokio::test]
async fn reasoning_that_the_user_takes_away_while_it_streams_stays_away() {
    let (nvim, server) = thinking().await;
    nvim.feed("zR/Reasoning<CR>0d}").await;
    nvim.wait_lines(0, |lines| !lines.contains(&"> hm".to_owned())).await;
    server.open("think");
    server.open("speak");
    ended(&nvim, 1).await;
    let lines = chat_lines(&nvim).await;
    assert!(!lines.iter().any(|line| line.starts_with('>')), "{lines:?}");
    assert!(lines.contains(&"one two".to_owned()), "{lines:?}");
    clean(&nvim).await;
}

#[tokio::test]
async fn reasoning_goes_on_after_the_buffer_was_read_again_and_is_folded_again() {
    let (nvim, server) = thinking().await;
    nvim.feed(":e!<CR>").await;
    nvim.wait_screen_contains("Reasoning · 1 line").await;
    server.open("think");
    chat_holds(&nvim, "> well").await;
    server.open("speak");
    ended(&nvim, 1).await;
    let shown = [
        ("You", "hi"),
        ("test/m1", "> **Reasoning**\n>\n> hm\n> well\n\none two"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    nvim.wait_screen_contains("Reasoning · 2 lines").await;
    // All of it is one part still: none of it is said.
    nvim.feed("GAmore<C-s>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn reasoning_has_no_colours_of_markdown() {
    let (nvim, server) = thinking().await;
    server.open("think");
    server.open("speak");
    ended(&nvim, 1).await;
    // Later than what is written last.
    let coloured = "return require('gpt.chat.chats').current().highlighting == nil";
    nvim.wait_lua(coloured).await;
    assert!(has_group(&nvim, "> well", "GPTReasoning").await);
    assert!(!has_group(&nvim, "> well", "@markup").await);
}

#[tokio::test]
async fn a_refusal_keeps_its_colour_after_undo_and_redo() {
    let (nvim, server) = refusing().await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    nvim.feed("<C-r>").await;
    chat_holds(&nvim, "help.").await;
    nvim.wait_screen_contains("help.").await;
    assert!(has_group(&nvim, "I cannot", "GPTRefusal").await);
    assert!(has_group(&nvim, "help.", "GPTRefusal").await);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_refusal_goes_on_in_its_colour_after_the_buffer_was_read_again() {
    let (nvim, server) = refusing().await;
    nvim.feed(":e!<CR>").await;
    server.open("on");
    ended(&nvim, 1).await;
    assert!(has_group(&nvim, "I cannot", "GPTRefusal").await);
    assert!(has_group(&nvim, "help.", "GPTRefusal").await);
    let parts =
        "return #require('gpt.chat.answer_parts').within(require('gpt.chat.chats').current(), 0, vim.fn.line('$'))";
    assert_eq!(nvim.lua_i64(parts, &[]).await, 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_after_the_buffer_was_read_again_loses_nothing_of_the_answer() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "on")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    nvim.feed(":e!<CR>u").await;
    server.open("on");
    ended(&nvim, 1).await;
    let shown = [("You", "hi"), ("test/m1", "one two")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn the_prompt_stays_at_the_bottom_of_its_window_when_many_lines_come_at_once() {
    let long: String = (1..60).map(|n| format!("line{n}\n")).collect();
    let slow = answer(&format!("so: {long} more"))
        .gate_before_token(1, "on")
        .gate_before_token(2, "end");
    let (nvim, server) = start([slow]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "so:").await;
    server.open("on");
    chat_holds(&nvim, "line59").await;
    let at_bottom =
        "return vim.fn.winline() == vim.api.nvim_win_get_height(0) and vim.fn.line('.') == vim.fn.line('$')";
    assert!(nvim.lua_bool(at_bottom, &[]).await, "{}", nvim.screen());
    nvim.feed("a draft").await;
    server.open("end");
    ended(&nvim, 1).await;
    assert!(nvim.lua_bool(at_bottom, &[]).await, "{}", nvim.screen());
    clean(&nvim).await;
}

#[tokio::test]
async fn the_prompt_stays_at_the_bottom_below_the_notice_of_a_long_answer_that_failed() {
    let lines: Vec<String> = (1..60).map(|n| format!("line{n}\n")).collect();
    let tokens: Vec<&str> = lines.iter().map(String::as_str).collect();
    let cut = Answer::chat_tokens(&tokens).cut_after_tokens(50, Step::Reset);
    let (nvim, _server) = start([cut]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("✗").await;
    let at_bottom =
        "return vim.fn.winline() == vim.api.nvim_win_get_height(0) and vim.fn.line('.') == vim.fn.line('$')";
    assert!(nvim.lua_bool(at_bottom, &[]).await, "{}", nvim.screen());
}
