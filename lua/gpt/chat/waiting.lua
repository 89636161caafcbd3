--- Questions above the prompt that wait to be sent: drawn as such, taken back into the prompt, dropped.
local api = vim.api

local client = require("gpt.client")
local content = require("gpt.chat.content")
local extmarks = require("gpt.chat.extmarks")
local headings = require("gpt.chat.headings")
local messages = require("gpt.chat.messages")
local prompts = require("gpt.chat.prompt")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")

local M = {}

---@class (partial) gpt.Chat
---@field lookups table<integer, gpt.Lookup> the questions whose context words are being looked up, by mark

--- The questions that wait, in their order, each with the row and the entry of the heading below it.
---@param chat gpt.Chat
---@param from? integer mark of the first one that is wanted; nil: all of them
---@return { heading: gpt.Heading, below: integer, follower: gpt.Entry }[]
function M.from(chat, from)
  local found, waiting = headings.all(chat), {}
  for index = #found - 1, 1, -1 do
    local heading = found[index]
    if heading.entry.id or heading.entry.role ~= "user" then
      break
    end
    local follower = found[index + 1]
    table.insert(waiting, 1, { heading = heading, below = follower.row, follower = follower.entry })
    if heading.mark == from then
      break
    end
  end
  return waiting
end

--- Makes what follows an undo step of its own, or part of the last one where nothing was changed since.
---@param chat gpt.Chat
---@param tick? integer the changedtick then
---@return boolean joined
local function begin_taking_back(chat, tick)
  undo.break_step(chat)
  local joined = tick == api.nvim_buf_get_changedtick(chat.buf)
  if joined then
    undo.join_last(chat)
  end
  return joined
end

--- Takes the questions that wait back into the prompt: their headings go, their text stays. One that has just begun to
--- wait leaves no undo step.
---@param chat gpt.Chat
---@param from? integer mark of the first one that is taken back; nil: all of them
function M.take_back(chat, from)
  if #M.from(chat, from) > 0 then
    M.part_headings(chat) -- else what is typed beside those that go would go with them
  end
  local waiting = M.from(chat, from)
  for index = #waiting, 1, -1 do
    local heading = waiting[index].heading
    local entry = heading.entry
    if index == #waiting and begin_taking_back(chat, #waiting == 1 and entry.tick or nil) then
      waiting[index].follower.born = nil -- it comes and goes in one step
    end
    M.join_with_prompt(chat, waiting[index].below)
    chat.lookups[heading.mark], entry.looked_up, entry.going, entry.taken_back = nil, nil, nil, true
    headings.mark(chat, heading.row, entry, heading.mark)
  end
end

--- Takes the questions that wait back into the prompt; where the text cannot be changed now, they stay, are not sent, and
--- come back with the next one that is.
---@param chat gpt.Chat
---@return boolean returned whether there were any
function M.give_back(chat)
  local waiting = M.from(chat)
  if #waiting > 0 and pcall(M.take_back, chat) then
    pcall(undo.break_step, chat)
  else
    for _, one in ipairs(waiting) do
      local entry = one.heading.entry
      chat.lookups[one.heading.mark], entry.looked_up, entry.going, entry.taken_back = nil, nil, nil, true
      M.draw(chat, one.heading.mark)
    end
  end
  return #waiting > 0
end

--- Takes back what an undo has put among the questions that wait, though it was taken back before, and what is below it.
---@param chat gpt.Chat
function M.take_back_unsent(chat)
  for _, waiting in ipairs(M.from(chat)) do
    if waiting.heading.entry.taken_back then
      return M.take_back(chat, waiting.heading.mark)
    end
  end
end

--- Gives headings that were joined with other text a line of their own again.
---@param chat gpt.Chat
function M.part_headings(chat)
  local marks = extmarks.of(chat, headings.SPACE, chat.entries)
  for index = #marks, 1, -1 do
    local row, col, details = marks[index].row, marks[index].col, marks[index].details
    if marks[index].valid then
      local line = api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1]
      if details.end_row == row and details.end_col < #line then
        api.nvim_buf_set_text(chat.buf, row, details.end_col, row, details.end_col, { "", "" })
      end
      if col > 0 then
        api.nvim_buf_set_text(chat.buf, row, col, row, col, { "", "" })
      end
    end
  end
end

--- Makes a message of text that stands above the first heading: the user took its heading away.
---@param chat gpt.Chat
local function head_text(chat)
  local first = headings.all(chat)[1]
  local lines = first and api.nvim_buf_get_lines(chat.buf, 0, first.row, false) or {}
  if table.concat(lines):find("%S") then
    api.nvim_buf_set_lines(chat.buf, 0, 0, false, { headings.USER, "" })
    headings.mark(chat, 0, { role = "user", id = (chat.last_id or 0) + 1 })
  end
end

--- Leaves no text outside the conversation: what stands above the first heading is a message, and so is a question
--- that waits (an undo brought it back) if messages follow.
---@param chat gpt.Chat
function M.settle_messages(chat)
  M.part_headings(chat)
  head_text(chat)
  local found, followed = headings.all(chat), false
  for index = #found - 1, 1, -1 do
    local entry = found[index].entry
    if entry.id then
      followed = true
    elseif followed and entry.role == "user" then
      messages.change_heading(chat, found[index], { id = (chat.last_id or 0) + 1 })
    end
  end
  undo_steps.note(chat)
