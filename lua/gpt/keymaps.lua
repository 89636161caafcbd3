--- Maps the keys that the user asked for: those under `keymaps.prefix`, and those that the prompts of the library name.
local M = {}

local config = require("gpt.config")

--- How much of a prompt's file is looked at for its key, in bytes; and how many entries of the folder.
local MOST_HEAD, MOST_ENTRIES = 4096, 500
--- The keys of the actions under the prefix.
local ACTIONS = {
  e = "explain",
  f = "fix",
  r = "refactor",
  d = "document",
  t = "tests",
  p = "problems",
  g = "commit",
}

--- The head of a prompt's file, as far as keys need it. What is wrong with one the program says.
---@param path string
---@return table<string, string>
local function head(path)
  local fields = {}
  local lines = vim.split(require("gpt.bounded").beginning(path, MOST_HEAD) or "", "\r?\n")
  if not (lines[1] or ""):find("^---%s*$") then
    return fields
  end
  for index = 2, #lines do
    if lines[index]:find("^---%s*$") then
      return fields
    end
    local key, value = lines[index]:match("^(%l+):%s*(.-)%s*$")
    if key then
      fields[key] = value:match("^(['\"])(.*)%1$") and value:sub(2, -2) or value
    end
  end
  return {}
end

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
    local fields = stem and head(vim.fs.joinpath(folder, file)) or {}
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
  for key, name in pairs(ACTIONS) do
    vim.keymap.set(
      { "n", "x", "o" },
      keymaps.prefix .. key,
      ("<Plug>(gpt-%s)"):format(name),
      { desc = "GPT: " .. name }
    )
  end
  for key, plug in pairs({ c = "chat", h = "history", m = "model", s = "stop" }) do
    vim.keymap.set({ "n", "x" }, keymaps.prefix .. key, ("<Plug>(gpt-%s)"):format(plug), { desc = "GPT: " .. plug })
  end
end

return M
