//! Answers that stream: how late a token is, what it costs the editor, and whether the editor stays at hand.

use std::time::{Duration, Instant};

use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

use crate::observer::{Pings, Watch};
use crate::report::{Report, quantile};
use crate::source::{Sent, Source};
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::Server;
use crate::{milliseconds, nvim, text, typing, window};

/// How long any answer may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the last hundred lines are highlighted: a bench of a plain chat would prove nothing.
const HIGHLIGHTED: &str = "local space = vim.api.nvim_get_namespaces()['gpt.highlight']
    local from = math.max(0, vim.api.nvim_buf_line_count(0) - 100)
    return #vim.api.nvim_buf_get_extmarks(0, space, { from, 0 }, -1, {}) > 200";

/// Whether the window shows the end of the chat.
const FOLLOWED: &str = "return vim.fn.line('w$') == vim.api.nvim_buf_line_count(0)";

/// How much a chat holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Empty,
    Long,
}

/// An editor with an open chat, whose cursor stands in the prompt, in insert mode, as `:GPTChat` leaves it.
pub struct Chat {
    pub editor: Nvim,
    pub buffer: i64,
    source: Source,
}

/// One answer: how late each token was in the buffer, in milliseconds, and how many were sent in a second.
struct Told {
    delays: Vec<f64>,
    rate: f64,
}

impl Chat {
    pub async fn open(size: (u16, u16)) -> Chat {
        let source = Source::start();
        let editor = nvim(&source.url()).size(size.0, size.1).start().await;
        editor.set_limit(PATIENCE);
        editor.feed(":GPTChat<CR>").await;
        editor.wait_screen_contains("-- INSERT --").await;
        let buffer = editor.lua_i64("return vim.api.nvim_get_current_buf()", &[]).await;
        Chat { editor, buffer, source }
    }

    /// The same, with `lines` lines of an earlier answer, highlighted and at rest.
    async fn with_lines(size: (u16, u16), lines: usize) -> Chat {
        let chat = Chat::open(size).await;
        if lines > 0 {
            chat.answer(text::whole_lines(lines), None).await;
        }
        chat
    }

    /// The pid of the program behind the plugin.
    pub fn binary(&self) -> u32 {
        self.editor.children().first().copied().expect("a running program")
    }

    /// Asks, and waits until the place for the answer is there.
    async fn ask(&self) {
        self.editor.feed("And the next part?<C-s>").await;
        block_in_place(|| self.source.asked());
        let answering = "return require('gpt').status().state == 'answering'";
        self.editor.wait_lua(answering).await;
        sleep(Duration::from_millis(300)).await;
    }

    /// Has a question answered, from the first to the last token, until the editor is at rest again.
    pub async fn answer(&self, tokens: Vec<String>, rate: Option<f64>) -> Vec<Sent> {
        self.ask().await;
        let sent = self.say(tokens, rate);
        self.rests().await;
        self.ended().await;
        sent
    }

    /// The same under the eyes of another client, which notes when each token is in the buffer.
    async fn watched(&self, tokens: Vec<String>, rate: Option<f64>) -> Told {
        let watch = Watch::attach(self.editor.socket(), self.buffer);
        self.ask().await;
        let before = watch.bytes();
        let sent = self.say(tokens, rate);
        let length = sent.last().map_or(0, |last| last.until);
        let arrived = block_in_place(|| watch.reaches(before + length, PATIENCE));
        assert!(arrived.is_some(), "only {} bytes came", watch.bytes() - before);
        self.ended().await;
        Told {
            delays: watch.delays(before, &sent),
            rate: sent_rate(&sent),
        }
    }

    fn say(&self, tokens: Vec<String>, rate: Option<f64>) -> Vec<Sent> {
        let told = self.source.say(tokens, rate);
        block_in_place(|| told.recv_timeout(PATIENCE)).expect("the whole answer")
    }

    /// Waits until the answer is whole, highlighted and followed.
    async fn ended(&self) {
        self.editor
            .wait_lua("return require('gpt').status().state == 'idle'")
            .await;
        self.editor.wait_lua(HIGHLIGHTED).await;
        self.editor.wait_lua(FOLLOWED).await;
    }

    fn cpu(&self) -> Duration {
        self.editor.cpu_time(self.editor.pid())
    }

