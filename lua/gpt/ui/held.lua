--- Holds back what is typed and pasted while the program is asked for a prompt: it may be a key, and goes into the prompt
--- that comes, and never into a buffer.
local client = require("gpt.client")

local M = {}

--- How long a prompt is waited for, and how long after the program has said something instead, in milliseconds.
local LIMIT, GRACE = 5000, 150

---@class gpt.Held
---@field go_on? fun(pasted: string) shows what the program has asked for
---@field told? number when the program has said something, in milliseconds
---@field pasted string

---@type gpt.Held?
local held

---@return number
local function now()
  return vim.uv.hrtime() / 1e6
end

--- Takes what shows a prompt, if one is waited for.
---@param go_on fun(pasted: string)
---@return boolean taken
function M.take(go_on)
  if held then
    held.go_on = go_on
  end
  return held ~= nil
end

--- The program says something, which may be why there is no prompt.
function M.note()
  if held then
    held.told = held.told or now()
  end
end

--- Waits for the prompt with all input held back: typed keys wait for it, pasted text is handed to it.
---@param wait gpt.Held
local function wait_for(wait)
  local paste = vim.paste
  vim.paste = function(lines)
    wait.pasted = wait.pasted .. table.concat(lines, "\n")
    return true
  end
  pcall(vim.wait, LIMIT, function()
    return wait.go_on ~= nil or not client.is_running() or wait.told ~= nil and now() - wait.told > GRACE
  end, 5)
  vim.paste = paste
end

--- Goes on with the prompt that the program asks for now; where it asks for none, what was typed is dropped.
function M.until_asked()
  local wait = { pasted = "" } ---@type gpt.Held
  held = wait
  wait_for(wait)
  held = nil
  if wait.go_on then
    return wait.go_on(wait.pasted)
  end
  for _ = 1, 10000 do
    local ok, key = pcall(vim.fn.getchar, 0)
    if not ok or key == 0 then
      return
    end
  end
end

return M
