--- `:GPT install`: installs the program beside what the user does, and says how far it is.
local M = {}

local cells = require("gpt.cells")
local chats = require("gpt.chat.chats")
local client = require("gpt.client")
local notices = require("gpt.chat.notices")
local one_line = require("gpt.ui.one_line")
local teller = require("gpt.chat.tell")
local words = require("gpt.words")

---@param level "error"|"warning"|"info"
---@param title string
---@param advice? string
---@param details? string
local function tell(level, title, advice, details)
  local chat = chats.latest()
  if chat and vim.api.nvim_buf_is_valid(chat.buf) then
    notices.clear(chat) -- that the program is missing, or how far it is
  end
  teller.complain({
    level = level,
    title = title,
    advice = advice or "",
    details = details and vim.split(details, "\n") or nil,
  })
end

---@param how gpt.install.Ended
local function ended(how)
  if how.stopped then
    return tell("info", words("view.install.stopped"))
  elseif how.failure then
    return tell("error", how.failure.title, how.failure.advice, how.failure.details)
  end
  local file = vim.fn.fnamemodify(how.binary, ":~")
  local is_old = client.is_running()
  local chosen = require("gpt.config").get().binary
  if chosen then
    local wins = words("view.install.binary_wins", { file = vim.fn.fnamemodify(chosen, ":~") })
    return tell("warning", wins, words("view.program.correct_binary"), words("view.install.done", { file = file }))
  end
  tell("info", words("view.install.done", { file = file }), is_old and words("view.install.restart") or "")
  if chats.latest() then
    client.warm() -- so that the chat's title says who answers
  end
end

--- Installs the program.
---@param stop boolean ends the installation that is under way instead
function M.run(stop)
  local install = require("gpt.client.install")
  if stop then
    if not install.is_running() then
      return tell("info", words("view.install.nothing_to_stop"))
    end
    return install.stop()
  elseif install.is_running() then
    return tell("info", words("view.install.already"), words("view.install.already_advice"))
  end
  install.start(function(text)
    if not teller.progress(text) and vim.fn.mode() == "n" then
      vim.api.nvim_echo({ { cells.cut("gpt.nvim: " .. text, one_line.room()) } }, false, {})
    end
  end, ended)
end

return M
