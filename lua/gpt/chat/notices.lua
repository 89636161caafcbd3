--- Notices in a chat's buffer: virtual lines below an answer or the prompt.
local chats = require("gpt.chat.chats")
local notice = require("gpt.ui.notice")

local M = {}

---@class (partial) gpt.Chat
---@field notice? table

local namespace = vim.api.nvim_create_namespace("gpt.notice")

--- Where the notice of a chat stands.
---@param chat gpt.Chat
---@return integer? row counted from 0
function M.row(chat)
  local mark = chat.notice and chat.notice.mark
  return mark and vim.api.nvim_buf_get_extmark_by_id(chat.buf, namespace, mark, {})[1]
end

--- Puts the notice of a chat there, below a blank line: one of its own, if that of the text is none.
---@param chat gpt.Chat
---@param row integer counted from 0
function M.restore(chat, row)
  local virtual = notice.virtual_lines(chat.notice.notice, chats.width(chat))
  local is_blank = vim.api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1] == ""
  chat.notice.mark = vim.api.nvim_buf_set_extmark(chat.buf, namespace, row, 0, {
    id = chat.notice.mark,
    virt_lines = is_blank and vim.list_slice(virtual, 2) or virtual,
  })
end

--- Shows a notice below a line of a chat.
---@param chat gpt.Chat
---@param row integer the line, counted from 0
---@param told gpt.Notice
function M.place(chat, row, told)
  notice.remember(chat.label or chat.id, told)
  chat.notice = { notice = told, mark = nil }
  M.restore(chat, row)
end

--- Wraps the notice of a chat anew, after its window has changed.
---@param chat gpt.Chat
function M.rewrap(chat)
  local row = M.row(chat)
  if row then
    -- Neovim 0.10 leaves a mark below the last line when lines above it go.
    M.restore(chat, math.min(row, vim.api.nvim_buf_line_count(chat.buf) - 1))
  end
end

--- Takes the notice of a chat away.
---@param chat gpt.Chat
function M.clear(chat)
  if chat.notice then
    vim.api.nvim_buf_clear_namespace(chat.buf, namespace, 0, -1)
    chat.notice = nil
  end
end

return M
