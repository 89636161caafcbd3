//! Context words at their edges: what is too large, private, strange, or not there.

use crate::common::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Script, Server};

async fn project(script: impl Into<Script>, files: &[(&str, &str)]) -> (Server, Home, Builder) {
    let (server, home) = (Server::start(script).await, Home::new());
    for (name, content) in files {
        home.write(name, content);
    }
    let builder = configured(&server, "").home(&home).size(100, 40);
    (server, home, builder)
}

/// What the n-th request asks.
fn asked(server: &Server, n: usize) -> String {
    conversation(&server.requests()[n]).pop().expect("a question").1
}

/// Asks in a chat that is opened from the first buffer.
async fn ask(nvim: &Nvim, question: &str, n: usize) {
    say(nvim, question).await;
    ended(nvim, n).await;
}

#[tokio::test]
async fn what_is_too_large_is_not_sent_whichever_word_stands_for_it() {
    let clipboard = "vim.g.clipboard = { name = 'fake', cache_enabled = 0,
      copy = { ['+'] = function() end, ['*'] = function() end },
      paste = { ['+'] = function() return { { ('x'):rep(1000001) }, 'v' } end, ['*'] = function() return { {}, 'v' } end } }";
    let (server, _home, builder) = project([answer("never")], &[]).await;
    let nvim = builder.init(clipboard).start().await;
    nvim.lua(
        "local lines = {} for n = 1, 100010 do lines[n] = 'ninechars' end vim.api.nvim_buf_set_lines(0, 0, -1, true, lines)",
        &[],
    )
    .await;
    open(&nvim).await;
    for word in ["#buffer", "#buffers", "#clipboard"] {
        say(&nvim, word).await;
        nvim.wait_screen_contains(&format!("! {word} ")).await;
        nvim.wait_screen_contains("1.1 MB").await;
        nvim.feed("<C-u>").await;
        nvim.wait_lua("return vim.api.nvim_get_current_line() == ''").await;
    }
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn of_a_quickfix_list_nothing_is_sent_about_a_buffer_that_is_never_sent() {
    let (server, home, builder) = project([answer("ok")], &[("a.txt", "a\n"), ("b.txt", "b\n")]).await;
    let nvim = builder.arg(home.path().join("home/a.txt")).start().await;
    nvim.command("edit b.txt | let b:gpt_disable = v:true | edit a.txt")
        .await;
    nvim.lua(
        "vim.fn.setqflist({}, ' ', { title = ':grep `x`\\n', items = {
           { bufnr = vim.fn.bufnr('a.txt'), lnum = 1, col = 2, text = 'shown' },
           { bufnr = vim.fn.bufnr('b.txt'), lnum = 3, col = 4, text = 'secret' },
           { text = 'plain', type = 'W' } } })",
        &[],
    )
    .await;
    open(&nvim).await;
    ask(&nvim, "#quickfix", 1).await;
    assert_eq!(
        asked(&server, 0),
        "#quickfix\n\n```text #quickfix\na.txt:1:2: shown\nW: plain\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_terminal_is_no_code_and_neither_is_a_window_that_floats() {
    let (server, home, builder) = project([answer("ok"), answer("ok")], &[("a.txt", "a\n")]).await;
    let nvim = builder.arg(home.path().join("home/a.txt")).start().await;
    nvim.lua(
        "require('gpt.code.came_from')
        local terminal = vim.api.nvim_create_buf(true, false)
        vim.api.nvim_chan_send(vim.api.nvim_open_term(terminal, {}), 'of a terminal\\r\\n')
        local float = vim.api.nvim_create_buf(false, false)
        vim.api.nvim_buf_set_lines(float, 0, -1, true, { 'of a plugin' })
        vim.bo[float].modified = false
        vim.api.nvim_open_win(float, true, { relative = 'editor', row = 1, col = 1, width = 9, height = 2 })",
        &[],
    )
    .await;
    nvim.wait_lua(
        "return vim.iter(vim.api.nvim_list_bufs()):any(function(buf)
      return vim.bo[buf].buftype == 'terminal' and vim.fn.getbufline(buf, 1)[1] == 'of a terminal'
    end)",
    )
    .await;
    open(&nvim).await;
    ask(&nvim, "#buffers", 1).await;
    assert_eq!(asked(&server, 0), "#buffers\n\n```text #buffers a.txt\na\n```");
    ask(&nvim, "#buffer", 2).await;
    assert_eq!(asked(&server, 1), "#buffer\n\n```text #buffer a.txt\na\n```");
    clean(&nvim).await;
}

