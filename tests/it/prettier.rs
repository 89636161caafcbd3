//! Plugins that draw markdown: a stand-in does to the chat what render-markdown.nvim and markview.nvim do, by the means
//! that the manual names for them.

use crate::common::*;
use crate::reasoning::thoughtful;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// Attaches to `gptchat` by its filetype, starts Neovim's own tree-sitter highlighter, and at each change parses all of
/// the buffer, conceals fences and marks of headings, and draws signs over and below lines.
const STAND_IN: &str = "
vim.treesitter.language.register('markdown', 'gptchat')
local space = vim.api.nvim_create_namespace('stand-in')
local query = vim.treesitter.query.parse('markdown', '(atx_heading) @heading (fenced_code_block) @code')
_G.drawn = 0
local function draw(buf)
  vim.api.nvim_buf_clear_namespace(buf, space, 0, -1)
  local tree = vim.treesitter.get_parser(buf):parse()[1]
  for id, node in query:iter_captures(tree:root(), buf, 0, -1) do
    local first, _, last = node:range()
    local line = vim.api.nvim_buf_get_lines(buf, first, first + 1, false)[1]
    vim.api.nvim_buf_set_extmark(buf, space, first, 0, {
      end_row = first, end_col = math.min(#line, 2), conceal = '', priority = 4000,
      virt_text = { { query.captures[id], 'Special' } }, virt_text_pos = 'inline',
    })
    vim.api.nvim_buf_set_extmark(buf, space, math.max(first, last - 1), 0, { virt_lines = { { { '----' } } } })
    drawn = drawn + 1
  end
end
vim.api.nvim_create_autocmd('FileType', { pattern = 'gptchat', callback = function(event)
  vim.treesitter.start(event.buf)
  local events = { 'TextChanged', 'TextChangedI', 'CursorMoved', 'CursorMovedI', 'BufWinEnter', 'ModeChanged' }
  vim.api.nvim_create_autocmd(events, { buffer = event.buf, callback = function()
    vim.wo.conceallevel, vim.wo.concealcursor = 3, 'nc'
    draw(event.buf)
  end })
end })";

async fn drawn(script: impl Into<crate::support::server::Script>) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let nvim = configured(&server, "").init(STAND_IN).start().await;
    open(&nvim).await;
    (nvim, server)
}

const NASTY: &str = "# Title\n\n## You\n\nnot the user\n\n```lua\nlocal x = 1\n```\n\n> quote\n\nend";

#[tokio::test]
async fn a_plugin_that_draws_markdown_changes_nothing_of_an_answer_that_streams() {
    let pieces: Vec<&str> = NASTY.split_inclusive(' ').collect();
    let first = thoughtful(&["hm", "\nwell"], &pieces)
        .gate_before_token(4, "on")
        .gate_before_token(8, "end");
    let (nvim, server) = drawn([first, answer("two")]).await;
    say(&nvim, "hi").await;
    chat_holds(&nvim, "# Title").await;
    nvim.feed("a draft").await;
    server.open("on");
    chat_holds(&nvim, "local").await;
    normal_mode(&nvim).await;
    nvim.feed("ggGzcjk").await;
    server.open("end");
    ended(&nvim, 1).await;
    nvim.wait_lua("return drawn > 0 and vim.treesitter.highlighter.active[chat_buffer()] ~= nil")
        .await;
    let shown = format!("> **Reasoning**\n>\n> hm\n> well\n\n{NASTY}");
    let transcript = transcript_with(&[("You", "hi"), ("test/m1", &shown)], "a draft");
    assert_eq!(chat_lines(&nvim).await, transcript);
    nvim.feed("G<CR>").await;
    ended(&nvim, 2).await;
    let sent = [("user", "hi"), ("assistant", NASTY), ("user", "a draft")];
    assert_eq!(conversation(&server.requests()[1]), said(&sent));
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_branches_and_folds_work_below_a_plugin_that_draws_markdown() {
    let (nvim, server) = drawn([answer(NASTY), answer("again"), answer("last")]).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi")])).await;
    nvim.feed("<C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi"), ("test/m1", NASTY)]))
        .await;
    nvim.feed("gr").await;
    ended(&nvim, 2).await;
    nvim.feed("[b").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", "hi"), ("test/m1", NASTY)]))
        .await;
    nvim.feed("G2[[zc").await;
    nvim.wait_screen_contains("test/m1 · # Title").await;
    nvim.feed("zo:e!<CR>").await;
    nvim.feed("GAnext<Esc><CR>").await;
    ended(&nvim, 3).await;
    let sent = [("user", "hi"), ("assistant", NASTY), ("user", "next")];
    assert_eq!(conversation(&server.requests()[2]), said(&sent));
    clean(&nvim).await;
}

