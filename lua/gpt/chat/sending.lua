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
  chat.in_flight = nil
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
---@param submission? integer nil: a new one
function M.ask(chat, question, selection, submission)
  if selection then
    kept_selections.keep(chat, selection)
    local block = table.concat(selections.block(selection), "\n")
    question = question:find(block, 1, true) and question or question .. "\n\n" .. block
  end
  if not queue.is_busy(chat) then
    waiting.settle(chat)
  end
  queue.wait_with(chat, vim.split(question, "\n"), submission)
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
function M.regenerate(chat)
  if tell.refuses(chat) then
    return
  end
  waiting.settle(chat)
  program.tell(chat, "regenerated", { regions = content.snapshot(chat), at = headings.message_at_cursor(chat) })
end

--- Shows another branch of the conversation.
---@param chat gpt.Chat
---@param by integer how many further; negative: back
function M.switch_branch(chat, by)
  if tell.refuses(chat) then
    return
  end
  waiting.settle(chat)
  program.tell(
    chat,
    "branch_switched",
    { regions = content.snapshot(chat), at = headings.message_at_cursor(chat), by = by }
  )
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
  M.take_all_back(chat)
  -- Not before: where the text is locked this fails, and is asked for again.
  chat.in_flight = nil
  tell.at_prompt(chat, told)
end

--- What was not asked comes back into the prompt, with what waits for it.
---@param chat gpt.Chat
---@return boolean returned
function M.give_back(chat)
  chat.in_flight = nil
  chat.lookups = {}
  return not chat.answer and #waiting.from(chat) > 0 and pcall(M.take_all_back, chat)
end

return M
