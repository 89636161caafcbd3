--- Finds context words in a text: `#buffer`, `#file:path` and the like stand for text of the editor or of the project.
local M = {}

local fence = require("gpt.fence")
local path_words = require("gpt.context.path")
local words = require("gpt.words")

--- What each word stands for, in the order in which they are offered.
---@type { word: string, what: string }[] `what`: an entry of data/messages.json
local WORDS = {
  { word = "#selection", what = "view.context.selection" },
  { word = "#buffer", what = "view.context.buffer" },
  { word = "#buffers", what = "view.context.buffers" },
  { word = "#file:", what = "view.context.file" },
  { word = "#diagnostics", what = "view.context.diagnostics" },
  { word = "#diff", what = "view.context.diff" },
  { word = "#staged", what = "view.context.staged" },
  { word = "#quickfix", what = "view.context.quickfix" },
  { word = "#symbols", what = "view.context.symbols" },
  { word = "#tree", what = "view.context.tree" },
  { word = "#clipboard", what = "view.context.clipboard" },
}

---@type table<string, true> without `#file:`
local PLAIN = {}
for _, known in ipairs(WORDS) do
  PLAIN[known.word] = known.word ~= "#file:" or nil
end

--- The words, and what each stands for in the user's language. `#file:` is followed by a path.
---@return { word: string, what: string }[]
function M.words()
  return vim.tbl_map(function(known)
    return { word = known.word, what = words(known.what) }
  end, WORDS)
end

-- In a text ------------------------------------------------------------------------------------------------------------

---@class gpt.ContextWord
---@field word string as it was written: `#file:"a b.txt"`
---@field path? string of a `#file:`

--- A path as it stands in running text: without the signs that end a sentence or a bracket behind it.
---@param path string
---@return string
local function without_signs(path)
  for _, sign in ipairs(path_words.CJK_SIGNS) do
    local at = path:find(sign, 1, true)
    path = at and path:sub(1, at - 1) or path
  end
  local function count(sign)
    return #vim.split(path, sign, { plain = true })
  end
  local brackets = { [")"] = "(", ["]"] = "[", ["}"] = "{" }
  while true do
    local last = path:sub(-1)
    local is_closed = brackets[last] and count(last) <= count(brackets[last])
    if is_closed or not last:find("[%.,;:!%?'\"%)%]}>]") then
      return path
    end
    path = path:sub(1, -2)
  end
end

--- The context word that begins at a place.
---@param text string
---@param at integer
---@return gpt.ContextWord?
function M.word_at(text, at)
  local quoted = text:match('^#file:"([^"\n]+)"', at)
  if quoted then
    return { word = ('#file:"%s"'):format(quoted), path = quoted }
  end
  local path = without_signs(text:match('^#file:([^%s"]+)', at) or "")
  if path ~= "" then
    return { word = "#file:" .. path, path = path }
  end
  local word, stop = text:match("^(#%l+)()", at)
  if word and PLAIN[word] and not text:find("^[%w_/]", stop) and not text:find("^%-%w", stop) then
    return { word = word }
  end
end

--- A text without its code spans, by CommonMark 0.31 §6.1.
---@param text string
---@return string
local function without_code(text)
  local kept, at = {}, 1
  while true do
    local from, to = text:find("`+", at)
    if from and text:sub(from - 1, from - 1) == "\\" then
      from = from + 1 -- the first one is a plain character
    end
    if not from then
      break
    end
    kept[#kept + 1] = text:sub(at, math.min(from, to + 1) - 1)
    local close, close_end = text:find("`+", to + 1)
    while close and close_end - close ~= to - from do
      close, close_end = text:find("`+", close_end + 1)
    end
    kept[#kept + 1] = "`"
    at = (from <= to and close) and close_end + 1 or to + 1
  end
  kept[#kept + 1] = text:sub(at)
  return table.concat(kept)
end

--- The text between code blocks, one for each paragraph.
---@param text string
---@return string[]
local function paragraphs(text)
  local lines, found, current = vim.split(text, "\n", { plain = true }), {}, {}
  local fences = fence.all(lines)
  local index, next_fence = 1, 1
  while index <= #lines + 1 do
    local open = fences[next_fence]
    local is_fenced = open and open.first == index
    if is_fenced or (lines[index] or ""):find("^%s*$") then
      found[#found + 1] = #current > 0 and table.concat(current, "\n") or nil
      current = {}
    else
      current[#current + 1] = lines[index]
    end
    index = is_fenced and open.last + 1 or index + 1
    next_fence = is_fenced and next_fence + 1 or next_fence
  end
  return found
end

--- The context words of a text, each once, in their order. In code there are none, and a backslash before one, or a
--- letter, makes it plain text.
---@param text string
---@return gpt.ContextWord[]
function M.find(text)
  local found, seen = {}, {}
  if not text:find("#", 1, true) then
    return found
  end
  for _, paragraph in ipairs(paragraphs(text)) do
    paragraph = without_code(paragraph)
    for at in paragraph:gmatch("()#") do
      local word = not paragraph:sub(at - 1, at - 1):find("[%w_\\#/&=%?%-]") and M.word_at(paragraph, at) or nil
      if word and not seen[word.word] then
        seen[word.word] = true
        found[#found + 1] = word
      end
    end
  end
  return found
end

return M
