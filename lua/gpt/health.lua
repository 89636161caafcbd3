--- `:checkhealth gpt`.
local M = {}

local health = vim.health
local words = require("gpt.words")

--- How long the program may take, in milliseconds: it gives the keyring two seconds.
local ANSWER_LIMIT = 5000

local function check_editor()
  health.start(words("view.health.editor"))
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.10") == 1 then
    health.ok("Neovim " .. version)
  else
    health.error(words("view.health.too_old", { version = version }), words("view.health.too_old_advice"))
  end
  if pcall(vim.treesitter.language.add, "markdown") then
    health.ok(words("view.health.parser"))
  else
    health.warn(words("view.health.no_parser"), words("view.health.no_parser_advice"))
  end
end

--- Says that program and plugin are not of one version, and what to do.
---@param binary string
---@param said string
local function other_version(binary, said)
  local version = require("gpt.version").plugin
  local advice = { words("view.health.install_and_restart") }
  if require("gpt.config").get().binary then
    advice = { words("view.program.correct_binary") }
  end
  health.error(words("view.health.other_version", { file = binary, said = said, version = version }), advice)
end

local function check_program()
  health.start(words("view.health.program"))
  local remote = require("gpt.remote")
  local binary = remote.binary()
  if not binary then
    local title, advice = remote.missing()
    return health.error(title, advice)
  end
  local answer = vim.system({ binary, "--version" }, { text = true, timeout = 5000 }):wait()
  if answer.code ~= 0 then
    local title = words("view.health.does_not_run", { file = binary, code = answer.code })
    return health.error(title, words("view.health.build_again"))
  end
  local said, version = vim.trim(answer.stdout), require("gpt.version")
  if said ~= "gpt-nvim " .. version.plugin then
    return other_version(binary, said)
  end
  health.ok(("%s: %s"):format(binary, said))
end

--- Where each provider's key comes from; never what it is.
---@param answer table
local function check_keys(answer)
  health.start(words("view.health.keys"))
  if answer.keyring == "" then
    health.ok(words("view.health.keyring"))
  else
    health.warn(answer.keyring, {
      words("view.health.other_sources"),
      words("view.health.secret_service"),
    })
  end
  for _, provider in ipairs(answer.providers) do
    if provider.key ~= "" then
      health.ok(words("view.health.key", { provider = provider.label, source = provider.key }))
    elseif provider.needed then
      health.info(words("view.health.no_key", { provider = provider.label, name = provider.name }))
    else
      health.info(words("view.health.no_key_needed", { provider = provider.label }))
    end
  end
end

local function check_network()
  health.start(words("view.health.network"))
  local network = require("gpt.config").get().network
  health.info(words("view.health.limits", { connect = network.connect_timeout, idle = network.idle_timeout }))
  if network.proxy then
    local scheme = network.proxy:match("^%a[%w+.-]*://") or ""
    local address = scheme .. network.proxy:sub(#scheme + 1):match("[^@]*$") -- no password
    health.info(words("view.health.proxy", { address = address }))
  elseif network.proxy == false then
    health.info(words("view.health.no_proxy"))
  end
  if network.ca_file then
    local file = vim.fs.normalize(network.ca_file)
    local report = vim.uv.fs_access(file, "R") and health.ok or health.error
    report(words("view.health.ca_file", { file = file }))
  end
  for _, name in ipairs({
    "OPENAI_BASE_URL",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
  }) do
    if (vim.env[name] or ""):find("%S") then
      health.info(words("view.health.variable", { name = name }))
    end
  end
end

local function check_configuration()
  health.start(words("view.health.configuration"))
  local problems = require("gpt.config").mistakes()
  if #problems == 0 then
    health.ok(words("view.health.no_mistakes"))
  end
  for _, problem in ipairs(problems) do
    health.warn(problem, words("view.health.see_configuration"))
  end
  local model = require("gpt").status().model
  health.info(words("view.health.model", { model = model or words("view.health.no_model_yet") }))
end

function M.check()
  check_editor()
  check_program()
  local remote = require("gpt.remote")
  local answer = remote.ask("health", ANSWER_LIMIT)
  if answer and answer.protocol ~= require("gpt.version").protocol then
    other_version(remote.binary() or "gpt-nvim", words("view.health.protocol", { number = answer.protocol or "?" }))
  end
  if answer then
    check_keys(answer)
  elseif remote.is_running() then
    health.error(words("view.health.no_answer"), words("view.health.no_answer_advice"))
  end
  check_network()
  check_configuration()
end

return M
