//! Whoever has a key is served: which model answers where nobody has chosen one, and why.

use serde_json::{Value, json};

use crate::common::*;
use crate::support::answer::{Answer, Step};
use crate::support::home::Home;
use crate::support::keyring::Keyring;
use crate::support::nvim::{Builder, Nvim};
use crate::support::server::{Request, Server};

/// Keeps what is asked, in place of `vim.ui.select`; `pick(n)` answers the last question, `pick(nil)` dismisses it.
const SELECT: &str = "_G.picks = {}
vim.ui.select = function(items, options, choose)
  picks[#picks + 1] = { items = items, prompt = options.prompt, choose = choose }
end
function _G.pick(n)
  local last = picks[#picks]
  last.choose(n and last.items[n], n)
end";

/// Any provider: a list, and an answer on the wire that is asked.
fn provider(request: &Request) -> Answer {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/api/tags") => tags(&["qwen3:8b"]),
        ("GET", _) => Answer::json(200, &json!({ "data": [{ "id": "m", "object": "model" }] })),
        (_, "/api/chat") => Answer::whole(
            200,
            "application/x-ndjson",
            "{\"message\":{\"content\":\"fine\"},\"done\":false}\n{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n",
        ),
        (_, "/v1/responses") => Answer::responses_tokens(&["fine"]),
        (_, "/v1/messages") => Answer::whole(200, "text/event-stream", ANTHROPIC),
        (_, path) if path.contains("GenerateContent") => Answer::sse(&[GEMINI]),
        _ => answer("fine"),
    }
}

const ANTHROPIC: &str = "event: message_start
data: {\"type\":\"message_start\",\"message\":{\"role\":\"assistant\",\"content\":[]}}

event: content_block_start
data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"fine\"}}

event: message_delta
data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}

event: message_stop
data: {\"type\":\"message_stop\"}

";

const GEMINI: &str = "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"fine\"}]},\"finishReason\":\"STOP\"}]}";

fn tags(names: &[&str]) -> Answer {
    let models: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": name, "model": name }))
        .collect();
    Answer::json(200, &json!({ "models": models }))
}

/// An editor whose providers all lie at this server, and in whose configuration no model is named.
fn unnamed(server: &Server) -> Builder {
    let url = server.url();
    let providers = ["openai", "anthropic", "gemini", "mistral", "groq", "github"]
        .map(|name| format!("{name} = {{ base_url = '{url}/v1' }},"))
        .concat();
    unconfigured()
        .init(SELECT)
        .size(110, 30)
        .config(format!("{{ providers = {{ {providers} }} }}"))
}

/// The same with servers on this machine, at this one.
fn with_here(server: &Server, names: &[&str]) -> Builder {
    let url = server.url();
    let providers: String = ["ollama", "lmstudio"]
        .iter()
        .map(|name| match names.contains(name) {
            true if *name == "lmstudio" => format!("{name} = {{ base_url = '{url}/v1' }},"),
            true => format!("{name} = {{ base_url = '{url}' }},"),
            // Nobody listens there.
            false => format!("{name} = {{ base_url = 'http://127.0.0.1:9' }},"),
        })
        .collect();
    unconfigured()
        .init(SELECT)
        .size(110, 30)
        .config(format!("{{ providers = {{ {providers} }} }}"))
        .env("GPT_NVIM_TEST_NOBODY_HERE", "0")
}

#[track_caller]
fn model_is<'a>(nvim: &'a Nvim, name: &str) -> impl Future<Output = ()> + use<'a> {
    wait(nvim, format!("return require('gpt').status().model == '{name}'"))
}

#[track_caller]
fn asked<'a>(nvim: &'a Nvim, n: usize) -> impl Future<Output = String> + use<'a> {
    let there = wait(nvim, format!("return #picks >= {n}"));
    async move {
        there.await;
        nvim.lua_string("return picks[#picks].prompt", &[]).await
    }
}

fn posts(server: &Server) -> Vec<Request> {
    let requests = server.requests().into_iter();
    requests.filter(|request| request.method == "POST").collect()
}

