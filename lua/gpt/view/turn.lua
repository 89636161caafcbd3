--- A turn on the screen: what the program asks for, from the question to the end of its answer. These are methods of
--- |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local highlight = require("gpt.view.highlight")
local notice = require("gpt.view.notice")
local window = require("gpt.view.window")

local headings, places = Chat.HEADINGS, Chat.PLACES
local PROMPT, ANSWER = Chat.PROMPT, Chat.ANSWER
local USER_HEADING = Chat.USER_HEADING

---@param chat gpt.Chat
---@param name string
---@param extra? table
local function announce(chat, name, extra)
  local data = vim.tbl_extend("force", { chat = chat.id }, extra or {})
  api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = data })
end

--- Takes a message's heading and text out of the buffer.
---@param id integer
function Chat:remove(id)
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.id == id then
      local next_row = found[index + 1] and found[index + 1].row or -1
      api.nvim_buf_set_lines(self.buf, heading.row, next_row, false, {})
    end
  end
  api.nvim_buf_del_extmark(self.buf, headings, id)
  self.roles[id] = nil
end

--- The prompt becomes a message; a new prompt stands below it.
---@param id integer
---@return integer row where the new prompt's heading stands
function Chat:turn_prompt_into_message(id)
  local row = self:prompt_row()
  api.nvim_buf_del_extmark(self.buf, places, PROMPT)
  self:mark_heading(headings, id, row, "GPTHeadingUser")
  local last = api.nvim_buf_line_count(self.buf)
  while last > row + 2 and api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]:find("^%s*$") do
    last = last - 1
  end
  api.nvim_buf_set_lines(self.buf, last, -1, false, { "", USER_HEADING, "", "" })
  self:mark_heading(places, PROMPT, last + 1, "GPTHeadingUser")
  highlight.once(self.buf, row + 1, last)
  return last + 1
end

