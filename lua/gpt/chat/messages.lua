--- Messages in a chat's buffer: put in, made longer, renumbered, taken away.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local cells = require("gpt.cells")
local context_window = require("gpt.chat.context_window")
local facts = require("gpt.ui.facts")
local folds = require("gpt.chat.folds")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local reasoning = require("gpt.chat.reasoning")
local undo = require("gpt.chat.undo")

local M = {}

---@class (partial) gpt.Chat
---@field facts table<integer, string[]> what is known of answers, by message
---@field cuts table<integer, true> the answers that their provider ended before they were whole, by message
---@field places table<integer, string> which branch messages are in, those that are not shown too: "2/3"

--- Takes a message's heading and text out of the buffer. Its mark stays: undo brings both back. A question that an undo
--- has made the prompt again stays, though its heading knows the message that it was.
---@param chat gpt.Chat
---@param id integer
local function remove(chat, id)
  local found, prompt = headings.all(chat), headings.prompt(chat)
  for index, heading in ipairs(found) do
    if heading.entry.id == id and heading.row ~= prompt then
      local next_row = found[index + 1] and found[index + 1].row or -1
      api.nvim_buf_set_lines(chat.buf, heading.row, next_row, false, {})
      return
    end
  end
end

--- Gives a heading the number of the message that it has become.
---@param chat gpt.Chat
---@param heading gpt.Heading
---@param changes table fields of the entry
function M.change_heading(chat, heading, changes)
  headings.mark(chat, heading.row, vim.tbl_extend("force", heading.entry, changes), heading.mark)
end

--- Makes a heading of the user's that of a message, or of a question that waits.
---@param chat gpt.Chat
---@param mark integer
---@param row integer
---@param entry gpt.Entry
function M.become(chat, mark, row, entry)
  local before = chat.entries[mark]
  entry.born, entry.row = before.born, before.row
  headings.mark(chat, row, entry, mark, entry.id == nil)
end

---@class gpt.Shape
---@field renamed? integer[][] `{ old, new }`
---@field removed? integer[]
---@field branches? table[] `{ id, "2/3" }`

