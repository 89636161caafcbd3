//! What the program says, to the user and to its log, holds no key; and what it cannot do, it says.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::fs;

use crate::common::{configured, unconfigured};
use crate::support::answer::Answer;
use crate::support::keyring::{Keyring, SilentBus};
use crate::support::nvim::Nvim;
use crate::support::process;
use crate::support::server::{Request, Server};
use crate::support::wait;

/// Of no provider's form: no pattern takes it out.
const KEY: &str = "canary-of-no-known-form-4711";

/// The process of the program under test.
async fn program(nvim: &Nvim) -> Pid {
    let is_program =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "gpt-nvim");
    let found = nvim.children().into_iter().find(is_program);
    Pid::from_raw(found.expect("the running program") as i32).unwrap()
}

fn models(_: &Request) -> Answer {
    Answer::json(200, &json!({ "object": "list", "data": [{ "id": "m" }] }))
}

/// The text of `:GPT log`.
async fn notices(nvim: &Nvim) -> String {
    let read = "vim.cmd('GPT log') local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') vim.cmd.close() return text";
    nvim.lua_string(read, &[]).await
}

#[tokio::test]
async fn an_error_of_the_editors_that_quotes_a_live_key_is_logged_without_it() {
    let server = Server::start(|_: &Request| Answer::chat_tokens(&["Hello"])).await;
    let url = server.url();
    let nvim = configured(&server, "")
        .config(format!(
            "{{ model = 'test/m1', log_level = 'trace', chat = {{ start_insert = false }},
               providers = {{ test = {{ base_url = '{url}/v1', key = {{ env = 'SOME_KEY' }} }} }} }}"
        ))
        .env("SOME_KEY", KEY)
        .start()
        .await;
    nvim.lua(
        "require('gpt.chat.stream').append = function() error('it says canary-of-no-known-form-4711!') end
        require('gpt').chat({ prompt = 'Hi' })",
        &[],
    )
    .await;
    let log = nvim
        .lua_string("return require('gpt.config').for_program().log_file", &[])
        .await;
    let text = || fs::read_to_string(&log).unwrap_or_default();
    wait::until("the error is in the log", || text().contains("it says")).await;
    assert!(text().contains("it says [redacted]!"), "{}", text());
    assert!(!text().contains(KEY), "{}", text());
}

/// What lets us in: in an address of the user's.
const USERINFO: &str = "me:canary-w0rd";

#[tokio::test]
async fn a_password_in_a_base_url_is_not_in_gs_nor_in_a_notice_nor_in_the_log() {
    let server = Server::start(|_: &Request| {
        let words = "Basic bWU6Y2FuYXJ5LXcwcmQ= and me:canary-w0rd are wrong";
        Answer::json(400, &json!({ "error": { "message": words } }))
    })
    .await;
    let url = server.url().replace("://", &format!("://{USERINFO}@"));
    let nvim = configured(&server, "")
        .config(format!(
            "{{ model = 'test/m1', log_level = 'trace', chat = {{ start_insert = false }},
               providers = {{ test = {{ base_url = '{url}/v1', key = false }} }} }}"
        ))
        .size(120, 40)
        .start()
        .await;
    nvim.lua("require('gpt').chat({ prompt = 'Hi' })", &[]).await;
    nvim.wait_screen_contains("Basic [redacted]").await;
    nvim.feed("gs").await;
    nvim.wait_screen_contains("POST http://[redacted]@127.0.0.1").await;
    shows_no_password(&nvim).await;
}

