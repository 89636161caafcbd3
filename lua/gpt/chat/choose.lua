--- Lists the chats of this session, and shows the one that is chosen.
local api = vim.api

local cells = require("gpt.cells")
local chat_buffers = require("gpt.chat")
local content = require("gpt.chat.content")
local dialog = require("gpt.ui.dialog")
local headings = require("gpt.chat.headings")
local notice = require("gpt.ui.notice")
local session = require("gpt.client.session")
local words = require("gpt.words")

local M = {}

--- A chat in a list: the first words of its first question, and who answers.
---@param chat gpt.Chat
---@return string
local function summary(chat)
  local parts, label = {}, nil
  for _, heading in ipairs(headings.all(chat)) do
    label = heading.entry.label or label
  end
  local found = headings.all(chat)
  local first = found[1] and vim.trim(content.body(chat, found, 1):gsub("%s+", " ")) or ""
  parts[1] = first ~= "" and cells.first(first, 60) or words("view.chats.empty")
  parts[#parts + 1] = label
  parts[#parts + 1] = chat.answer and words("view.chats.answering") or nil
  return dialog.entry(table.concat(parts, " · "))
end

--- Lists the chats of this session, the newest first, and shows the one that is chosen.
function M.run()
  local list = vim.tbl_values(session.chats)
  table.sort(list, function(one, other)
    return one.buf > other.buf
  end)
  if #list == 0 then
    return notice.inform({ level = "info", title = words("view.no_chats"), advice = "" })
  end
  dialog.select(list, { prompt = words("view.chats.title"), kind = "gpt.chats", format_item = summary }, function(chat)
    if chat and api.nvim_buf_is_valid(chat.buf) then
      chat_buffers.show({ chat = chat })
    end
  end)
end

return M
