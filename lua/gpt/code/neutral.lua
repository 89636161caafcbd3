--- Names a buffer that is no file where its name is sent. A terminal's name carries its command line, keys
--- included; that of another may hold an address with its password (scp://, oil://): none of it leaves.
local M = {}

--- Whether a name is an address: `term://…`, `jdt:/…`. A drive's letter is none.
---@param name string
---@return boolean
local function is_address(name)
  return name:find("^%a[%w+.-]+:/") ~= nil
end

--- The neutral name of a buffer: its filetype, or its kind.
---@param buf integer
---@return string? name nil for a file, and for a buffer without a name
function M.of(buf)
  local name, kind = vim.api.nvim_buf_get_name(buf), vim.bo[buf].buftype
  if name == "" or (kind == "" and not is_address(name)) then
    return nil
  end
  local filetype = kind ~= "terminal" and vim.bo[buf].filetype:gsub("[^%w_.-]", "") or ""
  local said = filetype ~= "" and filetype or kind ~= "" and kind or "buffer"
  return ("[%s]"):format(said)
end

return M
