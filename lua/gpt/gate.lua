--- Bounds what is handed to a tree-sitter parser: its depth, its marks, its bytes, and the time that it may take.
---
--- Neovim's markdown parser crashes where some 250 blocks are open in one another (quotes and list items: its scanner
--- keeps four bytes for each in a buffer of 1024, and does not look where that ends), and takes seconds for one line of
--- dense markup; parsers of other languages take as long for a line of brackets. So whatever of ours has text parsed has
--- it parsed here. What is beyond the bounds is plain text.
local M = {}

local fences = require("gpt.fence")

--- The bounds. Of what weighs as much as may be parsed at once, the worst that was found takes 30 ms.
M.MOST = {
  --- Blocks that may be open in one another. Less than half of what crashes; nobody reads so deep.
  depth = 120,
  --- Bytes of a line.
  line = 8000,
  --- Lines, weight and bytes at once.
  lines = 80,
  weight = 1500,
  bytes = 40000,
  --- Bytes of a buffer that is parsed as a whole.
  buffer = 1000000,
  --- Milliseconds for parsing, and for looking for highlights in what is parsed.
  time = 60,
}

--- What an emphasis mark weighs beside a bracket: the cost grows with the cube of their number.
local EMPHASIS = 12
--- Shorter lines are within all bounds.
local SHORT = 60
--- What may stand before and between the marks that open blocks: white space, control characters (the parser takes a
--- carriage return for a line's end), a byte order mark. And the marks themselves.
local BETWEEN = "[%s%c%z\239\187\191>*+%-%d.)]"

--- How many blocks can be open at most where this text stands: what it opens, and what its indentation goes on with, two
--- columns for each.
---@param text string
---@return integer
local function depth_of(text)
  local before = text:match("^" .. BETWEEN .. "*")
  if #before < M.MOST.depth / 2 then
    return 0 -- a tab goes on with two
  end
  local _, quotes = before:gsub(">", "")
  local _, items = (before .. " "):gsub("[-*+.)]%f[%s%c%z]", "")
  local _, tabs = before:gsub("\t", "")
  local _, blanks = before:gsub("[ %c%z]", "")
  return quotes + items > 0 and quotes + items + 2 * tabs + math.floor(blanks / 2) or 0
end

--- How many blocks can be open in one another in a line.
---@param line string
---@return integer
function M.depth(line)
  if #line < SHORT then
    return 0
  end
  local depth = 0
  for part in line:gmatch("[^\r]+") do
    depth = math.max(depth, depth_of(part))
  end
  return depth
end

---@param text string
---@param pattern string
---@return integer
local function count(text, pattern)
  local _, found = text:gsub(pattern, "")
  return found
end

--- What markdown costs: the runs of marks for emphasis, but for those within words, and other marks.
---@param line string
---@return integer
local function prose(line)
  local runs = count(line, "%f[*~][*~]+") + count(line, "%f[%w_]_+") + count(line, "[^%s%p]_+%f[^%w_]")
  return EMPHASIS * runs + count(line, "[%[%]!<>()$&\\`|\"':{}]")
end

--- What code costs: its tokens.
---@param line string
---@return integer
local function code(line)
  return count(line, "%f[%w_][%w_]+") + count(line, "[%p\128-\255]")
end

--- What a line weighs.
---@param line string
---@param lang? string of the code that it stands in
---@return integer
function M.weight(line, lang)
  if not lang then
    return 1 + prose(line)
  end
  return 1 + math.max(code(line), lang:find("m") and lang:find("d") and prose(line) or 0)
end

--- Whether a line is beyond what may be parsed, whatever stands around it.
---@param line string
---@param lang? string
---@return boolean
function M.is_beyond(line, lang)
  if #line < SHORT then
    return false
  end
  return #line > M.MOST.line or M.depth(line) > M.MOST.depth or M.weight(line, lang) > M.MOST.weight
end

--- A line that opens code, as far as a parser needs it.
---@param line string
---@return string
function M.fence(line)
  local marks, info = fences.opening(line)
  if #line < SHORT or not marks then
    return vim.trim(line)
  end
  return marks:sub(1, SHORT) .. (info:match("^%s*([%w_+#.-]*)") or ""):sub(1, SHORT)
end

---@param info string
---@return string
local function language(info)
  return (info:match("^%s*([%w_+#-]*)") or ""):lower()
end

--- Walks over lines, and says of each in what code it stands.
---@param lines string[]
---@param fence? string the code fence that is open before them
---@param visit fun(index: integer, line: string, lang?: string, is_fence: boolean): boolean? true: go no further
local function walk(lines, fence, visit)
  local open, info = fences.opening(fence or "")
  local lang = open and language(info) or nil
  for index, line in ipairs(lines) do
    local kind
    kind, open, info = fences.next(open, line)
    if visit(index, line, lang, kind == "opens" or kind == "closes") then
      return
    end
    if kind == "opens" then
      lang = language(info)
    elseif kind == "closes" then
      lang = nil
    end
  end
end

--- How many lines may be parsed at once; at least one.
---@param lines string[]
---@param fence? string the code fence that is open before them
---@return integer
function M.fit(lines, fence)
  local fitting, weight, bytes = 0, 0, 0
  walk(lines, fence, function(index, line, lang)
    if not M.is_beyond(line, lang) then
      weight, bytes = weight + M.weight(line, lang), bytes + #line + 1
    end
    if index > 1 and (weight > M.MOST.weight or bytes > M.MOST.bytes or index > M.MOST.lines) then
      return true
    end
    fitting = index
  end)
  return fitting
end

--- Lines as they may be parsed: those that are beyond are empty.
---@param lines string[]
---@param fence? string the code fence that is open before them
---@return string[]
function M.tame(lines, fence)
  local tame = {}
  walk(lines, fence, function(index, line, lang, is_fence)
    local text = M.is_beyond(line, lang) and (is_fence and M.fence(line) or "") or line
    -- A line break in a line is Neovim's sign for NUL.
    tame[index] = text:find("[%z\n\r\239]") and text:gsub("[%z\n\r]", " "):gsub("\239\187\191", "   ") or text
  end)
  return tame
end

--- Lines that begin a text of their own, whose marks those of the line before have nothing to do with.
local OWN = { "^%s*[-*+#|]", "^%s*%d+[.)]" }

--- Whether text is beyond what may be parsed as a whole, as plugins parse a buffer.
---@param lines string[]
---@param first? integer where it is looked at, counted from 1; what is before tells only what code is open there
---@return boolean
function M.is_too_dense(lines, first)
  local weight, beyond = 0, false
  walk(lines, nil, function(index, line, lang, is_fence)
    if lang or is_fence or not line:find("%S") or line:find(OWN[1]) or line:find(OWN[2]) then
      weight = 0
    end
    if not lang and not is_fence and (not first or index >= first) then
      weight = weight + prose(line)
    end
    beyond = beyond or (not first or index >= first) and (weight > M.MOST.weight or M.is_beyond(line, lang))
    return beyond
  end)
  return beyond
end

-- Parsing --------------------------------------------------------------------------------------------------------------

local is_new, is_newest = vim.fn.has("nvim-0.11") == 1, vim.fn.has("nvim-0.12") == 1

--- Parses within the time; the older Neovims' parsers have a limit of their own, the newer ones' yield.
---@param parser vim.treesitter.LanguageTree
---@return boolean
local function parse(parser)
  if is_new and parser._parse then
    local limit = is_newest and M.MOST.time * 1e6 or M.MOST.time
    local _, finished = coroutine.wrap(parser._parse)(parser, true, { timeout = limit })
    return finished == true
  end
  local function limit(tree)
    if tree._parser and tree._parser.set_timeout then
      tree._parser:set_timeout(M.MOST.time * 1000)
    end
  end
  limit(parser)
  parser:register_cbs({ on_child_added = limit }, true)
  parser:parse(true)
  return true
end

--- How often it is tried where time has gone by that others had: the limits are the clock's, not the processor's.
local TRIES = 3

--- Parses lines of markdown and the code in them, which `fit` has found to be few enough.
---@param lines string[]
---@param fence? string the code fence that is open before them
---@return vim.treesitter.LanguageTree? parsed nil if that would take too long
---@return string text
function M.parse(lines, fence)
  local text = table.concat(M.tame(lines, fence), "\n") .. "\n"
  text = fence and M.fence(fence) .. "\n" .. text or text
  local begun = os.clock()
  for _ = 1, TRIES do
    local ok, parser = pcall(vim.treesitter.get_string_parser, text, "markdown")
    local finished, whole = pcall(parse, ok and parser)
    if ok and finished and whole then
      return parser, text
    elseif os.clock() - begun > M.MOST.time / 2000 then
      break
    end
  end
  return nil, text
end

--- The trees of a buffer's own language. None where there is no parser, or the text is beyond what may be parsed.
---@param buf integer
---@return TSTree[]
function M.trees(buf)
  local size = vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf))
  if size > M.MOST.buffer or not M.may_be_parsed(vim.api.nvim_buf_get_lines(buf, 0, -1, false)) then
    return {}
  end
  local ok, parser = pcall(vim.treesitter.get_parser, buf)
  local parsed, trees = pcall(function()
    return parser:parse()
  end)
  return ok and parsed and trees or {}
end

--- Whether lines of code may be parsed as a whole.
---@param lines string[]
---@return boolean
function M.may_be_parsed(lines)
  return not vim.iter(lines):any(function(line)
    return M.is_beyond(line, "")
  end)
end

--- Lets Neovim highlight a buffer as a whole, if its text may be parsed.
---@param buf integer
---@param lang string
---@return boolean
function M.start(buf, lang)
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local size = vim.api.nvim_buf_get_offset(buf, #lines)
  return size <= M.MOST.buffer and M.may_be_parsed(lines) and pcall(vim.treesitter.start, buf, lang)
end

return M
