//! A history that cannot be used: what is said of it, that the chat works on, and that all of it is kept once the fault
//! is gone.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gpt_nvim::history::{Chat, History, Limits, State};

use crate::common::*;
use crate::history::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Script, Server};

/// The id of the newest chat.
async fn id(nvim: &Nvim) -> String {
    let name = name(nvim).await;
    name.trim_start_matches("gpt://chat/").to_owned()
}

async fn kept(home: &Home, id: &str) -> Chat {
    let opened = History::open(&database(home), Limits::default()).await.unwrap();
    opened.history.load(id, 0).await.unwrap()
}

fn texts(chat: &Chat) -> Vec<String> {
    let head = chat.branch(chat.head);
    head.iter()
        .map(|message| message.text().trim_end().to_owned())
        .collect()
}

/// A history with a chat in it, closed.
async fn made(home: &Home) {
    let server = Server::start([answer("an old answer")]).await;
    let nvim = editor(home, &server, "").await;
    exchanges(&nvim, &["an old question"]).await;
    nvim.quit().await;
    gone(&nvim).await;
}

/// The program by way of a shell script, which says what has to be so before.
fn by_script(builder: Builder, home: &Home, script: &str) -> Builder {
    let path = home.path().join("program.sh");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    builder.binary(path)
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_gpt-nvim");

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets somebody without rights work in a home: all but the history's folder is anybody's.
fn open_to_all(folder: &Path) {
    fs::create_dir_all(folder.join("state/nvim")).ok();
    open_all(folder);
}

fn open_all(folder: &Path) {
    set_mode(folder, 0o777);
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => open_all(&entry.path()),
            kind if kind.is_file() && entry.path().extension().is_none_or(|end| end != "sh") => {
                set_mode(&entry.path(), 0o666);
            }
            _ => {}
        }
    }
}

/// Root may write anything, so the program is somebody's who may not.
fn powerless(builder: Builder, home: &Home) -> Builder {
    match rustix::process::geteuid().is_root() {
        true => {
            let script = format!("exec setpriv --reuid 65534 --regid 65534 --clear-groups -- '{PROGRAM}'");
            by_script(builder, home, &script)
        }
        false => builder,
    }
}

/// Asks `n` questions in a new chat, the first of them `q1`, each answered by `a1` and so on.
async fn talk(nvim: &Nvim, from: usize, to: usize) {
    for number in from..=to {
        nvim.feed("<Esc>GA").await;
        nvim.wait_lua("return vim.fn.mode() == 'i'").await;
        say(nvim, &format!("q{number}")).await;
        ended(nvim, number).await;
    }
    normal_mode(nvim).await;
}

fn answers(count: usize) -> Script {
    let answers: Vec<_> = (1..=count).map(|number| answer(&format!("a{number}"))).collect();
    answers.into()
}

