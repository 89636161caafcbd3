--- The selection: taken at the keypress, exactly as the user sees it, never asked for later.
local M = {}

---@class gpt.Selection
---@field path string relative to the project; "" for a buffer without a name
---@field filetype string
---@field first integer first line, counted from 1
---@field last integer last line
---@field lines string[]
---@field origin? gpt.Origin where it came from

local columns = require("gpt.code.columns")
local fence = require("gpt.fence")
local neutral = require("gpt.code.neutral")
local file_name = require("gpt.code.file_name")
local origin = require("gpt.code.anchor")
local words = require("gpt.words")

---@param buf integer
---@param first integer
---@param last integer
---@param lines string[]
---@param yank? gpt.Yanked where it begins and ends, if these are not whole lines
---@return gpt.Selection?, string? refused
local function selection(buf, first, last, lines, yank)
  if vim.b[buf].gpt_disable then
    return nil, words("view.never_sent")
  end
  local name = vim.api.nvim_buf_get_name(buf)
  local path = name == "" and "" or neutral.of(buf) or file_name.of_path(name)
  buf = buf == 0 and vim.api.nvim_get_current_buf() or buf
  return {
    path = path,
    filetype = vim.bo[buf].filetype,
    first = first,
    last = last,
    lines = lines,
    origin = origin.of(buf, yank or { kind = "V", first = first, col = 0, lines = lines }, path),
  }
end

--- So much is put into a prompt without asking, in bytes: more than that makes the editor slow, and costs.
local ASKED_FROM = 1000000

--- How many bytes some lines have, with their ends.
---@param buf integer
---@param first integer counted from 1
---@param last integer
---@return integer
local function bytes_of(buf, first, last)
  if not vim.api.nvim_buf_is_loaded(buf) then
    return 0
  end
  local count = vim.api.nvim_buf_line_count(buf)
  last, first = math.min(last, count), math.max(math.min(first, count + 1), 1)
  return math.max(vim.api.nvim_buf_get_offset(buf, last) - vim.api.nvim_buf_get_offset(buf, first - 1), 0)
end

--- Asks about a selection that is larger than 1 MB, before it is read.
---@param bytes integer
---@return string? refused
local function ask_about(bytes)
  if bytes <= ASKED_FROM then
    return nil
  end
  local size = ("%.1f"):format(math.ceil(bytes / 1e5) / 10)
  local choices = words("view.large.no") .. "\n" .. words("view.large.yes")
  local ok, choice = pcall(vim.fn.confirm, words("view.large.question", { size = size }), choices, 1, "Question")
  vim.cmd.redraw()
  return not (ok and choice == 2) and words("view.large.left", { size = size }) or nil
end

--- How many bytes the visual selection has: the one being made, else the last one. Of a block at most.
---@return integer
local function bytes_of_visual()
  local selecting = vim.fn.mode():match("^[vV\22]") ~= nil
  local kind = selecting and vim.fn.mode() or vim.fn.visualmode()
  local from = selecting and vim.fn.getpos("v") or vim.fn.getpos("'<")
  local to = selecting and vim.fn.getpos(".") or vim.fn.getpos("'>")
  if from[2] > to[2] or (from[2] == to[2] and from[3] > to[3]) then
    from, to = to, from
  end
  if from[2] == 0 then
    return 0
  end
  local lines = bytes_of(0, from[2], to[2])
  if kind == "v" then
    local behind = bytes_of(0, to[2], to[2]) - math.min(to[3], bytes_of(0, to[2], to[2]))
    return math.max(lines - (from[3] - 1) - behind, 0)
  elseif kind == "\22" and vim.fn.winsaveview().curswant ~= vim.v.maxcol then
    return math.min(lines, (to[2] - from[2] + 1) * (math.abs(to[3] - from[3]) + 1) * 4)
  end
  return lines
end
M.bytes_of_visual = bytes_of_visual

--- Whether the user is selecting now.
---@return boolean
function M.is_visual()
  return vim.fn.mode():match("^[vV\22]") ~= nil
end

--- The register that a selection is yanked into for a moment.
local REGISTER = "z"

--- What the unnamed register stands for; nil where that is the clipboard's affair, whose program would have to be asked.
---@return string?
local function unnamed_register()
  if vim.o.clipboard:find("unnamed", 1, true) then
    return nil
  end
  return vim.fn.getreginfo('"').points_to
end

--- Runs `run` with an empty register, and leaves registers and the marks of the last yank as they were.
---@param run fun()
local function with_register(run)
  local kept, unnamed = vim.fn.getreginfo(REGISTER), unnamed_register()
  local from, to = vim.fn.getpos("'["), vim.fn.getpos("']")
  vim.fn.setreg(REGISTER, {})
  run()
  vim.fn.setreg(REGISTER, kept)
  if unnamed then
    vim.fn.setreg('"', { points_to = unnamed })
  end
  vim.fn.setpos("'[", from)
  vim.fn.setpos("']", to)
