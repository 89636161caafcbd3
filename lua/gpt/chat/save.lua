--- Saves the lines of a chat in a file, by `:write`.
local api = vim.api

local notice = require("gpt.ui.notice")
local words = require("gpt.words")

local M = {}

--- Writes the lines that `:write` was given to a file; that it may be written there, Neovim has checked.
---@param chat gpt.Chat
---@param path string
function M.copy(chat, path)
  local lines = api.nvim_buf_get_lines(chat.buf, vim.fn.line("'[") - 1, vim.fn.line("']"), false)
  local name = vim.fn.fnamemodify(path, ":~:.")
  local file, reason = io.open(path, "w")
  local written = file ~= nil
  if file then
    written, reason = file:write(table.concat(lines, "\n"), "\n")
    local closed, why = file:close() -- what did not fit is found out here
    written, reason = written and closed, reason or why
  end
  if not written then
    reason = tostring(reason):gsub("^.*: ", "")
    local title = words("view.not_saved", { file = name, reason = reason })
    return notice.inform({ level = "warning", title = title, advice = "" })
  end
  notice.inform({ level = "info", title = words("view.saved", { file = name }), advice = "" })
end

return M
