--- Finds context words in a text, as the cases in `data/context_word_cases.json` show: `#buffer`, `#file:path` and the like
--- stand for text of the editor or of the project. `src/context/grammar.rs` is the same for the program.
local M = {}

local locale = require("gpt.locale")
local path_words = require("gpt.context.path")
local prose = require("gpt.context.prose")
local tables = require("gpt.tables")

local FILE = "#file:"

---@type table<string, "editor"|"file"|"program"> who reads what a word stands for
local READERS = {}
for _, known in ipairs(tables.context_words) do
  READERS[known.word] = known.from
end

--- The words, and what each stands for in the user's language, in the order in which they are offered. `#file:` is
--- followed by a path.
---@return { word: string, what: string }[]
function M.words()
  return vim.tbl_map(function(known)
    return { word = known.word, what = known.what[locale.get()] }
  end, tables.context_words)
end

--- Who reads what a word stands for.
---@param word string
---@return "editor"|"file"|"program"?
function M.reader(word)
  return READERS[word]
end

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
    return { word = FILE .. path, path = path }
  end
  local word, stop = text:match("^(#%l+)()", at)
  if word and READERS[word] and not text:find("^[%w_/]", stop) and not text:find("^%-%w", stop) then
    return { word = word }
  end
end

--- The context words of a text, each once, in their order. In code and in comments there are none, and a backslash before
--- one, or a letter, makes it plain text.
---@param text string
---@return gpt.ContextWord[]
function M.find(text)
  local found, seen = {}, {}
  if not text:find("#", 1, true) then
    return found
  end
  for _, paragraph in ipairs(prose.paragraphs(text)) do
    for at in paragraph:gmatch("()#") do
      local is_begun = paragraph:sub(at - 1, at - 1):find(path_words.NOT_BEFORE) ~= nil
      local word = not is_begun and M.word_at(paragraph, at) or nil
      if word and not seen[word.word] then
        seen[word.word] = true
        found[#found + 1] = word
      end
    end
  end
  return found
end

return M