#[tokio::test]
async fn the_first_provider_whose_variable_is_set_answers_and_the_title_says_why() {
    for (variables, model, because) in [
        (
            &["ANTHROPIC_API_KEY"][..],
            "anthropic/claude-sonnet-5",
            "ANTHROPIC_API_KEY",
        ),
        (&["GOOGLE_API_KEY"], "gemini/gemini-flash-latest", "GOOGLE_API_KEY"),
        (&["MISTRAL_API_KEY"], "mistral/mistral-large-latest", "MISTRAL_API_KEY"),
        (
            &["GROQ_API_KEY", "GEMINI_API_KEY"],
            "gemini/gemini-flash-latest",
            "GEMINI_API_KEY",
        ),
        (
            &["GEMINI_API_KEY", "OPENAI_API_KEY"],
            "openai/gpt-6.1-sol",
            "OPENAI_API_KEY",
        ),
    ] {
        let server = Server::start(provider).await;
        let mut builder = unnamed(&server);
        for variable in variables {
            builder = builder.env(variable, format!("key-of-{variable}"));
        }
        let nvim = builder.start().await;
        open(&nvim).await;
        nvim.wait_screen_contains(&format!(" {model} ({because}) ")).await;
        say(&nvim, "hi").await;
        ended(&nvim, 1).await;
        chat_holds(&nvim, "fine").await;
        let sent = posts(&server);
        let keys = format!("{:?}", sent[0].headers);
        assert!(keys.contains(&format!("key-of-{because}")), "{keys}");
        let health = report(&nvim).await;
        let line = format!("Model: {model}: it is the first provider with a key: {because} is set.");
        assert!(health.contains(&line), "{health}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_variable_that_opens_more_than_a_model_or_holds_nothing_chooses_nobody() {
    let server = Server::start(provider).await;
    let nvim = unnamed(&server)
        .env("GITHUB_TOKEN", "ghp_000000000000000000000000000000000000")
        .env("ANTHROPIC_API_KEY", " ")
        .start()
        .await;
    open(&nvim).await;
    model_is(&nvim, "guide/manual").await;
    let health = report(&nvim).await;
    assert!(
        health.contains("Model: guide/manual: no provider has a key. :GPTSetKey"),
        "{health}"
    );
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_report_before_any_chat_waits_until_it_is_known_whom_to_ask() {
    let server = Server::start(provider).await;
    let nvim = unnamed(&server).start().await;
    let health = report(&nvim).await;
    assert!(
        health.contains("Model: guide/manual: no provider has a key. :GPTSetKey"),
        "{health}"
    );
    let nvim = with_here(&server, &["ollama"]).start().await;
    let health = report(&nvim).await;
    assert!(health.contains("Model: ollama/qwen3:8b: "), "{health}");
    assert!(!health.contains("in the configuration names it"), "{health}");
}

#[tokio::test]
async fn a_model_that_the_user_named_wins_over_every_key() {
    let server = Server::start(provider).await;
    let nvim = configured(&server, "").env("OPENAI_API_KEY", "sk-1").start().await;
    open(&nvim).await;
    nvim.wait_screen_contains(" test/m1 ").await;
    let health = report(&nvim).await;
    assert!(
        health.contains("Model: test/m1: `model` in the configuration names it."),
        "{health}"
    );
}

#[tokio::test]
async fn without_a_variable_the_first_stored_key_answers_whoever_has_stored_it() {
    let Some(keyring) = Keyring::start().await else { return };
    for name in ["mistral", "anthropic"] {
        keyring.store(name, &format!("stored-for-{name}")).await;
    }
    let server = Server::start(provider).await;
    let nvim = unnamed(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    open(&nvim).await;
    nvim.wait_screen_contains(" anthropic/claude-sonnet-5 (keyring) ").await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    assert_eq!(posts(&server)[0].header("x-api-key"), Some("stored-for-anthropic"));
}

#[tokio::test]
async fn a_server_on_this_machine_is_asked_about_once_before_anything_is_sent_to_it() {
    let server = Server::start(provider).await;
    let home = Home::new();
    let nvim = with_here(&server, &["ollama"]).home(&home).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains(" ollama/qwen3:8b (asks first) ").await;
    assert_eq!(nvim.lua_i64("return #picks", &[]).await, 0);
    say(&nvim, "my secret plan").await;
    let question = asked(&nvim, 1).await;
    let host = server.address();
    assert_eq!(
        question,
        format!("Ollama answers on this machine ({host}). Ask ollama/qwen3:8b from now on?")
    );
    let seen: Vec<_> = server.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(seen, ["/api/tags"]);
    nvim.lua("pick(1)", &[]).await;
    ended(&nvim, 1).await;
    chat_holds(&nvim, "fine").await;
    assert_eq!(posts(&server)[0].json()["model"], "qwen3:8b");
    clean(&nvim).await;
    nvim.quit().await;

    let later = with_here(&server, &["ollama"]).home(&home).start().await;
    open(&later).await;
    later.wait_screen_contains(" ollama/qwen3:8b ").await;
    say(&later, "hi").await;
    ended(&later, 1).await;
    assert_eq!(later.lua_i64("return #picks", &[]).await, 0);
    assert_eq!(posts(&server).len(), 2);
}

#[tokio::test]
async fn a_no_to_the_server_on_this_machine_is_kept_and_the_guide_answers() {
    let server = Server::start(provider).await;
    let home = Home::new();
    let nvim = with_here(&server, &["ollama"]).home(&home).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains("(asks first)").await;
    say(&nvim, "How do I choose a model?").await;
    asked(&nvim, 1).await;
    nvim.lua("pick(2)", &[]).await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains(" guide/manual ").await;
    nvim.quit().await;

    let later = with_here(&server, &["ollama"]).home(&home).start().await;
    open(&later).await;
    later.wait_screen_contains(" guide/manual ").await;
    say(&later, "How do I choose a model?").await;
    ended(&later, 1).await;
    assert_eq!(later.lua_i64("return #picks", &[]).await, 0);
    assert_eq!(posts(&server).len(), 0);
}

#[tokio::test]
async fn a_question_about_the_server_that_is_dismissed_gives_the_prompt_back_and_comes_again() {
    let server = Server::start(provider).await;
    let nvim = with_here(&server, &["ollama"]).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains("(asks first)").await;
    say(&nvim, "first words").await;
    asked(&nvim, 1).await;
    nvim.lua("pick(nil)", &[]).await;
    nvim.wait_screen_contains("Nothing was sent.").await;
    wait(
        &nvim,
        "return vim.api.nvim_buf_get_lines(chat_buffer(), -2, -1, true)[1] == 'first words'".into(),
    )
    .await;
    assert_eq!(posts(&server).len(), 0);
    nvim.feed("<C-s>").await;
    asked(&nvim, 2).await;
    nvim.lua("pick(1)", &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(posts(&server).len(), 1);
}

#[tokio::test]
async fn lm_studio_is_found_too_with_the_first_of_its_models_that_one_can_talk_to() {
    let server = Server::start(|request: &Request| match request.method.as_str() {
        "GET" => Answer::json(
            200,
            &json!({ "data": [{ "id": "text-embedding-nomic-embed-text-v1.5" }, { "id": "openai/gpt-oss-20b" }] }),
        ),
        _ => answer("fine"),
    })
    .await;
    let nvim = with_here(&server, &["lmstudio"]).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains(" lmstudio/openai/gpt-oss-20b (asks first) ")
        .await;
}

#[tokio::test]
async fn who_listens_there_and_is_no_ollama_or_says_nothing_is_not_offered() {
    let stalled = Answer::new([Step::Status(200), Step::Stall]);
    for odd in [
        Answer::html(200, "<p>hello</p>"),
        Answer::html(404, "no"),
        tags(&[]),
        stalled,
    ] {
        let server = Server::start(move |_: &Request| odd.clone()).await;
        let nvim = with_here(&server, &["ollama"]).start().await;
        open(&nvim).await;
        nvim.wait_screen_contains(" guide/manual ").await;
        say(&nvim, "How do I choose a model?").await;
        ended(&nvim, 1).await;
        assert_eq!(nvim.lua_i64("return #picks", &[]).await, 0);
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn what_one_neovim_was_told_about_the_server_holds_in_another_that_waits() {
    let server = Server::start(provider).await;
    let home = Home::new();
    let first = with_here(&server, &["ollama"]).home(&home).start().await;
    let second = with_here(&server, &["ollama"]).home(&home).start().await;
    for nvim in [&first, &second] {
        open(nvim).await;
        nvim.wait_screen_contains("(asks first)").await;
    }
    say(&first, "one").await;
    asked(&first, 1).await;
    first.lua("pick(1)", &[]).await;
    ended(&first, 1).await;
    say(&second, "two").await;
    ended(&second, 1).await;
    assert_eq!(second.lua_i64("return #picks", &[]).await, 0);
    assert_eq!(posts(&server).len(), 2);
}

#[tokio::test]
async fn the_list_of_models_can_be_had_while_the_server_waits_for_its_question() {
    let server = Server::start(provider).await;
    let nvim = with_here(&server, &["ollama"]).start().await;
    open(&nvim).await;
    nvim.wait_screen_contains("(asks first)").await;
    normal_mode(&nvim).await;
    nvim.feed("gm").await;
    let prompt = asked(&nvim, 1).await;
    assert!(!prompt.contains("from now on"), "{prompt}");
    nvim.command("GPTModel ollama/other").await;
    model_is(&nvim, "ollama/other").await;
    nvim.feed("i").await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    assert_eq!(posts(&server)[0].json()["model"], "other");
}

/// Sets a key of Anthropic's by `:GPTSetKey`.
async fn set_key(nvim: &Nvim, key: &str) {
    nvim.feed(":GPTSetKey anthropic<CR>").await;
    nvim.wait_screen_contains("API key for Anthropic").await;
    nvim.feed(&format!("{key}<CR>")).await;
}

#[tokio::test]
async fn after_a_key_is_set_its_provider_is_offered_and_used_from_then_on() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(provider).await;
    let home = Home::new();
    let editor = || {
        unnamed(&server)
            .home(&home)
            .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
    };
    let nvim = editor().env("OPENAI_API_KEY", "sk-1").start().await;
    model_after(&nvim, "openai/gpt-6.1-sol").await;
    set_key(&nvim, "anthropics-key").await;
    assert_eq!(asked(&nvim, 1).await, "Use anthropic/claude-sonnet-5 from now on?");
    model_is(&nvim, "openai/gpt-6.1-sol").await;
    nvim.lua("pick(1)", &[]).await;
    model_is(&nvim, "anthropic/claude-sonnet-5").await;
    wait(
        &nvim,
        "return vim.uv.fs_stat(vim.fn.stdpath('state') .. '/gpt/model.json') ~= nil".into(),
    )
    .await;
    nvim.quit().await;
    let later = editor().env("OPENAI_API_KEY", "sk-1").start().await;
    open(&later).await;
    later.wait_screen_contains(" anthropic/claude-sonnet-5 ").await;
}

async fn model_after(nvim: &Nvim, name: &str) {
    open(nvim).await;
    model_is(nvim, name).await;
    normal_mode(nvim).await;
    nvim.feed("q").await;
}

#[tokio::test]
async fn a_no_to_the_provider_of_a_new_key_is_kept_until_the_key_is_removed() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(provider).await;
    let home = Home::new();
    let editor = || {
        unnamed(&server)
            .home(&home)
            .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
    };
    let nvim = editor().start().await;
    set_key(&nvim, "first-key").await;
    asked(&nvim, 1).await;
    nvim.lua("pick(2)", &[]).await;
    wait(
        &nvim,
        "return vim.fn.execute('messages'):find('Not used. :GPTModel anthropic', 1, true)".into(),
    )
    .await;
    model_after(&nvim, "guide/manual").await;
    nvim.quit().await;

    let later = editor().start().await;
    model_after(&later, "guide/manual").await;
    set_key(&later, "second-key").await;
    wait(
        &later,
        "return vim.fn.execute('messages'):find('Connected to Anthropic', 1, true)".into(),
    )
    .await;
    crate::support::wait::until("the key is stored", || server.requests().len() >= 2).await;
    assert_eq!(later.lua_i64("return #picks", &[]).await, 0);
    later.command("GPTRemoveKey! anthropic").await;
    wait(
        &later,
        "return vim.fn.execute('messages'):find('of Anthropic is removed', 1, true)".into(),
    )
    .await;
    set_key(&later, "third-key").await;
    assert_eq!(asked(&later, 1).await, "Use anthropic/claude-sonnet-5 from now on?");
}
