//! Kills processes at random moments of all that they write, 200 times, and looks at what is left.
//!
//! `HISTORY_SEED` repeats a run that failed; `HISTORY_KILLS` says how often to kill.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gpt_nvim::history::{Chat, History, HistoryError, State};

use crate::child::{self, Chance, ROWS, text_of};
use crate::support::{Home, at, open, raw};

/// How many processes die over one file.
const KILLS_PER_FILE: u64 = 10;

#[derive(Debug, Default)]
struct Known {
    /// The numbers of questions that were saved.
    turns: Vec<u64>,
    /// The pieces that were written, by answer.
    pieces: BTreeMap<u64, u64>,
    finished: BTreeMap<u64, u64>,
    renamed: Doubt,
    deleted: Doubt,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Doubt {
    #[default]
    No,
    Perhaps,
    Yes,
}

fn seed() -> u64 {
    let now = || u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
    std::env::var("HISTORY_SEED")
        .ok()
        .map_or_else(now, |seed| seed.parse().unwrap())
}

fn kills() -> u64 {
    std::env::var("HISTORY_KILLS")
        .ok()
        .map_or(200, |kills| kills.parse().unwrap())
}

/// Lets a child work until a random moment, which may lie before it has opened the file.
fn kill_one(work: &str, chance: &mut Chance, file: &Path) -> Vec<String> {
    let mut child = child::start(work, chance.below(u64::MAX), file);
    child.wait_for(if chance.below(5) == 0 { "started" } else { "ready" });
    // Not for luck: the moment of the death is what is varied here.
    thread::sleep(Duration::from_micros(chance.below(60_000)));
    child.kill()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whatever_moment_a_process_dies_at_no_write_that_it_was_told_of_is_lost_or_torn() {
    let seed = seed();
    println!("HISTORY_SEED={seed}");
    let mut chance = Chance(seed);
    for _ in 0..kills().div_ceil(KILLS_PER_FILE) {
        let home = Home::new();
        let mut known = BTreeMap::new();
        for _ in 0..KILLS_PER_FILE {
            for line in kill_one("chat", &mut chance, &home.file()) {
                learn(&mut known, &line);
            }
            let history = open(&home.file()).await;
            for (chat, known) in &known {
                verify(&history, chat, known, seed).await;
            }
            is_sound(&home.file());
        }
    }
}

fn learn(known: &mut BTreeMap<String, Known>, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let [doing @ ("try" | "done"), what, chat, ..] = words[..] else {
        return;
    };
    let known = known.entry(chat.to_owned()).or_default();
    let doubt = if doing == "try" { Doubt::Perhaps } else { Doubt::Yes };
    match what {
        "turn" => known.turns.push(number(3)),
        "piece" => drop(known.pieces.insert(number(3), number(4))),
        "finish" => drop(known.finished.insert(number(3), number(4))),
        "rename" => known.renamed = doubt,
        "delete" => known.deleted = doubt,
        other => panic!("unknown word {other}"),
    }
}

async fn verify(history: &History, id: &str, known: &Known, seed: u64) {
    let chat = match history.load(id, 0).await {
        Err(HistoryError::NoChat(_)) if known.deleted != Doubt::No => return,
        loaded => loaded.unwrap_or_else(|error| panic!("HISTORY_SEED={seed}: chat {id}: {error}")),
    };
    let context = format!("HISTORY_SEED={seed}: chat {id}: {known:?}");
    assert_ne!(known.deleted, Doubt::Yes, "{context}");
    let was_renamed = chat.info.title == "renamed";
    assert!(
        known.renamed == Doubt::Perhaps || was_renamed == (known.renamed == Doubt::Yes),
        "{context}"
    );
    for &question in &known.turns {
        let said = chat
            .message(question)
            .unwrap_or_else(|| panic!("{context}: no question {question}"))
            .text();
        assert_eq!(said, format!("question {id} {question}"), "{context}");
        verify_answer(&chat, question + 1, known, &context);
    }
}

fn verify_answer(chat: &Chat, id: u64, known: &Known, context: &str) {
    let answer = chat.message(id).unwrap_or_else(|| panic!("{context}: no answer {id}"));
    let text = answer.text();
    let pieces = u64::try_from(text.lines().count()).unwrap();
    let whole: String = (0..pieces)
        .map(|piece| text_of(&at(&chat.info.id, id), piece))
        .collect();
    assert_eq!(text, whole, "{context}: answer {id} is torn");
    let written = known.pieces.get(&id).copied().unwrap_or(0);
    assert!(pieces >= written, "{context}: {pieces} pieces of answer {id}");
    match known.finished.get(&id) {
        Some(&all) => assert_eq!((answer.state, pieces), (State::Whole, all), "{context}"),
        None => assert!(
            matches!(answer.state, State::Whole | State::Interrupted),
            "{context}: {:?}",
            answer.state
        ),
    }
}

/// The file's own order: its trees, its references, and an index that holds what is said and nothing else.
fn is_sound(file: &Path) {
    let connection = raw(file);
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let dangling = connection
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .exists([])
        .unwrap();
    assert!(!dangling);
    let missing = "SELECT (SELECT count(*) FROM words)
        = (SELECT count(DISTINCT message) FROM parts JOIN messages ON key = message
           WHERE kind = 'text' AND state <> 'streaming')";
    assert!(
        connection.query_row(missing, [], |row| row.get::<_, bool>(0)).unwrap(),
        "the index differs"
    );
}

#[test]
fn whatever_moment_a_process_dies_at_a_migration_is_done_wholly_or_not_at_all() {
    let seed = seed();
    println!("HISTORY_SEED={seed}");
    let mut chance = Chance(seed ^ 1);
    for _ in 0..kills().div_ceil(KILLS_PER_FILE) {
        let home = Home::new();
        for _ in 0..KILLS_PER_FILE {
            let said = kill_one("migrate", &mut chance, &home.file());
            let told = said
                .iter()
                .filter_map(|line| line.strip_prefix("done step ")?.parse().ok())
                .max()
                .unwrap_or(0);
            verify_steps(&home.file(), told, seed);
        }
    }
}

fn verify_steps(file: &Path, told: u64, seed: u64) {
    let Ok(connection) = rusqlite::Connection::open(file) else {
        return;
    };
    let version: u64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert!(version >= told, "HISTORY_SEED={seed}: {version} steps of {told}");
    let rows = if version == 0 {
        0
    } else {
        connection
            .query_row("SELECT count(*) FROM steps", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(rows, version * ROWS, "HISTORY_SEED={seed}");
}
