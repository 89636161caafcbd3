//! Type-ahead: what is sent while an answer is being written waits above the prompt, and goes out when its turn comes.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A chat whose first answer has come as far as "one", in insert mode; the gate "on" lets it go on.
async fn streaming(more: impl IntoIterator<Item = Answer>) -> (Nvim, Server) {
    let first = answer("one two").gate_before_token(1, "on");
    let script: Vec<_> = std::iter::once(first).chain(more).collect();
    let (nvim, server) = start(script).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    (nvim, server)
}

const FIRST: [(&str, &str); 2] = [("You", "first"), ("test/m1", "one two")];

#[tokio::test]
async fn a_question_sent_during_an_answer_waits_and_goes_out_after_it() {
    let (nvim, server) = streaming([answer("three")]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued: goes out when the answer is done")
        .await;
    assert_eq!(server.requests().len(), 1);
    nvim.feed("a draft").await;
    server.open("on");
    ended(&nvim, 2).await;
    let shown = [FIRST[0], FIRST[1], ("You", "second"), ("test/m1", "three")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&shown, "a draft"));
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "first"), ("assistant", "one two"), ("user", "second")])
    );
    nvim.wait_screen_lacks("queued").await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn several_questions_wait_in_their_order() {
    let (nvim, server) = streaming([answer("two!"), answer("three!")]).await;
    say(&nvim, "second").await;
    say(&nvim, "third").await;
    server.open("on");
    ended(&nvim, 3).await;
    let shown = [
        FIRST[0],
        FIRST[1],
        ("You", "second"),
        ("test/m1", "two!"),
        ("You", "third"),
        ("test/m1", "three!"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_waiting_question_goes_out_as_it_was_changed_meanwhile() {
    let (nvim, server) = streaming([answer("three")]).await;
    say(&nvim, "second").await;
    nvim.feed("<Esc>?second<CR>A, changed<Esc>G").await;
    server.open("on");
    ended(&nvim, 2).await;
    assert_eq!(conversation(&server.requests()[1])[2].1, "second, changed");
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_takes_a_waiting_question_back_into_the_prompt() {
    let (nvim, server) = streaming([]).await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("<Esc>u").await;
    nvim.wait_screen_lacks("queued").await;
    server.open("on");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&FIRST, "second"));
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_waiting_question_whose_text_is_deleted_is_not_sent() {
    let (nvim, server) = streaming([answer("three")]).await;
    say(&nvim, "second").await;
    say(&nvim, "third").await;
    nvim.feed("<Esc>?second<CR>dd").await;
    server.open("on");
    ended(&nvim, 2).await;
    let shown = [FIRST[0], FIRST[1], ("You", "third"), ("test/m1", "three")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_stop_brings_what_waits_back_into_the_prompt() {
    let (nvim, server) = streaming([]).await;
    say(&nvim, "second").await;
    say(&nvim, "third").await;
    nvim.feed("a draft").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_lacks("queued").await;
    let shown = [("You", "first"), ("test/m1", "one ")];
    assert_eq!(
        chat_lines(&nvim).await,
        transcript_with(&shown, "second\n\nthird\n\na draft")
    );
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_that_fails_brings_what_waits_back_into_the_prompt() {
    let (nvim, server) = start(
        answer("one two")
            .gate_before_token(1, "on")
            .cut_after_tokens(1, crate::support::answer::Step::Reset),
    )
    .await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, "second").await;
    server.open("on");
    ended(&nvim, 1).await;
    chat_holds(&nvim, "second").await;
    nvim.wait_screen_lacks("queued").await;
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_of_the_command_during_an_answer_waits_too() {
    let (nvim, server) = streaming([answer("three")]).await;
    nvim.feed("a draft").await;
    normal_mode(&nvim).await;
    nvim.feed(":GPTChat and then?<CR>").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    ended(&nvim, 2).await;
    let shown = [FIRST[0], FIRST[1], ("You", "and then?"), ("test/m1", "three")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&shown, "a draft"));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_empty_prompt_during_an_answer_says_that_one_is_being_written() {
    let (nvim, server) = streaming([]).await;
    normal_mode(&nvim).await;
    nvim.feed("<CR>").await;
    nvim.wait_screen_contains("An answer is being written.").await;
    server.open("on");
    ended(&nvim, 1).await;
    clean(&nvim).await;
}
