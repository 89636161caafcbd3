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

--- Whether something has to come first: an answer, what is on its way, or what context words stand for.
---@param chat gpt.Chat
---@return boolean
function M.is_busy(chat)
  return chat.answer ~= nil or waiting.is_on_its_way(chat)
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
---@param asked? integer the submission, where the program has asked for it to be sent; nil: a new one
---@return table? event what is sent now, as in |program.tell|
function M.wait_with(chat, lines, asked)
  waiting.take_back_unsent(chat)
  local waits = lookups.wait_for_context(chat, table.concat(lines, "\n"), function()
    return M.let_wait(chat, asked or client.new_ticket(), function()
      waiting.part_headings(chat)
      questions.put_first(chat, lines)
      return select(2, questions.split_prompt(chat, #lines, { role = "user" }))
    end)
  end)
  if not waits then
    prompts.append(chat, lines) -- nothing is lost
  end
  return M.go_on_if_idle(chat, asked ~= nil)
end

--- Sends what waits longest, unless something else has to come first.
---@param chat gpt.Chat
---@param asked? boolean as in |program.tell|
---@return table? event
function M.go_on_if_idle(chat, asked)
  if not M.is_busy(chat) then
    return M.go_on(chat, true, asked)
  end
end

--- After an answer: sends the question that waits longest; after a broken one, all come back into the prompt.
---@param chat gpt.Chat
---@param done boolean
---@param asked? boolean as in |program.tell|
---@return table? event
function M.go_on(chat, done, asked)
  if #select(3, content.snapshot(chat)) == 0 then
    return
  end
  waiting.part_headings(chat) -- what is typed behind a question's heading is part of it
  local first = select(3, content.snapshot(chat))[1]
  if not done or chat.entries[first.mark].taken_back then
    waiting.give_back(chat)
    return
  elseif chat.lookups[first.mark] then
    return -- goes out when what its words stand for is known
  elseif vim.trim(first.text) == "" and waiting.drop(chat, first.mark) then
    return M.go_on(chat, done, asked)
  elseif lookups.lacks_context(chat, first) then
    M.look_up_waiting(chat, first)
    return
  end
  waiting.settle_messages(chat)
  local sent, event = M.tell_sent(chat, first.mark, first.text, asked)
  if not sent and #waiting.from(chat) > 0 then
    waiting.take_back(chat)
    follow.trim_prompt(chat)
  end
  return event
end

--- Tells the program of a submission that is to go out now.
---@param chat gpt.Chat
---@param mark integer where it stands
---@param text string
---@param asked? boolean as in |program.tell|
---@return boolean sent
---@return table? event
function M.tell_sent(chat, mark, text, asked)
  local entry = chat.entries[mark]
  -- What an undo or a redo has made one that waits, of a message say, is a new one.
  local is_first = entry.sent and headings.of_submission(chat, entry.sent).mark == mark
  entry.sent = is_first and entry.sent or client.new_ticket()
  local regions = content.snapshot(chat)
  local fields = { id = entry.sent, regions = regions, prompt = text }
  local sent, event = program.tell(chat, "sent", fields, asked)
  entry.going = sent and vim.trim(text) or nil
  waiting.draw(chat, mark)
  return sent, event
end

--- Sends a submission anew that the messages were shown otherwise for, unless it has to wait.
---@param chat gpt.Chat
---@param submission integer
---@return table? event
function M.send_anew(chat, submission)
  local heading = headings.of_submission(chat, submission)
  if not heading or not heading.entry.going then
    return
  end
  heading.entry.going = nil
  if waiting.waits(chat, heading.mark) then
    waiting.draw(chat, heading.mark)
    return M.go_on_if_idle(chat, true)
  elseif not M.is_busy(chat) then
    return select(2, M.tell_sent(chat, heading.mark, content.of(chat, heading.mark), true))
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

return M