/// Draws as those plugins do: at a change of the buffer that the event names, and while changes follow each other
/// quickly only at the first of them.
const HASTY: &str = "
vim.treesitter.language.register('markdown', 'gptchat')
_G.seen_tick, _G.started, _G.heard_after = -1, 0, 0
vim.api.nvim_create_autocmd('FileType', { pattern = 'gptchat', callback = function(event)
  vim.treesitter.start(event.buf)
  started = started + 1
  local timer, busy = vim.uv.new_timer(), false
  vim.api.nvim_create_autocmd('TextChanged', { buffer = event.buf, callback = function()
    heard_after = started
    timer:start(100, 0, function() busy = false end)
    if not busy then
      busy = true
      vim.schedule(function() seen_tick = vim.api.nvim_buf_get_changedtick(event.buf) end)
    end
  end })
end })";

const ALL_SEEN: &str = "return seen_tick == vim.api.nvim_buf_get_changedtick(chat_buffer())";

async fn hasty(script: impl Into<crate::support::server::Script>) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let config = "chat = { layout = 'vertical' }";
    let nvim = configured(&server, config).init(HASTY).start().await;
    open(&nvim).await;
    (nvim, server)
}

#[tokio::test]
async fn a_plugin_that_draws_markdown_hears_of_an_answer_that_ends_while_the_cursor_is_elsewhere() {
    let (nvim, server) = hasty([answer("# one two").gate_before_token(1, "on")]).await;
    say(&nvim, "hi").await;
    nvim.feed("<Esc><C-w>p").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.fn.mode() == 'n'")
        .await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.wait_lua(ALL_SEEN).await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat'").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_plugin_that_draws_markdown_hears_of_it_after_insert_mode_in_another_window() {
    let (nvim, server) = hasty([answer("# one two").gate_before_token(1, "on")]).await;
    say(&nvim, "hi").await;
    nvim.feed("<Esc><C-w>pi").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and vim.fn.mode() == 'i'")
        .await;
    server.open("on");
    ended(&nvim, 1).await;
    nvim.feed("text<Esc>").await;
    nvim.wait_lua(ALL_SEEN).await;
    clean(&nvim).await;
}

#[tokio::test]
async fn edit_runs_the_autocommands_of_the_filetype_again_so_that_highlighters_and_drawings_come_back() {
    let (nvim, _server) = hasty([answer("# one")]).await;
    nvim.feed("# draft").await;
    normal_mode(&nvim).await;
    nvim.feed(":e!<CR>").await;
    nvim.wait_lua("return started == 2 and vim.treesitter.highlighter.active[chat_buffer()] ~= nil")
        .await;
    nvim.wait_lua("return heard_after == 2").await;
    assert_eq!(chat_lines(&nvim).await, transcript_with(&[], "# draft"));
    clean(&nvim).await;
}

#[tokio::test]
async fn conceallevel_hides_marks_in_an_answer_and_no_folded_context() {
    let (nvim, _server) = hasty([answer("an *odd* and `short` word")]).await;
    nvim.lua("vim.treesitter.stop(chat_buffer()) vim.wo.conceallevel = 3", &[])
        .await;
    nvim.lua("vim.fn.writefile({ 'a', 'b', 'c' }, 'x.txt')", &[]).await;
    say(&nvim, "hi #file:x.txt").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.wait_screen_contains("an odd and short word").await;
    nvim.wait_screen_contains("▸ #file:x.txt").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_folded_message_leaves_room_for_what_is_drawn_over_its_heading() {
    let (nvim, _server) = hasty([answer("one")]).await;
    say(&nvim, "hi").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.lua(
        "vim.api.nvim_buf_set_extmark(chat_buffer(), vim.api.nvim_create_namespace('over'), 4, 0, {
          virt_text = { { ' H ', 'Special' } }, virt_text_pos = 'overlay',
        })",
        &[],
    )
    .await;
    nvim.feed("5Gzc").await;
    nvim.wait_screen_contains(" H test/m1 · one").await;
    clean(&nvim).await;
}

