//! An answer whose program was killed: nothing that was on the screen is lost.

use rusqlite::Connection;

use crate::common::*;
use crate::history::{database, editor, gone, home_with, name, program};
use crate::support::{process, wait};

#[tokio::test]
async fn what_only_the_screen_had_of_a_broken_answer_is_kept_when_it_is_asked_for_again() {
    let broken = answer("one two three")
        .gate_before_token(1, "on")
        .gate_before_token(2, "never");
    let (home, server, nvim) = home_with([broken, answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    nvim.wait_screen_contains("one").await;
    let kept = Connection::open(database(&home)).expect("a history");
    wait::until("the piece is written", || has(&kept, "one ")).await;
    kept.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    server.open("on");
    chat_holds(&nvim, "one two").await;
    process::kill9(program(&nvim).await);
    ended(&nvim, 1).await;
    kept.execute_batch("ROLLBACK").expect("no lock");
    assert!(!has(&kept, "two"));
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("2/2").await;
    nvim.feed("[b").await;
    nvim.wait_screen_contains("1/2").await;
    chat_holds(&nvim, "one two").await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "one two").await;
    later.wait_screen_contains("1/2").await;
    clean(&later).await;
}

fn has(kept: &Connection, text: &str) -> bool {
    let count = "SELECT count(*) FROM parts WHERE content LIKE '%' || ?1 || '%'";
    kept.query_row(count, [text], |row| row.get::<_, i64>(0))
        .is_ok_and(|count| count > 0)
}
