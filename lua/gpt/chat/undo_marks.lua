--- Puts the marks of headings and parts right after an undo or a redo.
---
--- Neovim brings an extmark back when the deletion of its text is undone, but not when its insertion is done again. So
--- each heading remembers the undo step that it came with, and where it stood then: after a jump to a state in which
--- that step is done, the headings are put where they belong by going through that state.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local folds = require("gpt.chat.folds")
local headings = require("gpt.chat.headings")
local messages = require("gpt.chat.messages")
local undo = require("gpt.chat.undo")

local M = {}

---@class (partial) gpt.Chat
---@field bundles gpt.Bundle[]
---@field undone? table<integer, true> the steps of headings that were found undone

---@alias gpt.Kept { mark: integer, entry?: gpt.Entry, part?: gpt.Part }

--- The headings and parts by the undo steps that they came with, and the first of these steps that was undone and is
--- done again: from there on they have to be marked anew. Undo and redo can come at once: so what does not stand though
--- its step is done may have been undone.
---@param chat gpt.Chat
---@param at_once boolean whether that may be so
---@return integer? first
---@return table<integer, gpt.Kept[]> kept
local function redone_headings(chat, at_once)
  local first, kept = nil, {}
  local applied = undo.state().applied
  local before, undone = chat.undone or {}, {}
  local function look(born, what, stands)
    if born and applied[born] then
      kept[born] = kept[born] or {}
      table.insert(kept[born], what)
      first = (before[born] or (at_once and not stands)) and math.min(first or born, born) or first
    elseif born then
      undone[born] = true
    end
  end
  for mark, entry in pairs(chat.entries) do
    look(entry.born, { mark = mark, entry = entry }, headings.row(chat, mark))
  end
  for mark, part in pairs(chat.parts) do
    look(part.born, { mark = mark, part = part }, (answer_parts.rows(chat, mark)))
  end
  chat.undone = undone
  return first, kept
end

--- The line that a heading is.
---@param entry gpt.Entry
---@return string
local function line_of(entry)
  return entry.role == "user" and headings.USER or "## " .. (entry.label or "")
end

--- Marks a heading or part where it stood when it came.
---@param chat gpt.Chat
---@param kept gpt.Kept
local function mark_again(chat, kept)
  local entry, part = kept.entry, kept.part
  if entry then
    if api.nvim_buf_get_lines(chat.buf, entry.row, entry.row + 1, false)[1] ~= line_of(entry) then
      return -- it came and went in one step
    end
    headings.mark(chat, entry.row, entry, kept.mark, entry.waits)
  elseif part and part.row then
    answer_parts.mark(chat, part.row, part.height, part, kept.mark)
  end
end

--- Whether a mark that Neovim has left invalid lies over its own text.
---@param at integer[]
---@param is_text fun(from: integer[], to: integer[]): boolean
---@return boolean
local function is_lost(at, is_text)
  local details = at[3] or {}
  if not details.invalid or details.end_row < at[1] or (details.end_row == at[1] and details.end_col <= at[2]) then
    return false
  end
  return is_text({ at[1], at[2] }, { details.end_row, details.end_col })
end

--- Marks anew what an undo has brought back without its mark: where a deletion was done again in between, Neovim puts the
--- mark in its place, but leaves it invalid.
---@param chat gpt.Chat
local function revive(chat)
  for mark, entry in pairs(chat.entries) do
    local at = api.nvim_buf_get_extmark_by_id(chat.buf, headings.SPACE, mark, { details = true })
    local text = line_of(entry)
    local is_text = function(from, to)
      return answer_parts.text_between(chat, from, to) == text
    end
    if is_lost(at, is_text) then
      headings.mark(chat, at[1], entry, mark, entry.waits)
    end
  end
  for mark, part in pairs(chat.parts) do
    local at = api.nvim_buf_get_extmark_by_id(chat.buf, answer_parts.SPACE, mark, { details = true })
    local is_text = function(from, to)
      return answer_parts.real_end(chat, part, from, to) ~= nil
    end
    if is_lost(at, is_text) then
      answer_parts.mark(chat, at[1], at[3].end_row - at[1] + 1, part, mark)
    end
  end
end

--- Goes through the states in which headings came, and marks them there; what was done after that moves or removes them
--- again. To be called within the buffer.
---@param chat gpt.Chat
---@param at_once boolean whether an undo and its redo may have come at once
function M.restore(chat, at_once)
  revive(chat)
  local first, kept = redone_headings(chat, at_once)
  if not first then
    return
  end
  local view, now = vim.fn.winsaveview(), vim.fn.changenr()
  local steps = vim.tbl_filter(function(seq)
    return seq >= first
  end, vim.tbl_keys(kept))
  table.sort(steps)
  for _, seq in ipairs(steps) do
    vim.cmd("silent! undo " .. seq)
    for _, one in ipairs(kept[seq]) do
      mark_again(chat, one)
    end
  end
  vim.cmd("silent! undo " .. now)
  vim.fn.winrestview(view)
  revive(chat)
  folds.update(chat)
end

---@class gpt.Bundle the undo steps of an answer and of what was typed between its pieces
---@field first integer
---@field last integer

--- Remembers that the steps of an answer are one, with what was typed between them: else each `u` would take back some
--- words, and what is left would look like an answer. Where the user did more than type, the steps stay as they are.
---@param chat gpt.Chat
---@param stream gpt.Stream
function M.bundle(chat, stream)
  local last = #stream.steps > 0 and stream.steps[#stream.steps].seq or 0
  local applied = undo.within(chat, undo.state).applied
  if last == stream.begin or not applied[last] then
    return
  end
  local ours = { [stream.begin] = true }
  for _, step in ipairs(stream.steps) do
    ours[step.seq] = true
  end
  for seq in pairs(applied) do
    local typed = vim.iter(stream.typed):any(function(stay)
      return seq > stay.from and seq <= (stay.to or seq)
    end)
    if seq > stream.begin and seq < last and not ours[seq] and not typed then
      return
    end
  end
  chat.bundles[#chat.bundles + 1] = { first = stream.begin, last = last }
  chat.newest, chat.seen = math.max(chat.newest or 0, last), undo.step(chat)
end

--- After an undo or a redo that ended within a bundle: goes on to that end of it where the way led. To be called within
--- the buffer.
---@param chat gpt.Chat
---@return integer now the last undo step
local function cross_bundle(chat)
  local now, seen = vim.fn.changenr(), chat.seen or 0
  for _, bundle in ipairs(chat.bundles) do
    if now >= bundle.first and now < bundle.last and vim.list_contains(undo.state().undone, bundle.last) then
      if seen >= bundle.last then
        vim.cmd("silent! undo " .. bundle.first)
        vim.cmd("silent! undo")
      elseif seen < bundle.first then
        vim.cmd("silent! undo " .. bundle.last)
      end
    end
  end
  return vim.fn.changenr()
end

--- After a change of the user's: if it was an undo or a redo, puts the headings right.
---@param chat gpt.Chat
function M.mend(chat)
  undo.within(chat, function()
    local now = vim.fn.changenr()
    if now <= (chat.newest or 0) and chat.noted ~= api.nvim_buf_get_changedtick(chat.buf) then
      now = cross_bundle(chat)
      M.restore(chat, now == chat.seen)
      messages.redraw_known(chat)
      folds.update(chat) -- those of text that has come back
    end
    chat.newest, chat.seen = math.max(chat.newest or 0, now), now
    chat.noted = api.nvim_buf_get_changedtick(chat.buf)
  end)
end

return M
