--- What a code block would change, before it does: a tab page of Neovim's own diff mode. Left stands the buffer itself,
--- right what it would become, which can be edited; `dp` and `do` move single changes as in every diff.
local api = vim.api

local config = require("gpt.config")
local origins = require("gpt.origin")
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
  if filetype ~= "" and not pcall(vim.treesitter.start, buf, language) then
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
  local bar = " " .. text:gsub("%%", "%%%%") .. "%<"
  api.nvim_set_option_value("winbar", bar, { win = win, scope = "local" })
end

--- Closes both windows, and goes back to where the user came from.
---@param code integer
---@param win integer
---@param from integer
local function close(code, win, from)
  if api.nvim_win_is_valid(code) then
    api.nvim_win_call(code, function()
      vim.cmd("diffoff")
    end)
  end
  for _, one in ipairs({ win, code }) do
    pcall(api.nvim_win_close, one, true)
  end
  if api.nvim_win_is_valid(from) then
    api.nvim_set_current_win(from)
  end
end

--- Shows what lines would change in a place. Accepting puts them there, as they are by then; `done` is told afterwards.
---@param target gpt.Target
---@param lines string[]
---@param done? fun()
function M.show(target, lines, done)
  local buf, whole, from = target.place.buf, target.place.whole, api.nvim_get_current_win()
  local pin = origins.pin(target.place)
  local preview, mark = make_preview(target, lines)
  local code, win = open_windows(buf, preview)
  colour(preview, vim.bo[buf].filetype)
  local where = require("gpt.view.regions").describe(target.place)
  set_bar(code, words("view.diff.now", { where = where }))
  set_bar(win, words("view.diff.then", { key = accept_keys()[1] }))
  api.nvim_win_set_cursor(win, { math.min(target.place.from[1] + 1, api.nvim_buf_line_count(preview)), 0 })
  vim.cmd("normal! zz")

  local left = false
  local function leave()
    if left then
      return
    end
    left = true
    local place = api.nvim_buf_is_loaded(buf) and origins.at(buf, pin, whole)
    if place and target.origin then
      origins.move(target.origin, place, origins.text(place)) -- single changes have taken its own mark along
    end
    origins.unmark(buf, pin)
    close(code, win, from)
  end
  local function accept()
    local place = api.nvim_buf_is_loaded(buf) and origins.at(buf, pin, whole)
    local new = origins.at(preview, mark, whole)
    local text = new and origins.text(new)
    leave()
    if place and text then
      require("gpt.view.regions").replace({ place = place, origin = target.origin, seen = true }, text)
      return done and done()
    end
  end
  for _, lhs in ipairs(accept_keys()) do
    vim.keymap.set("n", lhs, accept, { buffer = preview, nowait = true, desc = "GPT: " .. words("view.key.apply") })
  end
  vim.keymap.set("n", "q", leave, { buffer = preview, nowait = true, desc = "GPT: " .. words("view.diff.leave") })
  api.nvim_create_autocmd("WinClosed", {
    group = api.nvim_create_augroup("gpt.diff." .. preview, {}),
    pattern = { tostring(code), tostring(win) },
    once = true,
    callback = vim.schedule_wrap(leave),
  })
end

return M
