--- Marks the first message that is sent: what stands above it is left out of the context window.
local chats = require("gpt.chat.chats")
local headings = require("gpt.chat.headings")
local notice = require("gpt.ui.notice")

local M = {}

---@class (partial) gpt.Chat
---@field cut? gpt.ShownCut

---@class gpt.ShownCut
---@field before integer the first message that is sent
---@field label string

local namespace = vim.api.nvim_create_namespace("gpt.cut")
--- The one mark there: to clear a namespace takes the longer the more marks a buffer has, of any kind.
local MARK = 1

---@param label string
---@param width integer
---@return table[] virtual lines
local function virtual_lines(label, width)
  local lines = notice.wrap(("── %s ──"):format(label), math.max(width - 1, 1))
  return vim.tbl_map(function(line)
    return { { line, "GPTCut" } }
  end, lines)
end

--- Shows the mark of the last request, or takes it away.
---@param chat gpt.Chat
---@param cut? gpt.ShownCut
function M.show(chat, cut)
  chat.cut = cut
  vim.api.nvim_buf_del_extmark(chat.buf, namespace, MARK)
  local heading = cut and headings.of_message(chat, cut.before)
  if not cut or not heading then
    return
  end
  local row = heading.row
  local line = vim.api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1]
  vim.api.nvim_buf_set_extmark(chat.buf, namespace, row, 0, {
    id = MARK,
    end_row = row,
    end_col = #line,
    invalidate = true,
    undo_restore = true,
    virt_lines = virtual_lines(cut.label, chats.width(chat)),
    virt_lines_above = true,
  })
end

return M
