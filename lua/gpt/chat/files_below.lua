--- Shows files that are opened from a chat's float (`gf`, `<C-o>`, `:edit`, `:buffer`, `:tag`) in the window below; the float
--- goes.
local api = vim.api

local M = {}

local is_float = require("gpt.ui.float").is_float

---@param win integer
---@return boolean
local function takes_files(win)
  return api.nvim_win_is_valid(win)
    and not is_float(win)
    and vim.bo[api.nvim_win_get_buf(win)].buftype == ""
    and not vim.wo[win].winfixbuf
    and not vim.wo[win].previewwindow
end

--- The window that a file goes to: the one that the user came from, else one of this tab page that shows a file.
---@return integer?
local function window_below()
  local wins = { vim.fn.win_getid(vim.fn.winnr("#")) }
  vim.list_extend(wins, api.nvim_tabpage_list_wins(0))
  return vim.iter(wins):find(takes_files)
end

--- Shows a buffer in a split of an ordinary window: none can take it.
---@param buf integer
local function split(buf)
  local win = vim.iter(api.nvim_tabpage_list_wins(0)):find(function(one)
    return not is_float(one)
  end)
  api.nvim_set_current_win(win)
  if not pcall(vim.cmd, "sbuffer " .. buf) then
    vim.cmd("tab sbuffer " .. buf)
  end
end

--- Moves the buffer that a float shows now to the window below, with its cursor.
---@param float integer
local function move_below(float)
  if not api.nvim_win_is_valid(float) or not is_float(float) then
    return
  end
  local buf, cursor = api.nvim_win_get_buf(float), api.nvim_win_get_cursor(float)
  if vim.bo[buf].filetype == "gptchat" then
    return
  end
  local is_current, win = api.nvim_get_current_win() == float, window_below()
  local shown = win ~= nil and (api.nvim_win_get_buf(win) == buf or pcall(api.nvim_win_set_buf, win, buf))
  if not shown and not pcall(split, buf) then
    return -- it stays where it is, in sight
  end
  win = shown and win or api.nvim_get_current_win()
  pcall(api.nvim_win_close, float, false)
  if is_current and api.nvim_win_is_valid(win) then
    api.nvim_set_current_win(win)
    vim.cmd("normal! m'")
    pcall(api.nvim_win_set_cursor, win, cursor)
    vim.cmd("silent! normal! zv")
  end
end

--- Closes the float when a window is opened from it, which would lie below it: the help, say.
---@param float integer
---@param group integer
local function step_aside(float, group)
  api.nvim_create_autocmd("WinNew", {
    group = group,
    callback = function()
      if not api.nvim_win_is_valid(float) then
        return true
      end
      local new = api.nvim_get_current_win()
      if new ~= float and not is_float(new) and vim.fn.win_getid(vim.fn.winnr("#")) == float then
        vim.schedule(function()
          pcall(api.nvim_win_close, float, false)
        end)
        return true
      end
    end,
  })
end

--- Lets a float show chats only.
---@param float integer
function M.watch(float)
  local group = api.nvim_create_augroup("gpt.float." .. float, {})
  step_aside(float, group)
  api.nvim_create_autocmd("BufEnter", {
    group = group,
    callback = function(event)
      if not api.nvim_win_is_valid(float) then
        return true
      end
      if api.nvim_get_current_win() == float and vim.bo[event.buf].filetype ~= "gptchat" then
        -- Later: the command that opened it goes on to its line.
        vim.schedule(function()
          move_below(float)
        end)
      end
    end,
  })
end

return M
