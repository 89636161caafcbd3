--- A chat's buffer: headings kept by extmarks, messages between them, the prompt below the last one.
---
--- A message is what lies between its heading and the next one; only an extmark makes a heading, so no text can break
--- the structure. What is said is the program's affair: this file keeps which heading belongs to which message.
local api = vim.api

---@class gpt.ShownModel
---@field provider string
---@field model string
---@field remark string
---@field window? integer
---@field prices_of string
---@field chosen boolean

---@class gpt.Chat
---@field id string
---@field buf integer
---@field roles table<integer, "user"|"assistant"> by message
---@field answer? integer the answer that is being written
---@field appended? integer the buffer's changedtick after the last append to it
---@field label? string `provider/model` of that answer
---@field usage? table tokens of the last turn
---@field cost? number what it cost, in US dollars, estimated
---@field pending? { text: string, from_prompt: boolean } what was sent last, until it is shown as a message
---@field notice? table
---@field highlighting? gpt.Highlighting
---@field remembered? { lines: string[], headings: gpt.Heading[] }
---@field spinner? table
---@field model? gpt.ShownModel the model that answers, in every chat
local Chat = {
  --- The headings of messages; an extmark's id is its message's number.
  HEADINGS = api.nvim_create_namespace("gpt.headings"),
  --- The prompt's heading, always `PROMPT`; and where the answer that is being written goes on, always `ANSWER`.
  PLACES = api.nvim_create_namespace("gpt.places"),
  PROMPT = 1,
  ANSWER = 2,
}
Chat.__index = Chat

local headings, places, PROMPT = Chat.HEADINGS, Chat.PLACES, Chat.PROMPT

local USER_HEADING = "## You"
Chat.USER_HEADING = USER_HEADING

---@param space integer
---@param mark integer
---@return integer? row counted from 0; nil if the text that it stood on is gone
function Chat:row(space, mark)
  local position = api.nvim_buf_get_extmark_by_id(self.buf, space, mark, { details = true })
  if position[1] and not (position[3] or {}).invalid then
    return position[1]
  end
end

--- Makes the line at `row` a heading.
---@param space integer
---@param id integer
---@param row integer
---@param group string
function Chat:mark_heading(space, id, row, group)
  local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
  api.nvim_buf_set_extmark(self.buf, space, row, 0, {
    id = id,
    end_row = row,
    end_col = #line,
    hl_group = group,
    invalidate = true,
    undo_restore = true,
  })
end

---@class gpt.Heading
---@field id? integer the message; nil for the prompt
---@field row integer

--- The headings that still stand, in their order; the prompt's is among them.
---@return gpt.Heading[]
function Chat:headings()
  local found = {}
  for _, mark in ipairs(api.nvim_buf_get_extmarks(self.buf, headings, 0, -1, { details = true })) do
    if not mark[4].invalid then
      found[#found + 1] = { id = mark[1], row = mark[2] }
    end
  end
  local prompt = self:row(places, PROMPT)
  if prompt then
    found[#found + 1] = { row = prompt }
  end
  table.sort(found, function(a, b)
    return a.row < b.row
  end)
  return found
end

--- The text between a heading and the next one.
---@param found gpt.Heading[]
---@param index integer
---@return string
function Chat:body(found, index)
  local next_row = found[index + 1] and found[index + 1].row or -1
  return table.concat(api.nvim_buf_get_lines(self.buf, found[index].row + 1, next_row, false), "\n")
end

--- What the buffer shows: its messages, and the prompt.
---@return table[]? regions nil if there is none, since msgpack cannot tell an empty list from an empty map
---@return string prompt
function Chat:snapshot()
  local regions, prompt = {}, ""
  local found = self:headings()
  for index, heading in ipairs(found) do
    local text = self:body(found, index)
    if heading.id then
      regions[#regions + 1] = { id = heading.id, role = self.roles[heading.id], text = text }
    else
      prompt = text
    end
  end
  return #regions > 0 and regions or nil, prompt
end

--- The prompt's heading; a new one at the end of the buffer if the user took it away.
---@return integer row
function Chat:prompt_row()
  local row = self:row(places, PROMPT)
  if not row then
    local last = api.nvim_buf_line_count(self.buf)
    local empty = last == 1 and api.nvim_buf_get_lines(self.buf, 0, 1, false)[1] == ""
    api.nvim_buf_set_lines(self.buf, empty and 0 or last, -1, false, { USER_HEADING, "", "" })
    row = empty and 0 or last
    self:mark_heading(places, PROMPT, row, "GPTHeadingUser")
  end
  return row
end

--- Takes the white lines off the end of the prompt, and adds `lines` there.
---@param lines string[]
function Chat:add_to_prompt(lines)
  local row = self:prompt_row()
  local body = api.nvim_buf_get_lines(self.buf, row + 1, -1, false)
  while #body > 0 and body[#body]:find("^%s*$") do
    body[#body] = nil
  end
  local added = { "" }
  vim.list_extend(added, lines)
  api.nvim_buf_set_lines(self.buf, row + 1 + #body, -1, false, added)
end

--- Puts the cursor of the current window at the end of the prompt.
function Chat:go_to_prompt()
  local last = api.nvim_buf_line_count(self.buf)
  local line = api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]
  api.nvim_win_set_cursor(0, { last, #line })
end

--- Gives the prompt its heading back if the user took it away: above the text where that is all there is, else at the
--- end.
function Chat:restore_prompt()
  if not vim.bo[self.buf].modifiable then
    return
  end
  if #self:headings() == 0 then
    api.nvim_buf_set_lines(self.buf, 0, 0, false, { USER_HEADING, "" })
    self:mark_heading(places, PROMPT, 0, "GPTHeadingUser")
  end
  self:prompt_row()
end

--- Moves the cursor to another heading.
---@param direction 1|-1
---@param count integer
function Chat:go_to_heading(direction, count)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = self:headings()
  local target
  for _ = 1, count do
    local from, to, by = 1, #found, 1
    if direction < 0 then
      from, to, by = #found, 1, -1
    end
    for index = from, to, by do
      if (found[index].row - row) * direction > 0 then
        target, row = found[index], found[index].row
        break
      end
    end
  end
  if target then
    vim.cmd("normal! m'")
    api.nvim_win_set_cursor(0, { target.row + 1, 0 })
  end
end

--- Remembers text and headings, before `:edit` takes them away.
function Chat:remember()
  local found = self:headings()
  self.remembered = { lines = api.nvim_buf_get_lines(self.buf, 0, -1, false), headings = found }
end

--- Brings back what was remembered.
function Chat:restore()
  local remembered = self.remembered
  if not remembered then
    return
  end
  self.remembered = nil
  api.nvim_buf_set_lines(self.buf, 0, -1, false, remembered.lines)
  for _, heading in ipairs(remembered.headings) do
    local group = self.roles[heading.id] == "assistant" and "GPTHeadingAssistant" or "GPTHeadingUser"
    self:mark_heading(heading.id and headings or places, heading.id or PROMPT, heading.row, group)
  end
  vim.bo[self.buf].modified = false
end

return Chat
