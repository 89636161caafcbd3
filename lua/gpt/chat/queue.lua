--- Sends questions: each stands above the prompt from the keypress on, as text that can still be changed, and goes out at
--- once, or when the answers before it are done; what stands there then is sent.
local client = require("gpt.client")
local content = require("gpt.chat.content")
local follow = require("gpt.chat.follow")
local headings = require("gpt.chat.headings")
local lookups = require("gpt.chat.lookups")
local program = require("gpt.chat.program")
local prompts = require("gpt.chat.prompt")
local questions = require("gpt.chat.questions")
local tell = require("gpt.chat.tell")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")
local waiting = require("gpt.chat.waiting")

local M = {}

--- Whether something has to come first: an answer, what the program was told before, or what context words stand for.
---@param chat gpt.Chat
---@return boolean
function M.is_busy(chat)
  return chat.answer ~= nil or chat.in_flight == true or waiting.is_looking_up(chat)
end

--- The submission that the prompt is: that which has come back into it and still says the same, or a new one.
---@param chat gpt.Chat
---@param text string what the prompt says
---@return integer submission
local function of_prompt(chat, text)
  local _, mark = headings.prompt(chat)
  local entry = mark and chat.entries[mark] or {}
  return entry.sent and entry.asked == vim.trim(text) and entry.sent or client.new_ticket()
end

--- Puts the prompt among the questions that wait; where nothing comes before it, it goes out.
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
  local submission = of_prompt(chat, prompt)
  lookups.wait_for_context(chat, prompt, function()
    return M.let_wait(chat, submission, function()
      return select(2, questions.turn_prompt_into(chat, { role = "user" }))
    end)
  end)
  M.go_on_if_idle(chat)
end

--- Makes a question wait, as an undo step of its own: one `u` takes it back.
---@param chat gpt.Chat
---@param submission integer
---@param put fun(): integer makes a heading of it; returns its mark
---@return integer mark
function M.let_wait(chat, submission, put)
  local following = follow.windows(chat)
  undo.break_step(chat)
  local mark = put()
  local entry = chat.entries[mark]
  entry.sent, entry.asked = submission, vim.trim(content.of(chat, mark))
  undo_steps.note(chat)
  undo.break_step(chat)
  follow.after_edit(chat, following)
  entry.tick = questions.prepare(chat, mark)
  return mark
end

--- Puts a question that does not stand in the prompt among those that wait; where nothing comes before it, it goes out.
---@param chat gpt.Chat
---@param lines string[]
---@param submission? integer nil: a new one
function M.wait_with(chat, lines, submission)
  waiting.take_back_unsent(chat)
  local waits = lookups.wait_for_context(chat, table.concat(lines, "\n"), function()
    return M.let_wait(chat, submission or client.new_ticket(), function()
      waiting.part_headings(chat)
      questions.put_first(chat, lines)
      return select(2, questions.split_prompt(chat, #lines, { role = "user" }))
    end)
  end)
  if not waits then
    prompts.append(chat, lines) -- nothing is lost
  end
  M.go_on_if_idle(chat)
end

--- Sends what waits longest, unless something else has to come first.
---@param chat gpt.Chat
function M.go_on_if_idle(chat)
  if not M.is_busy(chat) then
    M.go_on(chat, true)
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
  if not M.tell_sent(chat, first.mark, first.text) then
    waiting.take_back(chat)
    follow.trim_prompt(chat)
  end
end

--- Tells the program of a submission that is to go out now.
---@param chat gpt.Chat
---@param mark integer where it stands
---@param text string
---@return boolean sent
function M.tell_sent(chat, mark, text)
  local entry = chat.entries[mark]
  -- What an undo or a redo has made one that waits, of a message say, is a new one.
  local is_first = entry.sent and headings.of_submission(chat, entry.sent).mark == mark
  entry.sent = is_first and entry.sent or client.new_ticket()
  local regions = content.snapshot(chat)
  local sent = program.tell(chat, "sent", { id = entry.sent, regions = regions, prompt = text })
  entry.going = sent and vim.trim(text) or nil
  waiting.draw(chat, mark)
  return sent
end

--- Looks up the words of the question that waits longest, before it is sent.
---@param chat gpt.Chat
---@param question gpt.Waiting
function M.look_up_waiting(chat, question)
  lookups.wait_for_context(chat, question.text, function()
    return question.mark
  end, { late = true })
end

return M
