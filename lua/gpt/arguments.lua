--- Checks what other Lua code hands to the public API: a mistake gets a sentence, and no traceback.
local M = {}

local cells = require("gpt.cells")
local nearest = require("gpt.near")
local words = require("gpt.words")

--- How much of an unknown field is shown, in cells.
local LONGEST_FIELD = 30
local LAYOUTS = { "float", "vertical", "horizontal", "tab", "current" }

---@param value any
---@return boolean
local function is_list_of_lines(value)
  if type(value) ~= "table" or not vim.islist(value) then
    return false
  end
  return vim.iter(value):all(function(line)
    return type(line) == "string" and not line:find("\n", 1, true)
  end)
end

--- Kinds of values: whether one fits, and what they are called.
---@type table<string, { fits: fun(value: any): boolean, name: fun(): string }>
local KINDS = {
  selection = {
    fits = function(value)
      return type(value) == "boolean"
        or type(value) == "table"
          and type(value.path) == "string"
          and type(value.filetype) == "string"
          and type(value.first) == "number"
          and type(value.last) == "number"
          and is_list_of_lines(value.lines)
    end,
    name = function()
      return words("view.or", { first = "boolean", second = "gpt.Selection" })
    end,
  },
  layout = {
    fits = function(value)
      return vim.list_contains(LAYOUTS, value)
    end,
    name = function()
      return words("view.config.one_of", { words = ('"%s"'):format(table.concat(LAYOUTS, '", "')) })
    end,
  },
}
local ROLES = { "user", "assistant", "system" }
KINDS.messages = {
  fits = function(value)
    if type(value) ~= "table" or not vim.islist(value) or #value == 0 then
      return false
    end
    return vim.iter(value):all(function(message)
      return type(message) == "table" and vim.list_contains(ROLES, message.role) and type(message.content) == "string"
    end)
  end,
  name = function()
    return words("view.ask.messages")
  end,
}
KINDS.count = {
  fits = function(value)
    return type(value) == "number" and value >= 1 and value % 1 == 0 and value <= 2 ^ 53
  end,
  name = function()
    return words("view.config.whole_number")
  end,
}
for _, kind in ipairs({ "string", "boolean", "table", "function", "number" }) do
  KINDS[kind] = {
    fits = function(value)
      return type(value) == kind
    end,
    name = function()
      return kind
    end,
  }
end

--- What the options of each function may be.
local OPTIONS = {
  chat = {
    prompt = "string",
    selection = "selection",
    new = "boolean",
    private = "boolean",
    layout = "layout",
    mods = "table",
  },
  ask = { model = "string", temperature = "number", max_tokens = "count", system = "string" },
  action = { words = "string", selection = "selection", new = "boolean", layout = "layout", mods = "table" },
}

--- Tells what does not fit.
---@param where string
---@param expected string
---@param value any
---@return false
local function tell(where, expected, value)
  local got = words("view.config.a_value", { type = type(value) })
  require("gpt.ui.notice").inform({
    level = "warning",
    title = words("view.config.mismatch", { path = where, expected = expected, value = got }) .. ".",
    advice = words("view.see_help", { tag = "gpt-lua" }),
  })
  return false
end

--- Whether a value is of a kind; tells where it is not.
---@param call string the function's name
---@param value any
---@param kind string
---@param field? string
---@return boolean
function M.is(call, value, kind, field)
  local known = KINDS[kind]
  local where = ("gpt.%s%s"):format(call, field and ": " .. field or "()")
  return known.fits(value) or tell(where, known.name(), value)
end

--- Tells of a field that a function does not know, and of the one that may be meant.
---@param call string
---@param field any
---@param names string[] that it knows
---@return false
local function tell_unknown(call, field, names)
  local meant = nearest(field, names)
  local shown = cells.cut(tostring(field), LONGEST_FIELD)
  require("gpt.ui.notice").inform({
    level = "warning",
    title = words("view.config.unknown", { path = ("gpt.%s: %s"):format(call, shown) }) .. ".",
    advice = meant and words("view.did_you_mean", { name = meant }) or words("view.see_help", { tag = "gpt-lua" }),
  })
  return false
end

--- Whether the options of a function are as they should be; tells the first that is not.
---@param call "chat"|"action"|"ask"
---@param options any
---@return boolean
function M.fit(call, options)
  if options ~= nil and not M.is(call, options, "table") then
    return false
  end
  local names = vim.tbl_keys(OPTIONS[call])
  table.sort(names)
  for field in pairs(options or {}) do
    if not OPTIONS[call][field] then
      return tell_unknown(call, field, names)
    end
  end
  for _, name in ipairs(names) do
    local value = options and options[name]
    if value ~= nil and not M.is(call, value, OPTIONS[call][name], name) then
      return false
    end
  end
  return true
end

return M
