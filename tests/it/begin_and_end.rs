//! The edges of a turn: what happens just before an answer begins, just after it ends, and in between.

use serde_json::json;

use crate::common::*;
use crate::history::{TOLD, exchanges, gone, name, was_told};
use crate::reasoning::{chunk, thoughtful};
use crate::support::answer::Answer;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::{Script, Server};
use crate::window::{ask, question, server as uncounted, with_window};

fn sse(payloads: &[String]) -> Answer {
    Answer::sse(&payloads.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A chat whose question "hi" is answered by the first answer of the script, in normal mode.
async fn answered(script: impl Into<Script>) -> (Nvim, Server) {
    let (nvim, server) = start(script).await;
    exchanges(&nvim, &["hi"]).await;
    (nvim, server)
}

/// An editor with a chat out of the history, which another one has written.
async fn recalled(home: &Home, server: &Server, more: &str) -> Nvim {
    let nvim = configured(server, "").home(home).start().await;
    exchanges(&nvim, &["hi"]).await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = configured(server, more).home(home).start().await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "hi").await;
    later
}

// Out of the history ------------------------------------------------------------------------------------------------

#[tokio::test]
async fn with_reasoning_switched_off_an_answer_out_of_the_history_has_none() {
    let (home, server) = (Home::new(), Server::start([thoughtful(&["hm"], &["one"])]).await);
    let later = recalled(&home, &server, "chat = { reasoning = false }").await;
    assert_eq!(
        chat_lines(&later).await,
        transcript(&[("You", "hi"), ("test/m1", "one")])
    );
    clean(&later).await;
}

#[tokio::test]
async fn a_refusal_out_of_the_history_has_its_own_colour() {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    let refusing = sse(&[chunk(&json!({"refusal": "I cannot help."})), end, "[DONE]".to_owned()]);
    let (home, server) = (Home::new(), Server::start([refusing]).await);
    let later = recalled(&home, &server, "").await;
    let groups = "return vim.tbl_map(function(mark) return mark.opts.hl_group end, \
                  vim.inspect_pos(chat_buffer(), 6, 2, { treesitter = false, syntax = false }).extmarks)";
    assert_eq!(chat_lines(&later).await[6], "I cannot help.");
    let found = later.lua_lines(groups, &[]).await;
    assert!(found.contains(&"GPTRefusal".to_owned()), "{found:?}");
    clean(&later).await;
}

#[tokio::test]
async fn an_undo_brings_the_gauge_of_a_chat_out_of_the_history_back() {
    let (home, server) = (Home::new(), Server::start([answer("a1"), answer("a2 is longer")]).await);
    let later = recalled(&home, &server, "models = { ['test/m1'] = { window = 8000 } }").await;
    let title = async || {
        later
            .lua_string(
                "return require('gpt.chat.title').of(require('gpt.chat.chats').current(), 200)",
                &[],
            )
            .await
    };
    let before = title().await;
    assert!(before.contains(" of 8k"), "{before}");
    later.feed("GAmore<C-s>").await;
    ended(&later, 1).await;
    assert_ne!(title().await, before);
    later.feed("<Esc>uu").await;
    wait(
        &later,
        format!("return require('gpt.chat.title').of(require('gpt.chat.chats').current(), 200) == {before:?}"),
    )
    .await;
    clean(&later).await;
}

// Beside the text -----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_undo_takes_the_mark_of_what_is_left_out_away_and_a_redo_brings_it_back() {
    let server = uncounted().await;
    let nvim = with_window(&server, 300).start().await;
    open(&nvim).await;
    for n in 1..=4 {
        ask(&nvim, &server, n).await;
    }
    nvim.wait_screen_contains(crate::window::MARK).await;
    nvim.feed("<Esc>uu").await;
    wait(&nvim, format!("return vim.fn.getline('$') == {:?}", question(4))).await;
    nvim.wait_screen_lacks(crate::window::MARK).await;
    nvim.feed("<C-r><C-r>").await;
    nvim.wait_screen_contains(crate::window::MARK).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_just_before_a_tool_call_loses_nothing_of_the_answer() {
    let call = json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function",
        "function": {"name": "search", "arguments": "{}"}}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}).to_string();
    let payloads = [
        chunk(&json!({"content": "Wait"})),
        chunk(&call),
        end,
        "[DONE]".to_owned(),
    ];
    let (nvim, server) = start([sse(&payloads).gate_before_token(1, "on")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "Wait").await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    server.open("on");
    ended(&nvim, 1).await;
    let lines = chat_lines(&nvim).await;
    assert_eq!(lines[4..8], ["## test/m1", "", "Wait", ""], "{lines:?}");
    assert!(lines.contains(&"**Tool call: search**".to_owned()), "{lines:?}");
    clean(&nvim).await;
}

