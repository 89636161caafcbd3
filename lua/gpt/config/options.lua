--- Every option of the configuration: its type, and its default.

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
    max_answer = { type = "count", default = 16 * 1024 * 1024 },
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

return options
