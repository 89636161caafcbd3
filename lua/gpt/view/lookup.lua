--- Questions with context words: while these are looked up the question waits above the prompt, as one does during an
--- answer; then what they stand for is put into it, and it is sent. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local blocks = require("gpt.context.blocks")
local fences = require("gpt.fence")
local context = require("gpt.context")
local folds = require("gpt.view.folds")
local highlight = require("gpt.view.highlight")
local grammar = require("gpt.context.grammar")
local library = require("gpt.library")
local project = require("gpt.project")
local remote = require("gpt.remote")
local window = require("gpt.view.window")
local words = require("gpt.words")
require("gpt.code.came_from") -- sees from now on where the user comes from

---@class gpt.Lookup
---@field ticket integer the number that the program's answer names
---@field again? boolean whether it is an earlier question, which has been changed
---@field late? boolean whether it waited before, without having been looked up as it stands
---@field tick? integer the buffer's changedtick when it began

local last_ticket = 0

--- The context words of a question, and of the prompt that it names.
---@param text string
---@return gpt.ContextWord[]
local function words_of(text)
  local also = library.context_of(text)
  return grammar.find(also == "" and text or also .. "\n\n" .. text)
end

---@param text string
---@return boolean
function Chat.names_context(text)
  return #words_of(text) > 0
end

--- Whether a question waits for what its words stand for.
---@return boolean
function Chat:is_looking_up()
  return next(self.lookups) ~= nil
end

--- Tells why a question is not sent, where the reader looks.
---@param told gpt.Notice
function Chat:complain(told)
  if self.answer and window.find(self) then
    return require("gpt.view.chat").inform(told)
  end
  self:tell_at_prompt(told)
end

--- Lets a question wait; if it has context words, looks them up meanwhile. Where the editor knows at once that one stands
--- for nothing, nothing happens but that this is told; one that has waited already comes back.
---@param text string the question
---@param wait fun(): integer lets it wait; returns the mark of its heading
---@param fields? { again?: boolean, late?: boolean }
---@return boolean waits
function Chat:wait_for_context(text, wait, fields)
  local found = words_of(text)
  if #found == 0 then
    wait()
    return true
  end
  local mark, early_wanted, early_problem
  context.read(found, function(wanted, problem)
    if mark then
      return self:want_context(mark, wanted, problem)
    end
    early_wanted, early_problem = wanted, problem
  end)
  if early_problem then
    if fields and fields.late then
      self:take_back() -- first, since what is told stands beside the prompt
      self:trim_prompt()
    end
    self:complain(early_problem)
    return false
  end
  last_ticket = last_ticket + 1
  mark = wait()
  self.lookups[mark] = vim.tbl_extend("force", { ticket = last_ticket }, fields or {})
  self:redraw_waiting(mark)
  self.lookups[mark].tick = api.nvim_buf_get_changedtick(self.buf)
  if early_wanted then
    self:want_context(mark, early_wanted)
  end
  return true
end

--- Draws the heading of a question that waits, which says what for.
---@param mark integer
function Chat:redraw_waiting(mark)
  local row, entry = self:row(mark), self.entries[mark]
  if row and entry and not entry.id and row ~= self:find_prompt() then
    entry.looked_up = self.lookups[mark] ~= nil or nil
    self:mark_heading(row, entry, mark, true)
  end
end

--- Asks the program for what some words stand for, once the editor has read its own.
---@param mark integer
---@param wanted? gpt.WantedWord[]
---@param problem? gpt.Notice
function Chat:want_context(mark, wanted, problem)
  local lookup = self.lookups[mark]
  if not lookup then
    return
  elseif not wanted then
    return self:give_up(mark, problem)
  end
  local event = {
    lookup = lookup.ticket,
    wanted = wanted,
    disabled = context.disabled(),
    open = context.open(wanted),
    project = project.root(),
  }
  if not remote.notify(vim.tbl_extend("error", { event = "context_wanted", chat = self.id }, event)) then
    self:give_up(mark, nil)
  end
