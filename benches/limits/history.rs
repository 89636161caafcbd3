//! Chats of the history: how soon a long one is on the screen, and how much of an answer a killed program takes along.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gpt_nvim::history::{Chat, ChatInfo, History, Limits, Message, Role, Totals, now};

use crate::report::Report;
use crate::support::answer::Answer;
use crate::support::nvim::{Home, Nvim};
use crate::support::process;
use crate::support::server::Server;
use crate::{milliseconds, nvim};

/// How often in each round a chat is brought back, and a program killed.
const TIMES: usize = 5;
const MESSAGES: u64 = 1_000;
const TEXT: &str =
    "Some **words** of markdown, and `code`.\n\n- a list\n- of two\n\n```lua\nlocal x = 1\n```\n\nThe end of it.";
/// What stands at the end of the chat alone.
const LAST: &str = "The last word";
/// How long an answer says a token after the other, 100 in a second.
const TOKENS: usize = 400;

pub async fn measure(report: &mut Report, rounds: usize) {
    let home = Home::new();
    let history = opened(&home).await;
    assert!(history.import(long()).await.expect("a history that can be written"));
    history.close().await.expect("a history that can be closed");
    for round in 0..TIMES * rounds {
        resume(report, &home).await;
        lose(report, round).await;
    }
}

fn database(home: &Home) -> PathBuf {
    home.path().join("data/nvim/gpt/history.db")
}

async fn opened(home: &Home) -> History {
    let opened = History::open(&database(home), Limits::default()).await;
    opened.expect("a history that can be opened").history
}

fn long() -> Chat {
    let message = |id: u64| {
        let role = if id % 2 == 1 { Role::User } else { Role::Assistant };
        let text = if id == MESSAGES { LAST } else { TEXT };
        let mut message = Message::new(id, id.checked_sub(1).filter(|id| *id > 0), role, text, now());
        message.provider = Some("bench".into());
        message.model = Some("model".into());
        message
    };
    Chat {
        info: ChatInfo {
            id: "long".into(),
            title: "A long chat".into(),
            project: None,
            provider: "bench".into(),
            model: "model".into(),
            created: now(),
        },
        updated: now(),
        head: Some(MESSAGES),
        totals: Totals::default(),
        messages: (1..=MESSAGES).map(message).collect(),
    }
}

/// From the choice in a list to the end of the chat on the screen, in an editor whose program runs.
async fn resume(report: &mut Report, home: &Home) {
    let editor = nvim("http://127.0.0.1:9/v1")
        .init("vim.ui.select = function(items, _, done) _G.choose = function() done(items[1], 1) end end")
        .home(home)
        .start()
        .await;
    editor.feed(":GPT history<CR>").await;
    editor
        .wait_lua("return choose ~= nil and require('gpt').status().model")
        .await;
    let binary = editor.children().first().copied().expect("a running program");
    let used = (editor.cpu_time(editor.pid()), editor.cpu_time(binary));
    editor.feed(":lua choose()").await;
    editor.wait_screen_contains("choose()").await;
    let mut screen = editor.screen_updates();
    let asked = Instant::now();
    editor.feed("<CR>").await;
    let drawn = screen.wait_for(|screen| screen.find(LAST).is_some()).await;
    drop(drawn.expect("an editor that lives"));
    let name = "history: a chat of 1,000 messages, from the choice to the screen";
    report.limited(name, "ms", 100.0, milliseconds(asked.elapsed()));
    let cpu = |pid, before| milliseconds(process::cpu_time(pid).saturating_sub(before));
    report.shown(
        "history: the editor's processor time for it",
        "ms",
        cpu(editor.pid(), used.0),
    );
    report.shown(
        "history: the program's processor time for it",
        "ms",
        cpu(binary, used.1),
    );
}

/// Kills the program in the middle of an answer; how long before that the first word came that is missing.
async fn lose(report: &mut Report, round: usize) {
    let tokens: Vec<String> = (0..TOKENS).map(|number| format!("word{number} ")).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let server = Server::start(Answer::chat_tokens(&tokens).pausing_between_tokens(Duration::from_millis(9))).await;
    let (home, editor) = (Home::new(), nvim(&server.url()));
    let editor = editor.home(&home).start().await;
    editor.feed(":GPTChat<CR>").await;
    editor.wait_screen_contains("-- INSERT --").await;
    editor.feed("Say something.<C-s>").await;
    editor.wait_screen_contains("word0").await;
    // The moments are spread over several pieces.
    tokio::time::sleep(Duration::from_millis(700 + 37 * (round as u64 % 20))).await;
    let binary = editor.children().first().copied().expect("a running program");
    let died = Instant::now();
    process::kill9(binary);
    let kept = kept_words(&editor, &home).await;
    let writes = server.writes();
    let mut words = writes
        .iter()
        .filter(|write| write.bytes.windows(4).any(|part| part == b"word"));
    let first = words.nth(kept).map_or(died, |missing| missing.at);
    let lost = died.saturating_duration_since(first);
    report.worst(
        "history: of an answer, lost with a killed program",
        "ms",
        250.0,
        milliseconds(lost),
    );
}

/// How many words of the only answer are in the history.
async fn kept_words(editor: &Nvim, home: &Home) -> usize {
    let name = editor.lua_string("return vim.api.nvim_buf_get_name(0)", &[]).await;
    let chat = opened(home).await.load(name.trim_start_matches("gpt://chat/"), 0).await;
    let chat = chat.expect("a chat that was begun");
    let answer = chat.messages.iter().find(|message| message.role == Role::Assistant);
    answer.map_or(0, |answer| answer.text().split_whitespace().count())
}
