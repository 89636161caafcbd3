//! Text that no editor likes: nothing of it breaks a chat, and what is shown is what is sent.

use crate::common::*;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// Asks "next" in normal mode below one exchange; what is sent then.
async fn next(nvim: &Nvim, server: &Server) -> Vec<(String, String)> {
    normal_mode(nvim).await;
    nvim.feed("GAnext<Esc><CR>").await;
    ended(nvim, 2).await;
    clean(nvim).await;
    conversation(&server.requests()[1])
}

#[tokio::test]
async fn a_modeline_in_an_answer_sets_nothing_also_when_the_chat_is_read_again() {
    let line = "vim: set filetype=python tabstop=3 foldmethod=marker nomodifiable :";
    let server = Server::start([answer(line), answer("done")]).await;
    let set = "vim.o.modeline, vim.o.modelines = true, 50";
    let nvim = configured(&server, "").init(set).start().await;
    open(&nvim).await;
    say(&nvim, line).await;
    ended(&nvim, 1).await;
    nvim.feed("<Esc>:e!<CR>").await;
    let options =
        "return ('%s %d %s %s'):format(vim.bo.filetype, vim.bo.tabstop, vim.wo.foldmethod, vim.bo.modifiable)";
    assert_eq!(nvim.lua_string(options, &[]).await, "gptchat 8 manual true");
    let sent = [("user", line), ("assistant", line), ("user", "next")];
    assert_eq!(next(&nvim, &server).await, said(&sent));
}

#[tokio::test]
async fn an_answer_on_one_very_long_line_is_shown_and_sent_back_whole() {
    let long = "x".repeat(100_000);
    let server = Server::start([
        Answer::chat_tokens(&["a ", &long, " z"]).gate_before_token(2, "end"),
        answer("done"),
    ])
    .await;
    let nvim = configured(&server, "chat = { memory = 5 }").start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_lua("return #table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true)) > 100000")
        .await;
    nvim.feed("a draft ").await;
    server.open("end");
    ended(&nvim, 1).await;
    let whole = format!("a {long} z");
    assert!(chat_lines(&nvim).await == transcript_with(&[("You", "hi"), ("test/m1", &whole)], "a draft "));
    let sent = next(&nvim, &server).await;
    assert!(sent == said(&[("user", "hi"), ("assistant", &whole), ("user", "a draft next")]));
}

#[tokio::test]
async fn an_answer_of_two_megabytes_on_one_line_leaves_the_editor_usable_and_is_sent_back_whole() {
    let long = "x".repeat(1_000_000);
    let server = Server::start([
        Answer::chat_tokens(&["a ", &long, &long, " z"]).gate_before_token(3, "end"),
        answer("done"),
    ])
    .await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_lua("return #table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true)) > 2000000")
        .await;
    nvim.feed("a draft ").await;
    server.open("end");
    ended(&nvim, 1).await;
    let whole = format!("a {long}{long} z");
    assert!(chat_lines(&nvim).await == transcript_with(&[("You", "hi"), ("test/m1", &whole)], "a draft "));
    let sent = next(&nvim, &server).await;
    assert!(sent == said(&[("user", "hi"), ("assistant", &whole), ("user", "a draft next")]));
}

#[tokio::test]
async fn a_question_of_two_megabytes_on_one_line_is_sent_whole() {
    let (nvim, server) = start([answer("I see"), answer("done")]).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.lua(
        "vim.api.nvim_buf_set_lines(0, -2, -1, true, { ('x'):rep(2000000) })",
        &[],
    )
    .await;
    nvim.feed("<CR>").await;
    ended(&nvim, 1).await;
    let sent = conversation(&server.requests()[0]);
    assert!(sent == said(&[("user", &"x".repeat(2_000_000))]));
    clean(&nvim).await;
}

#[tokio::test]
async fn nul_and_control_characters_in_an_answer_and_a_question_are_kept() {
    let odd = "a\0b\u{1b}[31m red\u{7} \u{85}\u{2028}x\u{202e}y\u{feff}z";
    let (nvim, server) = start([answer(odd), answer("done")]).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.lua("vim.api.nvim_buf_set_lines(0, -2, -1, true, { ... })", &[odd.into()])
        .await;
    nvim.feed("<CR>").await;
    ended(&nvim, 1).await;
    assert_eq!(conversation(&server.requests()[0]), said(&[("user", odd)]));
    let sent = [("user", odd), ("assistant", odd), ("user", "next")];
    assert_eq!(next(&nvim, &server).await, said(&sent));
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_become_the_sign_for_that_and_break_nothing() {
    let broken = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\xff\xc3b\"}}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let answer_of_bytes = Answer::new([
        Step::bytes("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"),
        Step::bytes(broken),
    ])
    .closing();
    let (nvim, server) = start([answer_of_bytes, answer("done")]).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.lua("vim.api.nvim_buf_set_lines(0, -2, -1, true, { 'q\\255\\195' })", &[])
        .await;
    nvim.feed("<CR>").await;
    ended(&nvim, 1).await;
    chat_holds(&nvim, "a\u{fffd}\u{fffd}b").await;
    let question = conversation(&server.requests()[0]).remove(0).1;
    assert!(question.starts_with("q\u{fffd}"), "{question:?}");
    let sent = next(&nvim, &server).await;
    let texts: Vec<&str> = sent.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, [question.as_str(), "a\u{fffd}\u{fffd}b", "next"]);
}
