--- Keeps the range of a buffer that a selection came from, by an extmark, so that it follows what is edited around it.
local api = vim.api

local M = {}

local columns = require("gpt.code.columns")

local namespace = api.nvim_create_namespace("gpt.origins")

---@class gpt.Place a range of a buffer
---@field buf integer
---@field whole boolean whether it is whole lines; then both columns are 0, and `to` is the line after the last one
---@field from integer[] row and column, counted from 0
---@field to integer[]
---@field pieces? gpt.ColumnPiece[] of a block of columns

---@class gpt.Origin
---@field buf integer
---@field mark integer
---@field kind "v"|"V"|"\22"|"partial" "partial": part of a character, or beyond a line's end ('virtualedit')
---@field path string
---@field lines string[] what stood there last, as far as we know
---@field pieces? gpt.MarkedPiece[] of a block of columns
---@field unseen? boolean whether its file was not open, and is to be looked at first
---@field known table<string, true> all that we know to have stood there
---@field loaded integer how often the buffer had been loaded anew by then

---@class gpt.MarkedPiece
---@field mark integer
---@field pad integer how many spaces its line lacks to where the block begins, while the piece is empty
---@field empty boolean whether it has been empty

--- How often buffers were loaded anew: their marks stay where they were, whatever stands there then.
---@type table<integer, integer>
local loads = {}
---@type table<integer, boolean>
local watched = {}

--- Counts from now on how often a buffer is loaded anew.
---@param buf integer
---@return integer so far
function M.watch(buf)
  loads[buf] = loads[buf] or 0
  local function count()
    loads[buf] = loads[buf] + 1
  end
  watched[buf] = watched[buf]
    or api.nvim_buf_attach(buf, false, {
      on_reload = count,
      on_detach = function()
        watched[buf] = nil
        count()
      end,
    })
  return loads[buf]
end

--- What stands in a place.
---@param place gpt.Place
---@return string[]
function M.text(place)
  if place.whole then
    return api.nvim_buf_get_lines(place.buf, place.from[1], place.to[1], false)
  elseif place.pieces then
    return columns.text(place)
  end
  return api.nvim_buf_get_text(place.buf, place.from[1], place.from[2], place.to[1], place.to[2], {})
end

--- Marks a place. What is inserted right before or behind it is not part of it, so that nothing of the user's is lost.
---@param place gpt.Place
---@param id? integer
---@return integer mark
function M.mark(place, id)
  return api.nvim_buf_set_extmark(place.buf, namespace, place.from[1], place.from[2], {
    id = id,
    end_row = place.to[1],
    end_col = place.to[2],
    right_gravity = true,
    end_right_gravity = false,
    invalidate = true,
    undo_restore = true,
  })
end

--- Marks a place for as long as it is looked at: it lives on when its text is exchanged for other text.
---@param place gpt.Place
---@return integer mark
function M.pin(place)
  return api.nvim_buf_set_extmark(place.buf, namespace, place.from[1], place.from[2], {
    end_row = place.to[1],
    end_col = place.to[2],
    right_gravity = false,
    end_right_gravity = true,
  })
end

--- Forgets where a selection came from.
---@param origin gpt.Origin
function M.forget(origin)
  M.unmark(origin.buf, origin.mark)
  for _, piece in ipairs(origin.pieces or {}) do
    M.unmark(origin.buf, piece.mark)
  end
end

--- Forgets a mark.
---@param buf integer
---@param mark integer
function M.unmark(buf, mark)
  if api.nvim_buf_is_valid(buf) then
    api.nvim_buf_del_extmark(buf, namespace, mark)
  end
end

--- The place that lines of a buffer take.
---@param buf integer
---@param first integer row, counted from 0
---@param last integer the row after the last one
---@return gpt.Place
function M.lines(buf, first, last)
  return { buf = buf, whole = true, from = { first, 0 }, to = { last, 0 } }
end

