--- Shows what a code block would change, before it does: a tab page of Neovim's own diff mode.
---
--- Left stands the buffer itself, right what it would become, which can be edited; `dp` and `do` move single changes as in
--- every diff.
local api = vim.api

local bars = require("gpt.chat.bars")
local cells = require("gpt.cells")
local columns = require("gpt.code.columns")
local config = require("gpt.config")
local gate = require("gpt.gate")
local notice = require("gpt.ui.notice")
local origins = require("gpt.code.anchor")
local replace = require("gpt.chat.replace")
local targets = require("gpt.chat.target")
local words = require("gpt.words")

local M = {}

--- The keys that accept what is shown.
---@return string[]
local function accept_keys()
  local keys = config.get().chat.keymaps.apply or "ga"
  return type(keys) == "table" and keys or { keys }
end

--- A buffer that holds what another one would become.
---@param target gpt.Target
---@param lines string[]
---@return integer buf
---@return integer mark what is new in it
local function make_preview(target, lines)
  local source, buf = target.place.buf, api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, false, api.nvim_buf_get_lines(source, 0, -1, false))
  local place = vim.tbl_extend("force", target.place, { buf = buf })
  local mark = origins.pin(origins.exchange(place, lines))
  for _, name in ipairs({ "tabstop", "shiftwidth", "expandtab" }) do
    vim.bo[buf][name] = vim.bo[source][name]
  end
  vim.bo[buf].bufhidden, vim.bo[buf].modified = "wipe", false
  return buf, mark
end

--- Colours a preview like the code, without its filetype: nothing else is to happen in it.
---@param buf integer
---@param filetype string
local function colour(buf, filetype)
  local language = vim.treesitter.language.get_lang(filetype) or filetype
  if filetype ~= "" and not gate.start(buf, language) then
    vim.bo[buf].syntax = filetype
  end
end

--- Opens a tab page with the buffer left and its preview right, where the user is then.
---@param buf integer
---@param preview integer
---@return integer code the left window
---@return integer win
local function open_windows(buf, preview)
  vim.cmd("noautocmd tabnew")
  vim.bo.bufhidden = "wipe"
  local code = api.nvim_get_current_win()
  api.nvim_win_set_buf(code, buf)
  local win = api.nvim_open_win(preview, true, { split = "right", win = code })
  for _, one in ipairs({ code, win }) do
    api.nvim_win_call(one, function()
      vim.cmd("diffthis")
    end)
  end
  return code, win
end

---@param win integer
---@param text string
local function set_bar(win, text)
  local bar = " " .. cells.cut(text, api.nvim_win_get_width(win) - 1):gsub("%%", "%%%%")
  bars.set_winbar(win, bar)
end

---@class gpt.Difference
---@field target gpt.Target
---@field loaded integer how often the buffer had been loaded anew by then
---@field pin integer the place in the buffer, as long as this is shown
---@field preview integer the buffer that shows what would be
---@field mark integer what is new in it
---@field code integer the left window
---@field win integer the right one
---@field from integer the window that the user came from
---@field group integer
---@field left? boolean
local Difference = {}
Difference.__index = Difference

--- Where the lines would go now; nil if that is not known any more.
---@return gpt.Place?
function Difference:place()
  local place = self.target.place
  if api.nvim_buf_is_loaded(place.buf) and origins.watch(place.buf) == self.loaded then
    return (origins.at(place.buf, self.pin, place.whole))
  end
end

--- Closes both windows, and goes back to where the user came from.
function Difference:close()
  if api.nvim_win_is_valid(self.code) then
    api.nvim_win_call(self.code, function()
      vim.cmd("diffoff")
    end)
  end
  for _, win in ipairs({ self.win, self.code }) do
    pcall(api.nvim_win_close, win, true)
  end
  if api.nvim_win_is_valid(self.from) then
    api.nvim_set_current_win(self.from)
  end
end

--- Leaves it, and changes nothing more.
function Difference:leave()
  if self.left then
    return
  end
  self.left = true
  api.nvim_del_augroup_by_id(self.group)
  local origin, place = self.target.origin, self:place()
  if origin and place and not origin.pieces then
    origins.move(origin, place, origins.text(place)) -- single changes have taken its own mark along
  end
  origins.unmark(self.target.place.buf, self.pin)
  self:close()
end

--- Puts what is shown where it belongs.
function Difference:accept()
  local place, shown = self:place(), origins.at(self.preview, self.mark, self.target.place.whole)
  local lines = shown and origins.text(shown)
  self:leave()
  if place and lines then
    replace.run({ place = place, origin = self.target.origin, seen = true }, lines)
  else
    local path = targets.name_of(self.target.place.buf)
    notice.inform({
      level = "warning",
      title = words("view.apply.lost", { path = path }),
      advice = "",
    })
  end
end

--- Says that there is no room for two windows beside each other, and leaves no trace.
---@param tabs integer how many tab pages there were
function Difference:give_up(tabs)
  origins.unmark(self.target.place.buf, self.pin)
  if vim.fn.tabpagenr("$") > tabs then
    pcall(vim.cmd.tabclose)
  end
  if api.nvim_buf_is_valid(self.preview) then
    pcall(api.nvim_buf_delete, self.preview, { force = true })
  end
  if api.nvim_win_is_valid(self.from) then
    api.nvim_set_current_win(self.from)
  end
  notice.inform({ level = "warning", title = words("view.window.larger"), advice = "" })
end

--- Maps the keys in the preview, and leaves when one of the windows is closed.
function Difference:watch()
  local function map(lhs, run, what)
    vim.keymap.set("n", lhs, run, { buffer = self.preview, nowait = true, desc = "GPT: " .. words(what) })
  end
  local leave = function()
    self:leave()
  end
  for _, lhs in ipairs(accept_keys()) do
    map(lhs, function()
      self:accept()
    end, "view.key.apply")
  end
  map("q", leave, "view.diff.leave")
  self.group = api.nvim_create_augroup("gpt.diff." .. self.preview, {})
  api.nvim_create_autocmd("WinClosed", {
    group = self.group,
    pattern = { tostring(self.code), tostring(self.win) },
    callback = vim.schedule_wrap(function()
      if not api.nvim_win_is_valid(self.code) or not api.nvim_win_is_valid(self.win) then
        leave()
      end
    end),
  })
end

--- Shows what lines would change in a place. Accepting puts them there, as they are by then.
---@param target gpt.Target
---@param lines string[]
function M.show(target, lines)
  local place = target.place
  if place.pieces then
    place, lines = columns.as_lines(place, lines)
    target = { place = place, origin = target.origin }
  end
  local self = setmetatable({ target = target, from = api.nvim_get_current_win() }, Difference)
  self.loaded, self.pin = origins.watch(place.buf), origins.pin(place)
  self.preview, self.mark = make_preview(target, lines)
  local tabs = vim.fn.tabpagenr("$")
  local opened, code, win = pcall(open_windows, place.buf, self.preview)
  if not opened then
    return self:give_up(tabs)
  end
  self.code, self.win = code, win
  colour(self.preview, vim.bo[place.buf].filetype)
  set_bar(self.code, words("view.diff.now", { where = targets.describe(place) }))
  set_bar(self.win, words("view.diff.then", { key = accept_keys()[1] }))
  api.nvim_win_set_cursor(self.win, { math.min(place.from[1] + 1, api.nvim_buf_line_count(self.preview)), 0 })
  vim.cmd("normal! zz")
  self:watch()
end

return M
