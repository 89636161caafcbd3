//! Keys: `:GPTSetKey`, `:GPTRemoveKey`, and where keys come from; against a real Secret Service.

use serde_json::json;

use crate::nvim;
use crate::support::answer::Answer;
use crate::support::keyring::{Bus, Keyring, SilentBus};
use crate::support::nvim::{Builder, Nvim};
use crate::support::server::{Request, Server};

/// Of no provider's form, so that only a redactor that knows it can take it out.
const KEY: &str = "hunter2-hunter2-hunter2";

fn models(count: usize) -> Answer {
    let data: Vec<_> = (0..count)
        .map(|n| json!({ "id": format!("model-{n}"), "object": "model" }))
        .collect();
    Answer::json(200, &json!({ "object": "list", "data": data }))
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({ "error": { "message": message, "type": "invalid_request_error", "code": code } }),
    )
}

/// A provider that accepts every key: 84 models, and an answer.
fn accept(request: &Request) -> Answer {
    match request.method.as_str() {
        "GET" => models(84),
        _ => Answer::responses_tokens(&["Fine", "."]),
    }
}

/// A Neovim whose OpenAI is `server`. It writes down each `GPTKeyChanged`.
fn editor(server: &Server) -> Builder {
    let providers = format!("openai = {{ base_url = \"{}/v1\" }}", server.url());
    with_config(&format!("model = 'openai/gpt-6.1-sol', providers = {{ {providers} }}"))
}

fn with_providers(providers: &str) -> Builder {
    with_config(&format!("providers = {{ {providers} }}"))
}

fn with_config(more: &str) -> Builder {
    nvim()
        .config(format!("{{ chat = {{ start_insert = false }}, {more} }}"))
        .init(
            "_G.changes = {}
            vim.api.nvim_create_autocmd('User', { pattern = 'GPTKeyChanged', callback = function(args)
              table.insert(_G.changes, args.data)
            end })",
        )
}

/// All `GPTKeyChanged` so far.
async fn changes(nvim: &Nvim) -> serde_json::Value {
    let text = nvim.lua_string("return vim.json.encode(_G.changes)", &[]).await;
    serde_json::from_str(&text).unwrap()
}

/// Waits for the first `GPTKeyChanged`, which shall be the only one: that `provider`'s key comes from `source` now.
async fn changed(nvim: &Nvim, provider: &str, source: &str) {
    nvim.wait_lua("return #_G.changes > 0").await;
    assert_eq!(changes(nvim).await, json!([{ "provider": provider, "source": source }]));
}

/// The screen as one line, so that no wrap is in the way.
fn flat(screen: &str) -> String {
    screen.replace('\n', "")
}

/// Waits for a text that may be wrapped on the screen; returns the screen as one line.
async fn shown(nvim: &Nvim, text: &str) -> String {
    flat(&nvim.wait_screen(|screen| flat(screen).contains(text)).await)
}

/// Types into the prompt that the screen shows.
async fn enter(nvim: &Nvim, prompt: &str, keys: &str) {
    shown(nvim, prompt).await;
    nvim.feed(keys).await;
}

/// `:GPTSetKey`, and all that it asks.
async fn set_key(nvim: &Nvim, command: &str, key: &str, organization: &str, project: &str) {
    nvim.feed(&format!(":{command}<CR>")).await;
    enter(nvim, "API key for OpenAI (hidden):", &format!("{key}<CR>")).await;
    enter(nvim, "Organization id", &format!("{organization}<CR>")).await;
    enter(nvim, "Project id", &format!("{project}<CR>")).await;
}

/// Waits for a message, and that it is one a user can live with: whole, and without "Press ENTER".
async fn told(nvim: &Nvim, message: &str) {
    let held = |all: &str| all.contains(message);
    crate::support::wait::within(
        crate::support::wait::LIMIT,
        &format!("the message {message:?}"),
        async {
            while !held(&nvim.messages().await) {
                tokio::time::sleep(crate::support::wait::POLL).await;
            }
        },
    )
    .await;
    let all = nvim.messages().await;
    let whole = nvim
        .lua_string("return vim.inspect({vim.o.columns, vim.o.cmdheight})", &[])
        .await;
    assert!(!all.contains("(:GPT log)"), "a message is cut:\n{all}\n{whole}");
    assert_eq!(mode(nvim).await, ("n".to_owned(), false), "{}", nvim.screen());
}