/// What is said of a fault in two turns, once; then `mend`, and after a third turn all of it is kept.
async fn told_then_kept(home: &Home, builder: Builder, mend: impl FnOnce()) -> String {
    let nvim = builder.home(home).init(TOLD).start().await;
    open(&nvim).await;
    talk(&nvim, 1, 2).await;
    nvim.wait_lua("return #told > 0").await;
    let said = told(&nvim).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("Chats go on, but are not kept until then."),
        "{said:?}"
    );
    mend();
    talk(&nvim, 3, 3).await;
    was_told(&nvim, "The history works again").await;
    clean(&nvim).await;
    let id = id(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    assert_eq!(texts(&kept(home, &id).await), ["q1", "a1", "q2", "a2", "q3", "a3"]);
    said.concat()
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_told_and_used_once_it_may() {
    let (home, server) = (Home::new(), Server::start(answers(3)).await);
    made(&home).await;
    open_to_all(home.path());
    let file = database(&home);
    set_mode(&file, 0o444);
    let before = fs::read(&file).unwrap();
    let mend = || {
        assert_eq!(fs::read(&file).unwrap(), before, "it is left as it is");
        set_mode(&file, 0o666);
    };
    let said = told_then_kept(&home, powerless(configured(&server, ""), &home), mend).await;
    let folder = file.parent().unwrap().display().to_string();
    assert!(said.contains("The history is read-only: make it writable."), "{said}");
    assert!(said.contains(&format!("It is in {folder}: that folder")), "{said}");
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_told_and_used_once_it_may() {
    let (home, server) = (Home::new(), Server::start(answers(3)).await);
    let folder = database(&home).parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    open_to_all(home.path());
    set_mode(&folder, 0o555);
    let mend = || set_mode(&folder, 0o777);
    let said = told_then_kept(&home, powerless(configured(&server, ""), &home), mend).await;
    assert!(said.contains("The history is read-only: make it writable."), "{said}");
}

#[tokio::test]
async fn what_stands_in_the_files_place_is_told_and_once_it_is_gone_chats_are_kept() {
    let (home, server) = (Home::new(), Server::start(answers(3)).await);
    fs::create_dir_all(database(&home)).unwrap();
    let mend = || fs::remove_dir(database(&home)).unwrap();
    let said = told_then_kept(&home, configured(&server, ""), mend).await;
    assert!(said.contains("The history cannot be opened: look at it."), "{said}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone_and_once_it_is_moved_away_chats_are_kept() {
    let (home, server) = (Home::new(), Server::start(answers(3)).await);
    made(&home).await;
    let file = database(&home);
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 4711).unwrap();
    drop(connection);
    let before = fs::read(&file).unwrap();
    let elsewhere = home.path().join("elsewhere.db");
    let mend = || fs::rename(&file, &elsewhere).unwrap();
    let said = told_then_kept(&home, configured(&server, ""), mend).await;
    assert!(said.contains("Update gpt.nvim: its history is newer."), "{said}");
    assert!(said.contains(&format!("Or move {} away", file.display())), "{said}");
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
}

#[tokio::test]
async fn a_lock_that_lasts_is_told_and_once_it_is_gone_all_is_kept() {
    let (home, server) = (Home::new(), Server::start(answers(2)).await);
    made(&home).await;
    let other = rusqlite::Connection::open(database(&home)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    open(&nvim).await;
    talk(&nvim, 1, 1).await;
    was_told(&nvim, "End the program that locks the history.").await;
    let said = told(&nvim).await.concat();
    assert!(
        said.contains(&format!("It has {} open.", database(&home).display())),
        "{said}"
    );
    other.execute_batch("ROLLBACK").unwrap();
    talk(&nvim, 2, 2).await;
    let id = id(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    assert_eq!(texts(&kept(&home, &id).await), ["q1", "a1", "q2", "a2"]);
}

#[tokio::test]
async fn what_a_lock_kept_out_is_written_when_neovim_is_quit_after_it() {
    let (home, server) = (Home::new(), Server::start(answers(1)).await);
    made(&home).await;
    let other = rusqlite::Connection::open(database(&home)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    open(&nvim).await;
    talk(&nvim, 1, 1).await;
    was_told(&nvim, "End the program that locks the history.").await;
    let id = id(&nvim).await;
    other.execute_batch("ROLLBACK").unwrap();
    nvim.quit().await;
    gone(&nvim).await;
    let kept = kept(&home, &id).await;
    assert_eq!(texts(&kept), ["q1", "a1"]);
    let states: Vec<State> = kept.messages.iter().map(|message| message.state).collect();
    assert_eq!(states, [State::Whole, State::Whole], "its answer was whole");
}

/// A disk of its own for the history, of `size`; it grows once the second path is there. `None`: the system forbids it.
fn small_disk(builder: Builder, home: &Home, size: &str) -> Option<(Builder, PathBuf)> {
    let mut trial = std::process::Command::new("unshare");
    trial.args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]);
    let may = trial.output().is_ok_and(|output| output.status.success());
    if !may {
        println!("skipped: nobody may mount here");
        return None;
    }
    let folder = database(home).parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    let (folder, room) = (folder.display(), home.path().join("room"));
    let script = format!(
        "exec unshare -rm sh -c 'mount -t tmpfs -o size={size} none \"{folder}\"
        ( while [ ! -e \"{0}\" ]; do sleep 0.05; done
          mount -o remount,size=20m \"{folder}\" && touch \"{0}.there\" ) </dev/null >/dev/null 2>&1 &
        exec \"{PROGRAM}\"'",
        room.display()
    );
    Some((by_script(builder, home, &script), room))
}

async fn make_room(room: &Path) {
    fs::write(room, "").unwrap();
    let there = room.with_extension("there");
    crate::support::wait::until("the disk has grown", || there.exists()).await;
}

/// What the history has of the chat that is shown: its disk is nobody else's to see.
async fn exported(nvim: &Nvim, home: &Home) -> Vec<String> {
    nvim.feed(":GPT export kept.json<CR>").await;
    was_told(nvim, "Written to").await;
    let json = fs::read(home.path().join("home/kept.json")).unwrap();
    texts(&serde_json::from_slice(&json).unwrap())
}

#[tokio::test]
async fn a_full_disk_at_the_start_is_told_and_once_there_is_room_all_is_kept() {
    let (home, server) = (Home::new(), Server::start(answers(3)).await);
    let Some((builder, room)) = small_disk(configured(&server, ""), &home, "16k") else {
        return;
    };
    let nvim = builder.home(&home).init(TOLD).start().await;
    open(&nvim).await;
    talk(&nvim, 1, 2).await;
    was_told(&nvim, "The disk is full: make room for the history.").await;
    assert_eq!(told(&nvim).await.len(), 1);
    make_room(&room).await;
    talk(&nvim, 3, 3).await;
    was_told(&nvim, "The history works again").await;
    assert_eq!(exported(&nvim, &home).await, ["q1", "a1", "q2", "a2", "q3", "a3"]);
}

#[tokio::test]
async fn a_disk_that_fills_during_an_answer_is_told_once_and_nothing_of_it_is_lost() {
    let long = "x".repeat(60_000);
    let tokens: Vec<String> = (0..15).map(|number| format!("{number} {long}\n")).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let long = crate::support::answer::Answer::chat_tokens(&tokens);
    let (home, server) = (Home::new(), Server::start([answer("a1"), long, answer("a3")]).await);
    let Some((builder, room)) = small_disk(configured(&server, ""), &home, "600k") else {
        return;
    };
    let nvim = builder.home(&home).init(TOLD).start().await;
    open(&nvim).await;
    talk(&nvim, 1, 2).await;
    was_told(&nvim, "The disk is full: make room for the history.").await;
    assert_eq!(told(&nvim).await.len(), 1);
    make_room(&room).await;
    talk(&nvim, 3, 3).await;
    let kept = exported(&nvim, &home).await;
    assert_eq!(kept[2..4], ["q2", tokens.concat().trim_end()]);
    assert_eq!(kept[4..], ["q3", "a3"]);
}

#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_used_is_put_aside_and_the_chat_goes_on_in_a_new_one() {
    let (home, server) = (Home::new(), Server::start(answers(2)).await);
    let nvim = configured(&server, "").home(&home).init(TOLD).start().await;
    nvim.lua(&choosing(&[]), &[]).await;
    open(&nvim).await;
    talk(&nvim, 1, 1).await;
    let file = database(&home);
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    drop(connection);
    let length = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
    let damage = vec![0xa5; length - 4096];
    std::os::unix::fs::FileExt::write_all_at(&fs::File::options().write(true).open(&file).unwrap(), &damage, 4096)
        .unwrap();
    nvim.feed(":GPT history a1<CR>").await;
    was_told(&nvim, "The history was damaged; a new one has been begun.").await;
    talk(&nvim, 2, 2).await;
    let id = id(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    assert_eq!(texts(&kept(&home, &id).await), ["q1", "a1", "q2", "a2"]);
    let names = fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    let aside = names.map(|entry| entry.path()).find(|path| {
        path.display().to_string().contains("corrupt-20")
            && !path.display().to_string().ends_with("-wal")
            && !path.display().to_string().ends_with("-shm")
    });
    let aside = aside.expect("the damaged file is kept");
    assert!(fs::read(aside).unwrap().ends_with(&[0xa5; 4096]));
}
