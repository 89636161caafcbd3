--- The chats of this session: made, shown, told of; and what a user does in one.
local api = vim.api

local Chat = require("gpt.view.regions")
local cells = require("gpt.cells")
local cut = require("gpt.view.cut")
local gauge = require("gpt.view.gauge")
local guard = require("gpt.view.guard")
local highlight = require("gpt.view.highlight")
local context = require("gpt.context")
local notice = require("gpt.view.notice")
local remote = require("gpt.remote")
local rules = require("gpt.view.rules")
local session = require("gpt.session")
local window = require("gpt.view.window")
local words = require("gpt.words")
require("gpt.view.apply")
require("gpt.view.keys")
require("gpt.view.links")
require("gpt.view.lookup")
require("gpt.view.message")
require("gpt.view.model")
require("gpt.view.parts")
require("gpt.view.question")
require("gpt.view.queue")
require("gpt.view.reload")
require("gpt.view.request")
require("gpt.view.spinner")
require("gpt.view.stream")
require("gpt.view.turn")
require("gpt.view.yank")

local M = {}

--- The least of a model's name that a title shows, in cells.
local LEAST_NAME = 12

--- What the name of a chat's buffer begins with.
local NAME = "gpt://chat/"

local chats = session.chats
---@type gpt.Chat? the one that was shown last
local latest

local function define_highlights()
  local links = {
    GPTHeadingUser = "Question",
    GPTHeadingAssistant = "Directory",
    GPTHeadingFacts = "Comment",
    GPTSpinner = "Comment",
    GPTCut = "Comment",
    GPTNormal = "NormalFloat",
    GPTFloatBorder = "FloatBorder",
    GPTFloatTitle = "FloatTitle",
    GPTFloatFooter = "FloatFooter",
    GPTReasoning = "Comment",
    GPTRefusal = "DiagnosticWarn",
    GPTToolCall = "Special",
    GPTSources = "Comment",
    GPTLink = "Underlined",
    GPTNotice = "Special",
    GPTNoticeWarning = "DiagnosticWarn",
    GPTNoticeError = "DiagnosticError",
    GPTNoticeDetail = "Comment",
  }
  for name, target in pairs(links) do
    api.nvim_set_hl(0, name, { link = target, default = true })
  end
end

-- What the user does -------------------------------------------------------------------------------------------------

--- Says so when an answer is not yet shown whole: until then the buffer does not show what is to be sent.
---@return boolean
function Chat:refuses()
  if self.answer then
    M.inform({ level = "info", title = words("view.answering"), advice = words("view.answering_advice") })
  elseif self.in_flight or self:is_looking_up() then
    M.inform({ level = "info", title = words("view.in_flight"), advice = "" })
  end
  return self.answer ~= nil or self.in_flight == true or self:is_looking_up()
end

--- Says so where the chat's text cannot be changed now.
---@return boolean
function Chat:refuses_change()
  if vim.bo[self.buf].modifiable then
    return false
  end
  M.inform({ level = "info", title = words("view.not_modifiable"), advice = "" })
  return true
end

--- An event about this chat.
---@param name string
---@param fields? table
---@return table
function Chat:event(name, fields)
  local about = { event = name, chat = self.id, project = self.project, private = self.private or nil }
  about.disabled = context.disabled()
  return vim.tbl_extend("error", about, fields or {})
end

--- Tells the program what the user wants of the conversation. Until it answers, the buffer may not show what it has: so
--- nothing else is told meanwhile.
---@param name string
---@param fields table
---@return boolean sent
function Chat:tell(name, fields)
  self.in_flight = remote.notify(self:event(name, fields))
  return self.in_flight
end

--- The program did not do what was wanted.
---@param told gpt.Notice
function Chat:refused(told)
  local again = self.again
  self.in_flight, self.pending, self.again = nil, nil, nil
  M.inform(told)
  if again then
    return self:send()
  end
  if not self.answer then
    self:go_on(true)
  end
end

--- Sends the prompt; while an answer is being written, lets it wait.
function Chat:send()
  if self:change_model() then
    return
  elseif self.answer or self:is_looking_up() then
    return self:enqueue()
  elseif self.in_flight then
    self.again = true
    return
  elseif self:look_up_again() then
    return
  end
  self:settle()
  local regions, prompt = self:snapshot()
  if Chat.names_context(prompt) then
    return self:enqueue()
  end
  self.pending = { text = prompt, origin = "prompt" }
  local at = self:message_at_cursor()
  self:tell("sent", { regions = regions, prompt = prompt, origin = "prompt", at = at })