end

---@class gpt.Yanked
---@field kind string "v", "V" or CTRL-V
---@field first integer first line, counted from 1
---@field col integer where it begins there, counted from 0
---@field lines string[]
---@field pieces? gpt.ColumnPiece[] of a block: what it has of each line, unless it cuts a character in two

--- Where a block that is being made begins; nil if it is none.
---@param selecting boolean whether it is being made; else it was made last, and `gv` has brought it back
---@return integer? left column on the screen
---@return boolean open whether it goes to the end of each line (`$`)
local function edge_of_block(selecting)
  -- In insert mode, where a question can be sent, mode() does not tell of `gv`.
  local kind = selecting and vim.fn.mode() or vim.fn.visualmode()
  if kind ~= "\22" then
    return nil, false
  end
  local edges = vim.tbl_map(function(mark)
    local at = vim.fn.getpos(mark)
    return vim.fn.virtcol({ at[2], at[3], at[4] }, 1)[1]
  end, selecting and { "v", "." } or { "'<", "'>" })
  return math.min(edges[1], edges[2]), vim.fn.winsaveview().curswant == vim.v.maxcol
end

--- Takes out the spaces that stand for lines which end before such a block.
---@param lines string[]
---@param left integer
---@param first integer
---@return string[]
local function without_padding(lines, left, first)
  for index, line in ipairs(lines) do
    if line:find("^ +$") and vim.fn.virtcol({ first + index - 1, "$" }) <= left then
      lines[index] = ""
    end
  end
  return lines
end

