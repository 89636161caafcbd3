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
---@field pending? { text: string, origin: "prompt"|"queue"|"command", mark?: integer } what was sent last, until it is shown as a message
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

--- Whether the prompt still holds the question that was sent, and nothing else.
---@param chat gpt.Chat
---@param lines string[] of the question
---@param pending? { text: string }
---@return boolean
local function holds_only(chat, lines, pending)
  local _, prompt = content.snapshot(chat)
  local text = table.concat(lines, "\n")
  if vim.trim(prompt) == vim.trim(text) then
    return true
  end
  -- What is no UTF-8 and what Unicode calls white comes back changed: of that only the rest is compared.
  local function rest(of)
    return (of:gsub("[\128-\255%s%c]", ""))
  end
  return pending ~= nil and pending.text == prompt and rest(prompt) == rest(text)
end

--- The question was sent, and what stands in the prompt has changed since: the question becomes a message as it was
--- sent, and what is not part of it stays in the prompt.
---@param chat gpt.Chat
---@param entry gpt.Entry
---@param lines string[]
---@param typed? string what was sent, where that has become another question
---@return integer row where the answer goes
local function take_question_from_prompt(chat, entry, lines, typed)
  local _, prompt = content.snapshot(chat)
  local row = prompts.row(chat)
  local text = vim.trim(typed or table.concat(lines, "\n"))
  local start = #prompt:match("^%s*")
  if text ~= "" and prompt:sub(start + 1, start + #text) == text then
    local taken = prompt:sub(1, start + #text) .. prompt:sub(start + #text + 1):match("^%s*")
    local _, breaks = taken:gsub("\n", "")
    local col = #taken:match("[^\n]*$")
    api.nvim_buf_set_text(chat.buf, row + 1, 0, row + 1 + breaks, col, { "", "" })
  end
  return messages.insert(chat, prompts.tail_row(chat), entry, lines)
end

---@class gpt.ShownQuestion
---@field id integer
---@field lines string[]
---@field origin "prompt"|"queue"|"command"

--- Whether a question may name an action: whether there is one of that name only the program knows.
---@param text string
---@return boolean
function M.names_action(text)
  return ("\n" .. vim.trim(text)):find("\n/[^%s/]") ~= nil
end

--- Whether what was typed has become another question: an action that it names was put in its place.
---@param question gpt.ShownQuestion
---@param pending? { text: string }
---@return boolean
local function is_expanded(question, pending)
  local typed = pending and vim.trim(pending.text) or ""
  return M.names_action(typed) and typed ~= vim.trim(table.concat(question.lines, "\n"))
end

--- Puts a command's question into the prompt as it was typed, before it becomes a message there.
---@param chat gpt.Chat
---@param question gpt.ShownQuestion
function M.put_as_typed(chat, question)
  local expanded = is_expanded(question, chat.pending)
  M.put_first(chat, expanded and vim.split(vim.trim(chat.pending.text), "\n") or question.lines)
end

--- Makes a question a message, where it stands.
---@param chat gpt.Chat
---@param question gpt.ShownQuestion
---@return integer row where the answer goes
function M.place(chat, question)
  local entry = { role = "user", id = question.id }
  local pending = chat.pending
  chat.pending = nil
  local expanded = is_expanded(question, pending)
  if question.origin == "command" and not expanded then
    return (M.split_prompt(chat, #question.lines, entry))
  elseif question.origin == "prompt" and not expanded and holds_only(chat, question.lines, pending) then
    return (M.turn_prompt_into(chat, entry))
  elseif question.origin ~= "queue" then
    return take_question_from_prompt(chat, entry, question.lines, expanded and pending.text or nil)
  end
  local waits = question.origin == "queue" and pending and pending.mark and headings.row(chat, pending.mark)
  if waits and expanded then
    waiting.drop(chat, pending.mark)
    return messages.insert(chat, prompts.tail_row(chat), entry, question.lines)
  end
  if waits and waits ~= headings.prompt(chat) then
    messages.become(chat, pending.mark, waits, entry)
    return prompts.tail_row(chat)
  end
  return messages.insert(chat, prompts.tail_row(chat), entry, question.lines)
end

--- Whether the last change was only made to send the question whose turn begins.
---@param chat gpt.Chat
---@return boolean
function M.is_prepared(chat)
  local prepared, pending = chat.prepared, chat.pending
  local same = prepared and prepared.tick == api.nvim_buf_get_changedtick(chat.buf)
  return same == true and pending ~= nil and pending.mark == prepared.mark
end

return M