end

--- Sends a question that does not stand in the prompt.
---@param question string
---@param selection? gpt.Selection stands below it, unless it has it already
function Chat:ask(question, selection)
  if selection then
    self:keep_origin(selection)
    local block = table.concat(require("gpt.code.selection").block(selection), "\n")
    question = question:find(block, 1, true) and question or question .. "\n\n" .. block
  end
  if self.answer or self.in_flight or self:is_looking_up() then
    return self:wait_with(vim.split(question, "\n"))
  end
  self:settle()
  if Chat.names_context(question) then
    return self:wait_with(vim.split(question, "\n"))
  end
  local event = { regions = self:snapshot(), prompt = question, origin = "command" }
  self.pending = { text = question, origin = "command" }
  if not self:tell("sent", event) then
    self:add_to_prompt(vim.split(question, "\n")) -- nothing is lost
  end
end

--- Puts a selection into the prompt, and room to write below it.
---@param selection gpt.Selection
function Chat:insert_selection(selection)
  self:keep_origin(selection)
  local block = require("gpt.code.selection").block(selection)
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
  local written = file ~= nil
  if file then
    written, reason = file:write(table.concat(lines, "\n"), "\n")
    local closed, why = file:close() -- what did not fit is found out here
    written, reason = written and closed, reason or why
  end
  if not written then
    reason = tostring(reason):gsub("^.*: ", "")
    local title = words("view.not_saved", { file = name, reason = reason })
    return notice.inform({ level = "warning", title = title, advice = "" })
  end
  notice.inform({ level = "info", title = words("view.saved", { file = name }), advice = "" })
end

function Chat:stop()
  if not self.answer and self:forget_context() then
    return
  end
  remote.notify(self:event("stop_requested"))
end

function Chat:regenerate()
  if self:refuses() then
    return
  end
  self:settle()
  self:tell("regenerated", { regions = self:snapshot(), at = self:message_at_cursor() })
end

--- Shows another branch of the conversation.
---@param by integer how many further; negative: back
function Chat:switch_branch(by)
  if self:refuses() then
    return
  end
  self:settle()
  self:tell("branch_switched", { regions = self:snapshot(), at = self:message_at_cursor(), by = by })
end

-- The window ---------------------------------------------------------------------------------------------------------

--- The model, and how full its window is where there is room for that.
---@param room integer in cells
---@return string
function Chat:title(room)
  local model = Chat.model
  local name = model and cells.plain(("%s/%s"):format(model.provider, model.model)) or "gpt.nvim"
  local remark = model and model.remark ~= "" and (" (%s)"):format(cells.plain(model.remark)) or ""
  local private = self.private and " · " .. words("view.private") or ""
  local reason = model and (model.reason or "") ~= "" and (" (%s)"):format(cells.plain(model.reason)) or ""
  local whole = (" %s%s%s%s%s "):format(name, reason, remark, private, gauge.text(self) or "")
  if cells.width(whole) <= room then
    return whole
  end
  local short = (" %s%s%s%s "):format(name, reason, remark, private)
  if cells.width(short) <= room then
    return short
  end
  remark = remark .. private
  -- The name gives way to what is said of it, as long as it can be told from others.
  local left = room - cells.width(remark) - 2
  return cells.cut((" %s%s "):format(cells.cut(name, math.max(left, LEAST_NAME)), remark), room)
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
  -- A command, since it runs for every token: a callback costs more.
  api.nvim_create_autocmd("BufModifiedSet", {
    group = group,
    buffer = chat.buf,
    command = "setlocal nomodified",
  })
  on("TextChanged", function()
    if not chat.stream or chat.stream.tick ~= api.nvim_buf_get_changedtick(chat.buf) then
      chat:mend_headings()
      chat:redraw_queue()
    end
  end)
  on("InsertEnter", function()
    chat:note_typing(true)
  end)
  on("InsertLeave", function()
    chat:note_typing(false)
  end)
  on("BufWriteCmd", function(args)
    vim.bo[chat.buf].modified = false
    if args.match ~= api.nvim_buf_get_name(chat.buf) then
      return chat:save_copy(args.match)
    end
    local kept = not chat.private and require("gpt.config").get().history.enabled
    local title = kept and words("view.kept_by_themselves") or words("view.kept_nowhere")
    notice.inform({ level = "info", title = title, advice = "" })
  end)
  on("BufEnter", function()
    latest = chat
  end)
  -- Another Neovim may have written into it meanwhile.
  on({ "BufEnter", "FocusGained" }, function()
    if remote.is_running() and not chat.private then
      remote.notify({ event = "looked", chat = chat.id })
    end
  end)
  -- :edit would leave an empty buffer.
  on("BufReadCmd", function()
    chat:restore()
    cut.show(chat, chat.cut)
    rules.show(chat, chat.rules)
  end)
  on("BufUnload", function()
    chat:remember()
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
    chat:forget_origins()
    chats[chat.id] = nil
    latest = latest ~= chat and latest or nil
    -- An editor that ends closes no chat: an answer under way goes on into the history.
    if remote.is_running() and vim.v.exiting == vim.NIL then
      remote.notify({ event = "closed", chat = chat.id })
    end
  end)
