//! What one `u` takes back, whatever has happened to the chat meanwhile: an answer, then its question.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Home, Nvim};
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
    nvim.wait_lines(0, |lines| lines == transcript_with(&WHOLE, "draft"))
        .await;
    nvim.feed("G<CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "first"), ("assistant", "one two three"), ("user", "draft")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    assert!(!nvim.screen().contains("/2"), "{}", nvim.screen());
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_goes_on_in_one_undo_step_when_its_next_word_comes_before_the_end_of_an_edit_is_noticed() {
    let (nvim, server) = streaming([]).await;
    let hold = "_G.held, _G.schedule = {}, vim.schedule
                vim.schedule = function(work) held[#held + 1] = work end
                vim.cmd('edit!')
                vim.schedule = schedule";
    nvim.lua(hold, &[]).await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.lua("vim.iter(held):each(schedule)", &[]).await;
    server.open("b");
    ended(&nvim, 1).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[("You", "first")], ""))
        .await;
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

#[tokio::test]
async fn undo_takes_a_commands_question_back_into_the_prompt() {
    let (nvim, server) = start([answer("one"), answer("two")]).await;
    nvim.feed(":GPTChat what is it?<CR>").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "what is it?")]))
        .await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[], "what is it?"))
        .await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[])).await;
    nvim.feed("<C-r>GA Tell.<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "what is it? Tell.")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_takes_a_commands_question_back_above_the_draft_that_was_there() {
    let (nvim, server) = start([answer("one"), answer("two")]).await;
    open(&nvim).await;
    nvim.feed("a draft<Esc>:GPTChat what is it?<CR>").await;
    ended(&nvim, 1).await;
    let shown = [("You", "what is it?"), ("test/m1", "one")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&shown, "a draft"));
    nvim.feed("<Esc>uu").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[], "what is it?\n\na draft"))
        .await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&[], "a draft"))
        .await;
    nvim.feed("<C-r><C-r><C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript_with(&shown, "a draft"))
        .await;
    nvim.feed("G<CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "what is it?"), ("assistant", "one"), ("user", "a draft")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_takes_a_commands_waiting_question_back_into_the_prompt() {
    let (nvim, server) = streaming([]).await;
    nvim.feed("GAa draft<Esc>:GPTChat and then?<CR>").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("<Esc>u").await;
    nvim.wait_lines(0, |lines| {
        lines.ends_with(&["and then?".into(), String::new(), "a draft".into()])
    })
    .await;
    nvim.wait_screen_lacks("queued").await;
    server.open("a");
    server.open("b");
    ended(&nvim, 1).await;
    assert_eq!(server.requests().len(), 1);
    assert_eq!(chat_lines(&nvim).await, transcript_with(&WHOLE, "and then?\n\na draft"));
    clean(&nvim).await;
}

/// The lines of the chat once `u` was pressed so often, and what stands at the right edges of its headings.
async fn undone(nvim: &Nvim, times: usize) -> (String, String) {
    nvim.feed(&"u".repeat(times)).await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    let edges = "local chat = require('gpt.chat.chats').current()
      local edges = vim.tbl_map(function(heading) return heading.entry.branch or '-' end, require('gpt.chat.headings').all(chat))
      return table.concat(edges, ' ')";
    (chat_lines(nvim).await.join("\n"), nvim.lua_string(edges, &[]).await)
}

const TWICE: [(&str, &str); 4] = [
    ("You", "first"),
    ("test/m1", "one"),
    ("You", "second"),
    ("test/m1", "two"),
];

#[tokio::test]
async fn an_edited_question_is_undone_answer_by_answer_and_its_branch_mark_with_it() {
    let script = [answer("one"), answer("two"), answer("three"), answer("four")];
    let (nvim, server) = start(script).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    say(&nvim, "second").await;
    ended(&nvim, 2).await;
    normal_mode(&nvim).await;
    nvim.feed("gg/first<CR>A, better<Esc><CR>").await;
    ended(&nvim, 3).await;
    let mut edited = TWICE;
    edited[0].1 = "first, better";
    let shown = transcript(&edited[..1]).join("\n");
    assert_eq!(undone(&nvim, 1).await, (shown, "2/2 -".to_owned()));
    let shown = transcript(&edited).join("\n");
    assert_eq!(undone(&nvim, 1).await, (shown, "2/2 - - - -".to_owned()));
    let shown = transcript(&TWICE).join("\n");
    assert_eq!(undone(&nvim, 1).await, (shown, "1/2 - - - -".to_owned()));
    nvim.feed("GAthird<Esc><CR>").await;
    ended(&nvim, 4).await;
    let sent: Vec<String> = conversation(&server.requests()[3])
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(sent, ["first", "one", "second", "two", "third"]);
    nvim.feed("gg").await;
    nvim.wait_screen_contains("1/2").await;
    clean(&nvim).await;
}

/// A chat in a project with a file `a.txt` of this content.
pub async fn with_file(content: &str, script: Vec<Answer>) -> (Nvim, Server, Home) {
    let server = Server::start(script).await;
    let home = Home::new();
    home.write("a.txt", content);
    let file = home.path().join("home/a.txt");
    let nvim = configured(&server, "")
        .home(&home)
        .size(100, 40)
        .arg(file)
        .start()
        .await;
    open(&nvim).await;
    (nvim, server, home)
}

const TWO_LINES: &str = "alpha\nbeta\n";
const FOLDED: &str = "▸ #file:a.txt  2 lines";

#[tokio::test]
async fn an_action_with_a_context_word_is_undone_in_two_steps() {
    let (nvim, _server, _home) = with_file(TWO_LINES, vec![answer("one")]).await;
    say(&nvim, "/explain #file:a.txt").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.wait_screen_contains(FOLDED).await;
    let (lines, _) = undone(&nvim, 1).await;
    assert!(lines.contains("Explain what") && !lines.contains("test/m1"), "{lines}");
    nvim.wait_screen_contains(FOLDED).await;
    let (lines, _) = undone(&nvim, 1).await;
    assert_eq!(lines, "## You\n\n/explain #file:a.txt");
    let (lines, _) = undone(&nvim, 1).await;
    assert_eq!(lines, "## You\n\n");
    nvim.feed("3<C-r>").await;
    nvim.wait_screen_contains(FOLDED).await;
    chat_holds(&nvim, "one").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_edited_question_with_a_context_word_is_undone_in_two_steps() {
    let (nvim, _server, _home) = with_file(TWO_LINES, vec![answer("one"), answer("two"), answer("three")]).await;
    say(&nvim, "first #file:a.txt").await;
    ended(&nvim, 1).await;
    say(&nvim, "second").await;
    ended(&nvim, 2).await;
    normal_mode(&nvim).await;
    let before = chat_lines(&nvim).await.join("\n");
    nvim.feed("gg/first<CR>cefirst of all<Esc><CR>").await;
    ended(&nvim, 3).await;
    let (lines, _) = undone(&nvim, 1).await;
    assert!(!lines.contains("test/m1"), "{lines}");
    let (lines, _) = undone(&nvim, 1).await;
    assert_eq!(lines, before.replace("first #", "first of all #"));
    nvim.wait_screen_contains(FOLDED).await;
    assert_eq!(undone(&nvim, 1).await, (before, "1/2 - - - -".to_owned()));
    nvim.wait_screen_contains(FOLDED).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn looking_for_a_branch_where_there_is_none_leaves_no_undo_step() {
    let (nvim, _server) = start([answer("one")]).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "first")]))
        .await;
    let steps = "return vim.fn.undotree().seq_last";
    let before = nvim.lua_i64(steps, &[]).await;
    nvim.feed("]b").await;
    nvim.wait_screen_contains("no other branch").await;
    assert_eq!(nvim.lua_i64(steps, &[]).await, before);
    nvim.feed("<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&TWICE[..2])).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_typed_behind_a_heading_is_said_after_the_chat_was_read_again() {
    let (nvim, server) = start([answer("one")]).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.feed("GddGddGAsaid<Esc>:e!<CR>").await;
    nvim.feed("G<CR>").await;
    ended(&nvim, 1).await;
    assert_eq!(conversation(&server.requests()[0]), said(&[("user", "said")]));
    clean(&nvim).await;
}
