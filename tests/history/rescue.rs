//! What comes over from a damaged file into the new one.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use gpt_nvim::history::{History, Limits, Listing, Search};

use crate::support::{Home, exchange, info, raw};

const CHATS: usize = 60;
const PAGE: u64 = 4096;

/// A history whose every chat has a word of its own; closed, and all of it in the file itself.
async fn filled(home: &Home) {
    let history = home.open().await;
    for number in 0..CHATS {
        let answer = format!("word{number} {}", "some more words ".repeat(400));
        exchange(&history, &info(&number.to_string()), "q", &answer, 3_000).await;
    }
    history.close().await.unwrap();
    raw(&home.file())
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

/// Overwrites the pages of a tree: its root, or all of it.
fn spoil(file: &Path, tree: &str, all: bool) {
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let pages: Vec<u64> = match all {
        false => vec![raw(file).query_row(root, [tree], |row| row.get(0)).unwrap()],
        true => leaves(file, tree),
    };
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    for page in pages {
        file.seek(SeekFrom::Start((page - 1) * PAGE)).unwrap();
        file.write_all(&[0xa5; PAGE as usize]).unwrap();
    }
}

/// The leaves of a tree whose root has pages below it (<https://www.sqlite.org/fileformat2.html#b_tree_pages>).
fn leaves(file: &Path, tree: &str) -> Vec<u64> {
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u64 = raw(file).query_row(root, [tree], |row| row.get(0)).unwrap();
    let bytes = fs::read(file).unwrap();
    let page = &bytes[usize::try_from((root - 1) * PAGE).unwrap()..][..PAGE as usize];
    if page[0] == 13 {
        return vec![root]; // a leaf itself
    }
    assert_eq!(page[0], 5, "an interior page of a table");
    let number = |at: usize, length: usize| {
        page[at..at + length]
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let cells = 0..usize::try_from(number(3, 2)).unwrap();
    cells
        .map(|cell| number(usize::try_from(number(12 + 2 * cell, 2)).unwrap(), 4))
        .collect()
}

/// Opens the file, and reads every chat of it; returns how many came over once the damage was met.
async fn opened(home: &Home) -> (History, u64) {
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    let replaced = opened.history.replaced();
    for number in 0..CHATS {
        opened.history.load(&number.to_string(), 0).await.ok();
    }
    let aside = opened.set_aside.or_else(|| replaced.borrow().clone());
    (opened.history, aside.expect("it is put aside").chats)
}

async fn listed(history: &History) -> usize {
    let all = Listing {
        limit: 1_000,
        ..Listing::default()
    };
    history.list(all).await.unwrap().len()
}

async fn finds(history: &History, words: &str) -> usize {
    let wanted = Search {
        words: words.into(),
        project: None,
        limit: 1_000,
    };
    history.search(wanted).await.unwrap().len()
}

fn is_sound(file: &Path) {
    let verdict: String = raw(file)
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn damage_of_an_index_alone_loses_nothing() {
    for index in [
        "chats_by_time",
        "words_data",
        "words_docsize",
        "titles_data",
        "messages_by_parent",
    ] {
        let home = Home::new();
        filled(&home).await;
        spoil(&home.file(), index, false);
        let fresh = History::open(&home.file(), Limits::default()).await.unwrap();
        // Some of them are looked at when the file is opened, the others when they are used.
        let replaced = fresh.history.replaced();
        assert_eq!(listed(&fresh.history).await, CHATS, "{index}");
        assert_eq!(finds(&fresh.history, "word17").await, 1, "{index}");
        exchange(&fresh.history, &info("new"), "q", "a", 4_000).await;
        let aside = fresh.set_aside.or_else(|| replaced.borrow().clone());
        if let Some(aside) = &aside {
            assert_eq!(usize::try_from(aside.chats).unwrap(), CHATS, "{index}");
        }
        assert!(aside.is_some() || index == "messages_by_parent", "{index}");
        assert_eq!(fresh.history.load("3", 0).await.unwrap().messages.len(), 2, "{index}");
        if aside.is_some() {
            is_sound(&home.file());
        }
    }
}

#[tokio::test]
async fn where_the_text_of_a_chat_is_damaged_the_others_come_over() {
    let home = Home::new();
    filled(&home).await;
    let spoilt = leaves(&home.file(), "parts");
    assert!(spoilt.len() > 4);
    let mut file = fs::OpenOptions::new().write(true).open(home.file()).unwrap();
    for page in &spoilt[..2] {
        file.seek(SeekFrom::Start((page - 1) * PAGE)).unwrap();
        file.write_all(&[0xa5; PAGE as usize]).unwrap();
    }
    drop(file);
    let (history, chats) = opened(&home).await;
    assert_eq!(usize::try_from(chats).unwrap(), CHATS, "every chat is listed");
    let found = finds(&history, "word*").await;
    assert!(found > CHATS / 2 && found < CHATS, "{found}");
    is_sound(&home.file());
}

#[tokio::test]
async fn messages_whose_chat_cannot_be_read_are_in_a_chat_of_their_own() {
    let home = Home::new();
    filled(&home).await;
    spoil(&home.file(), "chats", true);
    let (history, chats) = opened(&home).await;
    assert_eq!(usize::try_from(chats).unwrap(), CHATS);
    let rescued = history
        .list(Listing {
            limit: 1_000,
            ..Listing::default()
        })
        .await
        .unwrap();
    let nameless = rescued
        .iter()
        .find(|chat| chat.info.id.starts_with("rescued-"))
        .expect("one of these");
    let chat = history.load(&nameless.info.id, 0).await.unwrap();
    assert!(chat.messages[1].text().starts_with("word"));
    assert_eq!(chat.head, Some(2));
    is_sound(&home.file());
}

/// Overwrites some bytes of the file.
fn overwrite(file: &Path, from: usize, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(from as u64)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Bytes that mean nothing.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

/// That all chats are there, and whole.
async fn has_all(history: &History, context: &str) {
    assert_eq!(listed(history).await, CHATS, "{context}");
    assert_eq!(finds(history, "word*").await, CHATS, "{context}");
    for number in 0..CHATS {
        let chat = history.load(&number.to_string(), 0).await.unwrap();
        assert_eq!(chat.head, Some(2), "{context}");
        let said = chat.messages[1].text();
        assert!(
            said.starts_with(&format!("word{number} some")) && said.len() > 6_000,
            "{context}: {said}"
        );
    }
}

#[tokio::test]
async fn a_damaged_first_page_loses_no_chat() {
    let page = usize::try_from(PAGE).unwrap();
    for (kind, from, bytes) in [
        ("zeroed", 0, vec![0; page]),
        ("noise", 0, noise(page)),
        ("its header zeroed", 0, vec![0; 100]),
        ("its header noise", 0, noise(100)),
        ("its beginning", 0, vec![0; 16]),
        ("behind its header", 100, noise(page - 100)),
        ("behind its header, zeroed", 100, vec![0; page - 100]),
        ("the second page too", 0, vec![0; page * 2]),
        ("text in place of it", 0, b"<html>404</html>".repeat(256)),
    ] {
        let home = Home::new();
        filled(&home).await;
        overwrite(&home.file(), from, &bytes);
        let opened = History::open(&home.file(), Limits::default()).await.unwrap();
        assert_eq!(opened.set_aside.map(|aside| aside.chats), Some(CHATS as u64), "{kind}");
        has_all(&opened.history, kind).await;
        exchange(&opened.history, &info("new"), "q", "a", 4_000).await;
        opened.history.close().await.unwrap();
        is_sound(&home.file());
    }
}

#[tokio::test]
async fn damage_of_any_field_of_the_header_loses_no_chat() {
    let home = Home::new();
    filled(&home).await;
    let whole = fs::read(home.file()).unwrap();
    for from in (0..100).step_by(4) {
        for byte in [0, 0xa5] {
            if from == 60 && byte != 0 {
                continue; // the version: that of a newer file, which is never touched
            }
            let other = Home::new();
            fs::create_dir(other.folder()).unwrap();
            fs::write(other.file(), &whole).unwrap();
            overwrite(&other.file(), from, &[byte; 4]);
            let opened = History::open(&other.file(), Limits::default()).await;
            let history = opened.unwrap_or_else(|error| panic!("{from} {byte}: {error}")).history;
            assert_eq!(listed(&history).await, CHATS, "{from} {byte}");
        }
    }
}

#[tokio::test]
async fn what_was_deleted_does_not_come_back_with_a_damaged_first_page() {
    let home = Home::new();
    filled(&home).await;
    let history = home.open().await;
    for number in 0..CHATS - 10 {
        history.delete(&number.to_string()).await.unwrap();
    }
    history.close().await.unwrap();
    raw(&home.file())
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    overwrite(&home.file(), 0, &[0; PAGE as usize]);
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    assert_eq!(listed(&opened.history).await, 10);
    assert_eq!(finds(&opened.history, "word*").await, 10);
}

#[tokio::test]
async fn what_stands_in_the_log_alone_comes_over_too() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "early words", 3_000).await;
    raw(&home.file())
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    exchange(&history, &info("b"), "q", "late words", 4_000).await;
    // As a process leaves it that dies.
    let died = Home::new();
    fs::create_dir(died.folder()).unwrap();
    fs::copy(home.file(), died.file()).unwrap();
    let log = |home: &Home| home.folder().join("history.db-wal");
    fs::copy(log(&home), log(&died)).unwrap();
    overwrite(&died.file(), 0, &[0; PAGE as usize]);
    let opened = History::open(&died.file(), Limits::default()).await.unwrap();
    assert_eq!(listed(&opened.history).await, 2);
    assert_eq!(finds(&opened.history, "late").await, 1);
}
