--- Splits that show a chat: their size, the windows beside them, and what stands there when the chat goes.
local api = vim.api

local bars = require("gpt.chat.bars")
local config = require("gpt.config")
local is_float = require("gpt.ui.float").is_float

local M = {}

---@class gpt.Split
---@field name "width"|"height"
---@field size integer as it was made
---@field columns integer the editor's size then
---@field lines integer
---@field wins integer[] the windows that were there
---@field restore string the command that makes them as they were

---@type table<integer, gpt.Split> by window
local splits = {}
--- The sizes that the user gave splits by hand, until the session ends.
---@type table<"width"|"height", integer>
local chosen = {}

--- The windows of this tab page that are no floats.
---@return integer[]
local function windows()
  return vim.tbl_filter(function(win)
    return not is_float(win)
  end, api.nvim_tabpage_list_wins(0))
end

---@param win integer
---@param name "width"|"height"
---@return integer
local function size_of(win, name)
  return name == "width" and api.nvim_win_get_width(win) or api.nvim_win_get_height(win)
end

--- How large a split is to be: as the user made the last one, else as the option says, else half of what there is.
---@param mods table
---@param name "width"|"height"
---@return integer
local function wanted(mods, name)
  local whole = name == "width" and vim.o.columns or vim.o.lines - vim.o.cmdheight
  local least = math.max(1, name == "width" and vim.o.winminwidth or vim.o.winminheight)
  local is_whole = mods.split == "botright" or mods.split == "topleft" or is_float(0)
  local available = is_whole and whole or size_of(0, name)
  local share = config.get().chat[name]
  local size = chosen[name] or share and bars.size(share, whole, whole) or math.floor(available / 2)
  return math.max(1, math.min(size, available - 1 - least))
end

--- Notes what the user makes of the windows: a split's size, when it goes; and where they change the others among
--- themselves, these stay so.
---@param win integer
---@param split gpt.Split
local function watch(win, split)
  local group = api.nvim_create_augroup("gpt.split." .. win, {})
  splits[win] = split
  api.nvim_create_autocmd("WinResized", {
    group = group,
    callback = function()
      if not vim.list_contains(vim.v.event.windows or {}, win) then
        split.restore = nil
      end
    end,
  })
  api.nvim_create_autocmd("WinClosed", {
    group = group,
    pattern = tostring(win),
    callback = function()
      splits[win] = nil
      api.nvim_del_augroup_by_id(group)
      local same = split.columns == vim.o.columns and split.lines == vim.o.lines
      if same and vim.bo[api.nvim_win_get_buf(win)].filetype == "gptchat" then
        local size = size_of(win, split.name)
        chosen[split.name] = size ~= split.size and size or chosen[split.name]
      end
      vim.schedule(function()
        if same and split.restore and vim.deep_equal(windows(), split.wins) then
          vim.cmd(split.restore)
        end
      end)
    end,
  })
end

--- Opens a split or tab page as a command's modifiers say.
---@param mods table
---@param fill fun() shows in it what is wanted
function M.split(mods, fill)
  local is_tab = mods.tab ~= nil and mods.tab > -1
  local name = mods.vertical and "width" or "height"
  local before, restore, from = windows(), vim.fn.winrestcmd(), api.nvim_get_current_win()
  -- With a size of its own it leaves the others' as they are ('equalalways').
  vim.cmd.split({ mods = mods, range = not is_tab and { wanted(mods, name) } or nil })
  local win = api.nvim_get_current_win()
  api.nvim_set_option_value("winfixbuf", false, { win = win, scope = "local" })
  local ok, reason = pcall(fill)
  if not ok and win ~= from then
    pcall(api.nvim_win_close, win, true)
  end
  if not ok then
    error(reason, 0)
  end
  if not is_tab then
    local columns, lines = vim.o.columns, vim.o.lines
    local size = size_of(win, name)
    watch(win, { name = name, size = size, columns = columns, lines = lines, wins = before, restore = restore })
  end
end

--- Closes a window without making the others equal.
---@param win integer
function M.close(win)
  local split, direction = splits[win == 0 and api.nvim_get_current_win() or win], vim.o.eadirection
  if split then
    vim.o.eadirection = split.name == "width" and "ver" or "hor"
  end
  local ok, reason = pcall(api.nvim_win_close, win, false)
  vim.o.eadirection = direction
  if not ok then
    error(reason, 0)
  end
end

---@param buf integer
---@return boolean
local function is_there(buf)
  return api.nvim_buf_is_valid(buf)
    and (api.nvim_buf_is_loaded(buf) or vim.bo[buf].buflisted)
    and vim.bo[buf].filetype ~= "gptchat"
end

--- The buffer that the user comes from, which is no chat.
---@return integer?
function M.file()
  local buf = api.nvim_get_current_buf()
  return is_there(buf) and buf or nil
end

--- The listed file that was used last.
---@return integer
function M.last_file()
  local listed = vim.tbl_filter(function(info)
    return is_there(info.bufnr) and info.name ~= ""
  end, vim.fn.getbufinfo({ buflisted = 1 }))
  table.sort(listed, function(one, other)
    return one.lastused > other.lastused
  end)
  return listed[1] and listed[1].bufnr or -1
end

--- Shows a buffer in the current window, if it is still there.
---@param buf integer
---@return boolean shown
function M.show(buf)
  if buf <= 0 or not is_there(buf) then
    return false
  end
  api.nvim_set_option_value("winfixbuf", false, { win = 0, scope = "local" })
  return (pcall(api.nvim_win_set_buf, 0, buf))
end

return M
