//! What one `u` takes back of a draft that was typed in insert mode while an answer was being written, and where it leaves
//! the cursor. Each piece of an answer parts what is typed before it from what is typed after it.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A chat whose first answer has come as far as "one", in insert mode in the prompt; the gates "a" to "c" let it go on.
async fn streaming(more: impl IntoIterator<Item = Answer>) -> (Nvim, Server) {
    let first = answer("one two three four")
        .gate_before_token(1, "a")
        .gate_before_token(2, "b")
        .gate_before_token(3, "c");
    let (nvim, server) = start(std::iter::once(first).chain(more).collect::<Vec<_>>()).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    (nvim, server)
}

const WHOLE: [(&str, &str); 2] = [("You", "hi"), ("test/m1", "one two three four")];

/// Types a draft in one stay in insert mode, between whose words the answer goes on until "three".
async fn type_draft(nvim: &Nvim, server: &Server) {
    nvim.feed("a ").await;
    server.open("a");
    chat_holds(nvim, "one two").await;
    nvim.feed("long ").await;
    server.open("b");
    chat_holds(nvim, "one two three").await;
    nvim.feed("draft").await;
    chat_holds(nvim, "a long draft").await;
}

async fn cursor_text(nvim: &Nvim) -> String {
    let line = nvim.lua("return vim.api.nvim_get_current_line()", &[]).await;
    line.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn one_undo_takes_back_a_draft_between_whose_words_the_answer_went_on() {
    let (nvim, server) = streaming([]).await;
    type_draft(&nvim, &server).await;
    nvim.feed("<Esc>u").await;
    server.open("c");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&WHOLE));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_of_a_draft_in_mid_stream_leaves_the_cursor_in_the_prompt() {
    let (nvim, server) = streaming([answer("again")]).await;
    type_draft(&nvim, &server).await;
    nvim.feed("<Esc>u").await;
    server.open("c");
    ended(&nvim, 1).await;
    nvim.feed("iother<Esc><CR>").await;
    ended(&nvim, 2).await;
    let said_before = [("user", "hi"), ("assistant", "one two three four"), ("user", "other")];
    assert_eq!(conversation(&server.requests()[1]), said(&said_before));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_where_nothing_is_to_be_undone_in_mid_stream_leaves_the_cursor_in_the_prompt() {
    let (nvim, server) = streaming([]).await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.feed("<Esc>").await;
    nvim.feed("u").await;
    server.open("b");
    chat_holds(&nvim, "one two three").await;
    let code = "return vim.fn.line('.') == vim.fn.line('$')";
    assert_eq!(
        nvim.lua(code, &[]).await.as_bool(),
        Some(true),
        "{}",
        cursor_text(&nvim).await
    );
    server.open("c");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&WHOLE));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_after_the_last_word_and_before_the_answers_end_leaves_the_answer_alone() {
    let first = answer("one two").gate_before_token(1, "a").gate_before_token(2, "end");
    let (nvim, server) = start([first]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    nvim.feed("draft<Esc>").await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.feed("u").await;
    server.open("end");
    ended(&nvim, 1).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", "one two")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_an_undo_takes_back_below_a_growing_answer_is_not_called_queued() {
    let (nvim, server) = streaming([]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.feed("<Esc>").await;
    // The next piece comes before the editor tells of the change, as it may in a fast stream.
    at_once(&nvim, "u").await;
    server.open("b");
    chat_holds(&nvim, "one two three").await;
    nvim.wait_screen_lacks("queued").await;
    server.open("c");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&WHOLE, "second"));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_draft_typed_before_and_after_a_question_that_waits_is_undone_apart_from_it() {
    let (nvim, server) = streaming([]).await;
    nvim.feed("sec").await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    say(&nvim, "ond").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("dra").await;
    server.open("b");
    chat_holds(&nvim, "one two three").await;
    nvim.feed("ft<Esc>").await;
    at_once(&nvim, "u").await;
    server.open("c");
    chat_holds(&nvim, "one two three four").await;
    nvim.wait_lines(0, |lines| {
        lines.contains(&"second".to_owned()) && !lines.contains(&"draft".to_owned())
    })
    .await;
    ended(&nvim, 1).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn one_undo_takes_an_answer_whole_between_whose_words_a_draft_was_typed() {
    let (nvim, server) = streaming([answer("again")]).await;
    type_draft(&nvim, &server).await;
    server.open("c");
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    nvim.feed("<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&WHOLE, "a long draft"))
        .await;
    nvim.feed("uu").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[], "hi")).await;
    nvim.feed("<C-r><C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&WHOLE, "a long draft"))
        .await;
    nvim.feed("G<CR>").await;
    ended(&nvim, 2).await;
    let said_before = [
        ("user", "hi"),
        ("assistant", "one two three four"),
        ("user", "a long draft"),
    ];
    assert_eq!(conversation(&server.requests()[1]), said(&said_before));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_interrupt_in_insert_mode_ends_that_mode_and_not_the_answer() {
    let (nvim, server) = streaming([]).await;
    nvim.feed("draft").await;
    chat_holds(&nvim, "draft").await;
    nvim.feed("<C-c>").await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    server.open("a");
    server.open("b");
    server.open("c");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&WHOLE, "draft"));
    nvim.wait_screen_lacks("Stopped").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_second_interrupt_stops_the_answer() {
    let (nvim, _server) = streaming([]).await;
    nvim.feed("draft").await;
    chat_holds(&nvim, "draft").await;
    nvim.feed("<C-c>").await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    nvim.feed("<C-c>").await;
    nvim.wait_screen_contains("Stopped").await;
    clean(&nvim).await;
}

/// Presses keys before anything else is looked at.
async fn at_once(nvim: &Nvim, keys: &str) {
    let code = "vim.cmd.normal(vim.keycode(...)) return true";
    nvim.lua(code, &[keys.into()]).await;
}
