--- Finds fenced code in markdown, by CommonMark 0.31 §4.5, as the cases in `data/fences.json` show; `src/fence.rs` is the
--- same for the program.
local M = {}

---@class gpt.Fence
---@field first integer line of its opening, counted from 1
---@field last integer line of its end; the last line where it is not closed
---@field info string

--- What a line is to the fenced code of its text.
---@alias gpt.FenceLine "text"|"opens"|"code"|"closes"

--- The fence that a line begins with.
---@param line string
---@return integer? indent the spaces before it
---@return string? marks its backticks or tildes
---@return string? info what stands behind them
local function fence_of(line)
  local white, marks, info = line:match("^( *)(```+)([^`]*)$")
  if not white then
    white, marks, info = line:match("^( *)(~~~+)(.*)$")
  end
  if white then
    return #white, marks, (info:gsub("^[ \t\r]+", ""):gsub("[ \t\r]+$", ""))
  end
end

--- What the next line is.
---@param open? string the signs of the fence that is open before it, as this function gave them
---@param line string
---@param deepest? integer how many spaces may stand before a fence: 3, and more in a list
---@return gpt.FenceLine kind
---@return string? open the signs of the fence that is open behind it
---@return string? info of a line that opens code
---@return integer? indent of a line that opens or closes code
function M.next(open, line, deepest)
  if not line:find("^ *[`~]") then
    return open and "code" or "text", open
  end
  local indent, marks, info = fence_of(line)
  if not indent or indent > (deepest or 3) then
    return open and "code" or "text", open
  elseif not open then
    return "opens", marks, info, indent
  elseif info == "" and vim.startswith(marks, open) then
    return "closes", nil, nil, indent
  end
  return "code", open
end

--- What a line says that opens fenced code, or closes it.
---@param line string
---@return string? marks, string? info
function M.opening(line)
  local kind, marks, info = M.next(nil, line)
  if kind == "opens" then
    return marks, info
  end
end

--- The fenced blocks of a text.
---@param lines string[]
---@return gpt.Fence[]
function M.all(lines)
  local found, open = {}, nil
  for index, line in ipairs(lines) do
    local kind, info
    kind, open, info = M.next(open, line)
    if kind == "opens" then
      found[#found + 1] = { first = index, last = #lines, info = info }
    elseif kind == "closes" then
      found[#found].last = index
    end
  end
  return found
end

--- A fence of these signs that nothing in the lines can close, however it is indented.
---@param sign string
---@param lines string[]
---@return string
function M.around(sign, lines)
  local longest = 2
  for _, line in ipairs(lines) do
    local marks = line:match("^[ \t]*(" .. sign .. "+)")
    longest = math.max(longest, marks and #marks or 0)
  end
  return sign:rep(longest + 1)
end

return M
