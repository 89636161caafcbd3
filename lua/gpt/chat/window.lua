--- Opens a chat's window: a float, a split, a tab page, or the current window.
local bars = require("gpt.chat.bars")
local chats = require("gpt.chat.chats")
local config = require("gpt.config")
local files_below = require("gpt.chat.files_below")
local folds = require("gpt.chat.folds")
local is_float = require("gpt.ui.float").is_float
local notice = require("gpt.ui.notice")
local splits = require("gpt.chat.splits")
local tell = require("gpt.chat.tell")
local words = require("gpt.words")

local M = {}

--- What would bind a chat to other windows, where the user has it on everywhere.
local BINDING = { "scrollbind", "cursorbind", "diff", "previewwindow" }

---@param win integer
local function set_options(win)
  local set = function(name, value)
    vim.api.nvim_set_option_value(name, value, { win = win, scope = "local" })
  end
  set("wrap", true)
  set("linebreak", true)
  set("number", false)
  set("relativenumber", false)
  set("signcolumn", "no")
  set("foldcolumn", "0")
  set("spell", false)
  set("list", false)
  set("colorcolumn", "")
  set("smoothscroll", true)
  for _, name in ipairs(BINDING) do
    if vim.wo[win][name] then
      set(name, false)
    end
  end
  folds.set_options(win)
  set("winfixbuf", false)
end

--- Gives a window the options of one that shows a chat.
---@param win integer
function M.dress(win)
  set_options(win)
end

--- Opens a split or tab page as a command's modifiers say; `:split` knows them all.
---@param chat gpt.Chat
---@param mods table
local function split(chat, mods)
  splits.split(mods, function()
    vim.api.nvim_win_set_buf(0, chat.buf)
  end)
end

---@param layout string?
---@param mods table?
---@return table? mods for a split; nil for a float
local function split_mods(layout, mods)
  if mods and (mods.vertical or mods.horizontal or mods.tab > -1 or mods.split ~= "") then
    return { vertical = mods.vertical, horizontal = mods.horizontal, tab = mods.tab, split = mods.split }
  end
  layout = layout or config.get().chat.layout
  if layout == "vertical" then
    return { vertical = true, split = "botright" }
  elseif layout == "horizontal" then
    return { split = "botright" }
  elseif layout == "tab" then
    return { tab = vim.fn.tabpagenr() }
  end
end

--- Whether the chat takes the current window's place.
---@param layout string?
---@return boolean
local function is_current(layout)
  return (layout or config.get().chat.layout) == "current" and not is_float(0)
end

--- Whether a layout was asked for, and not only the configured one.
---@param layout string?
---@param mods table?
---@return boolean
local function is_asked(layout, mods)
  return layout ~= nil or (mods ~= nil and (mods.vertical or mods.horizontal or mods.tab > -1 or mods.split ~= ""))
end

---@param win integer
---@return boolean
local function is_chat(win)
  return vim.bo[vim.api.nvim_win_get_buf(win)].filetype == "gptchat"
end

--- Shows a chat in a window that shows another one.
---@param win integer
---@param chat gpt.Chat
local function show_in(win, chat)
  vim.api.nvim_set_option_value("winfixbuf", false, { win = win, scope = "local" })
  vim.api.nvim_win_set_buf(win, chat.buf)
  set_options(win ~= 0 and win or vim.api.nvim_get_current_win())
  folds.update(chat)
  bars.refresh(chat)
end

--- Opens a float with the chat.
---@param chat gpt.Chat
local function float(chat)
  local wanted = bars.float_config(chat)
  local made, win = pcall(vim.api.nvim_open_win, chat.buf, true, wanted)
  -- Neovim says itself what is no border.
  if not made and tostring(win):find("border", 1, true) then
    wanted.border = "rounded"
    vim.schedule(function()
      local value = words("view.config.a_value", { type = type(config.get().chat.border) })
      local title =
        words("view.config.mismatch", { path = "chat.border", expected = words("view.config.border"), value = value })
      notice.inform({ level = "warning", title = title, advice = "" })
    end)
    made, win = pcall(vim.api.nvim_open_win, chat.buf, true, wanted)
  end
  if not made then
    error(win, 0)
  end
  files_below.watch(win)
end

--- Takes the current window's place.
---@param chat gpt.Chat
local function take_place(chat)
  local before = vim.api.nvim_get_current_buf()
  vim.api.nvim_win_set_buf(0, chat.buf)
  vim.w.gpt_before = before
end

--- Neovim's own errors on the way to a window, in words.
local ERRORS = { E1513 = "view.window.fixed", E37 = "view.window.not_written", E36 = "view.window.no_room" }

---@param reason any
---@return string
local function in_words(reason)
  local text = vim.split(tostring(reason), "\n")[1]
  local code = text:match("(E%d+):")
  return ERRORS[code] and words(ERRORS[code]) or words("view.window.error", { reason = text:match("E%d+:.*$") or text })
end

--- Says, once it is shown, why the chat is not where it was wanted.
---@param reason any
---@param shown boolean
local function explain(reason, shown)
  local why = in_words(reason)
  local title = shown and words("view.window.floats", { reason = why })
    or words("view.window.not_shown", { reason = why })
  vim.schedule(function()
    tell.inform({ level = "warning", title = title, advice = "" })
  end)
end

--- Makes a window with the chat: the one that is wanted, else a float.
---@param chat gpt.Chat
---@param layout? string
---@param mods? table
---@return integer? win nil if Neovim lets none be made
local function make(chat, layout, mods)
  local wanted = split_mods(layout, mods)
  local run = wanted and function()
    split(chat, wanted)
  end or is_current(layout) and function()
    take_place(chat)
  end or function()
    float(chat)
  end
  local made, reason = pcall(run)
  local win = chats.window_of(chat)
  if not made and not win then
    pcall(float, chat)
    win = chats.window_of(chat)
  end
  if not made then
    explain(reason, win ~= nil)
  end
  return win
end

--- Shows the chat and goes there; a window that shows it already is used again.
---@param chat gpt.Chat
---@param layout? string
---@param mods? table
---@return integer? win nil if Neovim lets no window be made; the user is told
function M.open(chat, layout, mods)
  local win = chats.window_of(chat)
  local asked = is_asked(layout, mods)
  if win and not asked then
    vim.api.nvim_set_current_win(win)
    return win
  end
  local from = splits.file()
  if win then
    pcall(vim.api.nvim_win_close, win, false) -- it is wanted elsewhere
  elseif not asked and is_chat(0) then
    show_in(0, chat)
    return vim.api.nvim_get_current_win()
  elseif is_chat(0) and is_float(0) then
    pcall(vim.api.nvim_win_close, 0, false) -- it would lie over the split
  end
  win = make(chat, layout, mods)
  if not win then
    return nil
  end
  vim.api.nvim_set_current_win(win)
  vim.w[win].gpt_from = from
  set_options(win)
  folds.update(chat)
  bars.refresh(chat)
  return win
end

--- Closes the current window of a chat; one that showed another buffer before, and the last one of the editor, show
--- that one, the file that was there, or an empty buffer, instead.
function M.hide()
  local before = vim.w.gpt_before
  vim.w.gpt_before = nil
  if before and splits.show(before) or not before and pcall(splits.close, 0) then
    return
  end
  for _, buf in ipairs({ vim.w.gpt_from or -1, vim.fn.bufnr("#"), splits.last_file() }) do
    if splits.show(buf) then
      return
    end
  end
  vim.api.nvim_set_option_value("winfixbuf", false, { win = 0, scope = "local" })
  vim.cmd.enew()
end

return M
