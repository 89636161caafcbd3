--- Keeps the place where a streaming answer goes on, and the one of its reasoning: two extmarks.
local api = vim.api

local M = {}

local SPACE = api.nvim_create_namespace("gpt.places")
local ANSWER, REASONING = 1, 2

---@param chat gpt.Chat
---@param row integer
---@param col integer
function M.mark_answer(chat, row, col)
  api.nvim_buf_set_extmark(chat.buf, SPACE, row, col, { id = ANSWER })
end

---@param chat gpt.Chat
---@param row integer
---@param col integer
function M.mark_reasoning(chat, row, col)
  api.nvim_buf_set_extmark(chat.buf, SPACE, row, col, { id = REASONING })
end

--- The end of the answer that is being written.
---@param chat gpt.Chat
---@return integer? row
---@return integer? col
function M.answer(chat)
  local at = api.nvim_buf_get_extmark_by_id(chat.buf, SPACE, ANSWER, {})
  return at[1], at[2]
end

--- The end of the reasoning of the answer that is being written.
---@param chat gpt.Chat
---@return integer? row
---@return integer? col
function M.reasoning(chat)
  local at = api.nvim_buf_get_extmark_by_id(chat.buf, SPACE, REASONING, {})
  return at[1], at[2]
end

return M
