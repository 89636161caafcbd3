//! Keys of the chat beyond sending: a new chat, code blocks, the exact request, links; and the list of chats.

use crate::common::*;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

const CODE: &str = "Use this:\n\n```lua\nlocal a = 1\nreturn a\n```\n\nOr this:\n\n~~~\nplain\n~~~\n\ndone";

async fn with_code() -> (Nvim, Server) {
    let (nvim, server) = start([answer(CODE), answer("alpha b c").gate_before_token(1, "on")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    say(&nvim, "more").await;
    chat_holds(&nvim, "alpha").await;
    normal_mode(&nvim).await;
    (nvim, server)
}

#[tokio::test]
async fn gy_yanks_the_block_under_the_cursor_and_says_how_much() {
    let (nvim, _server) = with_code().await;
    nvim.feed("/local<CR>gy").await;
    nvim.wait_screen_contains("2 lines yanked.").await;
    assert_eq!(
        nvim.lua_string("return vim.fn.getreg('\"')", &[]).await,
        "local a = 1\nreturn a\n"
    );
    nvim.feed("/^plain<CR>\"agy").await;
    nvim.wait_screen_contains("1 line yanked.").await;
    assert_eq!(nvim.lua_string("return vim.fn.getreg('a')", &[]).await, "plain\n");
    clean(&nvim).await;
}

#[tokio::test]
async fn gy_outside_of_a_block_yanks_the_last_one_above() {
    let (nvim, _server) = with_code().await;
    nvim.feed("Ggy").await;
    nvim.wait_screen_contains("1 line yanked.").await;
    assert_eq!(nvim.lua_string("return vim.fn.getreg('\"')", &[]).await, "plain\n");
    nvim.feed("gggy").await;
    nvim.wait_screen_contains("There is no code block here.").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn gn_opens_a_new_chat_while_the_old_one_goes_on() {
    let (nvim, server) = with_code().await;
    nvim.feed("gn").await;
    nvim.wait_lua("return vim.api.nvim_get_current_buf() == chat_buffer(2) and vim.fn.mode() == 'i'")
        .await;
    server.open("on");
    ended(&nvim, 2).await;
    let first = nvim.lua_i64("return chat_buffer(1)", &[]).await;
    assert!(nvim.lines(first).await.contains(&"alpha b c".to_owned()));
    clean(&nvim).await;
}

#[tokio::test]
async fn gs_shows_the_request_that_would_be_sent_without_the_key() {
    let server = Server::start([answer("one two").gate_before_token(1, "on")]).await;
    let url = server.url();
    let config = format!(
        "{{ model = 'test/m1', providers = {{ test = {{ base_url = '{url}/v1', key = {{ env = 'TEST_KEY' }} }} }} }}"
    );
    let nvim = unconfigured()
        .env("TEST_KEY", "canary-key-5512-canary")
        .config(config)
        .size(120, 60)
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "my question").await;
    chat_holds(&nvim, "one ").await;
    nvim.feed("my draft canary-key-5512-canary<Esc>gs").await;
    nvim.wait_screen_contains("POST ").await;
    let shown = nvim.lines(0).await.join("\n");
    assert!(shown.contains(&format!("POST {url}/v1/chat/completions")), "{shown}");
    assert!(shown.contains("authorization: [redacted]"), "{shown}");
    assert!(shown.contains("\"content\": \"my question\""), "{shown}");
    assert!(shown.contains("\"content\": \"my draft"), "{shown}");
    assert!(!shown.contains("canary-key"), "{shown}");
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    server.open("on");
    ended(&nvim, 1).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn what_gs_shows_is_what_is_sent() {
    let (nvim, server) = start([answer("one two"), answer("x")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    nvim.feed("go on<Esc>gs").await;
    nvim.wait_screen_contains("POST ").await;
    let shown = nvim.lines(0).await.join("\n");
    let body: serde_json::Value = serde_json::from_str(shown.split_once("\n\n").unwrap().1).unwrap();
    nvim.feed("q<CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(server.requests()[1].json(), body);
    clean(&nvim).await;
}

#[tokio::test]
async fn gx_opens_the_link_under_the_cursor_while_an_answer_streams() {
    let text = "See [the manual](https://a.example/manual) or https://b.example/x now";
    let (nvim, server) = start([answer(text).gate_before_token(5, "on")]).await;
    nvim.lua("_G.opened = {} vim.ui.open = function(url) table.insert(opened, url) return { wait = function() return { code = 0 } end } end", &[]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "b.example/x").await;
    normal_mode(&nvim).await;
    nvim.feed("/the manual<CR>gx/b.example<CR>gx").await;
    nvim.wait_lua("return #opened == 2").await;
    assert_eq!(
        nvim.lua_lines("return opened", &[]).await,
        ["https://a.example/manual", "https://b.example/x"]
    );
    server.open("on");
    ended(&nvim, 1).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn gpt_chats_lists_the_chats_of_the_session_and_shows_the_chosen_one() {
    let (nvim, _server) = with_code().await;
    nvim.feed(":GPTChat!<CR>").await;
    nvim.wait_lua("return vim.api.nvim_get_current_buf() == chat_buffer(2)")
        .await;
    nvim.lua(
        "vim.ui.select = function(items, options, on_choice) _G.listed = vim.tbl_map(options.format_item, items) on_choice(items[2], 2) end",
        &[],
    )
    .await;
    nvim.feed("<Esc>:GPT chats<CR>").await;
    nvim.wait_lua("return vim.api.nvim_get_current_buf() == chat_buffer(1)")
        .await;
    assert_eq!(
        nvim.lua_lines("return listed", &[]).await,
        ["(empty)", "hi · test/m1 · answering"]
    );
    clean(&nvim).await;
}