end

--- Before something is sent while no answer is being written: nothing waits any more, but stands in the prompt.
---@param chat gpt.Chat
function M.settle(chat)
  prompts.restore(chat)
  if vim.bo[chat.buf].modifiable then
    M.settle_messages(chat)
    M.take_back(chat)
  end
end

--- Takes away the last heading, and white lines around it but one.
---@param chat gpt.Chat
---@param row integer
function M.join_with_prompt(chat, row)
  local lines = api.nvim_buf_get_lines(chat.buf, row - 1, row + 2, false)
  local first = lines[1] == "" and row - 1 or row
  local last = lines[3] == "" and row + 2 or row + 1
  api.nvim_buf_set_lines(chat.buf, first, last, false, { "" })
end

--- Puts a waiting question that is refused behind the draft in the prompt, if there is one: an action that stood before
--- it would be about it.
---@param chat gpt.Chat
---@param mark integer
function M.put_last(chat, mark)
  local first, last = headings.lines_of(chat, mark)
  if not first or not select(2, content.snapshot(chat)):find("%S") then
    return
  end
  local lines = vim.split(vim.trim(table.concat(api.nvim_buf_get_lines(chat.buf, first, last, false), "\n")), "\n")
  undo.break_step(chat)
  M.drop(chat, mark)
  prompts.append(chat, lines)
end

--- What the program was told of last that is to be shown as a message.
---@param chat gpt.Chat
---@return integer? mark
---@return string? text
function M.going(chat)
  for _, heading in ipairs(headings.all(chat)) do
    if heading.entry.going then
      return heading.mark, heading.entry.going
    end
  end
end

--- Forgets what the program was told of: it is gone.
---@param chat gpt.Chat
function M.forget_going(chat)
  for _, entry in pairs(chat.entries) do
    entry.going = nil
  end
end

--- Tells the program if the user has undone or deleted what it was told of last: nothing is asked then.
---@param chat gpt.Chat
---@return boolean withdrawn
function M.withdraw(chat)
  for mark, entry in pairs(chat.entries) do
    if entry.going and not M.waits(chat, mark) then
      entry.going = nil
      client.notify({ event = "withdrawn", chat = chat.id, id = entry.sent })
      return true
    end
  end
  return false
end

--- Takes what the program was told of last back into the prompt, with what was to follow it.
---@param chat gpt.Chat
---@return boolean taken
function M.take_back_going(chat)
  local mark = M.going(chat)
  if not mark then
    return false
  end
  chat.entries[mark].going = nil
  local waits = M.waits(chat, mark)
  if waits then
    M.take_back(chat, mark)
  end
  return waits
end

--- Draws the heading of a question that waits.
---@param chat gpt.Chat
---@param mark integer
function M.draw(chat, mark)
  local row, entry = headings.row(chat, mark), chat.entries[mark]
  if row and not entry.id and row ~= headings.prompt(chat) then
    headings.mark(chat, row, entry, mark, true)
  end
end

--- Draws the headings of the prompt and of the questions that wait, where an undo has made one the other. Where no answer
--- is awaited, nothing is sent by itself.
---@param chat gpt.Chat
function M.redraw(chat)
  local found = headings.all(chat)
  local idle = not chat.answer and not M.is_on_its_way(chat)
  for index = #found, 1, -1 do
    local heading, waits = found[index], index < #found
    local entry = heading.entry
    if entry.role ~= "user" or (waits and entry.id) then
      return
    end
    if (entry.waits or false) ~= waits then
      entry.taken_back = entry.taken_back or (waits and idle) or nil
      entry.looked_up = chat.lookups[heading.mark] ~= nil or nil
      headings.mark(chat, heading.row, entry, heading.mark, waits)
    end
  end
end

--- Takes away a question whose text the user deleted.
---@param chat gpt.Chat
---@param mark integer
---@return boolean gone
function M.drop(chat, mark)
  M.part_headings(chat)
  local found = headings.all(chat)
  for index, heading in ipairs(found) do
    if heading.mark == mark then
      api.nvim_buf_set_lines(chat.buf, heading.row, found[index + 1] and found[index + 1].row or -1, false, {})
    end
  end
  return headings.row(chat, mark) == nil
end

--- Whether a question waits for what its words stand for.
---@param chat gpt.Chat
---@return boolean
function M.is_looking_up(chat)
  return next(chat.lookups) ~= nil
end

--- Whether something is on its way to the program, or waits for what its words stand for.
---@param chat gpt.Chat
---@return boolean
function M.is_on_its_way(chat)
  return M.going(chat) ~= nil or M.is_looking_up(chat)
end

--- Whether a heading is that of a question that waits.
---@param chat gpt.Chat
---@param mark integer
---@return boolean
function M.waits(chat, mark)
  local row, entry = headings.row(chat, mark), chat.entries[mark]
  return row ~= nil and row ~= headings.prompt(chat) and entry.role == "user" and not entry.id
end

return M
