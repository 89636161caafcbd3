//! Kills Neovim, the program or both at random moments of what a user does, and looks at what is left.
//!
//! `HISTORY_LONG=1` kills 200 times instead of a few; `HISTORY_SEED` repeats what a run did, though not its timing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gpt_nvim::history::{Chat, ChatInfo, History, Limits, Listing, Message, Role, State, Totals};

use crate::common::*;
use crate::history::*;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::{Home, Nvim};
use crate::support::process;
use crate::support::server::Server;

/// How many deaths one home sees.
const KILLS_PER_HOME: u64 = 10;
/// How much of a stream may be missing: what came in the last 250 ms, and what this machine, with much else to do, was
/// late with. How much it was is printed.
const MOST_MISSING: Duration = Duration::from_millis(250 + 1_500);
/// How many words an answer has.
const WORDS: usize = 100;

pub fn kills() -> u64 {
    let long = std::env::var_os("HISTORY_LONG").is_some();
    if long { 200 } else { 8 }
}

/// Numbers that look random and come again with the same seed (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    pub fn of_run() -> Self {
        let now = || u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
        let named = std::env::var("HISTORY_SEED").ok();
        let seed = named.map_or_else(now, |seed| seed.parse().unwrap());
        println!("HISTORY_SEED={seed}");
        Self(seed)
    }
}

/// All that an answer says: whose it is, and whether a beginning of it is torn, can be seen.
fn whole(name: &str) -> String {
    let words = (0..WORDS).map(|word| format!(" word{word}"));
    std::iter::once(name.to_owned()).chain(words).collect()
}

/// An answer that takes half a second.
fn slow(name: &str) -> Answer {
    let mut steps = Vec::new();
    for step in answer(&whole(name)).steps {
        let is_piece = matches!(step, Step::Chunk(_));
        steps.push(step);
        if is_piece {
            steps.push(Step::Pause(Duration::from_millis(8)));
        }
    }
    Answer::new(steps)
}

/// Every chat that the history has.
pub async fn stored(history: &History) -> BTreeMap<String, Chat> {
    let all = Listing {
        limit: 1_000,
        ..Listing::default()
    };
    let mut chats = BTreeMap::new();
    for listed in history.list(all).await.unwrap() {
        if let Ok(chat) = history.load(&listed.info.id, 0).await {
            chats.insert(listed.info.id, chat);
        }
    }
    chats
}

pub async fn reopened(home: &Home) -> History {
    History::open(&database(home), Limits::default()).await.unwrap().history
}

/// Every chat, once nothing is being written. A process that was killed is gone before its lock is: for a moment more it
/// seems to live.
async fn settled(home: &Home) -> BTreeMap<String, Chat> {
    let mut chats = stored(&reopened(home).await).await;
    for _ in 0..100 {
        if messages(&chats).all(|message| message.state != State::Streaming) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        chats = stored(&reopened(home).await).await;
    }
    chats
}

