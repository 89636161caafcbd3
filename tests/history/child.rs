//! A process of its own, for tests that need one to die or to compete: this test binary again, told by its environment
//! what to do. It says on its standard output what it is about to do and what is done.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use gpt_nvim::history::{History, MessageRef, PartKind, Retention, migrate};

use crate::support::{at, end, info, open, raw, turn};

/// Numbers that look random and come again with the same seed (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// Starts this binary as a child that does `work` on the file.
pub fn start(work: &str, seed: u64, file: &Path) -> Running {
    let mut command = command(work, seed, file);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    Running { child, said }
}

pub fn command(work: &str, seed: u64, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child::works_for_another_test", "--exact", "--ignored", "--nocapture"]);
    command
        .env("HISTORY_WORK", work)
        .env("HISTORY_SEED", seed.to_string())
        .env("HISTORY_FILE", file);
    command
}

pub struct Running {
    pub child: Child,
    said: BufReader<ChildStdout>,
}

impl Running {
    /// Reads what the child says, up to and with a line that begins with `word`.
    pub fn wait_for(&mut self, word: &str) -> String {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.starts_with(word) {
                return line.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("the child ended before it said {word:?}");
    }

    /// Kills the child as the kernel kills; returns what it has said since.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.rest()
    }

    /// Waits for the child's end; returns what it has said since.
    pub fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        self.said.read_to_end(&mut rest).unwrap();
        self.child.wait().unwrap();
        let rest = String::from_utf8(rest).unwrap();
        let whole = rest.rfind('\n').map_or("", |end| &rest[..end]);
        whole.lines().map(str::to_owned).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
#[ignore = "no test: what other tests start as a child"]
async fn works_for_another_test() {
    let Ok(work) = std::env::var("HISTORY_WORK") else {
        return;
    };
    let seed = std::env::var("HISTORY_SEED").unwrap().parse().unwrap();
    let file = PathBuf::from(std::env::var("HISTORY_FILE").unwrap());
    println!("\nstarted");
    match work.as_str() {
        "chat" => chat(&file, seed).await,
        "migrate" => step_by_step(&file),
        "hold" => hold(&file).await,
        "fill" => fill(&file, seed).await,
        "open" => {
            let opened = History::open(&file, gpt_nvim::history::Limits::default()).await;
            println!("opened {:?}", opened.err());
        }
        other => panic!("unknown work {other}"),
    }
}

/// Streams, edits, renames, deletes and vacuums until it is killed.
async fn chat(file: &Path, seed: u64) {
    let history = open(file).await;
    let mut chance = Chance(seed);
    println!("ready");
    for number in 0.. {
        let chat = format!("{seed:x}-{number}");
        exchange(&history, &chat, 1, None, &mut chance).await;
        exchange(&history, &chat, 3, Some(2), &mut chance).await;
        exchange(&history, &chat, 5, Some(2), &mut chance).await;
        match chance.below(4) {
            0 => {
                println!("try rename {chat}");
                history.rename(&chat, "renamed").await.unwrap();
                println!("done rename {chat}");
            }
            1 => {
                println!("try delete {chat}");
                history.delete(&chat).await.unwrap();
                println!("done delete {chat}");
            }
            2 => history.compact().await.unwrap(),
            _ => drop(history.tidy(Retention::default()).await.unwrap()),
        }
    }
}

async fn exchange(history: &History, chat: &str, id: u64, parent: Option<u64>, chance: &mut Chance) {
    let saved = history
        .save_turn(turn(&info(chat), id, parent, &format!("question {chat} {id}")))
        .await
        .unwrap();
    assert_eq!(saved.ids, [id, id + 1]);
    println!("done turn {chat} {id}");
    let answer = at(chat, id + 1);
    let pieces = stream(history, &answer, chance).await;
    history.finish(&answer, end(3_000)).await.unwrap();
    println!("done finish {chat} {} {pieces}", id + 1);
}

async fn stream(history: &History, answer: &MessageRef, chance: &mut Chance) -> u64 {
    let pieces = chance.below(12) + 1;
    for piece in 0..pieces {
        history.append(answer, PartKind::Text, &text_of(answer, piece));
        if chance.below(3) > 0 {
            history.flush(answer).await.unwrap();
            println!("done piece {} {} {}", answer.chat, answer.id, piece + 1);
        }
    }
    pieces
}

/// A piece of an answer: which one it is can be read from it.
pub fn text_of(answer: &MessageRef, piece: u64) -> String {
    format!(
        "{} {} {piece} {}\n",
        answer.chat,
        answer.id,
        "ção ".repeat(usize::try_from(piece * 7 % 50).unwrap())
    )
}

/// How many rows each step of the migration adds.
pub const ROWS: u64 = 500;

fn steps() -> Vec<String> {
    let rows = format!("WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT {ROWS})");
    let step = format!("CREATE TABLE IF NOT EXISTS steps(x); INSERT INTO steps {rows} SELECT x FROM r");
    vec![step; 400]
}

fn step_by_step(file: &Path) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut connection = raw(file);
    connection
        .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
        .unwrap();
    println!("ready");
    let steps = steps();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    for known in 1..=steps.len() {
        if migrate::apply(&mut connection, &steps[..known]).is_ok() {
            println!("done step {known}");
        }
    }
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Begins an answer and leaves it open, as long as there is somebody at the other end.
async fn hold(file: &Path) {
    let history = open(file).await;
    history.save_turn(turn(&info("held"), 1, None, "q")).await.unwrap();
    history.append(&at("held", 2), PartKind::Text, "half");
    history.flush(&at("held", 2)).await.unwrap();
    println!("ready {}", std::process::id());
    for line in std::io::stdin().lines() {
        history.append(&at("held", 2), PartKind::Text, &line.unwrap());
        history.flush(&at("held", 2)).await.unwrap();
    }
}

/// Writes turns as fast as it can for as long as it is told to, in milliseconds.
async fn fill(file: &Path, seed: u64) {
    let history = open(file).await;
    println!("ready");
    let span = std::env::var("HISTORY_SPAN").unwrap().parse().unwrap();
    let start = Instant::now();
    let mut chats = 0;
    while start.elapsed() < Duration::from_millis(span) {
        let chat = format!("{seed}-{chats}");
        exchange(&history, &chat, 1, None, &mut Chance(seed + chats)).await;
        chats += 1;
    }
    history.close().await.unwrap();
}
