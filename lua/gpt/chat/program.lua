--- Tells the program about a chat, by events.
local client = require("gpt.client")
local context = require("gpt.context")

local M = {}

---@class gpt.Chat
---@field in_flight? boolean whether the program has been told something, and has not yet answered

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

--- Tells the program what the user wants of the conversation. Until it answers, the buffer may not show what it has: so
--- nothing else is told meanwhile.
---@param chat gpt.Chat
---@param name string
---@param fields table
---@return boolean sent
function M.tell(chat, name, fields)
  chat.in_flight = client.notify(M.event(chat, name, fields))
  return chat.in_flight
end

return M
