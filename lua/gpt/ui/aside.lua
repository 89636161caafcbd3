--- Shows lines in a window of their own: over a chat that floats, else in a split.
local words = require("gpt.words")

local M = {}

--- Shows a buffer in a split; where there is no room for one, over everything.
---@param buf integer
local function show_in_split(buf)
  if pcall(vim.cmd, "botright sbuffer " .. buf) then
    return
  end
  local width, height = vim.o.columns, math.max(1, vim.o.lines - vim.o.cmdheight)
  local shape = { relative = "editor", row = 0, col = 0, width = width, height = height, zindex = 60, border = "none" }
  vim.api.nvim_open_win(buf, true, shape)
end

--- Shows lines in a window of their own: over a chat that floats, else in a split.
---@param lines string[]
---@param title string
---@return integer buf
function M.show_aside(lines, title)
  lines = vim.split((table.concat(lines, "\n"):gsub("%z", "?")), "\n")
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].bufhidden = "wipe"
  local from = vim.api.nvim_get_current_win()
  local float = vim.api.nvim_win_get_config(from)
  if float.relative ~= "" then
    -- A split would lie below the float of the chat: the lines take its place.
    float.zindex = 60
    if float.title then
      float.title, float.footer = (" %s "):format(title), (" q %s "):format(words("view.log.close"))
    end
    vim.api.nvim_open_win(buf, true, float) -- as large as the chat's: it has room
  else
    show_in_split(buf)
  end
  for _, name in ipairs({ "foldmethod", "foldenable", "winfixbuf" }) do
    vim.api.nvim_set_option_value(name, vim.api.nvim_get_option_info2(name, {}).default, { scope = "local" })
  end
  vim.api.nvim_set_option_value("linebreak", true, { scope = "local" })
  vim.bo[buf].modifiable = false
  vim.keymap.set("n", "q", function()
    if not pcall(vim.cmd.close) then
      vim.cmd.enew() -- the last window
    end
    pcall(vim.api.nvim_set_current_win, from)
  end, { buffer = buf, nowait = true, desc = "Close" })
  return buf
end

return M