end

--- The question that an answer of the program is for.
---@param ticket integer
---@return integer? mark nil if it is not waited for any more
function Chat:lookup_of(ticket)
  for mark, lookup in pairs(self.lookups) do
    if lookup.ticket == ticket then
      return mark
    end
  end
end

--- The lines below a heading, up to the next one.
---@param mark integer
---@return integer? first
---@return integer last the line after the last one
function Chat:lines_of(mark)
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.mark == mark then
      return heading.row + 1, found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(self.buf)
    end
  end
  return nil, 0
end

--- Puts blocks into a question. Only what changes is written, so that the cursor stays.
---@param mark integer
---@param shown gpt.ShownBlock[]
---@param joined boolean whether this belongs to the undo step before
function Chat:put_blocks(mark, shown, joined)
  local first, last = self:lines_of(mark)
  if not first then
    return
  end
  local lines = api.nvim_buf_get_lines(self.buf, first, last, false)
  local whole = blocks.put(lines, shown)
  whole[#whole + 1] = ""
  local same = 0
  while same < #whole and whole[same + 1] == lines[same + 1] do
    same = same + 1
  end
  if same == #whole and same == #lines then
    return
  elseif joined then
    self:join_last_step()
  else
    self:break_undo()
  end
  folds.drop(self, first - 1)
  api.nvim_buf_set_lines(self.buf, first + same, last, false, vim.list_slice(whole, same + 1))
  self:note_step()
  self:break_undo()
  self:prepare(mark)
  highlight.once(self.buf, first, first + #whole)
  folds.update(self, first - 1)
end

---@class gpt.ShownContext
---@field lookup integer
---@field blocks gpt.ShownBlock[]
---@field notice? gpt.Notice

--- What the words of a question stand for is known: puts it there, and sends the question when its turn comes.
---@param found gpt.ShownContext
function Chat:context_found(found)
  local mark = self:lookup_of(found.lookup)
  if not mark then
    return
  end
  local lookup = self.lookups[mark]
  local row = self:row(mark)
  if not row or row == self:find_prompt() then
    self.lookups[mark] = nil -- an undo took it back, or it was deleted
    return
  elseif self.in_flight and not self.answer then
    -- Whatever comes of what is in flight, an answer or another branch: nothing else may be told now.
    error("E5108: busy: something is in flight", 0)
  end
  local following = self:windows_at_prompt()
  -- Before anything else, since where the text is locked (E565) or not modifiable this fails, and is asked for again.
  local just_sent = not lookup.again and not lookup.late and lookup.tick == api.nvim_buf_get_changedtick(self.buf)
  self:put_blocks(mark, found.blocks, just_sent)
  self:note_found(mark)
  self:after_edit(following)
  self.lookups[mark] = nil
  if found.notice then
    require("gpt.view.chat").inform(found.notice)
  end
  if lookup.again then
    return self:ask_changed(mark)
  end
  self:redraw_waiting(mark)
  if not self.answer and not self.in_flight then
    self:go_on(true)
  end
end

--- A word stands for nothing that can be sent, or the user does not want it sent.
---@param refused { lookup: integer, notice?: gpt.Notice }
function Chat:context_refused(refused)
  local mark = self:lookup_of(refused.lookup)
  if mark then
    local title, advice = words("view.context.taken_back"), words("view.context.taken_back_advice")
    self:give_up(mark, refused.notice or { level = "info", title = title, advice = advice })
  end
end

--- Remembers what a question says now that its blocks are in it.
---@param mark integer
function Chat:note_found(mark)
  local first, last = self:lines_of(mark)
  local text = first and self:said_within(first, last)
  self.entries[mark].found = text and vim.fn.sha256(vim.trim(text)) or nil
end

--- Whether a question that waits has a context word whose block is not in it: it was changed since it was looked up, or an
--- undo has brought it back as it was before.
---@param waiting gpt.Waiting
---@return boolean
function Chat:lacks_context(waiting)
  local found = words_of(waiting.text)
  if #found == 0 or self.entries[waiting.mark].found == vim.fn.sha256(vim.trim(waiting.text)) then
    return false
  end
  local there = {}
  for _, fence in ipairs(fences.all(vim.split(waiting.text, "\n"))) do
    there[(blocks.title(fence.info) or {}).word or ""] = true
  end
  return vim.iter(found):any(function(word)
    return not there[word.word]
  end)
end

--- Looks up the words of the question that waits longest, before it is sent.
---@param waiting gpt.Waiting
function Chat:look_up_waiting(waiting)
  self:wait_for_context(waiting.text, function()
    return waiting.mark
  end, { late = true })
end

--- Does not send a question: it comes back into the prompt, with those that were to follow it.
---@param mark integer
---@param told? gpt.Notice why, unless that was told
function Chat:give_up(mark, told)
  local again = self.lookups[mark].again
  if not again and self:waits(mark) then
    self:take_back(mark) -- first, as above
    self:trim_prompt()
  end
  self.lookups[mark] = nil
  if told then
    self:complain(told)
  end
end

--- Whether a heading is that of a question that waits.
---@param mark integer
---@return boolean
function Chat:waits(mark)
  local row, entry = self:row(mark), self.entries[mark]
  return row ~= nil and row ~= self:find_prompt() and entry.role == "user" and not entry.id
end

--- Takes the white lines off the prompt's end that came with another one below it; a cursor in it goes to its end.
function Chat:trim_prompt()
  local following = self:windows_at_prompt()
  local row = self:prompt_row()
  local last = self:end_of_text(row)
  api.nvim_buf_set_lines(self.buf, last, -1, false, {})
  self:note_step()
  local line = api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]
  for win in pairs(following) do
    api.nvim_win_set_cursor(win, { last, #line })
  end
  vim.bo[self.buf].modified = false
  window.follow(self.buf, row)
  self:break_undo()
end

--- Ends what is being looked up, if anything is: nothing is sent.
---@return boolean ended
function Chat:forget_context()
  local mark, lookup = next(self.lookups)
  if not lookup then
    return false
  end
  remote.notify({ event = "context_dropped", chat = self.id })
  local again = lookup.again
  self.lookups = {}
  if not again and self:waits(mark) then
    self:take_back()
    self:trim_prompt()
  end
  local title, advice = words("view.context.taken_back"), words("view.context.taken_back_advice")
  require("gpt.view.chat").inform({ level = "info", title = title, advice = advice })
  return true
end

-- An earlier question, changed -------------------------------------------------------------------------------------

--- Remembers what the questions say, as the program knows them.
function Chat:note_said()
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.entry.role == "user" and heading.entry.id then
      local text = self:body(found, index)
      heading.entry.said = text:find("#", 1, true) and vim.fn.sha256(vim.trim(text)) or nil
    end
  end
end

--- If the cursor is in an earlier question that has words, and that was changed: looks them up, then asks it again.
---@return boolean
function Chat:look_up_again()
  local id = self:message_at_cursor()
  if not id or self.answer or self.in_flight or self:is_looking_up() then
    return false
  end
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.entry.id == id and heading.entry.role == "user" then
      local text = self:body(found, index)
      if Chat.names_context(text) and vim.fn.sha256(vim.trim(text)) ~= heading.entry.said then
        self:wait_for_context(text, function()
          return heading.mark
        end, { again = true })
        return true
      end
    end
  end
  return false
end

--- Asks an earlier question again, as it stands now.
---@param mark integer
function Chat:ask_changed(mark)
  self:settle()
  local regions, prompt = self:snapshot()
  self.pending = { text = prompt, origin = "prompt", mark = mark }
  -- Should it not have changed after all, the prompt would be sent, whose words nobody has looked up.
  prompt = Chat.names_context(prompt) and "" or prompt
  self:tell("sent", { regions = regions, prompt = prompt, origin = "prompt", at = self.entries[mark].id })
end

return Chat
