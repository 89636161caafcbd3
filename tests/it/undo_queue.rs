//! Undo around the questions that wait: what was taken back or refused never goes out by itself.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;
use crate::undo_steps::with_file;

/// A chat whose first answer has come as far as "one", in insert mode; the gate "on" lets it go on. The project has a file.
async fn streaming(more: impl IntoIterator<Item = Answer>) -> (Nvim, Server, Home) {
    streaming_as(answer("one two").gate_before_token(1, "on"), more).await
}

async fn streaming_as(first: Answer, more: impl IntoIterator<Item = Answer>) -> (Nvim, Server, Home) {
    let script = std::iter::once(first).chain(more).collect();
    let (nvim, server, home) = with_file("alpha\n", script).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    (nvim, server, home)
}

const FIRST: [(&str, &str); 2] = [("You", "first"), ("test/m1", "one two")];
const NOT_SENT: &str = "not sent: goes back into the prompt";

/// Keeps what the program is asked for about context words, so that `release` or `refuse` answer it later.
async fn hold_lookups(nvim: &Nvim) {
    nvim.lua(
        "local remote = require('gpt.client')
        local notify = remote.notify
        _G.held = {}
        remote.notify = function(event)
          if event.event ~= 'context_wanted' then return notify(event) end
          held[#held + 1] = event
          return true
        end
        function _G.release()
          notify(table.remove(held, 1))
        end
        function _G.refuse()
          local event = table.remove(held, 1)
          local told = { level = 'warning', title = 'It stands for nothing.', advice = '' }
          assert(require('gpt.client.operations').apply('context_refused', { chat = event.chat, lookup = event.lookup, notice = told }) == nil)
        end",
        &[],
    )
    .await;
}

/// A question that was refused in mid-stream after a word of the answer had come, in normal mode.
async fn refused(more: impl IntoIterator<Item = Answer>) -> (Nvim, Server, Home) {
    let first = answer("one two three")
        .gate_before_token(1, "a")
        .gate_before_token(2, "b");
    let (nvim, server, home) = streaming_as(first, more).await;
    hold_lookups(&nvim).await;
    say(&nvim, "see #file:none.txt").await;
    nvim.wait_screen_contains("looking up").await;
    normal_mode(&nvim).await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.lua("refuse()", &[]).await;
    nvim.wait_screen_contains("It stands for nothing.").await;
    nvim.wait_screen_lacks("looking up").await;
    (nvim, server, home)
}

const WHOLE: [(&str, &str); 2] = [("You", "first"), ("test/m1", "one two three")];

async fn idle(nvim: &Nvim) {
    nvim.wait_lua(
        "local chat = require('gpt.chat.chats').current() return not require('gpt.chat.queue').is_busy(chat)",
    )
    .await;
}

#[tokio::test]
async fn a_refused_question_that_an_undo_lets_wait_again_comes_back_at_the_answers_end() {
    let (nvim, server, _home) = refused([]).await;
    nvim.feed("u").await;
    nvim.wait_screen_contains(NOT_SENT).await;
    server.open("b");
    ended(&nvim, 1).await;
    idle(&nvim).await;
    nvim.wait_screen_lacks(NOT_SENT).await;
    let lines = chat_lines(&nvim).await.join("\n");
    assert_eq!(
        lines.trim_end(),
        transcript_with(&WHOLE, "see #file:none.txt").join("\n")
    );
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_sent_below_one_that_is_not_sent_takes_it_along() {
    let (nvim, server, _home) = refused([answer("ok")]).await;
    nvim.feed("u").await;
    nvim.wait_screen_contains(NOT_SENT).await;
    nvim.feed("?none<CR>ccsee that<Esc>GAand this<Esc><CR>").await;
    nvim.wait_screen_contains("queued").await;
    server.open("b");
    ended(&nvim, 2).await;
    let question = "see that\n\nand this";
    assert_eq!(conversation(&server.requests()[1])[2].1, question);
    let shown = [WHOLE[0], WHOLE[1], ("You", question), ("test/m1", "ok")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waits_with_a_new_word_is_looked_up_before_it_goes_out() {
    let (nvim, server, _home) = streaming([answer("ok")]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("<Esc>?second<CR>A #file:a.txt<Esc>G").await;
    server.open("on");
    ended(&nvim, 2).await;
    let question = "second #file:a.txt\n\n```text #file:a.txt\nalpha\n```";
    assert_eq!(conversation(&server.requests()[1])[2].1, question);
    let shown = [FIRST[0], FIRST[1], ("You", question), ("test/m1", "ok")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&shown[..3])).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waits_with_a_new_word_for_nothing_comes_back_into_the_prompt() {
    let (nvim, server, _home) = streaming([]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("<Esc>?second<CR>A #quickfix<Esc>G").await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("the quickfix list is empty").await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&FIRST, "second #quickfix"));
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_whose_blocks_were_undone_and_that_a_redo_lets_wait_again_is_looked_up() {
    let (nvim, server, _home) = streaming([answer("ok")]).await;
    hold_lookups(&nvim).await;
    say(&nvim, "see #file:a.txt").await;
    nvim.wait_screen_contains("looking up").await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines.last().is_some_and(|line| line == "see #file:a.txt"))
        .await;
    nvim.lua("release()", &[]).await;
    nvim.wait_lua("return not require('gpt.chat.waiting').is_looking_up(require('gpt.chat.chats').current())")
        .await;
    nvim.feed("<C-r>").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    nvim.wait_lua("return #held == 1").await;
    nvim.lua("release()", &[]).await;
    ended(&nvim, 2).await;
    let question = "see #file:a.txt\n\n```text #file:a.txt\nalpha\n```";
    assert_eq!(conversation(&server.requests()[1])[2].1, question);
    clean(&nvim).await;
}

#[tokio::test]
async fn what_a_stop_brought_back_says_after_an_undo_that_it_is_not_sent() {
    let (nvim, server, _home) = streaming([answer("ok")]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    nvim.feed("ix<Esc>u<C-c>").await;
    ended(&nvim, 1).await;
    nvim.feed("u").await;
    nvim.wait_screen_contains(NOT_SENT).await;
    assert!(!nvim.screen().contains("queued"), "{}", nvim.screen());
    nvim.feed("<C-r>").await;
    nvim.wait_screen_lacks(NOT_SENT).await;
    nvim.feed("u").await;
    nvim.wait_screen_contains(NOT_SENT).await;
    nvim.feed("GAthird<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(conversation(&server.requests()[1])[2].1, "second\n\nthird");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waited_and_is_brought_back_by_a_redo_after_the_answer_is_not_called_queued() {
    let (nvim, server, _home) = streaming([]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_screen_lacks("queued").await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed("u<C-r><C-r>").await;
    idle(&nvim).await;
    nvim.wait_screen_lacks("queued").await;
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_was_refused_at_once_leaves_no_undo_step() {
    let (nvim, _server, _home) = streaming([]).await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    nvim.feed("GAsee #file:none.txt<Esc><CR>").await;
    nvim.wait_screen_contains("#file:none.txt names no file").await;
    nvim.wait_screen_lacks("looking up").await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines.last().is_some_and(|line| line == "see #file:none.txt"))
        .await;
    assert!(!nvim.screen().contains(NOT_SENT), "{}", nvim.screen());
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines.last().is_some_and(String::is_empty))
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_waiting_question_whose_text_and_line_break_were_deleted_holds_nothing_up() {
    let (nvim, server, _home) = streaming([answer("ok")]).await;
    say(&nvim, "second").await;
    say(&nvim, "third").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    // The two headings stand in one line.
    nvim.feed("?second<CR>dkkgJgJ").await;
    server.open("on");
    ended(&nvim, 2).await;
    assert_eq!(conversation(&server.requests()[1])[2].1, "third");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_waiting_action_that_cannot_be_done_comes_back_behind_the_draft() {
    let (nvim, server, _home) = streaming([]).await;
    say(&nvim, "/fix").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("a draft").await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("There is no code in the prompt.").await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&FIRST, "a draft\n\n/fix"));
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_refused_question_is_told_once() {
    let (nvim, _server, _home) = streaming([]).await;
    say(&nvim, "see #file:none.txt").await;
    nvim.wait_screen_contains("names no file").await;
    normal_mode(&nvim).await;
    nvim.feed(":GPT log<CR>").await;
    nvim.wait_screen_contains("GPT log").await;
    let log = nvim.lines(0).await.join("\n");
    assert_eq!(log.matches("names no file").count(), 1, "{log}");
    let messages = nvim.messages().await;
    assert_eq!(messages.matches("names no file").count(), 1, "{messages}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waits_for_a_branch_to_be_shown_goes_out_then() {
    let (nvim, server) = start([answer("one"), answer("two"), answer("three")]).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.lua(
        "local chat = require('gpt.chat.chats').current()
        require('gpt.chat.sending').switch_branch(chat, -1)
        require('gpt.chat.sending').ask(chat, 'and then?')",
        &[],
    )
    .await;
    ended(&nvim, 3).await;
    let sent = [("user", "first"), ("assistant", "one"), ("user", "and then?")];
    assert_eq!(conversation(&server.requests()[2]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_copy_of_a_chat_in_mid_stream_says_what_it_has_of_the_answer() {
    let (nvim, server, _home) = streaming([]).await;
    normal_mode(&nvim).await;
    let first = nvim.lua_string("return vim.api.nvim_buf_get_name(0)", &[]).await;
    nvim.feed(":GPT fork<CR>").await;
    nvim.wait_lua(&format!("return vim.api.nvim_buf_get_name(0) ~= '{first}'"))
        .await;
    nvim.wait_screen_contains("when the chat was copied").await;
    assert!(!nvim.screen().contains("interrupted"), "{}", nvim.screen());
    server.open("on");
    ended(&nvim, 1).await;
    clean(&nvim).await;
}
