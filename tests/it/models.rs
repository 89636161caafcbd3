//! Choosing the model: by name, from the list, in mid-chat and over restarts.

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::home::Home;
use crate::support::nvim::{Builder, Nvim};
use crate::support::server::{Request, Server};
use serde_json::json;

/// Keeps what a picker is given, in place of `vim.ui.select`.
const SELECT: &str = "_G.picks = {}
vim.ui.select = function(items, options, choose)
  picks[#picks + 1] = { items = items, prompt = options.prompt, choose = choose }
end";

/// A server that lists these models, and answers every question with `fine`.
pub async fn server_with(models: &'static [&'static str]) -> Server {
    Server::start(move |request: &Request| match request.method.as_str() {
        "GET" => {
            let entries: Vec<_> = models.iter().map(|id| json!({ "id": id, "object": "model" })).collect();
            Answer::json(200, &json!({ "object": "list", "data": entries }))
        }
        _ => answer("fine"),
    })
    .await
}

fn picking(server: &Server, more: &str) -> Builder {
    configured(server, more).init(SELECT).size(110, 30)
}

/// Runs a command that shows a list, and waits for its `n`th picker; what it shows.
async fn shown(nvim: &Nvim, command: &str, n: usize) -> Vec<String> {
    nvim.command(command).await;
    wait(nvim, format!("return #picks >= {n}")).await;
    nvim.lua_lines("return picks[#picks].items", &[]).await
}

/// Chooses the row that holds this text.
async fn choose(nvim: &Nvim, row: &str) {
    let code = "local pick, row = picks[#picks], ...
    for index, item in ipairs(pick.items) do
      if item:find(row, 1, true) then
        return pick.choose(item, index)
      end
    end
    error('no row with ' .. row)";
    nvim.lua(code, &[text(row)]).await;
}

#[track_caller]
pub fn model_is<'a>(nvim: &'a Nvim, name: &str) -> impl Future<Output = ()> + use<'a> {
    wait(nvim, format!("return require('gpt').status().model == '{name}'"))
}

fn gets(server: &Server) -> usize {
    let requests = server.requests();
    requests.iter().filter(|request| request.method == "GET").count()
}

/// Waits until a list has come, and is kept.
pub async fn kept(nvim: &Nvim) {
    wait(
        nvim,
        "return vim.uv.fs_stat(vim.fn.stdpath('cache') .. '/gpt/models/test.json') ~= nil".into(),
    )
    .await;
}

#[tokio::test]
async fn a_model_named_in_mid_chat_answers_the_next_question_and_stands_in_the_title() {
    let server = server_with(&[]).await;
    let nvim = picking(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "one").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed(":GPTModel test/deep/m2:8b<CR>").await;
    model_is(&nvim, "test/deep/m2:8b").await;
    nvim.wait_screen_contains(" test/deep/m2:8b ").await;
    assert_eq!(
        events(&nvim).await,
        ["GPTAnswerStarted", "GPTAnswerDone", "GPTModelChanged"]
    );
    let data = "return seen[#seen].data.provider .. ' ' .. seen[#seen].data.model";
    assert_eq!(nvim.lua_string(data, &[]).await, "test deep/m2:8b");
    nvim.feed("i").await;
    say(&nvim, "two").await;
    ended(&nvim, 2).await;
    let requests = server.requests();
    assert_eq!(requests[0].json()["model"], "m1");
    assert_eq!(requests[1].json()["model"], "deep/m2:8b");
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[
            ("You", "one"),
            ("test/m1", "fine"),
            ("You", "two"),
            ("test/deep/m2:8b", "fine")
        ])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_name_that_means_nothing_is_refused_with_what_helps_and_nothing_changes() {
    let server = server_with(&[]).await;
    let nvim = picking(&server, "").start().await;
    nvim.command("GPTModel nobody/x").await;
    wait(
        &nvim,
        "return vim.fn.execute('messages'):find('There is no provider \"nobody\".', 1, true)".into(),
    )
    .await;
    nvim.command("GPTModel test/").await;
    wait(
        &nvim,
        "return vim.fn.execute('messages'):find('\"test/\" names no model.', 1, true)".into(),
    )
    .await;
    let said = clean(&nvim).await;
    assert!(
        said.contains(":help gpt-providers") && said.contains("Write provider/model."),
        "{said}"
    );
    model_is(&nvim, "test/m1").await;
    assert!(events(&nvim).await.is_empty());
    assert!(!nvim.home().path().join("state/nvim/gpt/model.json").exists());
}

