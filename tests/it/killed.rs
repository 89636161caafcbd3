//! The program is killed in each state of a turn: what was no message yet is back in the prompt, nothing else changes, and
//! a new program goes on from what is shown.

use crate::common::*;
use crate::history::program;
use crate::random::{shown, together};
use crate::reasoning::thoughtful;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::process;
use crate::support::server::{Script, Server};

/// What a user has copied, and the program asks about.
const SUSPICIOUS: &str = "ghp_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2";

/// A chat in insert mode, whose dialogs are kept in `dialog`.
async fn begun(script: impl Into<Script>) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let nvim = configured(&server, "")
        .init("vim.ui.select = function(items, _, done) _G.dialog = done end")
        .start()
        .await;
    open(&nvim).await;
    (nvim, server)
}

/// Kills the program, and waits until the editor knows.
async fn kill(nvim: &Nvim) {
    process::kill9(program(nvim).await);
    nvim.wait_lua("return not require('gpt.client').is_running()").await;
    nvim.wait_lua("return require('gpt').status().state ~= 'answering'")
        .await;
}

/// The user was told that a question is back.
async fn told(nvim: &Nvim) {
    nvim.wait_lua("return vim.fn.execute('messages'):gsub('%s+', ' '):find('Your question is back in the prompt.', 1, true) ~= nil")
        .await;
}

/// The prompt holds this and nothing waits; what is sent from there goes out as it is shown.
async fn goes_on(nvim: &Nvim, server: &Server, draft: &str) {
    for sign in ["queued", "looking up", "not sent"] {
        assert!(!nvim.screen().contains(sign), "{}", nvim.screen());
    }
    let lines = chat_lines(nvim).await;
    let prompt = lines.iter().rposition(|line| line == "## You").expect("a prompt") + 1;
    assert_eq!(lines[prompt..].join("\n").trim(), draft, "{lines:?}");
    normal_mode(nvim).await;
    nvim.feed("GA last.<Esc><CR>").await;
    let asked = server.next_request_with("last.").await;
    nvim.wait_lua("return table.concat(vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true), '\\n'):match('last%..*## test/m1') ~= nil")
        .await;
    let held = together(conversation(&asked));
    assert_eq!(shown(&chat_lines(nvim).await, "last."), held);
    clean(nvim).await;
}

#[tokio::test]
async fn while_the_user_is_asked_about_a_question_it_comes_back() {
    let (nvim, server) = begun([answer("ok")]).await;
    say(&nvim, &format!("see {SUSPICIOUS}")).await;
    nvim.wait_lua("return dialog ~= nil").await;
    nvim.feed("a draft").await;
    kill(&nvim).await;
    told(&nvim).await;
    let back = format!("see {SUSPICIOUS}\n\na draft");
    let lines = chat_lines(&nvim).await.join("\n");
    assert!(lines.ends_with(&back), "{lines}");
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn before_a_question_is_shown_it_comes_back() {
    let (nvim, server) = begun([answer("ok"), answer("ok")]).await;
    nvim.feed("hi").await;
    normal_mode(&nvim).await;
    nvim.lua("vim.bo.modifiable = false", &[]).await;
    nvim.feed("<CR>").await;
    server.next_request().await;
    kill(&nvim).await;
    nvim.lua("vim.bo.modifiable = true", &[]).await;
    goes_on(&nvim, &server, "hi").await;
}

#[tokio::test]
async fn before_the_first_word_what_waits_comes_back_in_front_of_the_draft() {
    let (nvim, server) = begun([answer("one").gate_before_token(0, "never"), answer("ok")]).await;
    say(&nvim, "first").await;
    server.next_request().await;
    say(&nvim, "second").await;
    say(&nvim, "third").await;
    nvim.wait_screen_contains("queued").await;
    nvim.feed("a draft").await;
    kill(&nvim).await;
    told(&nvim).await;
    goes_on(&nvim, &server, "second\n\nthird\n\na draft").await;
}

#[tokio::test]
async fn while_a_model_thinks_its_thoughts_stay_and_what_waits_comes_back() {
    let thinks = thoughtful(&["hm ", "so"], &["never"]).gate_before_token(2, "never");
    let (nvim, server) = begun([thinks, answer("ok")]).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "> hm so").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    kill(&nvim).await;
    chat_holds(&nvim, "> hm so").await;
    goes_on(&nvim, &server, "second").await;
}