#[tokio::test]
async fn the_buffer_is_the_code_that_the_user_was_in_last_though_they_have_read_the_help_since() {
    let (server, home, builder) = project([answer("ok")], &[("a.txt", "a\n"), ("b.txt", "b\n")]).await;
    let nvim = builder.arg(home.path().join("home/a.txt")).start().await;
    nvim.lua("require('gpt.code.came_from')", &[]).await;
    nvim.feed(":botright split b.txt<CR>:help<CR>").await;
    nvim.wait_lua("return vim.bo.buftype == 'help'").await;
    open_by(&nvim, "vertical GPTChat").await;
    ask(&nvim, "#buffer", 1).await;
    assert_eq!(asked(&server, 0), "#buffer\n\n```text #buffer b.txt\nb\n```");
    clean(&nvim).await;
}

#[tokio::test]
async fn diagnostics_come_in_the_order_of_their_places() {
    let (server, home, builder) = project([answer("ok")], &[("a.txt", "one\ntwo\n")]).await;
    let nvim = builder.arg(home.path().join("home/a.txt")).start().await;
    nvim.lua(
        "vim.diagnostic.set(vim.api.nvim_create_namespace('t'), 0, {
           { lnum = 1, col = 0, message = 'third', severity = 1 }, { lnum = 0, col = 2, message = 'second', severity = 1 },
           { lnum = 0, col = 1, message = 'first', severity = 1 } })",
        &[],
    )
    .await;
    open(&nvim).await;
    ask(&nvim, "#diagnostics", 1).await;
    let sent = asked(&server, 0);
    let place = |word| sent.find(word).unwrap_or_else(|| panic!("{word} in {sent}"));
    assert!(
        place("first") < place("second") && place("second") < place("third"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_name_with_signs_of_markdown_or_none_at_all_breaks_no_block() {
    let name = "a`b\tc.txt";
    let (server, home, builder) = project([answer("ok"), answer("ok")], &[(name, "```\n~~~\n")]).await;
    let nvim = builder.arg(home.path().join("home").join(name)).start().await;
    open(&nvim).await;
    ask(&nvim, "#buffer", 1).await;
    assert_eq!(
        asked(&server, 0),
        "#buffer\n\n~~~~text #buffer a`b?c.txt\n```\n~~~\n~~~~"
    );
    // Asked again, its block is that of the same word, in the place of the one before.
    nvim.feed("<Esc>gg/#buffer<CR>A again<Esc><CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        asked(&server, 1),
        "#buffer again\n\n~~~~text #buffer a`b?c.txt\n```\n~~~\n~~~~"
    );
    clean(&nvim).await;
}

/// A language server that answers a request for symbols by this Lua.
fn serving(answer: &str) -> String {
    format!(
        "vim.lsp.start({{ name = 'fake', cmd = function()
           return {{
             request = function(method, _, callback)
               if method == 'initialize' then
                 vim.schedule(function() callback(nil, {{ capabilities = {{ documentSymbolProvider = true }} }}) end)
               else
                 {answer}
               end
               return true, 1
             end,
             notify = function() return true end, is_closing = function() return false end, terminate = function() end,
           }}
         end }})"
    )
}

#[tokio::test]
async fn symbols_come_from_tree_sitter_where_a_language_server_has_none_or_does_not_answer() {
    for answering in ["vim.schedule(function() callback(nil, {}) end)", "-- never"] {
        let (server, home, builder) = project([answer("ok")], &[("x.lua", "function Um() end\n")]).await;
        let nvim = builder.arg(home.path().join("home/x.lua")).start().await;
        nvim.lua(&serving(answering), &[]).await;
        nvim.wait_lua("return #vim.lsp.get_clients({ bufnr = 1, method = 'textDocument/documentSymbol' }) == 1")
            .await;
        open(&nvim).await;
        ask(&nvim, "#symbols", 1).await;
        assert_eq!(
            asked(&server, 0),
            "#symbols\n\n```text #symbols x.lua\n1: function Um() end\n```"
        );
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn the_word_of_a_path_is_read_as_that_path_and_no_other() {
    let (nvim, _server) = start(Vec::<crate::support::answer::Answer>::new()).await;
    for path in [
        "a%20b.txt",
        "a`b`.txt",
        "a b.txt",
        "x.txt.",
        "a\"b",
        "(a).txt)",
        "ção/メモ、二.md",
        "a%.txt",
        "#tree",
    ] {
        let code = "local word = require('gpt.context.path').word(...)
          local found = require('gpt.context.grammar').find('see ' .. word .. ' there')[1] or {}
          -- As the program does: an address is one where no other form will do.
          local quoted = word:find('\"', 1, true)
          return quoted and found.path or require('gpt.context.path').decoded(found.path or '')";
        assert_eq!(nvim.lua_string(code, &[text(path)]).await, path);
    }
}
