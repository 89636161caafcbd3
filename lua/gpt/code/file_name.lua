--- Names a file in questions, notices and lists: one name, whatever folder a window, a tab page or 'autochdir'
--- makes the current one. Relative to the project; a file outside of every project by its last part.
local M = {}

local project = require("gpt.project")

--- The path behind a folder.
---@param path string
---@param folder string
---@return string?
local function within(path, folder)
  folder = folder:gsub("/$", "") .. "/"
  return vim.startswith(path, folder) and #path > #folder and path:sub(#folder + 1) or nil
end

--- A path without links, as far as it is there.
---@param path string
---@return string
local function real(path)
  local folder = vim.fs.dirname(path)
  local found = vim.uv.fs_realpath(folder)
  return found and vim.fs.joinpath(vim.fs.normalize(found, { expand_env = false }), vim.fs.basename(path)) or path
end

--- The name of a path.
---@param path string absolute
---@return string
function M.of_path(path)
  path = vim.fs.normalize(path, { expand_env = false })
  local root = vim.fs.normalize(project.root(), { expand_env = false })
  -- By its own project where the current folder is none or another one: so it has the same name from everywhere.
  local own = vim.fs.root(vim.fs.dirname(path), ".git")
  local is_project = not own or vim.uv.fs_stat(vim.fs.joinpath(root, ".git")) ~= nil
  return is_project and (within(path, root) or within(real(path), real(root)))
    or own and within(path, vim.fs.normalize(own, { expand_env = false }))
    or within(path, vim.fs.normalize(vim.fn.getcwd(-1, -1), { expand_env = false }))
    or vim.fs.basename(path)
end

--- The name of a buffer's file; "" where it has none.
---@param buf integer
---@return string
function M.of(buf)
  local name = vim.api.nvim_buf_get_name(buf)
  return name == "" and "" or M.of_path(name)
end

return M
