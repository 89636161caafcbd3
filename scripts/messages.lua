--- The editor's side of data/messages.json, as one Lua file for each language. Called with the project's folder: returns
--- the files' texts by their paths; with "write" behind it: writes them. Run by scripts/messages, and by a test.
local root, write = unpack(select("#", ...) > 0 and { ... } or arg)

--- A string as stylua writes it: in the quotes that leave less to escape.
---@param text string
---@return string
local function quoted(text)
  local _, doubles = text:gsub('"', "")
  local _, singles = text:gsub("'", "")
  local quote = doubles > singles and "'" or '"'
  return quote .. text:gsub("\\", "\\\\"):gsub(quote, "\\" .. quote) .. quote
end

---@param messages table<string, table<string, string>>
---@param locale string
---@return string
local function file(messages, locale)
  local lines = { "-- Made of data/messages.json by scripts/messages: change that, and run it.", "return {" }
  for key, sentence in vim.spairs(messages) do
    if vim.startswith(key, "view.") then
      lines[#lines + 1] = ("  [%s] = %s,"):format(quoted(key), quoted(sentence[locale]))
    end
  end
  return table.concat(lines, "\n") .. "\n}\n"
end

---@param path string
---@param mode string
---@return file*
local function open(path, mode)
  return assert(io.open(path, mode))
end

local source = open(root .. "/data/messages.json", "r")
local messages = vim.json.decode(source:read("*a"))
source:close()
local files = {}
for _, locale in ipairs({ "en", "pt", "es" }) do
  files[("%s/lua/gpt/messages/%s.lua"):format(root, locale)] = file(messages, locale)
end
for path, text in pairs(write and files or {}) do
  local target = open(path, "w")
  target:write(text)
  target:close()
end
return files