/// Mode, and whether it blocks.
async fn mode(nvim: &Nvim) -> (String, bool) {
    let mode = nvim.call("nvim_get_mode", &[]).await;
    let field = |name: &str| {
        let fields = mode.as_map().unwrap();
        fields
            .iter()
            .find(|(key, _)| key.as_str() == Some(name))
            .unwrap()
            .1
            .clone()
    };
    (
        field("mode").as_str().unwrap().to_owned(),
        field("blocking").as_bool().unwrap(),
    )
}

/// Asks in a new chat, and waits for its end; what the provider was asked.
async fn ask(nvim: &Nvim, server: &Server) -> Request {
    let before = server.requests().len();
    nvim.lua(
        "_G.ended = nil
        vim.api.nvim_create_autocmd('User', { once = true,
          pattern = { 'GPTAnswerDone', 'GPTAnswerFailed' }, callback = function(args) _G.ended = args.match end })
        require('gpt').chat({ prompt = 'Hello', new = true })",
        &[],
    )
    .await;
    nvim.wait_lua("return _G.ended").await;
    server
        .requests()
        .into_iter()
        .skip(before)
        .find(|request| request.method == "POST")
        .expect("a question")
}

fn bearer(request: &Request) -> &str {
    request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or("(none)")
}

#[tokio::test]
async fn a_key_is_typed_hidden_checked_stored_and_used_by_the_next_editor() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    nvim.feed(":GPTSetKey<CR>").await;
    enter(&nvim, "API key for OpenAI (hidden):", &format!("  {KEY} ")).await;
    let screen = nvim.wait_screen_contains(&"*".repeat(KEY.len() + 3)).await;
    assert!(!screen.contains(KEY), "{screen}");
    nvim.feed("<CR>").await;
    enter(&nvim, "Organization id", " org-1 <CR>").await;
    enter(&nvim, "Project id", "proj-1<CR>").await;
    told(&nvim, "Connected to OpenAI (84 models).").await;
    let check = server.next_request().await;
    assert_eq!(
        (check.method.as_str(), check.path.as_str(), bearer(&check)),
        ("GET", "/v1/models", KEY)
    );
    assert_eq!(check.header("openai-organization"), Some("org-1"));
    changed(&nvim, "openai", "keyring").await;
    // As any other program sees it.
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    assert_eq!(keyring.lookup("openai/organization").await.as_deref(), Some("org-1"));
    assert_eq!(keyring.lookup("openai/project").await.as_deref(), Some("proj-1"));
    let entry = keyring.describe("openai").await;
    assert!(entry.contains("label = gpt.nvim: openai\n"), "{entry}");
    // In this editor and in the next.
    let next = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    for nvim in [&nvim, &next] {
        let question = ask(nvim, &server).await;
        assert_eq!(bearer(&question), KEY);
        assert_eq!(question.header("openai-organization"), Some("org-1"));
        assert_eq!(question.header("openai-project"), Some("proj-1"));
    }
}

#[tokio::test]
async fn a_key_is_replaced_and_ids_that_are_left_empty_stay() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    keyring.store("openai", "older").await;
    keyring.store("openai/organization", "org-1").await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    assert_eq!(
        bearer(&ask(&nvim, &server).await),
        "older",
        "what secret-tool wrote is read"
    );
    set_key(&nvim, "GPTSetKey openai", KEY, "", "proj-2").await;
    told(&nvim, "Connected to OpenAI (84 models).").await;
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    assert_eq!(keyring.lookup("openai/organization").await.as_deref(), Some("org-1"));
    assert_eq!(keyring.lookup("openai/project").await.as_deref(), Some("proj-2"));
    let question = ask(&nvim, &server).await;
    assert_eq!(
        (bearer(&question), question.header("openai-organization")),
        (KEY, Some("org-1"))
    );
}

#[tokio::test]
async fn secret_tool_and_we_write_the_same_entry_in_any_order() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
    changed(&nvim, "openai", "keyring").await;
    keyring.store("openai", "newer").await;
    assert_eq!(bearer(&ask(&nvim, &server).await), "newer");
    nvim.command("messages clear").await;
    set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
    told(&nvim, "Connected to OpenAI (84 models).").await;
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    nvim.command("GPTRemoveKey! openai").await;
    told(&nvim, "The key of OpenAI is removed.").await;
    assert_eq!(keyring.lookup("openai").await, None);
}

#[tokio::test]
async fn a_key_is_checked_with_the_ids_that_will_go_with_it() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    keyring.store("openai", "older").await;
    keyring.store("openai/organization", "org-1").await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
    told(&nvim, "Connected to OpenAI (84 models).").await;
    assert_eq!(server.next_request().await.header("openai-organization"), Some("org-1"));
}

