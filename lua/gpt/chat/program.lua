--- Tells the program about a chat, by events.
local client = require("gpt.client")
local context = require("gpt.context")

local M = {}

---@class (partial) gpt.Chat
---@field revision? integer which state of the messages is shown, as the program counts them: it asks anew what it is told
---of an earlier one

--- An event about this chat.
---@param chat gpt.Chat
---@param name string
---@param fields? table
---@return table
function M.event(chat, name, fields)
  local about = { event = name, chat = chat.id, project = chat.project, private = chat.private or nil }
  about.disabled = context.disabled()
  return vim.tbl_extend("error", about, fields or {})
end

--- Tells the program what the user wants of the messages that are shown.
---@param chat gpt.Chat
---@param name string
---@param fields table
---@param asked? boolean whether the program has asked for it, by an operation that is being done: that returns the event
---@return boolean sent
---@return table? event
function M.tell(chat, name, fields, asked)
  local event = M.event(chat, name, fields)
  event.revision = chat.revision or 0
  if asked then
    return true, event
  end
  return client.notify(event), nil
end

return M