end

--- A chat's name: the time, so that names sort, and a random part, so that no two are the same.
---@return string
function M.new_id()
  local random = assert(vim.uv.random(4)) --[[@as string]]
  return os.date("%Y%m%d-%H%M%S-") .. random:gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
end

--- Makes a buffer a chat.
---@param buf integer
---@param id string
---@return gpt.Chat
local function make(buf, id)
  define_highlights()
  local chat = Chat.of(id, buf)
  chat.project = require("gpt.project").root()
  chats[id] = chat
  -- Before the name, for which Neovim would make a swap file.
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = "acwrite", "hide", false
  vim.bo[buf].modifiable, vim.bo[buf].readonly = true, false
  vim.bo[buf].modeline = false -- else :edit would do what a model has written
  if api.nvim_buf_get_name(buf) ~= NAME .. id then
    api.nvim_buf_set_name(buf, NAME .. id)
  end
  chat:without_undo(function()
    chat:prompt_row()
  end)
  chat:note_step()
  vim.bo[buf].modified = false
  watch(api.nvim_create_augroup("gpt.chat." .. id, {}), chat)
  guard.watch(chat) -- before anything else parses it
  -- Not before it is drawn: the first server loads much of Neovim's client.
  vim.defer_fn(function()
    require("gpt.lsp").serve(chat)
  end, 30)
  return chat
end

--- Says what a chat's buffer is, once its window is there: what others do about that (|FileType|, |OptionSet|), they do
--- for the window too, 'conceallevel' say.
---@param chat gpt.Chat
local function announce(chat)
  if vim.bo[chat.buf].filetype ~= "gptchat" then
    vim.bo[chat.buf].filetype = "gptchat"
    chat:map_keys()
  end
end

---@return gpt.Chat
function M.new()
  return make(api.nvim_create_buf(false, false), M.new_id())
end

--- Makes a buffer that has a chat's name that chat, as the history has it. One that is a chat already is left alone.
---@param buf integer
---@return gpt.Chat?
local function read(buf)
  local id = api.nvim_buf_get_name(buf):match("^gpt://chat/(.+)$")
  if not id or chats[id] then
    return nil
  end
  local chat = make(buf, id)
  vim.bo[buf].buflisted = false
  latest = latest or chat
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    window.dress(win)
  end
  window.refresh(chat)
  remote.notify(chat:event("opened"))
  return chat
end

--- Makes a buffer that has a chat's name that chat: by |:edit|, or at a session's end.
---@param buf integer
function M.read(buf)
  local chat = read(buf)
  if chat then
    announce(chat)
  end
end

--- Shows a chat of the history; one that is open is only shown.
---@param id string
function M.open(id)
  local chat = chats[id]
  if not chat then
    local buf = api.nvim_create_buf(false, false)
    vim.bo[buf].buftype, vim.bo[buf].swapfile = "acwrite", false
    api.nvim_buf_set_name(buf, NAME .. id)
    chat = read(buf)
  end
  if chat then
    local win = window.open(chat)
    announce(chat)
    latest = chat
    if win then
      chat:go_to_prompt()
    end
    highlight.warm()
  end
end

