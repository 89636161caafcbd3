--- The headings of a chat's messages, kept by extmarks.
---
--- A message is what lies between its heading and the next one; only an extmark makes a heading, so no text can break
--- the structure. The marks live and die with their lines, also by undo, and the rest follows from the marks that
--- stand: the last one is the prompt's if the user speaks there; a question above it without a number waits to be sent.
--- What is said is the program's affair: this file keeps which heading belongs to which message.
local api = vim.api

local cells = require("gpt.cells")
local extmarks = require("gpt.chat.extmarks")
local words = require("gpt.words")

local M = {}

---@class (partial) gpt.Chat
---@field entries table<integer, gpt.Entry> by mark
---@field last_mark integer
---@field last_id? integer the highest number of a message so far
---@field standing? { tick: integer, found: gpt.Heading[] } its headings, as found at that changedtick
---@field prompt_mark? integer the last prompt's heading, as found the last time

--- The namespace of the headings' marks.
local SPACE = api.nvim_create_namespace("gpt.headings")
M.SPACE = SPACE

--- The line of the user's headings.
M.USER = "## You"

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
---@field sent? integer the submission that it is, or was
---@field asked? string what that said when it was last sent or looked up
---@field going? string what the program was told of it that is to be shown as a message; nil: it waits, or is a message
---@field found? string what it said, as a hash, when what its context words stand for was put into it
---@field said? string what the program knows of a question, with the number of its message, as a hash
---@field facts? string[] what else its right edge says, as far as there is room

---@class gpt.Heading
---@field mark integer
---@field row integer counted from 0
---@field entry gpt.Entry

local GROUPS = { user = "GPTHeadingUser", assistant = "GPTHeadingAssistant" }

