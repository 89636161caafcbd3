--- Undo in a chat's buffer. These are methods of |gpt.Chat|.
---
--- Neovim brings an extmark back when the deletion of its text is undone, but not when its insertion is done again. So
--- each heading remembers the undo step that it came with, and where it stood then: after a jump to a state in which
--- that step is done, the headings are put where they belong by going through that state.
local api = vim.api

local Chat = require("gpt.view.regions")
local folds = require("gpt.view.folds")

--- Runs `callback` with the chat's buffer as the current one.
---@generic T
---@param callback fun(): T
---@return T
function Chat:within(callback)
  return api.nvim_buf_call(self.buf, callback)
end

--- The number of the last undo step, see |undotree()|.
---@return integer seq
function Chat:undo_step()
  return self:within(vim.fn.changenr)
end

--- Changes the text so that no undo takes it back; what could be undone before cannot be any more.
---@param change fun()
function Chat:without_undo(change)
  vim.bo[self.buf].undolevels = -1
  local ok, reason = pcall(change)
  vim.bo[self.buf].undolevels = -123456 -- the global value again
  if not ok then
    error(reason, 0)
  end
end

--- Makes the next change an undo step of its own: so does setting 'undolevels', to whatever it is.
function Chat:break_undo()
  local here = { buf = self.buf }
  api.nvim_set_option_value("undolevels", api.nvim_get_option_value("undolevels", here), here)
end

--- Makes the next change part of the last undo step, if nothing is undone.
function Chat:join_last_step()
  self:within(function()
    vim.cmd("silent! undojoin")
  end)
end

---@class gpt.UndoState
---@field applied table<integer, true>
---@field undone integer[] steps that `<C-r>` would bring back, oldest first

