--- Which rules of the project go along with each question, beside the chat's first heading.
local M = {}

local cells = require("gpt.cells")

local namespace = vim.api.nvim_create_namespace("gpt.rules")
--- The one mark there.
local MARK = 1

--- Shows it, or takes it away.
---@param chat gpt.Chat
---@param label? string
function M.show(chat, label)
  chat.rules = label
  vim.api.nvim_buf_del_extmark(chat.buf, namespace, MARK)
  local first = label and chat:headings()[1]
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
