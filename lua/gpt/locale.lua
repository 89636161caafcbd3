--- The language of messages: the option's, else that of the environment, which is the program's too.
local M = {}

--- The languages that messages are written in.
M.ALL = { "en", "pt", "es" }

---@type any the option `locale` that setup() was given
local given
---@type "en"|"pt"|"es"? found once
local found

--- The language that a locale names: `pt_BR.UTF-8`, `es-MX`, `en`.
---@param name any
---@return string? language nil if messages are not written in it
function M.language(name)
  local language = type(name) == "string" and name:lower():match("^%a+") or nil
  local ends = language and name:sub(#language + 1)
  if ends and (ends == "" or ends:find("^[_.@-]")) and vim.list_contains(M.ALL, language) then
    return language
  end
end

--- Takes the option that setup() was given.
---@param option any
function M.choose(option)
  given, found = option, nil
end

--- English where neither the option nor the environment names one that messages are written in. Read before the options
--- are checked, whose mistakes are told in it.
---@return "en"|"pt"|"es"
function M.get()
  if not found then
    local wanted = given
    if wanted == nil then
      wanted = type(vim.g.gpt) == "table" and vim.g.gpt.locale or nil
    end
    if wanted == nil then
      local set = { vim.env.LC_ALL or "", vim.env.LC_MESSAGES or "", vim.env.LANG or "" }
      wanted = vim.iter(set):find(function(value)
        return value ~= ""
      end)
    end
    found = M.language(wanted) or "en"
  end
  return found --[[@as "en"|"pt"|"es"]]
end

return M
