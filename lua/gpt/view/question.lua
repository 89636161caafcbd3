--- A question on the screen: how what stands in the prompt becomes a message, or a question that waits. These are methods
--- of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local folds = require("gpt.view.folds")
local highlight = require("gpt.view.highlight")

local USER_HEADING = Chat.USER_HEADING

--- Takes the white lines off the end of the buffer; the prompt's own first ones stay.
---@param row integer the prompt's heading
---@return integer last line after the last one
function Chat:end_of_text(row)
  local last = api.nvim_buf_line_count(self.buf)
  while last > row + 2 and api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]:find("^%s*$") do
    last = last - 1
  end
  return last
end

--- What the prompt says becomes a message, or a question that waits: the line of the next prompt's heading stands below
--- it already.
---@param last integer the line after what it says; the heading's line comes next
---@param entry gpt.Entry
---@return integer row where the next prompt's heading stands
---@return integer mark of the message
function Chat:end_prompt(last, entry)
  local row, mark = self:find_prompt()
  self:mark_heading(last + 1, { role = "user" })
  self:become(mark --[[@as integer]], row --[[@as integer]], entry)
  highlight.once(self.buf, row + 1, last)
  folds.update(self, row)
  return last + 1, mark --[[@as integer]]
end

--- The prompt becomes a message, or a question that waits; a new prompt stands below it.
---@param entry gpt.Entry
---@return integer row where the new prompt's heading stands
---@return integer mark of the message
function Chat:turn_prompt_into(entry)
  self:part_headings()
  local last = self:end_of_text(self:prompt_row())
  api.nvim_buf_set_lines(self.buf, last, -1, false, { "", USER_HEADING, "", "" })
  return self:end_prompt(last, entry)
end

--- Puts a question above what stands in the prompt, as an undo step of its own: an undo of what becomes of it finds it
--- there, like one that was typed.
---@param lines string[]
function Chat:put_first(lines)
  local row, whole = self:prompt_row(), { "" }
  local is_empty = not select(2, self:snapshot()):find("%S")
  vim.list_extend(whole, lines)
  api.nvim_buf_set_lines(self.buf, row + 1, is_empty and -1 or row + 1, false, whole)
  self:note_step()
  self:break_undo()
end

--- The first lines of the prompt become a message, or a question that waits; the rest stays in the prompt.
---@param height integer how many lines
---@param entry gpt.Entry
---@return integer row where the prompt's heading stands now
---@return integer mark of the message
function Chat:split_prompt(height, entry)
  local last = self:prompt_row() + 2 + height
  if not table.concat(api.nvim_buf_get_lines(self.buf, last, -1, false)):find("%S") then
    return self:turn_prompt_into(entry)
  end
  api.nvim_buf_set_lines(self.buf, last, last, false, { "", USER_HEADING })
  return self:end_prompt(last, entry)
end

--- Whether the prompt still holds the question that was sent, and nothing else.
---@param lines string[] of the question
---@param pending? { text: string }
---@return boolean
function Chat:holds_only(lines, pending)
  local _, prompt = self:snapshot()
  local text = table.concat(lines, "\n")
  if vim.trim(prompt) == vim.trim(text) then
    return true
  end
  -- What is no UTF-8 and what Unicode calls white comes back changed: of that only the rest is compared.
  local function rest(of)
    return (of:gsub("[\128-\255%s%c]", ""))
  end
  return pending ~= nil and pending.text == prompt and rest(prompt) == rest(text)
end

--- The question was sent, and what stands in the prompt has changed since: the question becomes a message as it was
--- sent, and what is not part of it stays in the prompt.
---@param entry gpt.Entry
---@param lines string[]
---@param typed? string what was sent, where that has become another question
---@return integer row where the answer goes
function Chat:take_question_from_prompt(entry, lines, typed)
  local _, prompt = self:snapshot()
  local row = self:prompt_row()
  local text = vim.trim(typed or table.concat(lines, "\n"))
  local start = #prompt:match("^%s*")
  if text ~= "" and prompt:sub(start + 1, start + #text) == text then
    local taken = prompt:sub(1, start + #text) .. prompt:sub(start + #text + 1):match("^%s*")
    local _, breaks = taken:gsub("\n", "")
    local col = #taken:match("[^\n]*$")
    api.nvim_buf_set_text(self.buf, row + 1, 0, row + 1 + breaks, col, { "", "" })
  end
  return self:insert_message(self:tail_row(), entry, lines)
end

---@class gpt.ShownQuestion
---@field id integer
---@field lines string[]
---@field origin "prompt"|"queue"|"command"

--- Whether a question may name an action: whether there is one of that name only the program knows.
---@param text string
---@return boolean
function Chat.names_action(text)
  return ("\n" .. vim.trim(text)):find("\n/[^%s/]") ~= nil
end

--- Whether what was typed has become another question: an action that it names was put in its place.
---@param question gpt.ShownQuestion
---@param pending? { text: string }
---@return boolean
local function is_expanded(question, pending)
  local typed = pending and vim.trim(pending.text) or ""
  return Chat.names_action(typed) and typed ~= vim.trim(table.concat(question.lines, "\n"))
end

--- Puts a command's question into the prompt as it was typed, before it becomes a message there.
---@param question gpt.ShownQuestion
function Chat:put_as_typed(question)
  local expanded = is_expanded(question, self.pending)
  self:put_first(expanded and vim.split(vim.trim(self.pending.text), "\n") or question.lines)
end

--- Makes a question a message, where it stands.
---@param question gpt.ShownQuestion
---@return integer row where the answer goes
function Chat:place_question(question)
  local entry = { role = "user", id = question.id }
  local pending = self.pending
  self.pending = nil
  local expanded = is_expanded(question, pending)
  if question.origin == "command" and not expanded then
    return (self:split_prompt(#question.lines, entry))
  elseif question.origin == "prompt" and not expanded and self:holds_only(question.lines, pending) then
    return (self:turn_prompt_into(entry))
  elseif question.origin ~= "queue" then
    return self:take_question_from_prompt(entry, question.lines, expanded and pending.text or nil)
  end
  local waits = question.origin == "queue" and pending and pending.mark and self:row(pending.mark)
  if waits and expanded then
    self:drop_waiting(pending.mark)
    return self:insert_message(self:tail_row(), entry, question.lines)
  end
  if waits and waits ~= self:find_prompt() then
    self:become(pending.mark, waits, entry)
    return self:tail_row()
  end
  return self:insert_message(self:tail_row(), entry, question.lines)
end

--- Whether the last change was only made to send the question whose turn begins.
---@return boolean
function Chat:is_prepared()
  local prepared, pending = self.prepared, self.pending
  local same = prepared and prepared.tick == api.nvim_buf_get_changedtick(self.buf)
  return same == true and pending ~= nil and pending.mark == prepared.mark
end

return Chat
