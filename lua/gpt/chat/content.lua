--- Reads a chat's buffer: the text of its messages, its prompt and the questions that wait.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local headings = require("gpt.chat.headings")

local M = {}

--- The text between a heading and the next one.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer
---@return string
function M.body(chat, found, index)
  local next_row = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(chat.buf)
  return answer_parts.said_within(chat, found[index].row + 1, next_row)
end

--- The text below a heading, up to the next one.
---@param chat gpt.Chat
---@param mark integer
---@return string
function M.of(chat, mark)
  local first, last = headings.lines_of(chat, mark)
  return first and answer_parts.said_within(chat, first, last) or ""
end

--- Whether a message shows something that is not said.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer
---@return boolean
local function shows_beside(chat, found, index)
  local next_row = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(chat.buf)
  return #answer_parts.within(chat, found[index].row + 1, next_row) > 0
end

---@class gpt.Waiting a question that waits to be sent
---@field mark integer
---@field text string

--- What the buffer shows: its messages, the prompt, and the questions that wait.
---@param chat gpt.Chat
---@return table[]? regions nil if there is none, since msgpack cannot tell an empty list from an empty map
---@return string prompt
---@return gpt.Waiting[] queue
function M.snapshot(chat)
  local regions, queue, prompt = {}, {}, ""
  local found, prompt_row = headings.all(chat), headings.prompt(chat)
  for index, heading in ipairs(found) do
    local text, entry = M.body(chat, found, index), heading.entry
    if heading.row == prompt_row then
      prompt = text
    elseif entry.id then
      local beside = not text:find("%S") and shows_beside(chat, found, index) or nil
      regions[#regions + 1] = { id = entry.id, role = entry.role, text = text, label = entry.label, beside = beside }
    else
      queue[#queue + 1] = { mark = heading.mark, text = text }
    end
  end
  return #regions > 0 and regions or nil, prompt, queue
end

return M
