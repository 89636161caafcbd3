--- Carries out the commands and <Plug> maps: arguments in, calls of the public API out.
local M = {}

--- How long completion waits for the program, in milliseconds: its list is made in 200.
local ANSWER_LIMIT = 500

---@param args vim.api.keyset.create_user_command.command_args
function M.chat(args)
  local gpt = require("gpt")
  local selection = require("gpt.code.selection")
  local taken, refused = selection.of_command(args)
  if refused then
    return require("gpt.ui.notice").inform({ level = "warning", title = refused, advice = "" })
  end
  gpt.chat({ prompt = args.args, selection = taken, new = args.bang, mods = args.smods })
end

--- The chat, with the visual selection if there is one.
function M.chat_here()
  local selection = require("gpt.code.selection")
  local taken, refused
  if selection.is_visual() then
    taken, refused = selection.take_visual()
  end
  if refused then
    return require("gpt.ui.notice").inform({ level = "warning", title = refused, advice = "" })
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
  local perhaps_key = guard(args)
  local asked = require("gpt.client").notify({ event = "key_setting_requested", provider = provider_of(args) })
  -- No prompt comes for what is no provider.
  if asked and not perhaps_key then
    require("gpt.ui.held").until_asked()
  end
end

---@param args vim.api.keyset.create_user_command.command_args
function M.remove_key(args)
  guard(args)
  local event = { event = "key_removal_requested", provider = provider_of(args), force = args.bang }
  require("gpt.client").notify(event)
end

--- Another model: the one that was named, else one from a list.
---@param args vim.api.keyset.create_user_command.command_args
function M.model(args)
  local named = args.args ~= "" and args.args or nil
  require("gpt.client").notify({ event = "model_requested", model = named, refresh = args.bang })
end

---@type table<string, string[]> what the program answered last
local known = {}

---@param question string
---@param lead string
---@return string[]
local function completed(question, lead)
  known[question] = require("gpt.client").ask(question, ANSWER_LIMIT) or known[question]
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, known[question] or {})
end

--- The models that can be chosen.
---@param lead string
---@return string[]
local function complete_model(lead)
  return completed("models", lead)
end

--- The providers that a key can be set for.
---@param lead string
---@return string[]
local function complete_provider(lead)
  return completed("key_providers", lead)
end

--- Lets the user choose an earlier chat.
---@param query? string words that it has
function M.history(query)
  require("gpt.client").notify({
    event = "history_requested",
    words = query or "",
    project = require("gpt.project").root(),
  })
end

--- Fills the buffer of this autocommand, which has a chat's name: by |:edit|.
function M.read_chat()
  require("gpt.chat").read(tonumber(vim.fn.expand("<abuf>")))
end

--- A session brings a chat's window back with its name and without its text: that comes at the session's end. The name
--- is given by `:file`, which would say so and stop at a hit-enter prompt; the session sets 'shortmess' back itself.
function M.name_chat()
  if vim.g.SessionLoad ~= 1 then
    return
  end
  vim.opt.shortmess:append("F")
  local buffer = tonumber(vim.fn.expand("<abuf>"))
  vim.api.nvim_create_autocmd("SessionLoadPost", {
    once = true,
    callback = function()
      require("gpt.chat").read(buffer)
    end,
  })
end

--- What follows the action's name, as typed.
---@param args vim.api.keyset.create_user_command.command_args
---@return string
local function rest(args)
  return vim.trim((args.args:gsub("^%s*%S+", "", 1)))
end

--- Does something with the chat in the current window, or the one that was shown last.
---@param run fun(chat: gpt.Chat, rest: string)
---@return fun(args: table)
local function with_chat(run)
  return function(args)
    local chat = require("gpt.chat.chats").current()
    if chat then
      return run(chat, rest(args))
    end
    local words = require("gpt.words")
    local title, advice = words("view.no_chat_here"), words("view.no_chat_here_advice")
    require("gpt.ui.notice").inform({ level = "info", title = title, advice = advice })
  end
end

--- The file that a chat is exported to. Only what the user has typed is expanded (`%`, `~`, `$HOME`): a chat's own name
--- comes from a buffer, and a name with backticks would run a command.
---@param typed string
---@param id string the chat's
---@return string path
local function file_of(typed, id)
  if typed == "" then
    return vim.fs.joinpath(vim.fn.getcwd(), (id:gsub("[^%w_-]", "-")) .. ".md")
  end
  return vim.fn.fnamemodify(vim.fn.expand(typed), ":p")
end

