--- Checks what other Lua code hands to the public API: a mistake gets a sentence, and no traceback.
local M = {}

local words = require("gpt.words")

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
for _, kind in ipairs({ "string", "boolean", "table" }) do
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
  action = { words = "string", selection = "selection", new = "boolean", layout = "layout", mods = "table" },
}

--- Tells what does not fit.
---@param where string
---@param expected string
---@param value any
---@return false
local function tell(where, expected, value)
  local got = words("view.config.a_value", { type = type(value) })
  require("gpt.view.notice").inform({
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

--- Whether the options of a function are as they should be; tells the first that is not.
---@param call "chat"|"action"
---@param options any
---@return boolean
function M.fit(call, options)
  if options ~= nil and not M.is(call, options, "table") then
    return false
  end
  local names = vim.tbl_keys(OPTIONS[call])
  table.sort(names)
  for _, name in ipairs(names) do
    local value = options and options[name]
    if value ~= nil and not M.is(call, value, OPTIONS[call][name], name) then
      return false
    end
  end
  return true
end

return M
