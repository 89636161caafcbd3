--- The configuration: `vim.g.gpt`, and over it what `setup()` was given. Checked here, once, against one table.
local M = {}

local is_border = require("gpt.border")
local locale = require("gpt.locale")
local project = require("gpt.project")
local words = require("gpt.words")

---@class gpt.Option
---@field type string|string[] the type, or the allowed words
---@field default? any
---@field instead? any what is taken where the value is none; the default

local string_option = { type = "string" }
local number_option = { type = "number" }
local count_option = { type = "count" }

--- The keys of something that can be done in a chat; `false`: none.
---@param default string[]
local function keys_option(default)
  return { type = "keys|list of keys|false", default = default }
end

local provider = {
  like = string_option,
  base_url = string_option,
  organization = string_option,
  project = string_option,
  key = { type = "key|false" },
  wire = { type = { "responses", "chat", "anthropic", "gemini", "ollama" } },
  resource = string_option,
  api_version = string_option,
  context = count_option,
  params = { type = "map" },
  headers = { type = "headers" },
  key_header = string_option,
  insecure = { type = "boolean" },
}

--- What the user knows of a model; prices in US dollars per million tokens.
local model_facts = {
  window = count_option,
  max_input = count_option,
  max_output = count_option,
  input = number_option,
  cached = number_option,
  output = number_option,
  long_input = number_option,
  long_output = number_option,
  reasoning = { type = "boolean" },
  vision = { type = "boolean" },
  tools = { type = "boolean" },
  ends = string_option,
  replacement = string_option,
}

--- Every option. A table without a type of its own holds further options; `each` describes the values of a map.
local options = {
  model = string_option,
  providers = { each = provider },
  models = { each = model_facts },
  chat = {
    layout = { type = { "float", "vertical", "horizontal", "tab", "current" }, default = "float" },
    width = number_option, -- none: of a float 0.8, of a split half
    height = number_option,
    border = { type = "border", instead = "rounded" },
    start_insert = { type = "boolean", default = true },
    system_prompt = string_option,
    temperature = number_option,
    max_tokens = count_option,
    memory = count_option,
    language = string_option,
    reasoning = { type = "boolean", default = true },
    rules = { type = "boolean", default = true },
    keymaps = {
      send = keys_option({ "<CR>", "<C-s>" }),
      send_insert = keys_option({ "<C-s>" }),
      stop = keys_option({ "<C-c>" }),
      hide = keys_option({ "q" }),
      regenerate = keys_option({ "gr" }),
      model = keys_option({ "gm" }),
      history = keys_option({ "gh" }),
      new_chat = keys_option({ "gn" }),
      yank = keys_option({ "gy" }),
      apply = keys_option({ "ga" }),
      diff = keys_option({ "gd" }),
      request = keys_option({ "gs" }),
      open_link = keys_option({ "gx" }),
      next_message = keys_option({ "]]" }),
      previous_message = keys_option({ "[[" }),
      next_branch = keys_option({ "]b" }),
      previous_branch = keys_option({ "[b" }),
      help = keys_option({ "g?" }),
    },
  },
  history = {
    enabled = { type = "boolean", default = true },
    days = count_option,
    megabytes = count_option,
    resume = { type = "boolean", default = false },
    titles = { type = { "words", "model" }, default = "words" },
  },
  keymaps = { prefix = { type = "keys" } },
  lsp = {
    autotrigger = { type = "boolean" },
    code_actions = { type = "boolean", default = true },
  },
  prompts_dir = string_option,
  binary = string_option,
  install = { url = string_option },
  log_level = { type = { "error", "warn", "info", "debug", "trace" }, default = "warn" },
  locale = { type = "locale" },
  network = {
    proxy = { type = "string|false" },
    ca_file = string_option,
    connect_timeout = { type = "number", default = 10 },
    idle_timeout = { type = "number", default = 120 },
  },
}

---@type table? what setup() was given
local given
---@type table? the resolved configuration
local resolved
---@type string[] the mistakes in it
local mistakes = {}
---@type fun(mistakes: string[])? who tells them
local listener

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
local function shown(value, kind)
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
local function misfit(path, expected, value)
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
      problems[#problems + 1] = misfit(path, expected, shown(value, option.type))
      return option.instead
    end
    return value
  end
  if type(value) ~= "table" then
    problems[#problems + 1] = misfit(path, words("view.config.a_table"), shown(value))
    return nil
  end
  local checked = {}
  for key, item in pairs(value) do
    local inner = path == "" and tostring(key) or ("%s.%s"):format(path, key)
    local known = option.each or option[key]
    if option.each == provider and (type(key) ~= "string" or key:find("/", 1, true)) then
      problems[#problems + 1] = words("view.config.provider_name", { path = path })
    elseif known then
      checked[key] = check(inner, item, known, problems)
    else
      problems[#problems + 1] = words("view.config.unknown", { path = inner })
    end
  end
  return checked
end

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

--- Checks options without using them.
---@param wanted table
---@return table checked, string[] problems each with the option's full path
function M.check(wanted)
  local problems = {}
  local checked = check("", wanted, options, problems) or {}
  table.sort(problems)
  return checked, problems
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
  checked, mistakes = M.check(wanted)
  resolved = complete(options, checked)
  if from_variable ~= nil and type(from_variable) ~= "table" then
    table.insert(mistakes, 1, misfit("vim.g.gpt", words("view.config.a_table"), shown(from_variable)))
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