/// Does what users do: asks, asks again, changes questions, renames, begins new chats, looks at branches.
async fn use_it(nvim: &Nvim, choices: &[u64], round: u64) {
    for (number, choice) in choices.iter().enumerate() {
        let keys = match choice {
            0..=3 => format!("<Esc>GAquestion {round} {number}<C-s>"),
            4 => "<C-c><Esc>gr".to_owned(),
            5 => format!("<C-c><Esc>gg/question<CR>A changed {number}<Esc><CR>"),
            6 => format!("<Esc>:GPT rename title {round} {number}<CR>"),
            7 => format!("<C-c><Esc>:GPTChat! question {round} {number}<CR>"),
            8 => "<C-c><Esc>[b".to_owned(),
            _ => String::new(),
        };
        if !keys.is_empty() {
            nvim.feed(&keys).await;
        }
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    // From here on the answer that is being written is all that happens.
    std::future::pending::<()>().await;
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Victim {
    Neovim,
    Program,
    Both,
}

pub const VICTIMS: [Victim; 3] = [Victim::Neovim, Victim::Program, Victim::Both];

pub async fn kill(victim: Victim, nvim: &Nvim, program: u32) {
    if victim != Victim::Neovim {
        process::kill9(program);
    }
    if victim != Victim::Program {
        nvim.kill9().await;
    }
}

/// Lets an editor be used up to a random moment, and kills there. Returns how much of a stream was missing.
async fn round(home: &Home, number: u64, chance: &mut Chance) -> Duration {
    let mut asked = 0;
    let script = move |_: &crate::support::server::Request| {
        asked += 1;
        slow(&format!("r{number}-{asked}"))
    };
    let server = Server::start(script).await;
    let nvim = editor(home, &server, "").await;
    open(&nvim).await;
    nvim.wait_lua("return require('gpt').status().model").await;
    let program = program(&nvim).await;
    let choices: Vec<u64> = std::iter::once(0).chain((0..12).map(|_| chance.below(16))).collect();
    let victim = VICTIMS[usize::try_from(number % 3).unwrap()];
    let context = format!("round {number}, {victim:?}");
    let history = reopened(home).await;
    // Not for luck: the moment of the death is what is varied here.
    let moment = Duration::from_micros(chance.below(1_500_000));
    tokio::select! {
        () = use_it(&nvim, &choices, number) => {}
        () = tokio::time::sleep(moment) => {}
    }
    let requests: Vec<String> = server.requests().iter().map(last_question).collect();
    let before = stored(&history).await;
    let died = Instant::now();
    kill(victim, &nvim, program).await;
    if victim == Victim::Program {
        nvim.quit().await;
    }
    gone(&nvim).await;
    drop(history);
    let after = settled(home).await;
    is_sound(&database(home), &context);
    verify_kept(&before, &after, &context);
    verify_questions(&after, &requests, &context);
    verify_answers(&after, victim, number, &context);
    missing(&after, &server, died, number, &context)
}

fn last_question(request: &crate::support::server::Request) -> String {
    conversation(request).pop().map(|(_, text)| text).unwrap_or_default()
}

pub fn is_sound(file: &Path, context: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let check = "PRAGMA integrity_check";
    let verdict: String = connection.query_row(check, [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok", "{context}");
}

/// What was there is there, and as far as it was.
fn verify_kept(before: &BTreeMap<String, Chat>, after: &BTreeMap<String, Chat>, context: &str) {
    for (id, old) in before {
        let new = after.get(id).unwrap_or_else(|| panic!("{context}: no chat {id}"));
        for message in &old.messages {
            let now = new.message(message.id);
            let now = now.unwrap_or_else(|| panic!("{context}: {id} has lost {message:?}"));
            assert_eq!((now.role, now.parent), (message.role, message.parent), "{context}");
            assert!(
                now.text().starts_with(&message.text()),
                "{context}: {message:?} is {now:?}"
            );
            let may_grow = message.state == State::Streaming;
            assert!(
                may_grow || now.text() == message.text(),
                "{context}: {message:?} is {now:?}"
            );
        }
    }
}

fn messages(chats: &BTreeMap<String, Chat>) -> impl Iterator<Item = &Message> {
    chats.values().flat_map(|chat| &chat.messages)
}

/// What was sent had been kept before. Questions that waited are one message, and questions without an answer between
/// them are sent as one.
fn verify_questions(after: &BTreeMap<String, Chat>, asked: &[String], context: &str) {
    let questions = messages(after).filter(|message| message.role == Role::User);
    let kept: Vec<String> = questions.map(Message::text).collect();
    for question in asked.iter().flat_map(|asked| asked.split("\n\n")) {
        let is_in = |text: &String| text.split("\n\n").any(|part| part.trim_end() == question);
        assert!(
            kept.iter().any(is_in),
            "{context}: {question:?} was sent and is not kept, of {asked:?}: {kept:?}"
        );
    }
}

/// No answer is torn, and none is left open; where only Neovim died, all are finished.
fn verify_answers(after: &BTreeMap<String, Chat>, victim: Victim, round: u64, context: &str) {
    for answer in messages(after).filter(|message| message.role == Role::Assistant) {
        let text = answer.text();
        let name = text.split(' ').next().unwrap_or_default();
        assert!(
            whole(name).starts_with(text.trim_end()),
            "{context}: {answer:?} is torn"
        );
        assert_ne!(answer.state, State::Streaming, "{context}: {answer:?}");
        let is_ours = name.starts_with(&format!("r{round}-"));
        let is_finished = answer.state != State::Interrupted;
        assert!(
            victim != Victim::Neovim || !is_ours || is_finished,
            "{context}: {answer:?}"
        );
    }
}

/// How long before the death the first word was sent that is missing, in an answer that nobody had stopped.
fn missing(after: &BTreeMap<String, Chat>, server: &Server, died: Instant, round: u64, context: &str) -> Duration {
    let mut longest = Duration::ZERO;
    for answer in messages(after).filter(|message| message.state == State::Interrupted) {
        let text = answer.text();
        let mut words = text.split_whitespace();
        let request = match words.next() {
            Some(name) => name
                .strip_prefix(&format!("r{round}-"))
                .map(|number| number.parse().unwrap()),
            None => last_unanswered(after, server, round),
        };
        let (Some(request), kept) = (request, words.count()) else {
            continue;
        };
        let writes = server.writes();
        let sent = writes.iter().filter(|write| write.request + 1 == request);
        let mut sent = sent.filter(|write| write.bytes.windows(4).any(|part| part == b"word"));
        // A last word may be half there; the next one is the first that is missing.
        if let Some(write) = sent.nth(kept) {
            longest = longest.max(died.saturating_duration_since(write.at));
        }
    }
    assert!(
        longest <= MOST_MISSING,
        "{context}: what came {longest:?} before is missing"
    );
    longest
}

/// The number of the last request, if no answer has a word of what it was answered.
fn last_unanswered(after: &BTreeMap<String, Chat>, server: &Server, round: u64) -> Option<usize> {
    let number = server.requests().len();
    let name = format!("r{round}-{number}");
    let has_it = |message: &Message| message.text().split(' ').next() == Some(&name);
    (number > 0 && !messages(after).any(has_it)).then_some(number)
}

#[tokio::test]
async fn whatever_dies_at_whatever_moment_no_message_is_lost_or_torn() {
    let mut chance = Chance::of_run();
    let mut losses = Vec::new();
    for first in (0..kills()).step_by(usize::try_from(KILLS_PER_HOME).unwrap()) {
        let home = Home::new();
        for number in first..kills().min(first + KILLS_PER_HOME) {
            losses.push(round(&home, number, &mut chance).await);
        }
        shows_what_is_kept(&home).await;
    }
    losses.sort();
    println!(
        "missing at most {:?}, in the median {:?}",
        losses.last(),
        losses.get(losses.len() / 2)
    );
}

/// The newest chat comes back in an editor as the history has it.
async fn shows_what_is_kept(home: &Home) {
    let server = Server::start(Vec::new()).await;
    let chats = stored(&reopened(home).await).await;
    let newest = chats.values().max_by_key(|chat| chat.updated).expect("a chat");
    let nvim = editor(home, &server, "").await;
    nvim.command(&format!("edit gpt://chat/{}", newest.info.id)).await;
    for message in newest.branch(newest.head) {
        let text = message.text();
        chat_holds(&nvim, text.trim_end()).await;
    }
    clean(&nvim).await;
}

pub fn chat(number: u64) -> Chat {
    let text = format!("text {number} ").repeat(200);
    Chat {
        info: ChatInfo {
            id: format!("c{number}"),
            title: format!("c{number}"),
            project: None,
            provider: "test".into(),
            model: "m1".into(),
            created: 0,
        },
        updated: 0,
        head: Some(2),
        totals: Totals::default(),
        messages: vec![
            Message::new(1, None, Role::User, &text, 0),
            Message::new(2, Some(1), Role::Assistant, &text, 0),
        ],
    }
}

/// Emptying it deletes in steps, and then writes the file anew (`VACUUM`).
#[tokio::test]
async fn a_program_that_dies_while_it_empties_the_history_leaves_whole_chats_and_a_sound_file() {
    let mut chance = Chance::of_run();
    for number in 0..kills() / 4 {
        let home = Home::new();
        let server = Server::start(Vec::new()).await;
        let history = reopened(&home).await;
        for number in 0..100 {
            history.import(chat(number)).await.unwrap();
        }
        let nvim = configured(&server, "")
            .home(&home)
            .init(&choosing(&[2, 2]))
            .start()
            .await;
        open(&nvim).await;
        normal_mode(&nvim).await;
        let program = program(&nvim).await;
        nvim.feed(":GPT history clear<CR>").await;
        nvim.wait_lua("return #lists == 2").await;
        tokio::time::sleep(Duration::from_micros(chance.below(40_000))).await;
        let victim = VICTIMS[usize::try_from(1 + number % 2).unwrap()];
        kill(victim, &nvim, program).await;
        nvim.quit().await;
        gone(&nvim).await;
        drop(history);
        let left = stored(&reopened(&home).await).await;
        println!("{} chats are left", left.len());
        is_sound(&database(&home), &format!("round {number}"));
        for kept in left.values() {
            let same = kept.info.id.strip_prefix('c').unwrap().parse().unwrap();
            assert_eq!(kept.messages, chat(same).messages);
        }
    }
}