--- What stands at the right edge of a heading: of the facts, the first ones, as far as there is room beside it.
---@param entry gpt.Entry
---@param queued boolean
---@param room integer
---@return table[]? virtual text
local function edge(entry, queued, room)
  local told = {}
  local waits = entry.looked_up and "view.looked_up" or entry.taken_back and "view.not_sent" or "view.queued"
  local tells_why = queued and not entry.going
  told[#told + 1] = tells_why and words(waits) or nil
  told[#told + 1] = entry.branch
  vim.list_extend(told, entry.facts or {})
  local function joined()
    return cells.plain(" " .. table.concat(told, " · ") .. " ")
  end
  while #told > 1 and cells.width(joined()) > room do
    told[#told] = nil
  end
  if tells_why and cells.width(joined()) > room then
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
---@param chat gpt.Chat
---@param row integer
---@param mark integer
---@param line string
---@return integer col
---@return integer end_col
function M.cols(chat, row, mark, line)
  local at = api.nvim_buf_get_extmark_by_id(chat.buf, SPACE, mark, { details = true })
  local details = at[3] or {}
  if at[1] == row and details.end_row == row and not details.invalid and details.end_col > at[2] then
    return at[2], details.end_col
  end
  return 0, #line
end

--- Makes the line at `row` a heading, or draws it anew.
---@param chat gpt.Chat
---@param row integer
---@param entry gpt.Entry
---@param mark? integer
---@param queued? boolean whether it is a question that waits
---@return integer mark
function M.mark(chat, row, entry, mark, queued)
  if not mark then
    mark = chat.last_mark + 1
    chat.last_mark = mark
  end
  chat.entries[mark], chat.standing = entry, nil
  entry.waits = queued
  chat.last_id = math.max(chat.last_id or 0, entry.id or 0)
  local line = api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1]
  local virtual
  if queued or entry.branch or entry.facts then
    virtual = edge(entry, queued or false, narrowest(chat.buf) - cells.width(line) - 1)
  end
  local col, end_col = M.cols(chat, row, mark, line)
  api.nvim_buf_set_extmark(chat.buf, SPACE, row, col, {
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

---@param chat gpt.Chat
---@param mark integer
---@return integer? row counted from 0; nil if the heading is gone
function M.row(chat, mark)
  local position = api.nvim_buf_get_extmark_by_id(chat.buf, SPACE, mark, { details = true })
  if position[1] and not (position[3] or {}).invalid then
    return position[1]
  end
end

--- The headings that stand, in their order: not to be changed, since they are remembered as long as neither the text nor
--- a heading's mark changes.
---@param chat gpt.Chat
---@return gpt.Heading[]
function M.all(chat)
  local tick = api.nvim_buf_get_changedtick(chat.buf)
  if chat.standing and chat.standing.tick == tick then
    return chat.standing.found
  end
  local found = {}
  for _, mark in ipairs(extmarks.of(chat, SPACE, chat.entries)) do
    if mark.valid then
      found[#found + 1] = { mark = mark.number, row = mark.row, entry = chat.entries[mark.number] }
    end
  end
  chat.standing = { tick = tick, found = found }
  return found
end

--- The last heading that stands below a row, or in it.
---@param chat gpt.Chat
---@param row integer
---@return gpt.Heading?
function M.last(chat, row)
  local marks = api.nvim_buf_get_extmarks(chat.buf, SPACE, { row, 0 }, -1, { details = true })
  for index = #marks, 1, -1 do
    local mark = marks[index]
    if not mark[4].invalid then
      return { mark = mark[1], row = mark[2], entry = chat.entries[mark[1]] }
    end
  end
end

--- The last heading that stands, if it is the user's: the prompt's. It is looked for for every line of an answer, so
--- where it was the last time is looked at first.
---@param chat gpt.Chat
---@return integer? row
---@return integer? mark
function M.prompt(chat)
  local known = chat.prompt_mark and M.row(chat, chat.prompt_mark)
  local last = known and M.last(chat, known)
  if not last then
    local all = M.all(chat)
    last = all[#all]
  end
  if last and last.entry.role == "user" then
    chat.prompt_mark = last.mark
    return last.row, last.mark
  end
end

--- The heading of a message.
---@param chat gpt.Chat
---@param id integer
---@return gpt.Heading?
function M.of_message(chat, id)
  for _, heading in ipairs(M.all(chat)) do
    if heading.entry.id == id then
      return heading
    end
  end
end

--- The heading of a submission that is no message yet.
---@param chat gpt.Chat
---@param submission integer
---@return gpt.Heading?
function M.of_submission(chat, submission)
  for _, heading in ipairs(M.all(chat)) do
    if heading.entry.sent == submission and heading.entry.role == "user" then
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
---@param chat gpt.Chat
---@return integer? id
function M.message_at_cursor(chat)
  if api.nvim_get_current_buf() ~= chat.buf then
    return nil
  end
  local found = M.all(chat)
  local index = index_at_cursor(found)
  if index and found[index].row ~= M.prompt(chat) then
    return found[index].entry.id
  end
end

--- Moves the cursor to another heading.
---@param chat gpt.Chat
---@param direction 1|-1
---@param count integer
function M.go_to(chat, direction, count)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = M.all(chat)
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
---@param chat gpt.Chat
function M.redraw_edges(chat)
  for _, heading in ipairs(M.all(chat)) do
    local entry = heading.entry
    if entry.waits or entry.branch or entry.facts then
      M.mark(chat, heading.row, entry, heading.mark, entry.waits)
    end
  end
end

--- The heading below another one, or the line below the last one.
---@param chat gpt.Chat
---@param heading integer row
---@return integer row
function M.next_row(chat, heading)
  for _, other in ipairs(M.all(chat)) do
    if other.row > heading then
      return other.row
    end
  end
  return api.nvim_buf_line_count(chat.buf)
end

--- The lines below a heading, up to the next one.
---@param chat gpt.Chat
---@param mark integer
---@return integer? first
---@return integer last the line after the last one
function M.lines_of(chat, mark)
  local found = M.all(chat)
  for index, heading in ipairs(found) do
    if heading.mark == mark then
      return heading.row + 1, found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(chat.buf)
    end
  end
  return nil, 0
end

return M
