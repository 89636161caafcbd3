--- Writes the pieces of an answer that streams in, and knows the undo steps that they are.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local places = require("gpt.chat.places")
local undo = require("gpt.chat.undo")

local M = {}

---@class (partial) gpt.Chat
---@field answer? integer the answer that is being written
---@field answer_mark? integer its heading
---@field stream? gpt.Stream
---@field label? string `provider/model` of that answer

--- Marks over the text of the undo steps: one that is undone makes its mark invalid.
local steps = api.nvim_create_namespace("gpt.steps")

---@class gpt.Step an undo step of the stream
---@field seq integer its number, see |undotree()|
---@field mark integer
---@field pieces gpt.Piece[]

---@class gpt.Piece what was written at once
---@field at "text"|"reasoning"|"frame" where: at the answer's end, at that of its reasoning, above the text
---@field lines string[]

---@class gpt.Stream
---@field begin integer the undo step that made room for the answer
---@field steps gpt.Step[]
---@field tick integer the buffer's changedtick after the last change of ours
---@field reasoning? integer the mark of the answer's reasoning
---@field refusal? integer the mark of a refusal
---@field is_read_again? boolean whether `:edit` has just read the buffer again, which counts its own end as a change
---@field typed gpt.Typed[] when the user was in insert mode meanwhile
---@field line? integer how far below the prompt's heading the cursor was, if it was there

