--- A block of columns: of each of its lines a piece, which is replaced by a line of its own.
local api = vim.api

local M = {}

---@class gpt.ColumnPiece of a line
---@field from integer[] row and column, counted from 0
---@field to integer[]
---@field pad integer how many spaces the line lacks to where the block begins

--- The piece of a line that a block has there; nil if the block cuts one of its characters in two.
---@param lnum integer
---@param left integer the block's first column on the screen
---@param yanked string what Neovim yanks of the line: a line that ends within the block may have got spaces
---@return gpt.ColumnPiece?
local function piece_of(lnum, left, yanked)
  local line = api.nvim_buf_get_lines(0, lnum - 1, lnum, false)[1] or ""
  local from, pad = #line, left - vim.fn.virtcol({ lnum, "$" })
  if pad < 0 then
    from = vim.fn.virtcol2col(0, lnum, left) - 1
    if vim.fn.virtcol({ lnum, from + 1 }, 1)[1] ~= left then
      return nil
    end
  end
  local rest = line:sub(from + 1)
  local is_to_its_end = vim.startswith(yanked, rest) and not yanked:sub(#rest + 1):find("[^ ]")
  if not is_to_its_end and not vim.startswith(rest, yanked) then
    return nil
  end
  local to = is_to_its_end and #line or from + #yanked
  return { from = { lnum - 1, from }, to = { lnum - 1, to }, pad = math.max(pad, 0) }
end

--- The pieces of a block in the current window; nil if it cuts a character in two.
---@param first integer its first line, counted from 1
---@param left integer its first column on the screen
---@param lines string[] what Neovim yanks of it
---@return gpt.ColumnPiece[]?
function M.pieces(first, left, lines)
  local pieces = {}
  for index, yanked in ipairs(lines) do
    pieces[index] = piece_of(first + index - 1, left, yanked)
    if not pieces[index] then
      return nil
    end
  end
  return pieces
end

---@param buf integer
---@param pieces gpt.ColumnPiece[]
---@return gpt.Place
function M.place(buf, pieces)
  return { buf = buf, whole = false, from = pieces[1].from, to = pieces[#pieces].to, pieces = pieces }
end

---@param place gpt.Place
---@return string[]
function M.text(place)
  return vim.tbl_map(function(piece)
    return api.nvim_buf_get_text(place.buf, piece.from[1], piece.from[2], piece.to[1], piece.to[2], {})[1]
  end, place.pieces)
end

--- What comes into a piece: a line that ends before the block grows as far as it, unless nothing is added.
---@param piece gpt.ColumnPiece
---@param line string
---@return string
local function padded(piece, line)
  return line == "" and line or (" "):rep(piece.pad) .. line
end

--- Exchanges the pieces for lines, of which there are as many.
---@param place gpt.Place
---@param lines string[]
---@return gpt.Place where they stand
function M.exchange(place, lines)
  local pieces = {}
  for index, piece in ipairs(place.pieces) do
    local line = padded(piece, lines[index])
    local row, from = piece.from[1], piece.from[2] + #line - #lines[index]
    api.nvim_buf_set_text(place.buf, row, piece.from[2], row, piece.to[2], { line })
    local pad = line == "" and piece.pad or 0
    pieces[index] = { from = { row, from }, to = { row, from + #lines[index] }, pad = pad }
  end
  return M.place(place.buf, pieces)
end

--- The whole lines of a block, and what they would become.
---@param place gpt.Place
---@param lines string[]
---@return gpt.Place
---@return string[]
function M.as_lines(place, lines)
  local first, last = place.from[1], place.to[1] + 1
  local whole = api.nvim_buf_get_lines(place.buf, first, last, false)
  for index, piece in ipairs(place.pieces) do
    local row = piece.from[1] - first + 1
    local line = whole[row]
    whole[row] = line:sub(1, piece.from[2]) .. padded(piece, lines[index]) .. line:sub(piece.to[2] + 1)
  end
  return { buf = place.buf, whole = true, from = { first, 0 }, to = { last, 0 } }, whole
end

return M