--- Gives a heading the number that its message has in another branch, until the change of its text is undone.
---@param chat gpt.Chat
---@param heading gpt.Heading
---@param id integer
---@param step? integer the last undo step before the program took the change over
local function renumber(chat, heading, id, step)
  local entry, renamed = heading.entry, heading.entry.renamed
  if step and id ~= entry.id then
    renamed = vim.list_extend({}, renamed or {})
    renamed[#renamed + 1] = { seq = step, from = entry.id, to = id }
  end
  entry.branch = chat.places[id]
  M.change_heading(chat, heading, { id = id, renamed = renamed })
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
---@param chat gpt.Chat
---@param shape gpt.Shape
---@param step? integer the last undo step before this
function M.reshape(chat, shape, step)
  local numbers, places = {}, {}
  chat.places = shape.branches and places or chat.places
  for _, pair in ipairs(shape.renamed or {}) do
    numbers[pair[1]] = pair[2]
  end
  for _, pair in ipairs(shape.branches or {}) do
    places[pair[1]] = pair[2]
  end
  for _, heading in ipairs(headings.all(chat)) do
    local entry = heading.entry
    local id = numbers[entry.id] or entry.id
    if id and (id ~= entry.id or entry.branch ~= places[id]) then
      renumber(chat, heading, id, step)
    end
  end
  for _, id in ipairs(shape.removed or {}) do
    remove(chat, id)
  end
end

--- After an undo: says of the messages that are shown again what is known of them.
---@param chat gpt.Chat
function M.redraw_known(chat)
  local applied = undo.within(chat, undo.state).applied
  for _, heading in ipairs(headings.all(chat)) do
    local entry = heading.entry
    local id = number_of(entry, applied)
    local place = id and chat.places[id]
    if entry.id ~= id or entry.branch ~= place then
      entry.id, entry.branch = id, place
      headings.mark(chat, heading.row, entry, heading.mark, entry.waits)
    end
  end
  if not chat.answer then
    context_window.redraw(chat)
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
  if #(beside.reasoning or {}) > 0 and reasoning.is_shown() then
    add("reasoning", reasoning.lines(beside.reasoning --[[@as string[] ]]))
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
  local heading = entry.role == "user" and headings.USER or "## " .. cells.plain(entry.label)
  return vim.list_extend({ heading }, whole), parts
end

--- Makes a message of lines that are in the buffer.
---@param chat gpt.Chat
---@param row integer its heading
---@param entry gpt.Entry
---@param beside? gpt.Beside
---@param parts gpt.Placed[]
---@return integer row its text
local function dress_message(chat, row, entry, beside, parts)
  local known = beside and beside.facts
  if known then
    chat.facts[entry.id] = facts.of(known)
    chat.cuts[entry.id] = known.cut or nil
  end
  entry.facts = entry.id and chat.facts[entry.id]
  headings.mark(chat, row, entry)
  local text = row + 2
  for _, part in ipairs(parts) do
    answer_parts.dress(chat, row + part.from, part)
    text = part.kind == "reasoning" and text + #part.lines + 1 or text
  end
  return text
end

--- Puts a message into the buffer.
---@param chat gpt.Chat
---@param row integer where its heading goes
---@param entry gpt.Entry
---@param lines string[]
---@param beside? gpt.Beside
---@return integer row what stood there stands here now
function M.insert(chat, row, entry, lines, beside)
  local inserted, parts = whole_of(entry, lines, beside)
  api.nvim_buf_set_lines(chat.buf, row, row, false, inserted)
  local text = dress_message(chat, row, entry, beside, parts)
  highlight.once(chat.buf, text, text + #lines)
  folds.update(chat, row)
  return row + #inserted
end

--- Puts messages into the buffer, all at once: a long chat is there sooner so. They are highlighted bit by bit.
---@param chat gpt.Chat
---@param row integer where the first heading goes
---@param messages gpt.ShownMessage[]
---@return integer row what stood there stands here now
function M.insert_all(chat, row, messages)
  local all, highlights, placed = {}, {}, {}
  for _, message in ipairs(messages) do
    local entry = { role = message.role, id = message.id, label = message.label }
    local lines, parts = whole_of(entry, message.lines, message)
    placed[#placed + 1] = { row = row + #all, entry = entry, parts = parts }
    vim.list_extend(all, lines)
  end
  api.nvim_buf_set_lines(chat.buf, row, row, false, all)
  for index, message in ipairs(messages) do
    local one = placed[index]
    local text = dress_message(chat, one.row, one.entry, message, one.parts)
    highlights[index] = { text, text + #message.lines }
  end
  folds.update(chat, row)
  highlight.gradually(chat.buf, highlights)
  return row + #all
end

--- Where the text of a message ends: above its tools and sources, below its reasoning.
---@param chat gpt.Chat
---@param heading gpt.Heading
---@param last integer the line after the message
---@return integer row the last line that says something
---@return boolean is_reasoning whether there is no text yet, and that line is the reasoning's
---@return integer stop the line after the text and the blank lines below it
local function text_end(chat, heading, last)
  local first, stop, is_reasoning = heading.row + 2, last, false
  for _, found in ipairs(answer_parts.within(chat, heading.row, last)) do
    if found.part.kind == "reasoning" then
      first, is_reasoning = found.to[1], true
    elseif found.part.kind ~= "refusal" then
      stop = math.min(stop, found.from[1])
    end
  end
  local row = stop - 1
  while row > first and api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1] == "" do
    row = row - 1
  end
  return row, is_reasoning and row == first, stop
end

--- Adds lines to a message that is shown: they continue its last one.
---@param chat gpt.Chat
---@param id integer
---@param lines string[]
function M.lengthen(chat, id, lines)
  local found = headings.all(chat)
  for index, heading in ipairs(found) do
    if heading.entry.id == id then
      local last = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(chat.buf)
      local row, is_reasoning, stop = text_end(chat, heading, last)
      if is_reasoning then
        api.nvim_buf_set_lines(chat.buf, row + 1, stop - 1, false, vim.list_extend({ "" }, lines))
      else
        local col = #api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1]
        api.nvim_buf_set_text(chat.buf, row, col, row, col, lines)
      end
    end
  end
end

return M
