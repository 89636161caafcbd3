--- Stops an answer by `<C-c>` where Neovim takes the key for an interrupt, which no mapping sees.
local api = vim.api

local chosen_keys = require("gpt.chat.chosen_keys")
local sending = require("gpt.chat.sending")
local undo = require("gpt.chat.undo")

local M = {}

--- To a Neovim that is just drawing or parsing, `<C-c>` is an interrupt, which no mapping sees (measured: one in fifty
--- while an answer streams). It still comes as a plain key afterwards, and from a mapped one it never does. In insert mode
--- one press comes twice, the second time after that mode has ended: it only ends insert mode.
---@param chat gpt.Chat
---@param on boolean
function M.hear(chat, on)
  local is_mapped = vim.tbl_contains(chosen_keys.of("stop"), function(lhs)
    return lhs:lower() == "<c-c>"
  end, { predicate = true })
  local was_typed = false -- whether the last key was the same one, in insert mode
  vim.on_key(on and is_mapped and function(key)
    if key ~= "\3" or api.nvim_get_current_buf() ~= chat.buf then
      was_typed = false
      return
    end
    local normal, left_insert = api.nvim_get_mode().mode == "n", was_typed
    was_typed = undo.is_typed_in(chat)
    if normal and not left_insert then
      vim.schedule(function()
        api.nvim_echo({ { "" } }, false, {}) -- an interrupted insert mode leaves its name on the screen
        sending.stop(chat)
      end)
    end
  end or nil, api.nvim_create_namespace("gpt.interrupts." .. chat.id))
end

return M
