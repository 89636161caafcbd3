--- The selection: taken at the keypress, exactly as the user sees it, never asked for later.
local M = {}

---@class gpt.Selection
---@field path string relative to the working directory; "" for a buffer without a name
---@field filetype string
---@field first integer first line, counted from 1
---@field last integer last line
---@field lines string[]

local words = require("gpt.words")

---@param buf integer
---@param first integer
---@param last integer
---@param lines string[]
---@return gpt.Selection?, string? refused
local function selection(buf, first, last, lines)
  if vim.b[buf].gpt_disable then
    return nil, words("view.never_sent")
  end
  local name = vim.api.nvim_buf_get_name(buf)
  return {
    path = name == "" and "" or vim.fn.fnamemodify(name, ":."),
    filetype = vim.bo[buf].filetype,
    first = first,
    last = last,
    lines = lines,
  }
end

--- Whether the user is selecting now.
---@return boolean
function M.is_visual()
  return vim.fn.mode():match("^[vV\22]") ~= nil
end

--- Whether the block that is being made, or was made last, goes to the end of each line (`$`).
---@return boolean
local function is_to_the_end()
  if M.is_visual() then
    return vim.fn.winsaveview().curswant == vim.v.maxcol
  end
  local view = vim.fn.winsaveview()
  vim.cmd("noautocmd normal! gv")
  local curswant = vim.fn.winsaveview().curswant
  vim.cmd("noautocmd normal! \27")
  vim.fn.winrestview(view)
  return curswant == vim.v.maxcol
end

--- A line from a screen column to its end; a character that begins before it leaves spaces, as in a yanked block.
---@param lnum integer
---@param left integer
---@return string
local function tail(lnum, left)
  local line = vim.fn.getline(lnum) --[[@as string]]
  if vim.fn.virtcol({ lnum, "$" }) <= left then
    return ""
  end
  local col = vim.fn.virtcol2col(0, lnum, left)
  local cells = vim.fn.virtcol({ lnum, col }, 1)
  if cells[1] == left then
    return line:sub(col)
  end
  return (" "):rep(cells[2] - left + 1) .. line:sub(col + vim.str_utf_end(line, col) + 1)
end

---@param from integer[] a position as getpos() gives it
---@param to integer[]
---@param kind string "v", "V" or CTRL-V
---@return gpt.Selection?, string? refused
local function region(from, to, kind)
  local first, last = math.min(from[2], to[2]), math.max(from[2], to[2])
  local lines
  if kind == "\22" and is_to_the_end() then
    local left = math.min(vim.fn.virtcol({ from[2], from[3] }, 1)[1], vim.fn.virtcol({ to[2], to[3] }, 1)[1])
    lines = vim.tbl_map(function(lnum)
      return tail(lnum, left)
    end, vim.fn.range(first, last))
  else
    lines = vim.fn.getregion(from, to, { type = kind })
  end
  -- Vim script writes a NUL as a line feed.
  lines = vim.tbl_map(function(line)
    return (line:gsub("\n", "\0"))
  end, lines)
  return selection(0, first, last, lines)
end

--- The visual selection: the one being made, else the last one.
---@return gpt.Selection?, string? refused
function M.visual()
  if M.is_visual() then
    return region(vim.fn.getpos("v"), vim.fn.getpos("."), vim.fn.mode())
  end
  return region(vim.fn.getpos("'<"), vim.fn.getpos("'>"), vim.fn.visualmode())
end

--- The visual selection that is being made; visual mode ends.
---@return gpt.Selection?, string? refused
function M.take_visual()
  local taken, refused = M.visual()
  vim.api.nvim_feedkeys(vim.keycode("<Esc>"), "nx", false)
  return taken, refused
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
  local lines = vim.api.nvim_buf_get_lines(0, args.line1 - 1, args.line2, false)
  return selection(0, args.line1, args.line2, lines)
end

--- A fence that no fence in these lines can close.
---@param lines string[]
---@return string
local function fence(lines)
  local longest = 2
  for _, line in ipairs(lines) do
    for ticks in line:gmatch("`+") do
      longest = math.max(longest, #ticks)
    end
  end
  return ("`"):rep(longest + 1)
end

--- A path as a code span that nothing in it can break.
---@param path string
---@return string
local function code_span(path)
  path = path:gsub("%c", "?")
  local marks = path:find("`", 1, true) and fence({ path }) or "`"
  local space = marks == "`" and "" or " "
  return marks .. space .. path .. space .. marks
end

--- The selection as it stands in a prompt: where it comes from, and a fenced block.
---@param taken gpt.Selection
---@return string[]
function M.block(taken)
  local marks = fence(taken.lines)
  local place = taken.first == taken.last and words("view.line", { line = taken.first })
    or words("view.lines", { first = taken.first, last = taken.last })
  local path = taken.path == "" and words("view.no_name") or code_span(taken.path)
  local block = { words("view.from", { path = path, place = place }), "", marks .. taken.filetype }
  vim.list_extend(block, taken.lines)
  block[#block + 1] = marks
  return block
end

return M
