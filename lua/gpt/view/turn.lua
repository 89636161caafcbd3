--- A turn on the screen: what the program asks for, from the question to the end of its answer. These are methods of
--- |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local folds = require("gpt.view.folds")
local cut = require("gpt.view.cut")
local facts = require("gpt.view.facts")
local gauge = require("gpt.view.gauge")
local highlight = require("gpt.view.highlight")
local notice = require("gpt.view.notice")
local rules = require("gpt.view.rules")
local window = require("gpt.view.window")
local words = require("gpt.words")

local USER_HEADING = Chat.USER_HEADING

---@param chat gpt.Chat
---@param name string
---@param extra? table
local function announce(chat, name, extra)
  local data = vim.tbl_extend("force", { chat = chat.id }, extra or {})
  api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = data })
end

--- Takes a message's heading and text out of the buffer. Its mark stays: undo brings both back. A question that an undo
--- has made the prompt again stays, though its heading knows the message that it was.
---@param id integer
function Chat:remove(id)
  local found, prompt = self:headings(), self:find_prompt()
  for index, heading in ipairs(found) do
    if heading.entry.id == id and heading.row ~= prompt then
      local next_row = found[index + 1] and found[index + 1].row or -1
      api.nvim_buf_set_lines(self.buf, heading.row, next_row, false, {})
      return
    end
  end
end

--- Gives a heading the number of the message that it has become.
---@param heading gpt.Heading
---@param changes table fields of the entry
function Chat:change_heading(heading, changes)
  self:mark_heading(heading.row, vim.tbl_extend("force", heading.entry, changes), heading.mark)
end

--- Makes a heading of the user's that of a message, or of a question that waits.
---@param mark integer
---@param row integer
---@param entry gpt.Entry
function Chat:become(mark, row, entry)
  local before = self.entries[mark]
  entry.born, entry.row = before.born, before.row
  self:mark_heading(row, entry, mark, entry.id == nil)
end

---@class gpt.Shape
---@field renamed? integer[][] `{ old, new }`
---@field removed? integer[]
---@field branches? table[] `{ id, "2/3" }`

