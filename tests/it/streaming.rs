//! Answers as they come: fast, cut anywhere, into an editor that is busy, locked or gone.

use std::time::Duration;

use crate::common::*;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::{Request, Script, Server};
use crate::support::wait;

/// Tokens of all kinds: words, line breaks, empty lines, characters of up to four bytes, one split between tokens.
fn many_tokens(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| match n % 11 {
            10 => format!("{n}\n"),
            7 => format!("ção{n} "),
            5 => format!("日本{n}\u{1f600} "),
            3 if n % 5 == 0 => "\n\n".to_owned(),
            _ => format!("w{n} "),
        })
        .collect()
}

fn refs(tokens: &[String]) -> Vec<&str> {
    tokens.iter().map(String::as_str).collect()
}

/// The text of the newest chat's only answer.
async fn only_answer(nvim: &Nvim, draft: &str) -> String {
    let lines = chat_lines(nvim).await;
    let tail = format!("\n\n## You\n\n{draft}");
    let all = lines.join("\n");
    let body = all
        .strip_prefix("## You\n\nhi\n\n## test/m1\n\n")
        .expect("the question and the answer's heading");
    body.strip_suffix(&tail).expect("the prompt").to_owned()
}

/// A server, and an editor whose program logs what it does.
async fn start_verbose(script: impl Into<Script>) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let nvim = configured(&server, "log_level = 'debug'").start().await;
    (nvim, server)
}

/// An editor with a chat in which "hi" has been asked, in insert mode.
async fn asked(answer: Answer) -> (Nvim, Server) {
    let (nvim, server) = start_verbose(answer).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    (nvim, server)
}

#[track_caller]
fn assert_same(shown: &str, sent: &str) {
    if let Some(at) = shown.bytes().zip(sent.bytes()).position(|(a, b)| a != b) {
        let near = |text: &str| {
            String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(40)..text.len().min(at + 40)]).into_owned()
        };
        panic!("differs at byte {at}: shown {:?}, sent {:?}", near(shown), near(sent));
    }
    assert_eq!(shown.len(), sent.len());
}

#[tokio::test]
async fn ten_thousand_tokens_arrive_in_order_in_an_open_window() {
    let tokens = many_tokens(10_000);
    let (nvim, _server) = asked(Answer::chat_tokens(&refs(&tokens))).await;
    ended(&nvim, 1).await;
    assert_same(&only_answer(&nvim, "").await, tokens.concat().trim_end_matches('\n'));
    clean(&nvim).await;
}

#[tokio::test]
async fn ten_thousand_tokens_arrive_in_order_in_a_hidden_chat() {
    let tokens = many_tokens(10_000);
    let (nvim, server) = asked(Answer::chat_tokens(&refs(&tokens)).gate_before_token(1, "on")).await;
    server.reached("on").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    server.open("on");
    ended(&nvim, 1).await;
    assert_same(&only_answer(&nvim, "").await, tokens.concat().trim_end_matches('\n'));
    clean(&nvim).await;
}

#[tokio::test]
async fn ten_thousand_tokens_arrive_in_order_while_the_user_types_elsewhere() {
    let tokens = many_tokens(10_000);
    let answer = Answer::chat_tokens(&refs(&tokens))
        .gate_before_token(3_000, "a")
        .gate_before_token(6_000, "b");
    let server = Server::start(answer).await;
    let nvim = configured(&server, "chat = { layout = 'vertical' }").start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.feed("<Esc><C-w>pi").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.fn.mode() == 'i'")
        .await;
    let typed: Vec<String> = (0..60).map(|n| format!("line {n}")).collect();
    for (n, line) in typed.iter().enumerate() {
        nvim.feed(&format!("{line}<CR>")).await;
        if n == 20 {
            server.open("a");
        }
        if n == 40 {
            server.open("b");
        }
    }
    ended(&nvim, 1).await;
    nvim.wait_lua("return vim.fn.line('$') == 61").await;
    assert_eq!(nvim.lines(0).await[..60], typed);
    assert_same(&only_answer(&nvim, "").await, tokens.concat().trim_end_matches('\n'));
    assert!(nvim.lua_bool("return vim.bo.modified", &[]).await);
    clean(&nvim).await;
}

// Cut anywhere --------------------------------------------------------------------------------------------------------

/// What each stream below says.
const PIECES: [&str; 3] = ["é\n", "日", "\u{1f600}\n\nz"];