// Where one looks -----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_cursor_goes_to_the_message_that_another_branch_shows() {
    let (nvim, _server) = answered([answer("a1"), answer("b1")]).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("G[b").await;
    chat_holds(&nvim, "a1").await;
    nvim.wait_lua("return vim.fn.getline('.') == '## test/m1'").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn what_another_neovim_writes_moves_no_cursor_and_adds_to_a_message_where_it_ends() {
    let script = [
        answer("a1"),
        answer("one two three")
            .gate_before_token(1, "on")
            .gate_before_token(2, "end"),
    ];
    let (home, server) = (Home::new(), Server::start(script).await);
    let first = configured(&server, "").home(&home).start().await;
    exchanges(&first, &["hi"]).await;
    let chat = name(&first).await;
    let second = configured(&server, "").home(&home).init(TOLD).start().await;
    second.command(&format!("edit {chat}")).await;
    was_told(&second, "Another Neovim has this chat open").await;
    second.feed("GAmine<Esc>").await;
    first.feed("GAq2<C-s>").await;
    chat_holds(&second, "one").await;
    server.open("on");
    chat_holds(&second, "two").await;
    let shown = [("You", "hi"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "one two")];
    second
        .wait_lines(0, |lines| lines == transcript_with(&shown, "mine"))
        .await;
    assert_eq!(second.lua_string("return vim.fn.getline('.')", &[]).await, "mine");
    server.open("end");
    ended(&first, 2).await;
    chat_holds(&second, "three").await;
    assert_eq!(second.lua_string("return vim.fn.getline('.')", &[]).await, "mine");
    clean(&second).await;
}

// Keys and flags ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_interrupt_stops_an_answer_and_afterwards_is_nothing_but_an_interrupt() {
    let (nvim, _server) = start([answer("one two").gate_before_token(1, "never")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    // What an interrupt leaves behind: the plain key, which no mapping sees.
    let interrupt = "_G.stops = 0
    local sending = require('gpt.chat.sending')
    local stop = sending.stop
    sending.stop = function(...) stops = stops + 1 return stop(...) end
    return true";
    nvim.lua(interrupt, &[]).await;
    let press = "vim.api.nvim_feedkeys('\\3', 'nt', false)";
    nvim.lua(press, &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(events(&nvim).await.last().map(String::as_str), Some("GPTAnswerStopped"));
    nvim.lua(press, &[]).await;
    nvim.feed("GAx<Esc>").await;
    chat_holds(&nvim, "x").await;
    assert_eq!(nvim.lua_i64("return stops", &[]).await, 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chat_that_is_hidden_before_its_answer_begins_holds_no_qa_up() {
    let (nvim, _server) = start([answer("one").gate_before_token(0, "never")]).await;
    open(&nvim).await;
    nvim.feed("hi").await;
    normal_mode(&nvim).await;
    nvim.lua(
        "require('gpt.chat.sending').send(require('gpt.chat.chats').current()) require('gpt.chat.window').hide()",
        &[],
    )
    .await;
    chat_holds(&nvim, "## test/m1").await;
    assert!(!nvim.lua_bool("return vim.bo[chat_buffer()].modified", &[]).await);
    assert!(nvim.quit().await.success());
}

#[tokio::test]
async fn a_question_sent_while_a_branch_is_on_its_way_goes_out_from_that_branch() {
    let (nvim, server) = answered([answer("a1"), answer("b1"), answer("a2")]).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("GAmore<Esc>").await;
    let both = "local chat = require('gpt.chat.chats').current()
    vim.api.nvim_win_set_cursor(0, { require('gpt.chat.headings').of_message(chat, chat.last_id).row + 1, 0 })
    require('gpt.chat.sending').switch_branch(chat, -1)
    vim.cmd('normal! G')
    require('gpt.chat.sending').send(chat)";
    nvim.lua(both, &[]).await;
    ended(&nvim, 3).await;
    let sent = [("user", "hi"), ("assistant", "a1"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[2]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waited_becomes_one_message_though_the_text_was_locked_when_its_turn_came() {
    let script = [answer("one two").gate_before_token(1, "on"), answer("three")];
    let (nvim, server) = start(Script::from(script)).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    say(&nvim, "and then?").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    // An expression mapping locks the text (E565) while it waits.
    let lock = "vim.api.nvim_create_autocmd('User', { pattern = 'GPTAnswerDone', once = true, callback = function()
      vim.schedule(function() vim.api.nvim_input('Z') end)
    end })
    vim.keymap.set('n', 'Z', function()
      vim.g.locked = 1
      vim.wait(20000, function() return vim.g.go == 1 end, 5)
      return ''
    end, { expr = true })";
    nvim.lua(lock, &[]).await;
    server.open("on");
    nvim.wait_lua("return vim.g.locked == 1").await;
    server.next_request().await;
    server.next_request().await;
    nvim.lua("vim.g.go = 1", &[]).await;
    ended(&nvim, 2).await;
    let shown = [
        ("You", "hi"),
        ("test/m1", "one two"),
        ("You", "and then?"),
        ("test/m1", "three"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}
