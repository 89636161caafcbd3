--- An answer as it streams in: appended piece by piece, one undo step, and safe from an undo in the middle of it. These
--- are methods of |gpt.Chat|.
---
--- While an answer is being written, undo concerns what the user did. Undo steps of the stream that lie above those are
--- skipped, and what an undo took away of the answer comes back with the next piece.
local api = vim.api

local Chat = require("gpt.view.regions")
require("gpt.view.parts")
require("gpt.view.undo")
local cells = require("gpt.cells")
local folds = require("gpt.view.folds")
local highlight = require("gpt.view.highlight")
local window = require("gpt.view.window")

local places, ANSWER, REASONING = Chat.PLACES, Chat.ANSWER, Chat.REASONING
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

---@param row integer
---@param col integer
function Chat:mark_answer_end(row, col)
  api.nvim_buf_set_extmark(self.buf, places, row, col, { id = ANSWER })
end

---@param row integer
---@param col integer
function Chat:mark_reasoning_end(row, col)
  api.nvim_buf_set_extmark(self.buf, places, row, col, { id = REASONING })
end

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

--- The heading below another one, or the line below the last one.
---@param heading integer row
---@return integer row
function Chat:next_heading(heading)
  for _, other in ipairs(self:headings()) do
    if other.row > heading then
      return other.row
    end
  end
  return api.nvim_buf_line_count(self.buf)
end

