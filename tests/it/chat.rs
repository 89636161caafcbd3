//! The chat, as someone at the keyboard sees it.

use crate::common::*;
use crate::support::answer::{Answer, Step};
use crate::support::nvim::Nvim;
use crate::support::server::Server;
use crate::support::wait;

// Asking and answering ------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_question_typed_into_the_float_is_answered_in_it() {
    let (nvim, server) = start(answer("Hello from the model.")).await;
    open(&nvim).await;
    say(&nvim, "hi there").await;
    ended(&nvim, 1).await;
    let shown = transcript(&[("You", "hi there"), ("test/m1", "Hello from the model.")]);
    assert_eq!(chat_lines(&nvim).await, shown);
    nvim.wait_screen_contains("Hello from the model.").await;
    let request = server.next_request().await;
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.json()["model"], "m1");
    assert_eq!(request.json()["stream"], true);
    assert_eq!(conversation(&request), said(&[("user", "hi there")]));
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn tokens_appear_while_the_answer_still_streams() {
    let (nvim, server) = start(
        answer("first second third")
            .gate_before_token(1, "second")
            .gate_before_token(2, "third"),
    )
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("first").await;
    assert!(!nvim.screen().contains("second"));
    server.open("second");
    nvim.wait_screen_contains("first second").await;
    assert_eq!(events(&nvim).await, ["GPTAnswerStarted"]);
    server.open("third");
    ended(&nvim, 1).await;
    chat_holds(&nvim, "first second third").await;
}

#[tokio::test]
async fn openai_is_asked_by_responses_as_the_environment_says() {
    let server = Server::start(Answer::responses_tokens(&["Good ", "day."])).await;
    let nvim = unconfigured()
        .env("OPENAI_API_KEY", "sk-test-1234567890")
        .env("OPENAI_BASE_URL", format!("{}/v1/", server.url()))
        .env("OPENAI_ORG_ID", "org-1")
        .env("OPENAI_PROJECT_ID", "proj-1")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    let request = server.next_request().await;
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/responses")
    );
    assert_eq!(request.header("authorization"), Some("Bearer sk-test-1234567890"));
    assert_eq!(request.header("openai-organization"), Some("org-1"));
    assert_eq!(request.header("openai-project"), Some("proj-1"));
    let body = request.json();
    assert_eq!((&body["stream"], &body["store"]), (&true.into(), &false.into()));
    let model = body["model"].as_str().unwrap().to_owned();
    ended(&nvim, 1).await;
    let heading = format!("openai/{model}");
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), (&heading, "Good day.")])
    );
}

#[tokio::test]
async fn empty_organization_and_project_ids_are_not_sent() {
    let server = Server::start(Answer::responses_tokens(&["Good day."])).await;
    let nvim = unconfigured()
        .env("OPENAI_API_KEY", "sk-test-1234567890")
        .env("OPENAI_BASE_URL", format!("{}/v1", server.url()))
        .env("OPENAI_ORG_ID", "")
        .env("OPENAI_PROJECT_ID", " ")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    let request = server.next_request().await;
    assert_eq!(request.header("openai-organization"), None);
    assert_eq!(request.header("openai-project"), None);
    ended(&nvim, 1).await;
}

