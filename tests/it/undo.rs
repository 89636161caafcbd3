//! Undo in a chat: of whole answers and questions, and of the user's own changes while an answer is being written.

use crate::common::*;
use crate::reasoning::thoughtful;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

async fn answered() -> (Nvim, Server) {
    let (nvim, server) = start([answer("one two three").gate_before_token(1, "on"), answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    (nvim, server)
}

const ANSWERED: [(&str, &str); 2] = [("You", "hi"), ("test/m1", "one two three")];

#[tokio::test]
async fn one_undo_takes_back_an_answer_and_redo_brings_it_back() {
    let (nvim, server) = answered().await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    nvim.feed("<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&ANSWERED)).await;
    nvim.feed("GAagain<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two three"), ("user", "again")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_second_undo_takes_the_question_back_into_the_prompt() {
    let (nvim, server) = answered().await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("uu").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[], "hi")).await;
    nvim.feed("A there<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(conversation(&server.requests()[1]), said(&[("user", "hi there")]));
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi there"), ("test/m1", "again")])
    );
    nvim.wait_screen_contains("2/2").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_and_redo_of_everything_leave_the_structure_whole() {
    let (nvim, server) = answered().await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("uu<C-r><C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&ANSWERED)).await;
    nvim.feed("GAagain<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two three"), ("user", "again")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_during_an_answer_takes_back_what_the_user_did_and_nothing_of_the_answer() {
    let (nvim, server) = start(
        answer("one two three four")
            .gate_before_token(1, "a")
            .gate_before_token(2, "b")
            .gate_before_token(3, "c"),
    )
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("a draft<Esc>").await;
    server.open("a");
    nvim.wait_screen_contains("one two").await;
    nvim.feed("u").await;
    server.open("b");
    nvim.wait_screen_contains("one two three").await;
    nvim.wait_lines(0, |lines| !lines.contains(&"a draft".to_owned())).await;
    nvim.feed("u").await;
    server.open("c");
    ended(&nvim, 1).await;
    let shown = [("You", "hi"), ("test/m1", "one two three four")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_that_is_undone_before_its_next_word_comes_back_whole() {
    let (nvim, server) = answered().await;
    normal_mode(&nvim).await;
    nvim.feed("uuu").await;
    server.open("on");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&ANSWERED));
    clean(&nvim).await;
}

/// Presses two keys before anything else is looked at.
async fn at_once(nvim: &Nvim, keys: &str) {
    let code = "vim.cmd.normal(vim.keycode(...)) return true";
    nvim.lua(code, &[keys.into()]).await;
}

#[tokio::test]
async fn reasoning_goes_on_in_its_quotation_after_an_undo_and_a_redo() {
    let first = thoughtful(&["hm", "\nwell", " so"], &["one"])
        .gate_before_token(0, "begin")
        .gate_before_token(1, "think")
        .gate_before_token(2, "speak");
    let (nvim, server) = start([first, answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "test/m1").await;
    nvim.feed("draft<Esc>").await;
    nvim.wait_lines(0, |lines| lines.contains(&"draft".to_owned())).await;
    server.open("begin");
    chat_holds(&nvim, "> hm").await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| !lines.contains(&"> hm".to_owned())).await;
    nvim.feed("<C-r>").await;
    chat_holds(&nvim, "> hm").await;
    server.open("think");
    chat_holds(&nvim, "> well").await;
    at_once(&nvim, "u<C-r>").await;
    server.open("speak");
    ended(&nvim, 1).await;
    let thought = [("You", "hi"), ("test/m1", "> **Reasoning**\n>\n> hm\n> well so\n\none")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&thought, "draft"));
    nvim.feed("Gccmore<Esc><CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one"), ("user", "more")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_and_its_redo_at_once_leave_every_heading_in_place() {
    let (nvim, server) = answered().await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    at_once(&nvim, "uu<C-r><C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&ANSWERED)).await;
    nvim.feed("GAagain<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two three"), ("user", "again")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_typed_behind_a_heading_is_sent() {
    let (nvim, server) = answered().await;
    normal_mode(&nvim).await;
    nvim.feed("GddGddGAsaid<Esc><CR>").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two three"), ("user", "said")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_redo_after_the_chat_was_told_of_finds_its_headings_again() {
    let (nvim, server) = answered().await;
    server.open("on");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    // What every key does that tells the program of the chat.
    nvim.lua(
        "require('gpt.chat.waiting').settle(require('gpt.chat.chats').current()) return true",
        &[],
    )
    .await;
    nvim.feed("<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&ANSWERED)).await;
    nvim.feed("GAagain<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two three"), ("user", "again")])
    );
    clean(&nvim).await;
}
