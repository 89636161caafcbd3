--- What the language server knows of a chat: what can be typed into a question, and what it would send.
local api = vim.api

local M = {}

local cells = require("gpt.cells")
local chats = require("gpt.chat.chats")
local grammar = require("gpt.context.grammar")
local headings = require("gpt.chat.headings")
local library = require("gpt.library")
local paths = require("gpt.context.path")
local client = require("gpt.client")
local words = require("gpt.words")

local Kind = { value = 12, keyword = 14, file = 17, folder = 19, event = 23 } -- of completion items
local FILE = "#file:"
--- How many paths are offered at a time.
local LIMIT = 100
--- The most cells of a name in a menu.
local WIDEST = 60
--- Larger files are not counted for a hover; they would not be sent either.
local LARGEST = 1000000

---@class gpt.Word a word in a line, as typed
---@field text string
---@field first integer its first byte, counted from 0
---@field last integer the byte after it

--- What `/…` can be.
---@return { name: string, description: string }[]
function M.actions()
  return library.list()
end

--- What is typed of a model's name behind `/model`.
---@param line string
---@param col integer in bytes
---@return gpt.Word?
local function model_at(line, col)
  local first, last = line:match("^/model%s+()%S*()")
  if first and col >= first - 1 and col <= last - 1 then
    return { text = line:sub(first, last - 1), first = first - 1, last = last - 1 }
  end
end

--- Whether a word may begin after this text: not in the middle of another (`C#`, `page/#part`).
---@param before string
---@return boolean
local function may_begin_after(before)
  return not before:find("[%w_\\#/&=%?%-]$")
end

--- Where a `#…` ends, as typed: a quotation mark lets a path have spaces.
---@param line string
---@param first integer
---@return integer last
local function end_of(line, first)
  local quoted = line:match('^#file:"[^"]*"?()', first)
  return (quoted or line:match("^#%S*()", first)) - 1
end

