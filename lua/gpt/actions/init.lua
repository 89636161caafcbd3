--- Runs actions on code: takes what they are about at the keypress, and hands them to the program.
local M = {}

local api = vim.api

local context = require("gpt.context")
local library = require("gpt.library")
local notice = require("gpt.ui.notice")
local project = require("gpt.project")
local client = require("gpt.client")
local selection = require("gpt.code.selection")
local words = require("gpt.words")

--- How many actions are remembered until something comes of them.
local MOST_PENDING = 50
--- How much of a commit buffer is looked at, in lines and in bytes of each.
local MOST_COMMIT_LINES, LONGEST_COMMIT_LINE = 2000, 2000
local SEVERITIES = { "error", "warning", "info", "hint" }

---@class gpt.PendingAction what an action was asked with
---@field options gpt.ActionOptions
---@field selection? gpt.Selection
---@field buf integer the buffer that the code is of

---@type table<integer, gpt.PendingAction> by submission: an action is one from the keypress on
local pending = {}
---@type integer[] those of `pending`, oldest first
local order = {}

-- What they are about ------------------------------------------------------------------------------------------------

--- The buffer that an action is about: of a chat, the one that its user came from.
---@return integer
local function subject_buffer()
  if vim.bo.filetype ~= "gptchat" then
    return api.nvim_get_current_buf()
  end
  local win = vim.fn.win_getid(vim.fn.winnr("#"))
  local buf = win ~= 0 and api.nvim_win_get_buf(win) or -1
  return buf ~= -1 and vim.bo[buf].buftype == "" and buf or -1
end

--- What was said about lines of a buffer.
---@param buf integer
---@param taken? gpt.Selection
---@return table[]?
local function diagnostics(buf, taken)
  local found = {}
  for _, diagnostic in ipairs(taken and vim.diagnostic.get(buf) or {}) do
    local first, last = diagnostic.lnum + 1, (diagnostic.end_lnum or diagnostic.lnum) + 1
    if first <= taken.last and last >= taken.first then
      found[#found + 1] = {
        line = first,
        severity = SEVERITIES[diagnostic.severity],
        source = diagnostic.source,
        message = diagnostic.message,
      }
    end
  end
  table.sort(found, function(one, other)
    return one.line < other.line
  end)
  return #found > 0 and found or nil
