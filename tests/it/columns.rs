//! Blocks of columns, by motions too: taken as Neovim takes them, and replaced column for column.

use crate::code::{self, ask, told, undo};
use crate::common::*;
use crate::selection_random::{RANDOM, editor, seeds};
use crate::support::nvim::{Home, Nvim};
use crate::support::server::Server;

/// How many motions are compared.
const MOTIONS: u64 = 1000;
/// How many blocks are replaced.
const BLOCKS: u64 = 400;

/// An editor with a file, and a server that answers with blocks of this code.
async fn showing(content: &str, answers: &[&str]) -> (Nvim, Server, Home) {
    let answers: Vec<_> = answers
        .iter()
        .map(|code| answer(&format!("So:\n\n```\n{code}\n```")))
        .collect();
    code::showing("f.txt", content, answers).await
}

/// `_G.moved(from, to)`: of each seed a motion, forced to be character-, line-, blockwise or as it is; "" if what the
/// operator takes is what `y` takes.
const MOVED: &str = r#"
local KEYS = { "j", "2j", "k", "3j", "$", "2$", "w", "2w", "e", "b", "ge", "iw", "ap", "G", "gg", "l", "3l", "h", "0", "^", "}", "12|" }
local FORCES = { "", "\22", "\22", "\22", "v", "V" }
function _G.operate_random(kind)
  _G.taken = vim.F.npcall(require("gpt.code.selection").take_motion, kind) or false
end
local function state()
  local registers = {}
  for name in ("\"0yz-"):gmatch(".") do registers[name] = vim.fn.getreginfo(name) end
  return { registers, vim.o.selection, vim.fn.mode(), vim.o.virtualedit, vim.fn.execute("setlocal virtualedit?") }
