//! Two Neovims: in one chat, and writing at once. `HISTORY_LONG=1` lets them write for a minute.

use std::time::{Duration, Instant};

use gpt_nvim::history::{History, Limits, Listing, State};

use crate::common::*;
use crate::history::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

/// The terminal of this editor gets the focus.
async fn focus(nvim: &Nvim) {
    nvim.lua("vim.api.nvim_exec_autocmds('FocusGained', {})", &[]).await;
}

/// Two editors that both show a chat whose question is `q1` and whose answer is `a1`, the first one of them told of
/// nothing yet.
async fn both(server: &Server, home: &Home) -> (Nvim, Nvim) {
    let first = configured(server, "").home(home).init(TOLD).start().await;
    exchanges(&first, &["q1"]).await;
    let chat = name(&first).await;
    let second = configured(server, "").home(home).init(TOLD).start().await;
    second.command(&format!("edit {chat}")).await;
    was_told(&second, "Another Neovim has this chat open").await;
    second.wait_screen_contains("a1").await;
    assert_eq!(told(&first).await, Vec::<String>::new());
    (first, second)
}

#[tokio::test]
async fn the_first_is_told_when_it_is_looked_at_and_then_sees_the_chat_grow() {
    let (home, server) = (
        Home::new(),
        Server::start([answer("a1"), answer("a2"), answer("a3")]).await,
    );
    let (first, second) = both(&server, &home).await;
    second.feed("GAq2<C-s>").await;
    ended(&second, 1).await;
    focus(&first).await;
    was_told(&first, "Another Neovim has this chat open").await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    first.wait_lines(0, |lines| lines == transcript(&shown)).await;
    // It follows from now on, whoever has the focus.
    second.feed("<Esc>GAq3<C-s>").await;
    let whole = [&shown[..], &[("You", "q3"), ("test/m1", "a3")]].concat();
    first.wait_lines(0, |lines| lines == transcript(&whole)).await;
    focus(&first).await;
    assert_eq!(told(&first).await.len(), 1, "once");
    clean(&first).await;
    clean(&second).await;
}

#[tokio::test]
async fn the_first_is_told_when_it_sends_and_what_was_said_meanwhile_is_a_branch() {
    let (home, server) = (
        Home::new(),
        Server::start([answer("a1"), answer("theirs"), answer("mine")]).await,
    );
    let (first, second) = both(&server, &home).await;
    second.feed("GAq2<C-s>").await;
    ended(&second, 1).await;
    first.feed("GAq2 too<C-s>").await;
    ended(&first, 2).await;
    was_told(&first, "Another Neovim has this chat open").await;
    let mine = [("You", "q1"), ("test/m1", "a1"), ("You", "q2 too"), ("test/m1", "mine")];
    assert_eq!(chat_lines(&first).await, transcript(&mine));
    normal_mode(&first).await;
    first.wait_screen_contains("/2").await;
    first.feed("gg/q2 too<CR>[b").await;
    let theirs = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "theirs")];
    first.wait_lines(0, |lines| lines == transcript(&theirs)).await;
    clean(&first).await;
}

#[tokio::test]
async fn what_one_wrote_that_is_gone_by_now_is_told_and_shown() {
    let (home, server) = (Home::new(), Server::start([answer("a1"), answer("a2")]).await);
    let (first, second) = both(&server, &home).await;
    second.feed("GAq2<C-s>").await;
    ended(&second, 1).await;
    second.quit().await;
    gone(&second).await;
    focus(&first).await;
    was_told(&first, "Another Neovim has written into this chat.").await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    first.wait_lines(0, |lines| lines == transcript(&shown)).await;
    clean(&first).await;
}

#[tokio::test]
async fn an_answer_whose_neovim_was_quit_is_seen_to_grow_in_another_one() {
    let script = answer("one two three")
        .gate_before_token(1, "a")
        .gate_before_token(2, "b");
    let (home, server, first) = home_with(script).await;
    open(&first).await;
    say(&first, "q1").await;
    first.wait_screen_contains("one").await;
    let chat = name(&first).await;
    first.quit().await;
    let second = editor(&home, &server, "").await;
    second.command(&format!("edit {chat}")).await;
    second.wait_screen_contains("one").await;
    server.open("a");
    second.wait_screen_contains("one two").await;
    server.open("b");
    second.wait_screen_contains("one two three").await;
    gone(&first).await;
    assert_eq!(
        chat_lines(&second).await,
        transcript(&[("You", "q1"), ("test/m1", "one two three")])
    );
    clean(&second).await;
}

#[tokio::test]
async fn who_is_alone_in_a_chat_is_told_nothing() {
    let (home, server) = (Home::new(), Server::start([answer("a1"), answer("a2")]).await);
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    exchanges(&nvim, &["q1"]).await;
    focus(&nvim).await;
    nvim.feed("GAq2<C-s>").await;
    ended(&nvim, 2).await;
    focus(&nvim).await;
    nvim.command("GPT rename done").await;
    was_told(&nvim, "done").await;
    assert_eq!(told(&nvim).await.len(), 1);
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
}

/// Asks one question after the other in new chats, until the time is over; returns how many.
async fn write_for(nvim: &Nvim, who: &str, span: Duration) -> usize {
    let begun = Instant::now();
    let mut asked = 0;
    open(nvim).await;
    while begun.elapsed() < span {
        if asked > 0 && asked % 5 == 0 {
            nvim.feed("<Esc>:GPTChat!<CR>").await;
        } else if asked > 0 {
            nvim.feed("<Esc>GA").await;
        }
        nvim.wait_lua("return vim.fn.mode() == 'i'").await;
        say(nvim, &format!("{who} {asked}")).await;
        asked += 1;
        ended(nvim, asked).await;
    }
    normal_mode(nvim).await;
    asked
}

#[tokio::test]
async fn two_neovims_that_write_at_once_lose_nothing_and_hear_of_no_lock() {
    let span = Duration::from_secs(if std::env::var_os("HISTORY_LONG").is_some() {
        60
    } else {
        3
    });
    let answers: Vec<_> = (0..5_000).map(|number| answer(&format!("answer {number}"))).collect();
    let (home, server) = (Home::new(), Server::start(answers).await);
    let start = || configured(&server, "").home(&home).init(TOLD).start();
    let (one, two) = tokio::join!(start(), start());
    let (of_one, of_two) = tokio::join!(write_for(&one, "one", span), write_for(&two, "two", span));
    println!("{of_one} and {of_two} questions");
    for nvim in [&one, &two] {
        assert_eq!(told(nvim).await, Vec::<String>::new());
        clean(nvim).await;
        nvim.quit().await;
        gone(nvim).await;
        let log = std::fs::read_to_string(nvim.home().log()).unwrap_or_default();
        assert!(!log.contains("locked"), "{log}");
    }
    let history = History::open(&database(&home), Limits::default())
        .await
        .unwrap()
        .history;
    let all = Listing {
        limit: 100_000,
        ..Listing::default()
    };
    let mut questions = Vec::new();
    for chat in history.list(all).await.unwrap() {
        let chat = history.load(&chat.info.id, 0).await.unwrap();
        for pair in chat.messages.chunks(2) {
            questions.push(pair[0].text());
            assert_eq!(pair[1].state, State::Whole);
            assert!(pair[1].text().starts_with("answer "), "{:?}", pair[1]);
        }
    }
    questions.sort();
    let mut asked: Vec<String> = (0..of_one).map(|number| format!("one {number}")).collect();
    asked.extend((0..of_two).map(|number| format!("two {number}")));
    asked.sort();
    assert_eq!(questions, asked);
}
