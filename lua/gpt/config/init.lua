--- The configuration: `vim.g.gpt`, and over it what `setup()` was given. Checked once, against one table.
local checks = require("gpt.config.check")
local locale = require("gpt.locale")
local options = require("gpt.config.options")
local project = require("gpt.project")
local words = require("gpt.words")

local M = {}

---@type table? what setup() was given
local given
---@type table? the resolved configuration
local resolved
---@type string[] the mistakes in it
local mistakes = {}
---@type fun(mistakes: string[])? who tells them
local listener

--- Fills in the defaults.
---@param option table
---@param value any
---@return any
local function complete(option, value)
  if option.type then
    if value == nil then
      return vim.deepcopy(option.default)
    end
    return value
  end
  value = value or {}
  if option.each then
    return value
  end
  local full = {}
  for key, inner in pairs(option) do
    full[key] = complete(inner, value[key])
  end
  return full
end

--- Hands the mistakes to whoever tells them, once; until there is somebody, they wait.
local function report()
  if listener and resolved and #mistakes > 0 then
    listener(mistakes)
  end
end

--- Who is to tell of mistakes: those that are known, and those of each further configuration.
---@param tell fun(mistakes: string[])
function M.on_mistakes(tell)
  listener = tell
  report()
end

--- The resolved configuration; mistakes are told once.
---@return table
function M.get()
  if resolved then
    return resolved
  end
  local from_variable = vim.g.gpt
  local wanted = vim.tbl_deep_extend("force", type(from_variable) == "table" and from_variable or {}, given or {})
  local checked
  checked, mistakes = checks.check(wanted)
  resolved = complete(options, checked)
  if from_variable ~= nil and type(from_variable) ~= "table" then
    table.insert(mistakes, 1, checks.misfit("vim.g.gpt", words("view.config.a_table"), checks.shown(from_variable)))
  end
  report()
  return resolved
end

--- The mistakes in the configuration, `vim.g.gpt` and what setup() was given, each with its option's full path.
---@return string[]
function M.mistakes()
  M.get()
  return mistakes
end

--- Takes what setup() was given.
---@param wanted table
function M.set(wanted)
  given, resolved = wanted, nil
  locale.choose(wanted.locale)
end

--- The folder of the user's own prompts.
---@return string
function M.prompts_dir()
  local chosen = M.get().prompts_dir
  local default = vim.fs.joinpath(vim.fn.stdpath("config") --[[@as string]], "gpt", "prompts")
  return vim.fn.fnamemodify(vim.fs.normalize(chosen or default), ":p")
end

--- A copy without empty tables, which msgpack cannot tell from empty lists.
---@param value any
---@return any
local function plain(value)
  if type(value) ~= "table" then
    return value
  end
  local copy
  for key, item in pairs(value) do
    local inner = plain(item)
    if inner ~= nil then
      copy = copy or {}
      copy[key] = inner
    end
  end
  return copy
end

--- The program knows neither Neovim's folder nor its ways to write a path.
---@param wanted table
---@return table
local function network(wanted)
  local file = wanted.ca_file and vim.fn.fnamemodify(vim.fs.normalize(wanted.ca_file), ":p")
  return vim.tbl_extend("force", wanted, { ca_file = file })
end

--- What the program needs to know of it.
---@return table
function M.for_program()
  local config = M.get()
  return plain({
    model = config.model,
    providers = config.providers,
    models = config.models,
    chat = {
      system_prompt = config.chat.system_prompt,
      temperature = config.chat.temperature,
      max_tokens = config.chat.max_tokens,
      max_answer = config.chat.max_answer,
      memory = config.chat.memory,
      language = config.chat.language,
      rules = config.chat.rules,
    },
    history = {
      enabled = config.history.enabled,
      days = config.history.days,
      megabytes = config.history.megabytes,
      titles = config.history.titles,
    },
    network = network(config.network),
    prompts_dir = M.prompts_dir(),
    project = project.root(),
    log_level = config.log_level,
    locale = locale.get(),
    state_dir = vim.fs.joinpath(vim.fn.stdpath("state") --[[@as string]], "gpt"),
    data_dir = vim.fs.joinpath(vim.fn.stdpath("data") --[[@as string]], "gpt"),
    cache_dir = vim.fs.joinpath(vim.fn.stdpath("cache") --[[@as string]], "gpt"),
    log_file = vim.fs.joinpath(vim.fn.stdpath("log") --[[@as string]], "gpt.log"),
  }) or {}
end

return M
