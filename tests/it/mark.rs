//! The mark above what is sent, and questions too long: after a look at another branch, `:edit`, in a queue, in
//! another language.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;
use crate::window::{MARK, ask, below_the_mark, question, with_window};

/// A chat of four exchanges, of which the last request left out the first, in normal mode.
async fn with_a_mark(server: &Server, exchanges: usize) -> Nvim {
    let nvim = with_window(server, 300).start().await;
    open(&nvim).await;
    for n in 1..=exchanges {
        ask(&nvim, server, n).await;
    }
    normal_mode(&nvim).await;
    nvim
}

/// The mark, and the question that stands below it.
fn marked(screen: &str) -> (String, String) {
    let (mark, heading) = below_the_mark(screen);
    assert_eq!(heading, "## You", "{screen}");
    let below = screen.lines().skip_while(|line| !line.contains(MARK)).nth(3);
    let question = below.and_then(|line| line.split('│').nth(1)).unwrap_or_default();
    (mark, question.trim().chars().take(3).collect())
}

#[tokio::test]
async fn a_look_at_another_branch_moves_the_mark_to_what_would_be_sent_of_it() {
    let server = crate::window::server().await;
    let nvim = with_a_mark(&server, 4).await;
    let before = marked(&nvim.wait_screen_contains(MARK).await);
    assert_eq!(before.1, "002");
    nvim.feed("gg/fine<CR>gr").await; // a second answer to the first question
    ended(&nvim, 5).await;
    nvim.wait_screen(|screen| !screen.contains(MARK) && !screen.contains(", cut"))
        .await;
    nvim.feed("[b").await;
    nvim.wait_screen_contains("1/2").await;
    let screen = nvim.wait_screen_contains(MARK).await;
    assert_eq!(marked(&screen), before);
    assert!(screen.contains(" test/m1 · ~207 of 300, cut "), "{screen}");
    nvim.feed("]b").await;
    nvim.wait_screen_contains("2/2").await;
    nvim.wait_screen(|screen| !screen.contains(MARK) && screen.contains(" test/m1 · ~69 of 300 "))
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_mark_stands_where_it_stood_after_edit() {
    let server = crate::window::server().await;
    let nvim = with_a_mark(&server, 5).await;
    let before = marked(&nvim.wait_screen_contains("4 messages").await);
    assert_eq!(before.1, "003");
    nvim.command("edit").await;
    nvim.feed("gg").await;
    let screen = nvim.wait_screen_contains(MARK).await;
    assert_eq!(marked(&screen), before);
    assert_eq!(screen.matches(MARK).count(), 1, "{screen}");
    clean(&nvim).await;
}

#[tokio::test]
async fn questions_that_wait_come_back_into_the_prompt_when_the_first_is_too_long() {
    let first = Answer::chat_tokens(&["one ", "two"]).gate_before_token(1, "on");
    let server = Server::start(vec![first]).await;
    let nvim = with_window(&server, 60).start().await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, &question(2)).await;
    say(&nvim, "third").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("a draft").await;
    server.open("on");
    nvim.wait_screen_contains("tokens too long for m1").await;
    nvim.wait_screen_lacks("queued").await;
    let shown = [("You", "first"), ("test/m1", "one two")];
    let waited = format!("{}\n\nthird\n\na draft", question(2));
    assert_eq!(chat_lines(&nvim).await, transcript_with(&shown, &waited));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn what_is_cut_and_what_is_refused_is_told_in_portuguese() {
    let server = crate::window::server().await;
    let facts =
        "locale = 'pt', models = { ['test/m1'] = { window = 300 } }, chat = { system_prompt = '', width = 100 }";
    let nvim = configured(&server, facts).size(120, 60).start().await;
    open(&nvim).await;
    for n in 1..=4 {
        ask(&nvim, &server, n).await;
    }
    nvim.wait_screen_contains("── Nada acima é enviado: 2 mensagens, ~69 tokens; janela de m1: 300 ──")
        .await;
    nvim.wait_screen_contains(" test/m1 · ~202 de 300, com corte ").await;
    say(&nvim, &question(5).repeat(5)).await;
    nvim.wait_screen_contains("A pergunta passa em ~").await;
    assert_eq!(server.requests().len(), 4);
    clean(&nvim).await;
}