--- What was just yanked.
---@param left? integer where a block begins
---@param open boolean whether it goes to the end of each line
---@return gpt.Yanked?
local function in_register(left, open)
  local kind, lines = vim.fn.getregtype(REGISTER):sub(1, 1), vim.fn.getreg(REGISTER, 1, true) --[[@as string[] ]]
  if kind == "" or #lines == 0 then
    return nil
  end
  if kind == "v" and #lines > 1 and lines[#lines] == "" then
    lines[#lines] = nil -- a line break at the end, which the block has of itself
  end
  local from = vim.fn.getpos("'[")
  lines = left and open and without_padding(lines, left, from[2]) or lines
  -- Vim script writes a NUL as a line feed.
  lines = vim.tbl_map(function(line)
    return (line:gsub("\n", "\0"))
  end, lines)
  local pieces = left and columns.pieces(from[2], left, lines) or nil
  return { kind = kind, first = from[2], col = from[3] - 1, lines = lines, pieces = pieces }
end

--- What Neovim itself yanks of the visual selection. Only so is every case exact: getregion() is not where 'selection'
--- is "old", where 'virtualedit' cuts a character in two, or behind `$` in a block; and in some it ends the editor.
---@param padded? boolean whether lines that end before a block to the end of each line keep the spaces that stand for them
---@return gpt.Yanked?
local function yanked(padded)
  local taken
  local selecting, view = M.is_visual(), vim.fn.winsaveview()
  with_register(function()
    if not selecting then
      vim.cmd("noautocmd silent! normal! gv")
    end
    local left, open = edge_of_block(selecting)
    vim.cmd(('noautocmd silent! normal! "%sy'):format(REGISTER))
    taken = in_register(left, open and not padded)
    if selecting then
      vim.cmd("noautocmd silent! normal! gv")
    end
  end)
  vim.fn.winrestview(view)
  return taken
end

--- The visual selection: the one being made, else the last one; nil if there never was one.
---@return gpt.Selection?, string? refused
function M.visual()
  local refused = not vim.b.gpt_disable and ask_about(bytes_of_visual()) or nil
  if refused then
    return nil, refused
  end
  local taken = yanked()
  if taken then
    return selection(0, taken.first, taken.first + #taken.lines - 1, taken.lines, taken)
  end
end

--- The visual selection that is being made; visual mode ends.
---@return gpt.Selection?, string? refused
function M.take_visual()
  local taken, refused = M.visual()
  vim.api.nvim_feedkeys(vim.keycode("<Esc>"), "nx", false)
  return taken, refused
end

--- What a motion goes over that was forced to be blockwise (`<C-v>` before it). Neovim selects that for the operator, so it
--- is the last selection; but for one that is seen 'selection' and 'virtualedit' can say other things.
---@return gpt.Yanked?
local function yanked_by_motion()
  local here = { scope = "local" }
  local selection_kept, virtual_kept = vim.o.selection, vim.api.nvim_get_option_value("virtualedit", here)
  if selection_kept == "old" then
    vim.o.selection = "inclusive"
  end
  if not vim.wo.virtualedit:find("all") then
    vim.api.nvim_set_option_value("virtualedit", "NONE", here)
  end
  local ok, taken = pcall(yanked, true)
  vim.o.selection = selection_kept
  vim.api.nvim_set_option_value("virtualedit", virtual_kept, here)
  return ok and taken or nil
end

--- What a motion goes over: to be called by 'operatorfunc'. Nothing where it has not moved. Its end is part of it,
--- whatever 'selection' says.
---@param kind "char"|"line"|"block"
---@return gpt.Selection?, string? refused
function M.take_motion(kind)
  if kind == "block" then
    local taken = yanked_by_motion()
    return taken and selection(0, taken.first, taken.first + #taken.lines - 1, taken.lines, taken)
  end
  local from, to = vim.fn.getpos("'["), vim.fn.getpos("']")
  if to[2] < from[2] or (kind == "char" and to[2] == from[2] and to[3] < from[3]) then
    return nil
  end
  local refused = not vim.b.gpt_disable and ask_about(bytes_of(0, from[2], to[2])) or nil
  if refused then
    return nil, refused
  end
  local type = ({ char = "v", line = "V" })[kind]
  local lines = vim.tbl_map(function(line)
    return (line:gsub("\n", "\0"))
  end, vim.fn.getregion(from, to, { type = type, exclusive = false }))
  if kind == "char" and #lines > 1 and lines[#lines] == "" then
    lines[#lines] = nil -- as of a selection
  end
  local yank = { kind = type, first = from[2], col = from[3] - 1, lines = lines }
  return selection(0, from[2], from[2] + #lines - 1, lines, yank)
end

--- Some lines of a buffer.
---@param buf integer
---@param first integer counted from 1
---@param last integer
---@return gpt.Selection?, string? refused
function M.lines(buf, first, last)
  local refused = not vim.b[buf].gpt_disable and ask_about(bytes_of(buf, first, last)) or nil
  if refused then
    return nil, refused
  end
  return selection(buf, first, last, vim.api.nvim_buf_get_lines(buf, first - 1, last, false))
end

--- A whole buffer; nothing if there is no text in it.
---@param buf integer
---@return gpt.Selection?, string? refused
function M.whole(buf)
  local refused = not vim.b[buf].gpt_disable and ask_about(bytes_of(buf, 1, vim.api.nvim_buf_line_count(buf))) or nil
  if refused then
    return nil, refused
  end
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  if table.concat(lines):find("%S") then
    return selection(buf, 1, #lines, lines)
  end
end

--- The number in the history of the last command that was looked at.
local seen = 0

--- The command as it was typed; nil if it came from a mapping or a program.
---@return string?
local function typed_command()
  local number = vim.fn.histnr("cmd")
  if number == seen then
    return nil
  end
  seen = number
  return vim.fn.histget("cmd", -1)
end

--- Whether a command's range stands for the visual selection. The range itself says only lines, so what was typed
--- decides; of a command from a mapping, that its lines are those of the selection.
---@param args table
---@param typed? string
---@return boolean
local function is_selection(args, typed)
  local from, to = vim.fn.getpos("'<")[2], vim.fn.getpos("'>")[2]
  if args.range ~= 2 or args.line1 ~= from or args.line2 ~= to then
    return false
  end
  local range = typed and typed:match("^%s*:*%s*(.-)%s*GPT")
  if typed and range and typed:find(args.args, 1, true) then
    return range:find("'<", 1, true) ~= nil or range:find("*", 1, true) ~= nil
  end
  return true
end

--- What the range of a command selects; without a range, what is being selected while it runs (a `<Cmd>` mapping).
---@param args vim.api.keyset.create_user_command.command_args
---@return gpt.Selection?, string? refused
function M.of_command(args)
  local typed = typed_command()
  if args.range == 0 then
    if M.is_visual() then
      return M.take_visual()
    end
    return nil
  end
  if is_selection(args, typed) then
    return M.visual()
  end
  return M.lines(0, args.line1, args.line2)
end

--- A path as a code span that nothing in it can break.
---@param path string
---@return string
local function code_span(path)
  path = path:gsub("%c", "?")
  local longest = path:find("`", 1, true) and 2 or 0
  for ticks in path:gmatch("`+") do
    longest = math.max(longest, #ticks)
  end
  local marks = ("`"):rep(longest + 1)
  local space = marks == "`" and "" or " "
  return marks .. space .. path .. space .. marks
end

--- The selection as it stands in a prompt: where it comes from, and a fenced block.
---@param taken gpt.Selection
---@return string[]
function M.block(taken)
  local marks = fence.around("`", taken.lines)
  local place = taken.first == taken.last and words("view.line", { line = taken.first })
    or words("view.lines", { first = taken.first, last = taken.last })
  local path = taken.path == "" and words("view.no_name") or code_span(taken.path)
  local block = { words("view.from", { path = path, place = place }), "", marks .. taken.filetype }
  vim.list_extend(block, taken.lines)
  block[#block + 1] = marks
  return block
end

return M
