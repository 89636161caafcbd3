--- The operations that the program calls, by name, and what the client and the chats ask of parts that stand above them.
---
--- The only file that reaches up, as `tests/floors.rs` knows. So those below require it only where they call it, inside of
--- a function. An operation is done when it returns; an error comes back as a |gpt.Refusal|.
local ask = require("gpt.ask")
local chat_buffers = require("gpt.chat")
local chats = require("gpt.chat.chats")
local client = require("gpt.client")
local dialog = require("gpt.ui.dialog")
local held = require("gpt.ui.held")
local install_offer = require("gpt.ui.install_offer")
local lookup_results = require("gpt.chat.lookup_results")
local model = require("gpt.chat.model")
local notice = require("gpt.ui.notice")
local refusal = require("gpt.refusal")
local request = require("gpt.chat.request")
local sending = require("gpt.chat.sending")
local spinner = require("gpt.chat.spinner")
local stream = require("gpt.chat.stream")
local tell = require("gpt.chat.tell")
local turn = require("gpt.chat.turn")

local M = {}

---@param data { chat: string }
local function chat_of(data)
  return chats.get(data.chat) or refusal.gone("chat " .. data.chat)
end

---@type table<string, fun(data: table): table?> what one returns is an event, which the program hears of so
local operations = {
  begin_turn = function(data)
    turn.begin(chat_of(data), data)
  end,
  show_branch = function(data)
    turn.show_branch(chat_of(data), data)
  end,
  refuse = function(data)
    sending.refused(chat_of(data), data.notice)
  end,
  ask_anew = function(data)
    return sending.want_anew(chat_of(data), data)
  end,
  retrying = function(data)
    spinner.show_retry(chat_of(data), data)
  end,
  append = function(data)
    stream.append(chat_of(data), data.answer, data.lines, data.voice)
  end,
  end_turn = function(data)
    turn.finish(chat_of(data), data)
  end,
  show_request = function(data)
    request.show(data.lines)
  end,
  show_model = function(data)
    model.show(data)
  end,
  refuse_question = function(data)
    sending.refuse_question(chat_of(data), data.notice)
  end,
  give_back = function(data)
    sending.give_back(chat_of(data))
  end,
  inform = function(data)
    held.note()
    tell.inform(data)
  end,
  context_found = function(data)
    return lookup_results.found(chat_of(data), data)
  end,
  context_refused = function(data)
    lookup_results.refused(chat_of(data), data)
  end,
  open_chat = function(data)
    chat_buffers.open(data.chat)
  end,
  close_chat = function(data)
    chat_buffers.close(data.chat)
  end,
  act = function(data)
    return require("gpt.actions.outcome").act(data)
  end,
  choose = dialog.choose,
  enter_key = dialog.enter_key,
  ask_events = function(data)
    ask.hear(data)
  end,
  forget_typed = function(data)
    vim.fn.histdel("cmd", "\\V" .. vim.fn.escape(data.typed, "\\"))
  end,
  answered = client.answered,
  key_changed = function(data)
    vim.api.nvim_exec_autocmds("User", { pattern = "GPTKeyChanged", modeline = false, data = data })
  end,
}

--- Runs an operation.
---@param name string
---@param data table
---@return gpt.Refusal|table|nil refused why it was not done; nil when it was, or the event that followed from it at once
function M.apply(name, data)
  client.heard()
  local operation = operations[name]
  if not operation then
    return refusal.of("no such operation: " .. name)
  end
  local ok, followed = pcall(operation, data)
  if not ok then
    return refusal.of(followed)
  end
  return type(followed) == "table" and followed.event and followed or nil
end

--- Tells the user that the program cannot be had, or has ended: beside the prompt of the chat that they look at.
---@param told gpt.Notice
function M.complain(told)
  tell.complain(told)
end

--- Tells the user something, as a message.
---@param told gpt.Notice
function M.inform(told)
  notice.inform(told)
end

--- Ends what the program was doing for the chats.
---@return boolean returned whether a question came back into a prompt
function M.program_ended()
  return turn.program_ended()
end

--- Offers the actions as code actions from now on.
function M.offer_actions()
  require("gpt.lsp").offer_actions()
end

--- Offers to install the program that is missing.
function M.offer_install()
  install_offer.ask()
end

--- Serves a chat by the language server.
---@param chat gpt.Chat
function M.serve_chat(chat)
  require("gpt.lsp").serve(chat)
end

--- Shows a chat, as |gpt.chat()| does.
---@param options gpt.ChatOptions
function M.show_chat(options)
  require("gpt").chat(options)
end

return M
