--- `:checkhealth gpt`.
local M = {}

local health = vim.health

--- How long the program may take, in milliseconds: it gives the keyring two seconds.
local ANSWER_LIMIT = 5000

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
end

--- Where each provider's key comes from; never what it is.
---@param answer table
local function check_keys(answer)
  health.start("gpt.nvim: keys")
  if answer.keyring == "" then
    health.ok("The system keyring can be reached.")
  else
    health.warn(answer.keyring, {
      "Keys can come from a variable (OPENAI_API_KEY) or a command instead: see :help gpt-keys",
      "On Linux a Secret Service must run: gnome-keyring, KWallet or KeePassXC.",
    })
  end
  for _, provider in ipairs(answer.providers) do
    if provider.key ~= "" then
      health.ok(("%s: the key is %s."):format(provider.label, provider.key))
    elseif provider.needed then
      health.info(("%s: no key. :GPTSetKey %s stores one."):format(provider.label, provider.name))
    else
      health.info(("%s: no key; it may need none."):format(provider.label))
    end
  end
end

local function check_network()
  health.start("gpt.nvim: network")
  local network = require("gpt.config").get().network
  health.info(
    ("Time limits: %s s to connect, %s s between bytes."):format(network.connect_timeout, network.idle_timeout)
  )
  for _, name in ipairs({ "OPENAI_BASE_URL", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy" }) do
    if (vim.env[name] or ""):find("%S") then
      health.info(("The variable %s is set."):format(name))
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
  local remote = require("gpt.remote")
  local answer = remote.ask("health", ANSWER_LIMIT)
  if answer then
    check_keys(answer)
  elseif remote.is_running() then
    health.error("The program runs, but does not answer.", "Restart Neovim.")
  end
  check_network()
  check_configuration()
end

return M
