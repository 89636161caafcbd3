//! Files that are damaged, newer, locked, full or not ours to write: each has its own error, and nothing is lost of them.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use gpt_nvim::history::{History, HistoryError, Limits, Listing, PartKind, schema};

use crate::support::{Home, at, end, exchange, info, raw, turn};

const QUICK: Limits = Limits {
    busy: Duration::from_millis(50),
    pages: None,
    steps: schema::STEPS,
};

async fn chats(history: &History) -> usize {
    let all = Listing {
        limit: 1_000,
        ..Listing::default()
    };
    history.list(all).await.unwrap().len()
}

/// A history of some hundred kilobytes, all of it in the file itself.
async fn filled(home: &Home) -> History {
    let history = home.open().await;
    for number in 0..60 {
        exchange(
            &history,
            &info(&number.to_string()),
            "q",
            &"some words ".repeat(700),
            3_000,
        )
        .await;
    }
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    raw(&home.file()).query_row(checkpoint, [], |_| Ok(())).unwrap();
    history
}

fn overwrite(file: &Path, from: u64, length: usize) {
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&vec![0xa5; length]).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_put_aside_as_it_is_and_a_new_one_begun() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    let garbage = "this is no database. ".repeat(500);
    fs::write(home.file(), &garbage).unwrap();
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    let aside = opened.set_aside.unwrap();
    assert_eq!(aside.chats, 0);
    let aside = aside.file;
    assert_eq!(fs::read_to_string(&aside).unwrap(), garbage);
    let name = aside.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("history.db.corrupt-2"), "{name}");
    exchange(&opened.history, &info("a"), "q", "a", 3_000).await;
    assert_eq!(chats(&opened.history).await, 1);
}

#[tokio::test]
async fn a_file_that_was_cut_is_put_aside() {
    let home = Home::new();
    filled(&home).await.close().await.unwrap();
    let length = fs::metadata(home.file()).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(home.file())
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    let aside = opened.set_aside.unwrap();
    assert_eq!(fs::metadata(aside.file).unwrap().len(), length / 2);
    assert_eq!(chats(&opened.history).await as u64, aside.chats);
}

#[tokio::test]
async fn an_empty_file_is_a_new_history() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    fs::write(home.file(), "").unwrap();
    let opened = History::open(&home.file(), Limits::default()).await.unwrap();
    assert_eq!(opened.set_aside, None);
}

#[tokio::test]
async fn damage_that_shows_later_puts_the_file_aside_once_for_all_who_have_it_open() {
    let home = Home::new();
    let history = filled(&home).await;
    let other = home.open().await;
    other.claim("0").await.unwrap();
    let length = fs::metadata(home.file()).unwrap().len();
    overwrite(&home.file(), 4096 * 12, usize::try_from(length).unwrap() - 4096 * 12);
    let replaced = history.replaced();
    for number in 0..60 {
        home_load(&history, number).await.ok();
    }
    let aside = replaced.borrow().clone().expect("the damage was met");
    assert_eq!(fs::metadata(aside.file).unwrap().len(), length);
    let rescued = chats(&history).await;
    assert_eq!(rescued as u64, aside.chats);
    for writer in [&history, &other] {
        let chat = info(if std::ptr::eq(writer, &history) { "new" } else { "newer" });
        exchange(writer, &chat, "q", "a", 3_000).await;
    }
    assert_eq!((chats(&history).await, chats(&other).await), (rescued + 2, rescued + 2));
    let aside = home
        .files("corrupt")
        .into_iter()
        .filter(|path| !path.to_string_lossy().contains("-wal"));
    assert_eq!(aside.filter(|path| !path.to_string_lossy().contains("-shm")).count(), 1);
}

async fn home_load(history: &History, number: u32) -> Result<(), HistoryError> {
    history.load(&number.to_string(), 0).await.map(drop)
}