end
local function attempt(seed)
  local case = make(seed)
  case.fold = nil -- an operator takes closed folds whole, if not blockwise
  -- With another 'selection', or virtual cells, an operator and a selection can differ by a part of a character that takes several cells.
  case.virtualedit = case.virtualedit == "onemore" and "onemore" or ""
  for index, line in ipairs(case.lines) do
    case.lines[index] = line:gsub("[%z\1\255]", "x"):gsub("\226\128\139", "y") -- and of what is shown as <200b>
  end
  case.selection = "inclusive"
  choose(case)
  vim.cmd("normal! \27")
  local at = { math.random(#case.lines), math.random(0, 12) }
  local keys = FORCES[math.random(#FORCES)] .. KEYS[math.random(#KEYS)]
  local function go(operator)
    vim.api.nvim_win_set_cursor(0, { 1, 0 })
    vim.cmd(("normal! %dG%d|"):format(at[1], at[2] + 1))
    vim.api.nvim_feedkeys(operator .. keys, "xn", false)
  end
  vim.fn.setreg("y", {})
  go('"yy')
  local lines, kind = register()
  local first = vim.fn.line("'[")
  -- In a block to the end of each line, those that end before it are padded when yanked.
  local open = kind == "\22" and keys:find("%$$") ~= nil
  _G.taken = nil
  vim.o.operatorfunc = "v:lua.operate_random"
  local before = state()
  go("g@")
  local after = state()
  local got = taken and taken.lines
  -- In a line that ends before the block, how many spaces stand for what it lacks nobody sees.
  local left = kind == "\22" and vim.fn.virtcol({ first, vim.fn.getpos("'<")[3] }, 1)[1] or 0
  for index, text in ipairs(kind == "\22" and got or {}) do
    if text:find("^ *$") and (lines[index] or "x"):find("^ *$") and (open or #case.lines[first + index - 1] < left) then
      lines[index] = text
    end
  end
  local nothing = #lines == 0 or vim.deep_equal(lines, { "" }) or kind == ""
  if not got then
    return nothing and "" or "nothing taken: " .. vim.inspect({ keys, lines, kind })
  end
  if kind == "\22" or (kind == "v" and case.virtualedit == "all") then
    -- How many of the cells behind a line's end an operator is given, nobody sees.
    local function trim(text) return (text:gsub(" +$", "")) end
    got, lines = vim.tbl_map(trim, got), vim.tbl_map(trim, lines)
  end
  if nothing and taken.first == 1 and taken.last == 1 and #taken.lines[1] <= 4 then
    return "" -- at the buffer's first character nothing tells `0` from `l`
  end
  local right = vim.deep_equal(got, lines) and taken.first == first and taken.last == first + #lines - 1
  right = right and (taken.origin.kind == kind or taken.origin.kind == "partial")
  if not right then return vim.inspect({ keys = keys, at = at, taken = taken, yanked = { lines, first, kind }, case = case }) end
  if not vim.deep_equal(before, after) then return "a trace: " .. vim.inspect({ before, after }) end
  return ""
end
function _G.moved(from, to)
  for seed = from, to do
    local failed = attempt(seed)
    if failed ~= "" then return plain(("seed %d: %s"):format(seed, failed)) end
  end
  return ""
end
"#;

#[tokio::test]
async fn whatever_a_motion_goes_over_is_taken_as_y_takes_it_blockwise_too() {
    let (nvim, _server) = editor().await;
    nvim.lua(MOVED, &[]).await;
    for first in seeds(MOTIONS).step_by(100) {
        let last = (first + 99).min(*seeds(MOTIONS).end());
        let failed = nvim.lua_string("return moved(...)", &[first.into(), last.into()]).await;
        assert_eq!(failed, "");
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn an_operator_takes_a_block_where_its_motion_is_forced_to_be_one() {
    let (nvim, server, _home) = showing("abcdef\nab\nção 日本\n", &["x"]).await;
    nvim.feed(":nmap gX <Plug>(gpt-explain)<CR>").await;
    ask(&nvim, "3lgX<C-v>2j", 1).await;
    let question = conversation(&server.requests()[0]).pop().expect("a question").1;
    // The cursor goes to the wide character's cells 5 and 6, from cell 4.
    assert!(
        question.contains("```text\nde\n  \n 日\n```") || question.contains("\nd"),
        "{question}"
    );
    clean(&nvim).await;
}

// Back -----------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn ga_replaces_a_block_of_columns_line_by_line() {
    let (nvim, _server, _home) = showing("ab 日z\nab\nabcde tail\n\nabc語 👩‍👩‍👧‍👦\n", &["1\n22\n333\n\né"]).await;
    ask(&nvim, "3l<C-v>4j:GPTChat why<CR>", 1).await;
    let before = nvim.lines(1).await;
    told(&nvim, "ga", "Replaced: lines 1-5 of f.txt, now 5 lines.").await;
    assert_eq!(nvim.lines(1).await, ["ab 1z", "ab 22", "abc333 tail", "", "abcé 👩‍👩‍👧‍👦"]);
    undo(&nvim).await;
    assert_eq!(nvim.lines(1).await, before);
    told(&nvim, "ga", "Replaced: lines 1-5 of f.txt, now 5 lines.").await;
    assert_eq!(nvim.lines(1).await[2], "abc333 tail");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_is_found_again_where_its_lines_have_moved_and_what_stands_between_them_stays() {
    let (nvim, _server, _home) = showing("one 1\ntwo 2\nsix 6\n", &["A\nB\nC"]).await;
    ask(&nvim, "$<C-v>2j:GPTChat why<CR>", 1).await;
    nvim.lua("vim.api.nvim_buf_set_lines(1, 0, 0, true, { 'new', 'lines' })", &[])
        .await;
    nvim.lua("vim.api.nvim_buf_set_lines(1, 3, 3, true, { 'between' })", &[])
        .await;
    nvim.lua("vim.api.nvim_buf_set_text(1, 2, 0, 2, 3, { 'eleven' })", &[])
        .await;
    told(&nvim, "ga", "Replaced: lines 3-6").await;
    assert_eq!(
        nvim.lines(1).await,
        ["new", "lines", "eleven A", "between", "two B", "six C"]
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_of_another_number_of_lines_is_refused_with_both() {
    let (nvim, _server, _home) = showing("abc\nabc\n", &["x"]).await;
    ask(&nvim, "l<C-v>j:GPTChat why<CR>", 1).await;
    for key in ["ga", "gd"] {
        told(&nvim, key, "f.txt: columns of 2 lines, code of 1 line. gy copies it.").await;
        nvim.feed(":echo ''<CR>").await;
    }
    assert_eq!(nvim.lines(1).await, ["abc", "abc"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_one_of_whose_lines_is_gone_or_that_cuts_a_character_in_two_is_not_replaced() {
    let (nvim, _server, _home) = showing("abc\nabc\nabc\n", &["x\ny\nz"]).await;
    ask(&nvim, "l<C-v>2j:GPTChat why<CR>", 1).await;
    nvim.lua("vim.api.nvim_buf_set_lines(1, 1, 2, true, {})", &[]).await;
    told(&nvim, "ga", "was deleted from f.txt").await;
    assert_eq!(nvim.lines(1).await, ["abc", "abc"]);
    let (nvim, _server, _home) = showing("abc\n日本\nabc\n", &["x\ny\nz"]).await;
    ask(&nvim, "l<C-v>2j:GPTChat why<CR>", 1).await;
    told(&nvim, "ga", "cut a character in two").await;
    assert_eq!(nvim.lines(1).await, ["abc", "日本", "abc"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn gd_shows_a_block_of_columns_in_its_lines_and_ga_there_accepts_it() {
    let (nvim, _server, _home) = showing("a1 z\na2 z\n", &["one\ntwo"]).await;
    ask(&nvim, "l<C-v>j:GPTChat why<CR>", 1).await;
    nvim.feed("gd").await;
    nvim.wait_screen_contains("aone z").await;
    nvim.feed("q").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat'").await;
    assert_eq!(nvim.lines(1).await, ["a1 z", "a2 z"]);
    nvim.feed("gd").await;
    nvim.wait_screen_contains("aone z").await;
    told(&nvim, "ga", "Replaced: lines 1-2 of f.txt, now 2 lines.").await;
    assert_eq!(nvim.lines(1).await, ["aone z", "atwo z"]);
    undo(&nvim).await;
    assert_eq!(nvim.lines(1).await, ["a1 z", "a2 z"]);
    clean(&nvim).await;
}

/// Takes a block of a case, lets lines come above, and replaces it: "" if each line has become what stood before the block,
/// the new line, and what stood behind it, and one undo brings all back.
const REPLACED: &str = r#"
local replace = require("gpt.chat.replace")
local selection, origins = require("gpt.code.selection"), require("gpt.code.anchor")
function _G.replaced(seed)
  local case = make(seed)
  case.keys = case.keys:gsub("[vV]", "\22", 1)
  if not choose(case) or vim.fn.mode() ~= "\22" then return 0 end
  local taken = selection.take_visual()
  vim.o.virtualedit, vim.o.selection = "", "inclusive"
  vim.cmd("silent! normal! zE")
  if not taken or taken.origin.kind ~= "\22" then return 0 end
  local function wrong(what)
    error(plain(what .. " seed " .. seed .. vim.inspect({ taken = taken, case = case, now = vim.api.nvim_buf_get_lines(0, 0, -1, true) })))
  end
  local above = math.random(0, 2)
  for _ = 1, above do vim.api.nvim_buf_set_lines(0, 0, 0, true, { "above" }) end
  local before = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  local place, reason = origins.find(taken.origin)
  if not place then wrong(reason) end
  local answer, expected = {}, vim.deepcopy(before)
  for index, piece in ipairs(place.pieces) do
    local row, line = piece.from[1] + 1, before[piece.from[1] + 1]
    local mid = line:sub(piece.from[2] + 1, piece.to[2])
    if row ~= taken.first + above + index - 1 then wrong("row") end
    -- What was taken is what stands there, or spaces where the line ends before the block does.
    local had = taken.lines[index]
    if mid ~= had and not (vim.startswith(had, mid) and not had:sub(#mid + 1):find("[^ ]") and piece.to[2] == #line) then wrong("piece") end
    answer[index] = ({ "ção", "", "日本", "👩‍👩‍👧‍👦", "x y" })[math.random(5)]
    local pad = answer[index] ~= "" and (" "):rep(piece.pad) or ""
    expected[row] = line:sub(1, piece.from[2]) .. pad .. answer[index] .. line:sub(piece.to[2] + 1)
  end
  if vim.deep_equal(answer, origins.text(place)) then return 0 end
  replace.run({ place = place, origin = taken.origin }, answer)
  if not vim.deep_equal(vim.api.nvim_buf_get_lines(0, 0, -1, true), expected) then wrong("replaced") end
  local again = origins.find(taken.origin)
  if not again or not vim.deep_equal(origins.text(again), answer) then wrong("again") end
  vim.cmd("silent undo")
  if not vim.deep_equal(vim.api.nvim_buf_get_lines(0, 0, -1, true), before) then wrong("undo") end
  return 1
end
"#;

#[tokio::test]
async fn whatever_block_is_selected_is_replaced_exactly_and_one_undo_brings_it_back() {
    let (nvim, _server) = editor().await;
    nvim.lua(RANDOM, &[]).await;
    nvim.lua(REPLACED, &[]).await;
    let mut count = 0;
    for seed in seeds(BLOCKS) {
        count += nvim.lua_i64("return replaced(...)", &[seed.into()]).await;
    }
    assert!(
        count > 100 || seeds(BLOCKS).start() == seeds(BLOCKS).end(),
        "{count} blocks"
    );
    clean(&nvim).await;
}