#[tokio::test]
async fn the_list_stands_on_the_screen_with_windows_prices_and_the_current_model() {
    let server = server_with(&["m1", "m2"]).await;
    let facts = "models = { ['test/m2'] = { window = 1050000, input = 2, output = 10, ends = '2024-09-13' } }";
    let nvim = configured(&server, facts).size(110, 30).start().await;
    nvim.feed(":GPTModel!<CR>").await;
    let screen = nvim
        .wait_screen(|screen| screen.contains("guide/manual") && screen.contains("test/m2"))
        .await;
    assert!(screen.contains("● test/m1"), "{screen}");
    assert!(screen.contains("price unknown"), "{screen}");
    let row = screen.lines().find(|line| line.contains("test/m2")).unwrap();
    assert!(
        row.contains("1.05M  $2 / $10") && row.ends_with("ended 2024-09-13"),
        "{row}"
    );
    nvim.feed("2<CR>").await;
    model_is(&nvim, "test/m2").await;
    nvim.wait_screen_contains("test/m2 ended on 2024-09-13").await;
}

#[tokio::test]
async fn a_list_is_fetched_once_and_a_bang_fetches_it_again() {
    let server = server_with(&["m1", "m2"]).await;
    let home = Home::new();
    let nvim = picking(&server, "").home(&home).start().await;
    let first = shown(&nvim, "GPTModel", 1).await;
    assert!(first.iter().any(|row| row.contains("test/m1")), "{first:?}");
    kept(&nvim).await;
    let second = shown(&nvim, "GPTModel", 2).await;
    assert!(second.iter().any(|row| row.contains("test/m2")), "{second:?}");
    choose(&nvim, "test/m2").await;
    model_is(&nvim, "test/m2").await;
    assert_eq!(gets(&server), 1);
    shown(&nvim, "GPTModel!", 3).await;
    assert_eq!(gets(&server), 2);
    nvim.quit().await;

    let later = picking(&server, "").home(&home).start().await;
    let rows = shown(&later, "GPTModel", 1).await;
    assert!(rows.iter().any(|row| row.contains("● test/m2")), "{rows:?}");
    choose(&later, "test/m1").await;
    model_is(&later, "test/m1").await;
    assert_eq!(gets(&server), 2);
    clean(&later).await;
}

#[tokio::test]
async fn a_provider_that_fails_to_list_says_so_in_its_row_and_can_be_tried_again() {
    let mut asked = 0;
    let server = Server::start(move |request: &Request| {
        asked += 1;
        match (request.method.as_str(), asked) {
            ("GET", 1) => Answer::json(401, &json!({ "error": { "message": "Incorrect API key provided" } })),
            ("GET", _) => Answer::json(200, &json!({ "data": [{ "id": "m7" }] })),
            _ => answer("fine"),
        }
    })
    .await;
    let nvim = picking(&server, "").start().await;
    let rows = shown(&nvim, "GPTModel!", 1).await;
    let row = rows.iter().find(|row| row.contains("no list")).unwrap();
    assert!(row.contains("test: no list (HTTP 401"), "{row}");
    choose(&nvim, "no list").await;
    wait(&nvim, "return #picks >= 2".into()).await;
    let rows = nvim.lua_lines("return picks[#picks].items", &[]).await;
    assert!(rows.iter().any(|row| row.contains("test/m7")), "{rows:?}");
    assert!(!rows.iter().any(|row| row.contains("no list")), "{rows:?}");
}

