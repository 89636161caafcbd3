--- Tells the user why something is not done: beside the prompt of the chat that they look at, else as a message.
local api = vim.api

local chats = require("gpt.chat.chats")
local headings = require("gpt.chat.headings")
local notice = require("gpt.ui.notice")
local notices = require("gpt.chat.notices")
local prompts = require("gpt.chat.prompt")
local waiting = require("gpt.chat.waiting")
local words = require("gpt.words")

local M = {}

--- Tells something that belongs to no answer. In insert mode Neovim draws 'showmode' over a message at once: there it
--- stands beside the prompt too.
---@param told gpt.Notice
function M.inform(told)
  notice.inform(told)
  local chat = chats.latest()
  if chat and chat.buf == api.nvim_get_current_buf() and vim.fn.mode() == "i" then
    notice.hint(chat.buf, math.max(headings.prompt(chat) or 0, vim.fn.line("w0") - 1), told)
  end
end

--- Tells why nothing can be done: beside the prompt of the chat in the current window, else as a message.
---@param told gpt.Notice
function M.complain(told)
  local chat = chats.latest()
  if chat and chat.buf == api.nvim_get_current_buf() then
    notices.clear(chat)
    return notices.place(chat, prompts.row(chat), told)
  end
  notice.inform(told)
end

--- Tells how far something is that the chat waits for: beside the prompt of the chat in the current window, which
--- Neovim's own messages do not cover. It is no notice to be kept.
---@param text string
---@return boolean told false where no chat is there
function M.progress(text)
  local chat = chats.latest()
  if not chat or chat.buf ~= api.nvim_get_current_buf() then
    return false
  end
  notices.clear(chat)
  chat.notice = { notice = { level = "info", title = text, advice = "" }, mark = nil }
  notices.restore(chat, prompts.row(chat))
  return true
end

--- Tells something beside the prompt, or at the top of the window where that is below it; where the chat is not shown, as
--- a message.
---@param chat gpt.Chat
---@param told gpt.Notice
function M.at_prompt(chat, told)
  local win = chats.window_of(chat)
  if not win then
    return notice.inform(told)
  end
  notices.clear(chat)
  notices.place(chat, math.max(prompts.row(chat), vim.fn.line("w0", win) - 1), told)
end

--- Says so when an answer is not yet shown whole: until then the buffer does not show what is to be sent.
---@param chat gpt.Chat
---@return boolean
function M.refuses(chat)
  if chat.answer then
    M.inform({ level = "info", title = words("view.answering"), advice = words("view.answering_advice") })
  elseif waiting.is_on_its_way(chat) then
    M.inform({ level = "info", title = words("view.in_flight"), advice = "" })
  end
  return chat.answer ~= nil or waiting.is_on_its_way(chat)
end

--- Says so where the chat's text cannot be changed now.
---@param chat gpt.Chat
---@return boolean
function M.refuses_change(chat)
  if vim.bo[chat.buf].modifiable then
    return false
  end
  M.inform({ level = "info", title = words("view.not_modifiable"), advice = "" })
  return true
end

--- Tells why a question is not sent, where the reader looks.
---@param chat gpt.Chat
---@param told gpt.Notice
function M.why_not_sent(chat, told)
  if chat.answer and chats.window_of(chat) then
    return M.inform(told)
  end
  M.at_prompt(chat, told)
end

return M
