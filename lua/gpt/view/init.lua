--- The operations that the program calls, by name. Each is done when it returns; an error comes back as its text.
local chats = require("gpt.view.chat")
local dialog = require("gpt.view.dialog")
local headless = require("gpt.view.headless")
local held = require("gpt.view.held")
local remote = require("gpt.remote")

local M = {}

---@param data { chat: string }
local function chat_of(data)
  return chats.get(data.chat) or error("gpt: gone: chat " .. data.chat, 0)
end

---@type table<string, fun(data: table)>
local operations = {
  begin_turn = function(data)
    chat_of(data):begin_turn(data)
  end,
  show_branch = function(data)
    chat_of(data):show_branch(data)
  end,
  refuse = function(data)
    chat_of(data):refused(data.notice)
  end,
  retrying = function(data)
    chat_of(data):show_retry(data)
  end,
  append = function(data)
    chat_of(data):append(data.answer, data.lines, data.voice)
  end,
  end_turn = function(data)
    chat_of(data):end_turn(data)
  end,
  show_request = function(data)
    chat_of(data):show_request(data.lines)
  end,
  show_model = function(data)
    chats.show_model(data)
  end,
  refuse_question = function(data)
    chat_of(data):refuse_question(data.notice)
  end,
  give_back = function(data)
    chat_of(data):give_back()
  end,
  inform = function(data)
    held.note()
    chats.inform(data)
  end,
  context_found = function(data)
    chat_of(data):context_found(data)
  end,
  context_refused = function(data)
    chat_of(data):context_refused(data)
  end,
  open_chat = function(data)
    chats.open(data.chat)
  end,
  close_chat = function(data)
    chats.close(data.chat)
  end,
  act = function(data)
    require("gpt.actions.outcome").act(data)
  end,
  choose = dialog.choose,
  enter_key = dialog.enter_key,
  ask_events = function(data)
    headless.hear(data)
  end,
  forget_typed = function(data)
    vim.fn.histdel("cmd", "\\V" .. vim.fn.escape(data.typed, "\\"))
  end,
  answered = remote.answered,
  key_changed = function(data)
    vim.api.nvim_exec_autocmds("User", { pattern = "GPTKeyChanged", modeline = false, data = data })
  end,
}

--- Runs an operation.
---@param name string
---@param data table
---@return string? refused why it was not done; nil when it was
function M.apply(name, data)
  remote.heard()
  local operation = operations[name]
  if not operation then
    return "no such operation: " .. name
  end
  local ok, reason = pcall(operation, data)
  if not ok then
    return tostring(reason)
  end
end

return M