--- The place of a yanked text.
---@param buf integer
---@param yank gpt.Yanked
---@return gpt.Place
local function place_of(buf, yank)
  local first, count = yank.first - 1, #yank.lines
  if yank.kind ~= "v" then
    return M.lines(buf, first, first + count)
  end
  return M.after({ buf = buf, whole = false, from = { first, yank.col }, to = { first, yank.col } }, yank.lines)
end

--- Where lines stand once they were put into a place.
---@param place gpt.Place
---@param lines string[] at least one, unless they are whole lines
---@return gpt.Place
function M.after(place, lines)
  local from, count = place.from, #lines
  if place.whole then
    return M.lines(place.buf, from[1], from[1] + count)
  end
  local col = count == 1 and from[2] + #lines[1] or #lines[count]
  return { buf = place.buf, whole = false, from = from, to = { from[1] + count - 1, col } }
end

--- Exchanges the text of a place.
---@param place gpt.Place
---@param lines string[]
---@return gpt.Place where they stand
function M.exchange(place, lines)
  if place.pieces then
    return columns.exchange(place, lines)
  end
  local from, to = place.from, place.to
  if place.whole then
    api.nvim_buf_set_lines(place.buf, from[1], to[1], true, lines)
  else
    api.nvim_buf_set_text(place.buf, from[1], from[2], to[1], to[2], lines)
  end
  return M.after(place, lines)
end

--- Marks the pieces of a block of columns. Of those that have been empty that is remembered: undo makes them so again.
---@param place gpt.Place
---@param marked? gpt.MarkedPiece[] as they are marked
---@return gpt.MarkedPiece[]
local function mark_pieces(place, marked)
  local pieces = {}
  for index, piece in ipairs(place.pieces) do
    local at = { buf = place.buf, whole = false, from = piece.from, to = piece.to }
    local before = marked and marked[index] or { pad = piece.pad }
    local empty = before.empty or vim.deep_equal(piece.from, piece.to)
    pieces[index] = { mark = M.mark(at, before.mark), pad = before.pad, empty = empty }
  end
  return pieces
end

