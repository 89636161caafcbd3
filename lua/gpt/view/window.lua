--- Where a chat is shown: a float, a split or a tab page.
local M = {}

local bars = require("gpt.view.bars")
local beside = require("gpt.view.beside")
local below = require("gpt.view.below")
local config = require("gpt.config")
local folds = require("gpt.view.folds")
local notice = require("gpt.view.notice")
local words = require("gpt.words")

---@param win integer
---@return boolean
local function is_float(win)
  return vim.api.nvim_win_get_config(win).relative ~= ""
end

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

--- The window of the current tab page that shows the chat.
---@param chat gpt.Chat
---@return integer?
function M.find(chat)
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.api.nvim_win_get_buf(win) == chat.buf then
      return win
    end
  end
end

--- Opens a split or tab page as a command's modifiers say; `:split` knows them all.
---@param chat gpt.Chat
---@param mods table
local function split(chat, mods)
  beside.split(mods, function()
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
  M.refresh(chat)
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
  below.watch(win)
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
    require("gpt.view.chat").inform({ level = "warning", title = title, advice = "" })
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
  local win = M.find(chat)
  if not made and not win then
    pcall(float, chat)
    win = M.find(chat)
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
  local win = M.find(chat)
  local asked = is_asked(layout, mods)
  if win and not asked then
    vim.api.nvim_set_current_win(win)
    return win
  end
  local from = beside.file()
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
  M.refresh(chat)
  return win
end

--- Brings titles, footers and sizes up to date, in every window that shows the chat.
---@param chat gpt.Chat
function M.refresh(chat)
  bars.refresh(chat)
end

--- Brings the titles alone up to date; sizes stay as the user has made them.
---@param chat gpt.Chat
function M.retitle(chat)
  bars.retitle(chat)
end

--- Closes the current window of a chat; one that showed another buffer before, and the last one of the editor, show
--- that one, the file that was there, or an empty buffer, instead.
function M.hide()
  local before = vim.w.gpt_before
  vim.w.gpt_before = nil
  if before and beside.show(before) or not before and pcall(beside.close, 0) then
    return
  end
  for _, buf in ipairs({ vim.w.gpt_from or -1, vim.fn.bufnr("#"), beside.last_file() }) do
    if beside.show(buf) then
      return
    end
  end
  vim.api.nvim_set_option_value("winfixbuf", false, { win = 0, scope = "local" })
  vim.cmd.enew()
end

--- Shows the end of the prompt at the bottom of every window whose cursor is there. Neovim keeps a cursor line in view
--- by itself, but puts it in the middle of the window when many lines come at once.
---@param buf integer
---@param prompt_row integer the prompt's heading, counted from 0
function M.follow(buf, prompt_row)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local last = vim.api.nvim_buf_line_count(buf)
    local line = vim.api.nvim_win_get_cursor(win)[1]
    local typing = win == vim.api.nvim_get_current_win() and vim.fn.mode():find("^i") and line > prompt_row
    if line == last or typing then
      local height = vim.api.nvim_win_get_height(win)
      local info = vim.fn.getwininfo(win)[1]
      if info.botline < last or last - info.topline >= height then
        vim.api.nvim_win_call(win, function()
          vim.fn.winrestview(M.view_showing(win, last, height))
        end)
      end
    end
  end
end

--- Fills a window that has room below the end of the buffer, since lines went: what stands above the end, a question
--- that is asked again say, comes back into view.
---@param win integer
function M.fill(win)
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(win))
  local info, height = vim.fn.getwininfo(win)[1], vim.api.nvim_win_get_height(win)
  local shown = { start_row = info.topline - 1, end_row = last - 1 }
  if info.topline > 1 and vim.api.nvim_win_text_height(win, shown).all < height then
    vim.api.nvim_win_call(win, function()
      vim.fn.winrestview(M.view_showing(win, last, height))
    end)
  end
end

--- Where a window must begin to show `last` as its last line, wrapped lines counted. A line that is higher than the room
--- above is cut at its top ('smoothscroll').
---@param win integer
---@param last integer
---@param height integer
---@return { topline: integer, skipcol: integer }
function M.view_showing(win, last, height)
  local top, rows = last, 0
  while top >= 1 do
    local fold = vim.fn.foldclosed(top)
    top = fold > 0 and fold or top
    local tall = vim.api.nvim_win_text_height(win, { start_row = top - 1, end_row = top - 1 }).all
    if rows + tall > height then
      local hidden = rows + tall - height
      if hidden < tall and height - rows > 0 and tall > height / 2 then
        local info = vim.fn.getwininfo(win)[1]
        return { topline = top, skipcol = hidden * math.max(info.width - info.textoff, 1) }
      end
      break
    end
    rows = rows + tall
    top = top - 1
  end
  return { topline = math.min(last, top + 1), skipcol = 0 }
end

return M