---@type table<string, fun(args: table)>
local actions = {
  history = function(args)
    local query = rest(args)
    if query == "clear" then
      return require("gpt.client").notify({ event = "history_clear_requested" })
    end
    M.history(query)
  end,
  continue = with_chat(function(chat)
    require("gpt.chat.sending").ask(chat, require("gpt.words")("view.continue"))
  end),
  private = function()
    require("gpt").chat({ private = true })
  end,
  rename = with_chat(function(chat, title)
    if title == "" then
      local words = require("gpt.words")
      local told = { level = "info", title = words("view.no_title"), advice = words("view.no_title_advice") }
      return require("gpt.ui.notice").inform(told)
    end
    require("gpt.client").notify({ event = "chat_renamed", chat = chat.id, title = title })
  end),
  delete = with_chat(function(chat)
    require("gpt.client").notify({ event = "chat_deletion_requested", chat = chat.id })
  end),
  fork = with_chat(function(chat)
    local new, at = require("gpt.chat.chats").new_id(), require("gpt.chat.headings").message_at_cursor(chat)
    require("gpt.client").notify({ event = "chat_forked", chat = chat.id, new = new, at = at })
  end),
  export = with_chat(function(chat, name)
    local path = file_of(name, chat.id)
    require("gpt.client").notify({ event = "chat_exported", chat = chat.id, path = path })
  end),
  files = with_chat(function(chat)
    require("gpt.chat.files").choose(chat)
  end),
  trust = function()
    require("gpt.client").notify({ event = "trust_requested", project = require("gpt.project").root() })
  end,
  chats = function()
    require("gpt.chat.choose").run()
  end,
  stop = function()
    require("gpt").stop()
  end,
  install = function(args)
    require("gpt.commands.install").run(args.bang)
  end,
  log = function()
    require("gpt.ui.notice").show_log()
  end,
}

--- The words that may follow :GPT.
---@param lead string
---@param with_code gpt.Action[]
---@return string[]
local function names(lead, with_code)
  local all = vim.tbl_keys(actions)
  for _, action in ipairs(with_code) do
    all[#all + 1] = not actions[action.name] and action.name or nil
  end
  all = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, all)
  table.sort(all)
  return all
end

--- What :GPT knows.
---@param lead string
---@return string[]
local function complete_action(lead)
  return names(lead, require("gpt.library").fresh())
end

--- Says that there is no such action.
---@param args vim.api.keyset.create_user_command.command_args
function M.unknown(args)
  local name = args.fargs[1]
  -- What is perhaps a key is not shown either.
  local words = require("gpt.words")
  local title = not name and words("view.no_action")
    or guard(args) and words("view.unknown_action_hidden")
    or words("view.unknown_action", { name = ("%q"):format(name) })
  local all = names("", require("gpt.library").list())
  local meant = name and require("gpt.near")(name, all)
  require("gpt.ui.notice").inform({
    level = "warning",
    title = title,
    advice = meant and words("view.did_you_mean", { name = meant })
      or words("view.known_actions", { names = table.concat(all, ", ") }),
  })
end

---@param args vim.api.keyset.create_user_command.command_args
function M.gpt(args)
  local name = args.fargs[1]
  if not name then
    return M.unknown(args)
  end
  if actions[name] then
    return actions[name](args)
  elseif not require("gpt.actions").command(args) then
    M.unknown(args)
  end
end

local commands = {
  GPT = M.gpt,
  GPTChat = M.chat,
  GPTModel = M.model,
  GPTSetKey = M.set_key,
  GPTRemoveKey = M.remove_key,
}

--- Runs the command that `args` names; where the text is locked, a moment later.
---@param args vim.api.keyset.create_user_command.command_args
function M.run(args)
  local function again()
    M.run(args)
  end
  if require("gpt.textlock").postpones(again) then
    return
  end
  commands[args.name](args)
  -- Those that need no program are a first use as well.
  vim.schedule(function()
    require("gpt.lsp").offer_actions()
  end)
end

local completions = {
  { "GPT", complete_action },
  { "GPTModel", complete_model },
  { "GPTSetKey", complete_provider },
  { "GPTRemoveKey", complete_provider },
}

--- What can follow on a command line of ours, whose command may be abbreviated, `:vert 'a,'bGPTMod` say.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local typed = line:match("%f[%w](GPT%a*)") or ""
  for _, completion in ipairs(completions) do
    if vim.startswith(completion[1], typed) then
      return completion[2](lead)
    end
  end
  return {}
end

return M