--- Takes a chat away for good.
---@param id string
function M.close(id)
  local chat = chats[id]
  if not chat then
    return
  end
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if not pcall(api.nvim_win_close, win, true) then
      api.nvim_set_option_value("winfixbuf", false, { win = win, scope = "local" })
      api.nvim_win_set_buf(win, api.nvim_create_buf(true, false))
    end
  end
  api.nvim_buf_delete(chat.buf, { force = true })
end

---@param buf integer
---@return gpt.Chat?
function M.of_buffer(buf)
  for _, chat in pairs(chats) do
    if chat.buf == buf then
      return chat
    end
  end
end

---@param id string
---@return gpt.Chat?
function M.get(id)
  return chats[id]
end

--- The chat in the current window, else the one that was shown last.
---@return gpt.Chat?
function M.current()
  return M.of_buffer(api.nvim_get_current_buf()) or latest
end

--- Lets the user go on with the project's last chat, if that is wanted.
---@param options gpt.ChatOptions
local function offer_last(options)
  local alone = not options.new and not options.private and (options.prompt or "") == "" and not options.selection
  if alone and require("gpt.config").get().history.resume then
    local project = require("gpt.project").root()
    vim.schedule(function()
      remote.notify({ event = "resume_offered", project = project })
    end)
  end
end

--- Shows a chat: this one, a new one, or the session's last one.
---@param options gpt.ChatOptions|{ chat: gpt.Chat }
---@return gpt.Chat
function M.show(options)
  local chat = options.chat or not options.new and not options.private and M.current()
  if not chat then
    if next(chats) == nil then
      offer_last(options)
    end
    chat = M.new()
    chat.private = options.private
  end
  local win = window.open(chat, options.layout, options.mods)
  announce(chat)
  latest = chat
  if win then
    chat:go_to_prompt()
  end
  vim.schedule(remote.warm)
  highlight.warm()
  return chat
end

