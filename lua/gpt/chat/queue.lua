--- Queues questions that are sent while an answer is being written: they wait above the prompt, as text that can still be
--- changed; what stands there when their turn comes is sent.
local content = require("gpt.chat.content")
local follow = require("gpt.chat.follow")
local lookups = require("gpt.chat.lookups")
local program = require("gpt.chat.program")
local prompts = require("gpt.chat.prompt")
local questions = require("gpt.chat.questions")
local tell = require("gpt.chat.tell")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")
local waiting = require("gpt.chat.waiting")

local M = {}

--- Puts the prompt among the questions that wait.
---@param chat gpt.Chat
function M.enqueue(chat)
  if tell.refuses_change(chat) then
    return
  end
  waiting.part_headings(chat)
  waiting.take_back_unsent(chat)
  local _, prompt = content.snapshot(chat)
  if vim.trim(prompt) == "" then
    return tell.refuses(chat)
  end
  lookups.wait_for_context(chat, prompt, function()
    return M.let_wait(chat, function()
      return select(2, questions.turn_prompt_into(chat, { role = "user" }))
    end)
  end)
end

--- Makes a question wait, as an undo step of its own: one `u` takes it back.
---@param chat gpt.Chat
---@param put fun(): integer makes a heading of it; returns its mark
---@return integer mark
function M.let_wait(chat, put)
  local following = follow.windows(chat)
  undo.break_step(chat)
  local mark = put()
  undo_steps.note(chat)
  undo.break_step(chat)
  follow.after_edit(chat, following)
  chat.entries[mark].tick = questions.prepare(chat, mark)
  return mark
end

--- Puts a question that does not stand in the prompt among those that wait.
---@param chat gpt.Chat
---@param lines string[]
function M.wait_with(chat, lines)
  waiting.take_back_unsent(chat)
  local waits = lookups.wait_for_context(chat, table.concat(lines, "\n"), function()
    return M.let_wait(chat, function()
      waiting.part_headings(chat)
      questions.put_first(chat, lines)
      return select(2, questions.split_prompt(chat, #lines, { role = "user" }))
    end)
  end)
  if not waits then
    prompts.append(chat, lines) -- nothing is lost
  end
end

--- After an answer: sends the question that waits longest; after a broken one, all come back into the prompt.
---@param chat gpt.Chat
---@param done boolean
function M.go_on(chat, done)
  if #select(3, content.snapshot(chat)) == 0 then
    return
  end
  waiting.part_headings(chat) -- what is typed behind a question's heading is part of it
  local first = select(3, content.snapshot(chat))[1]
  if not done or chat.entries[first.mark].taken_back then
    waiting.take_back(chat)
    return undo.break_step(chat)
  elseif chat.lookups[first.mark] then
    return -- goes out when what its words stand for is known
  elseif vim.trim(first.text) == "" and waiting.drop(chat, first.mark) then
    return M.go_on(chat, done)
  elseif lookups.lacks_context(chat, first) then
    return M.look_up_waiting(chat, first)
  end
  waiting.settle_messages(chat)
  local regions = content.snapshot(chat)
  chat.pending = { text = first.text, origin = "queue", mark = first.mark }
  if not program.tell(chat, "sent", { regions = regions, prompt = first.text, origin = "queue" }) then
    waiting.take_back(chat)
  end
end

--- Looks up the words of the question that waits longest, before it is sent.
---@param chat gpt.Chat
---@param question gpt.Waiting
function M.look_up_waiting(chat, question)
  lookups.wait_for_context(chat, question.text, function()
    return question.mark
  end, { late = true })
end

--- What was sent once more before this turn was shown waits now, if it is not what has just become a message.
---@param chat gpt.Chat
function M.send_again(chat)
  local again = chat.again
  chat.again = nil
  if again and select(2, content.snapshot(chat)):find("%S") then
    M.enqueue(chat)
  end
end

return M
