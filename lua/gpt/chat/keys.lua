--- Maps the keys of a chat, and lists them in a float.
local api = vim.api

local apply = require("gpt.chat.apply")
local cells = require("gpt.cells")
local chosen_keys = require("gpt.chat.chosen_keys")
local client = require("gpt.client")
local code_blocks = require("gpt.chat.code_blocks")
local headings = require("gpt.chat.headings")
local links = require("gpt.chat.links")
local project = require("gpt.project")
local request = require("gpt.chat.request")
local sending = require("gpt.chat.sending")
local window = require("gpt.chat.window")
local words = require("gpt.words")

local M = {}

--- Sends from insert mode. A menu of completion goes, which would stand over an empty prompt; what is typed stays.
---@param chat gpt.Chat
local function send_insert(chat)
  if vim.fn.pumvisible() == 1 then
    api.nvim_feedkeys(vim.keycode("<C-x><C-z>"), "n", false)
  end
  sending.send(chat)
end

--- What the keys do; the order is that of the help.
---@type { name: string, modes: string[], what: string, run: fun(chat: gpt.Chat) }[]
local KEYS = {
  { name = "send", modes = { "n" }, what = "view.key.send", run = sending.send },
  { name = "send_insert", modes = { "i" }, what = "view.key.send_insert", run = send_insert },
  { name = "stop", modes = { "n" }, what = "view.key.stop", run = sending.stop },
  { name = "regenerate", modes = { "n" }, what = "view.key.regenerate", run = sending.regenerate },
  {
    name = "model",
    modes = { "n" },
    what = "view.key.model",
    run = function()
      client.notify({ event = "model_requested" })
    end,
  },
  {
    name = "history",
    modes = { "n" },
    what = "view.key.history",
    run = function()
      client.notify({ event = "history_requested", words = "", project = project.root() })
    end,
  },
  {
    name = "new_chat",
    modes = { "n" },
    what = "view.key.new_chat",
    run = function()
      require("gpt.client.operations").show_chat({ new = true })
    end,
  },
  { name = "yank", modes = { "n" }, what = "view.key.yank", run = code_blocks.yank },
  { name = "apply", modes = { "n" }, what = "view.key.apply", run = apply.run },
  { name = "diff", modes = { "n" }, what = "view.key.diff", run = apply.show_diff },
  { name = "open_link", modes = { "n" }, what = "view.key.open_link", run = links.open },
  { name = "request", modes = { "n" }, what = "view.key.request", run = request.want },
  {
    name = "next_message",
    modes = { "n", "x", "o" },
    what = "view.key.next_message",
    run = function(chat)
      headings.go_to(chat, 1, vim.v.count1)
    end,
  },
  {
    name = "previous_message",
    modes = { "n", "x", "o" },
    what = "view.key.previous_message",
    run = function(chat)
      headings.go_to(chat, -1, vim.v.count1)
    end,
  },
  {
    name = "previous_branch",
    modes = { "n" },
    what = "view.key.previous_branch",
    run = function(chat)
      sending.switch_branch(chat, -vim.v.count1)
    end,
  },
  {
    name = "next_branch",
    modes = { "n" },
    what = "view.key.next_branch",
    run = function(chat)
      sending.switch_branch(chat, vim.v.count1)
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
    run = function()
      M.show_keys()
    end,
  },
}

---@param chat gpt.Chat
function M.map(chat)
  for _, key in ipairs(KEYS) do
    for _, lhs in ipairs(chosen_keys.of(key.name)) do
      vim.keymap.set(key.modes, lhs, function()
        key.run(chat)
      end, { buffer = chat.buf, nowait = true, desc = "GPT: " .. words(key.what) })
    end
  end
end

--- Lists the keys in a small float.
function M.show_keys()
  local lines, width = {}, 0
  local function add(lhs, what)
    lines[#lines + 1] = (" %-14s %s "):format(lhs, words(what))
    width = math.max(width, cells.width(lines[#lines]))
  end
  for _, key in ipairs(KEYS) do
    local lhs = table.concat(chosen_keys.of(key.name), " ")
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

return M