--- A chat in a list: the first words of its first question, and who answers.
---@param chat gpt.Chat
---@return string
local function summary(chat)
  local parts, label = {}, nil
  for _, heading in ipairs(chat:headings()) do
    label = heading.entry.label or label
  end
  local headings = chat:headings()
  local first = headings[1] and vim.trim(chat:body(headings, 1):gsub("%s+", " ")) or ""
  parts[1] = first ~= "" and cells.first(first, 60) or words("view.chats.empty")
  parts[#parts + 1] = label
  parts[#parts + 1] = chat.answer and words("view.chats.answering") or nil
  return require("gpt.view.dialog").entry(table.concat(parts, " · "))
end

--- Lists the chats of this session, the newest first, and shows the one that is chosen.
function M.choose()
  local list = vim.tbl_values(chats)
  table.sort(list, function(one, other)
    return one.buf > other.buf
  end)
  if #list == 0 then
    return notice.inform({ level = "info", title = words("view.no_chats"), advice = "" })
  end
  require("gpt.view.dialog").select(
    list,
    { prompt = words("view.chats.title"), kind = "gpt.chats", format_item = summary },
    function(chat)
      if chat and api.nvim_buf_is_valid(chat.buf) then
        M.show({ chat = chat })
      end
    end
  )
end

--- Which model answers from now on.
---@param shown gpt.ShownModel
function M.show_model(shown)
  local before = Chat.model
  Chat.model, session.model = shown, shown
  for _, chat in pairs(chats) do
    window.refresh(chat)
  end
  local same = before and before.provider == shown.provider and before.model == shown.model
  if not same and (before or shown.chosen) then
    local data = { provider = shown.provider, model = shown.model }
    api.nvim_exec_autocmds("User", { pattern = "GPTModelChanged", modeline = false, data = data })
  end
end

--- Tells something that belongs to no answer. In insert mode Neovim draws 'showmode' over a message at once: there it
--- stands beside the prompt too.
---@param told gpt.Notice
function M.inform(told)
  notice.inform(told)
  local chat = latest
  if chat and chat.buf == api.nvim_get_current_buf() and vim.fn.mode() == "i" then
    notice.hint(chat.buf, math.max(chat:find_prompt() or 0, vim.fn.line("w0") - 1), told)
  end
end

--- Tells why nothing can be done: beside the prompt of the chat in the current window, else as a message.
---@param told gpt.Notice
function M.complain(told)
  local chat = latest
  if chat and chat.buf == api.nvim_get_current_buf() then
    notice.clear(chat)
    return notice.place(chat, chat:prompt_row(), told)
  end
  notice.inform(told)
end

--- Tells something beside the prompt, or at the top of the window where that is below it; where the chat is not shown, as
--- a message.
---@param told gpt.Notice
function Chat:tell_at_prompt(told)
  local win = window.find(self)
  if not win then
    return notice.inform(told)
  end
  notice.clear(self)
  notice.place(self, math.max(self:prompt_row(), vim.fn.line("w0", win) - 1), told)
end

--- A question is not asked: it stays in the prompt, or comes there, and why is told where the reader looks.
---@param told gpt.Notice
function Chat:refuse_question(told)
  local pending = self.pending
  if pending and pending.origin == "command" then
    self:add_to_prompt(vim.split(pending.text, "\n"))
  end
  if pending and pending.origin == "queue" and Chat.names_action(pending.text) then
    self:put_last(pending.mark)
  end
  self:take_back()
  self:break_undo()
  -- Not before: where the text is locked this fails, and is asked for again.
  self.pending, self.in_flight, self.again = nil, nil, nil
  self:tell_at_prompt(told)
end

--- A question that was not asked comes back into the prompt, unless it still stands there; so do those that wait for it.
---@return boolean returned
function Chat:give_back()
  local origin, text = self.pending and self.pending.origin, self.pending and self.pending.text
  local looked_up = self:is_looking_up()
  self.pending, self.in_flight, self.again = nil, nil, nil
  self.lookups = {}
  local taken = not self.answer and pcall(self.take_back, self)
  if text and origin == "command" then
    return (pcall(self.add_to_prompt, self, vim.split(text, "\n")))
  end
  return taken and (origin == "queue" or looked_up)
end

--- The program died: answers that were being written end here, and questions that it did not take come back.
---@return boolean returned whether there is such a question
function M.program_ended()
  local returned = false
  for _, chat in pairs(chats) do
    returned = chat:give_back() or returned
    if chat.answer then
      chat:end_turn({
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

--- Makes a hidden chat the one that `:GPTChat` shows, unless another one is looked at.
function Chat:come_next()
  if not latest or #vim.fn.win_findbuf(latest.buf) == 0 then
    latest = self
  end
end

---@return gpt.Status
function M.status()
  local chat = M.current()
  local answering = chat and chat.answer ~= nil
  local model = Chat.model
  return {
    state = not remote.is_running() and "off" or answering and "answering" or "idle",
    model = model and ("%s/%s"):format(model.provider, model.model) or nil,
    usage = chat and chat.usage or nil,
    estimate = chat and (chat.counted and chat.counted.input or chat.estimate) or nil,
    window = model and model.window or nil,
    cost = chat and chat.cost or nil,
    prices_of = chat and chat.cost and model and model.prices_of or nil,
  }
end

--- Takes over the chats that older modules have made, after a reload.
local function adopt()
  Chat.model = session.model
  for id, chat in pairs(chats) do
    if not api.nvim_buf_is_valid(chat.buf) then
      chats[id] = nil
    else
      setmetatable(chat, Chat)
      watch(api.nvim_create_augroup("gpt.chat." .. id, {}), chat)
      chat:map_keys()
      chat:hear_interrupts(chat.answer ~= nil)
      local is_shown = #vim.fn.win_findbuf(chat.buf) > 0
      latest = (not latest or is_shown) and chat or latest
    end
  end
  if session.left and next(session.left) ~= nil then
    session.left = nil
    vim.schedule(function()
      notice.inform({ level = "warning", title = words("view.reloaded"), advice = "" })
    end)
  end
end
adopt()

api.nvim_create_autocmd({ "VimResized", "WinResized" }, {
  group = api.nvim_create_augroup("gpt.resized", {}),
  callback = function(args)
    for _, chat in pairs(chats) do
      if args.event == "VimResized" then
        window.refresh(chat)
      else
        window.retitle(chat)
      end
      notice.rewrap(chat)
      chat:redraw_edges()
      cut.show(chat, chat.cut)
    end
  end,
})
api.nvim_create_autocmd("ColorScheme", {
  group = api.nvim_create_augroup("gpt.highlights", {}),
  callback = function()
    define_highlights()
    for _, chat in pairs(chats) do
      window.refresh(chat)
    end
  end,
})

return M
