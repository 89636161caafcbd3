//! What a chat's text is taken for, whatever was typed where; and what Vim's own keys do there.

use crate::common::*;
use crate::history::exchanges;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A chat with one exchange, in normal mode.
async fn answered(more: &[&str]) -> (Nvim, Server) {
    let script: Vec<_> = std::iter::once(&"one").chain(more).map(|text| answer(text)).collect();
    let (nvim, server) = start(script).await;
    exchanges(&nvim, &["hi"]).await;
    (nvim, server)
}

#[tokio::test]
async fn what_is_typed_above_the_first_heading_is_a_question_of_its_own() {
    let (nvim, server) = answered(&["again"]).await;
    nvim.feed("ggOabove<Esc>GAmore<Esc><CR>").await;
    ended(&nvim, 2).await;
    let sent = [
        ("user", "above"),
        ("user", "hi"),
        ("assistant", "one"),
        ("user", "more"),
    ];
    let joined = conversation(&server.requests()[1]);
    assert_eq!(
        joined
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join("\n\n"),
        sent.map(|(_, text)| text).join("\n\n")
    );
    assert_eq!(chat_lines(&nvim).await[..4], ["## You", "", "above", "## You"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_typed_before_a_heading_is_said_by_the_message_above() {
    let (nvim, server) = answered(&["again"]).await;
    nvim.feed("GAmore<Esc>2kIbefore <Esc><CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one\n\nbefore"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_typed_behind_the_heading_of_a_question_that_waits_is_sent_with_it() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "on"), answer("three")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    nvim.feed("/second<CR>2kA, please:<Esc>G").await;
    chat_holds(&nvim, "please").await;
    server.open("on");
    ended(&nvim, 2).await;
    let sent = [
        ("user", "hi"),
        ("assistant", "one two"),
        ("user", ", please:\n\nsecond"),
    ];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_typed_behind_the_prompts_heading_stays_when_a_question_comes_back() {
    for comes_back in [
        "<C-c>",
        ":lua require('gpt.chat.waiting').take_back(require('gpt.chat.chats').current())<CR>",
    ] {
        let (nvim, _server) = start([answer("one two").gate_before_token(1, "never")]).await;
        open(&nvim).await;
        say(&nvim, "hi").await;
        chat_holds(&nvim, "one").await;
        say(&nvim, "second").await;
        nvim.wait_screen_contains("queued").await;
        normal_mode(&nvim).await;
        nvim.feed("Gadraft<Esc>2kA behind<Esc>").await;
        chat_holds(&nvim, "## You behind").await;
        nvim.feed(comes_back).await;
        nvim.wait_screen_lacks("queued").await;
        let shown = chat_lines(&nvim).await.join("\n");
        for kept in ["second", "behind", "draft"] {
            assert!(shown.contains(kept), "no {kept} in\n{shown}");
        }
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn what_is_sent_once_more_before_the_first_question_is_shown_waits_for_its_answer() {
    let (nvim, server) = start([answer("one"), answer("two")]).await;
    open(&nvim).await;
    nvim.feed("first").await;
    normal_mode(&nvim).await;
    let twice = "local chat = require('gpt.chat.chats').current()
    require('gpt.chat.sending').send(chat)
    vim.api.nvim_buf_set_lines(0, -2, -1, false, { 'second' })
    require('gpt.chat.sending').send(chat)";
    nvim.lua(twice, &[]).await;
    ended(&nvim, 2).await;
    let shown = [
        ("You", "first"),
        ("test/m1", "one"),
        ("You", "second"),
        ("test/m1", "two"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    let sent = [("user", "first"), ("assistant", "one"), ("user", "second")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_jump_back_leads_to_where_one_was_before_going_from_message_to_message() {
    let (nvim, _server) = answered(&[]).await;
    nvim.feed("3[[").await;
    nvim.wait_lua("return vim.fn.line('.') == 1").await;
    nvim.feed("]]").await;
    nvim.wait_lua("return vim.fn.getline('.') == '## test/m1'").await;
    nvim.feed("<C-o>").await;
    nvim.wait_lua("return vim.fn.line('.') == 1").await;
}

#[tokio::test]
async fn a_chat_is_forked_whole_from_another_window_wherever_the_cursor_is_there() {
    let server = Server::start([answer("one"), answer("two")]).await;
    let nvim = configured(&server, "chat = { layout = 'vertical' }").start().await;
    exchanges(&nvim, &["hi", "more"]).await;
    let first = chat_buffer(&nvim).await;
    nvim.feed("<C-w>pi1<CR>2<CR>3<Esc>gg").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.fn.mode() == 'n'")
        .await;
    nvim.feed(":GPT fork<CR>").await;
    wait(&nvim, format!("return chat_buffer() ~= {first}")).await;
    let shown = [("You", "hi"), ("test/m1", "one"), ("You", "more"), ("test/m1", "two")];
    wait(
        &nvim,
        "return #vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true) > 3".to_owned(),
    )
    .await;
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_hidden_chat_whose_answer_is_there_is_the_one_that_comes_back() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "on")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    let answering = chat_buffer(&nvim).await;
    nvim.feed("<Esc>:GPTChat!<CR>").await;
    wait(&nvim, format!("return vim.api.nvim_get_current_buf() ~= {answering}")).await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed(":GPTChat<CR>").await;
    wait(&nvim, format!("return vim.api.nvim_get_current_buf() == {answering}")).await;
    clean(&nvim).await;
}
