//! The model's window: what is counted, cut and refused, and how a reader sees it.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Nvim};
use crate::support::server::Server;
use serde_json::json;

/// An answer of one word, and how many tokens the request had by the server's count.
fn counted(tokens: Option<u64>) -> Answer {
    let delta = json!({"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]});
    let mut usage = json!({"choices": []});
    if let Some(tokens) = tokens {
        usage["usage"] = json!({"prompt_tokens": tokens, "completion_tokens": 1});
    }
    Answer::sse(&[&delta.to_string(), &usage.to_string(), "[DONE]"])
}

/// Answers every question; the server counts nothing.
pub async fn server() -> Server {
    Server::start(|_: &crate::support::server::Request| counted(None)).await
}

/// An editor whose `test/m1` has a window of this many tokens; without instructions, so that these are not counted.
pub fn with_window(server: &Server, window: u32) -> Builder {
    let facts =
        format!("models = {{ ['test/m1'] = {{ window = {window} }} }}, chat = {{ system_prompt = '', width = 100 }}");
    configured(server, &facts).size(120, 60)
}

/// A question of 64 tokens by estimate: 4, and 240 letters.
pub fn question(n: usize) -> String {
    format!("{n:03}{}", "abcdefgh ".repeat(26)) + "xy"
}

/// Asks the `n`th question, and yields which questions and answers were sent.
pub async fn ask(nvim: &Nvim, server: &Server, n: usize) -> Vec<String> {
    say(nvim, &question(n)).await;
    let request = server.next_request().await;
    ended(nvim, n).await;
    let said = conversation(&request);
    said.into_iter()
        .map(|(_, text)| text.chars().take(4).collect())
        .collect()
}

pub const MARK: &str = "Nothing above is sent";

/// The line of the screen that stands below the mark, or the mark's own if there is none.
pub fn below_the_mark(screen: &str) -> (String, String) {
    let mut lines = screen.lines().skip_while(|line| !line.contains(MARK));
    let mut line = || {
        lines
            .next()
            .and_then(|line| line.split('│').nth(1))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    (line(), line())
}

#[tokio::test]
async fn the_oldest_exchanges_that_do_not_fit_are_not_sent_and_a_mark_says_so() {
    let server = server().await;
    let nvim = with_window(&server, 300).start().await;
    open(&nvim).await;
    assert_eq!(ask(&nvim, &server, 1).await, ["001a"]);
    assert_eq!(ask(&nvim, &server, 2).await, ["001a", "fine", "002a"]);
    let whole = ["001a", "fine", "002a", "fine", "003a"];
    assert_eq!(ask(&nvim, &server, 3).await, whole);
    assert!(!nvim.screen().contains(MARK), "{}", nvim.screen());

    let later = ["002a", "fine", "003a", "fine", "004a"];
    assert_eq!(ask(&nvim, &server, 4).await, later);
    let screen = nvim.wait_screen_contains(MARK).await;
    let (mark, heading) = below_the_mark(&screen);
    assert_eq!(
        mark,
        "── Nothing above is sent: 2 messages, ~69 tokens; window of m1: 300 ──"
    );
    assert_eq!(heading, "## You");
    assert!(screen.contains(" test/m1 · ~202 of 300, cut "), "{screen}");

    assert_eq!(ask(&nvim, &server, 5).await[0], "003a");
    let screen = nvim.wait_screen_contains("4 messages").await;
    assert_eq!(screen.matches(MARK).count(), 1, "{screen}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_larger_window_takes_the_mark_away_and_all_is_sent_again() {
    let server = server().await;
    let nvim = with_window(&server, 300).start().await;
    open(&nvim).await;
    for n in 1..=4 {
        ask(&nvim, &server, n).await;
    }
    nvim.wait_screen_contains(MARK).await;
    nvim.command("GPTModel test/m2").await;
    nvim.wait_screen_contains("test/m2").await;
    assert_eq!(ask(&nvim, &server, 5).await.len(), 9);
    nvim.wait_screen(|screen| !screen.contains(MARK)).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn memory_cuts_by_the_same_mark() {
    let server = server().await;
    let nvim = configured(&server, "chat = { memory = 1, width = 100 }")
        .size(120, 60)
        .start()
        .await;
    open(&nvim).await;
    ask(&nvim, &server, 1).await;
    ask(&nvim, &server, 2).await;
    assert!(!nvim.screen().contains(MARK), "{}", nvim.screen());
    assert_eq!(ask(&nvim, &server, 3).await, ["002a", "fine", "003a"]);
    let screen = nvim.wait_screen_contains(MARK).await;
    let (mark, heading) = below_the_mark(&screen);
    assert!(
        mark.contains("2 messages") && mark.contains("; chat.memory = 1 ──"),
        "{mark}"
    );
    assert_eq!(heading, "## You");
    clean(&nvim).await;
}

#[tokio::test]
async fn what_the_provider_counts_cuts_the_next_request_earlier() {
    let mut sent = 0;
    let server = Server::start(move |_: &crate::support::server::Request| {
        sent += 1;
        counted(Some([640, 1330, 1500][(sent - 1).min(2)]))
    })
    .await;
    let nvim = with_window(&server, 1000).start().await;
    open(&nvim).await;
    ask(&nvim, &server, 1).await;
    assert_eq!(ask(&nvim, &server, 2).await.len(), 3);
    // 202 tokens by our estimate, of 750; four times as many by what it counted before.
    assert_eq!(ask(&nvim, &server, 3).await, ["002a", "fine", "003a"]);
    nvim.wait_screen_contains(MARK).await;
}

#[tokio::test]
async fn a_question_too_long_for_the_window_is_refused_and_stays_in_the_prompt() {
    let server = server().await;
    let nvim = with_window(&server, 60).start().await;
    open(&nvim).await;
    say(&nvim, &question(1)).await;
    nvim.wait_screen_contains("The question is ~19 tokens too long for m1: ~64, and 45 fit.")
        .await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&[], &question(1)));
    assert!(server.requests().is_empty() && events(&nvim).await.is_empty());
    nvim.feed("<C-u>").await;
    say(&nvim, "short").await;
    assert_eq!(conversation(&server.next_request().await), said(&[("user", "short")]));
    nvim.wait_screen_lacks("too long").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_is_a_little_too_long_by_estimate_is_sent() {
    let server = server().await;
    let nvim = with_window(&server, 80).start().await;
    open(&nvim).await;
    assert_eq!(ask(&nvim, &server, 1).await, ["001a"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_old_question_too_long_for_another_model_is_not_asked_again() {
    let server = server().await;
    let nvim = with_window(&server, 60).start().await;
    nvim.command("GPTModel test/m2").await;
    open(&nvim).await;
    ask(&nvim, &server, 1).await;
    nvim.command("GPTModel test/m1").await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    nvim.wait_screen_contains("too long for m1").await;
    assert_eq!(server.requests().len(), 1);
    chat_holds(&nvim, "fine").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_of_a_command_that_is_too_long_goes_into_the_prompt() {
    let server = server().await;
    let nvim = with_window(&server, 60).start().await;
    nvim.lua("require('gpt').chat({ prompt = ... })", &[text(&question(1).repeat(2))])
        .await;
    nvim.wait_screen_contains("tokens too long for m1").await;
    chat_holds(&nvim, "xy001").await;
    assert!(server.requests().is_empty());
    clean(&nvim).await;
}

#[tokio::test]
async fn the_title_shows_how_full_the_window_is_estimated_at_first_and_then_as_counted() {
    let server = Server::start(vec![
        Answer::chat_tokens(&["fine"]).gate_before_token(0, "go"),
        counted(Some(1_234)),
        counted(None),
    ])
    .await;
    let nvim = with_window(&server, 128_000).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains(" test/m1 ").await;
    say(&nvim, &question(1)).await;
    nvim.wait_screen_contains(" test/m1 · ~64 of 128k ").await;
    let estimate = "return require('gpt').status().estimate";
    assert_eq!(nvim.lua_i64(estimate, &[]).await, 64);
    server.open("go");
    nvim.wait_screen_contains(" test/m1 · 11 of 128k ").await;
    assert_eq!(nvim.lua_i64(estimate, &[]).await, 10);
    say(&nvim, "more").await;
    nvim.wait_screen_contains(" test/m1 · 1.2k of 128k ").await;
    assert_eq!(nvim.lua_i64(estimate, &[]).await, 1_234);
    nvim.command("GPTModel test/m2").await;
    nvim.wait_screen(|screen| screen.contains(" test/m2 ") && !screen.contains("1.2k of"))
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_narrow_window_leaves_the_gauge_out() {
    let server = Server::start(counted(Some(1_234))).await;
    let nvim = with_window(&server, 128_000).size(30, 24).start().await;
    open(&nvim).await;
    nvim.command("lua require('gpt').setup({ chat = { width = 20 } })")
        .await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_screen(|screen| screen.contains(" test/m1 ") && !screen.contains("128k"))
        .await;
    clean(&nvim).await;
}
