--- Remembers with which undo step headings, parts of answers and typed text came.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local headings = require("gpt.chat.headings")
local undo = require("gpt.chat.undo")

local M = {}

---@class (partial) gpt.Chat
---@field typed? gpt.Typed the user's last stay in insert mode
---@field newest? integer the newest undo step that was seen
---@field seen? integer the undo step that was the last one when last seen
---@field noted? integer the buffer's changedtick when its headings were last known to be right

---@class gpt.Typed a stay in insert mode, by the undo steps that there were at its begin and at its end
---@field from integer
---@field to? integer nil: it lasts

--- Remembers that the user goes into insert mode, or leaves it.
---@param chat gpt.Chat
---@param begins boolean
---@param seq? integer the last undo step before that
function M.note_typing(chat, begins, seq)
  seq = seq or undo.within(chat, vim.fn.undotree).seq_last
  if not begins then
    if chat.typed then
      chat.typed.to = chat.typed.to or seq
    end
    return
  end
  chat.typed = { from = seq }
  if chat.stream then
    table.insert(chat.stream.typed, chat.typed)
  end
end

--- Notes the end of a stay in insert mode that `<C-c>` has ended, which no InsertLeave tells.
---@param chat gpt.Chat
function M.end_typing(chat)
  if chat.typed and not chat.typed.to and not undo.is_typed_in(chat) then
    chat.typed.to = undo.within(chat, vim.fn.undotree).seq_last
  end
end

--- Parts what is typed before a step of ours, such as a question that waits, from what is typed after it.
---@param chat gpt.Chat
---@param seq integer
local function part_typing(chat, seq)
  if chat.typed and not chat.typed.to then
    M.note_typing(chat, false, seq - 1)
    M.note_typing(chat, true, seq)
  end
end

--- Remembers where the headings stand that came with the current undo step; anew, where something was joined with it.
---@param chat gpt.Chat
function M.note(chat)
  local seq = undo.step(chat)
  part_typing(chat, seq)
  chat.newest = math.max(chat.newest or 0, seq)
  chat.seen, chat.noted = seq, api.nvim_buf_get_changedtick(chat.buf)
  for _, heading in ipairs(headings.all(chat)) do
    if not heading.entry.born or heading.entry.born == seq then
      heading.entry.born, heading.entry.row = seq, heading.row
    end
  end
  for mark, part in pairs(chat.parts) do
    if not part.born or part.born == seq then
      answer_parts.note(chat, mark)
    end
  end
end

return M
