--- A chat's buffer: headings kept by extmarks, messages between them, the prompt below the last one.
---
--- A message is what lies between its heading and the next one; only an extmark makes a heading, so no text can break
--- the structure. The marks live and die with their lines, also by undo, and the rest follows from the marks that
--- stand: the last one is the prompt's if the user speaks there; a question above it without a number waits to be sent.
--- What is said is the program's affair: this file keeps which heading belongs to which message.
local api = vim.api

local cells = require("gpt.cells")

---@class gpt.ShownModel
---@field provider string
---@field model string
---@field remark string
---@field reason string why it answers where the user has named none
---@field window? integer
---@field prices_of string
---@field chosen boolean

--- What a heading stands for.
---@class gpt.Entry
---@field role "user"|"assistant"
---@field id? integer the message; nil: it was not sent yet
---@field label? string `provider/model` of an answer
---@field renamed? { seq: integer, from: integer, to: integer }[] the numbers that it was given when its text had become
---another branch's, each with the undo step then
---@field branch? string which one of several branches: "2/3"
---@field born? integer the undo step that it came with
---@field row? integer where it stood then
---@field waits? boolean whether its edge says that it waits
---@field looked_up? boolean whether it waits for what its context words stand for
---@field taken_back? boolean whether it came back into the prompt: where an undo lets it wait again, it is not sent
---@field tick? integer the buffer's changedtick when it began to wait
---@field found? string what it said, as a hash, when what its context words stand for was put into it
---@field said? string what the program knows of a question with a context word, as a hash
---@field facts? string[] what else its right edge says, as far as there is room

---@class gpt.Heading
---@field mark integer
---@field row integer counted from 0
---@field entry gpt.Entry

---@class gpt.Chat
---@field id string
---@field buf integer
---@field project? string the root of the project that it belongs to
---@field private? boolean whether nothing of it is kept
---@field aside? boolean whether its answer goes elsewhere, and nobody waits for it here
---@field entries table<integer, gpt.Entry> by mark
---@field last_mark integer
---@field parts table<integer, gpt.Part> by mark
---@field last_part? integer
---@field prepared? { tick: integer, mark: integer } the changedtick after the last change that was only made to send a
---question, and its heading
---@field last_id? integer the highest number of a message so far
---@field answer? integer the answer that is being written
---@field answer_mark? integer its heading
---@field standing? { tick: integer, found: gpt.Heading[] } its headings, as found at that changedtick
---@field prompt_mark? integer the last prompt's heading, as found the last time
---@field stream? gpt.Stream
---@field typed? gpt.Typed the user's last stay in insert mode
---@field bundles gpt.Bundle[]
---@field undone? table<integer, true> the steps of headings that were found undone
---@field newest? integer the newest undo step that was seen
---@field seen? integer the undo step that was the last one when last seen
---@field noted? integer the buffer's changedtick when its headings were last known to be right
---@field label? string `provider/model` of that answer
---@field usage? table tokens of the last turn that ended
---@field estimate? integer tokens of the last request
---@field counted? table the same and its answer's, once the provider has counted them
---@field cut? gpt.ShownCut
---@field rules? string which rules of the project go along
---@field cost? number what it cost, in US dollars, estimated
---@field pending? { text: string, origin: "prompt"|"queue"|"command", mark?: integer } what was sent last, until it is shown as a message
---@field in_flight? boolean whether the program has been told something, and has not yet answered
---@field again? boolean whether the user has sent the prompt once more meanwhile
---@field lookups table<integer, gpt.Lookup> the questions whose context words are being looked up, by mark
---@field notice? table
---@field highlighting? gpt.Highlighting
---@field guard? gpt.Guard
---@field remembered? gpt.Remembered
---@field facts table<integer, string[]> what is known of answers, by message
---@field cuts table<integer, true> the answers that their provider ended before they were whole, by message
---@field origins { origin: gpt.Origin, first: string, text: string }[] where selections came from, with their blocks'
---first lines and texts, oldest first
---@field places table<integer, string> which branch messages are in, those that are not shown too: "2/3"
---@field windows table<integer, gpt.WindowState> how full the model's window was, by the last message that was shown
---@field spinner? table
---@field model? gpt.ShownModel the model that answers, in every chat
local Chat = {
  --- The headings.
  HEADINGS = api.nvim_create_namespace("gpt.headings"),
  --- Where the answer that is being written goes on, always `ANSWER`.
  PLACES = api.nvim_create_namespace("gpt.places"),
  ANSWER = 1,
  --- Where its reasoning goes on.
  REASONING = 2,
}
Chat.__index = Chat

