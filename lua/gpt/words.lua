--- What a user reads, in their language: the entries of `data/messages.json` that the editor's side says. Loaded when the
--- first one is said, in that one language; the files are made by `scripts/messages`.

---@type table<string, table<string, string>> by language
local tables = {}

--- A message in the user's language.
---@param key string its entry in the table
---@param values? table<string, string|number> what stands for its placeholders
---@return string
return function(key, values)
  local locale = require("gpt.config").locale()
  tables[locale] = tables[locale] or require("gpt.messages." .. locale)
  local message = tables[locale][key] or key
  if not values then
    return message
  end
  return (
    message:gsub("{([%l_]+)}", function(name)
      return values[name] ~= nil and tostring(values[name]) or nil
    end)
  )
end
