--- Finds the root of the project that the editor works in.
local M = {}

--- The nearest folder with a .git, else the current one, that of the editor where a window's own (`:lcd`) lies in it.
---@return string root absolute
function M.root()
  local here, whole = vim.fn.getcwd(), vim.fn.getcwd(-1, -1)
  local root = vim.fs.root(here, ".git")
  return root or (vim.startswith(here, whole:gsub("/$", "") .. "/") and whole) or here
end

return M
