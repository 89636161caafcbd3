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
local undo = require("gpt.chat.undo")
local waiting = require("gpt.chat.waiting")

local M = {}

--- The program did not do what was wanted.
---@param chat gpt.Chat
---@param told gpt.Notice
function M.refused(chat, told)
  local again = chat.again
  chat.in_flight, chat.pending, chat.again = nil, nil, nil
  tell.inform(told)
  if again then
    return M.send(chat)
  end
  if not chat.answer then
    queue.go_on(chat, true)
  end
end

--- Sends the prompt; while an answer is being written, lets it wait.
---@param chat gpt.Chat
function M.send(chat)
  if model.change_by_prompt(chat) then
    return
  elseif chat.answer or waiting.is_looking_up(chat) then
    return queue.enqueue(chat)
  elseif chat.in_flight then
    chat.again = true
    return
  elseif lookup_results.look_up_again(chat) then
    return
  end
  waiting.settle(chat)
  local regions, prompt = content.snapshot(chat)
  if lookups.names_context(prompt) then
    return queue.enqueue(chat)
  end
  chat.pending = { text = prompt, origin = "prompt" }
  local at = headings.message_at_cursor(chat)
  program.tell(chat, "sent", { regions = regions, prompt = prompt, origin = "prompt", at = at })
end

--- Sends a question that does not stand in the prompt.
---@param chat gpt.Chat
---@param question string
---@param selection? gpt.Selection stands below it, unless it has it already
function M.ask(chat, question, selection)
  if selection then
    kept_selections.keep(chat, selection)
    local block = table.concat(selections.block(selection), "\n")
    question = question:find(block, 1, true) and question or question .. "\n\n" .. block
  end
  if chat.answer or chat.in_flight or waiting.is_looking_up(chat) then
    return queue.wait_with(chat, vim.split(question, "\n"))
  end
  waiting.settle(chat)
  if lookups.names_context(question) then
    return queue.wait_with(chat, vim.split(question, "\n"))
  end
  local event = { regions = content.snapshot(chat), prompt = question, origin = "command" }
  chat.pending = { text = question, origin = "command" }
  if not program.tell(chat, "sent", event) then
    prompts.append(chat, vim.split(question, "\n")) -- nothing is lost
  end
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

--- A question is not asked: it stays in the prompt, or comes there, and why is told where the reader looks.
---@param chat gpt.Chat
---@param told gpt.Notice
function M.refuse_question(chat, told)
  local pending = chat.pending
  if pending and pending.origin == "command" then
    prompts.append(chat, vim.split(pending.text, "\n"))
  end
  if pending and pending.origin == "queue" and questions.names_action(pending.text) then
    waiting.put_last(chat, pending.mark)
  end
  waiting.take_back(chat)
  undo.break_step(chat)
  -- Not before: where the text is locked this fails, and is asked for again.
  chat.pending, chat.in_flight, chat.again = nil, nil, nil
  tell.at_prompt(chat, told)
end

--- A question that was not asked comes back into the prompt, unless it still stands there; so do those that wait for it.
---@param chat gpt.Chat
---@return boolean returned
function M.give_back(chat)
  local origin, text = chat.pending and chat.pending.origin, chat.pending and chat.pending.text
  local looked_up = waiting.is_looking_up(chat)
  chat.pending, chat.in_flight, chat.again = nil, nil, nil
  chat.lookups = {}
  local taken = not chat.answer and pcall(waiting.take_back, chat)
  if text and origin == "command" then
    return (pcall(prompts.append, chat, vim.split(text, "\n")))
  end
  return taken and (origin == "queue" or looked_up)
end

return M
