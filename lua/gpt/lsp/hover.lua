--- Tells what a word of a question would send, as a hover: an action's description, a file's size.
local api = vim.api

local M = {}

local bounded = require("gpt.bounded")
local came_from = require("gpt.code.came_from")
local file_name = require("gpt.code.file_name")
local grammar = require("gpt.context.grammar")
local library = require("gpt.library")
local paths = require("gpt.context.path")
local typed_word = require("gpt.lsp.typed_word")
local words = require("gpt.words")

local FILE = "#file:"
--- Larger files are not counted for a hover; they would not be sent either.
local LARGEST = 1000000

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
  local text = found.size <= LARGEST and bounded.beginning(full, LARGEST)
  if not text then
    return words("view.lsp.bytes", { name = path, size = size(found.size) })
  end
  return size_of(path, found.size, lines_in(text))
end

--- What is known of a buffer.
---@param buf integer
---@return string
local function of_buffer(buf)
  local name = file_name.of(buf)
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
    local buf = came_from.buffer()
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
    local action = vim.iter(library.list()):find(function(each)
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
function M.show(params, reply)
  local chat, row, col, line = typed_word.place(params)
  local word = chat and typed_word.at(chat, row, col)
  local told = chat and word and told_of(chat, word.text)
  if not told or not word then
    return reply(nil)
  end
  -- Plain text, since a path may hold what markdown takes for its own.
  local value = table.concat(told, "\n")
  reply({ contents = { kind = "plaintext", value = value }, range = typed_word.range(row, line, word.first, word.last) })
end

return M
