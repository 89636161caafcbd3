--- `:checkhealth gpt`.
local M = {}

local health = vim.health
local network = require("gpt.health.network")
local places = require("gpt.health.places")
local program = require("gpt.health.program")
local words = require("gpt.words")

--- How long the program may take, in milliseconds: it gives the keyring two seconds.
local ANSWER_LIMIT = 5000
--- How long the model may be on its way that the program has given a reason for, in milliseconds.
local MODEL_LIMIT = 1000

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

--- The configuration, and which model answers.
---@param answer? table the program's
local function check_configuration(answer)
  health.start(words("view.health.configuration"))
  local problems = require("gpt.config").mistakes()
  if #problems == 0 then
    health.ok(words("view.health.no_mistakes"))
  end
  for _, problem in ipairs(problems) do
    health.warn(problem, words("view.health.see_configuration"))
  end
  local gpt = require("gpt")
  if answer and answer.reason ~= "" then
    vim.wait(MODEL_LIMIT, function()
      return gpt.status().model ~= nil
    end, 10)
  end
  local model = gpt.status().model
  local named = words("view.health.model", { model = model or words("view.health.no_model_yet") })
  health.info(model and answer and answer.reason ~= "" and ("%s: %s"):format(named, answer.reason) or named)
end

function M.check()
  check_editor()
  health.start(words("view.health.program"))
  local client = require("gpt.client")
  local answer = program.check() and client.ask("health", ANSWER_LIMIT) or nil
  if answer then
    program.compare_protocols(answer.protocol)
    check_keys(answer)
  elseif client.is_running() then
    health.error(words("view.health.no_answer"), words("view.health.no_answer_advice"))
  end
  places.check()
  network.check()
  check_configuration(answer)
end

return M
