//! The right edges of headings in windows of any width, and the folds beside them.

use crate::common::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

const PRICES: &str = "models = { ['test/m1'] = { input = 1000, output = 10000 } }";

/// What stands at the right edge of the n-th heading.
async fn edge(nvim: &Nvim, n: usize) -> String {
    let code = format!(
        "local chat = require('gpt.chat.chats').of_buffer(chat_buffer())
        local mark = require('gpt.chat.headings').all(chat)[{n}].mark
        local at = vim.api.nvim_buf_get_extmark_by_id(chat.buf, require('gpt.chat.headings').SPACE, mark, {{ details = true }})
        return at[3].virt_text and at[3].virt_text[1][1] or ''"
    );
    nvim.lua_string(&code, &[]).await
}

#[tokio::test]
async fn of_what_is_known_of_an_answer_a_narrow_window_shows_what_has_room() {
    let server = Server::start([answer("one two three")]).await;
    let nvim = configured(&server, &format!("{PRICES}, chat = {{ width = 36 }}"))
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let shown = edge(&nvim, 2).await;
    assert!(shown.contains("tokens") && !shown.contains('$'), "{shown:?}");
    // Where a chat is in several windows, the narrowest counts.
    nvim.feed("<Esc>:vertical GPTChat<CR><Esc>:only<CR>").await;
    nvim.wait_screen_contains("$").await;
    for narrow in ["topleft", "botright"] {
        nvim.feed(&format!(":{narrow} 16vsplit<CR>")).await;
        wait(
            &nvim,
            "local chat = require('gpt.chat.chats').of_buffer(chat_buffer())
            local at = vim.api.nvim_buf_get_extmark_by_id(chat.buf, require('gpt.chat.headings').SPACE, require('gpt.chat.headings').all(chat)[2].mark, { details = true })
            return at[3].virt_text == nil"
                .to_owned(),
        )
        .await;
        nvim.feed(":close<CR>").await;
        nvim.wait_screen_contains("$").await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waits_says_why_as_soon_as_there_is_room() {
    let server = Server::start([answer("one two").gate_before_token(1, "never")]).await;
    let nvim = configured(&server, "chat = { width = 30 }").start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    say(&nvim, "second").await;
    nvim.wait_screen_contains("queued").await;
    assert_eq!(edge(&nvim, 3).await, " queued ");
    nvim.feed("<Esc>:vertical GPTChat<CR><Esc>:only<CR>").await;
    nvim.wait_screen_contains("queued: goes out when the answer is done")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_users_own_sign_for_the_end_of_a_buffer_stays() {
    let server = Server::start([answer("one")]).await;
    let nvim = configured(&server, "").init("vim.o.fillchars = 'eob:@'").start().await;
    open(&nvim).await;
    let screen = nvim.wait_screen_contains("## You").await;
    assert!(
        screen.lines().any(|line| line.contains("│@")),
        "no sign of the user's in\n{screen}"
    );
}

#[tokio::test]
async fn a_block_of_an_answer_is_not_folded_though_it_looks_like_one_of_context() {
    let (nvim, _server) = start([answer("so:\n\n```lua #file:a.lua\nlocal x\nlocal y\n```\n")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("local y").await;
    nvim.feed("<Esc>q:GPTChat<CR>").await;
    nvim.wait_screen_contains("local y").await;
    let closed =
        "for line = 1, vim.fn.line('$') do if vim.fn.foldclosed(line) > 0 then return true end end return false";
    assert!(!nvim.lua_bool(closed, &[]).await);
}

#[tokio::test]
async fn the_fold_of_a_file_counts_the_lines_and_tokens_that_it_has_now() {
    let home = Home::new();
    let server = Server::start([answer("ok"), answer("ok")]).await;
    home.write("a.txt", "one\n");
    let nvim = configured(&server, "").home(&home).size(100, 40).start().await;
    open(&nvim).await;
    say(&nvim, "#file:a.txt").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("1 line  ~1 tokens").await;
    home.write("a.txt", "many words more\n".repeat(20));
    say(&nvim, "#file:a.txt").await;
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("20 lines  ~80 tokens").await;
    clean(&nvim).await;
}