    /// Waits until the editor does nothing any more.
    pub async fn rests(&self) {
        loop {
            let before = self.cpu();
            sleep(Duration::from_millis(400)).await;
            if self.cpu() - before <= Duration::from_millis(10) {
                return;
            }
        }
    }
}

/// Ten seconds at 100 and at 1,000 tokens a second, and 10,000 tokens at once.
pub async fn measure(report: &mut Report, length: Length) {
    let (lines, suffix) = match length {
        Length::Empty => (0, ""),
        Length::Long => (20_000, ", 20,000 lines"),
    };
    let small = (80, 24);
    let chat = Chat::with_lines(small, lines).await;
    // A long chat's limit is what an empty one costs, twice.
    let spend = |limit: f64| if length == Length::Long { f64::INFINITY } else { limit };
    let cost = paced(report, &chat, 100.0, (2.0, 10.0, spend(0.5)), suffix).await;
    paced(report, &chat, 1000.0, (8.0, f64::INFINITY, spend(1.5)), suffix).await;
    busy(report, &chat, suffix).await;
    typing::measure(report, &chat, suffix).await;
    if length == Length::Long {
        reopened(report, &chat, suffix).await;
    }
    drop(chat);
    if length == Length::Long {
        let chat = Chat::with_lines(small, 0).await;
        let empty = paced(report, &chat, 100.0, (2.0, 10.0, f64::INFINITY), ", to compare").await;
        report.limited(
            format!("100/s{suffix}: the editor's CPU, over that of an empty chat"),
            "",
            2.0,
            cost / empty,
        );
    }
    let chat = Chat::with_lines(small, lines).await;
    flood(report, &chat, suffix).await;
    drop(chat);
    if length == Length::Empty {
        let chat = Chat::with_lines((160, 50), lines).await;
        paced(report, &chat, 100.0, (2.0, 10.0, 0.5), ", 160×50").await;
        paced(report, &chat, 1000.0, (8.0, f64::INFINITY, 1.5), ", 160×50").await;
    }
}

/// Ten seconds at a rate, twice: what they cost the editor, highlighting included, while nobody watches, and how late
/// each token is, by another client's watch.
async fn paced(report: &mut Report, chat: &Chat, rate: f64, limits: (f64, f64, f64), suffix: &str) -> f64 {
    let name = |what: &str| format!("{rate}/s{suffix}: {what}");
    let tokens = || text::tokens((rate * 10.0) as usize);
    let cpu = spent(report, chat, tokens(), rate, &name).await;
    with_limit(report, name("the editor's CPU in ten seconds"), "s", limits.2, cpu);
    let told = chat.watched(tokens(), Some(rate)).await;
    report.limited(name("a token's way, p50"), "ms", limits.0, quantile(&told.delays, 0.5));
    with_limit(
        report,
        name("a token's way, p99"),
        "ms",
        limits.1,
        quantile(&told.delays, 0.99),
    );
    report.shown(name("the rate that was sent"), "1/s", told.rate);
    cpu
}

/// A figure with its limit, if it has one.
fn with_limit(report: &mut Report, name: String, unit: &'static str, limit: f64, value: f64) {
    if limit.is_finite() {
        report.limited(name, unit, limit, value);
    } else {
        report.shown(name, unit, value);
    }
}

/// What an answer costs the editor, in seconds of its CPU, from the question to the rest after it.
async fn spent(report: &mut Report, chat: &Chat, tokens: Vec<String>, rate: f64, name: impl Fn(&str) -> String) -> f64 {
    chat.rests().await;
    let (editor, program) = (chat.cpu(), chat.editor.cpu_time(chat.binary()));
    chat.answer(tokens, Some(rate)).await;
    let program = chat.editor.cpu_time(chat.binary()) - program;
    report.shown(name("the program's CPU in ten seconds"), "s", program.as_secs_f64());
    (chat.cpu() - editor).as_secs_f64()
}

/// A long chat that was hidden is shown again.
async fn reopened(report: &mut Report, chat: &Chat, suffix: &str) {
    for _ in 0..5 {
        chat.editor.feed("<Esc>q").await;
        chat.editor.wait_screen_lacks("## You").await;
        report.limited(
            format!("window{suffix}: shown again"),
            "ms",
            150.0,
            window::open(&chat.editor).await,
        );
    }
}

