--- Titles, key hints and sizes of a chat's windows: in a float's border or a split's 'winbar', cut to their room.
local api = vim.api

local cells = require("gpt.cells")
local config = require("gpt.config")
local is_float = require("gpt.ui.float").is_float
local titles = require("gpt.chat.title")
local words = require("gpt.words")

local M = {}

--- A float's groups, and ours that stand for them.
local FLOAT_GROUPS = {
  { "NormalFloat", "GPTNormal" },
  { "FloatBorder", "GPTFloatBorder" },
  { "FloatTitle", "GPTFloatTitle" },
  { "FloatFooter", "GPTFloatFooter" },
}

--- The part of the editor that a float takes, unless the user says so.
local SHARE = 0.8
--- The least that a chat takes of a screen that has so much.
local LEAST = 10

--- The value of 'winhighlight': only those of our groups that somebody has changed. With any at all Neovim resolves every
--- group again at each redraw, which is a tenth of what a stream costs it.
---@return string
local function float_highlights()
  local changed = {}
  for _, pair in ipairs(FLOAT_GROUPS) do
    if api.nvim_get_hl(0, { name = pair[2] }).link ~= pair[1] then
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

--- A size that the user gave.
---@param share number of the editor's size if at most 1, else cells
---@param whole integer
---@param most integer
---@return integer at least 1
function M.size(share, whole, most)
  local wanted = share <= 1 and math.floor(whole * share) or math.floor(math.min(share, whole))
  return math.max(1, math.min(math.max(wanted, LEAST), most))
end

--- The keys that matter, for the footer: as many as there is room for.
---@param room integer cells; may be negative
---@return string
local function footer(room)
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
  while #parts > 0 do
    local joined = (" %s "):format(table.concat(parts, " · "))
    if cells.width(joined) <= room then
      return joined
    end
    table.remove(parts, #parts > 2 and #parts - 1 or 1)
  end
  return ""
end

--- How a float lies on the screen. Where there is no room for a border and a line in it, it has none.
---@param chat gpt.Chat
---@return table
function M.float_config(chat)
  local options = config.get().chat
  local columns, lines = vim.o.columns, vim.o.lines - vim.o.cmdheight
  local shape = { relative = "editor", border = border() }
  if columns < 5 or lines < 4 then
    shape.border = "none"
  end
  local edge = shape.border ~= "none" and 2 or 0
  shape.width = M.size(options.width or SHARE, columns, columns - edge)
  shape.height = M.size(options.height or SHARE, lines, lines - edge)
  shape.row = math.max(0, math.floor((lines - shape.height) / 2) - 1)
  shape.col = math.max(0, math.floor((columns - shape.width) / 2) - 1)
  -- Below the floats of others, a hover say: Neovim 0.10 draws those of equal height behind the one that one is in.
  shape.zindex = 45
  if edge > 0 then
    shape.title, shape.title_pos = titles.of(chat, shape.width), "center"
    shape.footer, shape.footer_pos = footer(shape.width), "center"
  end
  return shape
end

--- Sets 'winbar', where there is room for one: a window of one line has none, which Neovim says aloud (E36).
---@param win integer
---@param bar string
function M.set_winbar(win, bar)
  if api.nvim_win_get_height(win) > 1 then
    pcall(api.nvim_set_option_value, "winbar", bar, { win = win, scope = "local" })
  end
end

--- The title and the keys of a chat in a split.
---@param win integer
---@param chat gpt.Chat
local function set_winbar(win, chat)
  local width = api.nvim_win_get_width(win)
  local title = titles.of(chat, width)
  local keys = footer(width - cells.width(title))
  local bar = title:gsub("%%", "%%%%") .. "%=" .. keys:gsub("%%", "%%%%")
  M.set_winbar(win, bar)
end

--- Brings titles, footers and sizes up to date, in every window that shows the chat.
---@param chat gpt.Chat
function M.refresh(chat)
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if is_float(win) then
      api.nvim_win_set_config(win, M.float_config(chat))
      api.nvim_set_option_value("winbar", "", { win = win, scope = "local" })
      api.nvim_set_option_value("winhighlight", float_highlights(), { win = win, scope = "local" })
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
    elseif api.nvim_win_get_config(win).title then
      local title = titles.of(chat, api.nvim_win_get_width(win))
      api.nvim_win_set_config(win, { title = title, title_pos = "center" })
    end
  end
end

return M
