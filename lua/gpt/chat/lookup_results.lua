--- Puts what the context words of a question stand for into it, and sends it when its turn comes.
local api = vim.api

local content = require("gpt.chat.content")
local follow = require("gpt.chat.follow")
local headings = require("gpt.chat.headings")
local lookups = require("gpt.chat.lookups")
local program = require("gpt.chat.program")
local queue = require("gpt.chat.queue")
local refusal = require("gpt.refusal")
local tell = require("gpt.chat.tell")
local waiting = require("gpt.chat.waiting")
local words = require("gpt.words")

local M = {}

---@class gpt.ShownContext
---@field lookup integer
---@field blocks gpt.ShownBlock[]
---@field notice? gpt.Notice

--- What the words of a question stand for is known: puts it there, and sends the question when its turn comes.
---@param chat gpt.Chat
---@param found gpt.ShownContext
---@return table? event what is sent now
function M.found(chat, found)
  local mark = lookups.lookup_of(chat, found.lookup)
  if not mark then
    return
  end
  local lookup = chat.lookups[mark]
  local row = headings.row(chat, mark)
  if not row or row == headings.prompt(chat) then
    chat.lookups[mark] = nil -- an undo took it back, or it was deleted
    return
  elseif waiting.going(chat) and not chat.answer then
    -- Whatever comes of what is on its way: nothing else may be told now.
    refusal.busy("something is on its way")
  end
  local following = follow.windows(chat)
  -- Before anything else, since where the text is locked (E565) or not modifiable this fails, and is asked for again.
  local just_sent = not lookup.again and not lookup.late and lookup.tick == api.nvim_buf_get_changedtick(chat.buf)
  lookups.put_blocks(chat, mark, found.blocks, just_sent)
  lookups.note_found(chat, mark)
  follow.after_edit(chat, following)
  chat.lookups[mark] = nil
  if found.notice then
    tell.inform(found.notice)
  end
  if lookup.again then
    return M.ask_changed(chat, mark, true)
  end
  lookups.redraw_waiting(chat, mark)
  if not chat.answer and not waiting.going(chat) then
    return queue.go_on(chat, true, true)
  end
end

--- A word stands for nothing that can be sent, or the user does not want it sent.
---@param chat gpt.Chat
---@param refused { lookup: integer, notice?: gpt.Notice }
function M.refused(chat, refused)
  local mark = lookups.lookup_of(chat, refused.lookup)
  if mark then
    local title, advice = words("view.context.taken_back"), words("view.context.taken_back_advice")
    lookups.give_up(chat, mark, refused.notice or { level = "info", title = title, advice = advice })
  end
end

--- What a question says, as a hash; by its message, since another branch's says something else.
---@param entry gpt.Entry
---@param text string
---@return string
local function said_by(entry, text)
  return entry.id .. " " .. vim.fn.sha256(vim.trim(text))
end

--- Remembers what the questions say, as the program knows them.
---@param chat gpt.Chat
function M.note_said(chat)
  local found = headings.all(chat)
  for index, heading in ipairs(found) do
    if heading.entry.role == "user" and heading.entry.id then
      heading.entry.said = said_by(heading.entry, content.body(chat, found, index))
    end
  end
end

--- If the cursor is in an earlier question, and that was changed: asks it again, once its words are looked up.
---@param chat gpt.Chat
---@return boolean
function M.ask_again(chat)
  local id = headings.message_at_cursor(chat)
  local heading = id and headings.of_message(chat, id)
  if not heading or heading.entry.role ~= "user" then
    return false
  end
  local text, said = content.of(chat, heading.mark), heading.entry.said
  local is_same = not said or not vim.startswith(said, id .. " ") or said == said_by(heading.entry, text)
  if is_same or not text:find("%S") then
    return false
  elseif not lookups.names_context(text) then
    M.ask_changed(chat, heading.mark)
    return true
  end
  lookups.wait_for_context(chat, text, function()
    return heading.mark
  end, { again = true })
  return true
end

--- Asks an earlier question again, as it stands now.
---@param chat gpt.Chat
---@param mark integer
---@param asked? boolean as in |program.tell|
---@return table? event
function M.ask_changed(chat, mark, asked)
  waiting.settle(chat)
  local fields = { regions = content.snapshot(chat), at = chat.entries[mark].id }
  local _, event = program.tell(chat, "regenerated", fields, asked)
  return event
end

return M
