--- Looks up the context words of a question, which waits above the prompt meanwhile, as one does during an answer.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local blocks = require("gpt.context.blocks")
local client = require("gpt.client")
local context = require("gpt.context")
local fences = require("gpt.fence")
local folds = require("gpt.chat.folds")
local follow = require("gpt.chat.follow")
local grammar = require("gpt.context.grammar")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local library = require("gpt.library")
local project = require("gpt.project")
local questions = require("gpt.chat.questions")
local tell = require("gpt.chat.tell")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")
local waiting = require("gpt.chat.waiting")
local words = require("gpt.words")
require("gpt.code.came_from") -- sees from now on where the user comes from

local M = {}

---@class gpt.Lookup
---@field ticket integer the number that the program's answer names: the submission, the first time
---@field text string the question, and what goes along with the prompt that it names
---@field again? boolean whether it is an earlier question, which has been changed
---@field late? boolean whether it waited before, without having been looked up as it stands
---@field tick? integer the buffer's changedtick when it began

--- The context words of a question, and of the prompt that it names.
---@param text string
---@return gpt.ContextWord[] words, string text where they stand
local function words_of(text)
  local also = library.context_of(text)
  local whole = also == "" and text or also .. "\n\n" .. text
  return grammar.find(whole), whole
end

---@param text string
---@return boolean
function M.names_context(text)
  local found = words_of(text)
  return #found > 0
end

--- Lets a question wait; if it has context words, looks them up meanwhile. Where the editor knows at once that one stands
--- for nothing, nothing happens but that this is told; one that has waited already comes back.
---@param chat gpt.Chat
---@param text string the question
---@param wait fun(): integer lets it wait; returns the mark of its heading
---@param fields? { again?: boolean, late?: boolean }
---@return boolean waits
function M.wait_for_context(chat, text, wait, fields)
  local found, whole = words_of(text)
  if #found == 0 then
    wait()
    return true
  end
  local mark, early_wanted, early_problem
  context.read(found, function(wanted, problem)
    if mark then
      return M.want_context(chat, mark, wanted, problem)
    end
    early_wanted, early_problem = wanted, problem
  end)
  if early_problem then
    if fields and fields.late then
      waiting.take_back(chat) -- first, since what is told stands beside the prompt
      follow.trim_prompt(chat)
    end
    tell.why_not_sent(chat, early_problem)
    return false
  end
  mark = wait()
  local ticket = not fields and chat.entries[mark].sent or client.new_ticket()
  chat.lookups[mark] = vim.tbl_extend("force", { ticket = ticket, text = whole }, fields or {})
  M.redraw_waiting(chat, mark)
  chat.lookups[mark].tick = api.nvim_buf_get_changedtick(chat.buf)
  if early_wanted then
    M.want_context(chat, mark, early_wanted)
  end
  return true
end

--- Draws the heading of a question that waits, which says what for.
---@param chat gpt.Chat
---@param mark integer
function M.redraw_waiting(chat, mark)
  local row, entry = headings.row(chat, mark), chat.entries[mark]
  if row and entry and not entry.id and row ~= headings.prompt(chat) then
    entry.looked_up = chat.lookups[mark] ~= nil or nil
    headings.mark(chat, row, entry, mark, true)
  end
end

--- Asks the program for what some words stand for, once the editor has read its own.
---@param chat gpt.Chat
---@param mark integer
---@param wanted? gpt.WantedWord[]
---@param problem? gpt.Notice
function M.want_context(chat, mark, wanted, problem)
  local lookup = chat.lookups[mark]
  if not lookup then
    return
  elseif not wanted then
    return M.give_up(chat, mark, problem)
  end
  local event = {
    lookup = lookup.ticket,
    text = lookup.text,
    wanted = wanted,
    disabled = context.disabled(),
    open = context.open(wanted),
    project = project.root(),
  }
  if not client.notify(vim.tbl_extend("error", { event = "context_wanted", chat = chat.id }, event)) then
    M.give_up(chat, mark, nil)
  end
end

--- The question that an answer of the program is for.
---@param chat gpt.Chat
---@param ticket integer
---@return integer? mark nil if it is not waited for any more
function M.lookup_of(chat, ticket)
  for mark, lookup in pairs(chat.lookups) do
    if lookup.ticket == ticket then
      return mark
    end
  end
end

--- Puts blocks into a question. Only what changes is written, so that the cursor stays.
---@param chat gpt.Chat
---@param mark integer
---@param shown gpt.ShownBlock[]
---@param joined boolean whether this belongs to the undo step before
function M.put_blocks(chat, mark, shown, joined)
  local first, last = headings.lines_of(chat, mark)
  if not first then
    return
  end
  local lines = api.nvim_buf_get_lines(chat.buf, first, last, false)
  local whole = blocks.put(lines, shown)
  whole[#whole + 1] = ""
  local same = 0
  while same < #whole and whole[same + 1] == lines[same + 1] do
    same = same + 1
  end
  if same == #whole and same == #lines then
    return
  elseif joined then
    undo.join_last(chat)
  else
    undo.break_step(chat)
  end
  folds.drop(chat, first - 1)
  api.nvim_buf_set_lines(chat.buf, first + same, last, false, vim.list_slice(whole, same + 1))
  undo_steps.note(chat)
  undo.break_step(chat)
  questions.prepare(chat, mark)
  highlight.once(chat.buf, first, first + #whole)
  folds.update(chat, first - 1)
end

--- Remembers what a question says now that its blocks are in it.
---@param chat gpt.Chat
---@param mark integer
function M.note_found(chat, mark)
  local first, last = headings.lines_of(chat, mark)
  local text = first and answer_parts.said_within(chat, first, last)
  chat.entries[mark].found = text and vim.fn.sha256(vim.trim(text)) or nil
end

--- Whether a question that waits has a context word whose block is not in it: it was changed since it was looked up, or an
--- undo has brought it back as it was before.
---@param chat gpt.Chat
---@param question gpt.Waiting
---@return boolean
function M.lacks_context(chat, question)
  local found = words_of(question.text)
  if #found == 0 or chat.entries[question.mark].found == vim.fn.sha256(vim.trim(question.text)) then
    return false
  end
  local there = {}
  for _, fence in ipairs(fences.all(vim.split(question.text, "\n"))) do
    there[(blocks.title(fence.info) or {}).word or ""] = true
  end
  return vim.iter(found):any(function(word)
    return not there[word.word]
  end)
end

--- Does not send a question: it comes back into the prompt, with those that were to follow it.
---@param chat gpt.Chat
---@param mark integer
---@param told? gpt.Notice why, unless that was told
function M.give_up(chat, mark, told)
  local again = chat.lookups[mark].again
  if not again and waiting.waits(chat, mark) then
    waiting.take_back(chat, mark) -- first, as above
    follow.trim_prompt(chat)
  end
  chat.lookups[mark] = nil
  if told then
    tell.why_not_sent(chat, told)
  end
end

--- Ends what is being looked up, if anything is: nothing is sent.
---@param chat gpt.Chat
---@return boolean ended
function M.forget_context(chat)
  local mark, lookup = next(chat.lookups)
  if not lookup then
    return false
  end
  client.notify({ event = "context_dropped", chat = chat.id })
  local again = lookup.again
  chat.lookups = {}
  if not again and waiting.waits(chat, mark) then
    waiting.take_back(chat)
    follow.trim_prompt(chat)
  end
  local title, advice = words("view.context.taken_back"), words("view.context.taken_back_advice")
  tell.inform({ level = "info", title = title, advice = advice })
  return true
end

return M