--- Where a place is once these lines are written there.
---@param place integer[]
---@param lines string[]
---@return integer[]
local function after(place, lines)
  return { place[1] + #lines - 1, (#lines == 1 and place[2] or 0) + #lines[#lines] }
end

--- Where the answer goes on once some pieces are written.
---@param start integer[] where the answer begins
---@param pieces gpt.Piece[]
---@return integer[] answer
local function place_after(start, pieces)
  local answer = start
  for _, piece in ipairs(pieces) do
    answer = piece.at == "text" and after(answer, piece.lines) or { answer[1] + #piece.lines - 1, answer[2] }
  end
  return answer
end

--- The end of the last line of text below a heading. Where there is none, room is made.
---@param chat gpt.Chat
---@param heading integer row
---@return integer[]
local function last_place(chat, heading)
  local below = headings.next_row(chat, heading)
  local lines = api.nvim_buf_get_lines(chat.buf, heading + 1, below, false)
  for index = #lines, 2, -1 do
    if lines[index]:find("%S") and not lines[index]:find("^>") then
      return { heading + index, #lines[index] }
    end
  end
  local reasoning = chat.stream.reasoning
  local _, last = answer_parts.rows(chat, reasoning or 0)
  local row = math.max(heading + 2, last > 0 and last + 1 or 0)
  local missing = row + 1 - below
  if missing > 0 then
    api.nvim_buf_set_lines(chat.buf, below, below, false, vim.split(("\n"):rep(missing), "\n"))
  end
  return { row, 0 }
end

--- Marks the answer's end anew, after the step that made room for it was done again.
---@param chat gpt.Chat
function M.find_answer_end(chat)
  local heading = headings.row(chat, chat.answer_mark)
  if not heading then
    return
  end
  local applied, pieces = undo.within(chat, undo.state).applied, {}
  for _, step in ipairs(chat.stream.steps) do
    vim.list_extend(pieces, applied[step.seq] and step.pieces or {})
  end
  local answer = place_after({ heading + 2, 0 }, pieces)
  local line = api.nvim_buf_get_lines(chat.buf, answer[1], answer[1] + 1, false)[1]
  if not line or #line < answer[2] or answer[1] >= headings.next_row(chat, heading) then
    answer = last_place(chat, heading)
  end
  places.mark_answer(chat, answer[1], answer[2])
end

--- Puts the places right where the text goes on: a redo leaves them below what it brings back.
---@param chat gpt.Chat
---@param heading integer row
function M.mend_places(chat, heading)
  local row = places.answer(chat)
  local part = answer_parts.at(chat, chat.stream.reasoning)
  if part then
    places.mark_reasoning(chat, part.to[1], part.to[2])
  end
  local first = part and part.to[1] or heading
  if row and (row <= first or row >= headings.next_row(chat, heading)) then
    M.find_answer_end(chat)
  end
end

--- Makes the next change part of the last one's undo step, if that was ours too.
---@param chat gpt.Chat
---@return boolean joined
function M.join_undo(chat)
  local joined = chat.stream.tick == api.nvim_buf_get_changedtick(chat.buf)
  if joined then
    if api.nvim_get_current_buf() == chat.buf then
      api.nvim_command("silent! undojoin")
    else
      undo.within(chat, function()
        api.nvim_command("silent! undojoin")
      end)
    end
  end
  return joined
end

--- Takes the end of `:edit`, which counts as a change, for none of the user's. The next piece may come before we hear of it.
---@param chat gpt.Chat
function M.go_on_after_reading(chat)
  local stream = chat.stream
  if not stream.is_read_again or not api.nvim_buf_is_loaded(chat.buf) then
    return
  end
  stream.is_read_again = nil
  if undo.step(chat) == stream.begin then
    stream.tick = api.nvim_buf_get_changedtick(chat.buf)
  end
end

--- Where a piece goes.
---@param chat gpt.Chat
---@param at "text"|"reasoning"|"frame"
---@return integer? row
---@return integer? col
local function place_of(chat, at)
  local row, col = places.answer(chat)
  if at == "text" or not row then
    return row, col
  elseif at == "reasoning" then
    return places.reasoning(chat)
  end
  local heading = headings.row(chat, chat.answer_mark)
  return heading and math.min(heading + 2, row) or row, 0
end

--- Puts lines into a buffer's text.
---@param buf integer
---@param row integer
---@param col integer
---@param lines string[]
local function put(buf, row, col, lines)
  api.nvim_buf_set_text(buf, row, col, row, col, lines)
end

--- The same, one line after the other: Neovim 0.10 moves a fold away that begins just above a place where many lines
--- come at once, and takes others into it.
---@param buf integer
---@param row integer
---@param col integer
---@param lines string[]
local function put_singly(buf, row, col, lines)
  put(buf, row, col, { lines[1] })
  col = col + #lines[1]
  for index = 2, #lines do
    put(buf, row, col, { "", lines[index] })
    row, col = row + 1, #lines[index]
  end
end

local write_lines = vim.fn.has("nvim-0.11") == 1 and put or put_singly

--- Marks the reasoning that has just been begun.
---@param chat gpt.Chat
---@param row integer
---@param lines string[]
local function begin_reasoning(chat, row, lines)
  places.mark_reasoning(chat, row + 2, #lines[3])
  chat.stream.reasoning = answer_parts.mark(chat, row, #lines - 2, { kind = "reasoning" })
  highlight.skip(chat, row + #lines - 1)
end

--- Remembers how far the reasoning goes, as long as the undo step lasts that it came with.
---@param chat gpt.Chat
---@param seq integer
local function note_reasoning(chat, seq)
  local mark = chat.stream.reasoning
  local part = mark and chat.parts[mark]
  if part and (not part.born or part.born == seq) then
    answer_parts.note(chat, mark)
    part.born = seq
  end
end

--- Marks the text from there to the end of the answer; what is added to it there is part of it.
---@param chat gpt.Chat
---@param row integer
---@param col integer
---@return integer mark
function M.mark_step(chat, row, col)
  local end_row, end_col = places.answer(chat)
  return api.nvim_buf_set_extmark(chat.buf, steps, row, col, {
    end_row = end_row,
    end_col = end_col,
    right_gravity = false,
    end_right_gravity = true,
    invalidate = true,
    undo_restore = true,
  })
end

--- Takes the marks of the stream's undo steps away.
---@param chat gpt.Chat
function M.forget_steps(chat)
  for _, step in ipairs(chat.stream and chat.stream.steps or {}) do
    api.nvim_buf_del_extmark(chat.buf, steps, step.mark)
  end
end

--- Writes a piece of the answer, as part of the current undo step or as a new one.
---@param chat gpt.Chat
---@param piece gpt.Piece
---@param joined boolean
function M.write(chat, piece, joined)
  local row, col = place_of(chat, piece.at)
  if not row then
    return
  end
  local typing = undo.is_typed_in(chat)
  if typing and not joined then
    undo.break_step(chat)
  end
  write_lines(chat.buf, row, col, piece.lines)
  if piece.at == "frame" then
    begin_reasoning(chat, row, piece.lines)
  end
  if typing then
    undo.break_step(chat)
  end
  local stream = chat.stream
  stream.tick = api.nvim_buf_get_changedtick(chat.buf)
  local step = stream.steps[#stream.steps]
  if not step or not joined then
    step = { seq = undo.step(chat), pieces = {}, mark = M.mark_step(chat, row, col) }
    stream.steps[#stream.steps + 1] = step
  end
  step.pieces[#step.pieces + 1] = piece
  note_reasoning(chat, step.seq)
end

--- Whether the text of the last undo step is gone: undone, or deleted.
---@param chat gpt.Chat
---@return boolean
function M.lost_step(chat)
  local step = chat.stream.steps[#chat.stream.steps]
  if not step then
    return not headings.row(chat, chat.answer_mark)
  end
  local mark = api.nvim_buf_get_extmark_by_id(chat.buf, steps, step.mark, { details = true })
  return mark[1] == nil or mark[3].invalid == true
end

return M
