//! From the chat back to the code: `ga` puts a block where the selection of its question came from, `gd` shows it first,
//! `:GPT files` takes the blocks that name a file.

use std::fs;

use crate::code::*;
use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

/// A block of an answer, with words around it.
fn block(code: &str) -> String {
    format!("Like this:\n\n```lua\n{code}\n```\n\nThat is all.")
}

// Replacing ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn ga_replaces_the_lines_that_were_asked_about() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new a\nnew b\nnew c"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "Replaced: lines 5-6 of f.lua, now 3 lines.").await;
    let mut expected: Vec<String> = (1..=4).map(|n| format!("line {n}")).collect();
    expected.extend(["new a", "new b", "new c"].map(str::to_owned));
    expected.extend((7..=10).map(|n| format!("line {n}")));
    assert_eq!(code(&nvim).await, expected);
    assert_eq!(nvim.lua_string("return vim.bo.filetype", &[]).await, "gptchat");
    clean(&nvim).await;
}

#[tokio::test]
async fn ga_finds_the_lines_again_where_edits_have_moved_them_and_keeps_what_was_edited() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype == 'lua'").await;
    nvim.feed("5GOabove<Esc>6Go<Esc>u2Gdd6Gobelow<Esc>GAx<Esc>:GPTChat<CR>")
        .await;
    nvim.wait_lua("return vim.fn.mode() == 'i'").await;
    told(&nvim, "<Esc>ga", "Replaced: lines 5-6 of f.lua, now 1 line.").await;
    let expected = [
        "line 1", "line 3", "line 4", "above", "new", "below", "line 7", "line 8", "line 9", "line 10x",
    ];
    assert_eq!(code(&nvim).await, expected);
    clean(&nvim).await;
}

#[tokio::test]
async fn one_u_in_the_code_takes_it_back_and_then_ga_works_again() {
    let answers = [answer(&block("one\ntwo")), answer(&block("three"))];
    let (nvim, _server, _home) = showing("f.lua", &ten(), answers).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "Replaced: lines 5-6").await;
    undo(&nvim).await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", ten());
    told(&nvim, "ga", "Replaced: lines 5-6 of f.lua, now 2 lines.").await;
    assert_eq!(code(&nvim).await[3..7], ["line 4", "one", "two", "line 7"]);
    // Another answer to the same question replaces what the first one gave.
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    told(&nvim, "ga", "Replaced: lines 5-6 of f.lua, now 1 line.").await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "three", "line 7"]);
    undo(&nvim).await;
    assert_eq!(code(&nvim).await[3..7], ["line 4", "one", "two", "line 7"]);
    undo(&nvim).await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", ten());
    clean(&nvim).await;
}

