--- Offers the actions as code actions in a code buffer, and runs them.
local api = vim.api

local M = {}

local actions = require("gpt.actions")
local library = require("gpt.library")
local words = require("gpt.words")

--- They fit everywhere; `vim.lsp.buf.code_action({ context = { only = { "quickfix" } } })` does not ask for them.
local KIND = "gpt"
--- A plugin that shows a lamp wherever there are code actions asks so: there are always some.
local AUTOMATIC = 2

---@class gpt.CodeAction what an action is to be done with
---@field name string
---@field uri string
---@field first integer first line, counted from 1
---@field last integer
---@field selected boolean whether the user selected these lines

--- Whether a kind of code actions is wanted.
---@param context { only?: string[], triggerKind?: integer }
---@param kind string
---@return boolean
local function is_wanted(context, kind)
  if context.triggerKind == AUTOMATIC then
    return false
  end
  return not context.only
    or vim.iter(context.only):any(function(only)
      return only == "" or only == kind or vim.startswith(kind, only .. ".")
    end)
end

--- The diagnostics of some lines. What the client says of them is not asked: from 0.11 on it tells a server only of its
--- own.
---@param buf integer
---@param first integer counted from 0
---@param last integer
---@return vim.Diagnostic[]
local function diagnostics(buf, first, last)
  return vim.tbl_filter(function(diagnostic)
    return diagnostic.lnum <= last and (diagnostic.end_lnum or diagnostic.lnum) >= first
  end, vim.diagnostic.get(buf))
end

---@param title string
---@param kind string
---@param about gpt.CodeAction
---@return table
local function code_action(title, kind, about)
  title = "GPT: " .. title
  return { title = title, kind = kind, command = { title = title, command = "gpt.action", arguments = { about } } }
end

--- The action that mends the diagnostics of these lines.
---@param about gpt.CodeAction without its name
---@param found vim.Diagnostic[]
---@return table
local function fix(about, found)
  local title = #found == 1 and words("view.lsp.fix") or words("view.lsp.fix_all", { count = #found })
  if not about.selected then
    for _, diagnostic in ipairs(found) do
      about.first = math.min(about.first, diagnostic.lnum + 1)
      about.last = math.max(about.last, (diagnostic.end_lnum or diagnostic.lnum) + 1)
    end
  end
  about.name = "fix"
  return code_action(title, KIND .. ".fix", about)
end

--- The lines of a range, counted from 1. One that ends before a line's first character does not take that line.
---@param range table
---@return integer first
---@return integer last
local function lines_of(range)
  local first, last = range.start.line, range["end"].line
  if last > first and range["end"].character == 0 then
    last = last - 1
  end
  return first + 1, last + 1
end

---@param params table
---@param reply fun(result: table[])
function M.actions(params, reply)
  local buf = vim.uri_to_bufnr(params.textDocument.uri)
  if not api.nvim_buf_is_loaded(buf) or vim.b[buf].gpt_disable then
    return reply({})
  end
  local first, last = lines_of(params.range)
  local about = {
    uri = params.textDocument.uri,
    first = first,
    last = last,
    selected = not vim.deep_equal(params.range.start, params.range["end"]),
  }
  local list = {}
  local found = diagnostics(buf, first - 1, last - 1)
  if #found > 0 then
    list[1] = fix(vim.deepcopy(about), found)
  end
  for _, action in ipairs(library.list()) do
    local mine = vim.tbl_extend("error", about, { name = action.name })
    local is_there = action.name == "fix" and #found > 0
    -- What is staged is no code of this buffer's, unless it is its message that is being written.
    local is_elsewhere = action.name == "commit" and vim.bo[buf].filetype ~= "gitcommit"
    if not is_there and not is_elsewhere then
      list[#list + 1] = code_action(
        action.description ~= "" and action.description or action.name,
        ("%s.%s"):format(KIND, action.name),
        mine
      )
    end
  end
  reply(vim.tbl_filter(function(action)
    return is_wanted(params.context or {}, action.kind)
  end, list))
end

--- Shows the buffer that an action is about, if another one is shown.
---@param buf integer
---@return boolean shown
local function enter(buf)
  if api.nvim_get_current_buf() ~= buf then
    local win = vim.fn.win_findbuf(buf)[1]
    if not win then
      return false
    end
    api.nvim_set_current_win(win)
  end
  return true
end

--- How many lines above and below a diagnostic go along where it stands in no function, and how long a function may be
--- that goes along as a whole.
local AROUND, LONGEST = 10, 200

--- The lines that a diagnostic is to be understood by: those of the function around it, else the nearest ones.
---@param buf integer
---@param first integer counted from 1
---@param last integer
---@return integer first
---@return integer last
local function around(buf, first, last)
  local trees = require("gpt.gate").trees(buf)
  local node = trees[1] and trees[1]:root():named_descendant_for_range(first - 1, 0, last - 1, 0)
  while node do
    local from, _, to, to_col = node:range()
    local kind = node:type()
    local is_function = (kind:find("function") or kind:find("method")) and not kind:find("call")
    to = to_col == 0 and to - 1 or to
    if is_function and from < first and to + 1 >= last and to - from < LONGEST then
      return from + 1, to + 1
    end
    node = node:parent()
  end
  return math.max(1, first - AROUND), math.min(api.nvim_buf_line_count(buf), last + AROUND)
end

--- Does what was chosen.
---@param about gpt.CodeAction
function M.run(about)
  local buf = vim.uri_to_bufnr(about.uri)
  if not enter(buf) then
    return
  end
  local first, last = about.first, about.last
  if about.name == "fix" and not about.selected then
    first, last = around(buf, first, last)
  elseif not about.selected then
    return actions.run(about.name, {})
  end
  local taken, refused = require("gpt.code.selection").lines(buf, first, last)
  if not taken then
    return require("gpt.ui.notice").inform({ level = "warning", title = refused, advice = "" })
  end
  actions.run(about.name, { selection = taken })
end

return M
