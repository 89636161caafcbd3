//! Folds of a message that is still being written.

use crate::common::*;
use crate::reasoning::thoughtful;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

const CLOSED: &str = "local found, line = {}, 1
while line <= vim.fn.line('$') do
  local last = vim.fn.foldclosedend(line)
  if last > 0 then found[#found + 1] = vim.fn.getline(line) .. ' … ' .. vim.fn.getline(last + 1) end
  line = math.max(last, line) + 1
end
return found";

/// The first line of each closed fold, and the line below the fold.
async fn closed(nvim: &Nvim) -> Vec<String> {
    nvim.lua_lines(CLOSED, &[]).await
}

async fn folded(pieces: &[&str]) -> (Nvim, Server) {
    let slow = thoughtful(&["hm", "\nwell"], pieces)
        .gate_before_token(3, "on")
        .gate_before_token(4, "further")
        .gate_before_token(5, "end");
    let (nvim, server) = start([slow]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "one").await;
    normal_mode(&nvim).await;
    nvim.feed("G2[[zc").await;
    nvim.wait_screen_contains("test/m1 · one").await;
    (nvim, server)
}

const PIECES: [&str; 3] = ["one", "\ntwo\n\nthree", "\nfour\n"];

#[tokio::test]
async fn an_answer_that_is_being_written_stays_folded_while_it_grows() {
    let (nvim, server) = folded(&PIECES).await;
    server.open("on");
    chat_holds(&nvim, "three").await;
    assert_eq!(closed(&nvim).await, ["## test/m1 … ## You"]);
    nvim.wait_screen_contains("test/m1 · one two three").await;
    server.open("further");
    chat_holds(&nvim, "four").await;
    assert_eq!(closed(&nvim).await, ["## test/m1 … ## You"]);
    nvim.feed("zo").await;
    nvim.wait_screen_contains("four").await;
    server.open("end");
    ended(&nvim, 1).await;
    nvim.feed("zc").await;
    nvim.wait_screen_contains("test/m1 · one two three four").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_folded_answer_takes_nothing_in_of_the_prompt_in_which_is_typed() {
    let (nvim, server) = folded(&PIECES).await;
    nvim.feed("Gia draft<CR>").await;
    server.open("on");
    chat_holds(&nvim, "three").await;
    nvim.feed("more<CR>").await;
    server.open("further");
    chat_holds(&nvim, "four").await;
    nvim.feed("of it").await;
    assert_eq!(closed(&nvim).await, ["## test/m1 … ## You"]);
    server.open("end");
    ended(&nvim, 1).await;
    assert_eq!(closed(&nvim).await, ["## test/m1 … ## You"]);
    for seen in ["hi", "a draft", "more", "of it"] {
        nvim.wait_screen_contains(seen).await;
    }
    clean(&nvim).await;
}
