--- Completes what is typed into a question: `/actions`, models behind `/model`, context words, and the paths behind `#file:`.
local api = vim.api

local M = {}

local cells = require("gpt.cells")
local client = require("gpt.client")
local grammar = require("gpt.context.grammar")
local library = require("gpt.library")
local paths = require("gpt.context.path")
local typed_word = require("gpt.lsp.typed_word")
local words = require("gpt.words")

local Kind = { value = 12, keyword = 14, file = 17, folder = 19, event = 23 } -- of completion items
local FILE = "#file:"
--- How many paths are offered at a time.
local LIMIT = 100
--- The most cells of a name in a menu.
local WIDEST = 60

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
  local chat, row, col, line = typed_word.place(params)
  reply = while_typed(params, row, line:sub(1, col), reply)
  local heading = chat and typed_word.question_at(chat, row)
  local model = heading and typed_word.is_first(chat, heading, row) and typed_word.model_at(line, col)
  if model then
    return complete_model(line:sub(model.first + 1, col), typed_word.range(row, line, model.first, col), reply)
  end
  local word = chat and typed_word.at(chat, row, col)
  if not chat or not word or col == word.first then
    return reply({ isIncomplete = false, items = {} })
  end
  local typed, replaced = word.text:sub(1, col - word.first), typed_word.range(row, line, word.first, col)
  if vim.startswith(typed, FILE) then
    return complete_file(chat, typed, replaced, reply)
  end
  local offered, kind
  if vim.startswith(typed, "/") then
    kind = Kind.event
    offered = vim.tbl_map(function(action)
      return { text = "/" .. action.name, detail = action.description }
    end, library.list())
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

return M
