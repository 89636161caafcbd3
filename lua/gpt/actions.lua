--- What can be done with code: the built-in actions, and the prompts of the user's library. The program has their texts;
--- this side knows their names, takes what they are about at the keypress, and does what comes of them.
local M = {}

---@class gpt.Action
---@field name string
---@field description string
---@field keymap? string
---@field context? string what has the context words that go along with it

local api = vim.api

local bounded = require("gpt.bounded")
local slash = require("gpt.slash")
local words = require("gpt.words")

--- The built-in ones, each a file in `src/actions/`.
M.BUILT_IN = { "explain", "fix", "refactor", "document", "tests", "problems", "commit" }
--- What lists say of them.
local DESCRIPTIONS = {
  explain = "view.action.explain",
  fix = "view.action.fix",
  refactor = "view.action.refactor",
  document = "view.action.document",
  tests = "view.action.tests",
  problems = "view.action.problems",
  commit = "view.action.commit",
}
--- How long completion waits for the program's list, in milliseconds.
local LIST_LIMIT = 300
--- How old the list may be that nobody waits for, in milliseconds.
local LIST_AGE = 2000
--- How much of a prompt's file is looked at for its key, in bytes; and how many entries of the folder.
local MOST_HEAD, MOST_ENTRIES = 4096, 500
--- How many actions are remembered until something comes of them.
local MOST_PENDING = 50
--- How much of a commit buffer is looked at, in lines and in bytes of each.
local MOST_COMMIT_LINES, LONGEST_COMMIT_LINE = 2000, 2000
local SEVERITIES = { "error", "warning", "info", "hint" }

---@type gpt.Action[] the library's, as the program last told
local library = {}
---@type string[] the names of those whose files are broken
local broken = {}
---@type string[] the names of the project's that nobody was asked about: they do nothing, and are only known by command
local unasked = {}
--- How often it has told, and when it was last asked.
local told, asked_at = 0, 0

---@class gpt.PendingAction what an action was asked with
---@field options gpt.ActionOptions
---@field selection? gpt.Selection
---@field buf integer the buffer that the code is of

local last_ticket = 0
---@type table<integer, gpt.PendingAction>
local pending = {}

-- Which there are ----------------------------------------------------------------------------------------------------

--- Asks the program which prompts there are by now.
---@return boolean asked
local function ask_for_prompts()
  asked_at = vim.uv.now()
  local event = { event = "prompts_wanted" }
  event.project = require("gpt.commands").project()
  return require("gpt.remote").notify(event)
end

