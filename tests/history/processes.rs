//! Several processes on one file.

use std::io::Write;
use std::time::Duration;

use gpt_nvim::history::{History, Limits, Listing, PartKind, State};

use crate::child;
use crate::support::{Home, at, end, info, open, turn};

#[tokio::test]
async fn a_stream_whose_process_lives_is_left_alone_and_its_chat_is_said_to_be_open() {
    let home = Home::new();
    let mut child = child::start("hold", 0, &home.file());
    let pid: u32 = child.wait_for("ready").rsplit(' ').next().unwrap().parse().unwrap();
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    assert_eq!(opened.interrupted, 0);
    let holders = opened.history.claim("held").await.unwrap();
    assert_eq!(holders.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [pid]);
    assert_eq!(
        opened.history.load("held", 2).await.unwrap().messages[0].state,
        State::Streaming
    );
}

#[tokio::test]
async fn a_stream_whose_process_died_is_interrupted_for_the_next_one() {
    let home = Home::new();
    let mut child = child::start("hold", 0, &home.file());
    child.wait_for("ready");
    child.kill();
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    assert_eq!(opened.interrupted, 1);
    let chat = opened.history.load("held", 0).await.unwrap();
    assert_eq!(
        (chat.messages[1].state, chat.messages[1].text().as_str()),
        (State::Interrupted, "half")
    );
    assert_eq!(opened.history.claim("held").await.unwrap(), []);
}

#[tokio::test]
async fn a_process_whose_sign_of_life_was_deleted_gives_another_one() {
    let home = Home::new();
    let history = home.open().await;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    std::fs::remove_dir_all(home.folder().join("running")).unwrap();
    history.append(&at("a", 2), PartKind::Text, "half");
    history.flush(&at("a", 2)).await.unwrap();
    let other = History::open(&home.file(), Limits::default()).await.unwrap();
    assert_eq!(other.interrupted, 0);
    assert_eq!(other.history.claim("a").await.unwrap().len(), 1);
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
}

#[tokio::test]
async fn whoever_takes_a_chat_up_finds_that_its_process_died_meanwhile() {
    let home = Home::new();
    let history = home.open().await;
    let mut child = child::start("hold", 0, &home.file());
    child.wait_for("ready");
    assert_eq!(history.claim("held").await.unwrap().len(), 1);
    child.kill();
    assert_eq!(history.claim("held").await.unwrap(), []);
    assert_eq!(
        history.load("held", 2).await.unwrap().messages[0].state,
        State::Interrupted
    );
    assert_eq!(
        std::fs::read_dir(home.folder().join("running")).unwrap().count(),
        1,
        "the dead one's lock is gone"
    );
}

#[tokio::test]
async fn a_second_process_sees_a_chat_grow() {
    let home = Home::new();
    let mut child = child::start("hold", 0, &home.file());
    child.wait_for("ready");
    let history = home.open().await;
    let mut changes = history.changes();
    let mut stdin = child.child.stdin.take().unwrap();
    let mut text = history.load("held", 2).await.unwrap().messages[0].text();
    assert_eq!(text, "half");
    stdin.write_all(b" more\n").unwrap();
    while text != "half more" {
        let wait = tokio::time::timeout(Duration::from_secs(20), changes.changed());
        // The first look may come after the child has written: what is there is looked at all the same.
        tokio::select! {
            changed = wait => changed.unwrap().unwrap(),
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        text = history.load("held", 2).await.unwrap().messages[0].text();
    }
}

#[tokio::test]
async fn a_change_by_another_is_told_and_no_change_is_not() {
    let home = Home::new();
    let (history, other) = (home.open().await, home.open().await);
    let mut changes = history.changes();
    let quiet = tokio::time::timeout(Duration::from_millis(700), changes.changed()).await;
    assert!(quiet.is_err());
    other.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    changes.changed().await.unwrap();
}

#[tokio::test]
async fn who_says_goodbye_leaves_nothing_streaming() {
    let home = Home::new();
    let (history, other) = (home.open().await, home.open().await);
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    history.append(&at("a", 2), PartKind::Text, "half");
    assert_eq!(other.claim("a").await.unwrap().len(), 1);
    history.close().await.unwrap();
    let answer = other.load("a", 2).await.unwrap().messages.remove(0);
    assert_eq!((answer.state, answer.text().as_str()), (State::Interrupted, "half"));
    assert_eq!(other.claim("a").await.unwrap(), []);
}

#[tokio::test]
async fn a_chat_that_is_released_is_nobodys() {
    let home = Home::new();
    let (history, other) = (home.open().await, home.open().await);
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    history.release("a").await.unwrap();
    assert_eq!(other.claim("a").await.unwrap(), []);
}

#[tokio::test]
async fn two_processes_that_write_at_once_lose_nothing_and_see_no_lock() {
    let home = Home::new();
    let start = |seed| {
        let mut command = child::command("fill", seed, &home.file());
        command
            .env("HISTORY_SPAN", "2000")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(1_000_000), start(2_000_000)];
    let mut told = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        told += String::from_utf8(output.stdout).unwrap().matches("done finish").count();
    }
    let history = open(&home.file()).await;
    let all = Listing {
        limit: 1_000_000,
        ..Listing::default()
    };
    let chats = history.list(all).await.unwrap();
    assert_eq!(chats.len(), told);
    assert!(told > 2);
    for chat in chats {
        let answer = history.load(&chat.info.id, 2).await.unwrap().messages.remove(0);
        assert_eq!(answer.state, State::Whole);
    }
}
