--- What stays of a chat when its buffer is loaded anew (`:edit`): all of it. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local highlight = require("gpt.view.highlight")

--- How many messages are highlighted again, from the last one on.
local MOST_HIGHLIGHTED = 50

---@class gpt.Remembered
---@field lines string[]
---@field headings gpt.Heading[]
---@field parts { mark: integer, part: gpt.Part, from: integer[], to: integer[] }[]
---@field answer? integer[] where the answer that is being written goes on
---@field reasoning? integer[]

--- Remembers text and marks, before `:edit` takes them away.
function Chat:remember()
  local place = function(id)
    local at = self.answer and api.nvim_buf_get_extmark_by_id(self.buf, Chat.PLACES, id, {}) or {}
    return at[1] and at or nil
  end
  self.remembered = {
    lines = api.nvim_buf_get_lines(self.buf, 0, -1, false),
    headings = self:headings(),
    parts = self:parts_within(0, api.nvim_buf_line_count(self.buf)),
    answer = place(Chat.ANSWER),
    reasoning = place(Chat.REASONING),
  }
end

--- Marks again what was marked; what was undone before cannot be done again.
---@param remembered gpt.Remembered
function Chat:restore_marks(remembered)
  for _, entry in pairs(self.entries) do
    entry.born = nil
  end
  for _, part in pairs(self.parts) do
    part.born = nil
  end
  for _, heading in ipairs(remembered.headings) do
    self:mark_heading(heading.row, heading.entry, heading.mark, heading.entry.waits)
  end
  for _, found in ipairs(remembered.parts) do
    self:mark_part(found.from[1], found.to[1] - found.from[1] + 1, found.part, found.mark)
    self:note_part(found.mark)
  end
  self.undone, self.newest = {}, nil
  self:note_step()
end

--- Lets the answer that is being written go on where it was.
---@param remembered gpt.Remembered
function Chat:restore_stream(remembered)
  if not self.answer or not remembered.answer then
    return
  end
  self:mark_answer_end(remembered.answer[1], remembered.answer[2])
  if remembered.reasoning then
    self:mark_reasoning_end(remembered.reasoning[1], remembered.reasoning[2])
  end
  local tick = api.nvim_buf_get_changedtick(self.buf)
  self.stream = { begin = self:undo_step(), steps = {}, tick = tick, reasoning = self.stream.reasoning }
end

--- Highlights the messages anew, and follows the answer that is being written.
function Chat:restore_highlights()
  local found = self:headings()
  for index = math.max(1, #found - MOST_HIGHLIGHTED), #found do
    local heading = found[index]
    if self.answer and heading.mark == self.answer_mark then
      highlight.begin(self, heading.row + 1)
      highlight.wake(self)
    elseif found[index + 1] then
      highlight.once(self.buf, heading.row + 1, found[index + 1].row)
    end
  end
end

--- Brings back what was remembered.
function Chat:restore()
  local remembered = self.remembered
  if not remembered then
    return
  end
  self.remembered = nil
  vim.bo[self.buf].undolevels = -1 -- an undo would take everything away
  api.nvim_buf_set_lines(self.buf, 0, -1, false, remembered.lines)
  vim.bo[self.buf].undolevels = -123456
  self:restore_marks(remembered)
  self:restore_stream(remembered)
  self:restore_highlights()
  require("gpt.view.folds").update(self)
  vim.bo[self.buf].modified = false
end

return Chat
