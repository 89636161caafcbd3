//! The colours of markdown and of code within it, in all the ways in which a message comes into a chat.

use crate::common::*;
use crate::history::{gone, name};
use crate::reasoning::thoughtful;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

const CODE: &str = "so:\n\n```lua\nlocal x = 1\n```\n";

/// Waits until this text in the newest chat has a group whose name begins like this.
#[track_caller]
pub fn coloured<'a>(nvim: &'a Nvim, text: &str, group: &str) -> impl Future<Output = ()> + use<'a> {
    let code = format!(
        "for row, line in ipairs(vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true)) do
          local col = line:find({text:?}, 1, true)
          if col then
            local found = vim.inspect_pos(chat_buffer(), row - 1, col, {{ treesitter = false, syntax = false }})
            return vim.iter(found.extmarks):any(function(mark)
              return vim.startswith(mark.opts.hl_group or '', {group:?})
            end)
          end
        end"
    );
    wait(nvim, code)
}

#[tokio::test]
async fn code_in_a_question_and_in_its_answer_has_the_colours_of_its_language() {
    let answered = answer(&format!("{CODE}\nand **much** more")).gate_before_token(5, "end");
    let (nvim, server) = start([answered]).await;
    open(&nvim).await;
    nvim.feed("what?<CR><CR>```lua<CR>local q = 1<CR>```<C-s>").await;
    chat_holds(&nvim, "much").await;
    coloured(&nvim, "local q", "@keyword.lua").await;
    coloured(&nvim, "local x", "@keyword.lua").await;
    server.open("end");
    ended(&nvim, 1).await;
    coloured(&nvim, "**much**", "@markup.strong").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn what_an_answer_ends_with_at_once_is_coloured_too() {
    let (nvim, _server) = start([answer(CODE)]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    coloured(&nvim, "local x", "@keyword.lua").await;
}

#[tokio::test]
async fn code_in_the_question_of_an_action_is_coloured_and_the_question_folds() {
    let (nvim, _server) = start([answer("It counts.")]).await;
    nvim.feed("ilocal a = 1<Esc>:setf lua<CR>:GPT explain<CR>").await;
    ended(&nvim, 1).await;
    coloured(&nvim, "local a", "@keyword.lua").await;
    nvim.feed("<Esc>ggzc").await;
    nvim.wait_screen_contains("You · Explain").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_action_typed_into_the_prompt_is_coloured_as_the_question_that_it_becomes_and_folds() {
    let (nvim, _server) = start([answer("It counts.")]).await;
    open(&nvim).await;
    say(&nvim, "/explain\n\n```lua\nlocal a = 1\n```").await;
    ended(&nvim, 1).await;
    coloured(&nvim, "local a", "@keyword.lua").await;
    nvim.feed("<Esc>ggzc").await;
    nvim.wait_screen_contains("You · Explain").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_out_of_the_history_is_coloured_below_its_reasoning() {
    let thoughts: Vec<&str> = vec!["hm", "\n1", "\n2", "\n3", "\n4", "\n5", "\n6", "\n7", "\n8", "\n9"];
    let (home, server) = (Home::new(), Server::start([thoughtful(&thoughts, &[CODE])]).await);
    let nvim = configured(&server, "").home(&home).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    let chat = name(&nvim).await;
    nvim.quit().await;
    gone(&nvim).await;
    let later = configured(&server, "").home(&home).start().await;
    later.command(&format!("edit {chat}")).await;
    chat_holds(&later, "local x").await;
    coloured(&later, "local x", "@keyword.lua").await;
    clean(&later).await;
}

#[tokio::test]
async fn colours_come_back_after_edit_and_go_on_where_an_answer_streams() {
    let answered = answer(&format!("{CODE}\nand\n\n```lua\nlocal y = 2\n```\n")).gate_before_token(4, "on");
    let (nvim, server) = start([answered]).await;
    open(&nvim).await;
    say(&nvim, "hi\n\n```lua\nlocal q = 1\n```").await;
    chat_holds(&nvim, "local x = 1").await;
    nvim.feed("<Esc>:e!<CR>").await;
    coloured(&nvim, "local q", "@keyword.lua").await;
    coloured(&nvim, "local x", "@keyword.lua").await;
    server.open("on");
    ended(&nvim, 1).await;
    coloured(&nvim, "local y", "@keyword.lua").await;
    nvim.feed(":e!<CR>").await;
    coloured(&nvim, "local x", "@keyword.lua").await;
    coloured(&nvim, "local y", "@keyword.lua").await;
    clean(&nvim).await;
}
