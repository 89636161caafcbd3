//! What becomes of a question that the program gives back without having asked it.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A chat with one answer, from whose editor no question reaches the program any more.
async fn deaf(script: Vec<Answer>) -> (Nvim, Server) {
    let (nvim, server) = start(script).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    nvim.lua(
        "local remote, swallowed = require('gpt.client'), {}
        local notify = remote.notify
        _G.swallowed = swallowed
        remote.notify = function(event)
          if event.event ~= 'sent' then return notify(event) end
          swallowed[#swallowed + 1] = vim.trim(event.prompt)
          return true
        end",
        &[],
    )
    .await;
    (nvim, server)
}

/// The program gives the question back that it was told last.
async fn give_back(nvim: &Nvim, question: &str) {
    nvim.wait_lua(&format!("return vim.deep_equal(swallowed, {{ '{question}' }})"))
        .await;
    nvim.lua(
        "local id = vim.api.nvim_buf_get_name(0):match('[^/]+$')
        assert(require('gpt.client.operations').apply('give_back', { chat = id }) == nil)",
        &[],
    )
    .await;
}

const FIRST: [(&str, &str); 2] = [("You", "first"), ("test/m1", "one two")];

#[tokio::test]
async fn a_queued_question_that_is_given_back_comes_into_the_prompt() {
    let (nvim, server) = deaf(vec![answer("one two").gate_before_token(1, "on")]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("and a draft").await;
    server.open("on");
    ended(&nvim, 1).await;
    give_back(&nvim, "second").await;
    nvim.wait_screen_lacks("queued").await;
    let expected = transcript_with(&FIRST, "second\n\nand a draft");
    assert_eq!(chat_lines(&nvim).await, expected);
    let sent = "vim.cmd.stopinsert() require('gpt.chat.sending').send(require('gpt.chat.chats').current()) return #swallowed == 2";
    assert!(nvim.lua_bool(sent, &[]).await, "it can be sent again");
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_question_from_the_prompt_that_is_given_back_stays_where_it_stands() {
    let (nvim, _server) = deaf(vec![answer("one two")]).await;
    ended(&nvim, 1).await;
    say(&nvim, "second").await;
    give_back(&nvim, "second").await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&FIRST, "second"));
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_question_from_elsewhere_that_is_given_back_comes_into_the_prompt() {
    let (nvim, _server) = deaf(vec![answer("one two")]).await;
    ended(&nvim, 1).await;
    nvim.lua("require('gpt').chat({ prompt = 'second' })", &[]).await;
    give_back(&nvim, "second").await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&FIRST, "second"));
    assert_eq!(clean(&nvim).await, "");
}