#[tokio::test]
async fn a_key_is_removed_with_its_ids_after_a_question() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    for (user, secret) in [
        ("openai", KEY),
        ("openai/organization", "org-1"),
        ("openai/project", "proj-1"),
    ] {
        keyring.store(user, secret).await;
    }
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    nvim.feed(":GPTRemoveKey<CR>").await;
    enter(&nvim, "Remove the key of OpenAI", "1<CR>").await;
    told(&nvim, "Nothing was changed.").await;
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    nvim.feed(":GPTRemoveKey openai<CR>").await;
    enter(&nvim, "Yes, remove it", "2<CR>").await;
    told(&nvim, "The key of OpenAI is removed.").await;
    for user in ["openai", "openai/organization", "openai/project"] {
        assert_eq!(keyring.lookup(user).await, None, "{user}");
    }
    changed(&nvim, "openai", "none").await;
    // What is not there is no error.
    nvim.command("GPTRemoveKey! openai").await;
    told(&nvim, "The keyring holds no key of OpenAI.").await;
    let worst = nvim.lua_bool("return vim.v.errmsg == ''", &[]).await;
    assert!(worst, "{}", nvim.messages().await);
}

#[tokio::test]
async fn ids_are_removed_also_where_there_is_no_key() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    keyring.store("openai/organization", "org-1").await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    nvim.command("GPTRemoveKey! openai").await;
    told(&nvim, "OpenAI").await;
    assert_eq!(keyring.lookup("openai/organization").await, None);
}

#[tokio::test]
async fn whoever_removes_a_key_is_told_what_still_gives_one() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    keyring.store("openai", KEY).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .env("OPENAI_API_KEY", "from-the-variable")
        .start()
        .await;
    nvim.command("GPTRemoveKey! openai").await;
    told(&nvim, "OPENAI_API_KEY still gives one.").await;
    assert_eq!(keyring.lookup("openai").await, None);
    changed(&nvim, "openai", "variable").await;
    assert_eq!(bearer(&ask(&nvim, &server).await), "from-the-variable");
}

#[tokio::test]
async fn a_stored_key_can_be_removed_when_a_command_gives_another() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    keyring.store("openai", KEY).await;
    let nvim = with_providers(&format!(
        "openai = {{ base_url = \"{}/v1\", key = {{ cmd = {{ \"echo\", \"printed\" }} }} }}",
        server.url()
    ))
    .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
    .start()
    .await;
    nvim.command("GPTRemoveKey! openai").await;
    told(&nvim, "A key command still gives one.").await;
    assert_eq!(keyring.lookup("openai").await, None);
    changed(&nvim, "openai", "command").await;
}

