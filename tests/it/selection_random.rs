//! Whatever Neovim can select is taken exactly: random texts, options and motions, compared with what Neovim yanks. And
//! what an answer replaces is exactly that.

use crate::common::*;
use crate::fixtures_lua::is_calm;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::Server;

/// How many selections are compared, in one editor.
const SELECTIONS: u64 = 2000;
/// How many of them one call compares.
const AT_ONCE: usize = 100;
/// How many of them go through a chat.
const IN_CHATS: u64 = 60;
/// How many answers are applied.
const APPLIED: u64 = 60;

/// Random selections, in Lua, so that a case costs no call: `make` writes one of a seed into the current buffer, with its
/// options; `choose` selects it by its keys; `yanked` is what Neovim yanks then.
pub const RANDOM: &str = r#"
local PIECES = { "a", "bc", " ", "  ", "ação", "é", "日本", "語", "👩‍👩‍👧‍👦", "👍🏽", "e\204\129", "\t", "\1", "x", "`", "(", ")",
  "🇧🇷", "\194\160", "\226\128\139", "ﷺ", "\255", "\0" }
local MOTIONS = { "h", "l", "j", "k", "w", "b", "e", "$", "0", "^", "G", "gg", "o", "O", "2l", "3j", "5h", "10|", "iw", "}", "ge",
  "g_", "1000l" }
-- What is no UTF-8 comes through no test.
function _G.plain(text)
  return (text:gsub("[^\32-\126\n]", function(byte) return ("\\%d"):format(byte:byte()) end))
