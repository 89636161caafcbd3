--- Waits until windows and text may be changed again: in a map's expression, say, or while a completion is asked for, they
--- may not (|textlock|, E565).
local M = {}

local refusal = require("gpt.refusal")

--- How soon it is tried again, in milliseconds.
local WAIT = 20

---@return boolean
local function is_locked()
  -- To where we are: nothing happens, but the same rules hold.
  local ok, reason = pcall(vim.api.nvim_set_current_win, vim.api.nvim_get_current_win())
  return not ok and refusal.of(reason).kind == "busy"
end

--- Where the text is locked, runs this a moment later.
---@param run fun()
---@return boolean later
function M.postpones(run)
  local later = is_locked()
  if later then
    vim.defer_fn(run, WAIT)
  end
  return later
end

return M
