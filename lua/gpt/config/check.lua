--- Checks what the user has configured against the table of options, and says what does not fit.
local is_border = require("gpt.border")
local locale = require("gpt.locale")
local options = require("gpt.config.options")
local words = require("gpt.words")

local M = {}

---@param value any
---@return boolean
local function is_finite(value)
  return type(value) == "number" and value == value and math.abs(value) ~= math.huge
end

---@param value any
---@return boolean
local function is_list_of_strings(value)
  return type(value) == "table"
    and #value > 0
    and vim.iter(value):all(function(item)
      return type(item) == "string"
    end)
end

--- The most bytes of a map's keys (MAXMAPLEN in Neovim's `mapping_defs.h`).
local MOST_KEYS = 50

--- Whether a map can be made of these keys.
---@param value any
---@return boolean
local function is_keys(value)
  return type(value) == "string"
    and value ~= ""
    and not value:find("%z")
    and #vim.api.nvim_replace_termcodes(value, true, true, true) <= MOST_KEYS
end

---@param value any
---@return boolean
local function is_variable_name(value)
  return type(value) == "string" and value:find("^[%a_][%w_]*$") ~= nil
end

--- The largest whole number that has no neighbour it could be taken for.
local MOST_COUNT = 2 ^ 53

--- Kinds of values that are more than a type.
---@type table<string, fun(value: any): boolean>
local KINDS = {
  count = function(value)
    return is_finite(value) and value >= 0 and value <= MOST_COUNT and value % 1 == 0
  end,
  locale = function(value)
    return locale.language(value) ~= nil
  end,
  key = function(value)
    return type(value) == "table"
      and (is_variable_name(value.env) or (value.env == nil and is_list_of_strings(value.cmd)))
  end,
  headers = function(value)
    return type(value) == "table"
      and vim.iter(value):all(function(name, source)
        return type(name) == "string"
          and (
            type(source) == "string"
            or (
              type(source) == "table"
              and (is_variable_name(source.env) or (source.env == nil and is_list_of_strings(source.cmd)))
            )
          )
      end)
  end,
  number = is_finite,
  map = function(value)
    return type(value) == "table" and (next(value) == nil or not vim.islist(value))
  end,
  border = is_border,
  keys = is_keys,
  ["list of keys"] = function(value)
    return is_list_of_strings(value) and vim.iter(value):all(is_keys)
  end,
}

---@param allowed string[]
---@return string
local function one_of(allowed)
  return words("view.config.one_of", { words = ('"%s"'):format(table.concat(allowed, '", "')) })
end

--- What a kind is called in messages.
---@param kind string
---@return string
local function name_of(kind)
  local names = {
    count = words("view.config.whole_number"),
    map = words("view.config.map"),
    key = '{ env = "NAME" }, { cmd = { … } }',
    headers = '{ ["x-name"] = "…", { env = "NAME" }, { cmd = { … } } }',
    locale = one_of(locale.ALL),
    border = words("view.config.border"),
    keys = "string",
    ["list of keys"] = words("view.config.list_of_strings"),
  }
  return names[kind] or kind
end

---@param value any
---@param kind string
---@return boolean
local function fits(value, kind)
  if KINDS[kind] then
    return KINDS[kind](value)
  end
  return type(value) == kind or (kind == "false" and value == false)
end

---@param value any
---@param kind string|string[]
---@return string? expected what should stand there, if the value does not fit
local function mismatch(value, kind)
  if type(kind) == "table" then
    return not vim.list_contains(kind, value) and one_of(kind) or nil
  end
  local kinds = vim.split(kind, "|", { plain = true })
  for _, allowed in ipairs(kinds) do
    if fits(value, allowed) then
      return nil
    end
  end
  return vim.iter(kinds):map(name_of):fold(nil, function(first, second)
    return first and words("view.or", { first = first, second = second }) or second
  end)
end

--- A wrong value as it may be shown: anywhere may stand what was meant for elsewhere, such as a key.
---@param value any
---@param kind? string|string[]
---@return string
function M.shown(value, kind)
  if value ~= value then
    return "NaN"
  elseif value == "" then
    return '""'
  elseif type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  elseif
    (type(kind) == "table" or kind == "locale" or kind == "border")
    and type(value) == "string"
    and #value <= 20
    and value:find("^%a+$")
  then
    return ('"%s"'):format(value)
  end
  return words("view.config.a_value", { type = type(value) })
end

---@param path string
---@param expected string
---@param value string
---@return string
function M.misfit(path, expected, value)
  return words("view.config.mismatch", { path = path, expected = expected, value = value })
end

---@param path string
---@param value any
---@param option table
---@param problems string[]
---@return any checked the value without what does not fit
local function check(path, value, option, problems)
  if option.type then
    local expected = mismatch(value, option.type)
    if expected then
      problems[#problems + 1] = M.misfit(path, expected, M.shown(value, option.type))
      return option.instead
    end
    return value
  end
  if type(value) ~= "table" then
    problems[#problems + 1] = M.misfit(path, words("view.config.a_table"), M.shown(value))
    return nil
  end
  local checked = {}
  for key, item in pairs(value) do
    local inner = path == "" and tostring(key) or ("%s.%s"):format(path, key)
    local known = option.each or option[key]
    if option.each == options.providers.each and (type(key) ~= "string" or key:find("/", 1, true)) then
      problems[#problems + 1] = words("view.config.provider_name", { path = path })
    elseif known then
      checked[key] = check(inner, item, known, problems)
    else
      problems[#problems + 1] = words("view.config.unknown", { path = inner })
    end
  end
  return checked
end

--- Checks options without using them.
---@param wanted table
---@return table checked, string[] problems each with the option's full path
function M.check(wanted)
  local problems = {}
  local checked = check("", wanted, options, problems) or {}
  table.sort(problems)
  return checked, problems
end

return M
