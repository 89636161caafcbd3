--- Messages on the screen: put in, made longer, renumbered, taken away. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local cells = require("gpt.cells")
local facts = require("gpt.view.facts")
local folds = require("gpt.view.folds")
local highlight = require("gpt.view.highlight")

--- Takes a message's heading and text out of the buffer. Its mark stays: undo brings both back. A question that an undo
--- has made the prompt again stays, though its heading knows the message that it was.
---@param id integer
function Chat:remove(id)
  local found, prompt = self:headings(), self:find_prompt()
  for index, heading in ipairs(found) do
    if heading.entry.id == id and heading.row ~= prompt then
      local next_row = found[index + 1] and found[index + 1].row or -1
      api.nvim_buf_set_lines(self.buf, heading.row, next_row, false, {})
      return
    end
  end
end

--- Gives a heading the number of the message that it has become.
---@param heading gpt.Heading
---@param changes table fields of the entry
function Chat:change_heading(heading, changes)
  self:mark_heading(heading.row, vim.tbl_extend("force", heading.entry, changes), heading.mark)
end

--- Makes a heading of the user's that of a message, or of a question that waits.
---@param mark integer
---@param row integer
---@param entry gpt.Entry
function Chat:become(mark, row, entry)
  local before = self.entries[mark]
  entry.born, entry.row = before.born, before.row
  self:mark_heading(row, entry, mark, entry.id == nil)
end

---@class gpt.Shape
---@field renamed? integer[][] `{ old, new }`
---@field removed? integer[]
---@field branches? table[] `{ id, "2/3" }`

