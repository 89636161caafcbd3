//! Chats out of the history look as they did when they were written.

use crate::common::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;
use crate::support::wait;

const PRICES: &str = "models = { ['test/m1'] = { input = 1000, output = 10000 } }";

/// The right edges of the headings, empty where there is none.
async fn edges(nvim: &Nvim) -> Vec<String> {
    let code = "return vim.tbl_map(function(heading)
      local at = vim.api.nvim_buf_get_extmark_by_id(chat_buffer(), require('gpt.chat.headings').SPACE, heading.mark, { details = true })
      local text = at[3].virt_text
      return text and text[1][1] or ''
    end, require('gpt.chat.headings').all(require('gpt.chat.chats').of_buffer(chat_buffer())))";
    nvim.lua_lines(code, &[]).await
}

async fn editor(home: &Home, server: &Server) -> Nvim {
    configured(server, PRICES).home(home).start().await
}

#[tokio::test]
async fn a_recalled_answer_shows_its_time_tokens_and_cost_in_every_branch() {
    let (home, server) = (Home::new(), Server::start([answer("a1 is long"), answer("a2")]).await);
    let nvim = editor(&home, &server).await;
    open(&nvim).await;
    say(&nvim, "q").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("[b").await;
    chat_holds(&nvim, "a1 is long").await;
    let written = edges(&nvim).await;
    assert!(
        written[1].contains("1/2 · ") && written[1].contains("13 tokens · $0.04"),
        "{written:?}"
    );
    let name = nvim
        .lua_string("return vim.api.nvim_buf_get_name(chat_buffer())", &[])
        .await;
    nvim.quit().await;
    wait::until("the program has ended", || nvim.processes().is_empty()).await;

    let later = editor(&home, &server).await;
    later.command(&format!("edit {name}")).await;
    chat_holds(&later, "a1 is long").await;
    let without_time = |edges: Vec<String>| -> Vec<String> {
        let digits = |edge: &String| {
            edge.split(" · ")
                .filter(|fact| !fact.contains(':'))
                .collect::<Vec<_>>()
                .join(" · ")
        };
        edges.iter().map(digits).collect()
    };
    let recalled = edges(&later).await;
    assert!(recalled[1].contains(':'), "a time in {recalled:?}");
    assert_eq!(without_time(recalled), without_time(written));
    later.feed("]b").await;
    chat_holds(&later, "a2").await;
    let other = edges(&later).await;
    assert!(
        other[1].contains("2/2 · ") && other[1].contains("11 tokens · $0.02"),
        "{other:?}"
    );
    clean(&later).await;
}

#[tokio::test]
async fn an_answer_of_another_day_shows_the_day() {
    let (nvim, _server) = start([answer("a")]).await;
    let facts = "return require('gpt.ui.facts').of({ at = 86400 * 400 })[1]";
    assert!(nvim.lua_string(facts, &[]).await.starts_with("1971-02-0"));
    let now = "return require('gpt.ui.facts').of({ at = os.time() })[1]";
    assert_eq!(nvim.lua_string(now, &[]).await.len(), "12:00".len());
}

#[tokio::test]
async fn a_recalled_answer_has_its_reasoning_once_and_never_sends_it() {
    let thoughtful = crate::reasoning::thoughtful(&["hm", "\nwell"], &["one", " two"]);
    let (home, server) = (Home::new(), Server::start([thoughtful, answer("more")]).await);
    let nvim = editor(&home, &server).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let written = chat_lines(&nvim).await;
    let name = nvim
        .lua_string("return vim.api.nvim_buf_get_name(chat_buffer())", &[])
        .await;
    nvim.quit().await;
    wait::until("the program has ended", || nvim.processes().is_empty()).await;

    let later = editor(&home, &server).await;
    later.command(&format!("edit {name}")).await;
    chat_holds(&later, "one two").await;
    assert_eq!(chat_lines(&later).await, written);
    later.feed("Go").await;
    say(&later, "go on").await;
    ended(&later, 1).await;
    let sent = [("user", "hi"), ("assistant", "one two"), ("user", "go on")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&later).await;
}
