--- Tells floating windows from others.
local M = {}

--- Whether a window is a float.
---@param win integer
---@return boolean
function M.is_float(win)
  return vim.api.nvim_win_get_config(win).relative ~= ""
end

return M
