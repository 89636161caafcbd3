//! What one `u` takes back, whatever has happened to the chat meanwhile: an answer, then its question.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A chat whose first answer has come as far as "one", in normal mode; the gates "a" and "b" let it go on.
async fn streaming(more: impl IntoIterator<Item = Answer>) -> (Nvim, Server) {
    let first = answer("one two three")
        .gate_before_token(1, "a")
        .gate_before_token(2, "b");
    let (nvim, server) = start(std::iter::once(first).chain(more).collect::<Vec<_>>()).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    (nvim, server)
}

const WHOLE: [(&str, &str); 2] = [("You", "first"), ("test/m1", "one two three")];

#[tokio::test]
async fn one_undo_takes_an_answer_whole_that_was_read_again_in_mid_stream() {
    let (nvim, server) = streaming([answer("ok")]).await;
    nvim.feed("GAdraft<Esc>:e!<CR>").await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.feed(":e!<CR>").await;
    server.open("b");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&WHOLE, "draft"));
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[("You", "first")], "draft"))
        .await;
    nvim.feed("uu<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&WHOLE, "draft")).await;
    nvim.feed("G<CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "first"), ("assistant", "one two three"), ("user", "draft")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    assert!(!nvim.screen().contains("/2"), "{}", nvim.screen());
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_that_was_read_again_and_stopped_says_so() {
    let (nvim, _server) = streaming([]).await;
    nvim.feed(":e!<CR>").await;
    chat_holds(&nvim, "one").await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("Stopped.").await;
    nvim.feed(":e!<CR>").await;
    chat_holds(&nvim, "one").await;
    nvim.wait_screen_contains("Stopped.").await;
    clean(&nvim).await;
}
