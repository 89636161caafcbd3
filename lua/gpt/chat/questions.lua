--- Turns what stands in the prompt into a message, or into a question that waits.
local api = vim.api

local content = require("gpt.chat.content")
local folds = require("gpt.chat.folds")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local messages = require("gpt.chat.messages")
local prompts = require("gpt.chat.prompt")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")
local waiting = require("gpt.chat.waiting")

local M = {}

---@class (partial) gpt.Chat
---@field prepared? { tick: integer, mark: integer } the changedtick after the last change that was only made to send a
---question, and its heading

--- Notes that the last change was only made to send a question: what becomes of it can be part of that undo step.
---@param chat gpt.Chat
---@param mark integer
---@return integer tick the buffer's changedtick
function M.prepare(chat, mark)
  chat.prepared = { tick = api.nvim_buf_get_changedtick(chat.buf), mark = mark }
  return chat.prepared.tick
end

--- What the prompt says becomes a message, or a question that waits: the line of the next prompt's heading stands below
--- it already.
---@param chat gpt.Chat
---@param last integer the line after what it says; the heading's line comes next
---@param entry gpt.Entry
---@return integer row where the next prompt's heading stands
---@return integer mark of the message
local function end_prompt(chat, last, entry)
  local row, mark = headings.prompt(chat)
  headings.mark(chat, last + 1, { role = "user" })
  messages.become(chat, mark --[[@as integer]], row --[[@as integer]], entry)
  highlight.once(chat.buf, row + 1, last)
  folds.update(chat, row)
  return last + 1, mark --[[@as integer]]
end

--- The prompt becomes a message, or a question that waits; a new prompt stands below it.
---@param chat gpt.Chat
---@param entry gpt.Entry
---@return integer row where the new prompt's heading stands
---@return integer mark of the message
function M.turn_prompt_into(chat, entry)
  waiting.part_headings(chat)
  local last = prompts.end_of_text(chat, prompts.row(chat))
  api.nvim_buf_set_lines(chat.buf, last, -1, false, { "", headings.USER, "", "" })
  return end_prompt(chat, last, entry)
end

--- Puts a question above what stands in the prompt, as an undo step of its own: an undo of what becomes of it finds it
--- there, like one that was typed.
---@param chat gpt.Chat
---@param lines string[]
function M.put_first(chat, lines)
  local row, whole = prompts.row(chat), { "" }
  local is_empty = not select(2, content.snapshot(chat)):find("%S")
  vim.list_extend(whole, lines)
  api.nvim_buf_set_lines(chat.buf, row + 1, is_empty and -1 or row + 1, false, whole)
  undo_steps.note(chat)
  undo.break_step(chat)
end

--- The first lines of the prompt become a message, or a question that waits; the rest stays in the prompt.
---@param chat gpt.Chat
---@param height integer how many lines
---@param entry gpt.Entry
---@return integer row where the prompt's heading stands now
---@return integer mark of the message
function M.split_prompt(chat, height, entry)
  local last = prompts.row(chat) + 2 + height
  if not table.concat(api.nvim_buf_get_lines(chat.buf, last, -1, false)):find("%S") then
    return M.turn_prompt_into(chat, entry)
  end
  api.nvim_buf_set_lines(chat.buf, last, last, false, { "", headings.USER })
  return end_prompt(chat, last, entry)
end

---@class gpt.ShownQuestion
---@field id integer
---@field submission integer
---@field lines string[]
---@field replaced boolean whether they take the place of what is shown: an action was named there

--- Whether a question may name an action: whether there is one of that name only the program knows.
---@param text string
---@return boolean
function M.names_action(text)
  return ("\n" .. vim.trim(text)):find("\n/[^%s/]") ~= nil
end

--- Puts a question above the prompt that stands there no more, or as something else.
---@param chat gpt.Chat
---@param entry gpt.Entry
---@param lines string[]
---@return integer row where the answer goes
local function put_anew(chat, entry, lines)
  return messages.insert(chat, prompts.tail_row(chat), entry, lines)
end

--- Takes the text out of the prompt.
---@param chat gpt.Chat
local function empty_prompt(chat)
  api.nvim_buf_set_lines(chat.buf, prompts.row(chat) + 1, -1, false, { "", "" })
end

--- Makes a submission a message, where it stands. What has become of its text since it was told goes into the prompt.
---@param chat gpt.Chat
---@param question gpt.ShownQuestion
---@return integer row where the answer goes
function M.place(chat, question)
  local heading = headings.of_submission(chat, question.submission)
  local before = heading and heading.entry or {}
  local entry = { role = "user", id = question.id, sent = question.submission, asked = before.asked }
  if not heading then
    return put_anew(chat, entry, question.lines)
  end
  local is_prompt = heading.row == headings.prompt(chat)
  local is_same = before.going == nil or before.going == vim.trim(content.of(chat, heading.mark))
  before.going = nil
  if not is_same then
    waiting.take_back(chat, heading.mark)
    return put_anew(chat, entry, question.lines)
  elseif question.replaced then
    if is_prompt then
      empty_prompt(chat)
    else
      waiting.drop(chat, heading.mark)
    end
    return put_anew(chat, entry, question.lines)
  elseif is_prompt then
    return (M.turn_prompt_into(chat, entry))
  end
  messages.become(chat, heading.mark, heading.row, entry)
  return prompts.tail_row(chat)
end

--- Whether the last change was only made to send the question whose turn begins.
---@param chat gpt.Chat
---@param question? gpt.ShownQuestion
---@return boolean
function M.is_prepared(chat, question)
  local prepared = chat.prepared
  local entry = prepared and chat.entries[prepared.mark]
  local same = prepared and prepared.tick == api.nvim_buf_get_changedtick(chat.buf)
  return same == true and question ~= nil and entry ~= nil and entry.sent == question.submission
end

return M