--- The words `#…` of a line.
---@param line string
---@return gpt.Word[]
local function words_of(line)
  local found, from = {}, 1
  while true do
    local first = line:find("#", from, true)
    if not first then
      return found
    end
    if may_begin_after(line:sub(1, first - 1)) then
      local last = end_of(line, first)
      found[#found + 1] = { text = line:sub(first, last), first = first - 1, last = last }
      from = last + 1
    else
      from = first + 1
    end
  end
end

--- Whether a line is the first one of a question that has text.
---@param chat gpt.Chat
---@param heading integer the row of the question's heading
---@param row integer
---@return boolean
local function is_first(chat, heading, row)
  for _, line in ipairs(api.nvim_buf_get_lines(chat.buf, heading + 1, row, false)) do
    if line:find("%S") then
      return false
    end
  end
  return true
end

--- The heading of the question that a row is in; nil in an answer, where nothing is anything but text.
---@param chat gpt.Chat
---@param row integer
---@return integer?
local function question_at(chat, row)
  local above
  for _, heading in ipairs(headings.all(chat)) do
    above = heading.row < row and heading or above
  end
  return above and above.entry.role == "user" and above.row or nil
end

--- The word that a place is in or behind.
---@param chat gpt.Chat
---@param row integer counted from 0
---@param col integer in bytes
---@return gpt.Word?
local function word_at(chat, row, col)
  local heading = question_at(chat, row)
  local line = heading and api.nvim_buf_get_lines(chat.buf, row, row + 1, false)[1]
  if not heading or not line then
    return nil
  end
  local action = line:match("^/%S*")
  if action and col <= #action and is_first(chat, heading, row) then
    return { text = action, first = 0, last = #action }
  end
  return vim.iter(words_of(line)):find(function(word)
    return word.first <= col and col <= word.last
  end)
end

--- Whether the cursor is behind a word of ours, for which there may be something to choose.
---@param buf integer
---@return boolean
function M.is_behind_word(buf)
  local chat = chats.of_buffer(buf)
  local row, col = api.nvim_win_get_cursor(0)[1] - 1, api.nvim_win_get_cursor(0)[2]
  local heading = chat and question_at(chat, row)
  if not chat or not heading then
    return false
  end
  local line = api.nvim_get_current_line()
  local word = word_at(chat, row, col) or is_first(chat, heading, row) and model_at(line, col)
  return word ~= nil and word ~= false and col == word.last
end

---@param params { textDocument: { uri: string }, position: { line: integer, character: integer } }
---@return gpt.Chat? chat
---@return integer row
---@return integer col in bytes
---@return string line
local function place(params)
  local buf = vim.uri_to_bufnr(params.textDocument.uri)
  local row = params.position.line
  local line = api.nvim_buf_is_loaded(buf) and api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
  local col = vim.fn.byteidxcomp(line, params.position.character, true)
  return chats.of_buffer(buf), row, col < 0 and #line or col, line
end

---@param row integer
---@param line string
---@param first integer in bytes
---@param last integer
---@return table
local function range(row, line, first, last)
  local function position(col)
    return { line = row, character = vim.fn.utf16idx(line, col, true) }
  end
  return { start = position(first), ["end"] = position(last) }
end

-- Completion -----------------------------------------------------------------------------------------------------------

--- Items that replace what is typed of a word.
---@param offered { text: string, label?: string, detail?: string, command?: table }[] the best first
---@param kind integer
---@param replaced table
---@param typed? string what they fit, where the program has seen to that
---@return table[]
local function items(offered, kind, replaced, typed)
  local list = {}
  for number, each in ipairs(offered) do
    list[number] = {
      label = each.label or each.text,
      kind = kind,
      detail = each.detail,
      sortText = ("%04d"):format(number),
      filterText = typed or each.text,
      insertTextFormat = 1,
      textEdit = { range = replaced, newText = each.text },
      command = each.command,
    }
  end
  return list
end

--- The paths of a project that are open, as the program writes them.
---@param root string
---@return string[]?
local function open_paths(root)
  local prefix, found = vim.fs.normalize(root, { expand_env = false }) .. "/", {}
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local name = vim.bo[buf].buflisted
      and vim.bo[buf].buftype == ""
      and vim.fs.normalize(api.nvim_buf_get_name(buf), { expand_env = false })
    if name and vim.startswith(name, prefix) then
      found[#found + 1] = name:sub(#prefix + 1)
    end
  end
  return #found > 0 and found or nil
end

--- Paths in the project, from the program. The list is never whole: each letter asks for a new one.
---@param chat gpt.Chat
---@param typed string `#file:` and what follows
---@param replaced table
---@param reply fun(list: table)
local function complete_file(chat, typed, replaced, reply)
  local path = typed:sub(#FILE + 1)
  path = path:sub(1, 1) == '"' and path:gsub('"', "") or paths.decoded(path)
  local asked = { root = chat.project, typed = path, open = open_paths(chat.project), limit = LIMIT }
  client.question("files", asked, function(found)
    local offered = vim.tbl_map(function(each)
      return { text = paths.word(each), label = each }
    end, found and found.paths or {})
    reply({ isIncomplete = true, items = items(offered, Kind.file, replaced, typed) })
  end)
end

--- Puts a space behind `/model` where the cursor is: Neovim's menu takes no word with one.
function M.part_model()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  if vim.fn.mode() == "i" and api.nvim_get_current_line() == "/model" and col == #"/model" then
    api.nvim_buf_set_text(0, row - 1, col, row - 1, col, { " " })
    api.nvim_win_set_cursor(0, { row, col + 1 })
  end
end

--- The models that can be chosen, from the program. Providers' lists come after the first question: each letter asks anew.
---@param typed string
---@param replaced table
---@param reply fun(list: table)
local function complete_model(typed, replaced, reply)
  client.question("models", vim.empty_dict(), function(names)
    names = names or {}
    local offered = vim.tbl_map(function(name)
      return { text = name, label = cells.cut(name, WIDEST) }
    end, typed ~= "" and vim.fn.matchfuzzy(names, typed) or names)
    reply({ isIncomplete = true, items = items(offered, Kind.value, replaced, typed ~= "" and typed or nil) })
  end)
end

--- Answers nothing where what was typed has gone meanwhile: it was sent, say.
---@param params table
---@param row integer
---@param typed string
---@param reply fun(result: table?)
---@return fun(result: table?)
local function while_typed(params, row, typed, reply)
  return function(result)
    local buf = vim.uri_to_bufnr(params.textDocument.uri)
    local line = api.nvim_buf_is_loaded(buf) and api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
    reply(vim.startswith(line, typed) and result or { isIncomplete = false, items = {} })
  end
end

---@param params table
---@param reply fun(result: table?)
function M.complete(params, reply)
  local chat, row, col, line = place(params)
  reply = while_typed(params, row, line:sub(1, col), reply)
  local heading = chat and question_at(chat, row)
  local model = heading and is_first(chat, heading, row) and model_at(line, col)
  if model then
    return complete_model(line:sub(model.first + 1, col), range(row, line, model.first, col), reply)
  end
  local word = chat and word_at(chat, row, col)
  if not chat or not word or col == word.first then
    return reply({ isIncomplete = false, items = {} })
  end
  local typed, replaced = word.text:sub(1, col - word.first), range(row, line, word.first, col)
  if vim.startswith(typed, FILE) then
    return complete_file(chat, typed, replaced, reply)
  end
  local offered, kind
  if vim.startswith(typed, "/") then
    kind = Kind.event
    offered = vim.tbl_map(function(action)
      return { text = "/" .. action.name, detail = action.description }
    end, M.actions())
    local more = { title = "", command = "gpt.complete" }
    offered[#offered + 1] = { text = "/model", detail = words("view.lsp.model"), command = more }
  else
    kind = Kind.keyword
    offered = vim.tbl_map(function(known)
      local more = known.word == FILE and { title = "", command = "gpt.complete" } or nil
      return { text = known.word, detail = known.what, command = more }
    end, grammar.words())
  end
  reply({ isIncomplete = false, items = items(offered, kind, replaced) })
end

-- Hover ----------------------------------------------------------------------------------------------------------------

--- A size in bytes, for readers.
---@param bytes integer
---@return string
local function size(bytes)
  if bytes < 1000 then
    return ("%d B"):format(bytes)
  end
  return bytes < 1e6 and ("%.1f kB"):format(bytes / 1e3) or ("%.1f MB"):format(bytes / 1e6)
end

--- How many lines a text has, counted as Neovim does.
---@param text string
---@return integer
local function lines_in(text)
  local _, breaks = text:gsub("\n", "")
  return (text == "" or text:sub(-1) == "\n") and breaks or breaks + 1
end

---@param name string
---@param bytes integer
---@param lines integer
---@return string
local function size_of(name, bytes, lines)
  if lines == 1 then
    return words("view.lsp.line", { name = name, size = size(bytes) })
  end
  return words("view.lsp.lines", { name = name, size = size(bytes), lines = lines })
end

--- What is known of a file of the project.
---@param root string
---@param path string
---@return string
local function of_file(root, path)
  local decoded = paths.decoded(path)
  path = vim.uv.fs_stat(vim.fs.joinpath(root, decoded)) and decoded or path
  local full = vim.fs.joinpath(root, path)
  local found = vim.uv.fs_stat(full)
  if not found and path:find("[*?%[{]") then
    return words("view.lsp.glob")
  end
  if not found or found.type ~= "file" then
    return words("view.lsp.no_file", { path = path })
  end
  local text = found.size <= LARGEST and require("gpt.bounded").beginning(full, LARGEST)
  if not text then
    return words("view.lsp.bytes", { name = path, size = size(found.size) })
  end
  return size_of(path, found.size, lines_in(text))
end

--- What is known of a buffer.
---@param buf integer
---@return string
local function of_buffer(buf)
  local name = require("gpt.code.file_name").of(buf)
  if vim.b[buf].gpt_disable then
    return ("%s: %s"):format(name, words("view.never_sent"))
  end
  local bytes = api.nvim_buf_get_offset(buf, api.nvim_buf_line_count(buf))
  return size_of(name, math.max(bytes, 0), api.nvim_buf_line_count(buf))
end

--- The loaded buffers with files in them, the one used last first.
---@return integer[]
local function file_buffers()
  local infos = vim.tbl_filter(function(info)
    return vim.bo[info.bufnr].buftype == "" and info.name ~= ""
  end, vim.fn.getbufinfo({ buflisted = 1, bufloaded = 1 }))
  table.sort(infos, function(one, other)
    return one.lastused > other.lastused
  end)
  return vim.tbl_map(function(info)
    return info.bufnr
  end, infos)
end

--- What a word would send, as far as it can be told at once.
---@type table<string, fun(chat: gpt.Chat, path: string): string?>
local FACTS = {
  [FILE] = function(chat, path)
    return path ~= "" and of_file(chat.project, path) or nil
  end,
  ["#buffer"] = function()
    local buf = require("gpt.code.came_from").buffer()
    return buf and of_buffer(buf)
  end,
  ["#buffers"] = function()
    return table.concat(vim.tbl_map(of_buffer, file_buffers()), "\n")
  end,
}

--- A word without the signs that end the sentence behind it.
---@param text string
---@return string word
---@return string? path of a `#file:`
local function without_sentence(text)
  local found = grammar.word_at(text, 1)
  if found then
    return found.word, found.path
  end
  local word = text:gsub("[%.,;!%?'\")%]}>]+$", "")
  return word, word:match("^#file:(.*)$")
end

--- The lines that tell of a word.
---@param chat gpt.Chat
---@param text string
---@return string[]?
local function told_of(chat, text)
  if vim.startswith(text, "/") then
    local action = vim.iter(M.actions()):find(function(each)
      return each.name == text:sub(2)
    end)
    return action and { text, action.description }
  end
  local word, path = without_sentence(text)
  local known = vim.iter(grammar.words()):find(function(each)
    return each.word == (path and FILE or word)
  end)
  local facts = known and FACTS[known.word]
  return known and { word, known.what, facts and facts(chat, path or "") }
end

---@param params table
---@param reply fun(result: table?)
function M.hover(params, reply)
  local chat, row, col, line = place(params)
  local word = chat and word_at(chat, row, col)
  local told = chat and word and told_of(chat, word.text)
  if not told or not word then
    return reply(nil)
  end
  -- Plain text, since a path may hold what markdown takes for its own.
  local value = table.concat(told, "\n")
  reply({ contents = { kind = "plaintext", value = value }, range = range(row, line, word.first, word.last) })
end

return M
