//! The limits that the history promises, on 10,000 chats of 20 messages: `cargo bench --bench history`.
//!
//! `BENCH_CHATS` takes another number of chats, `BENCH_SECONDS` another length of the contest of two writers (60). The
//! exit status is 1 when a limit is missed. Other work on the machine shows: run it on an idle one.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

use std::future::Future;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use gpt_nvim::history::{
    Chat, ChatInfo, End, FILE_NAME, History, Limits, Listing, Message, MessageRef, PartKind, Role, Search, State,
    Totals, Turn, now,
};

/// How often each question is asked; the median counts.
const ROUNDS: usize = 15;
/// How often a stream is measured, with the journal and without.
const ROUNDS_OF_STREAM: u32 = 3;
const MESSAGES: u64 = 20;
const PROJECTS: u64 = 12;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    if let Ok(file) = std::env::var("BENCH_WRITER") {
        return contend(Path::new(&file)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    let history = open(&file).await;
    let chats = number("BENCH_CHATS", 10_000);
    fill(&history, chats).await;
    let mut report = Report(true);
    let size = history.size().await.unwrap();
    println!(
        "{chats} chats of {MESSAGES} messages, {} MB",
        (size.used + size.free) >> 20
    );
    history.close().await.unwrap();
    measure_reads(&mut report, &file).await;
    measure_stream(&mut report, &file).await;
    measure_contest(&mut report, &file).await;
    if report.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |number| number.parse().unwrap())
}

async fn open(file: &Path) -> History {
    History::open(file, Limits::default()).await.unwrap().history
}

/// Whether all limits were kept.
struct Report(bool);

impl Report {
    fn add(&mut self, name: &str, value: f64, limit: f64, unit: &str) {
        let verdict = if value <= limit { "ok" } else { "MISSED" };
        self.0 &= value <= limit;
        println!("{name:<44} {value:>9.2} {unit:<4} limit {limit:>6} {unit:<4} {verdict}");
    }
}

async fn measure_reads(report: &mut Report, file: &Path) {
    let median = time(|| async { drop(open(file).await) }).await;
    report.add("open", median, 10.0, "ms");
    let history = &open(file).await;
    let project = Some("/home/me/project3".to_owned());
    for (name, offset) in [("list, first page", 0), ("list, page 20", 1_000)] {
        let wanted = Listing {
            project: project.clone(),
            offset,
            limit: 50,
        };
        let median = time(|| async { drop(history.list(wanted.clone()).await.unwrap()) }).await;
        report.add(name, median, 15.0, "ms");
    }
    for (name, words) in [
        ("search, a long common word", "function"),
        ("search, a long common beginning", "funct"),
        ("search, two long common words", "functions function"),
        ("search, what all titles begin with", "chat"),
        ("search, a rare word", "w19876"),
        ("search, a common word", "the"),
        ("search, two common words", "w2 the"),
        ("search, a common and a rare word", "the w15000"),
        ("search, one letter", "w"),
        ("search, a beginning", "w1"),
        ("search, nothing there", "nothingofthekind"),
    ] {
        for project in [None, project.clone()] {
            let scope = if project.is_some() { ", project first" } else { "" };
            let wanted = Search {
                words: words.to_owned(),
                project,
                limit: 50,
            };
            let median = time(|| async { drop(history.search(wanted.clone()).await.unwrap()) }).await;
            report.add(&format!("{name}{scope}"), median, 30.0, "ms");
        }
    }
    history.import(chat("long", 1_000, &mut Words(7))).await.unwrap();
    let median = time(|| async { drop(history.load("long", 0).await.unwrap()) }).await;
    report.add("load of a chat of 1,000 messages", median, 100.0, "ms");
}

/// A stream of 100 tokens a second, when the answer is already long.
async fn measure_stream(report: &mut Report, file: &Path) {
    let history = open(file).await;
    let start = Instant::now();
    history.save_turn(turn("stream", 1)).await.unwrap();
    report.add("beginning of a turn, synced", milliseconds(start), 50.0, "ms");
    let answer = at("stream", 2);
    history.append(&answer, PartKind::Text, &"token ".repeat(100_000));
    history.flush(&answer).await.unwrap();
    let (mut source, mut whole) = (0.0, 0.0);
    for _ in 0..ROUNDS_OF_STREAM {
        source += stream(|| {}).await / f64::from(ROUNDS_OF_STREAM);
        whole += stream(|| history.append(&answer, PartKind::Text, "token ")).await / f64::from(ROUNDS_OF_STREAM);
    }
    println!("the source of the tokens takes {source:.2} % of a core, and is not counted");
    report.add("journal of 100 tokens a second", whole - source, 1.0, "%");
    let start = Instant::now();
    history.finish(&answer, end()).await.unwrap();
    report.add("end of a long answer, synced", milliseconds(start), 100.0, "ms");
}

/// What this process takes of a core, in percent, while it calls `told` 100 times a second for five seconds.
async fn stream(told: impl Fn()) -> f64 {
    let (before, start) = (processor_time(), Instant::now());
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..500 {
        ticks.tick().await;
        told();
    }
    (processor_time() - before).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0
}