local headings = Chat.HEADINGS

local USER_HEADING = "## You"
Chat.USER_HEADING = USER_HEADING

local GROUPS = { user = "GPTHeadingUser", assistant = "GPTHeadingAssistant" }

---@param id string
---@param buf integer
---@return gpt.Chat
function Chat.of(id, buf)
  local chat = { id = id, buf = buf, entries = {}, last_mark = 0, parts = {}, bundles = {} }
  chat.facts, chat.cuts, chat.lookups, chat.origins = {}, {}, {}, {}
  chat.places, chat.windows = {}, {}
  return setmetatable(chat, Chat)
end

-- Headings -----------------------------------------------------------------------------------------------------------

--- What stands at the right edge of a heading: of the facts, the first ones, as far as there is room beside it.
---@param entry gpt.Entry
---@param queued boolean
---@param room integer
---@return table[]? virtual text
local function edge(entry, queued, room)
  local told = {}
  local waits = entry.looked_up and "view.looked_up" or entry.taken_back and "view.not_sent" or "view.queued"
  told[#told + 1] = queued and require("gpt.words")(waits) or nil
  told[#told + 1] = entry.branch
  vim.list_extend(told, entry.facts or {})
  local function joined()
    return cells.plain(" " .. table.concat(told, " · ") .. " ")
  end
  while #told > 1 and cells.width(joined()) > room do
    told[#told] = nil
  end
  if queued and cells.width(joined()) > room then
    told[1] = told[1]:match("^[^:]+") -- without its explanation
  end
  return #told > 0 and cells.width(joined()) <= room and { { joined(), "GPTHeadingFacts" } } or nil
end

--- The width of the narrowest window that shows the chat.
---@param buf integer
---@return integer
local function narrowest(buf)
  local width = math.huge
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    width = math.min(width, api.nvim_win_get_width(win))
  end
  return width
end

--- From where to where a heading goes: what is typed before or behind it on its line is no part of it.
---@param row integer
---@param mark integer
---@param line string
---@return integer col
---@return integer end_col
function Chat:heading_cols(row, mark, line)
  local at = api.nvim_buf_get_extmark_by_id(self.buf, headings, mark, { details = true })
  local details = at[3] or {}
  if at[1] == row and details.end_row == row and not details.invalid and details.end_col > at[2] then
    return at[2], details.end_col
  end
  return 0, #line
end

--- Makes the line at `row` a heading, or draws it anew.
---@param row integer
---@param entry gpt.Entry
---@param mark? integer
---@param queued? boolean whether it is a question that waits
---@return integer mark
function Chat:mark_heading(row, entry, mark, queued)
  if not mark then
    mark = self.last_mark + 1
    self.last_mark = mark
  end
  self.entries[mark], self.standing = entry, nil
  entry.waits = queued
  self.last_id = math.max(self.last_id or 0, entry.id or 0)
  local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
  local virtual
  if queued or entry.branch or entry.facts then
    virtual = edge(entry, queued or false, narrowest(self.buf) - cells.width(line) - 1)
  end
  local col, end_col = self:heading_cols(row, mark, line)
  api.nvim_buf_set_extmark(self.buf, headings, row, col, {
    id = mark,
    end_row = row,
    end_col = end_col,
    hl_group = GROUPS[entry.role],
    virt_text = virtual,
    virt_text_pos = virtual and "right_align",
    invalidate = true,
    undo_restore = true,
  })
  return mark
end

---@param mark integer
---@return integer? row counted from 0; nil if the heading is gone
function Chat:row(mark)
  local position = api.nvim_buf_get_extmark_by_id(self.buf, headings, mark, { details = true })
  if position[1] and not (position[3] or {}).invalid then
    return position[1]
  end
end

---@class gpt.Mark
---@field number integer
---@field row integer
---@field col integer
---@field details table see |nvim_buf_get_extmark_by_id()|
---@field valid boolean whether its text is there

--- Marks by their numbers, in the order of their places. Asked for a namespace's marks, Neovim goes through all marks of
--- the lines, those of the colours too: 10 ms for a chat of 20,000 lines.
---@param namespace integer
---@param numbers table<integer, any>
---@return gpt.Mark[]
function Chat:marks_of(namespace, numbers)
  local found = {}
  for number in pairs(numbers) do
    local at = api.nvim_buf_get_extmark_by_id(self.buf, namespace, number, { details = true, hl_name = false })
    if at[1] then
      local details = at[3] or {}
      found[#found + 1] = { number = number, row = at[1], col = at[2], details = details, valid = not details.invalid }
    end
  end
  table.sort(found, function(a, b)
    if a.row ~= b.row then
      return a.row < b.row
    elseif a.col ~= b.col then
      return a.col < b.col
    end
    return a.number < b.number
  end)
  return found
end

--- The headings that stand, in their order: not to be changed, since they are remembered as long as neither the text nor
--- a heading's mark changes.
---@return gpt.Heading[]
function Chat:headings()
  local tick = api.nvim_buf_get_changedtick(self.buf)
  if self.standing and self.standing.tick == tick then
    return self.standing.found
  end
  local found = {}
  for _, mark in ipairs(self:marks_of(headings, self.entries)) do
    if mark.valid then
      found[#found + 1] = { mark = mark.number, row = mark.row, entry = self.entries[mark.number] }
    end
  end
  self.standing = { tick = tick, found = found }
  return found
end

--- The last heading that stands below a row, or in it.
---@param row integer
---@return gpt.Heading?
function Chat:last_heading(row)
  local marks = api.nvim_buf_get_extmarks(self.buf, headings, { row, 0 }, -1, { details = true })
  for index = #marks, 1, -1 do
    local mark = marks[index]
    if not mark[4].invalid then
      return { mark = mark[1], row = mark[2], entry = self.entries[mark[1]] }
    end
  end
end

--- The last heading that stands, if it is the user's: the prompt's. It is looked for for every line of an answer, so
--- where it was the last time is looked at first.
---@return integer? row
---@return integer? mark
function Chat:find_prompt()
  local known = self.prompt_mark and self:row(self.prompt_mark)
  local last = known and self:last_heading(known)
  if not last then
    local all = self:headings()
    last = all[#all]
  end
  if last and last.entry.role == "user" then
    self.prompt_mark = last.mark
    return last.row, last.mark
  end
end

--- The heading of a message.
---@param id integer
---@return gpt.Heading?
function Chat:heading_of(id)
  for _, heading in ipairs(self:headings()) do
    if heading.entry.id == id then
      return heading
    end
  end
end

--- The heading that the cursor of the current window is below.
---@param found gpt.Heading[]
---@return integer? index
local function index_at_cursor(found)
  local row, index = api.nvim_win_get_cursor(0)[1] - 1, nil
  for number, heading in ipairs(found) do
    index = heading.row <= row and number or index
  end
  return index
end

--- The message that the cursor is in, if this chat is in the current window and the cursor not in its prompt.
---@return integer? id
function Chat:message_at_cursor()
  if api.nvim_get_current_buf() ~= self.buf then
    return nil
  end
  local found = self:headings()
  local index = index_at_cursor(found)
  if index and found[index].row ~= self:find_prompt() then
    return found[index].entry.id
  end
end

-- Text ---------------------------------------------------------------------------------------------------------------

--- The text between a heading and the next one.
---@param found gpt.Heading[]
---@param index integer
---@return string
function Chat:body(found, index)
  local next_row = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(self.buf)
  return self:said_within(found[index].row + 1, next_row)
end

--- Whether a message shows something that is not said.
---@param found gpt.Heading[]
---@param index integer
---@return boolean
function Chat:shows_beside(found, index)
  local next_row = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(self.buf)
  return #self:parts_within(found[index].row + 1, next_row) > 0
end

---@class gpt.Waiting a question that waits to be sent
---@field mark integer
---@field text string

--- What the buffer shows: its messages, the prompt, and the questions that wait.
---@return table[]? regions nil if there is none, since msgpack cannot tell an empty list from an empty map
---@return string prompt
---@return gpt.Waiting[] queue
function Chat:snapshot()
  local regions, queue, prompt = {}, {}, ""
  local found, prompt_row = self:headings(), self:find_prompt()
  for index, heading in ipairs(found) do
    local text, entry = self:body(found, index), heading.entry
    if heading.row == prompt_row then
      prompt = text
    elseif entry.id then
      local beside = not text:find("%S") and self:shows_beside(found, index) or nil
      regions[#regions + 1] = { id = entry.id, role = entry.role, text = text, label = entry.label, beside = beside }
    else
      queue[#queue + 1] = { mark = heading.mark, text = text }
    end
  end
  return #regions > 0 and regions or nil, prompt, queue
end

--- Where the next message goes: above the prompt and the questions that wait.
---@return integer row
function Chat:tail_row()
  local row = self:prompt_row()
  local found = self:headings()
  for index = #found - 1, 1, -1 do
    if found[index].entry.id then
      break
    end
    row = found[index].row
  end
  return row
end

--- The prompt's heading; a new one at the end of the buffer if the user took it away.
---@return integer row
function Chat:prompt_row()
  local row = self:find_prompt()
  if not row then
    local last = api.nvim_buf_line_count(self.buf)
    local empty = last == 1 and api.nvim_buf_get_lines(self.buf, 0, 1, false)[1] == ""
    row = empty and 0 or last
    self:add_prompt(row)
  end
  return row
end

--- Puts an empty prompt at the end of the buffer, in place of what is there from `row` on.
---@param row integer
function Chat:add_prompt(row)
  api.nvim_buf_set_lines(self.buf, row, -1, false, { USER_HEADING, "", "" })
  self:mark_heading(row, { role = "user" })
end

--- Takes the white lines off the end of the prompt, and adds `lines` there.
---@param lines string[]
function Chat:add_to_prompt(lines)
  local row = self:prompt_row()
  local body = api.nvim_buf_get_lines(self.buf, row + 1, -1, false)
  while #body > 0 and body[#body]:find("^%s*$") do
    body[#body] = nil
  end
  local added = { "" }
  vim.list_extend(added, lines)
  api.nvim_buf_set_lines(self.buf, row + 1 + #body, -1, false, added)
end

--- Puts the cursor of the current window at the end of the prompt.
function Chat:go_to_prompt()
  local last = api.nvim_buf_line_count(self.buf)
  local line = api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]
  api.nvim_win_set_cursor(0, { last, #line })
end

--- Gives the prompt its heading back if the user took it away: above the text where that is all there is, else at the
--- end.
function Chat:restore_prompt()
  if not vim.bo[self.buf].modifiable then
    return
  end
  if #self:headings() == 0 then
    api.nvim_buf_set_lines(self.buf, 0, 0, false, { USER_HEADING, "" })
    self:mark_heading(0, { role = "user" })
  end
  self:prompt_row()
end

--- Moves the cursor to another heading.
---@param direction 1|-1
---@param count integer
function Chat:go_to_heading(direction, count)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = self:headings()
  local target
  for _ = 1, count do
    local from, to, by = 1, #found, 1
    if direction < 0 then
      from, to, by = #found, 1, -1
    end
    for index = from, to, by do
      if (found[index].row - row) * direction > 0 then
        target, row = found[index], found[index].row
        break
      end
    end
  end
  if target then
    vim.cmd("normal! m'")
    api.nvim_win_set_cursor(0, { target.row + 1, 0 })
  end
end

--- Draws the right edges anew, after the width of a window has changed.
function Chat:redraw_edges()
  for _, heading in ipairs(self:headings()) do
    local entry = heading.entry
    if entry.waits or entry.branch or entry.facts then
      self:mark_heading(heading.row, entry, heading.mark, entry.waits)
    end
  end
end

return Chat
