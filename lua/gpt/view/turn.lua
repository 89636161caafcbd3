--- A turn on the screen: what the program asks for, from the question to the end of its answer. These are methods of
--- |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local folds = require("gpt.view.folds")
local cut = require("gpt.view.cut")
local drawers = require("gpt.view.drawers")
local facts = require("gpt.view.facts")
local gauge = require("gpt.view.gauge")
local highlight = require("gpt.view.highlight")
local notice = require("gpt.view.notice")
local rules = require("gpt.view.rules")
local window = require("gpt.view.window")
local words = require("gpt.words")

---@param chat gpt.Chat
---@param name string
---@param extra? table
local function announce(chat, name, extra)
  local data = vim.tbl_extend("force", { chat = chat.id }, extra or {})
  api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = data })
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

--- After an undo: the same of the messages that are shown again.
function Chat:redraw_window()
  local state = gauge.of_shown(self)
  cut.show(self, state.cut)
  self.estimate, self.counted = state.estimate, state.counted
  window.retitle(self)
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
    self:put_as_typed(asked)
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
  self.facts[ended.answer] = facts.of({ usage = ended.usage, cost = ended.cost, cut = ended.outcome == "cut" })
  self.cuts[ended.answer] = ended.outcome == "cut" or nil
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

local ENDS = {
  done = "GPTAnswerDone",
  stopped = "GPTAnswerStopped",
  cut = "GPTAnswerFailed",
  failed = "GPTAnswerFailed",
}

---@class gpt.ShownEnd
---@field answer integer
---@field outcome "done"|"stopped"|"cut"|"failed"
---@field finish? string the provider's word for an answer that was cut
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
  self:go_on_after_reading()
  self:end_typing()
  self:mend_undo() -- what no later piece has put right
  if #(ended.parts or {}) > 0 then
    self:write_parts(ended.parts)
  end
  highlight.finish(self)
  self:show_facts(ended)
  self:forget_steps()
  self:bundle(self.stream)
  self.answer, self.stream, self.usage, self.cost = nil, nil, ended.usage, ended.cost
  folds.update(self, self:row(self.answer_mark) or 0)
  self.counted = ended.usage and ended.usage.input > 0 and ended.usage or nil
  gauge.remember(self)
  window.retitle(self)
  drawers.inform(self.buf)
  local row = self:answer_end()
  if ended.notice and row then
    notice.place(self, row, ended.notice)
    window.follow(self.buf, self:prompt_row())
  end
  local broken = ENDS[ended.outcome] == "GPTAnswerFailed" and ended.notice or nil
  announce(self, ENDS[ended.outcome], {
    provider = ended.provider,
    model = ended.model,
    usage = ended.usage,
    error = broken and broken.title or nil,
    finish = ended.finish,
  })
  local wanted = broken or ended.outcome == "failed" or (ended.outcome == "done" and not self.aside)
  if wanted and #vim.fn.win_findbuf(self.buf) == 0 then
    self:come_next()
    local title = broken and broken.title or words("view.answer_there")
    notice.inform({ level = broken and broken.level or "info", title = title, advice = words("view.chat_shows") })
  end
  self:go_on(ended.outcome == "done")
end
