--- The prompt at the end of a chat: found, made again where the user took it away, added to.
local api = vim.api

local headings = require("gpt.chat.headings")

local M = {}

--- The prompt's heading; a new one at the end of the buffer if the user took it away.
---@param chat gpt.Chat
---@return integer row
function M.row(chat)
  local row = headings.prompt(chat)
  if not row then
    local last = api.nvim_buf_line_count(chat.buf)
    local empty = last == 1 and api.nvim_buf_get_lines(chat.buf, 0, 1, false)[1] == ""
    row = empty and 0 or last
    M.add(chat, row)
  end
  return row
end

--- Where the next message goes: above the prompt and the questions that wait.
---@param chat gpt.Chat
---@return integer row
function M.tail_row(chat)
  local row = M.row(chat)
  local found = headings.all(chat)
  for index = #found - 1, 1, -1 do
    if found[index].entry.id then
      break
    end
    row = found[index].row
  end
  return row
end

--- Puts an empty prompt at the end of the buffer, in place of what is there from `row` on.
---@param chat gpt.Chat
---@param row integer
function M.add(chat, row)
  api.nvim_buf_set_lines(chat.buf, row, -1, false, { headings.USER, "", "" })
  headings.mark(chat, row, { role = "user" })
end

--- Takes the white lines off the end of the prompt, and adds `lines` there.
---@param chat gpt.Chat
---@param lines string[]
function M.append(chat, lines)
  local row = M.row(chat)
  local body = api.nvim_buf_get_lines(chat.buf, row + 1, -1, false)
  while #body > 0 and body[#body]:find("^%s*$") do
    body[#body] = nil
  end
  local added = { "" }
  vim.list_extend(added, lines)
  api.nvim_buf_set_lines(chat.buf, row + 1 + #body, -1, false, added)
end

--- Puts the cursor of the current window at the end of the prompt.
---@param chat gpt.Chat
function M.go_to(chat)
  local last = api.nvim_buf_line_count(chat.buf)
  local line = api.nvim_buf_get_lines(chat.buf, last - 1, last, false)[1]
  api.nvim_win_set_cursor(0, { last, #line })
end

--- Gives the prompt its heading back if the user took it away: above the text where that is all there is, else at the
--- end.
---@param chat gpt.Chat
function M.restore(chat)
  if not vim.bo[chat.buf].modifiable then
    return
  end
  if #headings.all(chat) == 0 then
    api.nvim_buf_set_lines(chat.buf, 0, 0, false, { headings.USER, "" })
    headings.mark(chat, 0, { role = "user" })
  end
  M.row(chat)
end

--- Takes the white lines off the end of the buffer; the prompt's own first ones stay.
---@param chat gpt.Chat
---@param row integer the prompt's heading
---@return integer last line after the last one
function M.end_of_text(chat, row)
  local last = api.nvim_buf_line_count(chat.buf)
  while last > row + 2 and api.nvim_buf_get_lines(chat.buf, last - 1, last, false)[1]:find("^%s*$") do
    last = last - 1
  end
  return last
end

return M
