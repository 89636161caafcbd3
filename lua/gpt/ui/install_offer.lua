--- Asks whether a program that is missing is to be installed.
local dialog = require("gpt.ui.dialog")
local words = require("gpt.words")

local M = {}

--- Asks once. Whoever types a command meanwhile is not interrupted: the notice names the command.
function M.ask()
  if not vim.list_contains({ "n", "i" }, vim.fn.mode()) then
    return
  end
  vim.cmd.redraw() -- the notice, which the list would cover
  local choices = { words("view.install.offer_yes"), words("view.install.offer_no") }
  local options = { prompt = words("view.install.offer"), kind = "gpt", format_item = dialog.entry }
  dialog.select(choices, options, function(_, index)
    vim.cmd.redraw()
    if index == 1 then
      vim.cmd("GPT install")
    end
  end)
end

return M
