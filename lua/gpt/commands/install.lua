--- `:GPT install`: installs the program beside what the user does, and says how far it is.
local M = {}

local cells = require("gpt.cells")
local notice = require("gpt.ui.notice")
local one_line = require("gpt.ui.one_line")
local words = require("gpt.words")

---@param level "error"|"warning"|"info"
---@param title string
---@param advice? string
---@param details? string
local function tell(level, title, advice, details)
  notice.inform({
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
  local is_old = require("gpt.client").is_running()
  local chosen = require("gpt.config").get().binary
  if chosen then
    local wins = words("view.install.binary_wins", { file = vim.fn.fnamemodify(chosen, ":~") })
    return tell("warning", wins, words("view.program.correct_binary"), words("view.install.done", { file = file }))
  end
  tell("info", words("view.install.done", { file = file }), is_old and words("view.install.restart") or "")
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
    if vim.fn.mode() == "n" then
      vim.api.nvim_echo({ { cells.cut("gpt.nvim: " .. text, one_line.room()) } }, false, {})
    end
  end, ended)
end

return M
