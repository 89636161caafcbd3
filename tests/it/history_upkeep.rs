//! What a starting program does with the history: it brings a file of an earlier version up, forgets what is too old or
//! too much, and dies at random moments of that. `HISTORY_LONG=1`: as often as in the tests of deaths of chats.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gpt_nvim::history::{Chat, History, Limits, now, schema};

use crate::common::*;
use crate::history::*;
use crate::history_crash::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::Server;
use crate::support::wait;

const DAY: i64 = 86_400_000;
/// How many chats a history has here, and how many of them are old.
const CHATS: u64 = 60;
const OLD: u64 = 40;
/// Makes the program one of a later version, whose file has seen more steps.
const LATER: &str = "GPT_NVIM_TEST_LATER";

fn later() -> Limits {
    Limits {
        steps: schema::LATER,
        ..Limits::default()
    }
}

/// A chat of this number. The first ones are old.
fn aged(number: u64) -> Chat {
    let days = if number < OLD { 40 } else { 1 };
    Chat {
        updated: now() - days * DAY,
        ..chat(number)
    }
}

/// A history with its chats, closed.
async fn made(file: &Path) {
    let history = History::open(file, Limits::default()).await.unwrap().history;
    for number in 0..CHATS {
        assert!(history.import(aged(number)).await.unwrap());
    }
    history.close().await.unwrap();
}

/// A home with a copy of a history.
fn home_of(file: &Path) -> Home {
    let home = Home::new();
    fs::create_dir_all(database(&home).parent().unwrap()).unwrap();
    fs::copy(file, database(&home)).unwrap();
    home
}

/// Each chat that is left is whole.
async fn verify_whole(history: &History, context: &str) -> Vec<u64> {
    let mut left = Vec::new();
    for kept in stored(history).await.into_values() {
        let number = kept.info.id.strip_prefix('c').unwrap().parse().unwrap();
        assert_eq!(kept.messages, chat(number).messages, "{context}");
        left.push(number);
    }
    left.sort_unstable();
    left
}

/// Starts an editor, and kills at a random moment after its program has begun.
async fn die(builder: Builder, home: &Home, number: u64, chance: &mut Chance, within: Duration) -> Victim {
    let nvim = builder.home(home).start().await;
    nvim.feed(":GPTChat<CR>").await;
    wait::until("the program has begun", || !nvim.children().is_empty()).await;
    let victim = VICTIMS[usize::try_from(number % 3).unwrap()];
    // Not for luck: the moment of the death is what is varied here.
    let micros = u64::try_from(within.as_micros()).unwrap();
    tokio::time::sleep(Duration::from_micros(chance.below(micros))).await;
    for program in nvim.children() {
        kill(victim, &nvim, program).await;
    }
    nvim.quit().await;
    gone(&nvim).await;
    victim
}

/// How many of its steps a file has seen, and how many have left their mark.
fn steps_of(file: &Path) -> (u32, u32) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let version = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let count = "SELECT count(*) FROM steps";
    (version, connection.query_row(count, [], |row| row.get(0)).unwrap_or(0))
}

fn nothing_was_put_aside(home: &Home, context: &str) {
    let entries = fs::read_dir(database(home).parent().unwrap()).unwrap().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    let aside = names.iter().find(|name| name.to_string_lossy().contains("corrupt"));
    assert_eq!(aside, None, "{context}");
}

#[tokio::test]
async fn a_program_that_dies_while_it_brings_an_older_history_up_loses_nothing_and_the_next_one_goes_on() {
    let mut chance = Chance::of_run();
    let template = Home::new();
    fs::create_dir_all(database(&template).parent().unwrap()).unwrap();
    made(&database(&template)).await;
    let (mut reached, mut home) = (Vec::new(), home_of(&database(&template)));
    for number in 0..(kills() / 4).max(3) {
        let server = Server::start(Vec::new()).await;
        let builder = configured(&server, "").env(LATER, "1");
        let victim = die(builder, &home, number, &mut chance, Duration::from_millis(90)).await;
        let context = format!("round {number}, {victim:?}");
        let (version, steps) = steps_of(&database(&home));
        assert_eq!(version, 1 + steps, "{context}: a step is taken wholly or not at all");
        is_sound(&database(&home), &context);
        nothing_was_put_aside(&home, &context);
        reached.push(version);
        let opened = History::open(&database(&home), later()).await.unwrap();
        assert_eq!(opened.set_aside, None, "{context}");
        let all: Vec<u64> = (0..CHATS).collect();
        assert_eq!(verify_whole(&opened.history, &context).await, all, "{context}");
        opened.history.close().await.unwrap();
        home = home_of(&database(&template));
    }
    println!("died at the versions {reached:?} of {}", schema::LATER.len());
    shows(&home).await;
}

