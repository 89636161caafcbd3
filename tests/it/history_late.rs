//! An end that the history could not take when it came.

use gpt_nvim::history::{History, Limits, State};
use rusqlite::Connection;

use crate::common::*;
use crate::history::{TOLD, database, gone, was_told};
use crate::support::nvim::Home;
use crate::support::server::Server;
use crate::support::wait;

#[tokio::test]
async fn an_answer_whose_end_a_lock_kept_out_is_whole_once_the_lock_is_gone_and_is_there_once() {
    let first = answer("one two").gate_before_token(1, "on");
    let (home, server) = (Home::new(), Server::start([first, answer("a2")]).await);
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let other = Connection::open(database(&home)).unwrap();
    let written = "SELECT count(*) FROM parts WHERE content = 'one '";
    wait::until("the piece is written", || {
        other
            .query_row(written, [], |row| row.get::<_, i64>(0))
            .is_ok_and(|count| count == 1)
    })
    .await;
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    server.open("on");
    ended(&nvim, 1).await;
    was_told(&nvim, "End the program that locks the history.").await;
    other.execute_batch("ROLLBACK").unwrap();
    say(&nvim, "q2").await;
    ended(&nvim, 2).await;
    let id = nvim
        .lua_string("return require('gpt.chat.chats').current().id", &[])
        .await;
    nvim.quit().await;
    gone(&nvim).await;
    let opened = History::open(&database(&home), Limits::default()).await.unwrap();
    let chat = opened.history.load(&id, 0).await.unwrap();
    let kept: Vec<(String, State)> = chat
        .messages
        .iter()
        .map(|message| (message.text(), message.state))
        .collect();
    let whole = ["q1", "one two", "q2", "a2"].map(|text| (text.to_owned(), State::Whole));
    assert_eq!(kept, whole);
}
