--- The <Plug> maps. All of them at startup would take most of what a plugin may: plugin/gpt.lua makes one map of what
--- their names begin with, and whichever of them is used first, or a command line on which they could be looked at, makes
--- them all.
local M = {}

local PREFIX = "<Plug>(gpt-"

---@type { name: string, what: string, run: string }[]
local MAPS = {
  { name = "chat", what = "chat", run = "require'gpt.commands'.chat_here()" },
  { name = "model", what = "choose the model", run = "require'gpt.remote'.notify({ event = 'model_requested' })" },
  { name = "history", what = "earlier chats", run = "require'gpt.commands'.history()" },
  { name = "stop", what = "stop the answer", run = "require'gpt'.stop()" },
}

--- Makes them, in place of the one that stands for all; a map that is there already is left alone.
function M.install()
  if vim.fn.maparg(PREFIX, "n") ~= "" then
    vim.api.nvim_del_keymap("", PREFIX)
  end
  for _, mode in ipairs({ "n", "x" }) do
    for _, map in ipairs(MAPS) do
      local lhs = PREFIX .. map.name .. ")"
      if vim.fn.maparg(lhs, mode) == "" then
        vim.api.nvim_set_keymap(mode, lhs, "<Cmd>lua " .. map.run .. "<CR>", { desc = "GPT: " .. map.what })
      end
    end
  end
end

--- What the map of the beginning comes to: the same keys once more, which now begin a map that is there. Those typed
--- after them, a count and an operator stay as they are.
---@return string keys
function M.first()
  M.install()
  return vim.keycode(PREFIX)
end

return M
