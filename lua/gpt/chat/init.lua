--- Makes buffers chats, shows them, closes them, and takes them over after a reload of these modules.
local api = vim.api

local bars = require("gpt.chat.bars")
local chats = require("gpt.chat.chats")
local client = require("gpt.client")
local config = require("gpt.config")
local cut = require("gpt.chat.cut")
local headings = require("gpt.chat.headings")
local highlight = require("gpt.chat.highlight")
local highlight_groups = require("gpt.chat.highlight_groups")
local interrupts = require("gpt.chat.interrupts")
local kept_selections = require("gpt.chat.kept_selections")
local keys = require("gpt.chat.keys")
local notice = require("gpt.ui.notice")
local notices = require("gpt.chat.notices")
local parser_guard = require("gpt.chat.parser_guard")
local program = require("gpt.chat.program")
local project = require("gpt.project")
local prompts = require("gpt.chat.prompt")
local queue = require("gpt.chat.queue")
local reload = require("gpt.chat.reload")
local rules = require("gpt.chat.rules")
local save = require("gpt.chat.save")
local session = require("gpt.client.session")
local spinner = require("gpt.chat.spinner")
local undo = require("gpt.chat.undo")
local undo_marks = require("gpt.chat.undo_marks")
local undo_steps = require("gpt.chat.undo_steps")
local waiting = require("gpt.chat.waiting")
local window = require("gpt.chat.window")
local words = require("gpt.words")

local M = {}

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
      undo_marks.mend(chat)
      waiting.redraw(chat)
      if waiting.withdraw(chat) then
        queue.go_on_if_idle(chat)
      end
    end
  end)
  on("InsertEnter", function()
    undo_steps.note_typing(chat, true)
  end)
  on("InsertLeave", function()
    undo_steps.note_typing(chat, false)
  end)
  on("BufWriteCmd", function(args)
    vim.bo[chat.buf].modified = false
    if args.match ~= api.nvim_buf_get_name(chat.buf) then
      return save.copy(chat, args.match)
    end
    local kept = not chat.private and config.get().history.enabled
    local title = kept and words("view.kept_by_themselves") or words("view.kept_nowhere")
    notice.inform({ level = "info", title = title, advice = "" })
  end)
  on("BufEnter", function()
    chats.set_latest(chat)
  end)
  -- Another Neovim may have written into it meanwhile.
  on({ "BufEnter", "FocusGained" }, function()
    if client.is_running() and not chat.private then
      client.notify({ event = "looked", chat = chat.id })
    end
  end)
  -- :edit would leave an empty buffer.
  on("BufReadCmd", function()
    reload.restore(chat)
    cut.show(chat, chat.cut)
    rules.show(chat, chat.rules)
  end)
  on("BufUnload", function()
    reload.remember(chat)
    -- :bdelete takes text, options and keys away: what is left is no chat.
    vim.schedule(function()
      if api.nvim_buf_is_valid(chat.buf) and not api.nvim_buf_is_loaded(chat.buf) then
        api.nvim_buf_delete(chat.buf, { force = true })
      end
    end)
  end)
  on("BufWipeout", function()
    spinner.stop(chat)
    interrupts.hear(chat, false)
    kept_selections.forget(chat)
    session.chats[chat.id] = nil
    if chats.latest() == chat then
      chats.set_latest(nil)
    end
    -- An editor that ends closes no chat: an answer under way goes on into the history.
    if client.is_running() and vim.v.exiting == vim.NIL then
      client.notify({ event = "closed", chat = chat.id })
    end
  end)
end

--- Makes a buffer a chat.
---@param buf integer
---@param id string
---@return gpt.Chat
local function make(buf, id)
  highlight_groups.define()
  local chat = chats.plain(id, buf)
  chat.project = project.root()
  session.chats[id] = chat
  -- Before the name, for which Neovim would make a swap file.
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = "acwrite", "hide", false
  vim.bo[buf].modifiable, vim.bo[buf].readonly = true, false
  vim.bo[buf].modeline = false -- else :edit would do what a model has written
  if api.nvim_buf_get_name(buf) ~= chats.NAME .. id then
    api.nvim_buf_set_name(buf, chats.NAME .. id)
  end
  undo.without(chat, function()
    prompts.row(chat)
  end)
  undo_steps.note(chat)
  vim.bo[buf].modified = false
  watch(api.nvim_create_augroup("gpt.chat." .. id, {}), chat)
  parser_guard.watch(chat) -- before anything else parses it
  -- Not before it is drawn: the first server loads much of Neovim's client.
  vim.defer_fn(function()
    require("gpt.client.operations").serve_chat(chat)
  end, 30)
  return chat
