--- What stays of a chat when its buffer is loaded anew (`:edit`): all of it. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local drawers = require("gpt.view.drawers")
local guard = require("gpt.view.guard")
local highlight = require("gpt.view.highlight")
local notice = require("gpt.view.notice")

---@class gpt.Remembered
---@field lines string[]
---@field headings gpt.RememberedHeading[]
---@field parts { mark: integer, part: gpt.Part, from: integer[], to: integer[] }[]
---@field answer? integer[] where the answer that is being written goes on
---@field reasoning? integer[]
---@field notice? integer the row of its notice

---@class gpt.RememberedHeading: gpt.Heading
---@field cols integer[] from where to where it goes: something may be typed beside it

---@return gpt.RememberedHeading[]
function Chat:headings_with_cols()
  return vim.tbl_map(function(heading)
    local line = api.nvim_buf_get_lines(self.buf, heading.row, heading.row + 1, false)[1]
    local cols = { self:heading_cols(heading.row, heading.mark, line) }
    return vim.tbl_extend("force", heading, { cols = cols }) -- a copy: the headings are not to be changed
  end, self:headings())
end

--- Remembers text and marks, before `:edit` takes them away.
function Chat:remember()
  local place = function(id)
    local at = self.answer and api.nvim_buf_get_extmark_by_id(self.buf, Chat.PLACES, id, {}) or {}
    return at[1] and at or nil
  end
  self.remembered = {
    lines = api.nvim_buf_get_lines(self.buf, 0, -1, false),
    headings = self:headings_with_cols(),
    parts = self:parts_within(0, api.nvim_buf_line_count(self.buf)),
    answer = place(Chat.ANSWER),
    reasoning = place(Chat.REASONING),
    notice = notice.row(self),
  }
end

--- The lines of the answer that is being written, its heading's among them, unless they are all that there is.
---@param chat gpt.Chat
---@param remembered gpt.Remembered
---@return integer? first
---@return integer last the line after its last one
local function lines_of_answer(chat, remembered)
  for index, heading in ipairs(remembered.headings) do
    if chat.answer and remembered.answer and heading.mark == chat.answer_mark then
      local below = remembered.headings[index + 1]
      local last = below and below.row or #remembered.lines
      return last - heading.row < #remembered.lines and heading.row or nil, last
    end
  end
  return nil, 0
end

--- Marks again what was marked between two lines, which stand there now.
---@param remembered gpt.Remembered
---@param first integer
---@param last integer the line after the last one
---@param by integer how many lines further up they stand now
function Chat:restore_marks(remembered, first, last, by)
  for _, heading in ipairs(remembered.headings) do
    if first <= heading.row and heading.row < last then
      local row, cols = heading.row - by, heading.cols
      local place = { id = heading.mark, end_row = row, end_col = cols[2] }
      api.nvim_buf_set_extmark(self.buf, Chat.HEADINGS, row, cols[1], place)
      self:mark_heading(row, heading.entry, heading.mark, heading.entry.waits)
    end
  end
  for _, found in ipairs(remembered.parts) do
    if first <= found.from[1] and found.from[1] < last then
      self:mark_part(found.from[1] - by, found.to[1] - found.from[1] + 1, found.part, found.mark)
      self:note_part(found.mark)
    end
  end
  self:note_step()
end

--- Puts everything back but the answer that is being written; what was undone before cannot be done again.
---@param remembered gpt.Remembered
---@param first integer the answer's lines
---@param last integer
function Chat:restore_text(remembered, first, last)
  local lines = vim.list_slice(remembered.lines, 1, first)
  vim.list_extend(lines, remembered.lines, last + 1)
  self:without_undo(function() -- an undo would take everything away
    api.nvim_buf_set_lines(self.buf, 0, -1, false, lines)
  end)
  -- What :edit has left of the marks stands somewhere.
  api.nvim_buf_clear_namespace(self.buf, Chat.HEADINGS, 0, -1)
  self.standing = nil
  api.nvim_buf_clear_namespace(self.buf, Chat.PARTS, 0, -1)
  for _, entry in pairs(self.entries) do
    entry.born = nil
  end
  for _, part in pairs(self.parts) do
    part.born = nil
  end
  self.undone, self.newest, self.bundles = {}, nil, {}
  self:restore_marks(remembered, 0, first, 0)
  self:restore_marks(remembered, last, math.huge, last - first)
end

--- Lets the answer that is being written go on where it was. What there is of it and what is to come are one undo step.
---@param remembered gpt.Remembered
---@param first integer its lines
---@param last integer
function Chat:restore_stream(remembered, first, last)
  self:break_undo()
  api.nvim_buf_set_lines(self.buf, first, first, false, vim.list_slice(remembered.lines, first + 1, last))
  self:restore_marks(remembered, first, last, 0)
  self:mark_answer_end(remembered.answer[1], remembered.answer[2])
  if remembered.reasoning then
    self:mark_reasoning_end(remembered.reasoning[1], remembered.reasoning[2])
  end
  local stream = { begin = self:undo_step(), steps = {}, typed = {}, tick = 0 }
  stream.reasoning, stream.refusal = self.stream.reasoning, self.stream.refusal
  local from = { first + 2, 0 }
  local text = self:text_between(from, remembered.answer)
  if text ~= "" then
    local piece = { at = "text", lines = vim.split(text, "\n") }
    stream.steps[1] = { seq = stream.begin, pieces = { piece }, mark = self:mark_step(from[1], from[2]) }
  end
  stream.tick = api.nvim_buf_get_changedtick(self.buf)
  stream.is_read_again = true
  self.stream = stream
  vim.schedule(function()
    if self.stream == stream then
      self:go_on_after_reading()
    end
  end)
end

--- Highlights the messages anew, bit by bit, and follows the answer that is being written.
function Chat:restore_highlights()
  highlight.forget(self)
  local found, ranges = self:headings(), {}
  for index, heading in ipairs(found) do
    if self.answer and heading.mark == self.answer_mark then
      highlight.begin(self, heading.row + 1)
      highlight.wake(self)
    elseif found[index + 1] then
      ranges[#ranges + 1] = { heading.row + 1, found[index + 1].row }
    end
  end
  highlight.gradually(self.buf, ranges)
end

--- Brings back what was remembered.
function Chat:restore()
  local remembered = self.remembered
  if not remembered then
    return
  end
  self.remembered = nil
  local first, last = lines_of_answer(self, remembered)
  if first then
    self:restore_text(remembered, first, last)
    self:restore_stream(remembered, first, last)
  else
    self:restore_text(remembered, #remembered.lines, #remembered.lines)
  end
  if remembered.notice then
    notice.restore(self, remembered.notice)
  end
  self:restore_highlights()
  require("gpt.view.folds").update(self)
  vim.bo[self.buf].modified = false
  guard.watch(self) -- before the others see the text
  vim.bo[self.buf].filetype = vim.bo[self.buf].filetype -- runs FileType again, as for a file: highlighters are gone
  drawers.inform(self.buf)
end

return Chat
