//! A chat that was brought back from the history: `ga` finds what its questions were about by what they say of it.

use std::fs;

use crate::code::*;
use crate::common::*;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

const CODE: &str = "So:\n\n```lua\nnew 日本\n  more\n```";

/// Asks about `f ç.lua` by these keys, and quits; then, after `change`, starts an editor with these files and the chat.
async fn reopened(
    content: &str,
    keys: &str,
    language: &str,
    change: impl FnOnce(&Home),
    files: &[&str],
) -> (Nvim, Server, Home) {
    let (server, home) = (Server::start(vec![answer(CODE)]).await, Home::new());
    let path = home.write("f ç.lua", content);
    home.write("g.lua", "other\n");
    let more = format!("locale = '{language}'");
    let nvim = configured(&server, &more).home(&home).arg(path).start().await;
    nvim.feed(keys).await;
    ended(&nvim, 1).await;
    nvim.quit().await;
    change(&home);
    let mut editor = configured(&server, &more).home(&home);
    for file in files {
        editor = editor.arg(home.path().join("home").join(file));
    }
    let nvim = editor.start().await;
    nvim.command("set report=9999").await;
    nvim.feed(":GPT history<CR>").await;
    nvim.wait_screen_contains("1:").await;
    nvim.feed("1<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.search('new 日本', 'wn') > 0")
        .await;
    nvim.feed("<Esc>").await;
    normal_mode(&nvim).await;
    (nvim, server, home)
}

fn nothing(_: &Home) {}

#[tokio::test]
async fn a_selection_of_an_earlier_session_is_found_by_its_path_lines_and_text() {
    for language in ["en", "pt"] {
        let (nvim, _server, _home) = reopened(&ten(), ":5,6GPTChat why<CR>", language, nothing, &["f ç.lua"]).await;
        told(&nvim, "ga", "f ç.lua").await;
        nvim.wait_lua("return vim.api.nvim_buf_get_lines(1, 4, 5, true)[1] == 'new 日本'")
            .await;
        assert_eq!(nvim.lines(1).await[3..7], ["line 4", "new 日本", "  more", "line 7"]);
        // From now on it is known where it stands.
        undo(&nvim).await;
        nvim.lua("vim.api.nvim_buf_set_lines(1, 0, 0, true, { 'above' })", &[])
            .await;
        nvim.feed("ga").await;
        nvim.wait_lua("return vim.api.nvim_buf_get_lines(1, 5, 6, true)[1] == 'new 日本'")
            .await;
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn it_is_found_where_it_has_moved_to_and_characters_within_a_line_too() {
    let move_it = |home: &Home| {
        let _ = home.write("f ç.lua", format!("above\nabove\n{}", ten()));
    };
    let (nvim, _server, _home) = reopened(&ten(), ":5,6GPTChat why<CR>", "en", move_it, &["f ç.lua"]).await;
    told(&nvim, "ga", "Replaced: lines 7-8 of f ç.lua, now 2 lines.").await;
    assert_eq!(nvim.lines(1).await[5..9], ["line 4", "new 日本", "  more", "line 7"]);
    let text = "a ção b\nção\n";
    let (nvim, _server, _home) = reopened(text, "wve:GPTChat why<CR>", "en", nothing, &["f ç.lua"]).await;
    told(&nvim, "ga", "Replaced: line 1 of f ç.lua, now 2 lines.").await;
    assert_eq!(nvim.lines(1).await, ["a new 日本", "  more b", "ção"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_that_is_not_open_is_shown_as_a_difference_first() {
    let (nvim, _server, home) = reopened(&ten(), ":5,6GPTChat why<CR>", "en", nothing, &["g.lua"]).await;
    told(&nvim, "ga", "f ç.lua was not open: look at the difference first.").await;
    nvim.wait_lua("return vim.wo.diff").await;
    told(&nvim, "ga", "Replaced: lines 5-6 of f ç.lua, now 2 lines.").await;
    nvim.command("silent wall").await;
    let text = fs::read_to_string(home.path().join("home/f ç.lua")).unwrap();
    assert!(text.contains("line 4\nnew 日本\n  more\nline 7\n"), "{text}");
    assert_eq!(nvim.lines(1).await, ["other"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_that_another_neovim_has_open_is_found_too_and_nobody_is_asked_about_its_swap_file() {
    let swap = |home: &Home| {
        let folder = home.path().join("swap");
        fs::create_dir_all(&folder).unwrap();
    };
    let (nvim, _server, home) = reopened(&ten(), ":5,6GPTChat why<CR>", "en", swap, &["g.lua"]).await;
    let folder = home.path().join("swap").display().to_string();
    let path = home.path().join("home/f ç.lua").display().to_string();
    // A swap file that is there, of a process that is: this one's.
    nvim.lua(
        "vim.o.directory = ... vim.o.swapfile = true vim.fn.bufload(vim.fn.bufadd(select(2, ...)))
        local swap = vim.fn.swapname(select(2, ...))
        vim.uv.fs_copyfile(swap, swap .. '.kept') vim.cmd('bwipeout ' .. vim.fn.fnameescape(select(2, ...)))
        vim.uv.fs_rename(swap .. '.kept', swap)",
        &[text(&folder), text(&path)],
    )
    .await;
    told(&nvim, "ga", "f ç.lua was not open: look at the difference first.").await;
    nvim.wait_lua("return vim.wo.diff and vim.bo[vim.fn.bufnr('f ç.lua')].readonly")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn where_the_text_is_not_found_the_user_is_told_so_and_asked() {
    for gone in [true, false] {
        let change = |home: &Home| {
            let path = home.path().join("home/f ç.lua");
            if gone {
                fs::remove_file(path).unwrap();
            } else {
                fs::write(path, "something else\n").unwrap();
            }
        };
        let (nvim, _server, _home) = reopened(&ten(), ":5,6GPTChat why<CR>", "en", change, &["g.lua"]).await;
        told(
            &nvim,
            "ga",
            "The selected text is not found in f ç.lua. Where does the code go?",
        )
        .await;
        nvim.wait_screen_contains("below line 1 of g.lua").await;
        nvim.feed("<Esc>").await;
        normal_mode(&nvim).await;
        assert_eq!(nvim.lines(1).await, ["other"]);
        nvim.feed("ga").await;
        nvim.wait_screen_contains("below line 1 of g.lua").await;
        told(&nvim, "1<CR>", "Inserted below line 1 of g.lua: 2 lines.").await;
        assert_eq!(nvim.lines(1).await, ["other", "new 日本", "  more"]);
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn the_word_selection_is_replaced_as_the_selection_itself() {
    let (server, home) = (Server::start(vec![answer(CODE)]).await, Home::new());
    let path = home.write("f.lua", ten());
    let nvim = configured(&server, "").home(&home).arg(path).start().await;
    nvim.feed("5GVj<Esc>").await;
    open(&nvim).await;
    say(&nvim, "why #selection").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("gg/new<CR>").await;
    told(&nvim, "ga", "Replaced: lines 5-6 of f.lua, now 2 lines.").await;
    assert_eq!(nvim.lines(1).await[3..7], ["line 4", "new 日本", "  more", "line 7"]);
    clean(&nvim).await;
}
