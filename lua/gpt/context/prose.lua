--- Splits markdown into its paragraphs, without code and comments: fenced code (§4.5 of CommonMark 0.31), indented code
--- (§4.4), code spans (§6.1) and HTML comments (§4.6, §6.6). `src/context/prose.rs` is the same for the program.
local M = {}

local fence = require("gpt.fence")

--- The columns of white space before a line's text: a tab goes on to the next multiple of four.
---@param line string
---@return integer
local function indent_of(line)
  local column = 0
  for sign in line:match("^[ \t]*"):gmatch(".") do
    column = sign == "\t" and column + 4 - column % 4 or column + 1
  end
  return column
end

--- Where the text of a list's item begins, if a line begins one.
---@param line string
---@param indent integer the line's own
---@return integer? column
local function item_of(line, indent)
  local marks, white, rest = line:match("^[ \t]*([-+*])([ \t]*)(.*)$")
  if not marks then
    marks, white, rest = line:match("^[ \t]*(%d+[.)])([ \t]*)(.*)$")
  end
  if not marks or #marks > 10 or (white == "" and rest ~= "") then
    return nil
  end
  local wide = white:find("\t", 1, true) ~= nil or #white > 4
  return indent + #marks + ((rest == "" or wide) and 1 or #white)
end

--- A paragraph without its code spans and comments. A space stands for a comment, a backtick for a span.
---@param text string
---@return string
local function without_spans(text)
  local kept, at = {}, 1
  while true do
    local from = text:find("[`<\\]", at)
    if not from then
      break
    end
    kept[#kept + 1] = text:sub(at, from - 1)
    local sign = text:sub(from, from)
    if sign == "\\" then
      kept[#kept + 1] = text:sub(from, from + 1)
      at = from + 2
    elseif sign == "`" then
      local ticks = #text:match("^`+", from)
      local close, close_end = text:find("`+", from + ticks)
      while close and close_end - close + 1 ~= ticks do
        close, close_end = text:find("`+", close_end + 1)
      end
      kept[#kept + 1] = "`"
      at = close and close_end + 1 or from + ticks
    else
      local _, close = text:find("-->", from + 2, true)
      local is_comment = close and text:sub(from, from + 3) == "<!--"
      kept[#kept + 1] = is_comment and " " or "<"
      at = is_comment and close + 1 or from + 1
    end
  end
  kept[#kept + 1] = text:sub(at)
  return table.concat(kept)
end

--- The text without the comments that begin lines: such a one may hold blank lines, and without an end it goes to the
--- text's. Only outside of code, so this is a part of the walk over the lines.
---@param line string
---@param is_open boolean whether the line begins in a comment
---@return string line, boolean is_open
local function without_comment(line, is_open)
  while true do
    local from = is_open and 1 or line:match("^ ? ? ?()<!%-%-")
    if not from then
      return line, false
    end
    local _, close = line:find("-->", is_open and 1 or from + 2, true)
    if not close then
      return "", true
    end
    line, is_open = line:sub(close + 1), false
  end
end

--- The paragraphs of a text. A line of a list's item, a heading, a blank line and code end one.
---@param text string
---@return string[]
function M.paragraphs(text)
  local found, current = {}, {}
  local open, is_comment = nil, false
  local items = {} ---@type integer[] where the texts of the open lists' items begin
  local function finish()
    found[#found + 1] = #current > 0 and without_spans(table.concat(current, "\n")) or nil
    current = {}
  end
  for _, line in ipairs(vim.split(text, "\n", { plain = true })) do
    local kind = "text"
    if not is_comment then
      kind, open = fence.next(open, line)
    end
    if kind == "text" then
      local was_comment = is_comment
      line, is_comment = without_comment(line, is_comment)
      local indent, is_blank = indent_of(line), not line:find("%S")
      local is_going_on = #current > 0
      if not is_blank and not is_going_on then
        while #items > 0 and indent < items[#items] do
          items[#items] = nil
        end
      end
      local base = items[#items] or 0
      local is_code = not is_blank and not is_going_on and not was_comment and indent >= base + 4
      local item = not is_code and not is_blank and indent < base + 4 and item_of(line, indent) or nil
      local is_heading = not is_code and line:find("^ ? ? ?#+[ \t]") ~= nil
      if is_blank or is_code or item or is_heading then
        finish()
      end
      if item then
        while #items > 0 and indent < items[#items] do
          items[#items] = nil
        end
        items[#items + 1] = item
      end
      if not is_blank and not is_code then
        current[#current + 1] = line
      end
      if is_heading then
        finish()
      end
    else
      finish()
    end
  end
  finish()
  return found
end

return M