#[tokio::test]
async fn the_choice_lasts_over_a_restart_and_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let server = server_with(&[]).await;
    let home = Home::new();
    let nvim = picking(&server, "").home(&home).start().await;
    nvim.command("GPTModel test/m2").await;
    model_is(&nvim, "test/m2").await;
    wait(
        &nvim,
        "return vim.uv.fs_stat(vim.fn.stdpath('state') .. '/gpt/model.json') ~= nil".into(),
    )
    .await;
    nvim.quit().await;
    let file = home.path().join("state/nvim/gpt/model.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let later = picking(&server, "").home(&home).start().await;
    open(&later).await;
    later.wait_screen_contains(" test/m2 ").await;
    say(&later, "hi").await;
    assert_eq!(server.next_request().await.json()["model"], "m2");
    ended(&later, 1).await;
    assert_eq!(clean(&later).await, "");
    later.quit().await;

    std::fs::write(&file, "{ half").unwrap();
    let broken = picking(&server, "").home(&home).start().await;
    open(&broken).await;
    broken.wait_screen_contains(" test/m1 ").await;
    assert_eq!(clean(&broken).await, "");
}

#[tokio::test]
async fn a_choice_whose_provider_is_gone_falls_back_and_says_so() {
    let server = server_with(&[]).await;
    let home = Home::new();
    let folder = home.path().join("state/nvim/gpt");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.json"), r#"{"model":"gone/m9"}"#).unwrap();
    let nvim = picking(&server, "").home(&home).start().await;
    open(&nvim).await;
    model_is(&nvim, "test/m1").await;
    wait(
        &nvim,
        "return vim.fn.execute('messages'):find('gone/m9, chosen earlier, is not used', 1, true)".into(),
    )
    .await;
}

#[tokio::test]
async fn an_ended_model_can_be_chosen_and_warns_with_what_replaces_it() {
    let server = server_with(&["gpt-5"]).await;
    let nvim = unconfigured()
        .init(SELECT)
        .size(110, 40)
        .env("OPENAI_API_KEY", "sk-test-1234567890")
        .env("OPENAI_BASE_URL", format!("{}/v1", server.url()))
        .start()
        .await;
    let rows = shown(&nvim, "GPTModel!", 1).await;
    for id in [
        "gpt-4",
        "gpt-4-1106-preview",
        "gpt-3.5-turbo",
        "gpt-4-32k",
        "gpt-3.5-turbo-16k",
    ] {
        let name = format!("openai/{id} ");
        assert!(rows.iter().any(|row| row.contains(&name)), "{id} in {rows:#?}");
    }
    choose(&nvim, "openai/gpt-4 ").await;
    model_is(&nvim, "openai/gpt-4").await;
    let warned = "local said = vim.fn.execute('messages')
    return said:find('openai/gpt-4 ended on 2026-10-23; its successor is gpt-5.6-sol.', 1, true)";
    nvim.wait_lua(warned).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_key_gm_shows_the_list_and_completion_knows_the_models() {
    let server = server_with(&["m1", "m2"]).await;
    let nvim = picking(&server, "").start().await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    nvim.feed("gm").await;
    wait(&nvim, "return #picks == 1".into()).await;
    kept(&nvim).await;
    let completed = nvim
        .lua_lines("return vim.fn.getcompletion('GPTModel test/', 'cmdline')", &[])
        .await;
    assert_eq!(completed, ["test/m1", "test/m2"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn the_status_knows_window_and_estimated_cost() {
    let server = server_with(&[]).await;
    let facts = "models = { ['test/m1'] = { window = 8000, input = 100, output = 1000 } }";
    let nvim = picking(&server, facts).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let status = "local status = require('gpt').status()
    return ('%d %.4f %s'):format(status.window, status.cost, status.prices_of)";
    assert_eq!(nvim.lua_string(status, &[]).await, "8000 0.0020 2026-11-22");
}
