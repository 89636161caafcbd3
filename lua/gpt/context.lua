--- Context words: `#buffer`, `#file:path` and the like in a prompt stand for text of the editor or of the project. When
--- the prompt is sent they become that text. Found here; read by the editor what is the editor's, and by the program what
--- is on the disk.
local M = {}

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

--- The words that the program resolves by itself.
local ON_DISK = { ["#diff"] = "diff", ["#staged"] = "staged", ["#tree"] = "tree" }

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
  for _, sign in ipairs(require("gpt.context.path").CJK_SIGNS) do
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
  local fences = require("gpt.context.blocks").fences(lines)
  local index, fence = 1, 1
  while index <= #lines + 1 do
    local open = fences[fence]
    local is_fenced = open and open.first == index
    if is_fenced or (lines[index] or ""):find("^%s*$") then
      found[#found + 1] = #current > 0 and table.concat(current, "\n") or nil
      current = {}
    else
      current[#current + 1] = lines[index]
    end
    index = is_fenced and open.last + 1 or index + 1
    fence = is_fenced and fence + 1 or fence
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

-- What they stand for --------------------------------------------------------------------------------------------------

---@class gpt.ContextPiece
---@field name string
---@field path? string
---@field language? string
---@field text string

---@class gpt.WantedWord what the program is asked for
---@field word string
---@field from "file"|"diff"|"staged"|"tree"|"editor"
---@field path? string
---@field pieces? gpt.ContextPiece[] what the editor has read

--- Reads what the editor knows of some words, one after the other.
---@param found gpt.ContextWord[]
---@param done fun(wanted?: gpt.WantedWord[], problem?: gpt.Notice) called at once, unless a language server is asked
function M.read(found, done)
  local wanted = {}
  local function go_on(index)
    local word = found[index]
    if not word then
      return done(wanted)
    end
    local function add(fields)
      wanted[index] = vim.tbl_extend("error", { word = word.word }, fields)
      go_on(index + 1)
    end
    if word.path then
      return add({ from = "file", path = word.path })
    elseif ON_DISK[word.word] then
      return add({ from = ON_DISK[word.word] })
    end
    require("gpt.context.editor").read(word.word, function(pieces, problem)
      if not pieces then
        return done(nil, problem)
      end
      add({ from = "editor", pieces = pieces })
    end)
  end
  go_on(1)
end

--- The encodings that the program reads by itself.
local READ = { [""] = true, ["utf-8"] = true, latin1 = true }

--- The texts of files whose encoding only the editor knows: they are open.
---@param wanted gpt.WantedWord[]
---@return [string, string][]? texts by path; nil if there is none, as below
function M.open(wanted)
  local texts, room = {}, 2 * 1000000
  local names_files = vim.iter(wanted):any(function(word)
    return word.from == "file"
  end)
  for _, buf in ipairs(names_files and vim.api.nvim_list_bufs() or {}) do
    local name = vim.api.nvim_buf_get_name(buf)
    local is_file = name ~= "" and vim.bo[buf].buftype == "" and vim.api.nvim_buf_is_loaded(buf)
    if is_file and not READ[vim.bo[buf].fileencoding] and not vim.b[buf].gpt_disable then
      room = room - math.max(vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf)), 0)
      if room < 0 then
        break
      end
      local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
      texts[#texts + 1] = { vim.fs.normalize(name), table.concat(lines, "\n") .. "\n" }
    end
  end
  return #texts > 0 and texts or nil
end

--- The files that are open in buffers whose text is never sent.
---@return string[]? paths nil if there is none, since msgpack cannot tell an empty list from an empty map
function M.disabled()
  local paths = {}
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buf)
    if vim.b[buf].gpt_disable and name ~= "" and vim.bo[buf].buftype == "" then
      paths[#paths + 1] = vim.fs.normalize(name, { expand_env = false })
    end
  end
  return #paths > 0 and paths or nil
end

return M