#[tokio::test]
async fn in_an_answer_its_words_stay_and_what_waits_comes_back() {
    let (nvim, server) = begun([answer("one two").gate_before_token(1, "never"), answer("ok")]).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    say(&nvim, "see #file:none").await;
    kill(&nvim).await;
    chat_holds(&nvim, "one").await;
    let lines = chat_lines(&nvim).await.join("\n");
    assert!(lines.contains("second") && lines.contains("see #file:none"), "{lines}");
    nvim.feed("<Esc>:silent %s/see #file:none//<CR>").await;
    goes_on(&nvim, &server, "second").await;
}

#[tokio::test]
async fn between_two_tries_nothing_counts_down_any_more() {
    let busy = Answer::json(503, &serde_json::json!({ "error": { "message": "Not now." } }))
        .with_header("retry-after-ms", "30000");
    let (nvim, server) = begun([busy, answer("ok")]).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("again in").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    kill(&nvim).await;
    nvim.wait_screen_lacks("again in").await;
    goes_on(&nvim, &server, "second").await;
}

#[tokio::test]
async fn after_an_answer_whose_end_is_not_shown_yet_what_waits_comes_back() {
    let gated = answer("one two").gate_before_token(1, "on").then(Step::wait_for("end"));
    let (nvim, server) = begun([gated, answer("ok"), answer("ok")]).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    normal_mode(&nvim).await;
    nvim.lua("vim.bo.modifiable = false", &[]).await;
    server.open("on");
    server.reached("end").await;
    server.open("end");
    kill(&nvim).await;
    nvim.lua("vim.bo.modifiable = true", &[]).await;
    let requests = server.requests().len();
    normal_mode(&nvim).await;
    nvim.feed("GAlast.<Esc><CR>").await;
    let asked = server.next_request_with("last.").await;
    assert_eq!(requests, 1);
    let (_, question) = conversation(&asked).pop().expect("a question");
    assert_eq!(question, "second\n\nlast.");
    clean(&nvim).await;
}

#[tokio::test]
async fn while_another_branch_is_on_its_way_the_one_that_is_shown_stays() {
    let (nvim, server) = begun([answer("one"), answer("two"), answer("ok")]).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.lua("vim.bo.modifiable = false", &[]).await;
    nvim.feed("[b").await;
    kill(&nvim).await;
    nvim.lua("vim.bo.modifiable = true", &[]).await;
    chat_holds(&nvim, "two").await;
    goes_on(&nvim, &server, "").await;
}

#[tokio::test]
async fn twice_in_one_chat_nothing_is_asked_twice() {
    let script = [
        answer("one two").gate_before_token(1, "never"),
        answer("three four").gate_before_token(1, "never"),
        answer("ok"),
    ];
    let (nvim, server) = begun(script).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    kill(&nvim).await;
    nvim.wait_screen_lacks("queued").await;
    nvim.feed("<C-s>").await;
    chat_holds(&nvim, "three").await;
    say(&nvim, "third").await;
    nvim.wait_screen_contains("queued").await;
    kill(&nvim).await;
    nvim.wait_screen_lacks("queued").await;
    goes_on(&nvim, &server, "third").await;
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn in_a_private_chat_it_goes_on_from_what_is_shown() {
    let (nvim, server) = begun([answer("one two").gate_before_token(1, "never"), answer("ok")]).await;
    nvim.feed("<Esc>:GPT private<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "one").await;
    kill(&nvim).await;
    goes_on(&nvim, &server, "").await;
}
