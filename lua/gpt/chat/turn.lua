--- Shows a turn, from the question to the end of its answer, and other branches of the conversation.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local bars = require("gpt.chat.bars")
local chats = require("gpt.chat.chats")
local context_window = require("gpt.chat.context_window")
local facts = require("gpt.ui.facts")
local folds = require("gpt.chat.folds")
local follow = require("gpt.chat.follow")
local gauge = require("gpt.chat.gauge")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local interrupts = require("gpt.chat.interrupts")
local lookup_results = require("gpt.chat.lookup_results")
local markdown_plugins = require("gpt.chat.markdown_plugins")
local messages = require("gpt.chat.messages")
local notice = require("gpt.ui.notice")
local notices = require("gpt.chat.notices")
local pieces = require("gpt.chat.pieces")
local places = require("gpt.chat.places")
local prompts = require("gpt.chat.prompt")
local questions = require("gpt.chat.questions")
local queue = require("gpt.chat.queue")
local sending = require("gpt.chat.sending")
local session = require("gpt.client.session")
local spinner = require("gpt.chat.spinner")
local stream = require("gpt.chat.stream")
local stream_undo = require("gpt.chat.stream_undo")
local undo = require("gpt.chat.undo")
local undo_marks = require("gpt.chat.undo_marks")
local undo_steps = require("gpt.chat.undo_steps")
local words = require("gpt.words")

local M = {}

---@class (partial) gpt.Chat
---@field usage? table tokens of the last turn that ended
---@field cost? number what it cost, in US dollars, estimated

---@param chat gpt.Chat
---@param name string
---@param extra? table
local function announce(chat, name, extra)
  local data = vim.tbl_extend("force", { chat = chat.id }, extra or {})
  api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = data })
end

---@class gpt.ShownTurn: gpt.Shape
---@field question? gpt.ShownQuestion
---@field answer integer
---@field label string
---@field estimate? integer tokens of the request
---@field cut? gpt.ShownCut
---@field rules? string which rules of the project are sent along
---@field revision integer

--- Shows a question, and makes room for its answer.
---@param chat gpt.Chat
---@param turn gpt.ShownTurn
function M.begin(chat, turn)
  -- All or nothing: where the text is locked (E565) or not modifiable this fails, and is asked for again.
  -- At the last line, since Neovim takes a line off a fold that begins where nothing is changed.
  local step = undo.step(chat)
  local prepared = questions.is_prepared(chat, turn.question)
  if prepared then
    undo.join_last(chat) -- what has only been done to send the question is part of it
  else
    undo.break_step(chat)
  end
  api.nvim_buf_set_text(chat.buf, -1, 0, -1, 0, {})
  local tick = not prepared and api.nvim_buf_get_changedtick(chat.buf)
  chat.revision = turn.revision
  notices.clear(chat)
  local following = follow.windows(chat)
  messages.reshape(chat, turn, step)
  local row = turn.question and questions.place(chat, turn.question) or prompts.tail_row(chat)
  if tick ~= api.nvim_buf_get_changedtick(chat.buf) then
    undo_steps.note(chat)
    undo.break_step(chat) -- the question is one undo step, the answer another
  end
  stream.begin(chat, turn, row)
  folds.update(chat, row)
  context_window.show(chat, turn)
  follow.after_edit(chat, following)
  spinner.start(chat, row, words("view.waiting"))
  interrupts.hear(chat, true)
  lookup_results.note_said(chat)
  local provider, model = turn.label:match("^([^/]*)/(.*)$")
  announce(chat, "GPTAnswerStarted", { provider = provider, model = model })
end

---@class gpt.ShownBranch: gpt.Shape
---@field messages? gpt.ShownMessage[]
---@field longer? table[] `{ id, lines }`: what is added to messages that are shown
---@field notice? gpt.Notice about the last message
---@field recalled? boolean whether the chat comes from the history
---@field others? boolean whether somebody else has written this
---@field estimate? integer tokens of what would be sent of it
---@field cut? gpt.ShownCut
---@field revision integer

--- Puts messages above the prompt.
---@param chat gpt.Chat
---@param branch gpt.ShownBranch
---@param step? integer the last undo step before this
---@return integer? first row of the first one
---@return integer row after the last one
local function insert_branch(chat, branch, step)
  messages.reshape(chat, branch, step)
  for _, pair in ipairs(branch.longer or {}) do
    messages.lengthen(chat, pair[1], pair[2])
  end
  local row = prompts.tail_row(chat)
  local first
  if branch.messages and #branch.messages > 0 then
    first, row = row, messages.insert_all(chat, row, branch.messages)
  end
  messages.reshape(chat, { branches = branch.branches })
  lookup_results.note_said(chat)
  undo_steps.note(chat)
  return first, row
end

--- Whether a branch changes the text: where what the user has changed or undone was only taken over, it does not.
---@param chat gpt.Chat
---@param branch gpt.ShownBranch
---@return boolean
local function is_changed_by(chat, branch)
  local taken = vim.iter(branch.removed or {}):any(function(id)
    return headings.of_message(chat, id) ~= nil
  end)
  return taken or #(branch.messages or {}) + #(branch.longer or {}) > 0
end