fn sent_rate(sent: &[Sent]) -> f64 {
    match (sent.first(), sent.last()) {
        (Some(first), Some(last)) => (sent.len() - 1) as f64 / (last.at - first.at).as_secs_f64(),
        _ => f64::NAN,
    }
}

/// Ten seconds at 1,000 tokens a second, while another client asks the editor without a pause.
async fn busy(report: &mut Report, chat: &Chat, suffix: &str) {
    chat.rests().await;
    let pings = Pings::start(chat.editor.socket());
    chat.ask().await;
    let sent = chat.say(text::tokens(10_000), Some(1000.0));
    let answered = pings.stop();
    chat.rests().await;
    chat.ended().await;
    let name = |what: &str| format!("1000/s{suffix}: another client's call, {what}");
    if let (Some(first), Some(last)) = (sent.first(), sent.last()) {
        report.limited(name("p99"), "ms", 5.0, answered.p99(first.at, last.at));
    }
    report.limited(name("longest"), "ms", 50.0, answered.longest());
}

/// 10,000 tokens at once: how long the editor answers nobody, until all is highlighted too, and when the last is in the
/// buffer. Of an empty chat the first one is the session's first answer, in languages whose queries are not compiled yet.
async fn flood(report: &mut Report, chat: &Chat, suffix: &str) {
    let watch = Watch::attach(chat.editor.socket(), chat.buffer);
    chat.ask().await;
    let before = watch.bytes();
    let pings = Pings::start(chat.editor.socket());
    let tokens = text::tokens(10_000);
    let length: usize = tokens.iter().map(String::len).sum();
    let begun = Instant::now();
    drop(chat.source.say(tokens, None));
    let all_there = block_in_place(|| watch.reaches(before + length, PATIENCE)).expect("the whole answer");
    // The highlighting follows behind.
    sleep(Duration::from_secs(2)).await;
    let answered = pings.stop();
    let name = |what: &str| format!("10,000 at once{suffix}: {what}");
    report.limited(
        name("another client's call, p99"),
        "ms",
        5.0,
        answered.p99(begun, all_there),
    );
    report.shown(
        name("the same in the second after"),
        "ms",
        answered.p99(all_there, all_there + Duration::from_secs(1)),
    );
    report.limited(name("the longest freeze"), "ms", 50.0, answered.longest());
    report.shown(name("calls of the other client"), "", answered.count() as f64);
    chat.rests().await;
    drop(watch);
    let told = chat.watched(text::tokens(10_000), None).await;
    report.limited(
        format!("10,000 at once{suffix}: all in the buffer"),
        "ms",
        300.0,
        quantile(&told.delays, 1.0),
    );
}

/// From `<C-c>` to the end of the connection, as the server sees it: in a pause of the answer, and in its flow.
pub async fn measure_stop(report: &mut Report, rounds: usize) {
    for (name, pause) in [("in a pause", None), ("at 500/s", Some(Duration::from_millis(1)))] {
        let words = text::tokens(10_000);
        let tokens: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = match pause {
            None => Answer::chat_tokens(&tokens).cut_after_tokens(50, Step::Stall),
            Some(pause) => Answer::chat_tokens(&tokens).pausing_between_tokens(pause),
        };
        let server = Server::start(vec![answer; 5 * rounds]).await;
        let editor = nvim(&format!("{}/v1", server.url())).start().await;
        editor.feed(":GPTChat<CR>").await;
        editor.wait_screen_contains("-- INSERT --").await;
        for turn in 0..5 * rounds {
            editor.feed("Again?<C-s><Esc>").await;
            server.next_request().await;
            sleep(Duration::from_millis(300)).await;
            let name = |what: &str| format!("stop, {name}: {what}");
            let asked = Instant::now();
            editor.feed("<C-c>").await;
            let closed = timeout(Duration::from_secs(1), server.closed(turn)).await;
            report.worst(
                name("keys that went unheard"),
                "",
                0.0,
                f64::from(u8::from(closed.is_err())),
            );
            if let Ok(closed) = closed {
                let took = milliseconds(closed.saturating_duration_since(asked));
                report.limited(name("<C-c> to the closed connection"), "ms", 50.0, took);
            } else {
                eprintln!("<C-c> went unheard:\n{}", editor.screen());
                editor.feed("<C-c>").await;
                server.closed(turn).await;
            }
            editor.wait_lua("return require('gpt').status().state == 'idle'").await;
            editor.feed("i").await;
        }
    }
}
