--- Undo steps of a chat's buffer: their numbers, which of them are done, and where a new one begins.
local api = vim.api

local M = {}

--- Runs `callback` with the chat's buffer as the current one.
---@generic T
---@param chat gpt.Chat
---@param callback fun(): T
---@return T
function M.within(chat, callback)
  return api.nvim_buf_call(chat.buf, callback)
end

--- The number of the last undo step, see |undotree()|.
---@param chat gpt.Chat
---@return integer seq
function M.step(chat)
  return M.within(chat, vim.fn.changenr)
end

--- Changes the text so that no undo takes it back; what could be undone before cannot be any more.
---@param chat gpt.Chat
---@param change fun()
function M.without(chat, change)
  vim.bo[chat.buf].undolevels = -1
  local ok, reason = pcall(change)
  vim.bo[chat.buf].undolevels = -123456 -- the global value again
  if not ok then
    error(reason, 0)
  end
end

--- Makes the next change an undo step of its own: so does setting 'undolevels', to whatever it is.
---@param chat gpt.Chat
function M.break_step(chat)
  local here = { buf = chat.buf }
  api.nvim_set_option_value("undolevels", api.nvim_get_option_value("undolevels", here), here)
end

--- Makes the next change part of the last undo step, if nothing is undone.
---@param chat gpt.Chat
function M.join_last(chat)
  M.within(chat, function()
    vim.cmd("silent! undojoin")
  end)
end

---@class gpt.UndoState
---@field applied table<integer, true>
---@field undone integer[] steps that `<C-r>` would bring back, oldest first

--- Which undo steps of the current buffer are done.
---@return gpt.UndoState
function M.state()
  local state, undone = { applied = { [0] = true }, undone = {} }, false
  for _, entry in ipairs(vim.fn.undotree().entries) do
    undone = undone or entry.curhead ~= nil
    if undone then
      state.undone[#state.undone + 1] = entry.seq
    else
      state.applied[entry.seq] = true
    end
  end
  return state
end

--- Whether the user is in insert mode here: then Neovim makes no new undo step by itself, and would take what is typed
--- and what is streamed for one change.
---@param chat gpt.Chat
---@return boolean
function M.is_typed_in(chat)
  return api.nvim_get_current_buf() == chat.buf and api.nvim_get_mode().mode:find("^[iR]") ~= nil
end

return M
