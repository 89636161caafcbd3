--- Finds fenced code in markdown, by CommonMark 0.31 §4.5.
local M = {}

---@class gpt.Fence
---@field first integer line of its opening, counted from 1
---@field last integer line of its end; the last line where it is not closed
---@field info string

--- What a line says that opens or closes fenced code.
---@param line string
---@return string? marks, string? info
function M.opening(line)
  local marks, info = line:match("^ ? ? ?(```+)([^`]*)$")
  if not marks then
    marks, info = line:match("^ ? ? ?(~~~+)(.*)$")
  end
  return marks, info
end

--- The fenced blocks of a text.
---@param lines string[]
---@return gpt.Fence[]
function M.all(lines)
  local found, open, open_marks = {}, nil, nil
  for index, line in ipairs(lines) do
    local first = line:match("^ ? ? ?([`~])")
    local marks, info = nil, nil
    if first then
      marks, info = M.opening(line)
    end
    if open and marks then
      if marks:sub(1, 1) == open_marks:sub(1, 1) and #marks >= #open_marks and not info:find("%S") then
        open.last = index
        open = nil
      end
    elseif marks then
      open, open_marks = { first = index, last = #lines, info = vim.trim(info) }, marks
      found[#found + 1] = open
    end
  end
  return found
end

--- A fence of these signs that nothing in the lines can close.
---@param sign string
---@param lines string[]
---@return string
function M.around(sign, lines)
  local longest = 2
  for _, line in ipairs(lines) do
    local marks = line:match("^%s*(" .. sign .. "+)")
    longest = math.max(longest, marks and #marks or 0)
  end
  return sign:rep(longest + 1)
end

return M
