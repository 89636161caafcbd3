--- Where a chat is shown: a float, a split or a tab page.
local M = {}

local config = require("gpt.config")
local folds = require("gpt.view.folds")
local words = require("gpt.words")

--- A float's groups, and ours that stand for them.
local FLOAT_GROUPS = {
  { "NormalFloat", "GPTNormal" },
  { "FloatBorder", "GPTFloatBorder" },
  { "FloatTitle", "GPTFloatTitle" },
  { "FloatFooter", "GPTFloatFooter" },
}

--- The value of 'winhighlight': only those of our groups that somebody has changed. With any at all Neovim resolves every
--- group again at each redraw, which is a tenth of what a stream costs it.
---@return string
local function float_highlights()
  local changed = {}
  for _, pair in ipairs(FLOAT_GROUPS) do
    if vim.api.nvim_get_hl(0, { name = pair[2] }).link ~= pair[1] then
      changed[#changed + 1] = pair[1] .. ":" .. pair[2]
    end
  end
  return table.concat(changed, ",")
end

--- The border of the float: the option's, else 'winborder' (Neovim 0.11), else a rounded one.
---@return string|string[]
local function border()
  local wanted = config.get().chat.border
  if wanted then
    return wanted
  end
  local ok, winborder = pcall(function()
    return vim.o.winborder
  end)
  return ok and winborder ~= "" and (winborder:find(",") and vim.split(winborder, ",") or winborder) or "rounded"
end

---@param share number of the editor's size if at most 1, else cells
---@param whole integer
---@return integer
local function size(share, whole)
  local cells = share <= 1 and math.floor(whole * share) or math.floor(share)
  return math.max(10, math.min(cells, whole - 2))
end

--- The keys that matter, for the footer: as many as there is room for.
---@param width integer
---@return string
local function footer(width)
  local keymaps = config.get().chat.keymaps
  local parts = {}
  local function add(name, what)
    local keys = keymaps[name]
    local key = type(keys) == "table" and keys[#keys] or keys
    if key then
      parts[#parts + 1] = ("%s %s"):format(key, what)
    end
  end
  add("send", words("view.footer.send"))
  add("stop", words("view.footer.stop"))
  add("hide", words("view.footer.hide"))
  add("help", words("view.footer.help"))
  local function joined()
    return #parts > 0 and (" %s "):format(table.concat(parts, " · ")) or ""
  end
  while vim.fn.strdisplaywidth(joined()) > width do
    table.remove(parts, #parts > 2 and #parts - 1 or 1)
  end
  return joined()
end

---@param chat gpt.Chat
---@return table
local function float_config(chat)
  local options = config.get().chat
  local lines = vim.o.lines - vim.o.cmdheight
  local width, height = size(options.width, vim.o.columns), size(options.height, lines)
  local shape = {
    relative = "editor",
    width = width,
    height = height,
    row = math.max(0, math.floor((lines - height) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
    border = border(),
    -- Below the floats of others, a hover say: Neovim 0.10 draws those of equal height behind the one that one is in.
    zindex = 45,
  }
  if shape.border ~= "none" then
    shape.title, shape.title_pos = chat:title(width), "center"
    shape.footer, shape.footer_pos = footer(width), "center"
  end
  return shape
end

---@param win integer
---@return boolean
local function is_float(win)
  return vim.api.nvim_win_get_config(win).relative ~= ""
end

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
  folds.set_options(win)
  set("winfixbuf", is_float(win))
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
  vim.cmd.split({ mods = mods })
  vim.api.nvim_win_set_buf(0, chat.buf)
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

--- Closes a float when a window is opened from it, which would lie below it: the help, say.
---@param float integer
local function step_aside(float)
  vim.api.nvim_create_autocmd("WinNew", {
    group = vim.api.nvim_create_augroup("gpt.float." .. float, {}),
    callback = function()
      if not vim.api.nvim_win_is_valid(float) then
        return true
      end
      local new = vim.api.nvim_get_current_win()
      if new ~= float and not is_float(new) and vim.fn.win_getid(vim.fn.winnr("#")) == float then
        vim.schedule(function()
          pcall(vim.api.nvim_win_close, float, false)
        end)
        return true
      end
    end,
  })
end

--- Shows the chat and goes there; a window that shows it already is used again.
---@param chat gpt.Chat
---@param layout? string
---@param mods? table
---@return integer win
function M.open(chat, layout, mods)
  local win = M.find(chat)
  local asked = is_asked(layout, mods)
  if win and not asked then
    vim.api.nvim_set_current_win(win)
    return win
  end
  if win then
    pcall(vim.api.nvim_win_close, win, false) -- it is wanted elsewhere
  elseif not asked and is_chat(0) then
    show_in(0, chat)
    return vim.api.nvim_get_current_win()
  elseif is_chat(0) and is_float(0) then
    vim.api.nvim_win_close(0, false) -- it would lie over the split
  end
  local wanted = split_mods(layout, mods)
  if wanted then
    split(chat, wanted)
    win = vim.api.nvim_get_current_win()
  elseif is_current(layout) then
    vim.w.gpt_before = vim.api.nvim_get_current_buf()
    vim.api.nvim_win_set_buf(0, chat.buf)
    win = vim.api.nvim_get_current_win()
  else
    win = vim.api.nvim_open_win(chat.buf, true, float_config(chat))
    step_aside(win)
  end
  set_options(win)
  folds.update(chat)
  M.refresh(chat)
  return win
end

--- The title and the keys of a chat in a split.
---@param win integer
---@param chat gpt.Chat
local function set_winbar(win, chat)
  local width = vim.api.nvim_win_get_width(win)
  local title = chat:title(width)
  local room = width - vim.fn.strdisplaywidth(title)
  local bar = title:gsub("%%", "%%%%") .. "%=" .. footer(room):gsub("%%", "%%%%")
  vim.api.nvim_set_option_value("winbar", bar, { win = win, scope = "local" })
end

--- Brings titles, footers and sizes up to date, in every window that shows the chat.
---@param chat gpt.Chat
function M.refresh(chat)
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if is_float(win) then
      vim.api.nvim_win_set_config(win, float_config(chat))
      vim.api.nvim_set_option_value("winbar", "", { win = win, scope = "local" })
      vim.api.nvim_set_option_value("winhighlight", float_highlights(), { win = win, scope = "local" })
    else
      set_winbar(win, chat)
    end
  end
end

--- Brings the titles alone up to date; sizes stay as the user has made them.
---@param chat gpt.Chat
function M.retitle(chat)
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if not is_float(win) then
      set_winbar(win, chat)
    elseif vim.api.nvim_win_get_config(win).title then
      local title = chat:title(vim.api.nvim_win_get_width(win))
      vim.api.nvim_win_set_config(win, { title = title, title_pos = "center" })
    end
  end
end

--- Closes the current window of a chat; one that showed another buffer before, and the last one of the editor, show
--- that one, or an empty one, instead.
function M.hide()
  if vim.w.gpt_before and vim.api.nvim_buf_is_valid(vim.w.gpt_before) then
    return vim.api.nvim_win_set_buf(0, vim.w.gpt_before)
  end
  if not pcall(vim.api.nvim_win_close, 0, false) then
    vim.cmd.enew()
  end
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
        return { topline = top, skipcol = hidden * (info.width - info.textoff) }
      end
      break
    end
    rows = rows + tall
    top = top - 1
  end
  return { topline = math.min(last, top + 1), skipcol = 0 }
end

return M
