--- Shows beside a chat's first heading which rules of the project go along with each question.
local cells = require("gpt.cells")
local headings = require("gpt.chat.headings")

local M = {}

---@class (partial) gpt.Chat
---@field rules? string which rules of the project go along

local namespace = vim.api.nvim_create_namespace("gpt.rules")
--- The one mark there.
local MARK = 1

--- Shows it, or takes it away.
---@param chat gpt.Chat
---@param label? string
function M.show(chat, label)
  chat.rules = label
  vim.api.nvim_buf_del_extmark(chat.buf, namespace, MARK)
  local first = label and headings.all(chat)[1]
  if first then
    vim.api.nvim_buf_set_extmark(chat.buf, namespace, first.row, 0, {
      id = MARK,
      virt_text = { { "  " .. cells.plain(label), "GPTHeadingFacts" } },
      virt_text_pos = "eol",
      undo_restore = false,
    })
  end
end

return M
