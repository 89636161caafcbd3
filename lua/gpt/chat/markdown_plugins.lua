--- Tells plugins that draw markdown that an answer is whole.
---
--- They draw on |TextChanged|, which Neovim has only for the buffer of the current window; and some leave a change out
--- that follows the one before within a tenth of a second. So nothing may be drawn of an answer that comes quickly, or
--- while the cursor is elsewhere, until the cursor moves in the chat.
local api = vim.api

local M = {}

--- Longer than those plugins wait for quiet (100 and 150 ms unless told otherwise), in milliseconds.
local QUIET = 300

--- Runs the autocommands of a change in the window that shows it, since they may look at the current one.
---@param buf integer
local function tell(buf)
  local win = vim.fn.bufwinid(buf)
  if win ~= -1 then
    api.nvim_win_call(win, function()
      api.nvim_exec_autocmds("TextChanged", { buffer = buf, modeline = false })
    end)
  end
end

---@return boolean
local function is_normal()
  return vim.list_contains({ "n", "nt" }, api.nvim_get_mode().mode)
end

--- Tells them once it is quiet and normal mode is on, as |TextChanged| says.
---@param buf integer
function M.inform(buf)
  local group = api.nvim_create_augroup("gpt.drawers." .. buf, {})
  vim.defer_fn(function()
    if is_normal() then
      return tell(buf)
    end
    api.nvim_create_autocmd("ModeChanged", {
      group = group,
      pattern = { "*:n", "*:nt" },
      once = true,
      callback = vim.schedule_wrap(function()
        tell(buf)
      end),
    })
  end, QUIET)
end

return M