--- A message that did not stand in the prompt is put above it.
---@param id integer
---@param lines string[]
---@return integer row where the prompt's heading stands now
function Chat:insert_message(id, lines)
  local row = self:prompt_row()
  local inserted = { USER_HEADING, "" }
  vim.list_extend(inserted, lines)
  inserted[#inserted + 1] = ""
  api.nvim_buf_set_lines(self.buf, row, row, false, inserted)
  self:mark_heading(headings, id, row, "GPTHeadingUser")
  highlight.once(self.buf, row + 2, row + 2 + #lines)
  return row + #inserted
end

--- Whether the prompt still holds the question that was sent, and nothing else.
---@param lines string[] of the question
---@return boolean
function Chat:holds_only(lines)
  local _, prompt = self:snapshot()
  local text = table.concat(lines, "\n")
  if vim.trim(prompt) == vim.trim(text) then
    return true
  end
  -- What is no UTF-8 and what Unicode calls white comes back changed: of that only the rest is compared.
  local function rest(of)
    return (of:gsub("[\128-\255%s%c]", ""))
  end
  return self.pending ~= nil and self.pending.text == prompt and rest(prompt) == rest(text)
end

--- The question was sent, and what stands in the prompt has changed since: the question becomes a message as it was
--- sent, and what is not part of it stays in the prompt.
---@param id integer
---@param lines string[]
---@return integer row where the prompt's heading stands now
function Chat:take_question_from_prompt(id, lines)
  local _, prompt = self:snapshot()
  local row = self:prompt_row()
  local text = vim.trim(table.concat(lines, "\n"))
  local start = #prompt:match("^%s*")
  if text ~= "" and prompt:sub(start + 1, start + #text) == text then
    local taken = prompt:sub(1, start + #text) .. prompt:sub(start + #text + 1):match("^%s*")
    local _, breaks = taken:gsub("\n", "")
    local col = #taken:match("[^\n]*$")
    api.nvim_buf_set_text(self.buf, row + 1, 0, row + 1 + breaks, col, { "", "" })
  end
  return self:insert_message(id, lines)
end

---@class gpt.ShownTurn
---@field removed? integer[]
---@field question? { id: integer, lines: string[], from_prompt: boolean }
---@field answer integer
---@field label string

--- Shows a question, and makes room for its answer.
---@param turn gpt.ShownTurn
function Chat:begin_turn(turn)
  -- All or nothing: where the text is locked (E565) or not modifiable this fails, and is asked for again.
  api.nvim_buf_set_text(self.buf, 0, 0, 0, 0, {})
  notice.clear(self)
  local following = self:windows_at_prompt()
  for _, id in ipairs(turn.removed or {}) do
    self:remove(id)
  end
  local question = turn.question
  local row
  if question then
    self.roles[question.id] = "user"
    if not question.from_prompt then
      row = self:insert_message(question.id, question.lines)
    elseif self:holds_only(question.lines) then
      row = self:turn_prompt_into_message(question.id)
    else
      row = self:take_question_from_prompt(question.id, question.lines)
    end
    self.pending = nil
  else
    row = self:prompt_row()
  end
  api.nvim_buf_set_lines(self.buf, row, row, false, { "## " .. turn.label, "", "", "" })
  self.roles[turn.answer] = "assistant"
  self.answer, self.label = turn.answer, turn.label
  self:mark_heading(headings, turn.answer, row, "GPTHeadingAssistant")
  api.nvim_buf_set_extmark(self.buf, places, row + 2, 0, { id = ANSWER })
  self:after_edit(following)
  highlight.begin(self, row + 2)
  self:start_spinner(row, "waiting")
  self:hear_interrupts(true)
  local provider, model = turn.label:match("^([^/]*)/(.*)$")
  announce(self, "GPTAnswerStarted", { provider = provider, model = model })
end

--- The windows whose cursor is in the prompt: those that follow.
---@return table<integer, true>
function Chat:windows_at_prompt()
  local row = self:prompt_row()
  local found = {}
  for _, win in ipairs(vim.fn.win_findbuf(self.buf)) do
    if api.nvim_win_get_cursor(win)[1] > row then
      found[win] = true
    end
  end
  return found
end

--- Keeps the windows that follow at the end of the buffer.
---@param following table<integer, true>
function Chat:after_edit(following)
  vim.bo[self.buf].modified = false
  local row = self:prompt_row()
  for win in pairs(following) do
    if api.nvim_win_get_cursor(win)[1] <= row + 1 then
      api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(self.buf), 0 })
    end
  end
  window.follow(self.buf, row)
end

--- The model is reasoning: the spinner says so.
---@param answer integer
function Chat:show_reasoning(answer)
  if self.answer == answer and self.spinner then
    self.spinner.what = "thinking"
  end
end

--- Makes the next change part of the last one's undo step, if that was an append too: an answer is one undo step, and
--- what the user changes meanwhile is not part of it.
function Chat:join_undo()
  if self.appended == api.nvim_buf_get_changedtick(self.buf) then
    api.nvim_buf_call(self.buf, function()
      vim.cmd("silent! undojoin")
    end)
  end
end

--- Appends to the answer that is being written.
---@param answer integer
---@param lines string[]
function Chat:append(answer, lines)
  if self.answer ~= answer then
    return
  end
  local untouched = self.appended == api.nvim_buf_get_changedtick(self.buf)
  local at = api.nvim_buf_get_extmark_by_id(self.buf, places, ANSWER, {})
  -- Where nothing has changed since the last token, the heading stands where it stood.
  if not at[1] or not (untouched or self:row(headings, answer)) then
    return -- the user took the answer away while it was being written: let them have it so
  end
  self:join_undo()
  api.nvim_buf_set_text(self.buf, at[1], at[2], at[1], at[2], lines)
  self.appended = api.nvim_buf_get_changedtick(self.buf)
  vim.bo[self.buf].modified = false
  if self.spinner then
    self:stop_spinner()
  end
  if #lines > 1 then
    local row = self:row(places, PROMPT)
    if row then
      window.follow(self.buf, row)
    end
  end
  highlight.wake(self)
end

--- The last line of the answer that is being written.
---@return integer? row
function Chat:answer_end()
  return api.nvim_buf_get_extmark_by_id(self.buf, places, ANSWER, {})[1]
end

local ENDS = { done = "GPTAnswerDone", stopped = "GPTAnswerStopped", failed = "GPTAnswerFailed" }

---@class gpt.ShownEnd
---@field answer integer
---@field outcome "done"|"stopped"|"failed"
---@field notice? gpt.Notice
---@field provider? string
---@field model? string
---@field usage? table
---@field cost? number

--- Ends a turn.
---@param ended gpt.ShownEnd
function Chat:end_turn(ended)
  if self.answer ~= ended.answer then
    return
  end
  self:stop_spinner()
  self:hear_interrupts(false)
  highlight.finish(self)
  self.answer, self.usage, self.cost = nil, ended.usage, ended.cost
  local row = self:answer_end()
  if ended.notice and row then
    notice.place(self, row, ended.notice)
    window.follow(self.buf, self:prompt_row())
  end
  announce(self, ENDS[ended.outcome], {
    provider = ended.provider,
    model = ended.model,
    usage = ended.usage,
    error = ended.outcome == "failed" and ended.notice and ended.notice.title or nil,
  })
  if ended.outcome ~= "stopped" and #vim.fn.win_findbuf(self.buf) == 0 then
    self:come_next()
    local level = ended.outcome == "failed" and "error" or "info"
    local title = ended.outcome == "failed" and ended.notice and ended.notice.title or "The answer is there."
    notice.inform({ level = level, title = title, advice = ":GPTChat shows it." })
  end
end
