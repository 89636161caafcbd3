//! Windows of a chat: what they are opened, filled and left with; and keys that a user presses there.

use crate::common::*;
use crate::history::exchanges;
use crate::support::server::Server;
use crate::window::{MARK, ask, server as uncounted, with_window};

/// Options that a user has for code, and what a chat has instead, for each.
const OPTIONS: &str = "vim.o.spell, vim.o.number, vim.o.relativenumber, vim.o.list = true, true, true, true
vim.o.signcolumn, vim.o.colorcolumn, vim.o.foldcolumn, vim.o.wrap = 'yes', '80', '2', false
vim.o.foldenable, vim.o.foldmethod = false, 'indent'";
const WRONG: &str = "local wrong = {}
for name, wanted in pairs({ spell = false, number = false, relativenumber = false, list = false, signcolumn = 'no',
  colorcolumn = '', foldcolumn = '0', wrap = true, linebreak = true, smoothscroll = true, foldenable = true,
  foldmethod = 'manual' }) do
  if vim.wo[name] ~= wanted then wrong[#wrong + 1] = name end
end
return wrong";

#[tokio::test]
async fn a_window_of_a_chat_has_options_for_prose_and_leaves_those_of_the_code_alone() {
    for layout in ["", "vertical "] {
        let server = Server::start(Vec::new()).await;
        let nvim = configured(&server, "").init(OPTIONS).start().await;
        open_by(&nvim, &format!("{layout}GPTChat")).await;
        assert_eq!(nvim.lua_lines(WRONG, &[]).await, Vec::<String>::new(), "{layout}");
        nvim.feed("<Esc>q").await;
        nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
        let kept =
            "return vim.wo.spell and vim.wo.number and vim.wo.list and vim.wo.signcolumn == 'yes' and not vim.wo.wrap";
        assert!(nvim.lua_bool(kept, &[]).await);
    }
}

#[tokio::test]
async fn a_file_that_is_opened_from_a_chat_that_floats_is_shown_below() {
    let (nvim, _server) = start(Vec::<crate::support::answer::Answer>::new()).await;
    open(&nvim).await;
    nvim.feed("<Esc>:edit other<CR>").await;
    nvim.wait_lua("return vim.fn.expand('%:t') == 'other' and vim.api.nvim_win_get_config(0).relative == ''")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_new_chat_in_a_split_does_not_lie_below_the_float_that_it_was_asked_for_from() {
    let (nvim, _server) = start(Vec::<crate::support::answer::Answer>::new()).await;
    open(&nvim).await;
    nvim.feed("<Esc>:vertical GPTChat!<CR>").await;
    nvim.wait_lua("return vim.api.nvim_win_get_config(0).relative == '' and vim.bo.filetype == 'gptchat'")
        .await;
    let floats = "return #vim.tbl_filter(function(win) return vim.api.nvim_win_get_config(win).relative ~= '' end, vim.api.nvim_list_wins())";
    assert_eq!(nvim.lua_i64(floats, &[]).await, 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_float_without_a_border_has_no_title_to_keep_up_to_date() {
    let server = Server::start([answer("one two")]).await;
    let more = "chat = { border = 'none' }, models = { ['test/m1'] = { window = 8000 } }";
    let nvim = configured(&server, more).start().await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", "hi"), ("test/m1", "one two")])
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn q_in_the_last_window_leaves_an_empty_buffer() {
    let (nvim, _server) = start(Vec::<crate::support::answer::Answer>::new()).await;
    open_by(&nvim, "vertical GPTChat").await;
    nvim.feed("<Esc>:only<CR>q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.api.nvim_buf_get_name(0) == ''")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_that_came_while_its_chat_was_hidden_can_be_folded_whichever_way_it_is_opened() {
    for back in [":GPTChat<CR>", ":GPTChat!<CR><Esc>:GPT chats<CR>"] {
        let (nvim, server) = start([answer("one two").gate_before_token(0, "on")]).await;
        open(&nvim).await;
        nvim.feed("what is it").await;
        normal_mode(&nvim).await;
        let hidden =
            "require('gpt.chat.sending').send(require('gpt.chat.chats').current()) require('gpt.chat.window').hide()";
        nvim.lua(hidden, &[]).await;
        chat_holds(&nvim, "## test/m1").await;
        server.open("on");
        ended(&nvim, 1).await;
        let choose = "vim.ui.select = function(items, _, done) done(items[#items], #items) end";
        nvim.lua(choose, &[]).await;
        nvim.feed(back).await;
        nvim.wait_screen_contains("one two").await;
        normal_mode(&nvim).await;
        nvim.feed("gg/test.m1<CR>zc").await;
        nvim.wait_screen_contains("test/m1 · one two").await;
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_sign_of_the_status_line_in_a_models_name_is_shown_as_it_is() {
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "chat = { layout = 'vertical' }").start().await;
    nvim.command("GPTModel test/a%fb").await;
    open(&nvim).await;
    nvim.wait_screen(|screen| {
        screen
            .lines()
            .any(|line| line.contains("test/a%fb ") && line.contains("<C-s>"))
    })
    .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_end_of_a_draft_stays_in_view_while_lines_come_and_its_beginning_is_edited() {
    let long: String = (1..60).map(|n| format!("line{n}\n")).collect();
    let (nvim, server) = start([answer(&format!("so: {long}")).gate_before_token(1, "on")]).await;
    open(&nvim).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "so:").await;
    nvim.feed("first<CR>second<CR>third<Up><Up>").await;
    nvim.wait_lua("return vim.fn.getline('.') == 'first'").await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.wait_screen_contains("first").await;
    nvim.wait_screen_contains("third").await;
    clean(&nvim).await;
}

// Keys ----------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_count_goes_over_as_many_branches() {
    let (nvim, _server) = start([answer("a1"), answer("b1"), answer("c1")]).await;
    exchanges(&nvim, &["hi"]).await;
    for n in 2..=3 {
        nvim.feed("gr").await;
        ended(&nvim, n).await;
    }
    nvim.feed("2[b").await;
    nvim.wait_screen_contains("1/3").await;
    chat_holds(&nvim, "a1").await;
    nvim.feed("2]b").await;
    nvim.wait_screen_contains("3/3").await;
    chat_holds(&nvim, "c1").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_key_of_the_chat_waits_for_no_longer_one_of_the_users() {
    let (nvim, _server) = start([answer("a1"), answer("b1")]).await;
    nvim.lua(
        "vim.o.timeout = false vim.keymap.set('n', 'grx', '<Nop>') vim.keymap.set('n', 'qx', '<Nop>')",
        &[],
    )
    .await;
    exchanges(&nvim, &["hi"]).await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_list_of_keys_closes_by_any_of_the_usual_keys_and_fits_the_screen() {
    let server = Server::start(Vec::new()).await;
    let nvim = configured(&server, "").size(80, 14).start().await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    for key in ["q", "<Esc>", "<CR>", "g?"] {
        nvim.feed("g?").await;
        nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
        let height = nvim.lua_i64("return vim.api.nvim_win_get_height(0)", &[]).await;
        assert!(height <= 10, "{height}");
        nvim.feed(key).await;
        nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn what_a_link_is_under_the_cursor() {
    let (nvim, _server) = start(Vec::<crate::support::answer::Answer>::new()).await;
    open(&nvim).await;
    let cases = [
        (
            "see [Rust (language)](https://a.example/Rust_(language)) now",
            "Rust (",
            "https://a.example/Rust_(language)",
        ),
        (
            "see [b](<https://b.example/b> \"title\") now",
            "[b]",
            "https://b.example/b",
        ),
        (
            "see [b](https://b.example/b) and https://c.example now",
            "https://c",
            "https://c.example",
        ),
        ("mail <mailto:me@a.example> now", "mailto", "mailto:me@a.example"),
        ("it is at https://a.example/x, so", "https", "https://a.example/x"),
        ("(it is at https://a.example/x).", "https", "https://a.example/x"),
        ("at https://a.example/x_(y) so", "https", "https://a.example/x_(y)"),
        ("at **https://a.example/x** so", "https", "https://a.example/x"),
        ("before https://a.example/x", "before", ""),
    ];
    for (line, at, expected) in cases {
        let col = i64::try_from(line.find(at).unwrap()).unwrap() + 1;
        let found = nvim
            .lua_string(
                "return require('gpt.chat.links').at(...) or ''",
                &[text(line), col.into()],
            )
            .await;
        assert_eq!(found, expected, "{line}");
    }
}

#[tokio::test]
async fn where_there_is_no_link_gx_opens_what_neovim_takes_for_one_and_says_what_went_wrong() {
    let (nvim, _server) = start([answer("look at some/file there")]).await;
    let ui = "_G.opened = {} vim.ui.open = function(url) table.insert(opened, url) return nil, 'nothing opens it' end";
    nvim.lua(ui, &[]).await;
    exchanges(&nvim, &["hi"]).await;
    nvim.feed("/some<CR>gx").await;
    nvim.wait_screen_contains("some/file. Open it?").await;
    nvim.feed("2<CR>").await;
    nvim.wait_screen_contains("nothing opens it").await;
    assert_eq!(nvim.lua_lines("return opened", &[]).await, ["some/file"]);
    clean(&nvim).await;
}

// The gauge and the mark ------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_count_by_another_model_is_an_estimate() {
    let server = Server::start([answer("one two")]).await;
    let facts = "window = 8000";
    let more = format!("models = {{ ['test/m1'] = {{ {facts} }}, ['test/m2'] = {{ {facts} }} }}");
    let nvim = configured(&server, &more).start().await;
    exchanges(&nvim, &["hi"]).await;
    let screen = nvim.wait_screen_contains("of 8k").await;
    assert!(!screen.contains('~') || !screen.contains("· ~"), "{screen}");
    nvim.command("GPTModel test/m2").await;
    nvim.wait_screen_contains("test/m2 · ~").await;
}

#[tokio::test]
async fn the_mark_of_what_is_left_out_goes_with_its_heading_and_comes_back_with_it() {
    let server = uncounted().await;
    let nvim = with_window(&server, 300).start().await;
    open(&nvim).await;
    for n in 1..=4 {
        ask(&nvim, &server, n).await;
    }
    nvim.wait_screen_contains(MARK).await;
    normal_mode(&nvim).await;
    nvim.feed("gg2]]").await;
    nvim.wait_lua("return vim.fn.getline('.') == '## You'").await;
    nvim.feed("dd").await;
    nvim.wait_screen_lacks(MARK).await;
    nvim.feed("u").await;
    nvim.wait_screen_contains(MARK).await;
}
