--- Reads the front matter of a prompt's file, as the cases in `data/front_matter.json` show: `key: value` lines between two
--- lines `---`. What is wrong with a file the program says (src/actions/file.rs), which decides what is a prompt.
local M = {}

--- What the front matter of a text says; nothing where it has none, or no whole one.
---@param text string
---@return table<string, string>
function M.read(text)
  local fields = {}
  local lines = vim.split(text:gsub("^\239\187\191", ""), "\r?\n")
  if not (lines[1] or ""):find("^---%s*$") then
    return fields
  end
  for index = 2, #lines do
    if lines[index]:find("^---%s*$") then
      return fields
    end
    local key, value = lines[index]:match("^([^%s:#][^%s:]*):(.*)$")
    if key then
      value = vim.trim(value)
      fields[key] = value:find("^(['\"])(.*)%1$") and value:sub(2, -2) or value
    end
  end
  return {}
end

return M
