--- Reads what the context words of a question stand for: what is the editor's is read here, by itself, and what is on the
--- disk by the program.
local M = {}

local editor = require("gpt.context.editor")
local grammar = require("gpt.context.grammar")

---@class gpt.ContextPiece
---@field name string
---@field path? string
---@field language? string
---@field text string

---@class gpt.WantedWord what the program is asked for
---@field word string
---@field from "file"|"program"|"editor"
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
    elseif grammar.reader(word.word) == "program" then
      return add({ from = "program" })
    end
    editor.read(word.word, function(pieces, problem)
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