#[tokio::test]
async fn a_password_in_a_proxys_address_is_nowhere_shown_whichever_way_it_came() {
    for (network, variable) in [
        (format!("{{ proxy = 'http://{USERINFO}@127.0.0.1:1' }}"), None),
        ("{}".to_owned(), Some("http_proxy")),
        ("{}".to_owned(), Some("ALL_PROXY")),
    ] {
        let server = Server::start(models).await;
        let mut builder = configured(&server, "").config(format!(
            "{{ model = 'test/m1', log_level = 'trace', chat = {{ start_insert = false }}, network = {network},
               providers = {{ test = {{ base_url = 'http://llm.test/v1', key = false, insecure = true }} }} }}"
        ));
        if let Some(name) = variable {
            builder = builder.env(name, format!("http://{USERINFO}@127.0.0.1:1"));
        }
        let nvim = builder.size(120, 40).start().await;
        nvim.lua("require('gpt').chat({ prompt = 'Hi' })", &[]).await;
        nvim.wait_screen_contains("127.0.0.1:1").await;
        shows_no_password(&nvim).await;
    }
}

/// Neither screen, nor notices, nor health, nor the log have it.
async fn shows_no_password(nvim: &Nvim) {
    let secret = "canary-w0rd";
    let screen = nvim.screen();
    assert!(!screen.contains(secret), "{screen}");
    let told = notices(nvim).await;
    assert!(!told.contains(secret), "{told}");
    nvim.command("checkhealth gpt").await;
    let health = nvim.lines(0).await.join("\n");
    assert!(health.contains("gpt") && !health.contains(secret), "{health}");
    let log = nvim
        .lua_string("return require('gpt.config').for_program().log_file", &[])
        .await;
    let log = fs::read_to_string(&log).unwrap_or_default();
    assert!(!log.is_empty() && !log.contains(secret), "{log}");
}

#[tokio::test]
async fn completion_and_health_do_not_wait_for_ever_for_a_program_that_hangs() {
    let nvim = unconfigured().start().await;
    let complete = "return table.concat(vim.fn.getcompletion('GPTSetKey opena', 'cmdline'), ' ')";
    nvim.wait_lua(&format!("return (function() {complete} end)():find('openai') ~= nil"))
        .await;
    let program = program(&nvim).await;
    kill_process(program, Signal::STOP).unwrap();
    assert_eq!(nvim.lua_string(complete, &[]).await, "openai", "what it said last");
    nvim.command("checkhealth gpt").await;
    let text = nvim
        .lua_string(
            "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')",
            &[],
        )
        .await;
    assert!(text.contains("The program runs, but does not answer."), "{text}");
    kill_process(program, Signal::CONT).unwrap();
}

#[tokio::test]
async fn completion_by_tab_shows_what_the_program_answers() {
    let nvim = unconfigured().start().await;
    nvim.feed(":GPTSetKey openro<Tab>").await;
    nvim.wait_screen_contains(":GPTSetKey openrouter").await;
    nvim.feed("<Esc>").await;
}

#[tokio::test]
async fn a_question_that_waits_for_its_model_is_taken_back_by_stop() {
    // Who answers is not known before the keyring has said whether there is a key, and this one never does.
    let silent = SilentBus::start();
    let nvim = unconfigured()
        .env("DBUS_SESSION_BUS_ADDRESS", silent.address())
        .start()
        .await;
    nvim.lua(
        "require('gpt').chat({ prompt = 'What is new?' }) require('gpt').stop()",
        &[],
    )
    .await;
    nvim.wait_screen_contains("Nothing was sent.").await;
    nvim.wait_screen_contains("What is new?").await;
    nvim.wait_lua("return require('gpt').status().model ~= nil").await;
    let screen = nvim.screen();
    assert!(!screen.contains("No answer is being written."), "{screen}");
    let asked = "return #vim.tbl_filter(function(event) return event.name == 'GPTAnswerStarted' end, seen) == 0";
    assert!(nvim.lua_bool(asked, &[]).await, "{screen}");
}

#[tokio::test]
async fn a_configuration_that_the_program_cannot_read_is_said_so_and_not_repeated() {
    let nvim = unconfigured().start().await;
    nvim.lua(
        "require('gpt.client').notify({ event = 'started', config = { network = { connect_timeout = 'canary-of-no-known-form-4711' } } })",
        &[],
    )
    .await;
    nvim.wait_screen_contains("cannot read the configuration").await;
    let notices = notices(&nvim).await;
    assert!(notices.contains("expected") && !notices.contains(KEY), "{notices}");
}