/// An editor that is left alone brings the file up, and shows a chat of it.
async fn shows(home: &Home) {
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "").env(LATER, "1").home(home).start().await;
    nvim.command("edit gpt://chat/c7").await;
    chat_holds(&nvim, "text 7 text 7").await;
    let all = u32::try_from(schema::LATER.len()).unwrap();
    assert_eq!(steps_of(&database(home)), (all, all - 1));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_program_that_dies_at_its_first_start_leaves_a_file_that_the_next_one_uses() {
    let mut chance = Chance::of_run();
    for number in 0..(kills() / 8).max(2) {
        let (home, server) = (Home::new(), Server::start([answer("a1")]).await);
        let within = Duration::from_millis(80);
        let victim = die(configured(&server, ""), &home, number, &mut chance, within).await;
        let context = format!("round {number}, {victim:?}");
        let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
        exchanges(&nvim, &["q1"]).await;
        assert_eq!(told(&nvim).await, Vec::<String>::new(), "{context}");
        nvim.quit().await;
        gone(&nvim).await;
        nothing_was_put_aside(&home, &context);
        is_sound(&database(&home), &context);
        assert_eq!(stored(&reopened(&home).await).await.len(), 1, "{context}");
    }
}

/// What is deleted is given back to the system in steps (`incremental_vacuum`), after which the index is tidied.
#[tokio::test]
async fn a_program_that_dies_while_it_forgets_old_chats_leaves_the_new_ones_and_a_sound_file() {
    let mut chance = Chance::of_run();
    let template = Home::new();
    fs::create_dir_all(database(&template).parent().unwrap()).unwrap();
    made(&database(&template)).await;
    let mut counts = Vec::new();
    for number in 0..(kills() / 4).max(3) {
        let (home, server) = (home_of(&database(&template)), Server::start(Vec::new()).await);
        let builder = configured(&server, "history = { days = 30 }");
        let victim = die(builder, &home, number, &mut chance, Duration::from_millis(90)).await;
        let context = format!("round {number}, {victim:?}");
        is_sound(&database(&home), &context);
        nothing_was_put_aside(&home, &context);
        let left = verify_whole(&reopened(&home).await, &context).await;
        let new: Vec<u64> = (OLD..CHATS).collect();
        assert!(left.ends_with(&new), "{context}: {left:?}");
        counts.push(left.len());
    }
    println!("{counts:?} of {CHATS} chats were left");
}

/// The numbers of the chats that are left once the program has forgotten what it should.
async fn left_once(home: &Home, are_left: impl Fn(&[u64]) -> bool) -> Vec<u64> {
    let history = reopened(home).await;
    let mut left = Vec::new();
    for _ in 0..400 {
        left = verify_whole(&history, "").await;
        if are_left(&left) {
            return left;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{left:?} are left");
}

/// An editor that shows this chat; the program that is behind it keeps everything.
async fn showing(home: &Home, server: &Server, chat: &str) -> Nvim {
    let nvim = editor(home, server, "").await;
    nvim.command(&format!("edit gpt://chat/{chat}")).await;
    chat_holds(&nvim, "text ").await;
    nvim
}

#[tokio::test]
async fn chats_that_are_older_than_the_days_go_when_an_editor_starts_but_not_one_that_is_open_elsewhere() {
    let (home, server) = (Home::new(), Server::start(Vec::new()).await);
    fs::create_dir_all(database(&home).parent().unwrap()).unwrap();
    made(&database(&home)).await;
    let other = showing(&home, &server, "c3").await;
    let nvim = editor(&home, &server, "history = { days = 30 }").await;
    open(&nvim).await;
    let expected: Vec<u64> = std::iter::once(3).chain(OLD..CHATS).collect();
    left_once(&home, |left| left == expected).await;
    clean(&nvim).await;
    clean(&other).await;
}

#[tokio::test]
async fn the_oldest_chats_go_when_an_editor_starts_until_the_file_is_as_small_as_wanted() {
    let (home, server) = (Home::new(), Server::start(Vec::new()).await);
    let history = reopened(&home).await;
    for number in 0..CHATS {
        let mut large = aged(number);
        large.updated = i64::try_from(number).unwrap();
        large.messages[1].parts[0].content = format!("text {number} ").repeat(5_000);
        history.import(large).await.unwrap();
    }
    assert!(history.size().await.unwrap().used > 2_000_000);
    history.close().await.unwrap();
    let nvim = editor(&home, &server, "history = { megabytes = 1 }").await;
    open(&nvim).await;
    let size = || fs::metadata(database(&home)).unwrap().len();
    wait::until("the file is small", || size() <= 1_000_000).await;
    let left: Vec<String> = stored(&reopened(&home).await).await.into_keys().collect();
    assert!(
        left.contains(&format!("c{}", CHATS - 1)) && !left.contains(&"c0".to_owned()),
        "{left:?}"
    );
    assert!(left.len() > 5, "no more than has to go: {left:?}");
    clean(&nvim).await;
}

#[tokio::test]
async fn without_limits_the_oldest_chat_stays() {
    let (home, server) = (Home::new(), Server::start([answer("a1")]).await);
    assert!(reopened(&home).await.import(chat(1)).await.unwrap());
    let nvim = editor(&home, &server, "").await;
    exchanges(&nvim, &["q1"]).await;
    nvim.quit().await;
    gone(&nvim).await;
    assert!(stored(&reopened(&home).await).await.contains_key("c1"));
}