--- Gives a heading the number that its message has in another branch, until the change of its text is undone.
---@param heading gpt.Heading
---@param id integer
---@param step? integer the last undo step before the program took the change over
function Chat:renumber(heading, id, step)
  local entry, renamed = heading.entry, heading.entry.renamed
  if step and id ~= entry.id then
    renamed = vim.list_extend({}, renamed or {})
    renamed[#renamed + 1] = { seq = step, from = entry.id, to = id }
  end
  entry.branch = self.places[id]
  self:change_heading(heading, { id = id, renamed = renamed })
end

--- The number of a heading's message as its text stands after an undo or a redo.
---@param entry gpt.Entry
---@param applied table<integer, true>
---@return integer? id
local function number_of(entry, applied)
  local renamed = entry.renamed or {}
  local id = renamed[1] and renamed[1].from or entry.id
  for _, one in ipairs(renamed) do
    id = applied[one.seq] and one.to or id
  end
  return id
end

--- Brings the messages that are shown into the shape that the conversation has.
---@param shape gpt.Shape
---@param step? integer the last undo step before this
function Chat:reshape(shape, step)
  local numbers, places = {}, {}
  self.places = shape.branches and places or self.places
  for _, pair in ipairs(shape.renamed or {}) do
    numbers[pair[1]] = pair[2]
  end
  for _, pair in ipairs(shape.branches or {}) do
    places[pair[1]] = pair[2]
  end
  for _, heading in ipairs(self:headings()) do
    local entry = heading.entry
    local id = numbers[entry.id] or entry.id
    if id and (id ~= entry.id or entry.branch ~= places[id]) then
      self:renumber(heading, id, step)
    end
  end
  for _, id in ipairs(shape.removed or {}) do
    self:remove(id)
  end
end

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

--- What is shown of an answer beside its text.
---@class gpt.Beside
---@field reasoning? string[]
---@field refused? boolean
---@field parts? gpt.ShownPart[]
---@field facts? gpt.ShownFacts

---@class gpt.Placed a part, and where it is in its message
---@field from integer
---@field kind string
---@field lines string[]

--- The lines of a message below its heading, and where its parts are in them, counted from 1.
---@param lines string[]
---@param beside gpt.Beside
---@return string[] whole
---@return gpt.Placed[] parts
local function compose(lines, beside)
  local whole, parts = { "" }, {}
  local function add(kind, added)
    parts[#parts + 1] = { from = #whole + 1, kind = kind, lines = added }
    vim.list_extend(whole, added)
    whole[#whole + 1] = ""
  end
  if #(beside.reasoning or {}) > 0 and Chat.shows_reasoning() then
    add("reasoning", Chat.reasoning_lines(beside.reasoning --[[@as string[] ]]))
  end
  if beside.refused then
    add("refusal", lines)
  else
    vim.list_extend(whole, lines)
    whole[#whole + 1] = ""
  end
  for _, part in ipairs(beside.parts or {}) do
    add(part.kind, part.lines)
  end
  return whole, parts
end

--- The lines of a message, its heading first, and what stands beside its text.
---@param entry gpt.Entry
---@param lines string[]
---@param beside? gpt.Beside
---@return string[] lines
---@return gpt.Placed[] parts
local function whole_of(entry, lines, beside)
  local whole, parts = compose(lines, beside or {})
  local heading = entry.role == "user" and USER_HEADING or "## " .. entry.label
  return vim.list_extend({ heading }, whole), parts
end

--- Makes a message of lines that are in the buffer.
---@param row integer its heading
---@param entry gpt.Entry
---@param beside? gpt.Beside
---@param parts gpt.Placed[]
---@return integer row its text
function Chat:dress_message(row, entry, beside, parts)
  local known = beside and beside.facts
  if known then
    self.facts[entry.id] = facts.of(known)
  end
  entry.facts = entry.id and self.facts[entry.id]
  self:mark_heading(row, entry)
  local text = row + 2
  for _, part in ipairs(parts) do
    self:dress_part(row + part.from, part)
    text = part.kind == "reasoning" and text + #part.lines + 1 or text
  end
  return text
end

--- Puts a message into the buffer.
---@param row integer where its heading goes
---@param entry gpt.Entry
---@param lines string[]
---@param beside? gpt.Beside
---@return integer row what stood there stands here now
function Chat:insert_message(row, entry, lines, beside)
  local inserted, parts = whole_of(entry, lines, beside)
  api.nvim_buf_set_lines(self.buf, row, row, false, inserted)
  local text = self:dress_message(row, entry, beside, parts)
  highlight.once(self.buf, text, text + #lines)
  folds.update(self, row)
  return row + #inserted
end

--- Puts messages into the buffer, all at once: a long chat is there sooner so. They are highlighted bit by bit.
---@param row integer where the first heading goes
---@param messages gpt.ShownMessage[]
---@return integer row what stood there stands here now
function Chat:insert_messages(row, messages)
  local all, highlights, placed = {}, {}, {}
  for _, message in ipairs(messages) do
    local entry = { role = message.role, id = message.id, label = message.label }
    local lines, parts = whole_of(entry, message.lines, message)
    placed[#placed + 1] = { row = row + #all, entry = entry, parts = parts }
    vim.list_extend(all, lines)
  end
  api.nvim_buf_set_lines(self.buf, row, row, false, all)
  for index, message in ipairs(messages) do
    local one = placed[index]
    local text = self:dress_message(one.row, one.entry, message, one.parts)
    highlights[index] = { text, text + #message.lines }
  end
  folds.update(self, row)
  highlight.gradually(self.buf, highlights)
  return row + #all
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

--- Shows how much of the model's window is taken, and where that begins which is sent.
---@param shown { estimate?: integer, cut?: gpt.ShownCut, rules?: string }
function Chat:show_window(shown)
  cut.show(self, shown.cut)
  rules.show(self, shown.rules)
  self.estimate, self.counted = shown.estimate, nil
  gauge.remember(self)
  window.retitle(self)
end

--- After an undo: says of the messages that are shown again what is known of them.
function Chat:redraw_known()
  local applied = self:within(Chat.undo_state).applied
  for _, heading in ipairs(self:headings()) do
    local entry = heading.entry
    local id = number_of(entry, applied)
    local place = id and self.places[id]
    if entry.id ~= id or entry.branch ~= place then
      entry.id, entry.branch = id, place
      self:mark_heading(heading.row, entry, heading.mark, entry.waits)
    end
  end
  if not self.answer then
    local state = gauge.of_shown(self)
    cut.show(self, state.cut)
    self.estimate, self.counted = state.estimate, state.counted
    window.retitle(self)
  end
end

--- Whether the last change was only made to send the question whose turn begins.
---@return boolean
function Chat:is_prepared()
  local prepared, pending = self.prepared, self.pending
  local same = prepared and prepared.tick == api.nvim_buf_get_changedtick(self.buf)
  return same == true and pending ~= nil and pending.mark == prepared.mark
end

---@class gpt.ShownTurn: gpt.Shape
---@field question? gpt.ShownQuestion
---@field answer integer
---@field label string
---@field estimate? integer tokens of the request
---@field cut? gpt.ShownCut
---@field rules? string which rules of the project are sent along

--- Shows a question, and makes room for its answer.
---@param turn gpt.ShownTurn
function Chat:begin_turn(turn)
  -- All or nothing: where the text is locked (E565) or not modifiable this fails, and is asked for again.
  -- At the last line, since Neovim takes a line off a fold that begins where nothing is changed.
  local step = self:undo_step()
  local prepared = self:is_prepared()
  if prepared then
    self:join_last_step() -- what has only been done to send the question is part of it
  else
    self:break_undo()
  end
  api.nvim_buf_set_text(self.buf, -1, 0, -1, 0, {})
  local tick = not prepared and api.nvim_buf_get_changedtick(self.buf)
  self.in_flight = nil
  local asked = turn.question
  if asked and asked.origin == "command" then
    local expanded = is_expanded(asked, self.pending)
    self:put_first(expanded and vim.split(vim.trim(self.pending.text), "\n") or asked.lines)
  end
  notice.clear(self)
  local following = self:windows_at_prompt()
  self:reshape(turn, step)
  local row = turn.question and self:place_question(turn.question) or self:tail_row()
  if tick ~= api.nvim_buf_get_changedtick(self.buf) then
    self:note_step()
    self:break_undo() -- the question is one undo step, the answer another
  end
  self:begin_answer(turn, row)
  folds.update(self, row)
  self:show_window(turn)
  self:after_edit(following)
  self:start_spinner(row, words("view.waiting"))
  self:hear_interrupts(true)
  self:note_said()
  local provider, model = turn.label:match("^([^/]*)/(.*)$")
  announce(self, "GPTAnswerStarted", { provider = provider, model = model })
  self:send_again()
end

--- What was sent once more before this turn was shown waits now, if it is not what has just become a message.
function Chat:send_again()
  local again = self.again
  self.again = nil
  if again and select(2, self:snapshot()):find("%S") then
    self:enqueue()
  end
end

---@class gpt.ShownBranch: gpt.Shape
---@field messages? gpt.ShownMessage[]
---@field longer? table[] `{ id, lines }`: what is added to messages that are shown
---@field notice? gpt.Notice about the last message
---@field recalled? boolean whether the chat comes from the history
---@field others? boolean whether somebody else has written this
---@field estimate? integer tokens of what would be sent of it
---@field cut? gpt.ShownCut

---@class gpt.ShownMessage: gpt.Beside
---@field id integer
---@field role "user"|"assistant"
---@field label string
---@field lines string[]

--- Adds lines to a message that is shown: they continue its last one.
---@param id integer
---@param lines string[]
function Chat:lengthen(id, lines)
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.entry.id == id then
      local last = found[index + 1] and found[index + 1].row - 1 or api.nvim_buf_line_count(self.buf)
      local row = last - 1
      while row > heading.row + 2 and api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1] == "" do
        row = row - 1
      end
      local col = #api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
      api.nvim_buf_set_text(self.buf, row, col, row, col, lines)
    end
  end
end

--- Puts messages above the prompt.
---@param branch gpt.ShownBranch
---@param step? integer the last undo step before this
---@return integer? first row of the first one
---@return integer row after the last one
function Chat:insert_branch(branch, step)
  self:reshape(branch, step)
  for _, pair in ipairs(branch.longer or {}) do
    self:lengthen(pair[1], pair[2])
  end
  local row = self:tail_row()
  local first
  if branch.messages and #branch.messages > 0 then
    first, row = row, self:insert_messages(row, branch.messages)
  end
  self:reshape({ branches = branch.branches })
  self:note_said()
  self:note_step()
  return first, row
end

--- Whether a branch changes the text: where what the user has changed or undone was only taken over, it does not.
---@param branch gpt.ShownBranch
---@return boolean
function Chat:is_changed_by(branch)
  local taken = vim.iter(branch.removed or {}):any(function(id)
    return self:heading_of(id) ~= nil
  end)
  return taken or #(branch.messages or {}) + #(branch.longer or {}) > 0
end

--- Shows another branch of the conversation, or what is new in it.
---@param branch gpt.ShownBranch
function Chat:show_branch(branch)
  local step = self:undo_step()
  if self:is_changed_by(branch) then
    self:break_undo()
    api.nvim_buf_set_text(self.buf, 0, 0, 0, 0, {})
  end
  if not branch.recalled and not branch.others then
    self.in_flight = nil
  end
  local following = self:windows_at_prompt()
  notice.clear(self)
  local first, row
  if branch.recalled then
    self:without_undo(function()
      first, row = self:insert_branch(branch)
    end)
  else
    first, row = self:insert_branch(branch, step)
  end
  self:show_window(branch)
  local stays = branch.recalled or branch.others or not first
  self:after_edit(stays and following or {})
  if branch.notice then
    notice.place(self, math.max(row - 2, 0), branch.notice)
    window.follow(self.buf, self:prompt_row())
  end
  if not stays and api.nvim_get_current_buf() == self.buf then
    api.nvim_win_set_cursor(0, { first + 1, 0 })
  end
  if self.in_flight or self.answer then
    return
  elseif self.again then
    self.again = nil
    self:send()
  else
    self:go_on(true)
  end
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
    window.fill(win)
  end
  window.follow(self.buf, row)
end

--- Shows at its heading what is known of an answer.
---@param ended gpt.ShownEnd
function Chat:show_facts(ended)
  self.facts[ended.answer] = facts.of(ended)
  local mark = self.answer_mark
  local row = mark and self:row(mark)
  if row then
    local entry = self.entries[mark]
    entry.facts = self.facts[ended.answer]
    self:mark_heading(row, entry, mark)
  end
end

--- Writes what stands below the text of the answer, as part of its undo step.
---@param parts gpt.ShownPart[]
function Chat:write_parts(parts)
  for _, part in ipairs(parts) do
    local lines = { "", "" }
    vim.list_extend(lines, part.lines)
    local row = self:answer_end()
    if row and self:row(self.answer_mark) then
      self:write({ at = "text", lines = lines }, self:join_undo())
      self:dress_part(self:answer_end() - #part.lines + 1, part)
    end
  end
  vim.bo[self.buf].modified = false
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
---@field parts? gpt.ShownPart[]

--- Ends a turn.
---@param ended gpt.ShownEnd
function Chat:end_turn(ended)
  if self.answer ~= ended.answer then
    return
  end
  self:stop_spinner()
  self:hear_interrupts(false)
  if #(ended.parts or {}) > 0 then
    self:mend_undo()
    self:write_parts(ended.parts)
  end
  highlight.finish(self)
  self:show_facts(ended)
  self:forget_steps()
  self.answer, self.stream, self.usage, self.cost = nil, nil, ended.usage, ended.cost
  folds.update(self, self:row(self.answer_mark) or 0)
  self.counted = ended.usage and ended.usage.input > 0 and ended.usage or nil
  gauge.remember(self)
  window.retitle(self)
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
  local wanted = ended.outcome == "failed" or (ended.outcome == "done" and not self.aside)
  if wanted and #vim.fn.win_findbuf(self.buf) == 0 then
    self:come_next()
    local level = ended.outcome == "failed" and "error" or "info"
    local title = ended.outcome == "failed" and ended.notice and ended.notice.title or words("view.answer_there")
    notice.inform({ level = level, title = title, advice = words("view.chat_shows") })
  end
  self:go_on(ended.outcome == "done")
end