#[tokio::test]
async fn an_event_that_the_program_does_not_know_is_said_so() {
    let nvim = unconfigured().start().await;
    nvim.lua("require('gpt.client').notify({ event = 'of_tomorrow' })", &[])
        .await;
    nvim.wait_screen_contains("does not understand the plugin").await;
}

#[tokio::test]
async fn a_key_command_does_not_outlive_the_editor_with_what_it_started() {
    let server = Server::start(models).await;
    let url = server.url();
    let nvim = configured(&server, "")
        .config(format!(
            "{{ model = 'test/m1', chat = {{ start_insert = false }},
               providers = {{ test = {{ base_url = '{url}/v1', key = {{ cmd = {{ 'sh', '-c',
                 'trap \"\" TERM HUP INT; GPT_KEY_COMMAND=4711 sleep 600 & wait; sleep 600' }} }} }} }} }}"
        ))
        .start()
        .await;
    nvim.lua("require('gpt').chat({ prompt = 'Hi' })", &[]).await;
    let running = || process::with_environment("GPT_KEY_COMMAND", "4711");
    wait::until("the command runs", || !running().is_empty()).await;
    nvim.quit().await;
    wait::until("the command is gone", || running().is_empty()).await;
}

#[tokio::test]
async fn health_says_so_where_there_is_no_default_collection() {
    let Some(keyring) = Keyring::without_collection().await else {
        return;
    };
    let nvim = unconfigured()
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    nvim.command("checkhealth gpt").await;
    let text = nvim
        .lua_string(
            "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')",
            &[],
        )
        .await;
    assert!(text.contains("The keyring has no default collection."), "{text}");
    assert!(!text.contains("can be reached"), "{text}");
}

/// An editor that asks OpenAI's provider at this server.
async fn connected(server: &Server, keyring: &Keyring) -> Nvim {
    let url = server.url();
    unconfigured()
        .config(format!(
            "{{ model = 'openai/m', chat = {{ start_insert = false }}, providers = {{ openai = {{ base_url = '{url}/v1' }} }} }}"
        ))
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await
}

#[tokio::test]
async fn of_two_entries_for_a_provider_both_are_removed_and_both_are_replaced() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(models).await;
    let nvim = connected(&server, &keyring).await;
    let two = async || {
        keyring.store("openai", "the-first-one").await;
        keyring.store_another("openai", "the-second-one").await;
        assert_eq!(keyring.describe("openai").await.matches("secret = ").count(), 2);
    };
    two().await;
    nvim.feed(":GPTSetKey openai<CR>").await;
    for (prompt, answer) in [("(hidden):", KEY), ("Organization id", ""), ("Project id", "")] {
        nvim.wait_screen_contains(prompt).await;
        nvim.feed(&format!("{answer}<CR>")).await;
    }
    nvim.wait_screen_contains("Connected to OpenAI (1 model).").await;
    let described = keyring.describe("openai").await;
    assert_eq!(described.matches("secret = ").count(), 1, "{described}");
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    nvim.command("GPTRemoveKey! openai").await;
    nvim.wait_screen_contains("The key of OpenAI is removed.").await;
    two().await;
    nvim.command("GPTRemoveKey! openai").await;
    nvim.wait_lua("return #vim.tbl_filter(function(event) return event.name == 'GPTKeyChanged' end, seen) == 3")
        .await;
    assert_eq!(keyring.lookup("openai").await, None);
}

#[tokio::test]
async fn a_stored_entry_that_is_no_key_is_said_to_be_malformed_and_not_repeated() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(models).await;
    let nvim = connected(&server, &keyring).await;
    keyring.store("openai", &format!("{KEY}\nuser: me")).await;
    nvim.lua("require('gpt').chat({ prompt = 'Hi' })", &[]).await;
    nvim.wait_screen_contains("is no key").await;
    let notices = notices(&nvim).await;
    assert!(!notices.contains(KEY), "{notices}");
    assert_eq!(server.requests().len(), 0);
}
