--- The keys in a chat, and their help. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local cells = require("gpt.cells")
local config = require("gpt.config")
local project = require("gpt.project")
local remote = require("gpt.remote")
local window = require("gpt.view.window")
local words = require("gpt.words")

---@param method string
---@return fun(chat: gpt.Chat)
local function does(method)
  return function(chat)
    chat[method](chat)
  end
end

--- Sends from insert mode. A menu of completion goes, which would stand over an empty prompt; what is typed stays.
---@param chat gpt.Chat
local function send_insert(chat)
  if vim.fn.pumvisible() == 1 then
    api.nvim_feedkeys(vim.keycode("<C-x><C-z>"), "n", false)
  end
  chat:send()
end

--- What the keys do; the order is that of the help.
---@type { name: string, modes: string[], what: string, run: fun(chat: gpt.Chat) }[]
local KEYS = {
  { name = "send", modes = { "n" }, what = "view.key.send", run = does("send") },
  { name = "send_insert", modes = { "i" }, what = "view.key.send_insert", run = send_insert },
  { name = "stop", modes = { "n" }, what = "view.key.stop", run = does("stop") },
  { name = "regenerate", modes = { "n" }, what = "view.key.regenerate", run = does("regenerate") },
  {
    name = "model",
    modes = { "n" },
    what = "view.key.model",
    run = function()
      remote.notify({ event = "model_requested" })
    end,
  },
  {
    name = "history",
    modes = { "n" },
    what = "view.key.history",
    run = function()
      remote.notify({ event = "history_requested", words = "", project = project.root() })
    end,
  },
  {
    name = "new_chat",
    modes = { "n" },
    what = "view.key.new_chat",
    run = function()
      require("gpt").chat({ new = true })
    end,
  },
  { name = "yank", modes = { "n" }, what = "view.key.yank", run = does("yank_block") },
  { name = "apply", modes = { "n" }, what = "view.key.apply", run = does("apply_block") },
  { name = "diff", modes = { "n" }, what = "view.key.diff", run = does("diff_block") },
  { name = "open_link", modes = { "n" }, what = "view.key.open_link", run = does("open_link") },
  { name = "request", modes = { "n" }, what = "view.key.request", run = does("want_request") },
  {
    name = "next_message",
    modes = { "n", "x", "o" },
    what = "view.key.next_message",
    run = function(chat)
      chat:go_to_heading(1, vim.v.count1)
    end,
  },
  {
    name = "previous_message",
    modes = { "n", "x", "o" },
    what = "view.key.previous_message",
    run = function(chat)
      chat:go_to_heading(-1, vim.v.count1)
    end,
  },
  {
    name = "previous_branch",
    modes = { "n" },
    what = "view.key.previous_branch",
    run = function(chat)
      chat:switch_branch(-vim.v.count1)
    end,
  },
  {
    name = "next_branch",
    modes = { "n" },
    what = "view.key.next_branch",
    run = function(chat)
      chat:switch_branch(vim.v.count1)
    end,
  },
  {
    name = "hide",
    modes = { "n" },
    what = "view.key.hide",
    run = function()
      window.hide()
    end,
  },
  {
    name = "help",
    modes = { "n" },
    what = "view.key.help",
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

--- What stops an answer: the first of its keys, else the command.
---@return string
function Chat:stop_key()
  return keys_of("stop")[1] or ":GPT stop"
end

function Chat:map_keys()
  for _, key in ipairs(KEYS) do
    for _, lhs in ipairs(keys_of(key.name)) do
      vim.keymap.set(key.modes, lhs, function()
        key.run(self)
      end, { buffer = self.buf, nowait = true, desc = "GPT: " .. words(key.what) })
    end
  end
end

--- To a Neovim that is just drawing or parsing, `<C-c>` is an interrupt, which no mapping sees (measured: one in fifty
--- while an answer streams). It still comes as a plain key afterwards, and from a mapped one it never does. In insert mode
--- one press comes twice, the second time after that mode has ended: it only ends insert mode.
---@param on boolean
function Chat:hear_interrupts(on)
  local is_mapped = vim.tbl_contains(keys_of("stop"), function(lhs)
    return lhs:lower() == "<c-c>"
  end, { predicate = true })
  local was_typed = false -- whether the last key was the same one, in insert mode
  vim.on_key(on and is_mapped and function(key)
    if key ~= "\3" or api.nvim_get_current_buf() ~= self.buf then
      was_typed = false
      return
    end
    local normal, left_insert = api.nvim_get_mode().mode == "n", was_typed
    was_typed = self:is_typed_in()
    if normal and not left_insert then
      vim.schedule(function()
        api.nvim_echo({ { "" } }, false, {}) -- an interrupted insert mode leaves its name on the screen
        self:stop()
      end)
    end
  end or nil, api.nvim_create_namespace("gpt.interrupts." .. self.id))
end

--- Lists the keys in a small float.
function Chat:show_keys()
  local lines, width = {}, 0
  local function add(lhs, what)
    lines[#lines + 1] = (" %-14s %s "):format(lhs, words(what))
    width = math.max(width, cells.width(lines[#lines]))
  end
  for _, key in ipairs(KEYS) do
    local lhs = table.concat(keys_of(key.name), " ")
    add(lhs ~= "" and lhs or "-", key.what)
  end
  add("K", "view.key.hover") -- Neovim's own, wherever there is a language server
  add(":help gpt.nvim", "view.key.manual")
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable, vim.bo[buf].bufhidden = false, "wipe"
  local height = math.max(1, math.min(#lines, vim.o.lines - 4))
  local room = math.max(1, math.min(width, vim.o.columns - 4))
  local win = api.nvim_open_win(buf, true, {
    relative = "editor",
    width = room,
    height = height,
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
    col = math.max(0, math.floor((vim.o.columns - width) / 2)),
    border = "rounded",
    title = cells.cut((" %s "):format(words("view.key.title")), room),
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
