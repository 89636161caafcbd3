--- Says messages in the user's language: the entries of `data/messages.json` that the editor's side says. Loaded when
--- the first one is said, in that one language; the files are made by `scripts/messages`.

local locale = require("gpt.locale")

---@type table<string, fun(): table<string, string>> by language
local TABLES = {
  en = function()
    return require("gpt.messages.en")
  end,
  pt = function()
    return require("gpt.messages.pt")
  end,
  es = function()
    return require("gpt.messages.es")
  end,
}

--- A message in the user's language.
---@param key string its entry in the table
---@param values? table<string, string|number> what stands for its placeholders
---@return string
return function(key, values)
  local message = TABLES[locale.get()]()[key] or key
  if not values then
    return message
  end
  return (
    message:gsub("{([%l_]+)}", function(name)
      return values[name] ~= nil and tostring(values[name]) or nil
    end)
  )
end