--- Gives a heading the number that its message has in another branch, until the change of its text is undone.
---@param heading gpt.Heading
---@param id integer
---@param step? integer the last undo step before the program took the change over
function Chat:renumber(heading, id, step)
  local entry, renamed = heading.entry, heading.entry.renamed
  if step and id ~= entry.id then
    renamed = vim.list_extend({}, renamed or {})
    renamed[#renamed + 1] = { seq = step, from = entry.id, to = id }
  end
  entry.branch = self.places[id]
  self:change_heading(heading, { id = id, renamed = renamed })
end

--- The number of a heading's message as its text stands after an undo or a redo.
---@param entry gpt.Entry
---@param applied table<integer, true>
---@return integer? id
local function number_of(entry, applied)
  local renamed = entry.renamed or {}
  local id = renamed[1] and renamed[1].from or entry.id
  for _, one in ipairs(renamed) do
    id = applied[one.seq] and one.to or id
  end
  return id
end

--- Brings the messages that are shown into the shape that the conversation has.
---@param shape gpt.Shape
---@param step? integer the last undo step before this
function Chat:reshape(shape, step)
  local numbers, places = {}, {}
  self.places = shape.branches and places or self.places
  for _, pair in ipairs(shape.renamed or {}) do
    numbers[pair[1]] = pair[2]
  end
  for _, pair in ipairs(shape.branches or {}) do
    places[pair[1]] = pair[2]
  end
  for _, heading in ipairs(self:headings()) do
    local entry = heading.entry
    local id = numbers[entry.id] or entry.id
    if id and (id ~= entry.id or entry.branch ~= places[id]) then
      self:renumber(heading, id, step)
    end
  end
  for _, id in ipairs(shape.removed or {}) do
    self:remove(id)
  end
end

--- After an undo: says of the messages that are shown again what is known of them.
function Chat:redraw_known()
  local applied = self:within(Chat.undo_state).applied
  for _, heading in ipairs(self:headings()) do
    local entry = heading.entry
    local id = number_of(entry, applied)
    local place = id and self.places[id]
    if entry.id ~= id or entry.branch ~= place then
      entry.id, entry.branch = id, place
      self:mark_heading(heading.row, entry, heading.mark, entry.waits)
    end
  end
  if not self.answer then
    self:redraw_window()
  end
end

---@class gpt.ShownMessage: gpt.Beside
---@field id integer
---@field role "user"|"assistant"
---@field label string
---@field lines string[]

--- What is shown of an answer beside its text.
---@class gpt.Beside
---@field reasoning? string[]
---@field refused? boolean
---@field parts? gpt.ShownPart[]
---@field facts? gpt.ShownFacts

---@class gpt.Placed a part, and where it is in its message
---@field from integer
---@field kind string
---@field lines string[]

--- The lines of a message below its heading, and where its parts are in them, counted from 1.
---@param lines string[]
---@param beside gpt.Beside
---@return string[] whole
---@return gpt.Placed[] parts
local function compose(lines, beside)
  local whole, parts = { "" }, {}
  local function add(kind, added)
    parts[#parts + 1] = { from = #whole + 1, kind = kind, lines = added }
    vim.list_extend(whole, added)
    whole[#whole + 1] = ""
  end
  if #(beside.reasoning or {}) > 0 and Chat.shows_reasoning() then
    add("reasoning", Chat.reasoning_lines(beside.reasoning --[[@as string[] ]]))
  end
  if beside.refused then
    add("refusal", lines)
  else
    vim.list_extend(whole, lines)
    whole[#whole + 1] = ""
  end
  for _, part in ipairs(beside.parts or {}) do
    add(part.kind, part.lines)
  end
  return whole, parts
end

--- The lines of a message, its heading first, and what stands beside its text.
---@param entry gpt.Entry
---@param lines string[]
---@param beside? gpt.Beside
---@return string[] lines
---@return gpt.Placed[] parts
local function whole_of(entry, lines, beside)
  local whole, parts = compose(lines, beside or {})
  local heading = entry.role == "user" and Chat.USER_HEADING or "## " .. cells.plain(entry.label)
  return vim.list_extend({ heading }, whole), parts
end

--- Makes a message of lines that are in the buffer.
---@param row integer its heading
---@param entry gpt.Entry
---@param beside? gpt.Beside
---@param parts gpt.Placed[]
---@return integer row its text
function Chat:dress_message(row, entry, beside, parts)
  local known = beside and beside.facts
  if known then
    self.facts[entry.id] = facts.of(known)
    self.cuts[entry.id] = known.cut or nil
  end
  entry.facts = entry.id and self.facts[entry.id]
  self:mark_heading(row, entry)
  local text = row + 2
  for _, part in ipairs(parts) do
    self:dress_part(row + part.from, part)
    text = part.kind == "reasoning" and text + #part.lines + 1 or text
  end
  return text
end

--- Puts a message into the buffer.
---@param row integer where its heading goes
---@param entry gpt.Entry
---@param lines string[]
---@param beside? gpt.Beside
---@return integer row what stood there stands here now
function Chat:insert_message(row, entry, lines, beside)
  local inserted, parts = whole_of(entry, lines, beside)
  api.nvim_buf_set_lines(self.buf, row, row, false, inserted)
  local text = self:dress_message(row, entry, beside, parts)
  highlight.once(self.buf, text, text + #lines)
  folds.update(self, row)
  return row + #inserted
end

--- Puts messages into the buffer, all at once: a long chat is there sooner so. They are highlighted bit by bit.
---@param row integer where the first heading goes
---@param messages gpt.ShownMessage[]
---@return integer row what stood there stands here now
function Chat:insert_messages(row, messages)
  local all, highlights, placed = {}, {}, {}
  for _, message in ipairs(messages) do
    local entry = { role = message.role, id = message.id, label = message.label }
    local lines, parts = whole_of(entry, message.lines, message)
    placed[#placed + 1] = { row = row + #all, entry = entry, parts = parts }
    vim.list_extend(all, lines)
  end
  api.nvim_buf_set_lines(self.buf, row, row, false, all)
  for index, message in ipairs(messages) do
    local one = placed[index]
    local text = self:dress_message(one.row, one.entry, message, one.parts)
    highlights[index] = { text, text + #message.lines }
  end
  folds.update(self, row)
  highlight.gradually(self.buf, highlights)
  return row + #all
end

--- Where the text of a message ends: above its tools and sources, below its reasoning.
---@param heading gpt.Heading
---@param last integer the line after the message
---@return integer row the last line that says something
---@return boolean is_reasoning whether there is no text yet, and that line is the reasoning's
---@return integer stop the line after the text and the blank lines below it
function Chat:text_end(heading, last)
  local first, stop, is_reasoning = heading.row + 2, last, false
  for _, found in ipairs(self:parts_within(heading.row, last)) do
    if found.part.kind == "reasoning" then
      first, is_reasoning = found.to[1], true
    elseif found.part.kind ~= "refusal" then
      stop = math.min(stop, found.from[1])
    end
  end
  local row = stop - 1
  while row > first and api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1] == "" do
    row = row - 1
  end
  return row, is_reasoning and row == first, stop
end

--- Adds lines to a message that is shown: they continue its last one.
---@param id integer
---@param lines string[]
function Chat:lengthen(id, lines)
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.entry.id == id then
      local last = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(self.buf)
      local row, is_reasoning, stop = self:text_end(heading, last)
      if is_reasoning then
        api.nvim_buf_set_lines(self.buf, row + 1, stop - 1, false, vim.list_extend({ "" }, lines))
      else
        local col = #api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
        api.nvim_buf_set_text(self.buf, row, col, row, col, lines)
      end
    end
  end
end

return Chat