#[tokio::test]
async fn cancelling_at_any_prompt_changes_nothing() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(|_: &Request| refused(401, "invalid_api_key", "Incorrect API key provided.")).await;
    keyring.store("openai", "older").await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    let prompts = ["API key for OpenAI", "Organization id", "Project id"];
    for cancelled in 0..3 {
        for way in ["<Esc>", "<C-c>"] {
            nvim.command("messages clear").await;
            nvim.feed(":GPTSetKey openai<CR>").await;
            for (index, prompt) in prompts.iter().enumerate().take(cancelled + 1) {
                let keys = if index == cancelled {
                    way.to_owned()
                } else {
                    format!("{KEY}<CR>")
                };
                enter(&nvim, prompt, &keys).await;
            }
            told(&nvim, "Nothing was changed.").await;
            assert_eq!(server.requests().len(), 0, "after {way} at {}", prompts[cancelled]);
        }
    }
    // At the last question, whether to keep a key that was refused: neither, the first answer and Escape.
    for answer in ["2<CR>", "<Esc>", "<CR>"] {
        nvim.command("messages clear").await;
        set_key(&nvim, "GPTSetKey openai", KEY, "org-9", "proj-9").await;
        enter(&nvim, "Keep the key all the same?", answer).await;
        told(&nvim, "Nothing was changed.").await;
    }
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some("older"));
    assert_eq!(keyring.lookup("openai/organization").await, None);
    assert_eq!(changes(&nvim).await, json!([]));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_with_the_reason_and_nothing_is_asked_of_the_provider() {
    let server = Server::start(accept).await;
    let nvim = editor(&server).start().await;
    for (typed, reason) in [
        ("", "Nothing was changed: the key is empty."),
        ("   ", "Nothing was changed: the key is empty."),
        ("one<C-v><Tab>two", "the key holds a line end or control character."),
        ("one<C-v>013two", "the key holds a line end or control character."),
        ("one<C-v>001two", "the key holds a line end or control character."),
    ] {
        nvim.command("messages clear").await;
        nvim.feed(":GPTSetKey openai<CR>").await;
        enter(&nvim, "API key for OpenAI", &format!("{typed}<CR>")).await;
        if !typed.trim().is_empty() {
            enter(&nvim, "Organization id", "<CR>").await;
            enter(&nvim, "Project id", "<CR>").await;
        }
        told(&nvim, reason).await;
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_key_that_the_provider_refuses_is_kept_only_if_the_user_says_so() {
    let Some(keyring) = Keyring::start().await else { return };
    let echo = format!("Incorrect API key provided: {KEY}.");
    let server = Server::start(move |_: &Request| refused(401, "invalid_api_key", &echo)).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
    let screen = shown(&nvim, "Keep the key all the same?").await;
    assert!(screen.contains("OpenAI does not accept the key."), "{screen}");
    nvim.feed("1<CR>").await;
    told(&nvim, "The key of OpenAI is kept.").await;
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    changed(&nvim, "openai", "keyring").await;
    // The provider's own words are in the log of notices, without the key.
    nvim.command("GPT log").await;
    let log = nvim.lines(0).await.join("\n");
    assert!(
        log.contains("Incorrect API key provided: [redacted].") && !log.contains(KEY),
        "{log}"
    );
}

#[tokio::test]
async fn where_a_server_lists_no_models_the_key_is_kept_and_said_to_be_unchecked() {
    for status in [404, 405, 501] {
        let Some(keyring) = Keyring::start().await else { return };
        let server = Server::start(move |_: &Request| Answer::json(status, &json!({ "detail": "Not Found" }))).await;
        let nvim = editor(&server)
            .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
            .start()
            .await;
        set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
        changed(&nvim, "openai", "keyring").await;
        let said = flat(&nvim.messages().await);
        assert!(
            said.contains(&format!("OpenAI: key kept, unchecked (HTTP {status}).")),
            "{said}"
        );
        assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_or_is_not_the_api_is_said_so() {
    for (answer, title) in [
        (
            Answer::html(200, "<html><title>Log in</title></html>"),
            "A web page came from",
        ),
        (refused(503, "overloaded", "try later"), "Keep the key all the same?"),
    ] {
        let server = Server::start([answer]).await;
        let nvim = editor(&server).start().await;
        set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
        shown(&nvim, title).await;
    }
}

#[tokio::test]
async fn a_wrong_organization_has_a_message_of_its_own() {
    for (code, status) in [("mismatched_organization", 401), ("invalid_organization", 401)] {
        let message = "OpenAI-Organization header should match organization for API key";
        let server = Server::start(move |_: &Request| refused(status, code, message)).await;
        let nvim = editor(&server)
            .env("OPENAI_API_KEY", KEY)
            .env("OPENAI_ORG_ID", "org-9")
            .start()
            .await;
        let question = ask(&nvim, &server).await;
        assert_eq!(question.header("openai-organization"), Some("org-9"));
        nvim.wait_screen_contains("OpenAI does not accept the key for this organization")
            .await;
        nvim.wait_screen_contains("OPENAI_PROJECT_ID and the configuration come first.")
            .await;
        set_key(&nvim, "GPTSetKey openai", KEY, "org-9", "").await;
        let screen = shown(&nvim, "Keep the key all the same?").await;
        assert!(screen.contains("for this organization"), "{screen}");
    }
}

#[tokio::test]
async fn empty_ids_are_not_sent() {
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_ORG_ID", "")
        .env("OPENAI_PROJECT_ID", " ")
        .start()
        .await;
    let question = ask(&nvim, &server).await;
    assert_eq!(
        (
            question.header("openai-organization"),
            question.header("openai-project")
        ),
        (None, None)
    );
}

#[tokio::test]
async fn providers_are_completed_and_picked() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    let url = server.url();
    let nvim = with_providers(&format!(
        "openai = {{ base_url = \"{url}/v1\" }}, work = {{ base_url = \"{url}/llm\" }},
         shop = {{ base_url = \"{url}/shop\", key = {{ env = \"SHOP_KEY\" }} }}, free = {{ base_url = \"{url}/free\", key = false }}"
    ))
    .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
    .start()
    .await;
    let completed = nvim
        .lua_lines("return vim.fn.getcompletion('GPTSetKey ', 'cmdline')", &[])
        .await;
    for name in ["anthropic", "openai", "work"] {
        assert!(completed.iter().any(|completed| completed == name), "{completed:?}");
    }
    assert!(!completed.iter().any(|completed| completed == "shop"), "{completed:?}");
    let completed = nvim
        .lua_lines("return vim.fn.getcompletion('GPTRemoveKey! wo', 'cmdline')", &[])
        .await;
    assert_eq!(completed, ["work"]);
    nvim.feed(":GPTSetKey<CR>").await;
    let screen = nvim.wait_screen_contains("2: work").await;
    assert!(screen.contains("1: OpenAI") && !screen.contains("shop"), "{screen}");
    nvim.feed("2<CR>").await;
    // It has no organizations: nothing more is asked.
    enter(&nvim, "API key for work (hidden):", &format!("{KEY}<CR>")).await;
    told(&nvim, "Connected to work (84 models).").await;
    assert_eq!(server.next_request().await.path, "/llm/models");
    assert_eq!(keyring.lookup("work").await.as_deref(), Some(KEY));
    for (name, reason) in [
        ("opnai", "There is no provider \"opnai\". Did you mean \"openai\"?"),
        (
            "shop",
            "shop takes no stored key. providers.shop.key takes it from SHOP_KEY.",
        ),
        ("free", "free takes no stored key. It needs none."),
        ("guide", "The guide takes no stored key. It needs none."),
    ] {
        nvim.command(&format!("GPTSetKey {name}")).await;
        told(&nvim, reason).await;
    }
}

#[tokio::test]
async fn a_key_typed_where_a_providers_name_belongs_is_not_repeated() {
    let server = Server::start(accept).await;
    let nvim = editor(&server).start().await;
    for key in [KEY, "sk-proj-abcdefghijklmnopqrstuvwx"] {
        nvim.command("messages clear").await;
        nvim.feed(&format!(":GPTSetKey {key}<CR>")).await;
        told(&nvim, "no provider").await;
        let traces = nvim
            .lua_string(
                "return vim.inspect({ vim.fn.execute('messages'), vim.fn.execute('history all') })",
                &[],
            )
            .await;
        assert!(!traces.contains(key), "{traces}");
        assert!(!nvim.screen().contains(key), "{}", nvim.screen());
    }
}

#[tokio::test]
async fn a_stored_key_that_a_variable_stands_before_is_said_so() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .env("OPENAI_API_KEY", "from-the-variable")
        .start()
        .await;
    set_key(&nvim, "GPTSetKey", KEY, "", "").await;
    told(&nvim, "But OPENAI_API_KEY comes first.").await;
    assert_eq!(bearer(&server.next_request().await), KEY, "the typed key is checked");
    assert_eq!(bearer(&ask(&nvim, &server).await), "from-the-variable");
}

#[tokio::test]
async fn without_d_bus_a_key_can_be_kept_for_this_session() {
    let server = Server::start(accept).await;
    let nvim = editor(&server).start().await;
    kept_for_this_session(&nvim, &server).await;
}

#[tokio::test]
async fn a_key_that_was_not_checked_is_not_called_connected_where_it_is_kept_for_this_session() {
    let server = Server::start(move |_: &Request| Answer::json(404, &json!({ "detail": "Not Found" }))).await;
    let nvim = editor(&server).start().await;
    set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
    enter(&nvim, "1: Keep the key for this session only", "1<CR>").await;
    told(&nvim, "OpenAI: for this session, unchecked (HTTP 404).").await;
    let server = Server::start(move |_: &Request| refused(401, "invalid_api_key", "no")).await;
    let nvim = editor(&server).start().await;
    set_key(&nvim, "GPTSetKey openai", KEY, "", "").await;
    enter(&nvim, "Keep the key all the same?", "1<CR>").await;
    enter(&nvim, "1: Keep the key for this session only", "1<CR>").await;
    told(&nvim, "OpenAI: for this session; its check failed.").await;
}

#[tokio::test]
async fn without_a_secret_service_a_key_can_be_kept_for_this_session() {
    let Some(bus) = Bus::start().await else { return };
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .start()
        .await;
    kept_for_this_session(&nvim, &server).await;
}

async fn kept_for_this_session(nvim: &Nvim, server: &Server) {
    set_key(nvim, "GPTSetKey", KEY, "org-1", "").await;
    let screen = shown(nvim, "2: Forget the key").await;
    assert!(screen.contains("No keyring can be reached"), "{screen}");
    assert!(screen.contains("1: Keep the key for this session only"), "{screen}");
    assert!(
        screen.contains("OPENAI_API_KEY") && screen.contains(":help gpt-keys"),
        "{screen}"
    );
    nvim.feed("2<CR>").await;
    told(nvim, "Nothing was changed.").await;
    set_key(nvim, "GPTSetKey", KEY, "org-1", "").await;
    enter(nvim, "1: Keep the key for this session only", "1<CR>").await;
    told(nvim, "OpenAI is connected for this session.").await;
    changed(nvim, "openai", "session").await;
    let question = ask(nvim, server).await;
    assert_eq!(
        (bearer(&question), question.header("openai-organization")),
        (KEY, Some("org-1"))
    );
    nvim.command("GPTRemoveKey! openai").await;
    told(nvim, "The key of OpenAI is removed.").await;
    let log = std::fs::read_to_string(nvim.home().log()).unwrap_or_default();
    assert!(!log.contains(KEY), "{log}");
}

#[tokio::test]
async fn a_locked_keyring_whose_dialog_is_dismissed_stays_locked_and_the_key_can_be_kept_for_this_session() {
    let Some(mut keyring) = Keyring::start().await else {
        return;
    };
    keyring.store("openai", "older").await;
    keyring.lock().await;
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    set_key(&nvim, "GPTSetKey", KEY, "", "").await;
    let screen = nvim.wait_screen_contains("1: Keep the key for this session only").await;
    assert!(screen.contains("The keyring is locked"), "{screen}");
    nvim.feed("1<CR>").await;
    told(&nvim, "OpenAI is connected for this session.").await;
    keyring.unlock().await;
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some("older"));
}

#[tokio::test]
async fn a_locked_keyring_that_waits_for_its_dialog_is_said_so() {
    let Some(mut keyring) = Keyring::start().await else {
        return;
    };
    keyring.store("openai", "older").await;
    keyring.lock().await;
    let mut dialog = keyring.bus().dialog().await;
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .config(format!(
            "{{ model = \"openai/m\", chat = {{ start_insert = false }}, providers = {{ openai = {{ base_url = \"{}/v1\" }} }} }}",
            server.url()
        ))
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    nvim.command("GPTChat Hello").await;
    dialog.wanted().await;
    told(&nvim, "Waiting for the keyring.").await;
    assert_eq!(server.requests().len(), 0);
    dialog.dismiss().await;
    nvim.wait_screen_contains("The key for OpenAI cannot be read.").await;
    nvim.wait_screen_contains("The keyring is locked").await;
    assert_eq!(server.requests().len(), 0, "nothing is asked without the key");
}

#[tokio::test]
async fn a_keyring_that_does_not_answer_is_waited_for_in_the_background() {
    let Some(keyring) = Keyring::start().await else { return };
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .start()
        .await;
    keyring.freeze();
    set_key(&nvim, "GPTSetKey", KEY, "", "").await;
    told(&nvim, "Waiting for the keyring.").await;
    // The editor goes on meanwhile.
    nvim.feed("ihere<Esc>").await;
    nvim.wait_lines(0, |lines| lines == ["here"]).await;
    keyring.thaw();
    told(&nvim, "Connected to OpenAI (84 models).").await;
    assert_eq!(keyring.lookup("openai").await.as_deref(), Some(KEY));
}

#[tokio::test]
async fn a_key_in_a_variable_leaves_the_keyring_alone() {
    let bus = SilentBus::start();
    let server = Server::start(accept).await;
    let nvim = editor(&server)
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .env("OPENAI_API_KEY", KEY)
        .start()
        .await;
    assert_eq!(bearer(&ask(&nvim, &server).await), KEY);
    assert_eq!(bus.connections(), 0);
}

#[tokio::test]
async fn a_key_of_a_command_leaves_the_keyring_alone() {
    let bus = SilentBus::start();
    let server = Server::start(accept).await;
    let nvim = with_providers(&format!(
        "openai = {{ base_url = \"{}/v1\", key = {{ cmd = {{ \"echo\", \"printed\" }} }} }}",
        server.url()
    ))
    .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
    .start()
    .await;
    assert_eq!(bearer(&ask(&nvim, &server).await), "printed");
    assert_eq!(bus.connections(), 0);
}

#[tokio::test]
async fn the_chat_is_drawn_before_the_keyring_answers() {
    let bus = SilentBus::start();
    let nvim = nvim().env("DBUS_SESSION_BUS_ADDRESS", bus.address()).start().await;
    nvim.command("GPTChat").await;
    bus.connected().await;
    nvim.feed("still typing").await;
    let screen = nvim.wait_screen_contains("still typing").await;
    // It is not known yet who answers: the keyring is still being asked.
    assert!(!screen.contains("offline manual"), "{screen}");
    nvim.wait_screen_contains("guide/manual").await;
}

#[tokio::test]
async fn the_sources_come_in_their_order() {
    let Some(keyring) = Keyring::start().await else { return };
    keyring.store("openai", "of-the-keyring").await;
    let server = Server::start(accept).await;
    let url = server.url();
    let mine = format!("openai = {{ base_url = \"{url}/v1\", key = {{ env = \"MY_KEY\" }} }}");
    let printed =
        format!("openai = {{ base_url = \"{url}/v1\", key = {{ cmd = {{ \"echo\", \"of-the-command\" }} }} }}");
    let usual = format!("openai = {{ base_url = \"{url}/v1\" }}");
    let none = format!("openai = {{ base_url = \"{url}/v1\", key = false }}");
    for (providers, variable, expected) in [
        (&mine, Some("of-the-usual-variable"), "of-my-variable"),
        (&printed, Some("of-the-usual-variable"), "of-the-command"),
        (&usual, Some(" of-the-usual-variable "), "of-the-usual-variable"),
        (&usual, Some(" "), "of-the-keyring"),
        (&usual, None, "of-the-keyring"),
        (&none, Some("of-the-usual-variable"), "(none)"),
    ] {
        let providers = format!("{providers}, other = {{ like = \"openai\" }}");
        let mut builder = nvim()
            .config(format!("{{ model = \"openai/m\", providers = {{ {providers} }} }}"))
            .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
            .env("MY_KEY", "of-my-variable");
        if let Some(value) = variable {
            builder = builder.env("OPENAI_API_KEY", value);
        }
        let nvim = builder.start().await;
        assert_eq!(bearer(&ask(&nvim, &server).await), expected, "{providers} {variable:?}");
    }
}

#[tokio::test]
async fn a_variable_that_is_not_set_is_no_key_and_nothing_is_sent() {
    let server = Server::start(accept).await;
    let nvim = nvim()
        .config(format!(
            "{{ model = \"openai/m\", providers = {{ openai = {{ base_url = \"{}/v1\", key = {{ env = \"MY_KEY\" }} }} }} }}",
            server.url()
        ))
        .start()
        .await;
    nvim.command("GPTChat Hello").await;
    nvim.wait_screen_contains("No key for OpenAI.").await;
    nvim.wait_screen_contains("Set MY_KEY, then start Neovim again.").await;
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_key_command_runs_when_a_key_is_needed_once_and_without_holding_the_editor() {
    let server = Server::start(accept).await;
    let home = crate::support::nvim::Home::new();
    let runs = home.path().join("runs");
    let go = home.path().join("go");
    let command = format!(
        "{{ \"sh\", \"-c\", \"echo x >> {}; until [ -e {} ]; do sleep 0.01; done; echo printed\" }}",
        runs.display(),
        go.display()
    );
    let nvim = with_providers(&format!(
        "openai = {{ base_url = \"{}/v1\", key = {{ cmd = {command} }} }}",
        server.url()
    ))
    .home(&home)
    .start()
    .await;
    nvim.command("GPTChat").await;
    nvim.wait_screen_contains("openai/").await;
    assert!(!runs.exists(), "not before it is needed");
    nvim.command("close").await;
    nvim.lua("require('gpt').chat({ prompt = 'Hello', new = true })", &[])
        .await;
    crate::support::wait::until("the command runs", || runs.exists()).await;
    nvim.command("close").await;
    nvim.feed("ihere<Esc>").await;
    nvim.wait_lines(0, |lines| lines == ["here"]).await;
    std::fs::write(&go, "").unwrap();
    assert_eq!(bearer(&server.next_request().await), "printed");
    assert_eq!(bearer(&ask(&nvim, &server).await), "printed");
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "x\n");
}

#[tokio::test]
async fn a_key_command_that_fails_shows_its_own_words() {
    let server = Server::start(accept).await;
    let nvim = with_providers(&format!(
        "openai = {{ base_url = \"{}/v1\", key = {{ cmd = {{ \"sh\", \"-c\", \"echo 'vault is sealed (sk-abcdefghijkl)' >&2; exit 3\" }} }} }}",
        server.url()
    ))
    .start()
    .await;
    nvim.command("GPTChat Hello").await;
    nvim.wait_screen_contains("The key for OpenAI cannot be read.").await;
    let screen = nvim.wait_screen_contains("vault is sealed").await;
    assert!(screen.contains("[redacted]") && !screen.contains("sk-abc"), "{screen}");
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn health_names_the_source_of_each_key_and_what_to_do() {
    let Some(keyring) = Keyring::start().await else { return };
    keyring.store("openai", KEY).await;
    let providers = "work = { base_url = 'http://127.0.0.1:9' }, shop = { base_url = 'http://127.0.0.1:9', key = { env = 'SHOP_KEY' } },
        pass = { base_url = 'http://127.0.0.1:9', key = { cmd = { 'echo', 'printed' } } }";
    let nvim = with_providers(providers)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
        .env("SHOP_KEY", "of-the-shop")
        .start()
        .await;
    nvim.command("checkhealth gpt").await;
    let report = nvim.lines(0).await.join("\n");
    for line in [
        "The system keyring can be reached.",
        "OpenAI: the key is in the system keyring.",
        "shop: the key is from the variable SHOP_KEY.",
        "pass: the key is from the configured command.",
        "work: no key; it may need none.",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    for key in [KEY, "of-the-shop", "printed"] {
        assert!(!report.contains(key), "{report}");
    }
}

#[tokio::test]
async fn health_without_a_keyring_says_what_to_do() {
    let nvim = nvim().start().await;
    nvim.command("checkhealth gpt").await;
    let report = nvim.lines(0).await.join("\n");
    for line in [
        "No keyring can be reached",
        "OPENAI_API_KEY",
        "gpt-keys|",
        "OpenAI: no key. :GPTSetKey openai",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
}

#[tokio::test]
async fn health_does_not_wait_for_a_silent_keyring_once_per_provider() {
    let bus = SilentBus::start();
    let providers: Vec<String> = (0..12)
        .map(|n| format!("p{n} = {{ base_url = 'http://127.0.0.1:9' }}"))
        .collect();
    let nvim = with_providers(&providers.join(", "))
        .env("DBUS_SESSION_BUS_ADDRESS", bus.address())
        .start()
        .await;
    // Twelve waits of two seconds would be over the limit.
    nvim.command("checkhealth gpt").await;
    let report = nvim.lines(0).await.join("\n");
    assert!(report.contains("The keyring did not answer"), "{report}");
}

#[tokio::test]
async fn a_key_that_the_server_echoes_is_taken_out_also_across_a_chunk_border() {
    let answer = |_: &Request| {
        let (a, b) = KEY.split_at(7);
        Answer::responses_tokens(&["You sent ", a, b, ", and once more: ", KEY, "."])
    };
    let server = Server::start(answer).await;
    let nvim = editor(&server).env("OPENAI_API_KEY", KEY).start().await;
    ask(&nvim, &server).await;
    let text = nvim.lines(0).await.join("\n");
    assert!(
        text.contains("You sent [redacted], and once more: [redacted]."),
        "{text}"
    );
}

/// Keys that a user types or pastes right behind the command, before the prompt is there.
const EAGER: &str = "isecret-key-typed-ahead";

#[tokio::test]
async fn what_is_typed_before_the_prompt_is_there_goes_into_it_and_into_no_buffer() {
    for command in ["GPTSetKey openai", "GPTSetKey"] {
        let server = Server::start(accept).await;
        let nvim = editor(&server).start().await;
        nvim.feed(&format!(":{command}<CR>{EAGER}")).await;
        let screen = nvim.wait_screen_contains(&"*".repeat(EAGER.len())).await;
        assert!(!screen.contains("secret"), "{screen}");
        nvim.feed("<CR><CR><CR>").await;
        assert_eq!(bearer(&server.next_request().await), EAGER, "{command}");
        assert_eq!(nvim.lines(0).await, [""]);
    }
}

#[tokio::test]
async fn what_is_pasted_before_the_prompt_is_there_goes_into_it_and_into_no_buffer() {
    let server = Server::start(accept).await;
    let nvim = editor(&server).start().await;
    nvim.feed(":GPTSetKey openai<CR>").await;
    nvim.call("nvim_paste", &[EAGER.into(), true.into(), (-1).into()]).await;
    nvim.wait_screen_contains(&"*".repeat(EAGER.len())).await;
    nvim.feed("<CR><CR><CR>").await;
    assert_eq!(bearer(&server.next_request().await), EAGER);
    assert_eq!(nvim.lines(0).await, [""]);
    let own = "return debug.getinfo(vim.paste, 'S').source:find('held') == nil";
    assert!(nvim.lua_bool(own, &[]).await);
}

#[tokio::test]
async fn what_is_typed_behind_a_provider_that_there_is_not_is_dropped() {
    let server = Server::start(accept).await;
    let nvim = editor(&server).start().await;
    nvim.feed(&format!(":GPTSetKey opnai<CR>{EAGER}")).await;
    told(&nvim, "There is no provider \"opnai\"").await;
    nvim.wait_lua("return vim.fn.mode() == 'n' and vim.fn.getline(1) == ''")
        .await;
    assert_eq!(nvim.lines(0).await, [""]);
}