--- The end of the last line of text below a heading. Where there is none, room is made.
---@param heading integer row
---@return integer[]
function Chat:last_place(heading)
  local below = self:next_heading(heading)
  local lines = api.nvim_buf_get_lines(self.buf, heading + 1, below, false)
  for index = #lines, 2, -1 do
    if lines[index]:find("%S") and not lines[index]:find("^>") then
      return { heading + index, #lines[index] }
    end
  end
  local reasoning = self.stream.reasoning
  local _, last = self:part_rows(reasoning or 0)
  local row = math.max(heading + 2, last > 0 and last + 1 or 0)
  local missing = row + 1 - below
  if missing > 0 then
    api.nvim_buf_set_lines(self.buf, below, below, false, vim.split(("\n"):rep(missing), "\n"))
  end
  return { row, 0 }
end

--- Marks the answer's end anew, after the step that made room for it was done again.
function Chat:find_answer_end()
  local heading = self:row(self.answer_mark)
  if not heading then
    return
  end
  local applied, pieces = self:within(Chat.undo_state).applied, {}
  for _, step in ipairs(self.stream.steps) do
    vim.list_extend(pieces, applied[step.seq] and step.pieces or {})
  end
  local answer = place_after({ heading + 2, 0 }, pieces)
  local line = api.nvim_buf_get_lines(self.buf, answer[1], answer[1] + 1, false)[1]
  if not line or #line < answer[2] or answer[1] >= self:next_heading(heading) then
    answer = self:last_place(heading)
  end
  self:mark_answer_end(answer[1], answer[2])
end

--- Puts the places right where the text goes on: a redo leaves them below what it brings back.
---@param heading integer row
function Chat:mend_places(heading)
  local row = self:answer_end()
  local part = self:part_at(self.stream.reasoning)
  if part then
    self:mark_reasoning_end(part.to[1], part.to[2])
  end
  local first = part and part.to[1] or heading
  if row and (row <= first or row >= self:next_heading(heading)) then
    self:find_answer_end()
  end
end

--- Makes room for an answer at `row`.
---@param turn gpt.ShownTurn
---@param row integer
function Chat:begin_answer(turn, row)
  api.nvim_buf_set_lines(self.buf, row, row, false, { "## " .. cells.plain(turn.label), "", "", "" })
  self.answer, self.label = turn.answer, turn.label
  self.answer_mark = self:mark_heading(row, { role = "assistant", id = turn.answer, label = turn.label })
  self:reshape({ branches = turn.branches })
  self:mark_answer_end(row + 2, 0)
  self:forget_steps()
  self:note_step()
  self.stream = { begin = self:undo_step(), steps = {}, typed = {}, tick = api.nvim_buf_get_changedtick(self.buf) }
  if self.typed and not self.typed.to then
    self.stream.typed[1] = self.typed
  end
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

--- Takes the end of `:edit`, which counts as a change, for none of the user's. The next piece may come before we hear of it.
function Chat:go_on_after_reading()
  local stream = self.stream
  if not stream.is_read_again or not api.nvim_buf_is_loaded(self.buf) then
    return
  end
  stream.is_read_again = nil
  if self:undo_step() == stream.begin then
    stream.tick = api.nvim_buf_get_changedtick(self.buf)
  end
end

--- Whether the user is in insert mode here: then Neovim makes no new undo step by itself, and would take what is typed
--- and what is streamed for one change.
---@return boolean
function Chat:is_typed_in()
  return api.nvim_get_current_buf() == self.buf and api.nvim_get_mode().mode:find("^[iR]") ~= nil
end

--- Where a piece goes.
---@param at "text"|"reasoning"|"frame"
---@return integer? row
---@return integer? col
function Chat:place_of(at)
  local row, col = self:answer_end()
  if at == "text" or not row then
    return row, col
  elseif at == "reasoning" then
    local place = api.nvim_buf_get_extmark_by_id(self.buf, places, REASONING, {})
    return place[1], place[2]
  end
  local heading = self:row(self.answer_mark)
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

--- Writes a piece of the answer, as part of the current undo step or as a new one.
---@param piece gpt.Piece
---@param joined boolean
function Chat:write(piece, joined)
  local row, col = self:place_of(piece.at)
  if not row then
    return
  end
  local typing = self:is_typed_in()
  if typing and not joined then
    self:break_undo()
  end
  write_lines(self.buf, row, col, piece.lines)
  if piece.at == "frame" then
    self:begin_reasoning(row, piece.lines)
  end
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
  step.pieces[#step.pieces + 1] = piece
  self:note_reasoning(step.seq)
end

--- Marks the reasoning that has just been begun.
---@param row integer
---@param lines string[]
function Chat:begin_reasoning(row, lines)
  self:mark_reasoning_end(row + 2, #lines[3])
  self.stream.reasoning = self:mark_part(row, #lines - 2, { kind = "reasoning" })
  highlight.skip(self, row + #lines - 1)
end

--- Remembers how far the reasoning goes, as long as the undo step lasts that it came with.
---@param seq integer
function Chat:note_reasoning(seq)
  local mark = self.stream.reasoning
  local part = mark and self.parts[mark]
  if part and (not part.born or part.born == seq) then
    self:note_part(mark)
    part.born = seq
  end
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

--- Takes the marks of the stream's undo steps away.
function Chat:forget_steps()
  for _, step in ipairs(self.stream and self.stream.steps or {}) do
    api.nvim_buf_del_extmark(self.buf, steps, step.mark)
  end
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

--- The first of the user's steps that are done and were made in the same stay in insert mode as `seq`: there each piece
--- of the answer parts what is typed before it from what is typed after it.
---@param stream gpt.Stream
---@param applied table<integer, true>
---@param ours table<integer, true>
---@param seq integer
---@return integer seq
local function first_typed_with(stream, applied, ours, seq)
  for _, typed in ipairs(stream.typed) do
    if seq > typed.from and seq <= (typed.to or seq) then
      for step in pairs(applied) do
        if step > math.max(typed.from, stream.begin) and step < seq and not ours[step] then
          seq = step
        end
      end
    end
  end
  return seq
end

--- The step that an undo was meant for: the user's last one, with what was typed together with it.
---@param stream gpt.Stream
---@param state gpt.UndoState
---@return integer? seq
---@return boolean undone whether a step of the user's is undone already
local function meant(stream, state)
  local ours, found = { [stream.begin] = true }, nil
  for _, step in ipairs(stream.steps) do
    ours[step.seq] = true
  end
  for _, seq in ipairs(state.undone) do
    if not ours[seq] then
      local first = first_typed_with(stream, state.applied, ours, seq)
      return first < seq and first or nil, true
    end
  end
  for seq in pairs(state.applied) do
    if seq > stream.begin and not ours[seq] and (not found or seq > found) then
      found = seq
    end
  end
  return found and first_typed_with(stream, state.applied, ours, found), false
end

--- Puts the cursor back into the prompt, where it was before an undo that concerned steps of the stream alone.
function Chat:return_cursor()
  local row = self.stream.line and api.nvim_get_current_buf() == self.buf and self:find_prompt()
  if row then
    local last = api.nvim_buf_line_count(self.buf)
    vim.fn.cursor(math.min(row + 1 + self.stream.line, last), vim.fn.col("."))
  end
end

--- Remembers whether the cursor is in the prompt: Neovim puts it where an undo changes something.
function Chat:note_cursor()
  local row = api.nvim_get_current_buf() == self.buf and self:find_prompt()
  local line = row and api.nvim_win_get_cursor(0)[1] - 1 - row
  self.stream.line = line and line >= 0 and line or nil
end

--- Whether something is undone that was typed while the answer was being written.
---@return boolean
function Chat:lost_typing()
  local to = #self.stream.typed > 0 and self.typed.to
  return to and self:undo_step() < to or false
end

--- Puts right what an undo did to the answer.
function Chat:mend_undo()
  local stream = self.stream
  if stream.tick == api.nvim_buf_get_changedtick(self.buf) or not (self:lost_step() or self:lost_typing()) then
    return
  end
  local undone = false -- something of the user's: the cursor belongs there
  local missing = self:within(function()
    local view = vim.fn.winsaveview()
    self:restore_headings(true) -- sees what was undone
    local state = Chat.undo_state()
    if vim.list_contains(state.undone, stream.begin) then
      vim.cmd("silent! undo " .. stream.begin)
      self:restore_headings(false)
      self:find_answer_end()
    elseif #state.undone > 0 then
      local seq
      seq, undone = meant(stream, state)
      while seq and vim.fn.changenr() >= seq do
        vim.cmd("silent! undo")
      end
      undone = undone or seq ~= nil
      if seq then
        view = nil
      end
    end
    if view then
      vim.fn.winrestview(view)
    end
    local applied = Chat.undo_state().applied
    return vim.tbl_filter(function(step)
      return not applied[step.seq]
    end, stream.steps)
  end)
  if not self:row(self.answer_mark) then
    return -- undone with all that the user did since, and they went on from there
  end
  for _, step in ipairs(missing) do
    for index = #stream.steps, 1, -1 do
      if stream.steps[index] == step then
        table.remove(stream.steps, index)
      end
    end
  end
  self:mend_places(self:row(self.answer_mark) --[[@as integer]])
  for number, step in ipairs(missing) do
    for index, piece in ipairs(step.pieces) do
      self:write(piece, (number > 1 or index > 1) and self:join_undo())
    end
  end
  if not undone then
    self:return_cursor()
  end
  self:redraw_queue() -- what waited may stand in the prompt again
end

--- Appends to the answer that is being written.
---@param answer integer
---@param lines string[]
---@param voice "text"|"refusal"|"reasoning"
function Chat:append(answer, lines, voice)
  if self.answer ~= answer then
    return
  end
  self:go_on_after_reading()
  self:end_typing()
  if self.stream.tick ~= api.nvim_buf_get_changedtick(self.buf) then
    self:mend_undo()
    local heading = self:row(self.answer_mark)
    if not heading then
      return -- the user took the answer away while it was being written: let them have it so
    end
    self:mend_places(heading)
  end
  if voice == "reasoning" then
    self:append_reasoning(lines)
  else
    self:append_text(lines, voice)
  end
  self:note_cursor()
  api.nvim_set_option_value("modified", false, { buf = self.buf }) -- not by `vim.bo`, which makes tables of it
  if #lines > 1 then
    local row = self:find_prompt()
    if row then
      window.follow(self.buf, row)
    end
  end
end

---@param lines string[]
---@param voice "text"|"refusal"
function Chat:append_text(lines, voice)
  local refused_at = voice == "refusal" and self:answer_end()
  self:write({ at = "text", lines = lines }, self:join_undo())
  if refused_at then
    self:mark_refusal(refused_at)
  end
  if self.spinner then
    self:stop_spinner()
  end
  highlight.wake(self)
end

--- Marks a refusal from `row` to the end of the answer.
---@param row integer
function Chat:mark_refusal(row)
  local stream = self.stream
  local first = stream.refusal and self:part_rows(stream.refusal) or row
  local last = self:answer_end()
  stream.refusal = self:mark_part(first, last + 1 - first, { kind = "refusal" }, stream.refusal)
  self:note_part(stream.refusal)
end

--- Shows reasoning above the answer's text. If the user takes it away, they have it so.
---@param lines string[]
function Chat:append_reasoning(lines)
  if self.spinner then
    self.spinner.what = require("gpt.words")("view.thinking")
  end
  if not Chat.shows_reasoning() then
    return
  end
  local mark = self.stream.reasoning
  if mark and not self:part_rows(mark) then
    return
  end
  if not mark then
    self:write({ at = "frame", lines = Chat.reasoning_frame() }, self:join_undo())
  end
  self:write({ at = "reasoning", lines = Chat.quoted(lines) }, self:join_undo())
  if not mark then
    folds.update(self, self:row(self.answer_mark))
  end
end

return Chat