--- Remembers where a text was taken.
---@param buf integer
---@param yank gpt.Yanked
---@param path string
---@return gpt.Origin
function M.of(buf, yank, path)
  local place, kind, lines = place_of(buf, yank), yank.kind, yank.lines
  local exact, text = pcall(M.text, place)
  if kind == "v" and not (exact and vim.deep_equal(text, lines)) then
    place, kind = M.lines(buf, yank.first - 1, yank.first - 1 + #lines), "partial"
  elseif kind == "\22" then
    kind = yank.pieces and kind or "partial"
  end
  local pieces
  if kind == "\22" then
    local block = columns.place(buf, yank.pieces)
    pieces, lines = mark_pieces(block), columns.text(block)
  end
  return {
    buf = buf,
    mark = M.mark(place),
    kind = kind,
    path = path,
    lines = lines,
    pieces = pieces,
    known = { [table.concat(lines, "\n")] = true },
    loaded = M.watch(buf),
  }
end

--- Where a mark is now.
---@param buf integer
---@param mark integer
---@param whole boolean
---@return gpt.Place? place nil if it is not known
---@return boolean? deleted whether its text is gone
function M.at(buf, mark, whole)
  local at = api.nvim_buf_get_extmark_by_id(buf, namespace, mark, { details = true })
  if not at[1] then
    return nil
  end
  local from, to = { at[1], at[2] }, { at[3].end_row, at[3].end_col }
  if whole then
    from, to = { from[1], 0 }, { to[2] > 0 and to[1] + 1 or to[1], 0 }
  end
  if to[1] < from[1] or (to[1] == from[1] and to[2] < from[2]) then
    to = from
  end
  return { buf = buf, whole = whole, from = from, to = to }, at[3].invalid
end

--- The place of the only text in a buffer that reads so.
---@param buf integer
---@param lines string[]
---@param whole boolean
---@param first? integer only from this row on, counted from 0
---@param last? integer and before this one
---@return gpt.Place?
function M.search(buf, lines, whole, first, last)
  first = first or 0
  local text = "\n" .. table.concat(api.nvim_buf_get_lines(buf, first, last or -1, false), "\n") .. "\n"
  local sought = table.concat(lines, "\n")
  sought = whole and "\n" .. sought .. "\n" or sought
  local at = sought:find("%S") and text:find(sought, 1, true)
  if not at or text:find(sought, at + 1, true) then
    return nil
  end
  local _, row = text:sub(1, whole and at or at - 1):gsub("\n", "")
  row = first + row - 1
  if whole then
    return M.lines(buf, row, row + #lines)
  end
  local col = #text:sub(1, at - 1):match("[^\n]*$")
  return M.after({ buf = buf, whole = false, from = { row, col }, to = { row, col } }, lines)
end

--- Where the pieces of a block of columns are now; nil if one of them is gone.
---@param origin gpt.Origin
---@return gpt.Place?
local function block_at(origin)
  local pieces, row = {}, -1
  for index, marked in ipairs(origin.pieces) do
    local place, deleted = M.at(origin.buf, marked.mark, false)
    -- A line that went took its piece to another one's.
    if not place or place.from[1] <= row or place.to[1] ~= place.from[1] then
      return nil
    end
    local empty = vim.deep_equal(place.from, place.to)
    if (deleted or empty) and not marked.empty then
      return nil
    end
    row = place.from[1]
    pieces[index] = { from = place.from, to = place.to, pad = empty and marked.pad or 0 }
  end
  return columns.place(origin.buf, pieces)
end

--- Where a block of columns is now. In a buffer that was loaded anew it is where it was, or not known.
---@param origin gpt.Origin
---@return gpt.Place? place
---@return string? reason
local function find_block(origin)
  local place = block_at(origin)
  if origin.loaded == loads[origin.buf] then
    return place, not place and "view.apply.deleted" or nil
  elseif place and vim.deep_equal(M.text(place), origin.lines) then
    M.move(origin, place, origin.lines)
    return place
  end
  return nil, "view.apply.lost"
end

--- Where a selection is now. In a buffer that was loaded anew, which takes all marks away, it is found by its text.
---@param origin gpt.Origin
---@return gpt.Place? place
---@return string? reason why it is not to be found: the key of a message
function M.find(origin)
  if not api.nvim_buf_is_loaded(origin.buf) then
    return nil, "view.apply.closed"
  end
  if origin.kind == "\22" then
    return find_block(origin)
  elseif origin.kind == "partial" then
    return nil, "view.apply.partial"
  end
  local place, deleted = M.at(origin.buf, origin.mark, origin.kind == "V")
  if not place or origin.loaded ~= loads[origin.buf] then
    place, deleted = M.search(origin.buf, origin.lines, origin.kind == "V"), false
    if not place then
      return nil, "view.apply.lost"
    end
    M.move(origin, place, origin.lines)
  end
  local empty = origin.kind == "v" and origin.known[""] -- it began with nothing
  if not empty and (deleted or vim.deep_equal(place.from, place.to)) then
    return nil, "view.apply.deleted"
  end
  return place
end

--- Remembers that other text stands where a selection was.
---@param origin gpt.Origin
---@param place gpt.Place
---@param lines string[]
function M.move(origin, place, lines)
  origin.lines, origin.loaded = lines, M.watch(origin.buf)
  origin.known[table.concat(lines, "\n")] = true
  origin.unseen = nil
  if place.pieces then
    origin.pieces = mark_pieces(place, origin.pieces)
    return
  elseif origin.pieces then -- its lines were replaced as a whole
    M.forget(origin)
    origin.pieces, origin.kind, origin.mark = nil, "V", nil
  end
  origin.mark = M.mark(place, origin.mark)
end

return M
