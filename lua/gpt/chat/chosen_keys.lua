--- The keys that the user has chosen for chats.
local config = require("gpt.config")

local M = {}

---@param name string
---@return string[]
function M.of(name)
  local keys = config.get().chat.keymaps[name]
  return type(keys) == "string" and { keys } or keys or {}
end

--- What stops an answer: the first of its keys, else the command.
---@return string
function M.stop()
  return M.of("stop")[1] or ":GPT stop"
end

return M
