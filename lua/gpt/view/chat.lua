--- A chat's buffer: headings kept by extmarks, messages between them, the prompt below the last one.
---
--- A message is what lies between its heading and the next one; only an extmark makes a heading, so no text can break
--- the structure. What is said is the program's affair: this file keeps which heading belongs to which message.
local api = vim.api

local config = require("gpt.config")
local highlight = require("gpt.view.highlight")
local notice = require("gpt.view.notice")
local remote = require("gpt.remote")
local window = require("gpt.view.window")

local M = {}

--- The headings of messages; an extmark's id is its message's number.
local headings = api.nvim_create_namespace("gpt.headings")
--- The prompt's heading, always `PROMPT`; and where the answer that is being written goes on.
local places = api.nvim_create_namespace("gpt.places")
local spinner_space = api.nvim_create_namespace("gpt.spinner")
local PROMPT, ANSWER = 1, 2

local USER_HEADING = "## You"
local SPINNER = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" }
local SPINNER_INTERVAL = 120

---@class gpt.Chat
---@field id string
---@field buf integer
---@field roles table<integer, "user"|"assistant"> by message
---@field answer? integer the answer that is being written
---@field appended? integer the buffer's changedtick after the last append to it
---@field label? string `provider/model` of that answer
---@field usage? table tokens of the last turn
---@field notice? table
---@field highlighting? gpt.Highlighting
---@field spinner? table
local Chat = {}
Chat.__index = Chat

---@type table<string, gpt.Chat>
local chats = {}
---@type gpt.Chat? the one that was shown last
local latest
---@type { provider: string, model: string, remark: string }?
local model

local function define_highlights()
  local links = {
    GPTHeadingUser = "Title",
    GPTHeadingAssistant = "Title",
    GPTSpinner = "Comment",
    GPTNormal = "NormalFloat",
    GPTFloatBorder = "FloatBorder",
    GPTFloatTitle = "FloatTitle",
    GPTFloatFooter = "FloatFooter",
    GPTNotice = "Comment",
    GPTNoticeWarning = "DiagnosticWarn",
    GPTNoticeError = "DiagnosticError",
    GPTNoticeDetail = "Comment",
  }
  for name, target in pairs(links) do
    api.nvim_set_hl(0, name, { link = target, default = true })
  end
end

---@param chat gpt.Chat
---@param name string
---@param extra? table
local function announce(chat, name, extra)
  local data = vim.tbl_extend("force", { chat = chat.id }, extra or {})
  api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = data })
end

-- The buffer ---------------------------------------------------------------------------------------------------------

---@param space integer
---@param mark integer
---@return integer? row counted from 0; nil if the text that it stood on is gone
function Chat:row(space, mark)
  local position = api.nvim_buf_get_extmark_by_id(self.buf, space, mark, { details = true })
  if position[1] and not (position[3] or {}).invalid then
    return position[1]
  end
end

--- Makes the line at `row` a heading.
---@param space integer
---@param id integer
---@param row integer
---@param group string
function Chat:mark_heading(space, id, row, group)
  local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
  api.nvim_buf_set_extmark(self.buf, space, row, 0, {
    id = id,
    end_row = row,
    end_col = #line,
    hl_group = group,
    invalidate = true,
    undo_restore = true,
  })
end

---@class gpt.Heading
---@field id? integer the message; nil for the prompt
---@field row integer

