//! Random edits, sends, stops and undos while answers stream: in the end what is shown is what is sent.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::common::*;
use crate::reasoning::chunk;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::process;
use crate::support::server::{Request, Server};

/// How many sequences are tried, over all editors; `GPT_SEQUENCES` asks for others: `5000`, or `17..18` for one of them.
const SEQUENCES: u64 = 200;
/// How many editors try them side by side.
const EDITORS: u64 = 4;

/// Marsaglia's xorshift: the same sequence for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// What the model thinks: above the text, after its beginning too in some answers, and nothing in others.
fn thinks(n: usize, i: usize) -> bool {
    match n % 4 {
        0 => false,
        3 => i % 5 < 2,
        _ => i < 4,
    }
}

/// Answers slowly enough that things happen meanwhile; a final question is answered at once.
fn reply(request: &Request, n: usize) -> Answer {
    let words = ["w", "x y", "z\n", "\nv", "u "];
    let deltas = (0..14).map(|i| {
        let word = words[(n + i) % words.len()];
        if thinks(n, i) {
            json!({"reasoning_content": format!("t{n}.{i} {word}")})
        } else {
            json!({"content": format!("a{n}.{i} {word}")})
        }
    });
    let mut payloads: Vec<String> = deltas.map(|delta| chunk(&delta)).collect();
    payloads.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string());
    payloads.push("[DONE]".to_owned());
    let answer = Answer::sse(&payloads.iter().map(String::as_str).collect::<Vec<_>>());
    match conversation(request).last() {
        Some((_, text)) if text.contains("final") => answer,
        _ => answer.pausing_between_tokens(Duration::from_millis(2)),
    }
}

