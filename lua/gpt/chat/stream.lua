--- An answer as it streams in: begun below its question, and appended to piece by piece, as one undo step.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local cells = require("gpt.cells")
local folds = require("gpt.chat.folds")
local follow = require("gpt.chat.follow")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local messages = require("gpt.chat.messages")
local pieces = require("gpt.chat.pieces")
local places = require("gpt.chat.places")
local reasoning = require("gpt.chat.reasoning")
local spinner = require("gpt.chat.spinner")
local stream_undo = require("gpt.chat.stream_undo")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")
local words = require("gpt.words")

local M = {}

--- Makes room for an answer at `row`.
---@param chat gpt.Chat
---@param turn gpt.ShownTurn
---@param row integer
function M.begin(chat, turn, row)
  api.nvim_buf_set_lines(chat.buf, row, row, false, { "## " .. cells.plain(turn.label), "", "", "" })
  chat.answer, chat.label = turn.answer, turn.label
  chat.answer_mark = headings.mark(chat, row, { role = "assistant", id = turn.answer, label = turn.label })
  messages.reshape(chat, { branches = turn.branches })
  places.mark_answer(chat, row + 2, 0)
  pieces.forget_steps(chat)
  undo_steps.note(chat)
  chat.stream = { begin = undo.step(chat), steps = {}, typed = {}, tick = api.nvim_buf_get_changedtick(chat.buf) }
  if chat.typed and not chat.typed.to then
    chat.stream.typed[1] = chat.typed
  end
  highlight.begin(chat, row + 2)
end

--- Appends to the answer that is being written.
---@param chat gpt.Chat
---@param answer integer
---@param lines string[]
---@param voice "text"|"refusal"|"reasoning"
function M.append(chat, answer, lines, voice)
  if chat.answer ~= answer then
    return
  end
  pieces.go_on_after_reading(chat)
  undo_steps.end_typing(chat)
  if chat.stream.tick ~= api.nvim_buf_get_changedtick(chat.buf) then
    stream_undo.mend(chat)
    local heading = headings.row(chat, chat.answer_mark)
    if not heading then
      return -- the user took the answer away while it was being written: let them have it so
    end
    pieces.mend_places(chat, heading)
  end
  if voice == "reasoning" then
    M.append_reasoning(chat, lines)
  else
    M.append_text(chat, lines, voice)
  end
  stream_undo.note_cursor(chat)
  api.nvim_set_option_value("modified", false, { buf = chat.buf }) -- not by `vim.bo`, which makes tables of it
  if #lines > 1 then
    local row = headings.prompt(chat)
    if row then
      follow.scroll(chat.buf, row)
    end
  end
end

---@param chat gpt.Chat
---@param lines string[]
---@param voice "text"|"refusal"
function M.append_text(chat, lines, voice)
  local refused_at = voice == "refusal" and places.answer(chat)
  pieces.write(chat, { at = "text", lines = lines }, pieces.join_undo(chat))
  if refused_at then
    M.mark_refusal(chat, refused_at)
  end
  if chat.spinner then
    spinner.stop(chat)
  end
  highlight.wake(chat)
end

--- Marks a refusal from `row` to the end of the answer.
---@param chat gpt.Chat
---@param row integer
function M.mark_refusal(chat, row)
  local stream = chat.stream
  local first = stream.refusal and answer_parts.rows(chat, stream.refusal) or row
  local last = places.answer(chat)
  stream.refusal = answer_parts.mark(chat, first, last + 1 - first, { kind = "refusal" }, stream.refusal)
  answer_parts.note(chat, stream.refusal)
end

--- Shows reasoning above the answer's text. If the user takes it away, they have it so.
---@param chat gpt.Chat
---@param lines string[]
function M.append_reasoning(chat, lines)
  if chat.spinner then
    chat.spinner.what = words("view.thinking")
  end
  if not reasoning.is_shown() then
    return
  end
  local mark = chat.stream.reasoning
  if mark and not answer_parts.rows(chat, mark) then
    return
  end
  if not mark then
    pieces.write(chat, { at = "frame", lines = reasoning.frame() }, pieces.join_undo(chat))
  end
  pieces.write(chat, { at = "reasoning", lines = reasoning.quoted(lines) }, pieces.join_undo(chat))
  if not mark then
    folds.update(chat, headings.row(chat, chat.answer_mark))
  end
end

return M
