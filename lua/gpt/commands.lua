--- What the commands and <Plug> maps do: arguments in, calls of the public API out.
local M = {}

--- How long completion waits for the program, in milliseconds: its list is made in 200.
local ANSWER_LIMIT = 500

---@param args vim.api.keyset.create_user_command.command_args
function M.chat(args)
  local gpt = require("gpt")
  local selection = require("gpt.selection")
  local taken, refused = selection.of_command(args)
  if refused then
    return require("gpt.view.notice").inform({ level = "warning", title = refused, advice = "" })
  end
  gpt.chat({ prompt = args.args, selection = taken, new = args.bang, mods = args.smods })
end

--- The chat, with the visual selection if there is one.
function M.chat_here()
  local selection = require("gpt.selection")
  local taken, refused
  if selection.is_visual() then
    taken, refused = selection.take_visual()
  end
  if refused then
    return require("gpt.view.notice").inform({ level = "warning", title = refused, advice = "" })
  end
  require("gpt").chat({ selection = taken })
end

---@param args vim.api.keyset.create_user_command.command_args
---@return string?
local function provider_of(args)
  return args.args ~= "" and args.args or nil
end

--- Takes what is perhaps a key, typed in the wrong place, out of the history, and so out of the shada file.
---@param args vim.api.keyset.create_user_command.command_args
---@return boolean perhaps_key
local function guard(args)
  local perhaps_key = #args.args >= 20 and not require("gpt.config").get().providers[args.args]
  if perhaps_key then
    vim.fn.histdel("cmd", "\\V" .. vim.fn.escape(args.args, "\\"))
  end
  return perhaps_key
end

---@param args vim.api.keyset.create_user_command.command_args
function M.set_key(args)
  guard(args)
  require("gpt.remote").notify({ event = "key_setting_requested", provider = provider_of(args) })
end

---@param args vim.api.keyset.create_user_command.command_args
function M.remove_key(args)
  guard(args)
  local event = { event = "key_removal_requested", provider = provider_of(args), force = args.bang }
  require("gpt.remote").notify(event)
end

--- Another model: the one that was named, else one from a list.
---@param args vim.api.keyset.create_user_command.command_args
function M.model(args)
  local named = args.args ~= "" and args.args or nil
  require("gpt.remote").notify({ event = "model_requested", model = named, refresh = args.bang })
end

---@type table<string, string[]> what the program answered last
local known = {}

---@param question string
---@param lead string
---@return string[]
local function completed(question, lead)
  known[question] = require("gpt.remote").ask(question, ANSWER_LIMIT) or known[question]
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, known[question] or {})
end

--- The models that can be chosen.
---@param lead string
---@return string[]
function M.complete_model(lead)
  return completed("models", lead)
end

--- The providers that a key can be set for.
---@param lead string
---@return string[]
function M.complete_provider(lead)
  return completed("key_providers", lead)
end

---@type table<string, fun(args: table)>
local actions = {
  chats = function()
    require("gpt.view.chat").choose()
  end,
  stop = function()
    require("gpt").stop()
  end,
  log = function()
    require("gpt.view.notice").show_log()
  end,
}

---@param args vim.api.keyset.create_user_command.command_args
function M.gpt(args)
  local action = actions[args.fargs[1]]
  if action then
    return action(args)
  end
  -- What is perhaps a key is not shown either.
  local words = require("gpt.words")
  local title = guard(args) and words("view.unknown_action_hidden")
    or words("view.unknown_action", { name = ("%q"):format(args.fargs[1]) })
  require("gpt.view.notice").inform({
    level = "warning",
    title = title,
    advice = words("view.known_actions", { names = table.concat(M.complete_action(""), ", ") }),
  })
end

--- What :GPT knows.
---@param lead string
---@return string[]
function M.complete_action(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(actions))
  table.sort(names)
  return names
end

local commands = {
  GPT = M.gpt,
  GPTChat = M.chat,
  GPTModel = M.model,
  GPTSetKey = M.set_key,
  GPTRemoveKey = M.remove_key,
}

--- Runs the command that `args` names.
---@param args vim.api.keyset.create_user_command.command_args
function M.run(args)
  commands[args.name](args)
end

return M