/// Puts the cursor on a line that is no heading and no reasoning, a new one if there is none.
const GO: &str = "
local n, seen = ..., {}
for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
  if not line:find('^## ') and not line:find('^>') then seen[#seen + 1] = row end
end
if #seen == 0 then vim.api.nvim_buf_set_lines(0, -1, -1, true, { '' }) seen = { vim.api.nvim_buf_line_count(0) } end
vim.api.nvim_win_set_cursor(0, { seen[n % #seen + 1], 0 })
return true";

/// Puts the cursor on a line of whatever kind.
const GO_ANYWHERE: &str = "vim.api.nvim_win_set_cursor(0, { ... % vim.api.nvim_buf_line_count(0) + 1, 0 })";

/// One thing that a user does; returns what it was.
async fn act(nvim: &Nvim, random: &mut Random, n: u64) -> String {
    let row = random.below(1000);
    let go = |code: &'static str| async move { nvim.lua(code, &[row.into()]).await };
    let keys = match random.below(21) {
        0..=2 => format!("GAq{n} <Esc><CR>"),
        3 => format!("GAq{n} <C-s>"),
        4 | 5 => {
            go(GO).await;
            format!("A e{n}<Esc>")
        }
        6 => {
            go(GO).await;
            "dd".to_owned()
        }
        7 => {
            go(GO_ANYWHERE).await;
            "dd".to_owned()
        }
        8 => {
            go(GO).await;
            format!("on{n}<CR><CR>m{n}<Esc>")
        }
        9 | 10 => "u".repeat(1 + random.below(4) as usize),
        11 => "<C-r>".repeat(1 + random.below(3) as usize),
        12 => "<C-c>".to_owned(),
        13 => {
            go(GO_ANYWHERE).await;
            "gr".to_owned()
        }
        14 => {
            go(GO_ANYWHERE).await;
            if random.below(2) == 0 { "[b" } else { "]b" }.to_owned()
        }
        15 => {
            let word = if random.below(2) == 0 {
                "#file:none"
            } else {
                "#quickfix"
            };
            nvim.feed(&format!("GAn{n} {word} .<Esc><CR>")).await;
            looked_up(nvim).await;
            "u".repeat(random.below(3) as usize)
        }
        16 => format!("GAw{n} #file:none .<Esc><CR>"),
        17 => format!(":GPTChat c{n}<CR>"),
        18 => ":e!<CR>".to_owned(),
        19 => {
            kill(nvim).await;
            "<Ignore>".to_owned()
        }
        _ => {
            nvim.wait_lua("return require('gpt').status().state ~= 'answering'")
                .await;
            String::new()
        }
    };
    nvim.feed(&format!("{keys}<Esc>")).await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    format!("{row}:{keys} ")
}

/// Kills the program, if it runs, and waits until the editor knows.
async fn kill(nvim: &Nvim) {
    let pid = "local channel = require('gpt.client').channel() return channel and vim.fn.jobpid(channel) or 0";
    match u32::try_from(nvim.lua_i64(pid, &[]).await) {
        Ok(pid) if pid > 0 => process::kill9(pid),
        _ => return,
    }
    nvim.wait_lua("return not require('gpt.client').is_running()").await;
}

/// Waits until no context word is being looked up.
async fn looked_up(nvim: &Nvim) {
    nvim.wait_lua("return not require('gpt.chat.waiting').is_looking_up(require('gpt.chat.chats').current())")
        .await;
}

/// What a reader of the buffer sees above the answer to the question that holds `last`: roles by the headings' words,
/// texts without blank lines around them, empty ones left out, two of the same speaker together.
pub fn shown(lines: &[String], last: &str) -> Vec<(String, String)> {
    let mut messages: Vec<(String, String)> = Vec::new();
    for line in lines {
        match line.strip_prefix("## ") {
            Some(speaker) => {
                if messages.last().is_some_and(|(_, text)| text.contains(last)) {
                    break;
                }
                let role = if speaker == "You" { "user" } else { "assistant" };
                messages.push((role.to_owned(), String::new()));
            }
            None if line.starts_with('>') => {} // reasoning
            None => {
                if let Some((_, text)) = messages.last_mut() {
                    let _ = writeln!(text, "{line}");
                } else {
                    assert!(line.trim().is_empty(), "text above the first heading: {lines:?}");
                }
            }
        }
    }
    together(messages)
}

/// Whether a message of a request is the chat's; the other one opens a chat that begins with the model's words.
fn is_said((_, text): &(String, String)) -> bool {
    text != "(The conversation begins with your words.)"
}

pub fn together(messages: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (role, text) in messages {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match joined.last_mut() {
            _ if text.is_empty() => {}
            Some((before, said)) if *before == role => *said = format!("{said} {text}"),
            _ => joined.push((role, text)),
        }
    }
    joined
}

/// Sends a last question until one has gone out; returns it and its request.
async fn send_last(nvim: &Nvim, server: &Server, seed: u64) -> (String, Request) {
    looked_up(nvim).await;
    // What stands for nothing is never sent.
    nvim.feed(":silent! %s/#file:none\\|#quickfix//g<CR>").await;
    for attempt in 0.. {
        let last = format!("final{seed}.{attempt}.");
        nvim.feed(&format!("<Esc>GA {last}<Esc><CR>")).await;
        for _ in 0..40 {
            let asked = |request: &&Request| {
                conversation(request)
                    .last()
                    .is_some_and(|(_, text)| text.contains(&last))
            };
            if let Some(request) = server.requests().iter().find(asked) {
                return (last, request.clone());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    unreachable!("attempts have no end")
}

async fn sequence(nvim: &Nvim, server: &Server, seed: u64) {
    let mut random = Random::new(seed);
    let before = server.requests().len();
    nvim.feed("<Esc>:GPTChat!<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'")
        .await;
    nvim.feed("<Esc>").await;
    let mut done = String::new();
    for n in 0..4 + random.below(9) {
        done.push_str(&act(nvim, &mut random, n).await);
    }
    let (last, request) = send_last(nvim, server, seed).await;
    let code = format!(
        "local t = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n') return (t:match('{last}.*') or ''):find('## test/m1', 1, true)"
    );
    nvim.wait_lua(&code).await;
    let lines = nvim.lines(0).await;
    assert_eq!(
        shown(&lines, &last),
        together(conversation(&request).into_iter().filter(is_said).collect()),
        "seed {seed} did {done}\n{}\n{}",
        lines.join("\n"),
        nvim.lua_string(
            "local chat = require('gpt.chat.chats').current() return vim.inspect(require('gpt.chat.headings').all(chat))",
            &[]
        )
        .await
    );
    nvim.wait_lua("return require('gpt').status().state ~= 'answering'")
        .await;
    for request in server.requests().iter().skip(before) {
        let (_, question) = conversation(request).pop().unwrap_or_default();
        assert!(
            !question.contains("#file:none") && !question.contains("#quickfix"),
            "seed {seed} did {done} and asked {question}"
        );
    }
    let messages = nvim.messages().await;
    assert!(!messages.contains("E5108"), "seed {seed} did {done}\n{messages}");
    nvim.command("messages clear").await;
}

/// The seeds of the sequences to try.
fn seeds() -> std::ops::Range<u64> {
    let wanted = std::env::var("GPT_SEQUENCES").unwrap_or_default();
    let (first, last) = wanted.split_once("..").unwrap_or(("0", &wanted));
    first.parse().unwrap_or(0)..last.parse().unwrap_or(SEQUENCES)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_in_a_chat_what_is_shown_is_what_is_sent() {
    let mut editors = tokio::task::JoinSet::new();
    for editor in 0..EDITORS {
        editors.spawn(async move {
            let mut n = 0;
            let server = Server::start(move |request: &Request| {
                n += 1;
                reply(request, n)
            })
            .await;
            let nvim = configured(&server, "").start().await;
            nvim.feed(":set report=9999<CR>").await;
            for seed in seeds().filter(|seed| seed % EDITORS == editor) {
                sequence(&nvim, &server, seed).await;
            }
            clean(&nvim).await;
        });
    }
    while let Some(ended) = editors.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}
