--- Blocks of context in a question: fenced code whose info string names the context word that it stands for, behind its
--- language, and where there are several, what it is: "```rust #file:src/*.rs src/a.rs". Found by that alone, so that a
--- chat that was kept, copied or written by hand has them too.
local M = {}

local fence = require("gpt.fence")
local grammar = require("gpt.context.grammar")

---@class gpt.ContextTitle
---@field word string
---@field name string which of the word's texts it is; may be empty

--- What the info string of a block of context says.
---@param info string
---@return gpt.ContextTitle?
function M.title(info)
  local rest = info:match("^[^%s#]%S*%s+(#.*)$")
  local word = rest and grammar.word_at(rest, 1)
  if word then
    return { word = word.word, name = vim.trim(rest:sub(#word.word + 1)) }
  end
end

--- What the line that a block begins with says, if it is one of context.
---@param line string
---@return gpt.ContextTitle?
function M.title_of_line(line)
  local _, info = fence.opening(line)
  return info and M.title(vim.trim(info))
end

---@class gpt.ShownBlock
---@field word string
---@field name string
---@field language? string
---@field lines string[]

---@param block gpt.ShownBlock
---@return string
local function language_of(block)
  if block.language and block.language ~= "" then
    return block.language
  end
  local path = block.name ~= "" and block.name or block.word:gsub("^#file:", ""):gsub('"', "")
  local ok, filetype = pcall(vim.filetype.match, { filename = path })
  return ok and filetype or "text"
end

--- The lines of a block.
---@param block gpt.ShownBlock
---@return string[]
function M.lines(block)
  local name = block.name ~= "" and " " .. block.name:gsub("%c", "?") or ""
  local info = ("%s %s%s"):format(language_of(block):gsub("[%s`]", ""), block.word, name)
  local marks = fence.around(info:find("`", 1, true) and "~" or "`", block.lines)
  local lines = { marks .. info }
  vim.list_extend(lines, block.lines)
  lines[#lines + 1] = marks
  return lines
end

--- Lines without the blocks of these words, and without the blank lines that they leave.
---@param lines string[]
---@param words table<string, true>
---@return string[]
local function without(lines, words)
  local kept, index = {}, 1
  for _, block in ipairs(fence.all(lines)) do
    local title = M.title(block.info)
    if title and words[title.word] then
      vim.list_extend(kept, lines, index, block.first - 1)
      while kept[#kept] == "" do
        kept[#kept] = nil
      end
      index = block.last + 1
    end
  end
  return vim.list_extend(kept, lines, index, #lines)
end

--- A question with these blocks at its end, in the place of older ones of the same words.
---@param lines string[]
---@param blocks gpt.ShownBlock[]
---@return string[]
function M.put(lines, blocks)
  local words = {}
  for _, block in ipairs(blocks) do
    words[block.word] = true
  end
  local whole = without(lines, words)
  while #whole > 0 and whole[#whole]:find("^%s*$") do
    whole[#whole] = nil
  end
  for _, block in ipairs(blocks) do
    whole[#whole + 1] = ""
    vim.list_extend(whole, M.lines(block))
  end
  return whole
end

--- How many tokens a text has, roughly: the program's own estimate (src/chat/budget.rs), before it is calibrated.
---@param text string
---@return integer
function M.tokens(text)
  local _, other = text:gsub("[\128-\255]", "")
  return math.ceil((#text - other) / 4) + math.ceil(other / 3)
end

return M
