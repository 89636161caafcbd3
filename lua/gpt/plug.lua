--- The <Plug> maps. All of them at startup would take most of what a plugin may: plugin/gpt.lua makes one map of what
--- their names begin with, and whichever of them is used first, or a command line on which they could be looked at, makes
--- them all.
local M = {}

local PREFIX = "<Plug>(gpt-"

---@type { name: string, what: string, run: string }[]
local MAPS = {
  { name = "chat", what = "chat", run = "require'gpt.commands'.chat_here()" },
  { name = "model", what = "choose the model", run = "require'gpt.client'.notify({ event = 'model_requested' })" },
  { name = "history", what = "earlier chats", run = "require'gpt.commands'.history()" },
  { name = "stop", what = "stop the answer", run = "require'gpt'.stop()" },
}

--- Those of the actions: operators in normal mode, so that a motion or text object says what they are about. Typed twice
--- (`o`), one concerns the line.
local function map_actions()
  vim.schedule(require("gpt.keymaps").map_library)
  for _, name in ipairs(require("gpt.library").BUILT_IN) do
    local lhs, options = PREFIX .. name .. ")", { desc = "GPT: " .. name }
    local run = ("<Cmd>lua require'gpt.actions'.take_visual('%s')<CR>"):format(name)
    if vim.fn.maparg(lhs, "x") == "" then
      vim.api.nvim_set_keymap("x", lhs, run, options)
    end
    options.expr = true
    for mode, call in pairs({ n = "operator", o = "line" }) do
      if vim.fn.maparg(lhs, mode) == "" then
        vim.api.nvim_set_keymap(mode, lhs, ("v:lua.require'gpt.actions'.%s('%s')"):format(call, name), options)
      end
    end
  end
end

--- Makes them, in place of the one that stands for all; a map that is there already is left alone.
function M.install()
  if vim.fn.maparg(PREFIX, "n") ~= "" then
    vim.api.nvim_del_keymap("", PREFIX)
  end
  map_actions()
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
