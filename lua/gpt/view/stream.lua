--- An answer as it streams in: appended piece by piece, one undo step, and safe from an undo in the middle of it. These
--- are methods of |gpt.Chat|.
---
--- While an answer is being written, undo concerns what the user did. Undo steps of the stream that lie above those are
--- skipped, and what an undo took away of the answer comes back with the next piece.
local api = vim.api

local Chat = require("gpt.view.regions")
require("gpt.view.undo")
local highlight = require("gpt.view.highlight")
local window = require("gpt.view.window")

local places, ANSWER = Chat.PLACES, Chat.ANSWER
--- Marks over the text of the undo steps: one that is undone makes its mark invalid.
local steps = api.nvim_create_namespace("gpt.steps")

---@class gpt.Step an undo step of the stream
---@field seq integer its number, see |undotree()|
---@field mark integer
---@field pieces string[][]

---@class gpt.Stream
---@field begin integer the undo step that made room for the answer
---@field steps gpt.Step[]
---@field tick integer the buffer's changedtick after the last change of ours

---@param row integer
---@param col integer
function Chat:mark_answer_end(row, col)
  api.nvim_buf_set_extmark(self.buf, places, row, col, { id = ANSWER })
end

--- Marks the answer's end anew, after the step that made room for it was done again.
function Chat:find_answer_end()
  local heading = self:row(self.answer_mark)
  if not heading then
    return
  end
  local row, col = heading + 2, 0
  local applied = self:within(Chat.undo_state).applied
  for _, step in ipairs(self.stream.steps) do
    for _, lines in ipairs(applied[step.seq] and step.pieces or {}) do
      row, col = row + #lines - 1, (#lines == 1 and col or 0) + #lines[#lines]
    end
  end
  local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
  if not line or #line < col or self:has_heading_between(heading, row) then
    row, col = heading + 2, 0
  end
  self:mark_answer_end(row, col)
end

---@param from integer row, itself left out
---@param to integer row
---@return boolean
function Chat:has_heading_between(from, to)
  local marks = api.nvim_buf_get_extmarks(self.buf, Chat.HEADINGS, { from + 1, 0 }, { to, -1 }, { details = true })
  return vim.iter(marks):any(function(mark)
    return not mark[4].invalid
  end)
end

--- A redo leaves the mark of the answer's end below the next heading: puts it back.
---@param heading integer row
function Chat:mend_answer_end(heading)
  local row = self:answer_end()
  if row and (row <= heading or self:has_heading_between(heading, row)) then
    self:find_answer_end()
  end
end

--- Makes room for an answer at `row`.
---@param turn gpt.ShownTurn
---@param row integer
function Chat:begin_answer(turn, row)
  self:note_step()
  self:break_undo() -- the question is one undo step, the answer another
  api.nvim_buf_set_lines(self.buf, row, row, false, { "## " .. turn.label, "", "", "" })
  self.answer, self.label = turn.answer, turn.label
  self.answer_mark = self:mark_heading(row, { role = "assistant", id = turn.answer, label = turn.label })
  self:reshape({ branches = turn.branches })
  self:mark_answer_end(row + 2, 0)
  api.nvim_buf_clear_namespace(self.buf, steps, 0, -1)
  self:note_step()
  self.stream = { begin = self:undo_step(), steps = {}, tick = api.nvim_buf_get_changedtick(self.buf) }
  highlight.begin(self, row + 2)
end

--- The end of the answer that is being written.
---@return integer? row
---@return integer? col
function Chat:answer_end()
  local at = api.nvim_buf_get_extmark_by_id(self.buf, places, ANSWER, {})
  return at[1], at[2]
end

--- Makes the next change part of the last one's undo step, if that was ours too.
---@return boolean joined
function Chat:join_undo()
  local joined = self.stream.tick == api.nvim_buf_get_changedtick(self.buf)
  if joined then
    if api.nvim_get_current_buf() == self.buf then
      api.nvim_command("silent! undojoin")
    else
      self:within(function()
        api.nvim_command("silent! undojoin")
      end)
    end
  end
  return joined
end

--- Whether the user is in insert mode here: then Neovim makes no new undo step by itself, and would take what is typed
--- and what is streamed for one change.
---@return boolean
function Chat:is_typed_in()
  return api.nvim_get_current_buf() == self.buf and api.nvim_get_mode().mode:find("^[iR]") ~= nil