/// A stream with CRLF line ends, by wire.
fn crlf_stream(responses: bool) -> String {
    let event = |data: serde_json::Value| format!("data: {data}\r\n\r\n");
    let delta = |piece: &&str| match responses {
        true => event(serde_json::json!({ "type": "response.output_text.delta", "delta": piece })),
        false => event(serde_json::json!({ "choices": [{ "delta": { "content": piece } }] })),
    };
    let end = match responses {
        true => event(serde_json::json!({ "type": "response.completed", "response": {} })),
        false => "data: [DONE]\r\n\r\n".to_owned(),
    };
    PIECES.iter().map(delta).chain([end]).collect()
}

/// Asks once for each place at which the stream can be cut in two, all at the same time, each in a chat of its own.
async fn cut_everywhere(responses: bool) {
    let stream = crlf_stream(responses);
    let places = stream.len() - 1;
    let server = Server::start(move |request: &Request| {
        let body = request.text();
        let digits = body.split("cut after ").nth(1).unwrap_or_default();
        let at: usize = digits
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse()
            .unwrap_or(1);
        let (head, tail) = stream.as_bytes().split_at(at);
        Answer::new([
            Step::Status(200),
            Step::header("Content-Type", "text/event-stream"),
            Step::chunk(head),
            Step::Pause(Duration::from_millis(1)),
            Step::chunk(tail),
        ])
    })
    .await;
    let url = server.url();
    let wire = if responses { "responses" } else { "chat" };
    let nvim = unconfigured()
        .init("vim.notify = function() end")
        .config(format!(
            "{{ model = 'test/m1', providers = {{ test = {{ base_url = '{url}/v1', wire = '{wire}' }} }} }}"
        ))
        .start()
        .await;
    let ask = "for n = 1, ... do
        require('gpt').chat({ new = true, prompt = ('cut after %d bytes'):format(n) })
        vim.api.nvim_win_close(0, true)
    end";
    nvim.lua(ask, &[(places as u64).into()]).await;
    ended(&nvim, places).await;
    for place in 1..=places {
        let buffer = nvim.lua_i64("return chat_buffer(...)", &[(place as u64).into()]).await;
        let question = format!("cut after {place} bytes");
        let expected = transcript(&[("You", &question), ("test/m1", &PIECES.concat())]);
        assert_eq!(nvim.lines(buffer).await, expected, "cut after {place} bytes");
    }
    assert!(
        events(&nvim)
            .await
            .iter()
            .all(|name| name == "GPTAnswerStarted" || name == "GPTAnswerDone")
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chat_completions_stream_may_be_cut_after_every_byte() {
    cut_everywhere(false).await;
}

#[tokio::test]
async fn a_responses_stream_may_be_cut_after_every_byte() {
    cut_everywhere(true).await;
}

#[tokio::test]
async fn a_stream_may_come_byte_by_byte() {
    let stream = crlf_stream(false);
    let mut steps = vec![Step::Status(200), Step::header("Content-Type", "text/event-stream")];
    steps.extend(stream.bytes().map(|byte| Step::chunk([byte])));
    let (nvim, _server) = asked(Answer::new(steps)).await;
    ended(&nvim, 1).await;
    assert_eq!(only_answer(&nvim, "").await, PIECES.concat());
}

// Busy, locked, gone --------------------------------------------------------------------------------------------------

/// Waits until the editor has refused a frame: the log says so at level debug, the screen nothing.
async fn refused(nvim: &Nvim) {
    wait::until("a frame is refused", || {
        std::fs::read_to_string(nvim.home().log()).is_ok_and(|log| log.contains("the editor did not do it"))
    })
    .await;
}

#[tokio::test]
async fn nothing_is_lost_while_the_buffer_is_not_modifiable() {
    let (nvim, server) = asked(
        answer("one two three")
            .gate_before_token(1, "a")
            .gate_before_token(2, "b"),
    )
    .await;
    nvim.wait_screen_contains("one").await;
    nvim.lua("vim.bo[chat_buffer()].modifiable = false", &[]).await;
    server.open("a");
    server.reached("b").await;
    server.open("b");
    refused(&nvim).await;
    assert_eq!(only_answer(&nvim, "").await, "one ");
    assert_eq!(events(&nvim).await, ["GPTAnswerStarted"]);
    nvim.lua("vim.bo[chat_buffer()].modifiable = true", &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(only_answer(&nvim, "").await, "one two three");
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_question_asked_while_the_buffer_is_not_modifiable_is_shown_whole_later() {
    let (nvim, server) = start_verbose(answer("one two")).await;
    open(&nvim).await;
    nvim.feed("hi").await;
    normal_mode(&nvim).await;
    nvim.lua("vim.bo.modifiable = false", &[]).await;
    nvim.feed("<CR>").await;
    server.next_request().await;
    refused(&nvim).await;
    assert_eq!(nvim.lines(0).await, transcript_with(&[], "hi"));
    nvim.lua("vim.bo.modifiable = true", &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(
        nvim.lines(0).await,
        transcript(&[("You", "hi"), ("test/m1", "one two")])
    );
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_question_sent_before_the_screen_caught_up_waits_and_loses_nothing() {
    let (nvim, server) = start_verbose([
        answer("one two").gate_before_token(1, "on").then(Step::wait_for("end")),
        answer("three"),
    ])
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("next").await;
    normal_mode(&nvim).await;
    nvim.lua("vim.bo.modifiable = false", &[]).await;
    server.open("on");
    server.reached("end").await;
    server.open("end");
    refused(&nvim).await;
    nvim.feed("<CR>").await;
    nvim.wait_screen_contains("The chat is not modifiable").await;
    nvim.lua("vim.bo.modifiable = true", &[]).await;
    ended(&nvim, 1).await;
    let shown = transcript_with(&[("You", "hi"), ("test/m1", "one two")], "next");
    assert_eq!(nvim.lines(0).await, shown);
    nvim.feed("<CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two"), ("user", "next")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn nothing_is_lost_while_the_text_is_locked() {
    let (nvim, server) = asked(
        answer("one two three")
            .gate_before_token(1, "a")
            .then(Step::wait_for("end")),
    )
    .await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    // An expression mapping locks the text (E565) while it waits.
    nvim.lua(
        "vim.keymap.set('n', 'Z', function() vim.g.locked = 1; vim.wait(20000, function() return vim.g.go == 1 end, 5); return '' end, { expr = true })",
        &[],
    )
    .await;
    nvim.feed("Z").await;
    nvim.wait_lua("return vim.g.locked == 1").await;
    server.open("a");
    server.reached("end").await;
    server.open("end");
    assert_eq!(only_answer(&nvim, "").await, "one ");
    nvim.lua("vim.g.go = 1", &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(only_answer(&nvim, "").await, "one two three");
    assert_eq!(clean(&nvim).await, "");
}

/// Waits until the editor serves nobody.
async fn blocked(nvim: &Nvim) {
    let deadline = tokio::time::Instant::now() + wait::LIMIT;
    loop {
        let mode = nvim.call("nvim_get_mode", &[]).await;
        let blocking = mode.as_map().and_then(|map| {
            map.iter()
                .find(|(key, _)| key.as_str() == Some("blocking"))
                .map(|(_, value)| value.as_bool() == Some(true))
        });
        if blocking == Some(true) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "the editor does not block");
        tokio::time::sleep(wait::POLL).await;
    }
}

/// Streams the most of an answer into an editor that these keys block, then frees it by others.
async fn streamed_into_a_blocked_editor(block: &str, free: &str) {
    let tokens = many_tokens(2_000);
    let answer = Answer::chat_tokens(&refs(&tokens))
        .gate_before_token(1, "on")
        .gate_before_token(1_990, "end");
    let (nvim, server) = asked(answer).await;
    server.reached("on").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    nvim.command("call setline(1, ['abc', 'def'])").await;
    nvim.feed(block).await;
    blocked(&nvim).await;
    server.open("on");
    server.reached("end").await;
    nvim.feed(free).await;
    server.open("end");
    ended(&nvim, 1).await;
    assert_same(&only_answer(&nvim, "").await, tokens.concat().trim_end_matches('\n'));
    assert_eq!(nvim.lines(0).await[1], "def");
    clean(&nvim).await;
}

#[tokio::test]
async fn nothing_is_lost_at_a_hit_enter_prompt() {
    streamed_into_a_blocked_editor(":echo \"one\\ntwo\"<CR>", "<CR>").await;
}

#[tokio::test]
async fn nothing_is_lost_while_a_replacement_is_awaited() {
    streamed_into_a_blocked_editor("r", "x").await;
}

#[tokio::test]
async fn a_chat_wiped_in_the_middle_of_an_answer_ends_it_without_an_error() {
    let (nvim, server) = asked(answer("one two three").gate_before_token(2, "never")).await;
    nvim.wait_screen_contains("one two").await;
    normal_mode(&nvim).await;
    nvim.feed(":bwipeout!<CR>").await;
    server.closed(0).await;
    nvim.wait_lua("return chat_buffer() == nil").await;
    assert_eq!(clean(&nvim).await, "");
    open(&nvim).await;
    assert_eq!(nvim.lines(0).await, transcript(&[]));
}

#[tokio::test]
async fn a_chat_wiped_in_a_flood_ends_it_without_an_error() {
    let tokens = many_tokens(20_000);
    let (nvim, server) = asked(Answer::chat_tokens(&refs(&tokens)).then(Step::Stall)).await;
    nvim.wait_screen(|screen| screen.contains('日')).await;
    normal_mode(&nvim).await;
    nvim.feed(":bwipeout!<CR>").await;
    server.closed(0).await;
    nvim.wait_lua("return chat_buffer() == nil and vim.fn.mode() == 'n'")
        .await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_chat_deleted_in_the_middle_of_an_answer_is_gone_like_a_wiped_one() {
    let (nvim, server) = asked(answer("one two three").gate_before_token(1, "never")).await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed(":bdelete!<CR>").await;
    server.closed(0).await;
    nvim.wait_lua("return chat_buffer() == nil").await;
    open(&nvim).await;
    assert_eq!(nvim.lines(0).await, transcript(&[]));
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn an_editor_killed_in_the_middle_of_an_answer_leaves_no_process_behind() {
    let (nvim, server) = asked(answer("one two").gate_before_token(1, "never")).await;
    nvim.wait_screen_contains("one").await;
    assert!(nvim.processes().len() >= 2, "the editor and the program");
    nvim.kill9().await;
    wait::until("the program has ended", || nvim.processes().is_empty()).await;
    server.closed(0).await;
}

#[tokio::test]
async fn an_editor_that_quits_leaves_no_process_behind() {
    let (nvim, server) = asked(answer("one two").gate_before_token(1, "never")).await;
    nvim.wait_screen_contains("one").await;
    assert!(nvim.quit().await.success());
    wait::until("the program has ended", || nvim.processes().is_empty()).await;
    server.closed(0).await;
}

#[tokio::test]
async fn an_answer_deleted_while_it_is_written_stays_deleted() {
    let (nvim, server) = start([answer("one two three").gate_before_token(1, "on"), answer("four")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed("5G4dd").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    server.open("on");
    ended(&nvim, 1).await;
    assert_eq!(nvim.lines(0).await, transcript(&[("You", "hi")]));
    nvim.feed("GA").await;
    say(&nvim, "next").await;
    ended(&nvim, 2).await;
    assert_eq!(conversation(&server.requests()[1]), said(&[("user", "hi\n\nnext")]));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_prompt_deleted_while_an_answer_is_written_comes_back() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "on"), answer("three")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed("9GdG").await;
    nvim.wait_lines(0, |lines| lines.iter().filter(|line| *line == "## You").count() == 1)
        .await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed(":GPTChat next<CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "hi"), ("assistant", "one two"), ("user", "next")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_that_came_in_many_frames_is_one_undo_step() {
    let answer = answer("one two three")
        .gate_before_token(1, "a")
        .gate_before_token(2, "b");
    let (nvim, server) = asked(answer).await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    server.open("a");
    nvim.wait_screen_contains("two").await;
    server.open("b");
    ended(&nvim, 1).await;
    nvim.feed("u").await;
    let lines = nvim.wait_lines(0, |lines| !lines.join(" ").contains("three")).await;
    assert!(!lines.join(" ").contains("one"), "{lines:?}");
    nvim.feed("<C-r>").await;
    chat_holds(&nvim, "one two three").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_editor_may_change_its_size_while_an_answer_streams() {
    let tokens = many_tokens(3_000);
    let answer = Answer::chat_tokens(&refs(&tokens)).gate_before_token(1_500, "on");
    let (nvim, server) = asked(answer).await;
    for (width, height) in [(40, 10), (12, 4), (120, 40), (80, 24)] {
        nvim.call("nvim_ui_try_resize", &[width.into(), height.into()]).await;
        nvim.wait_lua(&format!("return vim.o.columns == {width} and vim.o.lines == {height}"))
            .await;
    }
    server.open("on");
    ended(&nvim, 1).await;
    assert_same(&only_answer(&nvim, "").await, tokens.concat().trim_end_matches('\n'));
    assert_eq!(clean(&nvim).await, "");
}