/// Attaches as markview.nvim does: when an option says so (autocmds.lua, optionSet), to the windows that there are then;
/// 'conceallevel' is theirs, and is set once more only when the mode changes.
const BY_OPTION: &str = "
vim.treesitter.language.register('markdown', 'gptchat')
_G.windows = {}
vim.api.nvim_create_autocmd('OptionSet', { pattern = 'filetype', callback = function(event)
  local buf = event.buf ~= 0 and event.buf or vim.api.nvim_get_current_buf()
  if vim.bo[buf].filetype == 'gptchat' then
    windows = vim.fn.win_findbuf(buf)
    for _, win in ipairs(windows) do
      vim.wo[win].conceallevel, vim.wo[win].concealcursor = 3, 'nc'
    end
  end
end })";

#[tokio::test]
async fn a_plugin_that_sets_conceallevel_by_the_filetype_hides_marks_after_a_question_from_the_command_line() {
    for layout in ["GPTChat", "vertical GPTChat", "horizontal GPTChat", "tab GPTChat"] {
        let server = Server::start([answer("an *odd* and `short` word")]).await;
        let nvim = configured(&server, "").init(BY_OPTION).start().await;
        nvim.feed(&format!(":{layout} hi<CR>")).await;
        ended(&nvim, 1).await;
        nvim.wait_screen_contains("an odd and short word").await;
        assert_eq!(nvim.lua_i64("return #windows", &[]).await, 1, "{layout}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn what_a_user_sets_for_the_window_by_the_filetype_is_for_the_chats_window() {
    let server = Server::start([answer("ok")]).await;
    let mine = "vim.api.nvim_create_autocmd('FileType', { pattern = 'gptchat', command = 'setlocal number' })";
    let nvim = configured(&server, "").init(mine).start().await;
    open(&nvim).await;
    assert!(nvim.lua_bool("return vim.wo.number", &[]).await);
    normal_mode(&nvim).await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype ~= 'gptchat' and not vim.wo.number")
        .await;
    clean(&nvim).await;
}

/// Draws over the first line of code as render-markdown.nvim does (render/markdown/code.lua): its language, and blocks over
/// all the rest of the screen; and at its end as markview.nvim does. Neovim's own highlighter hides the fence.
const OVER_FENCES: &str = "
vim.treesitter.language.register('markdown', 'gptchat')
local space = vim.api.nvim_create_namespace('stand-in')
_G.drawn = 0
function _G.draw()
  local buf = chat_buffer()
  vim.wo.conceallevel = 3
  vim.treesitter.start(buf)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(buf, 0, -1, true)) do
    if line:find('^```%w') then
      vim.api.nvim_buf_set_extmark(buf, space, row - 1, 0, { end_col = #line, conceal = '' })
      vim.api.nvim_buf_set_extmark(buf, space, row - 1, 0,
        { virt_text = { { 'DRAWN' .. ('#'):rep(300) } }, virt_text_pos = 'overlay' })
      vim.api.nvim_buf_set_extmark(buf, space, row - 1, 0,
        { virt_text = { { 'DRAWN' } }, virt_text_pos = 'right_align' })
      drawn = drawn + 1
    end
  end
end";

#[tokio::test]
async fn what_is_drawn_over_a_fence_or_hides_it_leaves_the_folded_line_of_context_alone() {
    let server = Server::start([answer("ok")]).await;
    let nvim = configured(&server, "").init(OVER_FENCES).start().await;
    nvim.lua(
        "for _, name in ipairs({ 'x.txt', 'y.lua' }) do vim.fn.writefile({ 'a', 'b', 'c' }, name) end",
        &[],
    )
    .await;
    open(&nvim).await;
    say(&nvim, "hi #file:x.txt #file:y.lua").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    nvim.lua("draw() vim.cmd('redraw!')", &[]).await;
    assert_eq!(nvim.lua_i64("return drawn", &[]).await, 2);
    nvim.wait_screen_contains("▸ #file:x.txt  3 lines").await;
    let screen = nvim.wait_screen_contains("▸ #file:y.lua  3 lines").await;
    assert!(!screen.contains("DRAWN"), "{screen}");
    nvim.feed("gg/```text<CR>zo").await;
    nvim.wait_screen_contains("DRAWN").await;
    clean(&nvim).await;
}