/// Two processes that write at once, and a third that reads.
async fn measure_contest(report: &mut Report, file: &Path) {
    let seconds = number("BENCH_SECONDS", 60);
    let start = |name: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env("BENCH_WRITER", file)
            .env("BENCH_NAME", name)
            .env("BENCH_SECONDS", seconds.to_string());
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let writers = ["one", "two"].map(|name| (name, start(name)));
    for (name, writer) in writers {
        let output = tokio::task::spawn_blocking(move || writer.wait_with_output().unwrap())
            .await
            .unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let told: Vec<f64> = output.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [turns, errors, slowest] = told[..] else {
            panic!("writer {name}: {output}")
        };
        println!("writer {name}: {turns} turns in {seconds} s");
        report.add(&format!("writer {name}: errors"), errors, 0.0, "");
        report.add(&format!("writer {name}: slowest write"), slowest, 5_000.0, "ms");
        report.add(
            &format!("writer {name}: turns lost"),
            turns - found(file, name).await,
            0.0,
            "",
        );
    }
}

async fn found(file: &Path, name: &str) -> f64 {
    let chat = open(file).await.load(name, 0).await.unwrap();
    let whole = chat
        .messages
        .iter()
        .filter(|message| message.role == Role::Assistant && message.text() == "one two ");
    f64::from(u32::try_from(whole.count()).unwrap())
}

/// One of the two writers: says how many turns it wrote, how many writes failed, and how long the slowest one took.
async fn contend(file: &Path) -> ExitCode {
    let history = open(file).await;
    let name = std::env::var("BENCH_NAME").unwrap();
    let (start, limit) = (Instant::now(), Duration::from_secs(number("BENCH_SECONDS", 60)));
    let (mut turns, mut errors, mut slowest) = (0u64, 0u64, 0f64);
    while start.elapsed() < limit {
        let answer = at(&name, turns * 2 + 2);
        let begun = Instant::now();
        errors += u64::from(history.save_turn(turn(&name, turns * 2 + 1)).await.is_err());
        slowest = slowest.max(milliseconds(begun));
        for piece in ["one ", "two "] {
            history.append(&answer, PartKind::Text, piece);
            errors += u64::from(history.flush(&answer).await.is_err());
        }
        errors += u64::from(history.finish(&answer, end()).await.is_err());
        turns += 1;
    }
    println!("{turns} {errors} {slowest}");
    ExitCode::SUCCESS
}

async fn time<F: Future<Output = ()>>(mut work: impl FnMut() -> F) -> f64 {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work().await;
        times.push(milliseconds(start));
    }
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The processor time of this process's threads so far, as Linux counts it.
fn processor_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        told.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Words as often as in a language: the n-th of 20,000 has the weight 1/n.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..20 + self.next() % 120 {
            let chance = (self.next() % 1_000_000) as f64 / 1e6;
            let rank = 20_000f64.powf(chance) as u64;
            text.push_str(&match rank {
                0 | 1 => "the ".to_owned(),
                3 => "function ".to_owned(),
                4 => "functions ".to_owned(),
                6 => "functional ".to_owned(),
                rank => format!("w{rank} "),
            });
        }
        text
    }
}

fn info(id: &str, project: u64) -> ChatInfo {
    ChatInfo {
        id: id.to_owned(),
        title: format!("chat {id}"),
        project: Some(format!("/home/me/project{project}")),
        provider: "bench".into(),
        model: "model".into(),
        created: now(),
    }
}

fn chat(id: &str, messages: u64, words: &mut Words) -> Chat {
    let roles = [Role::Assistant, Role::User];
    let message = |id: u64| {
        let role = roles[usize::from(id % 2 == 1)];
        Message::new(
            id,
            id.checked_sub(1).filter(|parent| *parent > 0),
            role,
            &words.text(),
            now(),
        )
    };
    let messages: Vec<Message> = (1..=messages).map(message).collect();
    Chat {
        updated: now(),
        head: messages.last().map(|message| message.id),
        totals: Totals::default(),
        info: info(id, id.len() as u64 % PROJECTS),
        messages,
    }
}

async fn fill(history: &History, chats: u64) {
    let mut words = Words(42);
    for number in 0..chats {
        let mut chat = chat(&number.to_string(), MESSAGES, &mut words);
        chat.info = info(&chat.info.id, number % PROJECTS);
        history.import(chat).await.unwrap();
    }
}

fn at(chat: &str, id: u64) -> MessageRef {
    MessageRef {
        chat: chat.to_owned(),
        id,
    }
}

fn turn(chat: &str, id: u64) -> Turn {
    let parent = id.checked_sub(1).filter(|parent| *parent > 0);
    let question = Message::new(id, parent, Role::User, "a question", now());
    let answer = Message::awaited(id + 1, Some(id), "bench", "model", now());
    Turn {
        chat: info(chat, 1),
        messages: vec![question, answer],
        at: now(),
    }
}

fn end() -> End {
    End {
        state: State::Whole,
        finish: None,
        usage: None,
        notices: Vec::new(),
        at: now(),
    }
}
