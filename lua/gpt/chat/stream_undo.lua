--- Puts an undo in the middle of an answer right: it concerns what the user did.
---
--- Undo steps of the stream that lie above the user's are skipped, and what an undo took away of the answer comes back with
--- the next piece.
local api = vim.api

local headings = require("gpt.chat.headings")
local pieces = require("gpt.chat.pieces")
local undo = require("gpt.chat.undo")
local undo_marks = require("gpt.chat.undo_marks")
local waiting = require("gpt.chat.waiting")

local M = {}

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
---@param chat gpt.Chat
local function return_cursor(chat)
  local row = chat.stream.line and api.nvim_get_current_buf() == chat.buf and headings.prompt(chat)
  if row then
    local last = api.nvim_buf_line_count(chat.buf)
    vim.fn.cursor(math.min(row + 1 + chat.stream.line, last), vim.fn.col("."))
  end
end

--- Remembers whether the cursor is in the prompt: Neovim puts it where an undo changes something.
---@param chat gpt.Chat
function M.note_cursor(chat)
  local row = api.nvim_get_current_buf() == chat.buf and headings.prompt(chat)
  local line = row and api.nvim_win_get_cursor(0)[1] - 1 - row
  chat.stream.line = line and line >= 0 and line or nil
end

--- Whether something is undone that was typed while the answer was being written.
---@param chat gpt.Chat
---@return boolean
local function lost_typing(chat)
  local to = #chat.stream.typed > 0 and chat.typed.to
  return to and undo.step(chat) < to or false
end

--- Puts right what an undo did to the answer.
---@param chat gpt.Chat
function M.mend(chat)
  local stream = chat.stream
  if stream.tick == api.nvim_buf_get_changedtick(chat.buf) or not (pieces.lost_step(chat) or lost_typing(chat)) then
    return
  end
  local undone = false -- something of the user's: the cursor belongs there
  local missing = undo.within(chat, function()
    local view = vim.fn.winsaveview()
    undo_marks.restore(chat, true) -- sees what was undone
    local state = undo.state()
    if vim.list_contains(state.undone, stream.begin) then
      vim.cmd("silent! undo " .. stream.begin)
      undo_marks.restore(chat, false)
      pieces.find_answer_end(chat)
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
    local applied = undo.state().applied
    return vim.tbl_filter(function(step)
      return not applied[step.seq]
    end, stream.steps)
  end)
  if not headings.row(chat, chat.answer_mark) then
    return -- undone with all that the user did since, and they went on from there
  end
  for _, step in ipairs(missing) do
    for index = #stream.steps, 1, -1 do
      if stream.steps[index] == step then
        table.remove(stream.steps, index)
      end
    end
  end
  pieces.mend_places(chat, headings.row(chat, chat.answer_mark) --[[@as integer]])
  for number, step in ipairs(missing) do
    for index, piece in ipairs(step.pieces) do
      pieces.write(chat, piece, (number > 1 or index > 1) and pieces.join_undo(chat))
    end
  end
  if not undone then
    return_cursor(chat)
  end
  waiting.redraw(chat) -- what waited may stand in the prompt again
end

return M
