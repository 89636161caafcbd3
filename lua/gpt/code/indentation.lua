--- The indentation of code that goes into other code: that of its place, in the place's tabs or spaces.
local M = {}

---@class gpt.Surroundings of a place that code goes to
---@field base string the indentation there
---@field inline boolean whether the first line follows on other text, and so needs none
---@field alone boolean whether what is replaced is within one line: what is said of it knows of no indentation
---@field style? "tabs"|"spaces" what the code around is indented with; nil: nothing is
---@field step integer cells that one level has there
---@field tab integer cells that a tab has there

---@param line string
---@return string
local function indent_of(line)
  return line:match("^[ \t]*")
end

---@param line string
---@return boolean
local function is_blank(line)
  return not line:find("%S")
end

--- The white space that all lines begin with; blank ones say nothing.
---@param lines string[]
---@return string
function M.common(lines)
  local common
  for _, line in ipairs(lines) do
    local own = indent_of(line)
    if is_blank(line) then
      own = nil
    elseif not common then
      common = own
    end
    while own and own:sub(1, #common) ~= common do
      common = common:sub(1, -2)
    end
  end
  return common or ""
end

---@param white string
---@param tab integer
---@return integer cells
local function width(white, tab)
  local cells = 0
  for sign in white:gmatch(".") do
    cells = sign == "\t" and cells + tab - cells % tab or cells + 1
  end
  return cells
end

--- What most of these lines are indented with.
---@param lines string[]
---@return "tabs"|"spaces"|nil
function M.style(lines)
  local tabs, spaces = 0, 0
  for _, line in ipairs(lines) do
    tabs = tabs + (line:find("^ *\t") and 1 or 0)
    spaces = spaces + (line:find("^  ") and not line:find("^ *\t") and 1 or 0)
  end
  if tabs == spaces then
    return nil
  end
  return tabs > spaces and "tabs" or "spaces"
end

--- How many spaces one level of these lines has: the least that one line has more than another.
---@param lines string[]
---@return integer?
local function step_of(lines)
  local widths, least = { 0 }, nil
  for _, line in ipairs(lines) do
    widths[#widths + 1] = not is_blank(line) and #indent_of(line) or nil
  end
  table.sort(widths)
  for index = 2, #widths do
    local more = widths[index] - widths[index - 1]
    least = more > 1 and math.min(least or more, more) or least
  end
  return least
end

--- Indentation in tabs or spaces, as the code around has it.
---@param white string
---@param around gpt.Surroundings
---@param step? integer spaces that one level has here
---@return string
local function restyle(white, around, step)
  if around.style == "spaces" then
    return (white:gsub("\t", (" "):rep(around.step)))
  elseif around.style == "tabs" and step then
    local cells = width(white, step)
    return ("\t"):rep(math.floor(cells / step)) .. (" "):rep(cells % step)
  end
  return white
end

--- Takes away what all lines are indented by, and gives them the base instead.
---@param lines string[]
---@param base string
---@param around gpt.Surroundings
---@return string[]
local function rebase(lines, base, around)
  local own = #M.common(lines)
  local cut = vim.tbl_map(function(line)
    return is_blank(line) and line or line:sub(own + 1)
  end, lines)
  local step = step_of(cut)
  return vim.tbl_map(function(line)
    local white = indent_of(line)
    return is_blank(line) and line or base .. restyle(white, around, step) .. line:sub(#white + 1)
  end, cut)
end

--- Whether lines are indented less than the code around.
---@param lines string[]
---@param around gpt.Surroundings
---@return boolean
local function is_less(lines, around)
  local said = table.concat(lines):find("%S") ~= nil
  return said and width(M.common(lines), around.tab) < width(around.base, around.tab)
end

--- Whether lines are indented with the other white space.
---@param lines string[]
---@param around gpt.Surroundings
---@return boolean
local function is_other(lines, around)
  local style = M.style(lines)
  return style ~= nil and around.style ~= nil and style ~= around.style
end

--- Takes away what the first line is indented by, and as much of the others.
---@param lines string[]
---@return string[]
local function unindent(lines)
  if indent_of(lines[1]) == "" then
    return lines
  end
  local own = #M.common(lines)
  lines = vim.tbl_map(function(line)
    return is_blank(line) and line or line:sub(own + 1)
  end, lines)
  lines[1] = lines[1]:sub(#indent_of(lines[1]) + 1)
  return lines
end

--- Indents lines as their place is. What is indented as far as that already, or further, stays as it is.
---@param lines string[]
---@param around gpt.Surroundings
---@return string[]
function M.fit(lines, around)
  if not around.inline then
    local off = is_less(lines, around) or is_other(lines, around)
    return off and rebase(lines, around.base, around) or lines
  end
  lines = unindent(lines)
  local rest = vim.list_slice(lines, 2)
  if around.alone or is_less(rest, around) then
    -- Together with the first line, from which they are indented.
    rest = vim.list_slice(rebase(lines, around.base, around), 2)
  elseif is_other(rest, around) then
    rest = rebase(rest, around.base, around)
  end
  return vim.list_extend({ lines[1] }, rest)
end

return M
