--- Finds the action that a chat's prompt names: `/explain more words` at its start, or right below the code that it begins
--- with, as the cases in `data/slash_cases.json` show. `src/actions/slash.rs` is the same for the program.
local M = {}

local fence = require("gpt.fence")

--- White space beyond ASCII, in UTF-8: Unicode's, among it the wide space of Chinese and Japanese.
local WIDE_SPACES =
  { "\194[\133\160]", "\225\154\128", "\226\128[\128-\138\168\169\175]", "\226\129\159", "\227\128\128" }

--- A line in which all white space is a space.
---@param line string
---@return string
local function plain(line)
  for _, space in ipairs(line:find("[\194\225-\227]") and WIDE_SPACES or {}) do
    line = line:gsub(space, " ")
  end
  return line
end

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
    local kind
    kind, open = fence.next(open, line)
    if kind == "closes" then
      heading = false
    elseif kind == "text" then
      line = plain(line)
      local name = not heading and named(line) or nil
      if name then
        return name
      elseif line:find("%S") then
        if heading then
          return nil
        end
        heading = true -- a line that says where the code below it comes from
      end
    end
  end
end

return M