--- The actions that are known now, without waiting for anybody: the built-in ones, then the library's. What has changed
--- there a later call tells.
---@return gpt.Action[]
function M.list()
  local remote = package.loaded["gpt.remote"]
  if remote and remote.is_running() and vim.uv.now() - asked_at > LIST_AGE then
    ask_for_prompts()
  end
  local list, seen = {}, {}
  for _, action in ipairs(library) do
    seen[action.name] = action
  end
  for _, name in ipairs(M.BUILT_IN) do
    list[#list + 1] = seen[name] or { name = name, description = words(DESCRIPTIONS[name]) }
    seen[name] = nil
  end
  for _, action in ipairs(library) do
    list[#list + 1] = seen[action.name]
  end
  return list
end

--- The same, with the library as it is now, if the program tells in time.
---@return gpt.Action[]
function M.fresh()
  local before = told
  if ask_for_prompts() then
    pcall(vim.wait, LIST_LIMIT, function()
      return told > before
    end, 5)
  end
  return M.list()
end

--- The texts with the context words of the library's prompt that a question names: `/review`, say.
---@param question string
---@return string
function M.context_of(question)
  local name = slash.named(question)
  if not name then
    return ""
  end
  for _, action in ipairs(told == 0 and M.fresh() or M.list()) do
    if action.name == name then
      return action.context or ""
    end
  end
  return ""
end

---@param lhs string
---@param name string
---@param description string
local function map(lhs, name, description)
  local desc = "GPT: " .. (description ~= "" and description or name)
  local existing = vim.fn.maparg(lhs, "n", false, true)
  if existing.desc and existing.desc ~= desc or (existing.lhs and not existing.desc) then
    return -- the user's own map stays
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

--- The head of a prompt's file, as far as keys need it. What is wrong with one the program says.
---@param path string
---@return table<string, string>
local function head(path)
  local fields = {}
  local lines = vim.split(bounded.beginning(path, MOST_HEAD) or "", "\r?\n")
  if not (lines[1] or ""):find("^---%s*$") then
    return fields
  end
  for index = 2, #lines do
    if lines[index]:find("^---%s*$") then
      return fields
    end
    local key, value = lines[index]:match("^(%l+):%s*(.-)%s*$")
    if key then
      fields[key] = value:match("^(['\"])(.*)%1$") and value:sub(2, -2) or value
    end
  end
  return {}
end

--- Maps the keys that the user's own prompts ask for. Those of a project come from the program, once they are allowed.
function M.map_library()
  -- Mistakes in the configuration are not told into the middle of a command line.
  if vim.fn.mode() == "c" then
    api.nvim_create_autocmd("CmdlineLeave", { once = true, callback = vim.schedule_wrap(M.map_library) })
    return
  end
  local folder = require("gpt.config").prompts_dir()
  local seen = 0
  for file, kind in vim.fs.dir(folder) do
    seen = seen + 1
    if seen > MOST_ENTRIES then
      break
    end
    local stem = kind ~= "directory" and file:match("^(.+)%.md$")
    local fields = stem and head(vim.fs.joinpath(folder, file)) or {}
    if (fields.keymap or "") ~= "" then
      map(fields.keymap, fields.name or stem, fields.description or "")
    end
  end
end

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
  require("gpt.view.notice").inform({ level = "warning", title = title, advice = "" })
end

--- Remembers what an action was asked with.
---@param action gpt.PendingAction
---@return integer ticket
local function remember(action)
  last_ticket = last_ticket + 1
  pending[last_ticket], pending[last_ticket - MOST_PENDING] = action, nil
  return last_ticket
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
      block = table.concat(require("gpt.selection").block(taken), "\n"),
      selected = selected,
    }
  require("gpt.remote").notify({
    event = "action_requested",
    ticket = remember(action),
    name = name,
    words = action.options.words or "",
    code = code,
    diagnostics = diagnostics(action.buf, taken),
    project = require("gpt.commands").project(),
    commit_text = commit_text(action.buf),
    disabled = require("gpt.context").disabled(),
  })
end

---@param name string
---@param options gpt.ActionOptions
---@return gpt.Selection?, string? refused
---@return boolean selected
local function take(name, options)
  local selection = require("gpt.selection")
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
  return taken, vim.list_contains(M.BUILT_IN, name) and refused or nil, false
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

---@param name string
---@param list gpt.Action[]
---@return boolean
local function is_among(name, list)
  return vim.iter(list):any(function(action)
    return action.name == name
  end)
end

--- `:[range]GPT {action} [more words]`. What is no action is told to nobody: it may be a key, typed in the wrong place.
---@param args vim.api.keyset.create_user_command.command_args
function M.command(args)
  local name = args.fargs[1]
  local is_known = is_among(name, M.list()) or is_among(name, M.fresh())
  if not is_known and not vim.list_contains(broken, name) and not vim.list_contains(unasked, name) then
    return require("gpt.commands").unknown(args)
  end
  local taken, refused = require("gpt.selection").of_command(args)
  if refused then
    return refuse(refused)
  end
  local more = vim.trim((args.args:gsub("^%s*%S+", "", 1)))
  local options = { words = more, selection = taken, new = args.bang, mods = args.smods }
  M.run(name, options)
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
  local taken, refused = require("gpt.selection").take_motion(kind)
  if refused then
    return refuse(refused)
  end
  if taken then
    M.run(operated, { selection = taken })
  end
end

-- What comes of them -------------------------------------------------------------------------------------------------

--- Whether a commit buffer has no message yet: above what git has written there (its lines begin with one sign, mostly
--- `#`) is nothing.
---@param buf integer
---@return boolean
local function awaits_message(buf)
  if not api.nvim_buf_is_valid(buf) or vim.bo[buf].filetype ~= "gitcommit" or not vim.bo[buf].modifiable then
    return false
  end
  local sign
  for _, line in ipairs(api.nvim_buf_get_lines(buf, 0, -1, false)) do
    if line:find("^. %-+ >8 %-+") then
      break
    end
    local first = line:match("%S")
    if first and (not first:find("[#;@!$%%^&|:]") or (sign and first ~= sign) or line:sub(1, 1) ~= first) then
      return false
    end
    sign = first or sign
  end
  return true
end

--- Asks for a commit message beside the chats that are shown: it goes into the commit buffer.
---@param chats table
---@param text string
local function ask_aside(chats, text)
  local chat = chats.new()
  chat.aside = true
  chat:come_next()
  chat:ask(text)
  local title = words("view.action.writing_commit")
  require("gpt.view.notice").inform({ level = "info", title = title, advice = "" })
end

---@type table<string, fun(data: table, action?: gpt.PendingAction)>
local acts = {
  prompts = function(data)
    library, broken, unasked, told = data.prompts or {}, data.broken or {}, data.unasked or {}, told + 1
    for _, prompt in ipairs(library) do
      if prompt.keymap then
        map(prompt.keymap, prompt.name, prompt.description)
      end
    end
  end,
  unknown = function()
    refuse(words("view.action.unknown"))
  end,
  drop = function() end,
  ask = function(data, action)
    local chats = require("gpt.view.chat")
    local options = action and action.options or {}
    if data.commit and action and awaits_message(action.buf) then
      return ask_aside(chats, data.text)
    end
    local current = chats.current()
    local new = options.new or (data.alone and current and (current.answer or current.in_flight)) or false
    local chat = chats.show({ new = new, layout = options.layout, mods = options.mods })
    local selection = action and action.selection
    local block = selection and table.concat(require("gpt.selection").block(selection), "\n")
    chat:ask(data.text, block and data.text:find(block, 1, true) and selection or nil)
  end,
  commit_message = function(data, action)
    if action and awaits_message(action.buf) and #(data.lines or {}) > 0 then
      api.nvim_buf_set_lines(action.buf, 0, 0, false, data.lines)
      local title = words("view.action.commit_written")
      return require("gpt.view.notice").inform({ level = "info", title = title, advice = "" })
    end
    local valid = action and api.nvim_buf_is_valid(action.buf)
    if valid and vim.bo[action.buf].filetype == "gitcommit" then
      refuse(words("view.action.commit_not_empty"))
    end
  end,
  problems = function(data, action)
    local items = vim.tbl_map(function(problem)
      local buf = not problem.file and action and api.nvim_buf_is_valid(action.buf) and action.buf or nil
      return { bufnr = buf, filename = problem.file, lnum = problem.line, type = problem.kind, text = problem.text }
    end, data.problems)
    vim.fn.setqflist({}, " ", { title = "GPT: problems", items = items })
  end,
}

--- Does what the program makes of an action.
---@param data { act: string, ticket?: integer }
function M.act(data)
  acts[data.act](data, data.ticket and pending[data.ticket])
end

return M