end

--- Says what a chat's buffer is, once its window is there: what others do about that (|FileType|, |OptionSet|), they do
--- for the window too, 'conceallevel' say.
---@param chat gpt.Chat
local function announce(chat)
  if vim.bo[chat.buf].filetype ~= "gptchat" then
    vim.bo[chat.buf].filetype = "gptchat"
    keys.map(chat)
  end
end

---@return gpt.Chat
function M.new()
  return make(api.nvim_create_buf(false, false), chats.new_id())
end

--- Makes a buffer that has a chat's name that chat, as the history has it. One that is a chat already is left alone.
---@param buf integer
---@return gpt.Chat?
local function read(buf)
  local id = api.nvim_buf_get_name(buf):match("^gpt://chat/(.+)$")
  if not id or session.chats[id] then
    return nil
  end
  local chat = make(buf, id)
  vim.bo[buf].buflisted = false
  chats.set_latest(chats.latest() or chat)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    window.dress(win)
  end
  bars.refresh(chat)
  client.notify(program.event(chat, "opened"))
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
  local chat = session.chats[id]
  if not chat then
    local buf = api.nvim_create_buf(false, false)
    vim.bo[buf].buftype, vim.bo[buf].swapfile = "acwrite", false
    api.nvim_buf_set_name(buf, chats.NAME .. id)
    chat = read(buf)
  end
  if chat then
    local win = window.open(chat)
    announce(chat)
    chats.set_latest(chat)
    if win then
      prompts.go_to(chat)
    end
    highlight.warm()
  end
end

--- Takes a chat away for good.
---@param id string
function M.close(id)
  local chat = session.chats[id]
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

--- Lets the user go on with the project's last chat, if that is wanted.
---@param options gpt.ChatOptions
local function offer_last(options)
  local alone = not options.new and not options.private and (options.prompt or "") == "" and not options.selection
  if alone and config.get().history.resume then
    local root = project.root()
    vim.schedule(function()
      client.notify({ event = "resume_offered", project = root })
    end)
  end
end

--- Shows a chat: this one, a new one, or the session's last one.
---@param options gpt.ChatOptions|{ chat: gpt.Chat }
---@return gpt.Chat
function M.show(options)
  local chat = options.chat or not options.new and not options.private and chats.current()
  if not chat then
    if next(session.chats) == nil then
      offer_last(options)
    end
    chat = M.new()
    chat.private = options.private
  end
  local win = window.open(chat, options.layout, options.mods)
  announce(chat)
  chats.set_latest(chat)
  if win then
    prompts.go_to(chat)
  end
  vim.schedule(client.warm)
  highlight.warm()
  return chat
end

--- Takes over the chats that older modules have made, after a reload.
local function adopt()
  for id, chat in pairs(session.chats) do
    if not api.nvim_buf_is_valid(chat.buf) then
      session.chats[id] = nil
      if chats.latest() == chat then
        chats.set_latest(nil)
      end
    else
      watch(api.nvim_create_augroup("gpt.chat." .. id, {}), chat)
      keys.map(chat)
      interrupts.hear(chat, chat.answer ~= nil)
      local is_shown = #vim.fn.win_findbuf(chat.buf) > 0
      if is_shown or not chats.latest() then
        chats.set_latest(chat)
      end
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
    for _, chat in pairs(session.chats) do
      if args.event == "VimResized" then
        bars.refresh(chat)
      else
        bars.retitle(chat)
      end
      notices.rewrap(chat)
      headings.redraw_edges(chat)
      cut.show(chat, chat.cut)
    end
  end,
})
api.nvim_create_autocmd("ColorScheme", {
  group = api.nvim_create_augroup("gpt.highlights", {}),
  callback = function()
    highlight_groups.define()
    for _, chat in pairs(session.chats) do
      bars.refresh(chat)
    end
  end,
})

return M
