--- Maps the keys that the user asked for: those under `keymaps.prefix`, and those that the prompts of the library name.
local M = {}

local bounded = require("gpt.bounded")
local config = require("gpt.config")
local front_matter = require("gpt.front_matter")
local tables = require("gpt.tables")

--- How much of a prompt's file is looked at for its key, in bytes; and how many entries of the folder.
local MOST_HEAD, MOST_ENTRIES = 4096, 500

--- Maps the keys that the user's own prompts ask for. Those of a project come from the program, once they are allowed.
function M.map_library()
  -- Mistakes in the configuration are not told into the middle of a command line.
  if vim.fn.mode() == "c" then
    vim.api.nvim_create_autocmd("CmdlineLeave", { once = true, callback = vim.schedule_wrap(M.map_library) })
    return
  end
  local folder = config.prompts_dir()
  local seen = 0
  for file, kind in vim.fs.dir(folder) do
    seen = seen + 1
    if seen > MOST_ENTRIES then
      break
    end
    local stem = kind ~= "directory" and file:match("^(.+)%.md$")
    local text = stem and bounded.beginning(vim.fs.joinpath(folder, file), MOST_HEAD)
    local fields = text and front_matter.read(text) or {}
    if (fields.keymap or "") ~= "" then
      require("gpt.actions").map(fields.keymap, fields.name or stem, fields.description or "")
    end
  end
end

--- Maps the <Plug> maps under the prefix that the user asked for.
function M.install()
  local keymaps = config.get().keymaps
  -- Not now: the start of the editor does not wait for a folder to be read.
  vim.schedule(M.map_library)
  if not keymaps.prefix then
    return
  end
  for _, action in ipairs(tables.actions) do
    local plug, options = ("<Plug>(gpt-%s)"):format(action.name), { desc = "GPT: " .. action.name }
    if action.key then
      vim.keymap.set({ "n", "x", "o" }, keymaps.prefix .. action.key, plug, options)
    end
  end
  for key, plug in pairs({ c = "chat", h = "history", m = "model", s = "stop" }) do
    vim.keymap.set({ "n", "x" }, keymaps.prefix .. key, ("<Plug>(gpt-%s)"):format(plug), { desc = "GPT: " .. plug })
  end
end

return M