end

--- Writes lines at the end of the answer, as part of the current undo step or as a new one.
---@param lines string[]
---@param joined boolean
function Chat:write(lines, joined)
  local row, col = self:answer_end()
  if not row then
    return
  end
  local typing = self:is_typed_in()
  if typing and not joined then
    self:break_undo()
  end
  api.nvim_buf_set_text(self.buf, row, col, row, col, lines)
  if typing then
    self:break_undo()
  end
  local stream = self.stream
  stream.tick = api.nvim_buf_get_changedtick(self.buf)
  local step = stream.steps[#stream.steps]
  if not step or not joined then
    step = { seq = self:undo_step(), pieces = {}, mark = self:mark_step(row, col) }
    stream.steps[#stream.steps + 1] = step
  end
  step.pieces[#step.pieces + 1] = lines
end

--- Marks the text from there to the end of the answer; what is added to it there is part of it.
---@param row integer
---@param col integer
---@return integer mark
function Chat:mark_step(row, col)
  local end_row, end_col = self:answer_end()
  return api.nvim_buf_set_extmark(self.buf, steps, row, col, {
    end_row = end_row,
    end_col = end_col,
    right_gravity = false,
    end_right_gravity = true,
    invalidate = true,
    undo_restore = true,
  })
end

--- Whether the text of the last undo step is gone: undone, or deleted.
---@return boolean
function Chat:lost_step()
  local step = self.stream.steps[#self.stream.steps]
  if not step then
    return not self:row(self.answer_mark)
  end
  local mark = api.nvim_buf_get_extmark_by_id(self.buf, steps, step.mark, { details = true })
  return mark[1] == nil or mark[3].invalid == true
end

--- The step that an undo was meant for: the user's last one, if only steps of ours were undone.
---@param stream gpt.Stream
---@param state gpt.UndoState
---@return integer? seq
local function meant(stream, state)
  local ours = { [stream.begin] = true }
  for _, step in ipairs(stream.steps) do
    ours[step.seq] = true
  end
  for _, seq in ipairs(state.undone) do
    if not ours[seq] then
      return nil
    end
  end
  local found
  for seq in pairs(state.applied) do
    if seq > stream.begin and not ours[seq] and (not found or seq > found) then
      found = seq
    end
  end
  return found
end

--- Puts right what an undo did to the answer.
function Chat:mend_undo()
  local stream = self.stream
  if stream.tick == api.nvim_buf_get_changedtick(self.buf) or not self:lost_step() then
    return
  end
  local missing = self:within(function()
    local view = vim.fn.winsaveview()
    self:restore_headings() -- sees what was undone
    local state = Chat.undo_state()
    if vim.list_contains(state.undone, stream.begin) then
      vim.cmd("silent! undo " .. stream.begin)
      self:restore_headings()
      self:find_answer_end()
    elseif #state.undone > 0 then
      local seq = meant(stream, state)
      while seq and vim.fn.changenr() >= seq do
        vim.cmd("silent! undo")
      end
    end
    vim.fn.winrestview(view)
    local applied = Chat.undo_state().applied
    return vim.tbl_filter(function(step)
      return not applied[step.seq]
    end, stream.steps)
  end)
  for _, step in ipairs(missing) do
    for index = #stream.steps, 1, -1 do
      if stream.steps[index] == step then
        table.remove(stream.steps, index)
      end
    end
  end
  for number, step in ipairs(missing) do
    for index, lines in ipairs(step.pieces) do
      self:write(lines, (number > 1 or index > 1) and self:join_undo())
    end
  end
end

--- Appends to the answer that is being written.
---@param answer integer
---@param lines string[]
function Chat:append(answer, lines)
  if self.answer ~= answer then
    return
  end
  if self.stream.tick ~= api.nvim_buf_get_changedtick(self.buf) then
    self:mend_undo()
    local heading = self:row(self.answer_mark)
    if not heading then
      return -- the user took the answer away while it was being written: let them have it so
    end
    self:mend_answer_end(heading)
  end
  self:write(lines, self:join_undo())
  vim.bo[self.buf].modified = false
  if self.spinner then
    self:stop_spinner()
  end
  if #lines > 1 then
    local row = self:find_prompt()
    if row then
      window.follow(self.buf, row)
    end
  end
  highlight.wake(self)
end
