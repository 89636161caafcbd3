//! `/model` in the prompt: completed as a word, and sent as a command to the program, not as a question.

use crate::common::{clean, configured, conversation, ended, normal_mode, open, said, say, wait};
use crate::models::{kept, model_is, server_with};
use crate::support::nvim::Nvim;

/// What our language server offers behind what was typed.
async fn completed(nvim: &Nvim) -> Vec<String> {
    wait(
        nvim,
        "return #vim.lsp.get_clients({ bufnr = 0, name = 'gpt' }) == 1".into(),
    )
    .await;
    let code = "local cursor = vim.api.nvim_win_get_cursor(0)
    local params = {
      textDocument = { uri = vim.uri_from_bufnr(0) },
      position = { line = cursor[1] - 1, character = cursor[2] },
    }
    local _, reply = next(vim.lsp.buf_request_sync(0, 'textDocument/completion', params, 5000) or {})
    return vim.tbl_map(function(item) return item.textEdit.newText end, reply.result.items)";
    nvim.lua_lines(code, &[]).await
}

async fn typed(nvim: &Nvim, keys: &str, line: &str) {
    nvim.feed(keys).await;
    wait(nvim, format!("return vim.api.nvim_get_current_line() == {line:?}")).await;
}

#[tokio::test]
async fn the_names_of_models_complete_behind_the_word_model() {
    let server = server_with(&["m1", "deep/m2"]).await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    nvim.lua_lines("return vim.fn.getcompletion('GPTModel test/', 'cmdline')", &[])
        .await;
    kept(&nvim).await;
    typed(&nvim, "/mo", "/mo").await;
    assert!(completed(&nvim).await.contains(&"/model".to_owned()));
    typed(&nvim, "del test/", "/model test/").await;
    let offered = completed(&nvim).await;
    assert!(
        offered.contains(&"test/m1".to_owned()) && offered.contains(&"test/deep/m2".to_owned()),
        "{offered:?}"
    );
    nvim.lua_lines(
        "local client = vim.lsp.get_clients({ bufnr = 0, name = 'gpt' })[1]
        vim.api.nvim_set_current_line('/model')
        vim.api.nvim_win_set_cursor(0, { vim.fn.line('.'), 6 })
        client.commands['gpt.complete']({}, {})
        return {}",
        &[],
    )
    .await;
    typed(&nvim, "", "/model ").await;
    typed(&nvim, "x", "/model x").await;
    typed(&nvim, "<C-u>what is /model ", "what is /model ").await;
    assert_eq!(completed(&nvim).await, [""; 0]);
    clean(&nvim).await;
}

#[tokio::test]
async fn the_word_model_sent_changes_the_model_and_asks_nothing() {
    let server = server_with(&["m1", "deep/m2"]).await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "/model test/deep/m2").await;
    nvim.wait_screen_contains("test/deep/m2").await;
    model_is(&nvim, "test/deep/m2").await;
    wait(
        &nvim,
        "return not table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false)):find('/model', 1, true)".into(),
    )
    .await;
    say(&nvim, "and now?").await;
    ended(&nvim, 1).await;
    let mut asked = server.next_request().await;
    while asked.method != "POST" {
        asked = server.next_request().await;
    }
    let body = asked.json();
    assert_eq!(body["model"], "deep/m2");
    assert_eq!(body["messages"].as_array().map(Vec::len), Some(2), "{body}");
    clean(&nvim).await;
}

#[tokio::test]
async fn an_undo_brings_the_word_model_back_where_its_model_means_nothing() {
    let server = server_with(&["m1"]).await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    say(&nvim, "/model nobody/nothing").await;
    nvim.wait_screen_contains("nobody").await;
    nvim.feed("<Esc>u").await;
    nvim.wait_screen_contains("/model nobody/nothing").await;
}

#[tokio::test]
async fn the_word_model_is_not_asked_as_a_question_where_the_chat_is_not_modifiable() {
    let server = server_with(&["m1", "m2"]).await;
    let nvim = configured(&server, "").start().await;
    open(&nvim).await;
    nvim.feed("/model test/m2").await;
    normal_mode(&nvim).await;
    nvim.lua("vim.bo.modifiable = false", &[]).await;
    nvim.feed("<CR>").await;
    nvim.wait_screen_contains("The chat is not modifiable now.").await;
    nvim.wait_screen_contains("/model test/m2").await;
    model_is(&nvim, "test/m1").await;
    nvim.lua("vim.bo.modifiable = true", &[]).await;
    nvim.feed("<CR>").await;
    model_is(&nvim, "test/m2").await;
    nvim.feed("i").await;
    say(&nvim, "and now?").await;
    ended(&nvim, 1).await;
    let mut asked = server.requests();
    asked.retain(|request| request.method == "POST");
    assert_eq!(asked.len(), 1);
    assert_eq!(conversation(&asked[0]), said(&[("user", "and now?")]));
    clean(&nvim).await;
}
