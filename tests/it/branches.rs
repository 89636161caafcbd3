//! Branches: an edited question and a second answer leave what was there before in a branch of its own.

use crate::common::*;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// A chat in which `q1` and `q2` are answered by the first two answers of the script, in normal mode.
async fn two_exchanges(more: &[&str]) -> (Nvim, Server) {
    let script: Vec<_> = ["a1", "a2"].iter().chain(more).map(|text| answer(text)).collect();
    let (nvim, server) = start(script).await;
    open(&nvim).await;
    say(&nvim, "q1").await;
    ended(&nvim, 1).await;
    say(&nvim, "q2").await;
    ended(&nvim, 2).await;
    normal_mode(&nvim).await;
    (nvim, server)
}

/// The conversation of the n-th request, counted from 0.
fn sent(server: &Server, n: usize) -> Vec<(String, String)> {
    conversation(&server.requests()[n])
}

#[tokio::test]
async fn a_second_answer_stands_beside_the_first_and_both_can_be_seen() {
    let (nvim, _server) = two_exchanges(&["b2"]).await;
    nvim.feed("gr").await;
    ended(&nvim, 3).await;
    nvim.wait_screen_contains("2/2").await;
    chat_holds(&nvim, "b2").await;
    nvim.feed("[b").await;
    nvim.wait_screen_contains("1/2").await;
    let first = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&nvim).await, transcript(&first));
    nvim.feed("]b").await;
    nvim.wait_screen_contains("2/2").await;
    let second = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "b2")];
    assert_eq!(chat_lines(&nvim).await, transcript(&second));
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_changed_question_is_asked_again_from_where_it_stands() {
    let (nvim, server) = two_exchanges(&["b1", "b2"]).await;
    nvim.feed("GAa prompt<Esc>gg/q1<CR>A, better<Esc><CR>").await;
    ended(&nvim, 3).await;
    assert_eq!(sent(&server, 2), said(&[("user", "q1, better")]));
    let shown = [("You", "q1, better"), ("test/m1", "b1")];
    assert_eq!(
        chat_lines(&nvim).await,
        transcript_with(&shown, "a prompt"),
        "the prompt stays"
    );
    nvim.wait_screen_contains("2/2").await;
    nvim.feed("gg[b").await;
    nvim.wait_screen_contains("1/2").await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&shown, "a prompt"));
    nvim.feed("G<CR>").await;
    ended(&nvim, 4).await;
    let asked = [
        ("user", "q1"),
        ("assistant", "a1"),
        ("user", "q2"),
        ("assistant", "a2"),
        ("user", "a prompt"),
    ];
    assert_eq!(sent(&server, 3), said(&asked), "the branch that is shown is sent");
    clean(&nvim).await;
}

#[tokio::test]
async fn an_edited_answer_goes_out_as_it_stands_and_the_old_one_is_kept() {
    let (nvim, server) = two_exchanges(&["a3"]).await;
    nvim.feed("gg/a1<CR>cca1, corrected<Esc>GAq3<Esc><CR>").await;
    ended(&nvim, 3).await;
    let asked = [
        ("user", "q1"),
        ("assistant", "a1, corrected"),
        ("user", "q2"),
        ("assistant", "a2"),
        ("user", "q3"),
    ];
    assert_eq!(sent(&server, 2), said(&asked));
    nvim.feed("gg/corrected<CR>[b").await;
    nvim.wait_screen_contains("1/2").await;
    nvim.feed(":<Esc>").await;
    chat_holds(&nvim, "a1").await;
    let shown = [("You", "q1"), ("test/m1", "a1"), ("You", "q2"), ("test/m1", "a2")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_earlier_answer_can_be_asked_for_again() {
    let (nvim, server) = two_exchanges(&["b1"]).await;
    nvim.feed("gg/a1<CR>gr").await;
    ended(&nvim, 3).await;
    assert_eq!(sent(&server, 2), said(&[("user", "q1")]));
    assert_eq!(chat_lines(&nvim).await, transcript(&[("You", "q1"), ("test/m1", "b1")]));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_edit_that_was_not_sent_is_not_lost_by_looking_at_another_branch() {
    let (nvim, _server) = two_exchanges(&[]).await;
    nvim.feed("gg/q2<CR>A, better<Esc>[b").await;
    nvim.wait_screen_contains("1/2").await;
    assert!(!chat_lines(&nvim).await.contains(&"q2, better".to_owned()));
    nvim.feed("]b").await;
    chat_holds(&nvim, "q2, better").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn switching_branches_is_undone_like_any_change() {
    let (nvim, server) = two_exchanges(&["b2", "a3"]).await;
    nvim.feed("gr").await;
    ended(&nvim, 3).await;
    nvim.feed("[b").await;
    chat_holds(&nvim, "a2").await;
    nvim.feed("u").await;
    chat_holds(&nvim, "b2").await;
    nvim.feed("GAq3<Esc><CR>").await;
    ended(&nvim, 4).await;
    let asked = [
        ("user", "q1"),
        ("assistant", "a1"),
        ("user", "q2"),
        ("assistant", "b2"),
        ("user", "q3"),
    ];
    assert_eq!(sent(&server, 3), said(&asked), "what is shown is what is sent");
    clean(&nvim).await;
}

#[tokio::test]
async fn where_there_is_no_other_branch_this_is_said() {
    let (nvim, _server) = two_exchanges(&[]).await;
    nvim.feed("]b").await;
    nvim.wait_screen_contains("There is no other branch.").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn where_an_undo_has_left_no_other_branch_this_is_said() {
    for keys in ["]b", "[b"] {
        let (nvim, _server) = two_exchanges(&[]).await;
        nvim.feed("u").await;
        let left = [("You", "q1"), ("test/m1", "a1"), ("You", "q2")];
        nvim.wait_lines(0, |lines| lines == transcript(&left)).await;
        nvim.feed(keys).await;
        nvim.wait_screen_contains("There is no other branch.").await;
        assert_eq!(chat_lines(&nvim).await, transcript(&left));
        nvim.feed("<C-r>").await;
        chat_holds(&nvim, "a2").await;
        clean(&nvim).await;
    }
}
