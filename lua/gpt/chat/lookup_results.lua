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
  elseif chat.in_flight and not chat.answer then
    -- Whatever comes of what is in flight, an answer or another branch: nothing else may be told now.
    refusal.busy("something is in flight")
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
    return M.ask_changed(chat, mark)
  end
  lookups.redraw_waiting(chat, mark)
  if not chat.answer and not chat.in_flight then
    queue.go_on(chat, true)
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

--- Remembers what the questions say, as the program knows them.
---@param chat gpt.Chat
function M.note_said(chat)
  local found = headings.all(chat)
  for index, heading in ipairs(found) do
    if heading.entry.role == "user" and heading.entry.id then
      local text = content.body(chat, found, index)
      heading.entry.said = text:find("#", 1, true) and vim.fn.sha256(vim.trim(text)) or nil
    end
  end
end

--- If the cursor is in an earlier question that has words, and that was changed: looks them up, then asks it again.
---@param chat gpt.Chat
---@return boolean
function M.look_up_again(chat)
  local id = headings.message_at_cursor(chat)
  if not id or chat.answer or chat.in_flight or waiting.is_looking_up(chat) then
    return false
  end
  local found = headings.all(chat)
  for index, heading in ipairs(found) do
    if heading.entry.id == id and heading.entry.role == "user" then
      local text = content.body(chat, found, index)
      if lookups.names_context(text) and vim.fn.sha256(vim.trim(text)) ~= heading.entry.said then
        lookups.wait_for_context(chat, text, function()
          return heading.mark
        end, { again = true })
        return true
      end
    end
  end
  return false
end

--- Asks an earlier question again, as it stands now.
---@param chat gpt.Chat
---@param mark integer
function M.ask_changed(chat, mark)
  waiting.settle(chat)
  local regions, prompt = content.snapshot(chat)
  chat.pending = { text = prompt, origin = "prompt", mark = mark }
  -- Should it not have changed after all, the prompt would be sent, whose words nobody has looked up.
  prompt = lookups.names_context(prompt) and "" or prompt
  program.tell(chat, "sent", { regions = regions, prompt = prompt, origin = "prompt", at = chat.entries[mark].id })
end

return M