end
local function pick(list) return list[math.random(#list)] end
local function line()
  local parts = {}
  for _ = 1, math.random(0, 7) do parts[#parts + 1] = pick(PIECES) end
  return math.random(5) == 1 and "" or table.concat(parts)
end
function _G.make(seed)
  math.randomseed(seed)
  local lines, keys = {}, {}
  for _ = 1, math.random(7) do lines[#lines + 1] = line() end
  keys[1] = math.random(#lines) .. "G" .. math.random(12) .. "|" .. pick({ "v", "V", "\22" })
  for _ = 1, math.random(0, 5) do keys[#keys + 1] = pick(MOTIONS) end
  local case = { lines = lines, keys = table.concat(keys), list = math.random(2) == 1, wrap = math.random(2) == 1 }
  case.selection = pick({ "inclusive", "exclusive", "old" })
  case.virtualedit = pick({ "", "", "all", "block", "onemore" })
  case.fold = math.random(6) == 1 and { math.random(#lines), math.random(#lines) } or nil
  return case
end
function _G.choose(case)
  vim.cmd("noautocmd silent! normal! \27zE")
  vim.o.selection, vim.o.virtualedit = "inclusive", ""
  vim.api.nvim_buf_set_lines(0, 0, -1, true, case.lines)
  vim.fn.winrestview({ lnum = 1, col = 0, coladd = 0, curswant = 0, topline = 1, leftcol = 0, skipcol = 0 })
  vim.o.list, vim.o.wrap = case.list, case.wrap
  if case.fold then
    vim.cmd(("%d,%dfold"):format(math.min(unpack(case.fold)), math.max(unpack(case.fold))))
  end
  vim.o.selection, vim.o.virtualedit = case.selection, case.virtualedit
  vim.api.nvim_feedkeys(case.keys, "xn", false)
  return vim.fn.mode():find("[vV\22]") ~= nil
end
local function left_of(position)
  return vim.fn.virtcol({ position[2], position[3], position[4] }, 1)[1]
end
function _G.register()
  local lines, kind = vim.fn.getreg("y", 1, true), vim.fn.getregtype("y"):sub(1, 1)
  if kind == "v" and #lines > 1 and lines[#lines] == "" then lines[#lines] = nil end
  return vim.tbl_map(function(text) return (text:gsub("\n", "\0")) end, lines), kind
end
-- The lines, without the line break behind them, which a block of code has of itself; and where they begin. In a block to
-- the end of each line (`$`), those that end before it are padded when yanked: spaces that nobody sees.
function _G.yanked(keys)
  vim.fn.setreg("y", {})
  vim.cmd('silent! normal! ' .. keys)
  local to_the_end = vim.fn.winsaveview().curswant == vim.v.maxcol
  local left = math.min(left_of(vim.fn.getpos("v")), left_of(vim.fn.getpos(".")))
  vim.cmd('silent! normal! "yy')
  local lines, kind = register()
  for index, text in ipairs(kind == "\22" and to_the_end and lines or {}) do
    if text:find("^ *$") and vim.fn.virtcol({ vim.fn.line("'[") + index - 1, "$" }) <= left then lines[index] = "" end
  end
  return lines, vim.fn.line("'["), kind
end
local function differs(what, taken, refused, lines, first, kind)
  local right = taken and vim.deep_equal(taken.lines, lines) and taken.first == first and taken.last == first + #lines - 1
  if not right or (taken.origin.kind ~= kind and taken.origin.kind ~= "partial") then
    return what .. ": " .. vim.inspect(taken) .. vim.inspect(refused) .. "\nyanked: " .. vim.inspect({ lines, first, kind })
  end
end
local function state()
  local registers = {}
  for name in ("\"0123456789abcdefghijklmnopqrstuvwxyz-"):gmatch(".") do registers[name] = vim.fn.getreginfo(name) end
  return { registers, vim.fn.getpos("'["), vim.fn.getpos("']"), vim.fn.mode(), vim.fn.winsaveview() }
end
local function attempt(case)
  local selection = require("gpt.code.selection")
  if not choose(case) then return end
  local lines, first, kind = yanked("")
  choose(case)
  local before = state()
  local failed = differs("while selecting", vim.F.npcall(selection.visual), nil, lines, first, kind)
  local after = state()
  if not failed and not vim.deep_equal(before, after) then
    -- Neovim's own `gv` does not bring back a cell that is no character's within a closed fold.
    for index = 1, case.fold and case.virtualedit == "all" and #before - 1 or #before do
      if not vim.deep_equal(before[index], after[index]) then
        failed = "it left a trace: " .. vim.inspect(before[index]) .. vim.inspect(after[index])
      end
    end
  end
  choose(case)
  vim.cmd("normal! \27")
  lines, first, kind = yanked("gv")
  choose(case)
  vim.cmd("normal! \27")
  return failed or differs("after selecting", vim.F.npcall(selection.visual), nil, lines, first, kind)
end
function _G.compare(from, to)
  for seed = from, to do
    local case = make(seed)
    local failed = attempt(case)
    if failed then return plain(("seed %d: %s\n%s"):format(seed, failed, vim.inspect(case))) end
  end
  return ""
end
"#;

pub async fn editor() -> (Nvim, Server) {
    let server = Server::start(|_: &crate::support::server::Request| Answer::chat_tokens(&["x"])).await;
    let nvim = configured(&server, "")
        .init("vim.keymap.set('x', 'gp', '<Plug>(gpt-chat)')")
        .start()
        .await;
    nvim.command("set report=9999 noshowmode hidden").await;
    nvim.lua(RANDOM, &[]).await;
    (nvim, server)
}

/// The seeds to try: all, or the one that `GPT_SEED` names.
pub fn seeds(count: u64) -> std::ops::RangeInclusive<u64> {
    let named = std::env::var("GPT_SEED").ok().and_then(|seed| seed.parse().ok());
    named.map_or(1..=count, |seed| seed..=seed)
}

#[tokio::test]
async fn whatever_neovim_selects_is_taken_as_neovim_yanks_it_and_leaves_no_trace() {
    let (nvim, _server) = editor().await;
    let seeds = seeds(SELECTIONS);
    for first in seeds.clone().step_by(AT_ONCE) {
        let last = (first + AT_ONCE as u64 - 1).min(*seeds.end());
        let failed = nvim
            .lua_string("return compare(...)", &[first.into(), last.into()])
            .await;
        assert_eq!(failed, "");
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn whatever_is_selected_stands_in_the_prompt_of_the_chat() {
    let (nvim, _server) = editor().await;
    for seed in seeds(IN_CHATS) {
        nvim.command("buffer 1").await;
        // A block to the end of each line is compared above: its padding is left out.
        let selected =
            "return choose(make(...)) and (vim.fn.mode() ~= '\\22' or vim.fn.winsaveview().curswant < vim.v.maxcol)";
        if !nvim.lua_bool(selected, &[seed.into()]).await {
            continue;
        }
        nvim.feed("\"yy").await;
        nvim.wait_lua("return vim.fn.mode() == 'n'").await;
        nvim.lua("_G.expected = register() choose(make(...))", &[seed.into()])
            .await;
        nvim.feed("gp").await;
        nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'")
            .await;
        let prompt = "local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
            local fence, block = lines[5], vim.list_slice(lines, 6, #lines - 3)
            local right = fence:find('^```+$') and lines[#lines - 2] == fence and lines[#lines] == ''
              and not table.concat(block):find(fence, 1, true) and vim.deep_equal(block, expected)
            return right and '' or plain(vim.inspect({ lines, expected }))";
        assert_eq!(nvim.lua_string(prompt, &[]).await, "", "seed {seed}");
        is_calm(&nvim.screen());
        nvim.feed("<Esc>:bwipeout!<CR>").await;
        nvim.wait_lua("return vim.api.nvim_get_current_buf() == 1 and vim.fn.mode() == 'n'")
            .await;
    }
    clean(&nvim).await;
}

/// Takes a selection of a case, lets lines come and go above and below, and applies an answer: "" if just what was selected
/// has become that, and one undo brings it back.
const ROUND_TRIP: &str = r#"
local replace = require("gpt.chat.replace")
local selection, origins = require("gpt.code.selection"), require("gpt.code.anchor")
local function join(...)
  local all = {}
  for _, lines in ipairs({ ... }) do vim.list_extend(all, lines) end
  return all
end
local function edited(lines, at_end)
  local changed = vim.deepcopy(lines)
  for _ = 1, math.random(0, 4) do
    local row = math.random(0, #changed)
    if math.random(3) == 1 and row < #changed then table.remove(changed, row + 1)
    else table.insert(changed, row + 1, "edit " .. math.random(99)) end
  end
  return changed
end
-- Brings a part of the buffer into another shape, change by change.
local function bring(from, to, wanted)
  local before = vim.api.nvim_buf_get_lines(0, from, to, true)
  local hunks = vim.diff(table.concat(before, "\n") .. "\n", table.concat(wanted, "\n") .. "\n", { result_type = "indices" })
  for index = #hunks, 1, -1 do
    local start, count, new, new_count = unpack(hunks[index])
    start = from + (count == 0 and start or start - 1)
    if #before == 0 then start, count = from, 0 end
    vim.api.nvim_buf_set_lines(0, start, start + count, true, vim.list_slice(wanted, new, new + new_count - 1))
  end
end
return function(seed)
  local case = make(seed)
  for index, text in ipairs(case.lines) do case.lines[index] = "|" .. text .. index end
  if not choose(case) then return "" end
  local taken = selection.take_visual()
  vim.o.virtualedit, vim.o.selection = "", "inclusive"
  vim.cmd("silent! normal! zE")
  if not taken or taken.origin.kind == "\22" or taken.origin.kind == "partial" then return "" end
  local whole, origin = taken.origin.kind == "V", taken.origin
  local place = origins.find(origin)
  local lines = case.lines
  local head = vim.list_slice(lines, 1, taken.first - 1)
  local inner = vim.list_slice(lines, taken.first, taken.last)
  local tail = vim.list_slice(lines, taken.last + 1)
  local above, below = edited(head), edited(tail)
  if math.random(2) == 1 then bring(#head, #head, {}) end
  if #tail > 0 or #below > 0 then
    if #tail == 0 then vim.api.nvim_buf_set_lines(0, -1, -1, true, below) else bring(taken.last, #lines, below) end
    if #below == 0 then below = vim.list_slice(vim.api.nvim_buf_get_lines(0, taken.last, -1, true), 1) end
  end
  if #head == 0 then vim.api.nvim_buf_set_lines(0, 0, 0, true, above) else bring(0, #head, above) end
  if #above == 0 and #head > 0 then above = vim.list_slice(vim.api.nvim_buf_get_lines(0, 0, -1, true), 1, vim.api.nvim_buf_line_count(0) - #inner - #below) end
  local before = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  if not vim.deep_equal(before, join(above, inner, below)) then return "the edits went wrong: " .. plain(vim.inspect({ before, above, inner, below })) end
  local answer = {}
  for row = 1, math.random(4) do answer[row] = ({ "new ção", "日本", "👩‍👩‍👧‍👦 x", "end" })[row] .. seed end
  local found, reason = origins.find(origin)
  if not found then return "not found: " .. reason end
  replace.run({ place = found, origin = origin }, answer)
  local expected = vim.deepcopy(answer)
  if not whole then
    expected[1] = inner[1]:sub(1, place.from[2]) .. expected[1]
    expected[#expected] = expected[#expected] .. inner[#inner]:sub(place.to[2] + 1)
  end
  local after = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  if not vim.deep_equal(after, join(above, expected, below)) then
    return plain(vim.inspect({ after = after, expected = join(above, expected, below), taken = taken, case = case }))
  end
  vim.cmd("silent undo")
  if not vim.deep_equal(vim.api.nvim_buf_get_lines(0, 0, -1, true), before) then return "undo took more, or less" end
  found, reason = origins.find(origin)
  if not found or not vim.deep_equal(origins.text(found), taken.lines) then return "after undo: " .. tostring(reason) .. plain(vim.inspect({ found, origin, before })) end
  return ""
end
"#;

#[tokio::test]
async fn whatever_is_edited_above_and_below_an_answer_replaces_exactly_what_was_selected() {
    let (nvim, _server) = editor().await;
    let setup = format!("_G.round_trip = (function() {ROUND_TRIP} end)()");
    nvim.lua(&setup, &[]).await;
    for seed in seeds(APPLIED * 10) {
        let failed = nvim.lua_string("return round_trip(...)", &[seed.into()]).await;
        assert_eq!(failed, "", "seed {seed}");
    }
    clean(&nvim).await;
}
