--- From the chat back to the code: a code block of an answer goes where the selection of its question came from, or
--- below the last cursor. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local indent = require("gpt.code.indentation")
local notice = require("gpt.view.notice")
local origins = require("gpt.code.anchor")
local words = require("gpt.words")
require("gpt.view.target")

--- How many lines of a buffer are looked at for how its code is indented.
local MOST_LINES = 1000
--- A selection of this many lines is not replaced by less than half as many without a look at it.
local LONG = 20

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- Whether a buffer can be changed; says so where it cannot.
---@param buf integer
---@return boolean
local function is_modifiable(buf)
  if not vim.bo[buf].modifiable then
    refuse(words("view.apply.not_modifiable", { path = Chat.name_of(buf) }))
  end
  return vim.bo[buf].modifiable
end

-- Text ---------------------------------------------------------------------------------------------------------------

--- What is around a place.
---@param place gpt.Place
---@param old string[] what it holds
---@return gpt.Surroundings
local function surroundings(place, old)
  local buf, row = place.buf, place.from[1]
  local line = api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
  local inline = place.from[2] > 0
  local around = inline and { line } or old
  if not table.concat(around):find("%S") then -- inserted lines: the nearest one above that says something
    local above = api.nvim_buf_get_lines(buf, math.max(row - 100, 0), row, false)
    around = { vim.iter(above):rev():find(function(other)
      return other:find("%S")
    end) }
  end
  local style = indent.style(old) or indent.style(api.nvim_buf_get_lines(buf, 0, MOST_LINES, false))
  return {
    base = indent.common(around),
    inline = inline,
    alone = inline and #old == 1,
    style = style,
    step = api.nvim_buf_call(buf, vim.fn.shiftwidth),
    tab = vim.bo[buf].tabstop,
  }
end

--- Lines with the line ends of those that they replace: a carriage return is text where a file's line ends are mixed.
---@param lines string[]
---@param old string[]
---@return string[]
local function with_ends(lines, old)
  local function all_end(of)
    return #of > 0 and vim.iter(of):all(function(line)
      return line:sub(-1) == "\r"
    end)
  end
  if all_end(lines) == all_end(old) then
    return lines
  end
  return vim.tbl_map(function(line)
    return all_end(old) and line .. "\r" or line:gsub("\r$", "")
  end, lines)
end

--- Lines as they fit into a place.
---@param place gpt.Place
---@param lines string[]
---@return string[]
function Chat.fitted(place, lines)
  local old = origins.text(place)
  lines = with_ends(lines, old)
  return place.pieces and lines or indent.fit(lines, surroundings(place, old))
end

--- Makes the next change of a buffer an undo step of its own.
---@param buf integer
local function break_undo(buf)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
end

--- Puts lines into a place, as one undo step.
---@param place gpt.Place
---@param lines string[]
---@return gpt.Place? place where they stand; nil if Neovim refuses
local function put(place, lines)
  break_undo(place.buf)
  local done, after = pcall(origins.exchange, place, lines)
  if not done then
    return refuse(tostring(after))
  end
  break_undo(place.buf)
  return after
end

--- Says what was done.
---@param target gpt.Target
---@param old string[]
---@param lines string[]
local function report(target, old, lines)
  local count = require("gpt.view.folds").lines(#lines)
  local key, place = "view.apply.replaced", target.place
  if place.whole and place.from[1] == place.to[1] and not target.seen then
    key, place = "view.apply.inserted", Chat.line_above(place)
  elseif target.origin and not target.seen and not target.origin.known[table.concat(old, "\n")] then
    key = "view.apply.replaced_changed"
  end
  local title = words(key, { where = Chat.describe(place), lines = count })
  notice.inform({ level = "info", title = title, advice = "" })
end

--- Puts lines where they belong, and says so.
---@param target gpt.Target
---@param lines string[]
function Chat.replace(target, lines)
  local old = origins.text(target.place)
  if vim.deep_equal(old, lines) then
    local title = words("view.apply.same", { where = Chat.describe(target.place) })
    return notice.inform({ level = "info", title = title, advice = "" })
  end
  local place = put(target.place, lines)
  if place then
    report(target, old, lines)
    if target.origin then
      origins.move(target.origin, place, lines)
    end
  end
end

--- Whether there are as many lines as a block of columns has; says so where there are not.
---@param place gpt.Place
---@param lines string[]
---@return boolean
local function fits(place, lines)
  local count = place.pieces and #place.pieces or #lines
  if #lines ~= count then
    local of = require("gpt.view.folds").lines
    refuse(words("view.apply.block", { path = Chat.name_of(place.buf), old = of(count), new = of(#lines) }))
  end
  return #lines == count
end

-- What the user does -------------------------------------------------------------------------------------------------

--- Whether a block of an answer may lack its end: its provider cut the answer, and nothing is said below the block.
---@param found gpt.Heading[]
---@param index integer the answer
---@param block gpt.Block
---@return boolean
function Chat:may_be_cut(found, index, block)
  if not self.cuts[found[index].entry.id] then
    return false
  end
  local last = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(self.buf)
  local below = api.nvim_buf_get_lines(self.buf, block.last + 1, last, false)
  return not table.concat(below):find("%S") or #self:parts_within(block.last + 1, last) > 0
end

--- The block at the cursor, for something to be done with it.
---@param run fun(target: gpt.Target, lines: string[], cut: boolean) cut: the block may lack its end
function Chat:with_block(run)
  local found = self:headings()
  local block, index = self:block_at_cursor("assistant")
  local lines = block and self:code(block) or {}
  if not block or not index or #lines == 0 then
    return notice.inform({ level = "info", title = words("view.no_block"), advice = "" })
  elseif block.open and self.answer and found[index].mark == self.answer_mark then
    return notice.inform({ level = "info", title = words("view.apply.unfinished"), advice = "" })
  end
  local cut = self:may_be_cut(found, index, block)
  self:find_target(found, index, function(target)
    if fits(target.place, lines) and is_modifiable(target.place.buf) then
      run(target, Chat.fitted(target.place, lines), cut)
    end
  end)
end

--- Whether lines are perhaps only a part of what was asked about, which they would take away.
---@param target gpt.Target
---@param lines string[]
---@return boolean
local function is_much_shorter(target, lines)
  local count = target.place.to[1] - target.place.from[1]
  return count >= LONG and #lines < count / 2
end

--- Why what changes is to be looked at first.
---@param target gpt.Target
---@param lines string[]
---@return string?
local function why_look(target, lines)
  if target.origin and target.origin.unseen then
    return words("view.apply.unseen", { path = Chat.name_of(target.place.buf) })
  end
  return is_much_shorter(target, lines) and words("view.apply.shorter") or nil
end

--- Puts the block at the cursor where it belongs. One that is much shorter is shown first, and so are one at the end of
--- an answer that was cut, and a file that was not open.
function Chat:apply_block()
  self:with_block(function(target, lines, cut)
    local why = cut and words("view.apply.cut") or why_look(target, lines)
    if not why then
      return Chat.replace(target, lines)
    end
    require("gpt.view.diff").show(target, lines)
    notice.inform({ level = "info", title = why, advice = "" })
  end)
end

--- Shows first what that would change.
function Chat:diff_block()
  self:with_block(function(target, lines)
    require("gpt.view.diff").show(target, lines)
  end)
end

return Chat
