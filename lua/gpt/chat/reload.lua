--- Keeps all of a chat when its buffer is loaded anew (`:edit`): text, headings, parts and the answer under way.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local folds = require("gpt.chat.folds")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local markdown_plugins = require("gpt.chat.markdown_plugins")
local notices = require("gpt.chat.notices")
local parser_guard = require("gpt.chat.parser_guard")
local pieces = require("gpt.chat.pieces")
local places = require("gpt.chat.places")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")

local M = {}

---@class (partial) gpt.Chat
---@field remembered? gpt.Remembered

---@class gpt.Remembered
---@field lines string[]
---@field headings gpt.RememberedHeading[]
---@field parts { mark: integer, part: gpt.Part, from: integer[], to: integer[] }[]
---@field answer? integer[] where the answer that is being written goes on
---@field reasoning? integer[]
---@field notice? integer the row of its notice

---@class gpt.RememberedHeading: gpt.Heading
---@field cols integer[] from where to where it goes: something may be typed beside it

---@param chat gpt.Chat
---@return gpt.RememberedHeading[]
local function headings_with_cols(chat)
  return vim.tbl_map(function(heading)
    local line = api.nvim_buf_get_lines(chat.buf, heading.row, heading.row + 1, false)[1]
    local cols = { headings.cols(chat, heading.row, heading.mark, line) }
    return vim.tbl_extend("force", heading, { cols = cols }) -- a copy: the headings are not to be changed
  end, headings.all(chat))
end

--- Remembers text and marks, before `:edit` takes them away.
---@param chat gpt.Chat
function M.remember(chat)
  local place = function(end_of)
    local row, col = end_of(chat)
    return chat.answer and row and { row, col } or nil
  end
  chat.remembered = {
    lines = api.nvim_buf_get_lines(chat.buf, 0, -1, false),
    headings = headings_with_cols(chat),
    parts = answer_parts.within(chat, 0, api.nvim_buf_line_count(chat.buf)),
    answer = place(places.answer),
    reasoning = place(places.reasoning),
    notice = notices.row(chat),
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
---@param chat gpt.Chat
---@param remembered gpt.Remembered
---@param first integer
---@param last integer the line after the last one
---@param by integer how many lines further up they stand now
local function restore_marks(chat, remembered, first, last, by)
  for _, heading in ipairs(remembered.headings) do
    if first <= heading.row and heading.row < last then
      local row, cols = heading.row - by, heading.cols
      local place = { id = heading.mark, end_row = row, end_col = cols[2] }
      api.nvim_buf_set_extmark(chat.buf, headings.SPACE, row, cols[1], place)
      headings.mark(chat, row, heading.entry, heading.mark, heading.entry.waits)
    end
  end
  for _, found in ipairs(remembered.parts) do
    if first <= found.from[1] and found.from[1] < last then
      answer_parts.mark(chat, found.from[1] - by, found.to[1] - found.from[1] + 1, found.part, found.mark)
      answer_parts.note(chat, found.mark)
    end
  end
  undo_steps.note(chat)
end

--- Puts everything back but the answer that is being written; what was undone before cannot be done again.
---@param chat gpt.Chat
---@param remembered gpt.Remembered
---@param first integer the answer's lines
---@param last integer
local function restore_text(chat, remembered, first, last)
  local lines = vim.list_slice(remembered.lines, 1, first)
  vim.list_extend(lines, remembered.lines, last + 1)
  undo.without(chat, function() -- an undo would take everything away
    api.nvim_buf_set_lines(chat.buf, 0, -1, false, lines)
  end)
  -- What :edit has left of the marks stands somewhere.
  api.nvim_buf_clear_namespace(chat.buf, headings.SPACE, 0, -1)
  chat.standing = nil
  api.nvim_buf_clear_namespace(chat.buf, answer_parts.SPACE, 0, -1)
  for _, entry in pairs(chat.entries) do
    entry.born = nil
  end
  for _, part in pairs(chat.parts) do
    part.born = nil
  end
  chat.undone, chat.newest, chat.bundles = {}, nil, {}
  restore_marks(chat, remembered, 0, first, 0)
  restore_marks(chat, remembered, last, math.huge, last - first)
end

--- Lets the answer that is being written go on where it was. What there is of it and what is to come are one undo step.
---@param chat gpt.Chat
---@param remembered gpt.Remembered
---@param first integer its lines
---@param last integer
local function restore_stream(chat, remembered, first, last)
  undo.break_step(chat)
  api.nvim_buf_set_lines(chat.buf, first, first, false, vim.list_slice(remembered.lines, first + 1, last))
  restore_marks(chat, remembered, first, last, 0)
  places.mark_answer(chat, remembered.answer[1], remembered.answer[2])
  if remembered.reasoning then
    places.mark_reasoning(chat, remembered.reasoning[1], remembered.reasoning[2])
  end
  local stream = { begin = undo.step(chat), steps = {}, typed = {}, tick = 0 }
  stream.reasoning, stream.refusal = chat.stream.reasoning, chat.stream.refusal
  local from = { first + 2, 0 }
  local text = answer_parts.text_between(chat, from, remembered.answer)
  if text ~= "" then
    local piece = { at = "text", lines = vim.split(text, "\n") }
    stream.steps[1] = { seq = stream.begin, pieces = { piece }, mark = pieces.mark_step(chat, from[1], from[2]) }
  end
  stream.tick = api.nvim_buf_get_changedtick(chat.buf)
  stream.is_read_again = true
  chat.stream = stream
  vim.schedule(function()
    if chat.stream == stream then
      pieces.go_on_after_reading(chat)
    end
  end)
end

--- Highlights the messages anew, bit by bit, and follows the answer that is being written.
---@param chat gpt.Chat
local function restore_highlights(chat)
  highlight.forget(chat)
  local found, ranges = headings.all(chat), {}
  for index, heading in ipairs(found) do
    if chat.answer and heading.mark == chat.answer_mark then
      highlight.begin(chat, heading.row + 1)
      highlight.wake(chat)
    elseif found[index + 1] then
      ranges[#ranges + 1] = { heading.row + 1, found[index + 1].row }
    end
  end
  highlight.gradually(chat.buf, ranges)
end

--- Brings back what was remembered.
---@param chat gpt.Chat
function M.restore(chat)
  local remembered = chat.remembered
  if not remembered then
    return
  end
  chat.remembered = nil
  local first, last = lines_of_answer(chat, remembered)
  if first then
    restore_text(chat, remembered, first, last)
    restore_stream(chat, remembered, first, last)
  else
    restore_text(chat, remembered, #remembered.lines, #remembered.lines)
  end
  if remembered.notice then
    notices.restore(chat, remembered.notice)
  end
  restore_highlights(chat)
  folds.update(chat)
  vim.bo[chat.buf].modified = false
  parser_guard.watch(chat) -- before the others see the text
  vim.bo[chat.buf].filetype = vim.bo[chat.buf].filetype -- runs FileType again, as for a file: highlighters are gone
  markdown_plugins.inform(chat.buf)
end

return M