end

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- Remembers what an action was asked with.
---@param action gpt.PendingAction
---@return integer ticket
local function remember(action)
  local submission = client.new_ticket()
  pending[submission], order[#order + 1] = action, submission
  if #order > MOST_PENDING then
    pending[table.remove(order, 1)] = nil
  end
  return submission
end

--- What stands in a commit buffer above its diff: it shows which commit is under way.
---@param buf integer
---@return string?
local function commit_text(buf)
  if not api.nvim_buf_is_valid(buf) or vim.bo[buf].filetype ~= "gitcommit" then
    return nil
  end
  local kept = {}
  for _, line in ipairs(api.nvim_buf_get_lines(buf, 0, MOST_COMMIT_LINES, false)) do
    if line:find("^. %-+ >8 %-+") then
      break
    end
    kept[#kept + 1] = line:sub(1, LONGEST_COMMIT_LINE)
  end
  return table.concat(kept, "\n")
end

--- Hands an action to the program.
---@param name string
---@param action gpt.PendingAction
---@param selected boolean whether the user has selected the code; else it is there in case that it is wanted
local function request(name, action, selected)
  local taken = action.selection
  local code = taken
    and {
      path = taken.path,
      filetype = taken.filetype,
      first = taken.first,
      last = taken.last,
      block = table.concat(selection.block(taken), "\n"),
      selected = selected,
    }
  client.notify({
    event = "action_requested",
    ticket = remember(action),
    name = name,
    words = action.options.words or "",
    code = code,
    diagnostics = diagnostics(action.buf, taken),
    project = project.root(),
    commit_text = commit_text(action.buf),
    disabled = context.disabled(),
  })
end

---@param name string
---@param options gpt.ActionOptions
---@return gpt.Selection?, string? refused
---@return boolean selected
local function take(name, options)
  local given = options.selection
  if type(given) == "table" then
    return given, --[[@as gpt.Selection]]
      nil,
      true
  elseif given == true or (given == nil and selection.is_visual()) then
    local taken, refused = (selection.is_visual() and selection.take_visual or selection.visual)()
    return taken, refused, true
  end
  local buf = subject_buffer()
  if given == false or name == "commit" or buf == -1 then
    return nil, nil, false
  end
  local taken, refused = selection.whole(buf)
  return taken, vim.list_contains(library.BUILT_IN, name) and refused or nil, false
end

--- Does something with code. Without a selection it is about the whole buffer, where it is about code at all.
---@param name string
---@param options gpt.ActionOptions
function M.run(name, options)
  if vim.fn.getcmdwintype() ~= "" then
    return refuse(words("view.command_window"))
  end
  local taken, refused, selected = take(name, options)
  if refused then
    return refuse(refused)
  end
  local buf = selected and api.nvim_get_current_buf() or subject_buffer()
  request(name, { options = options, selection = taken, buf = buf }, selected)
end

--- `:[range]GPT {action} [more words]`. What is no action is told to nobody: it may be a key, typed in the wrong place.
---@param args vim.api.keyset.create_user_command.command_args
---@return boolean known
function M.command(args)
  local name = args.fargs[1]
  if not library.knows(name) then
    return false
  end
  local taken, refused = selection.of_command(args)
  if refused then
    refuse(refused)
    return true
  end
  local more = vim.trim((args.args:gsub("^%s*%S+", "", 1)))
  M.run(name, { words = more, selection = taken, new = args.bang, mods = args.smods })
  return true
end

--- With the visual selection.
---@param name string
function M.take_visual(name)
  M.run(name, { selection = name ~= "commit" or false })
end

--- What |g@| is to do.
---@type string
local operated

--- An operator: the keys that a map of it comes to.
---@param name string
---@return string keys
function M.operator(name)
  if name == "commit" then
    vim.schedule(function()
      M.run(name, {})
    end)
    return ""
  end
  operated = name
  vim.o.operatorfunc = "v:lua.require'gpt.actions'.operate"
  return "g@"
end

--- An operator's map after the operator itself: the line, as with `dd`.
---@param name string
---@return string keys
function M.line(name)
  local is_ours = vim.v.operator == "g@" and vim.o.operatorfunc:find("gpt.actions", 1, true) and operated == name
  return is_ours and "_" or vim.keycode("<Esc>")
end

--- What a motion has gone over.
---@param kind "char"|"line"|"block"
function M.operate(kind)
  local taken, refused = selection.take_motion(kind)
  if refused then
    return refuse(refused)
  end
  if taken then
    M.run(operated, { selection = taken })
  end
end

--- What an action was asked with; it is forgotten once so many others were.
---@param ticket? integer
---@return gpt.PendingAction?
function M.pending(ticket)
  return ticket and pending[ticket]
end

--- Maps a key to an action, as an operator in normal mode; the user's own map stays.
---@param lhs string
---@param name string
---@param description string
function M.map(lhs, name, description)
  local desc = "GPT: " .. (description ~= "" and description or name)
  local existing = vim.fn.maparg(lhs, "n", false, true)
  if existing.desc and existing.desc ~= desc or (existing.lhs and not existing.desc) then
    return
  end
  vim.keymap.set("n", lhs, function()
    return M.operator(name)
  end, { expr = true, desc = desc })
  vim.keymap.set("o", lhs, function()
    return M.line(name)
  end, { expr = true, desc = desc })
  vim.keymap.set("x", lhs, function()
    M.take_visual(name)
  end, { desc = desc })
end

return M
