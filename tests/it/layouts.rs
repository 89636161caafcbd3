//! Where a chat is shown, and Neovim's own commands on it, while an answer streams.

use crate::common::*;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

async fn streaming() -> (Nvim, Server) {
    let first = answer("one two three")
        .gate_before_token(1, "a")
        .gate_before_token(2, "b");
    let (nvim, server) = start([first, answer("again")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    (nvim, server)
}

const SHOWN: [(&str, &str); 2] = [("You", "hi"), ("test/m1", "one two three")];

#[tokio::test]
async fn reloading_in_mid_stream_goes_on_at_the_right_place() {
    let (nvim, server) = streaming().await;
    nvim.feed("GAmy draft<Esc>:e!<CR>").await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.feed(":e<CR>").await;
    server.open("b");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&SHOWN, "my draft"));
    nvim.feed("G<CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", "one two three"), ("user", "my draft")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_after_a_reload_in_mid_stream_takes_nothing_of_the_answer() {
    let (nvim, server) = streaming().await;
    nvim.feed(":e!<CR>uu").await;
    server.open("a");
    chat_holds(&nvim, "one two").await;
    nvim.feed("u").await;
    server.open("b");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&SHOWN));
    clean(&nvim).await;
}

#[tokio::test]
async fn writing_in_mid_stream_says_that_chats_are_kept_and_a_name_saves_a_copy() {
    let (nvim, server) = streaming().await;
    nvim.feed(":w<CR>").await;
    nvim.wait_screen_contains("Chats are kept by themselves; :write name.md saves a copy.")
        .await;
    let path = nvim.home().path().join("copy.md");
    nvim.feed(&format!(":w {}<CR>", path.display())).await;
    nvim.wait_screen_contains("Saved to").await;
    let copy = std::fs::read_to_string(&path).unwrap();
    assert!(copy.starts_with("## You\n\nhi\n\n## test/m1\n\none"), "{copy}");
    server.open("a");
    server.open("b");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&SHOWN));
    clean(&nvim).await;
}

#[tokio::test]
async fn quitting_the_window_in_mid_stream_lets_the_answer_come_and_says_so() {
    let (nvim, server) = streaming().await;
    nvim.feed(":q<CR>").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    server.open("a");
    server.open("b");
    ended(&nvim, 1).await;
    assert_eq!(chat_lines(&nvim).await, transcript(&SHOWN));
    clean(&nvim).await;
}

#[tokio::test]
async fn deleting_the_buffer_in_mid_stream_stops_the_answer_without_an_error() {
    let (nvim, server) = streaming().await;
    nvim.feed(":bd<CR>").await;
    server.closed(0).await;
    nvim.wait_lua("return chat_buffer() == nil").await;
    nvim.feed(":GPTChat<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn leaving_neovim_in_mid_stream_asks_nothing() {
    let (nvim, _server) = streaming().await;
    nvim.feed(":qa<CR>").await;
    assert!(nvim.exited().await.success());
}

#[tokio::test]
async fn the_current_windows_place_is_taken_and_given_back() {
    let server = Server::start([answer("one two").gate_before_token(1, "on")]).await;
    let nvim = configured(&server, "chat = { layout = 'current' }").start().await;
    nvim.feed(":e file.txt<CR>").await;
    open(&nvim).await;
    assert_eq!(nvim.lua_i64("return #vim.api.nvim_list_wins()", &[]).await, 1);
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.fn.expand('%:t') == 'file.txt'").await;
    let options = nvim
        .lua_lines(
            "return { vim.wo.foldmethod, tostring(vim.wo.list), vim.wo.foldtext, vim.wo.winbar }",
            &[],
        )
        .await;
    assert_eq!(options, ["manual", "false", "foldtext()", ""]);
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed(":vertical GPTChat<CR>").await;
    nvim.wait_lua("return #vim.api.nvim_list_wins() == 2").await;
    clean(&nvim).await;
}
