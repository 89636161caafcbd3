--- The chats of this session, by id: found by buffer or window, made as plain tables, and which one was shown last.
---
--- A chat is a table; each part of it keeps fields of its own there, which it documents as a part of the class. They are
--- kept by the session, so that they outlive a reload of these modules.
local api = vim.api

local session = require("gpt.client.session")

local M = {}

---@class (partial) gpt.Chat
---@field id string
---@field buf integer
---@field project? string the root of the project that it belongs to
---@field ["private"]? boolean whether nothing of it is kept
---@field aside? boolean whether its answer goes elsewhere, and nobody waits for it here

--- What the name of a chat's buffer begins with.
M.NAME = "gpt://chat/"

--- A chat's name: the time, so that names sort, and a random part, so that no two are the same.
---@return string
function M.new_id()
  local random = assert(vim.uv.random(4)) --[[@as string]]
  return os.date("%Y%m%d-%H%M%S-") .. random:gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
end

---@param buf integer
---@return gpt.Chat?
function M.of_buffer(buf)
  for _, chat in pairs(session.chats) do
    if chat.buf == buf then
      return chat
    end
  end
end

---@param id string
---@return gpt.Chat?
function M.get(id)
  return session.chats[id]
end

--- The chat in the current window, else the one that was shown last.
---@return gpt.Chat?
function M.current()
  return M.of_buffer(api.nvim_get_current_buf()) or session.latest
end

--- The width that a notice may take.
---@param chat gpt.Chat
---@return integer
function M.width(chat)
  local win = vim.fn.win_findbuf(chat.buf)[1]
  return win and api.nvim_win_get_width(win) or math.floor(vim.o.columns * 0.8)
end

--- Makes a hidden chat the one that `:GPTChat` shows, unless another one is looked at.
---@param chat gpt.Chat
function M.come_next(chat)
  if not session.latest or #vim.fn.win_findbuf(session.latest.buf) == 0 then
    session.latest = chat
  end
end

--- The window of the current tab page that shows the chat.
---@param chat gpt.Chat
---@return integer?
function M.window_of(chat)
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.api.nvim_win_get_buf(win) == chat.buf then
      return win
    end
  end
end

---@param id string
---@param buf integer
---@return gpt.Chat
function M.plain(id, buf)
  local chat = { id = id, buf = buf, entries = {}, last_mark = 0, parts = {}, bundles = {} }
  chat.facts, chat.cuts, chat.lookups, chat.origins = {}, {}, {}, {}
  chat.places, chat.windows = {}, {}
  return chat
end

--- The chat that was shown last.
---@return gpt.Chat?
function M.latest()
  return session.latest
end

--- Says which chat was shown last.
---@param chat? gpt.Chat
function M.set_latest(chat)
  session.latest = chat
end

return M
