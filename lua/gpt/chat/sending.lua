--- Sends questions, asks again, switches branches and stops answers, as the user wants it.
local api = vim.api

local client = require("gpt.client")
local content = require("gpt.chat.content")
local follow = require("gpt.chat.follow")
local headings = require("gpt.chat.headings")
local kept_selections = require("gpt.chat.kept_selections")
local lookup_results = require("gpt.chat.lookup_results")
local lookups = require("gpt.chat.lookups")
local model = require("gpt.chat.model")
local program = require("gpt.chat.program")
local prompts = require("gpt.chat.prompt")
local questions = require("gpt.chat.questions")
local queue = require("gpt.chat.queue")
local selections = require("gpt.code.selection")
local tell = require("gpt.chat.tell")
local waiting = require("gpt.chat.waiting")

local M = {}

--- The program did not do what was wanted.
---@param chat gpt.Chat
---@param told gpt.Notice
function M.refused(chat, told)
  if waiting.take_back_going(chat) then
    follow.trim_prompt(chat)
  end
  tell.inform(told)
  queue.go_on_if_idle(chat)
end

--- Sends the prompt; while something else has to come first, lets it wait. A question that the cursor is in, and that was
--- changed since it was sent, is asked again in its place.
---@param chat gpt.Chat
function M.send(chat)
  if model.change_by_prompt(chat) then
    return
  elseif queue.is_busy(chat) then
    return queue.enqueue(chat)
  elseif lookup_results.ask_again(chat) then
    return
  end
  waiting.settle(chat)
  local _, prompt = content.snapshot(chat)
  if vim.trim(prompt) ~= "" and vim.bo[chat.buf].modifiable then
    return queue.enqueue(chat)
  end
  -- The program says what is wrong with an empty one; where the text is not modifiable, the prompt is the question.
  queue.tell_sent(chat, select(2, headings.prompt(chat)) --[[@as integer]], prompt)
end

--- Sends a question that does not stand in the prompt.
---@param chat gpt.Chat
---@param question string
---@param selection? gpt.Selection stands below it, unless it has it already
---@param asked? integer the submission, where the program has asked for it to be sent; nil: a new one
---@return table? event what is sent now, as in |program.tell|
function M.ask(chat, question, selection, asked)
  if selection then
    kept_selections.keep(chat, selection)
    local block = table.concat(selections.block(selection), "\n")
    question = question:find(block, 1, true) and question or question .. "\n\n" .. block
  end
  if not queue.is_busy(chat) then
    waiting.settle(chat)
  end
  return queue.wait_with(chat, vim.split(question, "\n"), asked)
end

--- Puts a selection into the prompt, and room to write below it.
---@param chat gpt.Chat
---@param selection gpt.Selection
function M.insert_selection(chat, selection)
  kept_selections.keep(chat, selection)
  local block = selections.block(selection)
  vim.list_extend(block, { "", "" })
  prompts.append(chat, block)
  if api.nvim_get_current_buf() == chat.buf then
    prompts.go_to(chat)
    follow.scroll(chat.buf, prompts.row(chat))
  end
end

---@param chat gpt.Chat
function M.stop(chat)
  if not chat.answer and lookups.forget_context(chat) then
    return
  end
  client.notify(program.event(chat, "stop_requested"))
end

---@param chat gpt.Chat
---@param asked? boolean as in |program.tell|
---@return table? event
function M.regenerate(chat, asked)
  if tell.refuses(chat) then
    return
  end
  waiting.settle(chat)
  local fields = { regions = content.snapshot(chat), at = headings.message_at_cursor(chat) }
  return select(2, program.tell(chat, "regenerated", fields, asked))
end

--- Shows another branch of the conversation.
---@param chat gpt.Chat
---@param by integer how many further; negative: back
---@param asked? boolean as in |program.tell|
---@return table? event
function M.switch_branch(chat, by, asked)
  if tell.refuses(chat) then
    return
  end
  waiting.settle(chat)
  local fields = { regions = content.snapshot(chat), at = headings.message_at_cursor(chat), by = by }
  return select(2, program.tell(chat, "branch_switched", fields, asked))
end

---@class gpt.ShownWish
---@field revision integer
---@field wish "sent"|"regenerated"|"branch_switched"
---@field id? integer
---@field by? integer

--- The messages were shown otherwise when the program was told of this: it is wanted anew, of what is shown now.
---@param chat gpt.Chat
---@param wanted gpt.ShownWish
---@return table? event
function M.want_anew(chat, wanted)
  chat.revision = wanted.revision
  if wanted.wish == "sent" then
    return queue.send_anew(chat, wanted.id)
  elseif wanted.wish == "regenerated" then
    return M.regenerate(chat, true)
  end
  return M.switch_branch(chat, wanted.by, true)
end

--- Takes all that waits back into the prompt.
---@param chat gpt.Chat
function M.take_all_back(chat)
  if #waiting.from(chat) > 0 then
    waiting.take_back(chat)
    follow.trim_prompt(chat)
  end
end

--- A question is not asked: it comes back into the prompt, and why is told where the reader looks.
---@param chat gpt.Chat
---@param told gpt.Notice
function M.refuse_question(chat, told)
  local mark, text = waiting.going(chat)
  if mark and text and questions.names_action(text) then
    waiting.put_last(chat, mark)
  end
  M.take_all_back(chat) -- where the text is locked this fails, and is asked for again
  tell.at_prompt(chat, told)
end

--- What was not asked comes back into the prompt, with what waits for it.
---@param chat gpt.Chat
---@return boolean returned
function M.give_back(chat)
  chat.lookups = {}
  local waits = #waiting.from(chat) > 0
  if not chat.answer then
    if waits then
      waiting.give_back(chat)
      pcall(follow.trim_prompt, chat)
    end
    waiting.forget_going(chat)
  end
  return waits
end

return M
