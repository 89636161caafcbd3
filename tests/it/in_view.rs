//! What stays in view when text goes.

use crate::common::*;
use crate::support::nvim::Home;
use crate::support::server::Server;

#[tokio::test]
async fn the_question_is_in_view_when_its_long_answer_is_asked_for_again() {
    let long: String = (1..60).map(|line| format!("line{line}\n")).collect();
    let (nvim, server) = start([answer(&long), answer("short").gate_before_token(0, "on")]).await;
    open(&nvim).await;
    say(&nvim, "a question").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_lacks("a question").await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    nvim.wait_screen_contains("2/2").await;
    nvim.wait_screen_contains("a question").await;
    server.open("on");
    ended(&nvim, 2).await;
    nvim.wait_screen_contains("a question").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_window_that_reads_above_is_not_scrolled_when_an_answer_is_asked_for_again() {
    let long: String = (1..60).map(|line| format!("line{line}\n")).collect();
    let (nvim, _server) = start([answer(&long), answer("short")]).await;
    open(&nvim).await;
    say(&nvim, "a question").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("ggjjzt").await;
    nvim.wait_lua("return vim.fn.line('w0') == 3").await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    assert_eq!(nvim.lua_i64("return vim.fn.line('w0')", &[]).await, 3);
    clean(&nvim).await;
}

#[tokio::test]
async fn the_label_of_the_projects_rules_stays_after_edit() {
    let (home, server) = (Home::new(), Server::start(answer("x")).await);
    let folder = home.path().join("project");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("AGENTS.md"), "Use tabs.").expect("a file");
    let nvim = configured(&server, "").home(&home).directory(&folder).start().await;
    open(&nvim).await;
    say(&nvim, "hello").await;
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("rules: AGENTS.md").await;
    nvim.feed("<Esc>:e!<CR>:echo<CR>").await;
    nvim.wait_lua("return vim.fn.mode() == 'n'").await;
    nvim.wait_screen_contains("rules: AGENTS.md").await;
    clean(&nvim).await;
}
