--- Lists the actions: the built-in ones, and the prompts of the user's library. The program has their texts; this side
--- knows their names.
local M = {}

---@class gpt.Action
---@field name string
---@field description string
---@field keymap? string
---@field context? string what has the context words that go along with it

local project = require("gpt.project")
local client = require("gpt.client")
local locale = require("gpt.locale")
local slash = require("gpt.slash")
local tables = require("gpt.tables")

--- The names of the built-in ones (data/actions.json), each a file in `src/actions/`.
---@type gpt.ActionName[]
M.BUILT_IN = vim.tbl_map(function(action)
  return action.name
end, tables.actions)
--- How long completion waits for the program's list, in milliseconds.
local LIST_LIMIT = 300
--- How long the first question that begins with a name waits for it: without it, what goes along would be unknown.
local FIRST_LIMIT = 2000
--- How old the list may be that nobody waits for, in milliseconds.
local LIST_AGE = 2000

---@type gpt.Action[] the library's, as the program last told
local prompts = {}
---@type string[] the names of those whose files are broken
local broken = {}
---@type string[] the names of the project's that nobody was asked about: they do nothing, and are only known by command
local unasked = {}
--- How often it has told, and when it was last asked.
local told, asked_at = 0, 0

--- Asks the program which prompts there are by now.
---@return boolean asked
local function ask_for_prompts()
  asked_at = vim.uv.now()
  return client.notify({ event = "prompts_wanted", project = project.root() })
end

--- The actions that are known now, without waiting for anybody: the built-in ones, then the library's. What has changed
--- there a later call tells.
---@return gpt.Action[]
function M.list()
  if client.is_running() and vim.uv.now() - asked_at > LIST_AGE then
    ask_for_prompts()
  end
  local list, seen = {}, {}
  for _, action in ipairs(prompts) do
    seen[action.name] = action
  end
  for _, action in ipairs(tables.actions) do
    list[#list + 1] = seen[action.name] or { name = action.name, description = action.what[locale.get()] }
    seen[action.name] = nil
  end
  for _, action in ipairs(prompts) do
    list[#list + 1] = seen[action.name]
  end
  return list
end

--- The same, with the library as it is now, if the program tells in time.
---@param limit? integer milliseconds
---@return gpt.Action[]
function M.fresh(limit)
  local before = told
  if ask_for_prompts() then
    pcall(vim.wait, limit or LIST_LIMIT, function()
      return told > before
    end, 5)
  end
  return M.list()
end

--- The texts with the context words of the library's prompt that a question names: `/review`, say.
---@param question string
---@return string
function M.context_of(question)
  local name = slash.named(question)
  if not name then
    return ""
  end
  for _, action in ipairs(told == 0 and M.fresh(FIRST_LIMIT) or M.list()) do
    if action.name == name then
      return action.context or ""
    end
  end
  return ""
end

--- Whether a name is that of an action, or of a prompt that cannot be used as it is: its file is broken, or it is the
--- project's and nobody was asked about it. The program says what is wrong.
---@param name string
---@return boolean
function M.knows(name)
  local function is_among(list)
    return vim.iter(list):any(function(action)
      return action.name == name
    end)
  end
  return is_among(M.list())
    or is_among(M.fresh())
    or vim.list_contains(broken, name)
    or vim.list_contains(unasked, name)
end

--- The program tells which prompts there are.
---@param data { prompts?: gpt.Action[], broken?: string[], unasked?: string[] }
function M.update(data)
  prompts, broken, unasked, told = data.prompts or {}, data.broken or {}, data.unasked or {}, told + 1
end

return M
