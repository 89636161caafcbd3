--- Says how many lines something has, in the language of the user.
local words = require("gpt.words")

local M = {}

--- "12 lines".
---@param count integer
---@return string
function M.lines(count)
  return words(count == 1 and "view.lines_one" or "view.lines_many", { count = tostring(count) })
end

return M