--- The headings that still stand, in their order; the prompt's is among them.
---@return gpt.Heading[]
function Chat:headings()
  local found = {}
  for _, mark in ipairs(api.nvim_buf_get_extmarks(self.buf, headings, 0, -1, { details = true })) do
    if not mark[4].invalid then
      found[#found + 1] = { id = mark[1], row = mark[2] }
    end
  end
  local prompt = self:row(places, PROMPT)
  if prompt then
    found[#found + 1] = { row = prompt }
  end
  table.sort(found, function(a, b)
    return a.row < b.row
  end)
  return found
end

--- The text between a heading and the next one.
---@param found gpt.Heading[]
---@param index integer
---@return string
function Chat:body(found, index)
  local next_row = found[index + 1] and found[index + 1].row or -1
  return table.concat(api.nvim_buf_get_lines(self.buf, found[index].row + 1, next_row, false), "\n")
end

--- What the buffer shows: its messages, and the prompt.
---@return table[]? regions nil if there is none, since msgpack cannot tell an empty list from an empty map
---@return string prompt
function Chat:snapshot()
  local regions, prompt = {}, ""
  local found = self:headings()
  for index, heading in ipairs(found) do
    local text = self:body(found, index)
    if heading.id then
      regions[#regions + 1] = { id = heading.id, role = self.roles[heading.id], text = text }
    else
      prompt = text
    end
  end
  return #regions > 0 and regions or nil, prompt
end

--- The prompt's heading; a new one at the end of the buffer if the user took it away.
---@return integer row
function Chat:prompt_row()
  local row = self:row(places, PROMPT)
  if not row then
    local last = api.nvim_buf_line_count(self.buf)
    local empty = last == 1 and api.nvim_buf_get_lines(self.buf, 0, 1, false)[1] == ""
    api.nvim_buf_set_lines(self.buf, empty and 0 or last, -1, false, { USER_HEADING, "", "" })
    row = empty and 0 or last
    self:mark_heading(places, PROMPT, row, "GPTHeadingUser")
  end
  return row
end

--- Takes the white lines off the end of the prompt, and adds `lines` there.
---@param lines string[]
function Chat:add_to_prompt(lines)
  local row = self:prompt_row()
  local body = api.nvim_buf_get_lines(self.buf, row + 1, -1, false)
  while #body > 0 and body[#body]:find("^%s*$") do
    body[#body] = nil
  end
  local added = { "" }
  vim.list_extend(added, lines)
  api.nvim_buf_set_lines(self.buf, row + 1 + #body, -1, false, added)
end

--- Puts the cursor of the current window at the end of the prompt.
function Chat:go_to_prompt()
  local last = api.nvim_buf_line_count(self.buf)
  local line = api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]
  api.nvim_win_set_cursor(0, { last, #line })
end

-- What the program asks for ------------------------------------------------------------------------------------------

--- Takes a message's heading and text out of the buffer.
---@param id integer
function Chat:remove(id)
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.id == id then
      local next_row = found[index + 1] and found[index + 1].row or -1
      api.nvim_buf_set_lines(self.buf, heading.row, next_row, false, {})
    end
  end
  api.nvim_buf_del_extmark(self.buf, headings, id)
  self.roles[id] = nil
end

--- The prompt becomes a message; a new prompt stands below it.
---@param id integer
---@return integer row where the new prompt's heading stands
function Chat:turn_prompt_into_message(id)
  local row = self:prompt_row()
  api.nvim_buf_del_extmark(self.buf, places, PROMPT)
  self:mark_heading(headings, id, row, "GPTHeadingUser")
  local last = api.nvim_buf_line_count(self.buf)
  while last > row + 2 and api.nvim_buf_get_lines(self.buf, last - 1, last, false)[1]:find("^%s*$") do
    last = last - 1
  end
  api.nvim_buf_set_lines(self.buf, last, -1, false, { "", USER_HEADING, "", "" })
  self:mark_heading(places, PROMPT, last + 1, "GPTHeadingUser")
  highlight.once(self.buf, row + 1, last)
  return last + 1
end

--- A message that did not stand in the prompt is put above it.
---@param id integer
---@param lines string[]
---@return integer row where the prompt's heading stands now
function Chat:insert_message(id, lines)
  local row = self:prompt_row()
  local inserted = { USER_HEADING, "" }
  vim.list_extend(inserted, lines)
  inserted[#inserted + 1] = ""
  api.nvim_buf_set_lines(self.buf, row, row, false, inserted)
  self:mark_heading(headings, id, row, "GPTHeadingUser")
  highlight.once(self.buf, row + 2, row + 2 + #lines)
  return row + #inserted
end

---@class gpt.ShownTurn
---@field removed? integer[]
---@field question? { id: integer, lines: string[], from_prompt: boolean }
---@field answer integer
---@field label string

--- Shows a question, and makes room for its answer.
---@param turn gpt.ShownTurn
function Chat:begin_turn(turn)
  -- All or nothing: where the text is locked (E565) or not modifiable this fails, and is asked for again.
  api.nvim_buf_set_text(self.buf, 0, 0, 0, 0, {})
  notice.clear(self)
  local following = self:windows_at_prompt()
  for _, id in ipairs(turn.removed or {}) do
    self:remove(id)
  end
  local question = turn.question
  local row
  if question then
    self.roles[question.id] = "user"
    row = question.from_prompt and self:turn_prompt_into_message(question.id)
      or self:insert_message(question.id, question.lines)
  else
    row = self:prompt_row()
  end
  api.nvim_buf_set_lines(self.buf, row, row, false, { "## " .. turn.label, "", "", "" })
  self.roles[turn.answer] = "assistant"
  self.answer, self.label = turn.answer, turn.label
  self:mark_heading(headings, turn.answer, row, "GPTHeadingAssistant")
  api.nvim_buf_set_extmark(self.buf, places, row + 2, 0, { id = ANSWER })
  self:after_edit(following)
  highlight.begin(self, row + 2)
  self:start_spinner(row, "waiting")
  self:hear_interrupts(true)
  announce(self, "GPTAnswerStarted", { provider = model and model.provider, model = model and model.model })
end

--- The windows whose cursor is in the prompt: those that follow.
---@return table<integer, true>
function Chat:windows_at_prompt()
  local row = self:prompt_row()
  local found = {}
  for _, win in ipairs(vim.fn.win_findbuf(self.buf)) do
    if api.nvim_win_get_cursor(win)[1] > row then
      found[win] = true
    end
  end
  return found
end

--- Keeps the windows that follow at the end of the buffer.
---@param following table<integer, true>
function Chat:after_edit(following)
  vim.bo[self.buf].modified = false
  local row = self:prompt_row()
  for win in pairs(following) do
    if api.nvim_win_get_cursor(win)[1] <= row + 1 then
      api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(self.buf), 0 })
    end
  end
  window.follow(self.buf, row)
end

--- The model is reasoning: the spinner says so.
---@param answer integer
function Chat:show_reasoning(answer)
  if self.answer == answer and self.spinner then
    self.spinner.what = "thinking"
  end
end

--- Makes the next change part of the last one's undo step, if that was an append too: an answer is one undo step, and
--- what the user changes meanwhile is not part of it.
function Chat:join_undo()
  if self.appended == api.nvim_buf_get_changedtick(self.buf) then
    api.nvim_buf_call(self.buf, function()
      vim.cmd("silent! undojoin")
    end)
  end
end

--- Appends to the answer that is being written.
---@param answer integer
---@param lines string[]
function Chat:append(answer, lines)
  if self.answer ~= answer then
    return
  end
  local at = api.nvim_buf_get_extmark_by_id(self.buf, places, ANSWER, {})
  if not at[1] or not self:row(headings, answer) then
    return -- the user took the answer away while it was being written: let them have it so
  end
  self:join_undo()
  api.nvim_buf_set_text(self.buf, at[1], at[2], at[1], at[2], lines)
  self.appended = api.nvim_buf_get_changedtick(self.buf)
  vim.bo[self.buf].modified = false
  if self.spinner then
    self:stop_spinner()
  end
  if #lines > 1 then
    local row = self:row(places, PROMPT)
    if row then
      window.follow(self.buf, row)
    end
  end
  highlight.wake(self)
end

--- The last line of the answer that is being written.
---@return integer? row
function Chat:answer_end()
  return api.nvim_buf_get_extmark_by_id(self.buf, places, ANSWER, {})[1]
end

local ENDS = { done = "GPTAnswerDone", stopped = "GPTAnswerStopped", failed = "GPTAnswerFailed" }

---@class gpt.ShownEnd
---@field answer integer
---@field outcome "done"|"stopped"|"failed"
---@field notice? gpt.Notice
---@field provider? string
---@field model? string
---@field usage? table

--- Ends a turn.
---@param ended gpt.ShownEnd
function Chat:end_turn(ended)
  if self.answer ~= ended.answer then
    return
  end
  self:stop_spinner()
  self:hear_interrupts(false)
  highlight.finish(self)
  self.answer, self.usage = nil, ended.usage
  local row = self:answer_end()
  if ended.notice and row then
    notice.place(self, row, ended.notice)
    window.follow(self.buf, self:prompt_row())
  end
  announce(self, ENDS[ended.outcome], {
    provider = ended.provider,
    model = ended.model,
    usage = ended.usage,
    error = ended.outcome == "failed" and ended.notice and ended.notice.title or nil,
  })
  if #vim.fn.win_findbuf(self.buf) == 0 then
    local level = ended.outcome == "failed" and "error" or "info"
    local title = ended.outcome == "failed" and ended.notice and ended.notice.title or "The answer is there."
    notice.inform({ level = level, title = title, advice = ":GPTChat shows it." })
  end
end

-- The spinner --------------------------------------------------------------------------------------------------------

--- Shows that an answer is awaited, at the end of its heading.
---@param row integer
---@param what string
function Chat:start_spinner(row, what)
  self:stop_spinner()
  local spinner = { what = what, turn = 0, begun = vim.uv.now(), timer = assert(vim.uv.new_timer()) }
  self.spinner = spinner
  local function draw()
    if self.spinner ~= spinner or not api.nvim_buf_is_valid(self.buf) then
      return
    end
    local at = spinner.mark and api.nvim_buf_get_extmark_by_id(self.buf, spinner_space, spinner.mark, {})[1] or row
    local seconds = math.floor((vim.uv.now() - spinner.begun) / 1000)
    local sign = SPINNER[spinner.turn % #SPINNER + 1]
    local text = seconds > 0 and (" %s %s %d s"):format(sign, spinner.what, seconds)
      or (" %s %s"):format(sign, spinner.what)
    spinner.turn = spinner.turn + 1
    spinner.mark = api.nvim_buf_set_extmark(self.buf, spinner_space, at, 0, {
      id = spinner.mark,
      virt_text = { { text, "GPTSpinner" } },
      virt_text_pos = "eol",
    })
  end
  draw()
  spinner.timer:start(SPINNER_INTERVAL, SPINNER_INTERVAL, vim.schedule_wrap(draw))
end

function Chat:stop_spinner()
  if self.spinner then
    self.spinner.timer:stop()
    self.spinner.timer:close()
    self.spinner = nil
    api.nvim_buf_clear_namespace(self.buf, spinner_space, 0, -1)
  end
end

-- What the user does -------------------------------------------------------------------------------------------------

--- Gives the prompt its heading back if the user took it away: above the text where that is all there is, else at the
--- end.
function Chat:restore_prompt()
  if not vim.bo[self.buf].modifiable then
    return
  end
  if #self:headings() == 0 then
    api.nvim_buf_set_lines(self.buf, 0, 0, false, { USER_HEADING, "" })
    self:mark_heading(places, PROMPT, 0, "GPTHeadingUser")
  end
  self:prompt_row()
end

--- Says so when an answer is not yet shown whole: until then the buffer does not show what is to be sent.
---@return boolean
function Chat:refuses()
  if self.answer then
    local advice = "<C-c> stops it. What you wrote stays in the prompt."
    M.inform({ level = "info", title = "An answer is being written.", advice = advice })
  end
  return self.answer ~= nil
end

--- Sends the prompt.
function Chat:send()
  if self:refuses() then
    return
  end
  self:restore_prompt()
  local regions, prompt = self:snapshot()
  remote.notify({ event = "sent", chat = self.id, regions = regions, prompt = prompt, from_prompt = true })
end

--- Sends a question that does not stand in the prompt.
---@param question string
---@param selection? gpt.Selection
function Chat:ask(question, selection)
  if selection then
    local block = table.concat(require("gpt.selection").block(selection), "\n")
    question = question .. "\n\n" .. block
  end
  local sent = not self.answer
    and remote.notify({
      event = "sent",
      chat = self.id,
      regions = self:snapshot(),
      prompt = question,
      from_prompt = false,
    })
  if not sent then
    -- Nothing is lost: it waits in the prompt.
    self:add_to_prompt(vim.split(question, "\n"))
    if self.answer then
      notice.inform({
        level = "info",
        title = "An answer is being written.",
        advice = "Your question waits in the prompt.",
      })
    end
  end
end

--- Puts a selection into the prompt, and room to write below it.
---@param selection gpt.Selection
function Chat:insert_selection(selection)
  local block = require("gpt.selection").block(selection)
  vim.list_extend(block, { "", "" })
  self:add_to_prompt(block)
  if api.nvim_get_current_buf() == self.buf then
    self:go_to_prompt()
    window.follow(self.buf, self:prompt_row())
  end
end

--- Writes the lines that `:write` was given to a file; that it may be written there, Neovim has checked.
---@param path string
function Chat:save_copy(path)
  local lines = api.nvim_buf_get_lines(self.buf, vim.fn.line("'[") - 1, vim.fn.line("']"), false)
  local name = vim.fn.fnamemodify(path, ":~:.")
  local file, reason = io.open(path, "w")
  if not file then
    reason = reason:gsub("^.*: ", "")
    return notice.inform({ level = "warning", title = ("Not saved to %s: %s."):format(name, reason), advice = "" })
  end
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  notice.inform({ level = "info", title = ("Saved to %s."):format(name), advice = "" })
end

function Chat:stop()
  remote.notify({ event = "stop_requested", chat = self.id })
end

function Chat:regenerate()
  if self:refuses() then
    return
  end
  remote.notify({ event = "regenerated", chat = self.id, regions = (self:snapshot()) })
end

--- Moves the cursor to another heading.
---@param direction 1|-1
---@param count integer
function Chat:go_to_heading(direction, count)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = self:headings()
  local target
  for _ = 1, count do
    local from, to, by = 1, #found, 1
    if direction < 0 then
      from, to, by = #found, 1, -1
    end
    for index = from, to, by do
      if (found[index].row - row) * direction > 0 then
        target, row = found[index], found[index].row
        break
      end
    end
  end
  if target then
    vim.cmd("normal! m'")
    api.nvim_win_set_cursor(0, { target.row + 1, 0 })
  end
end

--- What the keys do; the order is that of the help.
---@type { name: string, modes: string[], what: string, run: fun(chat: gpt.Chat) }[]
local KEYS = {
  { name = "send", modes = { "n" }, what = "send the prompt", run = Chat.send },
  { name = "send_insert", modes = { "i" }, what = "send the prompt, in insert mode", run = Chat.send },
  { name = "stop", modes = { "n" }, what = "stop the answer", run = Chat.stop },
  { name = "regenerate", modes = { "n" }, what = "ask the last question again", run = Chat.regenerate },
  {
    name = "next_message",
    modes = { "n" },
    what = "next message",
    run = function(chat)
      chat:go_to_heading(1, vim.v.count1)
    end,
  },
  {
    name = "previous_message",
    modes = { "n" },
    what = "previous message",
    run = function(chat)
      chat:go_to_heading(-1, vim.v.count1)
    end,
  },
  {
    name = "hide",
    modes = { "n" },
    what = "hide the chat; an answer goes on",
    run = function()
      window.hide()
    end,
  },
  {
    name = "help",
    modes = { "n" },
    what = "this help",
    run = function(chat)
      chat:show_keys()
    end,
  },
}

---@param name string
---@return string[]
local function keys_of(name)
  local keys = config.get().chat.keymaps[name]
  return type(keys) == "string" and { keys } or keys or {}
end

function Chat:map_keys()
  for _, key in ipairs(KEYS) do
    for _, lhs in ipairs(keys_of(key.name)) do
      vim.keymap.set(key.modes, lhs, function()
        key.run(self)
      end, { buffer = self.buf, nowait = true, desc = "GPT: " .. key.what })
    end
  end
end

--- To a Neovim that is just drawing or parsing, `<C-c>` is an interrupt, which no mapping sees (measured: one in fifty
--- while an answer streams). It still comes as a plain key afterwards, and from a mapped one it never does.
---@param on boolean
function Chat:hear_interrupts(on)
  local is_mapped = vim.tbl_contains(keys_of("stop"), function(lhs)
    return lhs:lower() == "<c-c>"
  end, { predicate = true })
  vim.on_key(on and is_mapped and function(key)
    if key == "\3" and api.nvim_get_current_buf() == self.buf and api.nvim_get_mode().mode == "n" then
      vim.schedule(function()
        self:stop()
      end)
    end
  end or nil, api.nvim_create_namespace("gpt.interrupts." .. self.id))
end

--- Lists the keys in a small float.
function Chat:show_keys()
  local lines, width = {}, 0
  for _, key in ipairs(KEYS) do
    local lhs = table.concat(keys_of(key.name), " ")
    lines[#lines + 1] = (" %-14s %s "):format(lhs ~= "" and lhs or "-", key.what)
    width = math.max(width, vim.fn.strdisplaywidth(lines[#lines]))
  end
  lines[#lines + 1] = (" %-14s %s "):format(":help gpt.nvim", "the manual")
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable, vim.bo[buf].bufhidden = false, "wipe"
  local win = api.nvim_open_win(buf, true, {
    relative = "editor",
    width = math.min(width, vim.o.columns - 4),
    height = #lines,
    row = math.max(0, math.floor((vim.o.lines - #lines) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2)),
    border = "rounded",
    title = " Keys ",
    title_pos = "center",
    style = "minimal",
    zindex = 60,
  })
  local close = function()
    pcall(api.nvim_win_close, win, true)
  end
  for _, lhs in ipairs({ "q", "<Esc>", "<CR>", "g?" }) do
    vim.keymap.set("n", lhs, close, { buffer = buf, nowait = true })
  end
  api.nvim_create_autocmd("WinLeave", { buffer = buf, once = true, callback = vim.schedule_wrap(close) })
end

-- The window ---------------------------------------------------------------------------------------------------------

---@return string
function Chat:title()
  if not model then
    return " gpt.nvim "
  end
  local remark = model.remark ~= "" and (" (%s)"):format(model.remark) or ""
  return (" %s/%s%s "):format(model.provider, model.model, remark)
end

--- The width that a notice may take.
---@return integer
function Chat:width()
  local win = vim.fn.win_findbuf(self.buf)[1]
  return win and api.nvim_win_get_width(win) or math.floor(vim.o.columns * 0.8)
end

-- Chats --------------------------------------------------------------------------------------------------------------

---@param group integer
---@param chat gpt.Chat
local function watch(group, chat)
  local on = function(events, callback)
    api.nvim_create_autocmd(events, { group = group, buffer = chat.buf, callback = callback })
  end
  on("BufModifiedSet", function()
    if vim.bo[chat.buf].modified then
      vim.bo[chat.buf].modified = false
    end
  end)
  on("BufWriteCmd", function(args)
    vim.bo[chat.buf].modified = false
    if args.match ~= api.nvim_buf_get_name(chat.buf) then
      return chat:save_copy(args.match)
    end
    notice.inform({ level = "info", title = "A chat is not a file.", advice = ":write name.md saves a copy." })
  end)
  on("BufEnter", function()
    latest = chat
  end)
  on("BufUnload", function()
    -- :bdelete takes text, options and keys away: what is left is no chat.
    vim.schedule(function()
      if api.nvim_buf_is_valid(chat.buf) and not api.nvim_buf_is_loaded(chat.buf) then
        api.nvim_buf_delete(chat.buf, { force = true })
      end
    end)
  end)
  on("BufWipeout", function()
    chat:stop_spinner()
    chat:hear_interrupts(false)
    chats[chat.id] = nil
    latest = latest ~= chat and latest or nil
    if remote.is_running() then
      remote.notify({ event = "closed", chat = chat.id })
    end
  end)
end

--- A chat's name: the time, so that names sort, and a random part, so that no two are the same.
---@return string
local function new_id()
  local random = assert(vim.uv.random(4)) --[[@as string]]
  return os.date("%Y%m%d-%H%M%S-") .. random:gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
end

---@return gpt.Chat
function M.new()
  define_highlights()
  local id = new_id()
  local buf = api.nvim_create_buf(false, false)
  local chat = setmetatable({ id = id, buf = buf, roles = {} }, Chat)
  api.nvim_buf_set_name(buf, "gpt://chat/" .. id)
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = "acwrite", "hide", false
  vim.bo[buf].undolevels = -1
  chat:prompt_row()
  vim.bo[buf].undolevels = -123456 -- the global value again
  vim.bo[buf].modified = false
  watch(api.nvim_create_augroup("gpt.chat." .. id, {}), chat)
  vim.bo[buf].filetype = "gptchat"
  chat:map_keys()
  chats[id] = chat
  return chat
end

---@param id string
---@return gpt.Chat?
function M.get(id)
  return chats[id]
end

--- The chat in the current window, else the one that was shown last.
---@return gpt.Chat?
function M.current()
  local buf = api.nvim_get_current_buf()
  for _, chat in pairs(chats) do
    if chat.buf == buf then
      return chat
    end
  end
  return latest
end

--- Shows a chat: a new one, or the session's last one.
---@param options gpt.ChatOptions
---@return gpt.Chat
function M.show(options)
  local chat = not options.new and M.current() or M.new()
  window.open(chat, options.layout, options.mods)
  latest = chat
  chat:go_to_prompt()
  vim.schedule(remote.warm)
  highlight.warm()
  return chat
end

--- Which model answers from now on.
---@param shown { provider: string, model: string, remark: string }
function M.show_model(shown)
  local before = model
  model = shown
  for _, chat in pairs(chats) do
    window.refresh(chat)
  end
  if before and (before.provider ~= shown.provider or before.model ~= shown.model) then
    api.nvim_exec_autocmds("User", { pattern = "GPTModelChanged", modeline = false, data = shown })
  end
end

--- Tells something that belongs to no answer. In insert mode Neovim draws 'showmode' over a message at once: there it
--- stands beside the prompt too.
---@param told gpt.Notice
function M.inform(told)
  notice.inform(told)
  local chat = latest
  if chat and chat.buf == api.nvim_get_current_buf() and vim.fn.mode() == "i" then
    notice.hint(chat.buf, math.max(chat:row(places, PROMPT) or 0, vim.fn.line("w0") - 1), told)
  end
end

--- The program died: answers that were being written end here.
function M.program_ended()
  for _, chat in pairs(chats) do
    if chat.answer then
      chat:end_turn({
        answer = chat.answer,
        outcome = "failed",
        notice = {
          level = "error",
          title = "The program behind gpt.nvim ended in the middle of the answer.",
          advice = "What came so far is kept. Press gr to ask again.",
        },
      })
    end
  end
end

---@return gpt.Status
function M.status()
  local chat = M.current()
  local answering = chat and chat.answer ~= nil
  return {
    state = not remote.is_running() and "off" or answering and "answering" or "idle",
    model = model and ("%s/%s"):format(model.provider, model.model) or nil,
    usage = chat and chat.usage or nil,
  }
end

api.nvim_create_autocmd({ "VimResized", "WinResized" }, {
  group = api.nvim_create_augroup("gpt.resized", {}),
  callback = function(args)
    for _, chat in pairs(chats) do
      if args.event == "VimResized" then
        window.refresh(chat)
      end
      notice.rewrap(chat)
    end
  end,
})
api.nvim_create_autocmd("ColorScheme", {
  group = api.nvim_create_augroup("gpt.highlights", {}),
  callback = define_highlights,
})

return M