#[tokio::test]
async fn a_question_given_to_the_command_is_sent_at_once() {
    let (nvim, server) = start(answer("Forty-two.")).await;
    nvim.feed(":GPTChat what is <lt>six> times seven?<CR>").await;
    ended(&nvim, 1).await;
    let shown = transcript(&[("You", "what is <six> times seven?"), ("test/m1", "Forty-two.")]);
    assert_eq!(chat_lines(&nvim).await, shown);
    assert_eq!(
        conversation(&server.next_request().await),
        said(&[("user", "what is <six> times seven?")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_bang_opens_a_new_chat_and_without_it_the_last_one_comes_back() {
    let (nvim, server) = start([answer("one"), answer("two")]).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    let first = chat_buffer(&nvim).await;
    nvim.feed("a draft").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    open(&nvim).await;
    assert_eq!(nvim.lua_i64("return vim.api.nvim_get_current_buf()", &[]).await, first);
    let kept = transcript_with(&[("You", "first"), ("test/m1", "one")], "a draft");
    assert_eq!(nvim.lines(0).await, kept);
    normal_mode(&nvim).await;
    open_by(&nvim, "GPTChat!").await;
    let second = nvim.lua_i64("return vim.api.nvim_get_current_buf()", &[]).await;
    assert_ne!(first, second);
    assert_eq!(nvim.lines(0).await, transcript(&[]));
    say(&nvim, "second").await;
    ended(&nvim, 2).await;
    assert_eq!(nvim.lines(first).await, kept);
    let requests = server.requests();
    assert_eq!(conversation(&requests[1]), said(&[("user", "second")]));
    clean(&nvim).await;
}

#[tokio::test]
async fn two_chats_are_answered_at_once() {
    let server = Server::start(|request: &crate::support::server::Request| {
        let name = conversation(request)[0].1.clone();
        answer(&format!("{name}: one two")).gate_before_token(1, &name)
    })
    .await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "left").await;
    server.reached("left").await;
    normal_mode(&nvim).await;
    open_by(&nvim, "GPTChat!").await;
    say(&nvim, "right").await;
    server.reached("right").await;
    server.open("right");
    ended(&nvim, 1).await;
    let buffers = [
        nvim.lua_i64("return chat_buffer(1)", &[]).await,
        nvim.lua_i64("return chat_buffer(2)", &[]).await,
    ];
    assert_eq!(
        nvim.lines(buffers[1]).await,
        transcript(&[("You", "right"), ("test/m1", "right: one two")])
    );
    server.open("left");
    ended(&nvim, 2).await;
    assert_eq!(
        nvim.lines(buffers[0]).await,
        transcript(&[("You", "left"), ("test/m1", "left: one two")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn the_offline_guide_answers_without_a_key_and_without_a_network_and_says_what_it_is() {
    let nvim = unconfigured().size(100, 40).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains("guide/manual (offline manual, no language model)")
        .await;
    say(&nvim, "How do I stop an answer?").await;
    ended(&nvim, 1).await;
    let lines = chat_lines(&nvim).await;
    assert_eq!(lines[4], "## guide/manual");
    let text = lines.join("\n");
    assert!(
        text.contains("I am no language model") && text.contains("<C-c>"),
        "{text}"
    );
    let provider = "return seen[#seen].name .. ' ' .. seen[#seen].data.provider .. ' ' .. seen[#seen].data.model";
    assert_eq!(nvim.lua_string(provider, &[]).await, "GPTAnswerDone guide manual");
    clean(&nvim).await;
}

#[tokio::test]
async fn asking_again_replaces_the_last_answer() {
    let (nvim, server) = start([answer("bad"), answer("good")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.feed("a draft").await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    let shown = transcript_with(&[("You", "hi"), ("test/m1", "good")], "a draft");
    assert_eq!(chat_lines(&nvim).await, shown);
    assert_eq!(conversation(&server.requests()[1]), said(&[("user", "hi")]));
    clean(&nvim).await;
}

#[tokio::test]
async fn an_empty_prompt_is_not_sent_and_says_so() {
    let (nvim, server) = start(Vec::new()).await;
    open(&nvim).await;
    say(&nvim, "  ").await;
    nvim.wait_screen_contains("## You   · Nothing to send.").await;
    nvim.feed("x").await;
    nvim.wait_screen_lacks("Nothing to send.").await;
    nvim.feed("<BS>").await;
    chat_holds(&nvim, "  ").await;
    assert!(server.requests().is_empty());
    nvim.wait_lines(0, |lines| lines == transcript_with(&[], "  ")).await;
    nvim.feed("<Esc><CR>").await;
    nvim.wait_screen_contains("Nothing to send. Write your question below the last heading.")
        .await;
}

// The window ----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn modifiers_and_the_option_choose_the_layout() {
    let (nvim, _server) = start(Vec::new()).await;
    let shape = "local c = vim.api.nvim_win_get_config(0)
        return ('%s %d %s'):format(c.relative == '' and 'window' or 'float', vim.fn.tabpagenr('$'), vim.fn.winlayout()[1])";
    for (command, expected) in [
        ("GPTChat!", "float 1 leaf"),
        ("vertical GPTChat!", "window 1 row"),
        ("horizontal GPTChat!", "window 1 col"),
        ("tab GPTChat!", "window 2 leaf"),
        ("botright vertical GPTChat!", "window 1 row"),
    ] {
        open_by(&nvim, command).await;
        assert_eq!(nvim.lua_string(shape, &[]).await, expected, "{command}");
        nvim.command("stopinsert | silent! tabonly | tabnew | tabonly").await;
        nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    }
    for (layout, expected) in [
        ("float", "float 1 leaf"),
        ("vertical", "window 1 row"),
        ("horizontal", "window 1 col"),
        ("tab", "window 2 leaf"),
    ] {
        nvim.lua("require('gpt').setup({ chat = { layout = ... } })", &[text(layout)])
            .await;
        open_by(&nvim, "GPTChat!").await;
        assert_eq!(nvim.lua_string(shape, &[]).await, expected, "{layout}");
        nvim.command("stopinsert | silent! tabonly | tabnew | tabonly").await;
        nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn the_float_has_the_model_as_its_title_and_keys_in_its_footer() {
    let (nvim, _server) = start(Vec::new()).await;
    open(&nvim).await;
    nvim.wait_screen_contains(" test/m1 ").await;
    let screen = nvim
        .wait_screen_contains("<C-s> send · <C-c> stop · q hide · g? keys")
        .await;
    assert!(screen.contains('╭') && screen.contains('╰'), "{screen}");
}

#[tokio::test]
async fn the_border_option_is_respected() {
    for (border, corner) in [
        ("'double'", "╔"),
        ("{ '1', '2', '3', '4', '5', '6', '7', '8' }", "1222"),
    ] {
        let server = Server::start(Vec::new()).await;
        let more = format!("chat = {{ border = {border} }}");
        let nvim = configured(&server, &more).start().await;
        open(&nvim).await;
        nvim.wait_screen_contains(" test/m1 ").await;
        let state = nvim.screen_state();
        let (row, _) = state.find(" test/m1 ").unwrap();
        assert!(state.row(row).contains(&format!(" {corner}")), "{}", nvim.screen());
    }
}

#[tokio::test]
async fn no_border_is_a_border_too() {
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "chat = { border = 'none' }").start().await;
    open(&nvim).await;
    nvim.wait_screen_contains("## You").await;
    nvim.wait_lua("return require('gpt').status().model").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn winborder_is_respected_where_there_is_one() {
    let (nvim, _server) = start(Vec::new()).await;
    if !nvim.lua_bool("return vim.fn.exists('+winborder') == 1", &[]).await {
        return;
    }
    nvim.command("set winborder=double").await;
    open(&nvim).await;
    nvim.wait_screen_contains("╔").await;
    for winborder in ["none", "+,-,+,|,+,-,+,|"] {
        normal_mode(&nvim).await;
        if nvim.try_lua("vim.o.winborder = ...", &[text(winborder)]).await.is_ok() {
            open_by(&nvim, "GPTChat!").await;
            nvim.wait_screen_contains("## You").await;
        }
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn a_spinner_turns_until_the_first_token() {
    let (nvim, server) = start(
        answer("word word")
            .gate_before_token(0, "first")
            .gate_before_token(1, "second"),
    )
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    server.reached("first").await;
    nvim.wait_screen(|screen| screen.contains("⠋ waiting")).await;
    nvim.wait_screen(|screen| screen.contains("⠙ waiting")).await;
    server.open("first");
    nvim.wait_screen_contains("word").await;
    nvim.wait_screen_lacks("waiting").await;
    server.open("second");
    ended(&nvim, 1).await;
}

#[tokio::test]
async fn a_hidden_chat_goes_on_and_one_line_tells_when_it_is_done() {
    let (nvim, server) = start(answer("one two").gate_before_token(1, "on")).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_screen_lacks("test/m1").await;
    server.open("on");
    nvim.wait_screen_contains("The answer is there. :GPTChat shows it.")
        .await;
    open(&nvim).await;
    assert_eq!(
        nvim.lines(0).await,
        transcript(&[("You", "hi"), ("test/m1", "one two")])
    );
    assert_eq!(clean(&nvim).await, "The answer is there. :GPTChat shows it.");
}

#[tokio::test]
async fn typing_into_the_prompt_goes_on_while_an_answer_streams() {
    let (nvim, server) = start(
        answer("one two\nthree four\nfive")
            .gate_before_token(1, "a")
            .gate_before_token(2, "b"),
    )
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("next ques").await;
    chat_holds(&nvim, "next ques").await;
    server.open("a");
    nvim.wait_screen_contains("three").await;
    nvim.feed("tion<CR>in two lines").await;
    chat_holds(&nvim, "in two lines").await;
    server.open("b");
    ended(&nvim, 1).await;
    let shown = transcript_with(
        &[("You", "hi"), ("test/m1", "one two\nthree four\nfive")],
        "next question\nin two lines",
    );
    assert_eq!(chat_lines(&nvim).await, shown);
    nvim.feed("!").await;
    chat_holds(&nvim, "in two lines!").await;
}

/// Thirty numbered lines, each one token.
fn long_answer() -> Vec<String> {
    (1..=30).map(|n| format!("line number {n}\n")).collect()
}

#[tokio::test]
async fn a_cursor_that_reads_above_is_not_moved_and_its_window_not_scrolled() {
    let lines = long_answer();
    let tokens: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (nvim, server) = start([
        Answer::chat_tokens(&tokens),
        Answer::chat_tokens(&tokens).gate_before_token(1, "on"),
    ])
    .await;
    open(&nvim).await;
    say(&nvim, "first").await;
    ended(&nvim, 1).await;
    say(&nvim, "second").await;
    server.reached("on").await;
    normal_mode(&nvim).await;
    nvim.feed("12G5|").await;
    nvim.wait_lua("return vim.fn.line('.') == 12").await;
    let view = "return vim.inspect(vim.fn.winsaveview())";
    let before = nvim.lua_string(view, &[]).await;
    server.open("on");
    ended(&nvim, 2).await;
    assert_eq!(nvim.lua_string(view, &[]).await, before);
}

#[tokio::test]
async fn a_window_whose_cursor_is_in_the_prompt_follows() {
    let lines = long_answer();
    let tokens: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (nvim, server) = start(Answer::chat_tokens(&tokens).gate_before_token(25, "on")).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    server.reached("on").await;
    nvim.wait_screen_contains("line number 25").await;
    let prompt_is_last = "return vim.fn.line('.') == vim.fn.line('$') and vim.fn.line('w$') == vim.fn.line('$')";
    assert!(nvim.lua_bool(prompt_is_last, &[]).await);
    server.open("on");
    nvim.wait_screen_contains("line number 30").await;
    ended(&nvim, 1).await;
    assert!(nvim.lua_bool(prompt_is_last, &[]).await);
    assert!(!nvim.screen().contains("line number 5\n"));
}

// Stopping ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_stopped_answer_is_kept_marked_and_sent_with_the_next_question() {
    let (nvim, server) = start([answer("one two three").gate_before_token(2, "never"), answer("four")]).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one two").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    server.closed(0).await;
    nvim.wait_screen_contains("· Stopped.").await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "first"), ("test/m1", "one two ")])
    );
    assert_eq!(events(&nvim).await, ["GPTAnswerStarted", "GPTAnswerStopped"]);
    nvim.feed("i").await;
    say(&nvim, "second").await;
    ended(&nvim, 2).await;
    assert_eq!(
        conversation(&server.requests()[1]),
        said(&[("user", "first"), ("assistant", "one two "), ("user", "second")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_is_stopped_while_the_server_says_nothing_at_all() {
    let (nvim, server) = start([Answer::new([Step::Stall]), answer("there")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    server.next_request().await;
    nvim.wait_screen_contains("waiting").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    server.closed(0).await;
    nvim.wait_screen_contains("Stopped.").await;
    nvim.wait_screen_lacks("waiting").await;
    nvim.feed("i").await;
    say(&nvim, "again").await;
    ended(&nvim, 2).await;
    assert_eq!(conversation(&server.requests()[1]), said(&[("user", "hi\n\nagain")]));
    chat_holds(&nvim, "there").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_is_stopped_after_its_headers_and_before_its_first_token() {
    let (nvim, server) = start(answer("never").gate_before_token(0, "never")).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    server.reached("never").await;
    normal_mode(&nvim).await;
    nvim.feed(":GPT stop<CR>").await;
    server.closed(0).await;
    nvim.wait_screen_contains("Stopped.").await;
    nvim.wait_screen_lacks("waiting").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn bytes_that_come_after_a_stop_do_not_appear() {
    let flood: Vec<String> = (0..20_000).map(|n| format!("word{n} ")).collect();
    let tokens: Vec<&str> = flood.iter().map(String::as_str).collect();
    let (nvim, server) = start([
        Answer::chat_tokens(&tokens)
            .gate_before_token(1, "flood")
            .before_token(20_000, Step::Stall),
        answer("two"),
    ])
    .await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("word0").await;
    normal_mode(&nvim).await;
    server.open("flood");
    chat_holds(&nvim, "word9 ").await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    assert_eq!(events(&nvim).await, ["GPTAnswerStarted", "GPTAnswerStopped"]);
    let stopped = chat_lines(&nvim).await[6].clone();
    assert!(flood.concat().starts_with(&stopped) && stopped.len() < flood.concat().len());
    server.closed(0).await;
    nvim.feed("GA").await;
    say(&nvim, "second").await;
    ended(&nvim, 2).await;
    let shown = transcript(&[
        ("You", "first"),
        ("test/m1", &stopped),
        ("You", "second"),
        ("test/m1", "two"),
    ]);
    assert_eq!(chat_lines(&nvim).await, shown);
    assert_eq!(conversation(&server.requests()[1])[1].1, stopped);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_second_stop_is_harmless() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "never"), answer("three")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c><C-c>").await;
    server.closed(0).await;
    nvim.wait_screen_contains("No answer is being written.").await;
    ended(&nvim, 1).await;
    assert_eq!(events(&nvim).await, ["GPTAnswerStarted", "GPTAnswerStopped"]);
    nvim.feed("i").await;
    say(&nvim, "again").await;
    ended(&nvim, 2).await;
    assert_eq!(events(&nvim).await.last().unwrap(), "GPTAnswerDone");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_stop_without_any_chat_says_that_there_is_nothing_to_stop() {
    let nvim = unconfigured().start().await;
    nvim.command("GPT stop").await;
    assert_eq!(clean(&nvim).await, "No answer is being written.");
}

// What is seen is what is sent ----------------------------------------------------------------------------------------

/// A chat with one answered question, in normal mode; the second question is still to be asked.
async fn chat_with(first: &str, answered: &str) -> (Nvim, Server) {
    let (nvim, server) = start([answer(answered), answer("done")]).await;
    open(&nvim).await;
    say(&nvim, first).await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    (nvim, server)
}

/// Asks "next" in a chat of [`chat_with`]; what was sent.
async fn next_request(nvim: &Nvim, server: &Server) -> Vec<(String, String)> {
    nvim.feed("GA").await;
    say(nvim, "next").await;
    ended(nvim, 2).await;
    clean(nvim).await;
    conversation(&server.requests()[1])
}

#[tokio::test]
async fn an_edited_message_is_sent_as_it_reads_now() {
    let (nvim, server) = chat_with("what is 1+1", "three").await;
    nvim.feed("3Gcc").await;
    nvim.feed("what is 1+2<Esc>7Gcc").await;
    nvim.feed("three, of course<Esc>").await;
    nvim.wait_lines(0, |lines| lines[6] == "three, of course").await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[
            ("user", "what is 1+2"),
            ("assistant", "three, of course"),
            ("user", "next")
        ])
    );
}

#[tokio::test]
async fn a_deleted_message_is_not_sent() {
    let (nvim, server) = chat_with("secret", "I see").await;
    nvim.feed("gg4dd").await;
    nvim.wait_lines(0, |lines| lines[0] == "## test/m1").await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[
            ("user", "(The conversation begins with your words.)"),
            ("assistant", "I see"),
            ("user", "next")
        ])
    );
}

#[tokio::test]
async fn a_deleted_heading_joins_its_text_to_the_message_above() {
    let (nvim, server) = chat_with("a question", "an answer").await;
    nvim.feed("5Gdd").await;
    nvim.wait_lines(0, |lines| !lines.iter().any(|line| line == "## test/m1"))
        .await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", "a question\n\n\nan answer\n\nnext")])
    );
}

#[tokio::test]
async fn an_emptied_chat_begins_anew() {
    let (nvim, server) = chat_with("a question", "an answer").await;
    nvim.feed("ggdG").await;
    nvim.wait_lines(0, |lines| lines.join("").is_empty()).await;
    nvim.feed("inext").await;
    nvim.wait_lines(0, |lines| lines == ["next"]).await;
    nvim.feed("<C-s>").await;
    ended(&nvim, 2).await;
    assert_eq!(nvim.lines(0).await, transcript(&[("You", "next"), ("test/m1", "done")]));
    assert_eq!(conversation(&server.requests()[1]), said(&[("user", "next")]));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_deleted_prompt_comes_back_when_there_is_something_to_send() {
    let (nvim, server) = chat_with("a question", "an answer").await;
    nvim.feed("9GdG").await;
    nvim.wait_lines(0, |lines| lines.len() == 8).await;
    nvim.feed("<CR>").await;
    nvim.wait_lines(0, |lines| {
        lines == transcript(&[("You", "a question"), ("test/m1", "an answer")])
    })
    .await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", "a question"), ("assistant", "an answer"), ("user", "next")])
    );
}

#[tokio::test]
async fn an_undone_deletion_is_sent_again() {
    let (nvim, server) = chat_with("a question", "an answer").await;
    nvim.feed("gg4dd").await;
    nvim.wait_lines(0, |lines| lines[0] == "## test/m1").await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines[0] == "## You").await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", "a question"), ("assistant", "an answer"), ("user", "next")])
    );
}

#[tokio::test]
async fn nothing_in_an_answer_breaks_the_structure() {
    let odd =
        "## You\n\nnot a question\n\n## test/m1\n<!-- gpt -->\n---\n\n> quote\n\n```md\n## You\n```\n    code\nlast";
    let (nvim, server) = chat_with("hi", odd).await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", "hi"), ("assistant", odd), ("user", "next")])
    );
}

#[tokio::test]
async fn nothing_in_a_prompt_breaks_the_structure() {
    let odd = "# A\n## You\n## test/m1\n```lua\nprint(1)\n<!--\n## You\n-->\n~~~\nlast";
    let (nvim, server) = chat_with(odd, "I see").await;
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", odd), ("assistant", "I see"), ("user", "next")])
    );
}

#[tokio::test]
async fn a_fence_that_an_answer_leaves_open_is_closed() {
    let (nvim, server) = chat_with("hi", "````lua\nprint(1)\n```\nx").await;
    let closed = "````lua\nprint(1)\n```\nx\n````";
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", closed)])
    );
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", "hi"), ("assistant", closed), ("user", "next")])
    );
}

#[tokio::test]
async fn a_fence_that_a_stopped_answer_leaves_open_is_closed() {
    let (nvim, server) = start(answer("```lua\nprint(1) -- and").gate_before_token(1, "never")).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("print(1)").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    server.closed(0).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", "```lua\nprint(1) \n```")])
    );
}

// Keys and files ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn brackets_go_from_message_to_message() {
    let (nvim, _server) = chat_with("hi", "## You\nnot a heading").await;
    nvim.feed("gg").await;
    for (keys, line) in [
        ("]]", 5),
        ("]]", 10),
        ("]]", 10),
        ("[[", 5),
        ("[[", 1),
        ("[[", 1),
        ("2]]", 10),
    ] {
        nvim.feed(keys).await;
        nvim.feed(":let g:done = get(g:, 'done', 0) + 1<CR>").await;
        nvim.wait_lua("return vim.g.done and vim.fn.mode() == 'n'").await;
        wait(&nvim, format!("return vim.fn.line('.') == {line} -- {keys}")).await;
        nvim.command("unlet g:done").await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn a_list_of_keys_is_shown_and_goes_away() {
    let (nvim, _server) = start(Vec::new()).await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.feed("g?").await;
    let screen = nvim
        .wait_screen_contains("ask again for this answer, or the last one")
        .await;
    for key in ["<CR> <C-s>", "<C-c>", "gr", "]]", "[[", "q ", "g?", ":help gpt.nvim"] {
        assert!(screen.contains(key), "{key}");
    }
    nvim.feed("q").await;
    nvim.wait_screen_lacks("ask again for this answer, or the last one")
        .await;
    assert!(nvim.lua_bool("return vim.bo.filetype == 'gptchat'", &[]).await);
    clean(&nvim).await;
}

#[tokio::test]
async fn keys_of_the_chat_are_changed_and_switched_off() {
    let server = Server::start(answer("there")).await;
    let keymaps = "chat = { keymaps = { send = '<leader>s', hide = { 'Q', 'ZZ' }, regenerate = false } }";
    let nvim = configured(&server, keymaps).start().await;
    open(&nvim).await;
    nvim.feed("hi").await;
    normal_mode(&nvim).await;
    assert!(
        nvim.lua_bool(
            "return vim.fn.maparg('gr', 'n') == '' or vim.fn.maparg('gr', 'n', false, true).buffer == 0",
            &[]
        )
        .await
    );
    assert!(
        nvim.lua_bool(
            "return vim.fn.maparg('q', 'n') == '' and vim.fn.maparg('<CR>', 'n') == ''",
            &[]
        )
        .await
    );
    nvim.wait_screen_contains("\\s send".replace('\\', "<leader>").as_str())
        .await;
    nvim.feed("\\s").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("Q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn writing_a_chat_says_that_it_is_no_file_and_a_name_saves_a_copy() {
    let (nvim, server) = chat_with("hi", "there").await;
    nvim.feed(":w<CR>").await;
    nvim.wait_screen_contains("Chats are kept by themselves; :write name.md saves a copy.")
        .await;
    nvim.feed(":w kept.md<CR>").await;
    let path = nvim.home().path().join("home/kept.md");
    wait::until("the copy is written", || {
        std::fs::read_to_string(&path).is_ok_and(|text| text.contains("there"))
    })
    .await;
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.lines().collect::<Vec<_>>(), chat_lines(&nvim).await);
    nvim.wait_screen_contains("Saved to kept.md.").await;
    nvim.feed(":2,3w kept.md<CR>").await;
    nvim.wait_screen_contains("E13: File exists").await;
    nvim.feed(":3w! kept.md<CR>").await;
    wait::until("the line is written", || {
        std::fs::read_to_string(&path).is_ok_and(|text| text == "hi\n")
    })
    .await;
    nvim.feed(":w no/such/directory.md<CR>").await;
    nvim.wait_screen_contains("Not saved to no/such/directory.md: No such file or directory.")
        .await;
    assert!(
        nvim.lua_bool("return vim.api.nvim_buf_get_name(0):find('^gpt://chat/') ~= nil", &[])
            .await
    );
    assert_eq!(
        next_request(&nvim, &server).await,
        said(&[("user", "hi"), ("assistant", "there"), ("user", "next")])
    );
}

#[tokio::test]
async fn quitting_never_complains_about_a_draft() {
    let (nvim, _server) = start(Vec::new()).await;
    open(&nvim).await;
    nvim.feed("a draft").await;
    chat_holds(&nvim, "a draft").await;
    nvim.feed("<Esc>:qa<CR>").await;
    assert!(nvim.exited().await.success());
}

#[tokio::test]
async fn quitting_never_complains_in_the_middle_of_an_answer() {
    for hidden in [false, true] {
        let (nvim, server) = start(answer("one two").gate_before_token(1, "on")).await;
        open(&nvim).await;
        say(&nvim, "hi").await;
        nvim.wait_screen_contains("one").await;
        nvim.feed("a draft<Esc>").await;
        chat_holds(&nvim, "a draft").await;
        if hidden {
            nvim.feed("q").await;
            nvim.wait_screen_lacks("test/m1").await;
        }
        nvim.feed(":qa<CR>").await;
        assert!(nvim.exited().await.success());
        // The answer goes on into the history.
        server.open("on");
        server.closed(0).await;
    }
}

// What others hear of it ----------------------------------------------------------------------------------------------

#[tokio::test]
async fn autocommands_tell_of_the_start_and_the_three_ends_of_an_answer() {
    let (nvim, server) = start([
        answer("one two"),
        Answer::json(
            400,
            &serde_json::json!({ "error": { "message": "no such thing", "type": "invalid_request_error" } }),
        ),
        answer("one two").gate_before_token(1, "never"),
    ])
    .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    say(&nvim, "hi").await;
    ended(&nvim, 2).await;
    say(&nvim, "hi").await;
    server.reached("never").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 3).await;
    let expected =
        ["Started", "Done", "Started", "Failed", "Started", "Stopped"].map(|name| format!("GPTAnswer{name}"));
    assert_eq!(events(&nvim).await, expected);
    let same = "local id = vim.api.nvim_buf_get_name(chat_buffer()):match('gpt://chat/(.+)')
        return vim.iter(seen):all(function(event)
          return event.data.chat == id and event.data.provider == 'test' and event.data.model == 'm1'
        end)";
    assert!(nvim.lua_bool(same, &[]).await);
    assert_eq!(nvim.lua_i64("return seen[2].data.usage.output", &[]).await, 2);
    assert_eq!(nvim.lua_i64("return seen[2].data.usage.input", &[]).await, 10);
    let errors = "return vim.tbl_map(function(event) return type(event.data.error) end, seen)";
    assert_eq!(
        nvim.lua_lines(errors, &[]).await,
        ["nil", "nil", "nil", "string", "nil", "nil"]
    );
}

#[tokio::test]
async fn the_status_says_what_is_going_on() {
    let (nvim, server) = start(answer("one two").gate_before_token(1, "on")).await;
    let status = "local s = require('gpt').status()
        return ('%s %s %s'):format(s.state, s.model or '-', s.usage and s.usage.output or '-')";
    assert_eq!(nvim.lua_string(status, &[]).await, "off - -");
    open(&nvim).await;
    nvim.wait_screen_contains(" test/m1 ").await;
    assert_eq!(nvim.lua_string(status, &[]).await, "idle test/m1 -");
    say(&nvim, "hi").await;
    nvim.wait_screen_contains("one").await;
    assert_eq!(nvim.lua_string(status, &[]).await, "answering test/m1 -");
    server.open("on");
    ended(&nvim, 1).await;
    assert_eq!(nvim.lua_string(status, &[]).await, "idle test/m1 2");
}