--- Shows another branch of the conversation, or what is new in it.
---@param chat gpt.Chat
---@param branch gpt.ShownBranch
function M.show_branch(chat, branch)
  local step = undo.step(chat)
  if is_changed_by(chat, branch) then
    undo.break_step(chat)
    api.nvim_buf_set_text(chat.buf, 0, 0, 0, 0, {})
  end
  chat.revision = branch.revision
  local following = follow.windows(chat)
  notices.clear(chat)
  local first, row
  if branch.recalled then
    undo.without(chat, function()
      first, row = insert_branch(chat, branch)
    end)
  else
    first, row = insert_branch(chat, branch, step)
  end
  context_window.show(chat, branch)
  local stays = branch.recalled or branch.others or not first
  follow.after_edit(chat, stays and following or {})
  if branch.notice then
    notices.place(chat, math.max(row - 2, 0), branch.notice)
    follow.scroll(chat.buf, prompts.row(chat))
  end
  if not stays and api.nvim_get_current_buf() == chat.buf then
    api.nvim_win_set_cursor(0, { first + 1, 0 })
  end
  queue.go_on_if_idle(chat)
end

--- Shows at its heading what is known of an answer.
---@param chat gpt.Chat
---@param ended gpt.ShownEnd
local function show_facts(chat, ended)
  chat.facts[ended.answer] = facts.of({ usage = ended.usage, cost = ended.cost, cut = ended.outcome == "cut" })
  chat.cuts[ended.answer] = ended.outcome == "cut" or nil
  local mark = chat.answer_mark
  local row = mark and headings.row(chat, mark)
  if row then
    local entry = chat.entries[mark]
    entry.facts = chat.facts[ended.answer]
    headings.mark(chat, row, entry, mark)
  end
end

--- Writes what stands below the text of the answer, as part of its undo step.
---@param chat gpt.Chat
---@param parts gpt.ShownPart[]
local function write_parts(chat, parts)
  for _, part in ipairs(parts) do
    local lines = { "", "" }
    vim.list_extend(lines, part.lines)
    local row = places.answer(chat)
    if row and headings.row(chat, chat.answer_mark) then
      pieces.write(chat, { at = "text", lines = lines }, pieces.join_undo(chat))
      answer_parts.dress(chat, places.answer(chat) - #part.lines + 1, part)
    end
  end
  vim.bo[chat.buf].modified = false
end

local ENDS = {
  done = "GPTAnswerDone",
  stopped = "GPTAnswerStopped",
  cut = "GPTAnswerFailed",
  failed = "GPTAnswerFailed",
}

---@class gpt.ShownEnd
---@field answer integer
---@field outcome "done"|"stopped"|"cut"|"failed"
---@field finish? string the provider's word for an answer that was cut
---@field notice? gpt.Notice
---@field provider? string
---@field model? string
---@field usage? table
---@field cost? number
---@field parts? gpt.ShownPart[]
---@field revision? integer

--- Ends a turn.
---@param chat gpt.Chat
---@param ended gpt.ShownEnd
function M.finish(chat, ended)
  chat.revision = ended.revision or chat.revision
  if chat.answer ~= ended.answer then
    return
  end
  spinner.stop(chat)
  interrupts.hear(chat, false)
  pieces.go_on_after_reading(chat)
  undo_steps.end_typing(chat)
  stream_undo.mend(chat) -- what no later piece has put right
  if #(ended.parts or {}) > 0 then
    write_parts(chat, ended.parts)
  end
  highlight.finish(chat)
  show_facts(chat, ended)
  pieces.forget_steps(chat)
  undo_marks.bundle(chat, chat.stream)
  chat.answer, chat.stream, chat.usage, chat.cost = nil, nil, ended.usage, ended.cost
  folds.update(chat, headings.row(chat, chat.answer_mark) or 0)
  chat.counted = ended.usage and ended.usage.input > 0 and ended.usage or nil
  gauge.remember(chat)
  bars.retitle(chat)
  markdown_plugins.inform(chat.buf)
  local row = places.answer(chat)
  if ended.notice and row then
    notices.place(chat, row, ended.notice)
    follow.scroll(chat.buf, prompts.row(chat))
  end
  local broken = ENDS[ended.outcome] == "GPTAnswerFailed" and ended.notice or nil
  announce(chat, ENDS[ended.outcome], {
    provider = ended.provider,
    model = ended.model,
    usage = ended.usage,
    error = broken and broken.title or nil,
    finish = ended.finish,
  })
  local wanted = broken or ended.outcome == "failed" or (ended.outcome == "done" and not chat.aside)
  if wanted and #vim.fn.win_findbuf(chat.buf) == 0 then
    chats.come_next(chat)
    local title = broken and broken.title or words("view.answer_there")
    notice.inform({ level = broken and broken.level or "info", title = title, advice = words("view.chat_shows") })
  end
  queue.go_on(chat, ended.outcome == "done")
end

--- The program died: answers that were being written end here, and questions that it did not take come back.
---@return boolean returned whether there is such a question
function M.program_ended()
  local returned = false
  for _, chat in pairs(session.chats) do
    returned = sending.give_back(chat) or returned
    if chat.answer then
      M.finish(chat, {
        answer = chat.answer,
        outcome = "failed",
        notice = {
          level = "error",
          title = words("view.program_ended"),
          advice = words("view.kept"),
        },
      })
    end
  end
  return returned
end

return M