--- Which undo steps of the current buffer are done.
---@return gpt.UndoState
function Chat.undo_state()
  local state, undone = { applied = { [0] = true }, undone = {} }, false
  for _, entry in ipairs(vim.fn.undotree().entries) do
    undone = undone or entry.curhead ~= nil
    if undone then
      state.undone[#state.undone + 1] = entry.seq
    else
      state.applied[entry.seq] = true
    end
  end
  return state
end

---@class gpt.Typed a stay in insert mode, by the undo steps that there were at its begin and at its end
---@field from integer
---@field to? integer nil: it lasts

--- Remembers that the user goes into insert mode, or leaves it.
---@param begins boolean
---@param seq? integer the last undo step before that
function Chat:note_typing(begins, seq)
  seq = seq or self:within(vim.fn.undotree).seq_last
  if not begins then
    if self.typed then
      self.typed.to = self.typed.to or seq
    end
    return
  end
  self.typed = { from = seq }
  if self.stream then
    table.insert(self.stream.typed, self.typed)
  end
end

--- Notes the end of a stay in insert mode that `<C-c>` has ended, which no InsertLeave tells.
function Chat:end_typing()
  if self.typed and not self.typed.to and not self:is_typed_in() then
    self.typed.to = self:within(vim.fn.undotree).seq_last
  end
end

--- Parts what is typed before a step of ours, such as a question that waits, from what is typed after it.
---@param seq integer
function Chat:part_typing(seq)
  if self.typed and not self.typed.to then
    self:note_typing(false, seq - 1)
    self:note_typing(true, seq)
  end
end

--- Remembers where the headings stand that came with the current undo step; anew, where something was joined with it.
function Chat:note_step()
  local seq = self:undo_step()
  self:part_typing(seq)
  self.newest = math.max(self.newest or 0, seq)
  self.seen, self.noted = seq, api.nvim_buf_get_changedtick(self.buf)
  for _, heading in ipairs(self:headings()) do
    if not heading.entry.born or heading.entry.born == seq then
      heading.entry.born, heading.entry.row = seq, heading.row
    end
  end
  for mark, part in pairs(self.parts) do
    if not part.born or part.born == seq then
      self:note_part(mark)
    end
  end
end

---@alias gpt.Kept { mark: integer, entry?: gpt.Entry, part?: gpt.Part }

--- The headings and parts by the undo steps that they came with, and the first of these steps that was undone and is
--- done again: from there on they have to be marked anew. Undo and redo can come at once: so what does not stand though
--- its step is done may have been undone.
---@param at_once boolean whether that may be so
---@return integer? first
---@return table<integer, gpt.Kept[]> kept
function Chat:redone_headings(at_once)
  local first, kept = nil, {}
  local applied = Chat.undo_state().applied
  local before, undone = self.undone or {}, {}
  local function look(born, what, stands)
    if born and applied[born] then
      kept[born] = kept[born] or {}
      table.insert(kept[born], what)
      first = (before[born] or (at_once and not stands)) and math.min(first or born, born) or first
    elseif born then
      undone[born] = true
    end
  end
  for mark, entry in pairs(self.entries) do
    look(entry.born, { mark = mark, entry = entry }, self:row(mark))
  end
  for mark, part in pairs(self.parts) do
    look(part.born, { mark = mark, part = part }, (self:part_rows(mark)))
  end
  self.undone = undone
  return first, kept
end

--- The line that a heading is.
---@param entry gpt.Entry
---@return string
local function line_of(entry)
  return entry.role == "user" and Chat.USER_HEADING or "## " .. (entry.label or "")
end

--- Marks a heading or part where it stood when it came.
---@param kept gpt.Kept
function Chat:mark_again(kept)
  local entry, part = kept.entry, kept.part
  if entry then
    if api.nvim_buf_get_lines(self.buf, entry.row, entry.row + 1, false)[1] ~= line_of(entry) then
      return -- it came and went in one step
    end
    self:mark_heading(entry.row, entry, kept.mark, entry.waits)
  elseif part and part.row then
    self:mark_part(part.row, part.height, part, kept.mark)
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
function Chat:revive()
  for mark, entry in pairs(self.entries) do
    local at = api.nvim_buf_get_extmark_by_id(self.buf, Chat.HEADINGS, mark, { details = true })
    local text = line_of(entry)
    local is_text = function(from, to)
      return self:text_between(from, to) == text
    end
    if is_lost(at, is_text) then
      self:mark_heading(at[1], entry, mark, entry.waits)
    end
  end
  for mark, part in pairs(self.parts) do
    local at = api.nvim_buf_get_extmark_by_id(self.buf, Chat.PARTS, mark, { details = true })
    local is_text = function(from, to)
      return self:real_end(part, from, to) ~= nil
    end
    if is_lost(at, is_text) then
      self:mark_part(at[1], at[3].end_row - at[1] + 1, part, mark)
    end
  end
end

--- Goes through the states in which headings came, and marks them there; what was done after that moves or removes them
--- again. To be called within the buffer.
---@param at_once boolean whether an undo and its redo may have come at once
function Chat:restore_headings(at_once)
  self:revive()
  local first, kept = self:redone_headings(at_once)
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
      self:mark_again(one)
    end
  end
  vim.cmd("silent! undo " .. now)
  vim.fn.winrestview(view)
  self:revive()
  folds.update(self)
end

---@class gpt.Bundle the undo steps of an answer and of what was typed between its pieces
---@field first integer
---@field last integer

--- Remembers that the steps of an answer are one, with what was typed between them: else each `u` would take back some
--- words, and what is left would look like an answer. Where the user did more than type, the steps stay as they are.
---@param stream gpt.Stream
function Chat:bundle(stream)
  local last = #stream.steps > 0 and stream.steps[#stream.steps].seq or 0
  local applied = self:within(Chat.undo_state).applied
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
  self.bundles[#self.bundles + 1] = { first = stream.begin, last = last }
  self.newest, self.seen = math.max(self.newest or 0, last), self:undo_step()
end

--- After an undo or a redo that ended within a bundle: goes on to that end of it where the way led. To be called within
--- the buffer.
---@return integer now the last undo step
function Chat:cross_bundle()
  local now, seen = vim.fn.changenr(), self.seen or 0
  for _, bundle in ipairs(self.bundles) do
    if now >= bundle.first and now < bundle.last and vim.list_contains(Chat.undo_state().undone, bundle.last) then
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
function Chat:mend_headings()
  self:within(function()
    local now = vim.fn.changenr()
    if now <= (self.newest or 0) and self.noted ~= api.nvim_buf_get_changedtick(self.buf) then
      now = self:cross_bundle()
      self:restore_headings(now == self.seen)
      self:redraw_known()
      folds.update(self) -- those of text that has come back
    end
    self.newest, self.seen = math.max(self.newest or 0, now), now
    self.noted = api.nvim_buf_get_changedtick(self.buf)
  end)
end
