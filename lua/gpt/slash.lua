--- `/explain more words` in a chat's prompt: finds the action that it names. By the same rules as the program
--- (src/actions/slash.rs; a test plays both): at the prompt's start, or right below the code that it begins with. A path
--- in pasted code names none.
local M = {}

--- The name that a line begins with.
---@param line string
---@return string?
local function named(line)
  local name = line:match("^/(%S+)")
  -- Letters of other scripts are bytes from 128 on.
  return name and name:find("^[%w_\128-\255-]+$") and name or nil
end

--- The name of the action that a prompt names, if it does; whether there is one of that name is not known here.
---@param prompt string
---@return string?
function M.named(prompt)
  local open, heading = nil, false
  for line in vim.gsplit(prompt, "\n", { plain = true }) do
    local bare = vim.trim(line)
    if open then
      if vim.startswith(bare, open) and not bare:find("[^`]") then
        open, heading = nil, false
      end
    elseif vim.startswith(bare, "```") then
      open = bare:match("^`+")
    elseif not heading and named(line) then
      return named(line)
    elseif bare ~= "" then
      if heading then
        return nil
      end
      heading = true -- a line that says where the code below it comes from
    end
  end
end

return M
