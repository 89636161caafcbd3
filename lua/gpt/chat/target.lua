--- Finds where the code of an answer goes: the selections of the chat's questions, or the cursor of the code.
local api = vim.api

local dialog = require("gpt.ui.dialog")
local earlier = require("gpt.chat.earlier")
local file_name = require("gpt.code.file_name")
local kept_selections = require("gpt.chat.kept_selections")
local notice = require("gpt.ui.notice")
local origins = require("gpt.code.anchor")
local words = require("gpt.words")

local M = {}

---@class gpt.Target where a block goes
---@field place gpt.Place
---@field origin? gpt.Origin the selection that it replaces
---@field seen? boolean whether the user has looked at what changes

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- How a buffer is called in messages.
---@param buf integer
---@return string
function M.name_of(buf)
  local name = api.nvim_buf_is_valid(buf) and api.nvim_buf_get_name(buf) or ""
  return name == "" and words("view.no_name") or file_name.of_path(name)
end

--- How a place is called in messages: "lines 5-10 of f.txt".
---@param place gpt.Place
---@return string
function M.describe(place)
  local first = place.from[1] + 1
  local last = math.max(place.whole and place.to[1] or place.to[1] + 1, first)
  local lines = first == last and words("view.line", { line = first })
    or words("view.lines", { first = first, last = last })
  return words("view.apply.where", { place = lines, path = M.name_of(place.buf) })
end

--- Whether a window shows code: an ordinary buffer.
---@param win integer
---@return boolean
local function is_code(win)
  if not api.nvim_win_is_valid(win) or api.nvim_win_get_config(win).relative ~= "" then
    return false
  end
  return vim.bo[api.nvim_win_get_buf(win)].buftype == ""
end

--- The window with code that the user was in last: in this tab page, else in the one before.
---@return integer?
local function code_window()
  local wins = { vim.fn.win_getid(vim.fn.winnr("#")) }
  vim.list_extend(wins, api.nvim_tabpage_list_wins(0))
  local before = vim.fn.tabpagenr("#")
  if before > 0 then
    wins[#wins + 1] = vim.fn.win_getid(vim.fn.tabpagewinnr(before), before)
  end
  return vim.iter(wins):find(is_code)
end

--- Where the code is that the user was in last: the buffer and its cursor's line. A chat can stand in its window.
---@return integer? buf
---@return integer line counted from 1
local function code_cursor()
  local win = code_window()
  if win then
    return api.nvim_win_get_buf(win), api.nvim_win_get_cursor(win)[1]
  end
  local before = vim.w.gpt_before
  if before and api.nvim_buf_is_loaded(before) and vim.bo[before].buftype == "" then
    return before, math.max(api.nvim_buf_get_mark(before, '"')[1], 1)
  end
  return nil, 0
end

--- The place below the line of the last cursor; of an empty buffer all.
---@return gpt.Target?
local function below_cursor()
  local buf, line = code_cursor()
  if not buf then
    return refuse(words("view.apply.no_window"))
  end
  local empty = api.nvim_buf_line_count(buf) == 1 and api.nvim_buf_get_lines(buf, 0, 1, false)[1] == ""
  return { place = origins.lines(buf, empty and 0 or line, empty and 1 or line) }
end

--- Where a selection is now.
---@param origin gpt.Origin
---@return gpt.Target?
local function target_of(origin)
  local place, reason = origins.find(origin)
  if not place then
    local path = origin.path == "" and words("view.no_name") or origin.path
    return refuse(words(reason --[[@as string]], { path = path }))
  end
  return { place = place, origin = origin }
end

--- The line above a place where lines are inserted.
---@param place gpt.Place
---@return gpt.Place
function M.line_above(place)
  local row = math.max(place.from[1], 1)
  return origins.lines(place.buf, row - 1, row)
end

--- Lets the user choose between several places.
---@param targets gpt.Target[]
---@param run fun(target: gpt.Target)
---@param why? string
local function choose(targets, run, why)
  local format = function(target)
    local key = target.origin and "view.apply.in_place_of" or "view.apply.below"
    local place = target.origin and target.place or M.line_above(target.place)
    return words(key, { where = M.describe(place) })
  end
  local prompt = (why and why .. " " or "") .. words("view.apply.choose")
  local options = { prompt = prompt, kind = "gpt.apply", format_item = format }
  dialog.select(targets, options, function(target)
    vim.cmd.redraw()
    target = target and (target.origin and target_of(target.origin) or below_cursor()) -- as it is by now
    return target and run(target)
  end)
end

--- Where a block goes whose selection was known to an earlier session, and is not found.
---@param path string
---@param run fun(target: gpt.Target)
local function without_selection(path, run)
  local why = words("view.apply.not_found", { path = path })
  if not code_cursor() then
    return refuse(why)
  end
  choose({ below_cursor() }, run, why)
end

--- Finds out where the block of an answer goes, and asks where that is not clear.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer the answer
---@param run fun(target: gpt.Target)
function M.find(chat, found, index, run)
  local held, own = kept_selections.of_answer(chat, found, index)
  if #held == 0 then
    local lost = earlier.find(chat, found, index)
    if lost then
      return without_selection(lost, run)
    end
    held, own = kept_selections.of_answer(chat, found, index)
  end
  if #held == 0 or (#held == 1 and own) then
    local target
    if held[1] then
      target = target_of(held[1])
    else
      target = below_cursor()
    end
    return target and run(target)
  end
  local targets = {}
  for _, origin in ipairs(held) do
    local place = origins.find(origin)
    targets[#targets + 1] = place and { place = place, origin = origin }
  end
  targets[#targets + 1] = not own and code_cursor() and below_cursor() or nil
  if #targets == 0 then
    return target_of(held[1]) -- which says why
  end
  choose(targets, run)
end

return M