#[tokio::test]
async fn a_whole_check_finds_what_no_read_has_met() {
    let home = Home::new();
    let history = filled(&home).await;
    assert_eq!(history.check().await, Ok(()));
    let length = fs::metadata(home.file()).unwrap().len();
    overwrite(&home.file(), length - 4096 * 20, 4096 * 10);
    let fresh = History::open(&home.file(), Limits::default()).await.unwrap();
    if fresh.set_aside.is_none() {
        let checked = fresh.history.check().await;
        assert!(
            matches!(checked, Err(HistoryError::Corrupt { set_aside: Some(_), .. })),
            "{checked:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_was_deleted_is_begun_anew_and_nothing_goes_into_the_deleted_one() {
    let home = Home::new();
    let history = home.open().await;
    exchange(&history, &info("a"), "q", "a", 3_000).await;
    for file in home.files("history.db") {
        fs::remove_file(file).unwrap();
    }
    exchange(&history, &info("b"), "q", "a", 3_000).await;
    assert!(home.file().exists());
    assert_eq!(chats(&history).await, 1);
}

#[tokio::test]
async fn a_newer_file_is_refused_and_not_a_byte_of_it_changes() {
    let home = Home::new();
    filled(&home).await.close().await.unwrap();
    let known = u32::try_from(schema::STEPS.len()).unwrap();
    let connection = raw(&home.file());
    connection.pragma_update(None, "user_version", known + 1).unwrap();
    drop(connection);
    let before = fs::read(home.file()).unwrap();
    let refused = History::open(&home.file(), Limits::default()).await.unwrap_err();
    assert_eq!(
        refused,
        HistoryError::Newer {
            found: known + 1,
            known
        }
    );
    assert_eq!(fs::read(home.file()).unwrap(), before);
    assert_eq!(home.files("corrupt").len(), 0);
}

#[tokio::test]
async fn a_lock_that_lasts_is_told_and_what_was_said_meanwhile_is_kept() {
    let home = Home::new();
    let history = History::open(&home.file(), QUICK).await.unwrap().history;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    let trouble = history.trouble();
    let other = raw(&home.file());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    history.append(&at("a", 2), PartKind::Text, "one ");
    assert_eq!(history.flush(&at("a", 2)).await, Err(HistoryError::Locked));
    assert_eq!(*trouble.borrow(), Some(HistoryError::Locked));
    history.append(&at("a", 2), PartKind::Text, "two");
    assert_eq!(history.finish(&at("a", 2), end(3_000)).await, Err(HistoryError::Locked));
    assert_eq!(
        history.load("a", 2).await.unwrap().messages[0].text(),
        "",
        "reading goes on"
    );
    other.execute_batch("COMMIT").unwrap();
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
    assert_eq!(history.load("a", 2).await.unwrap().messages[0].text(), "one two");
    assert_eq!(*trouble.borrow(), None);
}

#[tokio::test]
async fn a_lock_at_the_start_is_told() {
    let home = Home::new();
    home.open().await.close().await.unwrap();
    fs::remove_file(home.file()).unwrap();
    let other = raw(&home.file());
    other.execute_batch("CREATE TABLE x(y); BEGIN EXCLUSIVE").unwrap();
    let refused = History::open(&home.file(), QUICK).await.unwrap_err();
    assert_eq!(refused, HistoryError::Locked);
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_answer_is_written_once_there_is_room() {
    let home = Home::new();
    let limits = Limits {
        pages: Some(250),
        ..Limits::default()
    };
    let history = History::open(&home.file(), limits).await.unwrap().history;
    exchange(&history, &info("old"), "q", &"old words ".repeat(40_000), 3_000).await;
    history.save_turn(turn(&info("a"), 1, None, "q")).await.unwrap();
    let text = "new words ".repeat(40_000);
    history.append(&at("a", 2), PartKind::Text, &text);
    assert_eq!(history.flush(&at("a", 2)).await, Err(HistoryError::Full));
    assert_eq!(chats(&history).await, 2, "what was there is there");
    history.delete("old").await.unwrap();
    history.finish(&at("a", 2), end(3_000)).await.unwrap();
    assert_eq!(history.load("a", 2).await.unwrap().messages[0].text(), text);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told() {
    let home = Home::new();
    fs::write(home.folder(), "a file").unwrap();
    let refused = History::open(&home.file(), Limits::default()).await.unwrap_err();
    assert!(matches!(refused, HistoryError::Unreachable { .. }), "{refused:?}");
}

/// Root may write anything, so a child of no rights tries.
#[cfg(unix)]
#[tokio::test]
async fn a_file_or_folder_that_may_not_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let home = Home::new();
    filled(&home).await.close().await.unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let try_it = || {
        let mut command = crate::child::command("open", 0, &home.file());
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    mode(home.folder().parent().unwrap(), 0o755);
    mode(&home.folder(), 0o777);
    home.files("").iter().for_each(|file| mode(file, 0o777));
    for file in home.files("history.db") {
        mode(&file, 0o444);
    }
    assert!(try_it().contains("opened Some(ReadOnly"), "{}", try_it());
    home.files("history.db").iter().for_each(|file| mode(file, 0o666));
    fs::remove_file(home.folder().join("history.lock")).unwrap();
    mode(&home.folder(), 0o555);
    assert!(try_it().contains("opened Some(ReadOnly"), "{}", try_it());
    mode(&home.folder(), 0o777);
}
