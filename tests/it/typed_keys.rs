//! Sentences about keys that are typed where a name belongs: they go nowhere, and stay nowhere.

use crate::common::*;
use crate::models::{model_is, server_with};
use crate::support::nvim::Nvim;

fn key() -> String {
    format!("sk-proj-{}", "a1B2c3D4e5F6g7H8".repeat(3))
}

/// Whether the key stands in the history of commands, the notices, or a file below the editor's folders.
async fn is_kept(nvim: &Nvim, key: &str) -> bool {
    nvim.command("wshada!").await;
    nvim.command("GPT log").await;
    nvim.wait_screen_contains("own log:").await;
    let code = "local key = ...
        local kept = vim.fn.execute('history cmd') .. vim.fn.execute('messages')
          .. table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')
        for _, name in ipairs({ 'state', 'data', 'cache', 'config' }) do
          for file, kind in vim.fs.dir(vim.fn.stdpath(name), { depth = 9 }) do
            if kind == 'file' then
              kept = kept .. table.concat(vim.fn.readfile(vim.fn.stdpath(name) .. '/' .. file, 'b'), '\\n')
            end
          end
        end
        return kept:find(key, 1, true) ~= nil";
    nvim.lua_bool(code, &[text(key)]).await
}

#[tokio::test]
async fn a_key_typed_as_a_model_is_refused_and_forgotten() {
    for typed in [
        ":GPTModel {}<CR>",
        ":GPTModel test/{}<CR>",
        ":GPTChat<CR>/model {}<C-s>",
    ] {
        let server = server_with(&["m1"]).await;
        let nvim = configured(&server, "").start().await;
        let key = key();
        nvim.feed(&typed.replace("{}", &key)).await;
        wait(
            &nvim,
            "return vim.fn.execute('messages'):find('looks like a key', 1, true)".into(),
        )
        .await;
        wait(
            &nvim,
            format!("return not vim.fn.execute('history cmd'):find('{key}', 1, true)"),
        )
        .await;
        nvim.feed("<Esc>").await;
        assert!(!is_kept(&nvim, &key).await, "{typed}");
        assert!(!server.requests().iter().any(|request| request.text().contains(&key)));
        model_is(&nvim, "test/m1").await;
    }
}

#[tokio::test]
async fn a_model_that_looks_like_a_key_and_is_known_is_taken() {
    let id = format!("xai-grok-{}", "a1B2c3D4e5".repeat(3));
    let server = server_with(&["m1"]).await;
    let nvim = configured(&server, &format!("models = {{ ['test/{id}'] = {{ window = 1000 }} }}"))
        .start()
        .await;
    nvim.feed(&format!(":GPTModel test/{id}<CR>")).await;
    nvim.wait_screen_contains(&format!("test/{id}")).await;
    model_is(&nvim, &format!("test/{id}")).await;
}

#[tokio::test]
async fn a_key_typed_as_a_provider_is_forgotten() {
    for command in ["GPTSetKey", "GPTRemoveKey"] {
        let nvim = unconfigured().start().await;
        let key = "sk-a1B2c3D4e5F6"; // shorter than what is taken for a key by its length
        nvim.feed(&format!(":{command} {key}<CR>")).await;
        wait(
            &nvim,
            "return vim.fn.execute('messages'):find('no provider', 1, true)".into(),
        )
        .await;
        wait(
            &nvim,
            format!("return not vim.fn.execute('history cmd'):find('{key}', 1, true)"),
        )
        .await;
        assert!(!is_kept(&nvim, key).await, "{command}");
    }
}
