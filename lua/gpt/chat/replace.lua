--- Puts the code of an answer into a place of a buffer: indented as it fits there, as one undo step.
local api = vim.api

local indent = require("gpt.code.indentation")
local line_count = require("gpt.ui.line_count")
local notice = require("gpt.ui.notice")
local origins = require("gpt.code.anchor")
local targets = require("gpt.chat.target")
local words = require("gpt.words")

local M = {}

--- How many lines of a buffer are looked at for how its code is indented.
local MOST_LINES = 1000

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- Makes the next change of a buffer an undo step of its own.
---@param buf integer
local function break_undo(buf)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
end

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
function M.fitted(place, lines)
  local old = origins.text(place)
  lines = with_ends(lines, old)
  return place.pieces and lines or indent.fit(lines, surroundings(place, old))
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
  local count = line_count.lines(#lines)
  local key, place = "view.apply.replaced", target.place
  if place.whole and place.from[1] == place.to[1] and not target.seen then
    key, place = "view.apply.inserted", targets.line_above(place)
  elseif target.origin and not target.seen and not target.origin.known[table.concat(old, "\n")] then
    key = "view.apply.replaced_changed"
  end
  local title = words(key, { where = targets.describe(place), lines = count })
  notice.inform({ level = "info", title = title, advice = "" })
end

--- Puts lines where they belong, and says so.
---@param target gpt.Target
---@param lines string[]
function M.run(target, lines)
  local old = origins.text(target.place)
  if vim.deep_equal(old, lines) then
    local title = words("view.apply.same", { where = targets.describe(target.place) })
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

return M
