//! A chat's colours, and the maps that are made late.

use crate::common::{clean, open, unconfigured};

const COLOURS: &str = "return vim.wo.winhighlight";

#[tokio::test]
async fn a_float_takes_the_colours_that_the_user_gives_it_and_else_those_of_floats() {
    let nvim = unconfigured().start().await;
    open(&nvim).await;
    assert_eq!(nvim.lua_string(COLOURS, &[]).await, "");
    nvim.command("highlight GPTNormal guibg=#112233 | doautocmd ColorScheme")
        .await;
    assert_eq!(nvim.lua_string(COLOURS, &[]).await, "NormalFloat:GPTNormal");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_plug_map_works_before_any_command_line_was_opened() {
    let nvim = unconfigured()
        .init("vim.keymap.set('n', 'gp', '<Plug>(gpt-chat)')")
        .start()
        .await;
    nvim.feed("gp").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    clean(&nvim).await;
}
