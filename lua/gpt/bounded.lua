--- Reads the beginning of a file: what kind of file it is is looked at first, and no more than a limit is read. A FIFO or a
--- device is never waited for.
local M = {}

local uv = vim.uv

--- The first bytes of an ordinary file.
---@param path string
---@param most integer
---@return string? text nil where it is none, or cannot be read
function M.beginning(path, most)
  local flags = uv.constants.O_RDONLY + (uv.constants.O_NONBLOCK or 0) + (uv.constants.O_NOCTTY or 0)
  local file = uv.fs_open(path, flags, 0)
  if not file then
    return nil
  end
  local facts = uv.fs_fstat(file)
  local text = facts and facts.type == "file" and uv.fs_read(file, most, 0) or nil
  uv.fs_close(file)
  return text --[[@as string?]]
end

return M