#[tokio::test]
async fn what_was_changed_in_the_code_just_before_and_after_is_not_taken_back_with_it() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.lua("vim.api.nvim_buf_set_lines(1, 0, 1, true, { 'before' })", &[])
        .await;
    told(&nvim, "ga", "Replaced: lines 5-6").await;
    nvim.lua("vim.api.nvim_buf_set_lines(1, 1, 2, true, { 'after' })", &[])
        .await;
    undo(&nvim).await;
    assert_eq!(code(&nvim).await[..5], ["before", "line 2", "line 3", "line 4", "new"]);
    undo(&nvim).await;
    assert_eq!(
        code(&nvim).await[..5],
        ["before", "line 2", "line 3", "line 4", "line 5"]
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn ga_replaces_exactly_the_characters_that_were_selected() {
    let (nvim, _server, _home) = showing("f.txt", "a 日本語 b\nção 👩‍👩‍👧‍👦 x\n", answer(&block("é(\n)"))).await;
    ask(&nvim, "0wlvjb:GPTChat why<CR>", 1).await;
    let taken = nvim
        .lua_string(
            "return require('gpt.chat.chats').current().origins[1].origin.lines[1]",
            &[],
        )
        .await;
    assert_eq!(taken, "本語 b");
    told(&nvim, "ga", "Replaced: lines 1-2 of f.txt, now 2 lines.").await;
    assert_eq!(code(&nvim).await, ["a 日é(", ")ão 👩‍👩‍👧‍👦 x"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn the_block_under_the_cursor_is_applied_else_the_last_one_of_its_answer() {
    let both = format!("{}\n\n{}", block("first"), block("second"));
    let (nvim, _server, _home) = showing("f.lua", "old\n", answer(&both)).await;
    ask(&nvim, ":1GPTChat why<CR>", 1).await;
    told(&nvim, "/^first<CR>ga", "Replaced: line 1").await;
    assert_eq!(code(&nvim).await, ["first"]);
    told(&nvim, ":1<CR>/Like this<CR>ga", "Replaced: line 1").await;
    assert_eq!(code(&nvim).await, ["second"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_edited_selection_is_replaced_and_the_message_says_that_it_had_changed() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.lua("vim.api.nvim_buf_set_text(1, 4, 0, 4, 4, { 'LINE' })", &[])
        .await;
    told(&nvim, "ga", "Replaced, though edited since: lines 5-6 of f.lua").await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "new", "line 7"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_edited_in_the_prompt_still_knows_where_it_came_from() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    nvim.feed(":5,7GPTChat<CR>").await;
    nvim.wait_lua("return vim.fn.mode() == 'i'").await;
    nvim.feed("<Esc>/line 6<CR>ddGAwhy<C-s>").await;
    ended(&nvim, 1).await;
    told(&nvim, "<Esc>ga", "Replaced: lines 5-7 of f.lua, now 1 line.").await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "new", "line 8"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_selection_that_was_taken_out_of_the_prompt_is_not_replaced() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    nvim.feed("3G:5,7GPTChat<CR>").await;
    nvim.wait_lua("return vim.fn.mode() == 'i'").await;
    nvim.feed("<Esc>:%d<CR>iwhy<C-s>").await;
    ended(&nvim, 1).await;
    told(&nvim, "<Esc>ga", "Inserted below line 3 of f.lua: 1 line.").await;
    assert_eq!(code(&nvim).await[2..5], ["line 3", "new", "line 4"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn of_several_selections_in_a_question_the_user_chooses() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    nvim.lua(
        "vim.ui.select = function(items, options, done) _G.listed = vim.tbl_map(options.format_item, items) done(items[2], 2) end",
        &[],
    )
    .await;
    nvim.feed(":2GPTChat<CR>").await;
    nvim.wait_lua("return vim.fn.mode() == 'i'").await;
    nvim.feed("<Esc>q:4,5GPTChat<CR>").await;
    nvim.wait_lua("return vim.fn.mode() == 'i'").await;
    nvim.feed("why<C-s>").await;
    ended(&nvim, 1).await;
    told(&nvim, "<Esc>ga", "Replaced: lines 4-5 of f.lua, now 1 line.").await;
    assert_eq!(
        nvim.lua_lines("return listed", &[]).await,
        ["in place of line 2 of f.lua", "in place of lines 4-5 of f.lua"]
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_to_a_later_question_can_replace_the_earlier_selection() {
    let answers = [answer(&block("one\ntwo")), answer(&block("shorter"))];
    let (nvim, _server, _home) = showing("f.lua", &ten(), answers).await;
    nvim.lua(
        "vim.ui.select = function(items, options, done) _G.listed = vim.tbl_map(options.format_item, items) done(items[1], 1) end",
        &[],
    )
    .await;
    ask(&nvim, "9G:5,6GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "Replaced: lines 5-6 of f.lua, now 2 lines.").await;
    nvim.feed("GAshorter<C-s>").await;
    ended(&nvim, 2).await;
    told(&nvim, "<Esc>Gga", "Replaced: lines 5-6 of f.lua, now 1 line.").await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "shorter", "line 7"]);
    assert_eq!(
        nvim.lua_lines("return listed", &[]).await,
        ["in place of lines 5-6 of f.lua", "below line 9 of f.lua"]
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn ga_works_while_the_next_answer_streams_in_and_leaves_an_unfinished_block_alone() {
    let answers = [
        answer(&block("new")),
        answer("Or:\n\n```lua\nunfinished and more\n```").gate_before_token(1, "on"),
    ];
    let (nvim, server, _home) = showing("f.lua", &ten(), answers).await;
    ask(&nvim, ":5GPTChat why<CR>", 1).await;
    nvim.feed("GAmore<C-s>").await;
    chat_holds(&nvim, "unfinished").await;
    told(&nvim, "<Esc>/unfin<CR>ga", "still being written").await;
    told(&nvim, ":1<CR>/^new<CR>ga", "Replaced: line 5 of f.lua").await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "new", "line 6"]);
    server.open("on");
    ended(&nvim, 2).await;
    chat_holds(&nvim, "and more").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn the_code_window_shows_what_it_showed() {
    let content: String = (1..=200).map(|n| format!("line {n}\n")).collect();
    let long = (1..=30).map(|n| format!("new {n}")).collect::<Vec<_>>().join("\n");
    let (nvim, _server, _home) = showing("f.lua", &content, answer(&block(&long))).await;
    ask(&nvim, "100Gzt5j:5,6GPTChat why<CR>", 1).await;
    let view = "local win = vim.fn.win_findbuf(1)[1]
        return vim.api.nvim_win_call(win, function() return vim.fn.getline('w0') .. ' ' .. vim.fn.getline('.') end)";
    assert_eq!(nvim.lua_string(view, &[]).await, "line 100 line 105");
    told(&nvim, "ga", "Replaced: lines 5-6").await;
    assert_eq!(nvim.lua_string(view, &[]).await, "line 100 line 105");
    clean(&nvim).await;
}

// Inserting ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn without_a_selection_ga_inserts_below_the_last_cursor() {
    for layout in ["", "vertical ", "tab "] {
        let (nvim, _server, _home) = showing("f.lua", "a\n  b\nc\n", answer(&block("new"))).await;
        ask(&nvim, &format!("2G:{layout}GPTChat hello<CR>"), 1).await;
        told(&nvim, "ga", "Inserted below line 2 of f.lua: 1 line.").await;
        assert_eq!(code(&nvim).await, ["a", "  b", "  new", "c"], "{layout}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn an_empty_buffer_takes_the_block_as_it_is() {
    let (nvim, _server) = start(answer(&block("new\n  more"))).await;
    ask(&nvim, ":GPTChat hello<CR>", 1).await;
    told(&nvim, "ga", "now 2 lines.").await;
    assert_eq!(code(&nvim).await, ["new", "  more"]);
    clean(&nvim).await;
}

// Refusing -------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn ga_refuses_with_the_reason_when_the_target_is_gone_and_changes_nothing() {
    let cases = [
        (
            "vim.api.nvim_win_set_buf(vim.fn.win_findbuf(1)[1], vim.api.nvim_create_buf(true, false))
            vim.api.nvim_buf_delete(1, { force = true })",
            "buffer is closed: f.lua",
        ),
        (
            "vim.api.nvim_buf_set_lines(1, 3, 7, true, {})",
            "was deleted from f.lua",
        ),
        ("vim.bo[1].modifiable = false", "f.lua cannot be changed"),
        (
            "vim.fn.writefile({ 'other' }, 'f.lua') vim.api.nvim_buf_call(1, function() vim.cmd('edit!') end)",
            "f.lua was loaded anew",
        ),
    ];
    for (change, words) in cases {
        let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
        ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
        nvim.lua(change, &[]).await;
        let lines = "return vim.api.nvim_buf_is_loaded(1) and vim.api.nvim_buf_get_lines(1, 0, -1, true) or {}";
        let before = nvim.lua_lines(lines, &[]).await;
        told(&nvim, "ga", words).await;
        told(&nvim, "gyga", words).await;
        assert_eq!(nvim.lua_lines(lines, &[]).await, before, "{change}");
        assert_eq!(nvim.lua_string("return vim.fn.getreg('\"')", &[]).await, "new\n");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_file_that_was_loaded_anew_is_searched_for_the_selected_text() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    let reload = "vim.fn.writefile({ 'x', 'y', 'line 5', 'line 6', 'line 61', 'z' }, 'f.lua')
        vim.api.nvim_buf_call(1, function() vim.cmd('edit!') end)";
    nvim.lua(reload, &[]).await;
    told(&nvim, "ga", "Replaced: lines 3-4 of f.lua, now 1 line.").await;
    assert_eq!(code(&nvim).await, ["x", "y", "new", "line 61", "z"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chat_without_code_says_so() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer("no code")).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "There is no code block here.").await;
    told(&nvim, ":echo<CR>gd", "There is no code block here.").await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", ten());
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chat_that_is_gone_leaves_no_mark_in_the_code() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer("x")).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    let marks = "return #vim.api.nvim_buf_get_extmarks(1, vim.api.nvim_get_namespaces()['gpt.origins'], 0, -1, {})";
    assert_eq!(nvim.lua_i64(marks, &[]).await, 1);
    nvim.feed(":bwipeout!<CR>").await;
    nvim.wait_lua(&marks.replace("return #", "return 0 == #")).await;
    clean(&nvim).await;
}

// Indentation and line ends --------------------------------------------------------------------------------------------

/// Asks about lines of a file of this content, and applies this code: the file then.
async fn applied(content: &str, keys: &str, code_block: &str) -> String {
    let (nvim, _server, _home) = showing("f.txt", content, answer(&block(code_block))).await;
    nvim.command("set shiftwidth=4 tabstop=8").await;
    ask(&nvim, &format!("{keys}:GPTChat why<CR>"), 1).await;
    told(&nvim, "ga", "Replaced: ").await;
    clean(&nvim).await;
    code(&nvim).await.join("\n")
}

#[tokio::test]
async fn a_block_without_indentation_takes_that_of_its_place() {
    let spaces = "if x then\n    a()\n    b()\nend";
    assert_eq!(
        applied(spaces, "jVj", "while y do\n    c()\n\nend").await,
        "if x then\n    while y do\n        c()\n\n    end\nend"
    );
    let tabs = "{\n\tif (x) {\n\t\ta();\n\t}\n}";
    assert_eq!(
        applied(tabs, "jVjj", "if (y) {\n  b();\n    c();\n}").await,
        "{\n\tif (y) {\n\t\tb();\n\t\t\tc();\n\t}\n}"
    );
    assert_eq!(
        applied(spaces, "jVj", "while y do\n\tc()\nend").await,
        "if x then\n    while y do\n        c()\n    end\nend"
    );
}

#[tokio::test]
async fn a_block_that_is_indented_as_its_place_stays_as_it_is() {
    let spaces = "if x then\n    a()\n    b()\nend";
    assert_eq!(
        applied(spaces, "jVj", "    c()\n      d()").await,
        "if x then\n    c()\n      d()\nend"
    );
    assert_eq!(
        applied("a\nb\n", "Vj", "  c\n\n\td").await,
        "  c\n\n\td",
        "nothing is known of tabs or spaces"
    );
}

#[tokio::test]
async fn characters_within_a_line_are_replaced_with_the_line_s_indentation() {
    let content = "    f(x)\n    g()";
    assert_eq!(
        applied(content, "^vt)", "f(\n  y,\n  z").await,
        "    f(\n      y,\n      z)\n    g()"
    );
    assert_eq!(
        applied("  a {\n    b\n  }\n", "^vjj$", "c {\n  d\n}").await,
        "  c {\n    d\n  }"
    );
    assert_eq!(
        applied("  a {\n    b\n  }\n", "^vjj$", "  c {\n    d\n  }").await,
        "  c {\n    d\n  }"
    );
}

#[tokio::test]
async fn a_block_in_a_list_is_taken_without_the_list_s_indentation() {
    let text = "1. So:\n\n   ```lua\n   a\n     b\n   ```\n\n2. Done.";
    let (nvim, _server, _home) = showing("f.txt", "x\n", answer(text)).await;
    ask(&nvim, ":1GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "Replaced: ").await;
    assert_eq!(code(&nvim).await, ["a", "  b"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_with_dos_line_ends_keeps_them() {
    let (nvim, _server, home) = showing("f.txt", "a\r\nb\r\nc\r\n", answer(&block("ção\n日本"))).await;
    ask(&nvim, ":2GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "Replaced: line 2").await;
    nvim.lua("vim.api.nvim_buf_call(1, function() vim.cmd('silent write') end)", &[])
        .await;
    let written = fs::read(home.path().join("home/f.txt")).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "a\r\nção\r\n日本\r\nc\r\n");
    clean(&nvim).await;
}

#[tokio::test]
async fn carriage_returns_of_a_file_with_mixed_line_ends_stay_where_they_were() {
    let (nvim, _server, _home) = showing("f.txt", "a\nb\r\nc\r\nd\n", answer(&block("x\ny"))).await;
    ask(&nvim, ":2,3GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "Replaced: lines 2-3").await;
    assert_eq!(code(&nvim).await, ["a", "x\r", "y\r", "d"]);
    clean(&nvim).await;
}

// The difference -------------------------------------------------------------------------------------------------------

/// Waits until the difference is shown.
pub async fn diff_shown(nvim: &Nvim) {
    nvim.wait_lua("return vim.wo.diff and #vim.api.nvim_tabpage_list_wins(0) == 2")
        .await;
}

/// Waits until the chat is back, in the one tab page that there was.
async fn back(nvim: &Nvim) {
    nvim.wait_lua("return vim.bo.filetype == 'gptchat' and #vim.api.nvim_list_tabpages() == 1")
        .await;
}

#[tokio::test]
async fn gd_shows_the_difference_and_ga_there_accepts_it() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new 5\nline 6"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.feed("gd").await;
    diff_shown(&nvim).await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", ten());
    let screen = nvim.wait_screen_contains("ga accept · dp one change · q leave").await;
    assert!(screen.contains("Now: lines 5-6 of f.lua"), "{screen}");
    nvim.wait_screen_contains("new 5").await;
    assert!(nvim.screen().contains("line 5"), "{}", nvim.screen());
    told(&nvim, "ga", "Replaced: lines 5-6 of f.lua, now 2 lines.").await;
    back(&nvim).await;
    assert_eq!(code(&nvim).await[3..7], ["line 4", "new 5", "line 6", "line 7"]);
    let options = "local win = vim.fn.win_findbuf(1)[1] return tostring(vim.wo[win].diff) .. vim.wo[win].foldmethod .. vim.wo[win].winbar";
    assert_eq!(nvim.lua_string(options, &[]).await, "falsemanual");
    undo(&nvim).await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", ten());
    clean(&nvim).await;
}

#[tokio::test]
async fn q_in_the_difference_changes_nothing_and_so_does_closing_a_window_of_it() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    for keys in ["q", ":q<CR>", "<C-w>h:q<CR>", ":tabclose<CR>"] {
        nvim.feed("gd").await;
        diff_shown(&nvim).await;
        nvim.feed(keys).await;
        back(&nvim).await;
        assert_eq!(code(&nvim).await.join("\n") + "\n", ten(), "{keys}");
    }
    let pins = "return #vim.api.nvim_buf_get_extmarks(1, vim.api.nvim_get_namespaces()['gpt.origins'], 0, -1, {})";
    assert_eq!(nvim.lua_i64(pins, &[]).await, 1);
    told(&nvim, "ga", "Replaced: lines 5-6").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_that_is_perhaps_only_a_part_of_a_long_selection_is_shown_first() {
    let content: String = (1..=30).map(|n| format!("line {n}\n")).collect();
    let (nvim, _server, _home) = showing("f.lua", &content, answer(&block("new"))).await;
    ask(&nvim, ":%GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "The code is much shorter than the selection").await;
    diff_shown(&nvim).await;
    assert_eq!(code(&nvim).await.join("\n") + "\n", content);
    told(&nvim, "ga", "Replaced: lines 1-30 of f.lua, now 1 line.").await;
    back(&nvim).await;
    assert_eq!(code(&nvim).await, ["new"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn single_changes_of_the_difference_can_be_taken_and_the_rest_left() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new 3\nline 4\nline 5\nnew 6"))).await;
    ask(&nvim, ":3,6GPTChat why<CR>", 1).await;
    nvim.feed("gd").await;
    diff_shown(&nvim).await;
    nvim.feed("gg]cdpq").await;
    back(&nvim).await;
    let lines = code(&nvim).await;
    assert_eq!(lines[1..7], ["line 2", "new 3", "line 4", "line 5", "line 6", "line 7"]);
    told(&nvim, "ga", "Replaced: lines 3-6").await;
    assert_eq!(code(&nvim).await[2..6], ["new 3", "line 4", "line 5", "new 6"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_selection_whose_only_change_was_taken_by_hand_is_still_known() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), [answer(&block("new")), answer(&block("newer"))]).await;
    ask(&nvim, ":5GPTChat why<CR>", 1).await;
    nvim.feed("gd").await;
    diff_shown(&nvim).await;
    nvim.feed("dpq").await;
    back(&nvim).await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "new", "line 6"]);
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    told(&nvim, "ga", "Replaced: line 5 of f.lua, now 1 line.").await;
    assert_eq!(code(&nvim).await[3..6], ["line 4", "newer", "line 6"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_edited_in_the_difference_is_what_is_accepted_and_other_edits_stay() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new 5\nnew 6"))).await;
    ask(&nvim, ":vertical 5,6GPTChat why<CR>", 1).await;
    nvim.feed("gd").await;
    diff_shown(&nvim).await;
    nvim.feed("/new 6<CR>Aedited<Esc>").await;
    nvim.lua("vim.api.nvim_buf_set_lines(1, 0, 0, true, { 'meanwhile' })", &[])
        .await;
    told(&nvim, "ga", "Replaced: lines 6-7 of f.lua, now 2 lines.").await;
    back(&nvim).await;
    assert_eq!(code(&nvim).await[..3], ["meanwhile", "line 1", "line 2"]);
    assert_eq!(code(&nvim).await[4..8], ["line 4", "new 5", "new 6edited", "line 7"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_difference_whose_file_was_loaded_anew_meanwhile_is_not_accepted() {
    let (nvim, _server, _home) = showing("f.lua", &ten(), answer(&block("new"))).await;
    ask(&nvim, ":5,6GPTChat why<CR>", 1).await;
    nvim.feed("gd").await;
    diff_shown(&nvim).await;
    let reload = "vim.fn.writefile({ 'a', 'b', 'c', 'd', 'e', 'f', 'g' }, 'f.lua')
        vim.api.nvim_buf_call(1, function() vim.cmd('edit!') end)";
    nvim.lua(reload, &[]).await;
    told(&nvim, "ga", "f.lua was loaded anew").await;
    back(&nvim).await;
    assert_eq!(code(&nvim).await.join(""), "abcdefg");
    clean(&nvim).await;
}

#[tokio::test]
async fn the_keys_can_be_changed_and_switched_off() {
    let server = Server::start(answer(&block("new"))).await;
    let home = Home::new();
    let path = home.write("f.lua", ten());
    let config = "chat = { keymaps = { apply = { 'gA', 'gz' }, diff = false } }";
    let nvim = configured(&server, config).home(&home).arg(path).start().await;
    ask(&nvim, ":5GPTChat why<CR>", 1).await;
    let mapped = "return vim.fn.maparg(...)";
    assert_eq!(nvim.lua_string(mapped, &["ga".into(), "n".into()]).await, "");
    assert_eq!(nvim.lua_string(mapped, &["gd".into(), "n".into()]).await, "");
    told(&nvim, "gz", "Replaced: line 5 of f.lua").await;
    nvim.feed("g?").await;
    let help = nvim.wait_screen_contains("gA gz").await;
    assert!(help.contains("show first what that changes"), "{help}");
    clean(&nvim).await;
}

// Files ----------------------------------------------------------------------------------------------------------------

/// Chooses the entry with these words of each list that is shown, and remembers the lists.
const CHOOSE: &str = "
_G.listed, _G.wanted = {}, {}
vim.ui.select = function(items, options, done)
  local texts = vim.tbl_map(options.format_item or tostring, items)
  table.insert(listed, options.prompt .. ' | ' .. table.concat(texts, ' | '))
  local wanted = table.remove(_G.wanted, 1)
  for index, text in ipairs(texts) do
    if wanted and text:find(wanted, 1, true) then return done(items[index], index) end
  end
  done(nil, nil)
end";

/// An editor in a project with a file `src/x.rs`, and an answer of blocks with this information behind their fences.
async fn project(blocks: &[(&str, &str)]) -> (Nvim, Server, Home) {
    let text: String = blocks
        .iter()
        .map(|(info, code)| format!("```{info}\n{code}\n```\n\n"))
        .collect();
    let server = Server::start(answer(&text)).await;
    let home = Home::new();
    home.write("p/.git/HEAD", "");
    home.write("p/src/x.rs", "fn old() {}\n");
    let nvim = configured(&server, "")
        .home(&home)
        .directory(home.path().join("home/p"))
        .size(120, 30)
        .start()
        .await;
    nvim.lua(CHOOSE, &[]).await;
    ask(&nvim, ":GPTChat write it<CR>", 1).await;
    (nvim, server, home)
}

/// Lets the user choose these entries, one list after the other.
async fn wanting(nvim: &Nvim, entries: &[&str]) {
    let list = serde_json::to_string(entries).unwrap();
    nvim.lua("_G.wanted = vim.json.decode(...)", &[list.into()]).await;
}

#[tokio::test]
async fn gpt_files_lists_the_blocks_that_name_a_file_and_shows_one_as_a_difference() {
    let blocks = [
        ("rust src/x.rs", "fn first() {}"),
        ("lua", "no file"),
        ("toml path=\"a b/Cargo.toml\"", "[package]\nname = 'x'"),
        ("rust src/x.rs", "fn new() {}\nfn more() {}"),
    ];
    let (nvim, _server, home) = project(&blocks).await;
    wanting(&nvim, &["src/x.rs"]).await;
    nvim.feed(":GPT files<CR>").await;
    diff_shown(&nvim).await;
    assert_eq!(
        nvim.lua_lines("return listed", &[]).await,
        ["Files in this chat | src/x.rs · 2 lines | a b/Cargo.toml · 2 lines · new"]
    );
    told(&nvim, "ga", "Replaced: line 1 of src/x.rs, now 2 lines.").await;
    back(&nvim).await;
    let lines = nvim
        .lua_lines(
            "return vim.api.nvim_buf_get_lines(vim.fn.bufnr('src/x.rs'), 0, -1, true)",
            &[],
        )
        .await;
    assert_eq!(lines, ["fn new() {}", "fn more() {}"]);
    // Writing it is the user's affair.
    let file = home.path().join("home/p/src/x.rs");
    assert_eq!(fs::read_to_string(file).unwrap(), "fn old() {}\n");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_new_file_is_written_after_a_question_and_not_without() {
    let (nvim, _server, home) = project(&[("rust:src/deep/new.rs", "fn a() {}\nfn ção() {}")]).await;
    let file = home.path().join("home/p/src/deep/new.rs");
    wanting(&nvim, &["new.rs", "no"]).await;
    nvim.feed(":GPT files<CR>").await;
    nvim.wait_lua("return #listed == 2").await;
    assert!(!file.exists());
    wanting(&nvim, &["new.rs", "write it"]).await;
    told(&nvim, ":GPT files<CR>", "Written: src/deep/new.rs, 2 lines.").await;
    assert_eq!(fs::read_to_string(&file).unwrap(), "fn a() {}\nfn ção() {}\n");
    let question = nvim.lua_string("return listed[#listed]", &[]).await;
    assert!(
        question.contains("src/deep/new.rs (2 lines)? | write it | no"),
        "{question}"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_outside_of_the_project_is_asked_about_first() {
    let home_link = "```sh ../outside.sh\necho\n```";
    let blocks = [
        ("sh ../outside.sh", "echo 1"),
        ("sh ./src/../../other.sh", "echo 2"),
        ("sh link/in.sh", "echo 3"),
    ];
    let (nvim, _server, home) = project(&blocks).await;
    let outside = home.path().join("home/elsewhere");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, home.path().join("home/p/link")).unwrap();
    for name in ["outside.sh", "other.sh", "in.sh"] {
        let before = nvim.lua_i64("return #listed", &[]).await;
        wanting(&nvim, &[name, "no"]).await;
        nvim.feed(":GPT files<CR>").await;
        nvim.wait_lua(&format!("return #listed == {}", before + 2)).await;
        let question = nvim.lua_string("return listed[#listed]", &[]).await;
        assert!(question.contains("lies outside of the project."), "{question}");
    }
    assert!(!home.path().join("home/outside.sh").exists(), "{home_link}");
    wanting(&nvim, &["in.sh", "go on", "write it"]).await;
    told(&nvim, ":GPT files<CR>", "Written: link/in.sh, 1 line.").await;
    assert_eq!(fs::read_to_string(outside.join("in.sh")).unwrap(), "echo 3\n");
    clean(&nvim).await;
}

#[tokio::test]
async fn gpt_files_says_when_no_block_names_a_file() {
    let (nvim, _server, _home) = project(&[("rust", "fn a() {}"), ("", "x")]).await;
    told(&nvim, ":GPT files<CR>", "No code block in this chat names a file.").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn what_stands_behind_a_fence_names_a_path_or_not() {
    let (nvim, _server) = start(Answer::chat_tokens(&["x"])).await;
    let cases = [
        ("rust src/x.rs", "src/x.rs"),
        ("src/x.rs", "src/x.rs"),
        ("Cargo.toml", "Cargo.toml"),
        ("rust:src/x.rs", "src/x.rs"),
        ("rust path=src/x.rs", "src/x.rs"),
        ("rust {path=\"a b.rs\" n=1}", "a b.rs"),
        ("rust title='x.rs'", ""),
        ("js filename=a/b.js hl_lines=3", "a/b.js"),
        ("rust", ""),
        ("c++", ""),
        ("", ""),
        ("rust linenos=true", ""),
        ("python main.py", "main.py"),
        ("text some words", ""),
        ("dockerfile docker/Dockerfile", "docker/Dockerfile"),
    ];
    for (info, path) in cases {
        let found = nvim
            .lua_string("return require('gpt.chat.files').path_in(...) or ''", &[info.into()])
            .await;
        assert_eq!(found, path, "{info}");
    }
}
