--- Which rules of the project go along with each question, beside the chat's first heading.
local M = {}

local namespace = vim.api.nvim_create_namespace("gpt.rules")

--- Shows it, or takes it away.
---@param chat gpt.Chat
---@param label? string
function M.show(chat, label)
  vim.api.nvim_buf_clear_namespace(chat.buf, namespace, 0, -1)
  local first = label and chat:headings()[1]
  if first then
    vim.api.nvim_buf_set_extmark(chat.buf, namespace, first.row, 0, {
      virt_text = { { "  " .. label, "GPTHeadingFacts" } },
      virt_text_pos = "eol",
      undo_restore = false,
    })
  end
end

return M
