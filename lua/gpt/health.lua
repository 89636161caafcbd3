--- `:checkhealth gpt`.
local M = {}

local health = vim.health

local function check_editor()
  health.start("gpt.nvim: editor")
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.10") == 1 then
    health.ok("Neovim " .. version)
  else
    health.error(("Neovim %s is too old."):format(version), "Use Neovim 0.10 or newer.")
  end
  if pcall(vim.treesitter.language.add, "markdown") then
    health.ok("The markdown parser is there: chats are highlighted.")
  else
    health.warn("No tree-sitter parser for markdown: chats are not highlighted.", "Install the parser `markdown`.")
  end
end

local function check_program()
  health.start("gpt.nvim: program")
  local remote = require("gpt.remote")
  local binary = remote.binary()
  if not binary then
    local title, advice = remote.missing()
    return health.error(title, advice)
  end
  local answer = vim.system({ binary, "--version" }, { text = true, timeout = 5000 }):wait()
  if answer.code ~= 0 then
    return health.error(("%s does not run (exit code %d)."):format(binary, answer.code), "Build it again: make build")
  end
  health.ok(("%s: %s"):format(binary, vim.trim(answer.stdout)))
  health.info(remote.is_running() and "It is running." or "It is not running; the first :GPTChat starts it.")
end

--- The variables that matter: whether they are set, and never what a key is.
local function check_environment()
  health.start("gpt.nvim: keys and network")
  local set = function(name)
    return (vim.env[name] or ""):match("%S") ~= nil
  end
  if set("OPENAI_API_KEY") then
    health.ok("OpenAI: the key comes from the variable OPENAI_API_KEY.")
  else
    health.info("OpenAI: no key. Set OPENAI_API_KEY before Neovim starts.")
  end
  for name, provider in pairs(require("gpt.config").get().providers) do
    local variable = type(provider.key) == "table" and provider.key.env
    if variable and set(variable) then
      health.ok(("%s: the key comes from the variable %s."):format(name, variable))
    elseif variable then
      health.warn(("%s: the variable %s is not set."):format(name, variable), "Set it before Neovim starts.")
    elseif name ~= "openai" then
      health.info(("%s: no key."):format(name))
    end
  end
  for _, name in ipairs({ "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "HTTPS_PROXY", "https_proxy" }) do
    if set(name) then
      health.info(("%s is set."):format(name))
    end
  end
end

local function check_configuration()
  health.start("gpt.nvim: configuration")
  local wanted = vim.g.gpt
  local _, problems = require("gpt.config").check(type(wanted) == "table" and wanted or {})
  if #problems == 0 then
    health.ok("No mistakes in it.")
  end
  for _, problem in ipairs(problems) do
    health.warn(problem, "See :help gpt-configuration.")
  end
  local model = require("gpt").status().model
  health.info("Model: " .. (model or "not known before the first :GPTChat"))
end

function M.check()
  check_editor()
  check_program()
  check_environment()
  check_configuration()
end

return M
