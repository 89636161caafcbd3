--- Finds the word of a question that a place in a chat is in or behind: `/action`, `/model name`, `#context`.
local api = vim.api

local M = {}

local chats = require("gpt.chat.chats")
local headings = require("gpt.chat.headings")
local NOT_BEFORE = require("gpt.context.path").NOT_BEFORE

---@class gpt.Word a word in a line, as typed
---@field text string
---@field first integer its first byte, counted from 0
---@field last integer the byte after it

--- What is typed of a model's name behind `/model`.
---@param line string
---@param col integer bytes
---@return gpt.Word?
function M.model_at(line, col)
  local first, last = line:match("^/model%s+()%S*()")
  if first and col >= first - 1 and col <= last - 1 then
    return { text = line:sub(first, last - 1), first = first - 1, last = last - 1 }
  end
end

--- Whether a word may begin after this text: not in the middle of another (`C#`, `page/#part`).
---@param before string
---@return boolean
local function may_begin_after(before)
  return not before:find(NOT_BEFORE .. "$")
end

--- Where a `#…` ends, as typed: a quotation mark lets a path have spaces.
---@param line string
---@param first integer
---@return integer last
local function end_of(line, first)
  local quoted = line:match('^#file:"[^"]*"?()', first)
  return (quoted or line:match("^#%S*()", first)) - 1
end

--- The words `#…` of a line.
---@param line string
---@return gpt.Word[]
local function words_of(line)
  local found, from = {}, 1
  while true do
    local first = line:find("#", from, true)
    if not first then
      return found
    end
    if may_begin_after(line:sub(1, first - 1)) then
      local last = end_of(line, first)
      found[#found + 1] = { text = line:sub(first, last), first = first - 1, last = last }
      from = last + 1
    else
      from = first + 1
    end
  end
end

--- Whether a line is the first one of a question that has text.
---@param chat gpt.Chat
---@param heading integer the row of the question's heading
---@param row integer
---@return boolean
function M.is_first(chat, heading, row)
  for _, line in ipairs(api.nvim_buf_get_lines(chat.buf, heading + 1, row, false)) do
    if line:find("%S") then
      return false
    end
  end
  return true
end

--- The heading of the question that a row is in; nil in an answer, where nothing is anything but text.
---@param chat gpt.Chat
---@param row integer
---@return integer?
function M.question_at(chat, row)
  local above
  for _, heading in ipairs(headings.all(chat)) do
    above = heading.row < row and heading or above
  end
  return above and above.entry.role == "user" and above.row or nil
end

--- The word that a place is in or behind.
---@param chat gpt.Chat
---@param row integer counted from 0
---@param col integer bytes
---@return gpt.Word?
function M.at(chat, row, col)
  local heading = M.question_at(chat, row)
  local line = heading and api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1]
  if not heading or not line then
    return nil
  end
  local action = line:match("^/%S*")
  if action and col <= #action and M.is_first(chat, heading, row) then
    return { text = action, first = 0, last = #action }
  end
  return vim.iter(words_of(line)):find(function(word)
    return word.first <= col and col <= word.last
  end)
end

--- Whether the cursor is behind a word of ours, for which there may be something to choose.
---@param buf integer
---@return boolean
function M.is_behind_word(buf)
  local chat = chats.of_buffer(buf)
  local row, col = api.nvim_win_get_cursor(0)[1] - 1, api.nvim_win_get_cursor(0)[2]
  local heading = chat and M.question_at(chat, row)
  if not chat or not heading then
    return false
  end
  local line = api.nvim_get_current_line()
  local word = M.at(chat, row, col) or M.is_first(chat, heading, row) and M.model_at(line, col)
  return word ~= nil and word ~= false and col == word.last
end

--- The place that a request is about.
---@param params { textDocument: { uri: string }, position: { line: integer, character: integer } }
---@return gpt.Chat? chat
---@return integer row
---@return integer col in bytes
---@return string line
function M.place(params)
  local buf = vim.uri_to_bufnr(params.textDocument.uri)
  local row = params.position.line
  local line = api.nvim_buf_is_loaded(buf) and api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
  local col = vim.fn.byteidxcomp(line, params.position.character, true)
  return chats.of_buffer(buf), row, col < 0 and #line or col, line
end

--- A range of a line, in the units of the protocol.
---@param row integer
---@param line string
---@param first integer bytes
---@param last integer
---@return table
function M.range(row, line, first, last)
  local function position(col)
    return { line = row, character = vim.fn.utf16idx(line, col, true) }
  end
  return { start = position(first), ["end"] = position(last) }
end

return M
