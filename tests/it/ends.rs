//! How a turn ends: an answer that its provider cut never looks whole, neither now nor when its chat comes back.

use gpt_nvim::history::{History, Limits, State};
use rusqlite::Connection;
use serde_json::json;

use crate::actions::{CODE, in_repository, showing as with_code, stage};
use crate::apply::diff_shown;
use crate::code::{ask, code, showing, ten};
use crate::common::*;
use crate::history::{database, editor, gone, home_with, name};
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;

/// A stream of Chat Completions that says this and ends with this word.
fn ending(text: &str, word: &str) -> Answer {
    let chunk = |delta: serde_json::Value, word: serde_json::Value| {
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": word}]}).to_string()
    };
    let said = chunk(json!({"content": text}), json!(null));
    Answer::sse(&[&said, &chunk(json!({}), json!(word)), "[DONE]"])
}

/// Name and word of the last event.
async fn last_event(nvim: &Nvim) -> String {
    let code = "local last = seen[#seen] return last.name .. ' ' .. tostring(last.data.finish)";
    nvim.lua_string(code, &[]).await
}

#[tokio::test]
async fn a_word_that_is_no_normal_end_is_told_and_the_turn_has_not_succeeded() {
    for word in [
        "length",
        "content_filter",
        "model_length",
        "error",
        "insufficient_system_resource",
        "strange",
    ] {
        let (nvim, _server) = start([ending("half a sen", word)]).await;
        open(&nvim).await;
        say(&nvim, "hi").await;
        ended(&nvim, 1).await;
        assert_eq!(last_event(&nvim).await, format!("GPTAnswerFailed {word}"));
        let screen = nvim.wait_screen_contains(":GPT continue").await;
        assert!(screen.contains(word) && screen.contains("half a sen"), "{screen}");
        assert!(screen.contains("cut · "), "{screen}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn where_the_window_is_full_nobody_is_told_to_go_on() {
    let (nvim, _server) = start([ending("half a sen", "model_context_window_exceeded")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    let screen = nvim.wait_screen_contains("Start a new chat with :GPTChat!").await;
    assert!(!screen.contains(":GPT continue"), "{screen}");
    clean(&nvim).await;
}

#[tokio::test]
async fn normal_words_are_quiet() {
    for word in ["stop", "eos", "end_turn"] {
        let (nvim, _server) = start([ending("all of it", word)]).await;
        open(&nvim).await;
        say(&nvim, "hi").await;
        ended(&nvim, 1).await;
        assert_eq!(last_event(&nvim).await, "GPTAnswerDone nil");
        assert!(!nvim.screen().contains("cut · "), "{}", nvim.screen());
        let quiet = "return require('gpt.chat.chats').current().notice == nil";
        assert!(nvim.lua_bool(quiet, &[]).await, "{word}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_question_behind_an_answer_that_is_cut_comes_back_and_is_not_sent() {
    let first = ending("half", "length").gate_before_token(1, "on");
    let (nvim, server) = start([first, answer("more")]).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    chat_holds(&nvim, "half").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.wait_screen_lacks("queued").await;
    let lines = chat_lines(&nvim).await.join("\n");
    let shown = transcript_with(&[("You", "first"), ("test/m1", "half")], "second");
    assert_eq!(lines.trim_end(), shown.join("\n"));
    assert_eq!(server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_that_was_cut_is_still_so_when_its_chat_comes_back() {
    let (home, server, nvim) = home_with([ending("half a sen", "length"), answer("tence")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    // A program from before this one knows five states; it must be able to read what is kept.
    let kept = Connection::open(database(&home)).expect("a history");
    let row = "SELECT state || ' ' || finish FROM messages WHERE role = 'assistant'";
    let row: String = kept.query_row(row, [], |row| row.get(0)).expect("an answer");
    assert_eq!(row, "failed length");
    let opened = History::open(&database(&home), Limits::default()).await.unwrap();
    let id = chat.rsplit('/').next().expect("a name");
    let answer = opened.history.load(id, 0).await.unwrap().messages.remove(1);
    assert_eq!((answer.state, answer.finish.as_deref()), (State::Cut, Some("length")));
    opened.history.close().await.unwrap();

    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "half a sen").await;
    let screen = later.wait_screen_contains("cut · ").await;
    assert!(
        screen.contains("The answer was cut at the limit of tokens (length)."),
        "{screen}"
    );
    let file = home.path().join("out.md");
    later.feed(&format!(":GPT export {}<CR>", file.display())).await;
    later
        .wait_lua(&format!("return vim.fn.filereadable('{}') == 1", file.display()))
        .await;
    let exported = std::fs::read_to_string(file).expect("a file");
    assert!(exported.contains("## m1 (cut)"), "{exported}");
    // An answer below it does not make it whole.
    later.feed(":GPT continue<CR>").await;
    ended(&later, 1).await;
    later.wait_screen_contains("cut · ").await;
    clean(&later).await;
}

#[tokio::test]
async fn a_cut_commit_message_is_not_written_and_that_is_told() {
    let script = ending("```text\nfeat: gree", "length");
    let (builder, _server, folder) = in_repository([script], &["one"]).await;
    stage(&folder);
    std::fs::write(folder.join(".git/COMMIT_EDITMSG"), "\n# Please enter\n").expect("a file");
    let nvim = builder.arg(".git/COMMIT_EDITMSG").start().await;
    nvim.feed(":GPT commit<CR>").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("The answer was cut").await;
    let lines = "return vim.api.nvim_buf_get_lines(1, 0, -1, true)";
    assert_eq!(nvim.lua_lines(lines, &[]).await, ["", "# Please enter"]);
    nvim.feed(":GPTChat<CR>").await;
    nvim.wait_screen_contains("The action did not use the answer").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_problems_of_a_cut_answer_are_not_listed_as_if_they_were_all() {
    let (nvim, _server) = with_code([ending("f.lua:2: error: odd\nf.l", "content_filter")], CODE, "").await;
    nvim.feed(":GPT problems<CR>").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("The action did not use the answer").await;
    assert_eq!(nvim.lua_i64("return #vim.fn.getqflist()", &[]).await, 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_at_the_end_of_a_cut_answer_is_looked_at_before_it_is_taken() {
    let half = ending("Like this:\n\n```lua\nnew a\nnew", "length");
    let (nvim, _server, _home) = showing("f.lua", &ten(), half).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.feed("ga").await;
    diff_shown(&nvim).await;
    nvim.wait_screen_contains("The answer was cut").await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", ten());
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_that_has_its_end_in_a_cut_answer_is_taken_as_ever() {
    let half = ending("Like this:\n\n```lua\nnew\n```\n\nThis wor", "length");
    let (nvim, _server, _home) = showing("f.lua", &ten(), half).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.feed("ga").await;
    wait(&nvim, "return vim.fn.getbufline(1, 5)[1] == 'new'".into()).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn counts_that_cannot_be_do_not_break_the_end_of_an_answer_in_the_history() {
    let said = json!({"choices": [{"index": 0, "delta": {"content": "all"}, "finish_reason": "stop"}]}).to_string();
    let counts = r#"{"choices":[],"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":1e300}}"#;
    let (home, server, nvim) = home_with([Answer::sse(&[&said, counts, "[DONE]"])]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    assert_eq!(last_event(&nvim).await, "GPTAnswerDone nil");
    let chat = name(&nvim).await;
    assert_eq!(clean(&nvim).await, "");
    nvim.quit().await;
    gone(&nvim).await;
    let kept = Connection::open(database(&home)).expect("a history");
    let row = "SELECT state || ' ' || input || ' ' || output FROM messages JOIN usage ON message = key";
    let row: String = kept.query_row(row, [], |row| row.get(0)).expect("an answer");
    assert_eq!(row, "whole 100000000 100000000");
    let later = editor(&home, &server, "").await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "all").await;
    clean(&later).await;
}

#[tokio::test]
async fn another_model_that_answers_in_place_of_the_one_that_was_asked_is_named() {
    let server = crate::support::server::Server::start([Answer::sse(&[
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"fallback","from":{"model":"m1"},"to":{"model":"m2"}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"all"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":4,"output_tokens":2}}"#,
        r#"{"type":"message_stop"}"#,
    ])])
    .await;
    let url = server.url();
    let wire = format!("providers = {{ test = {{ base_url = '{url}/v1', wire = 'anthropic', key = false }} }}");
    let nvim = configured(&server, &wire).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("let m2 answer in place of m1.").await;
    let last = "return seen[#seen].name .. ' ' .. seen[#seen].data.model";
    assert_eq!(nvim.lua_string(last, &[]).await, "GPTAnswerDone m2");
    clean(&nvim).await;
}
