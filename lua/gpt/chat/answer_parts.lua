--- Parts of an answer that are shown but are not said: reasoning, tool calls, sources; and its refusal, which is said.
---
--- They are text of the buffer, kept by extmarks like the headings, and left out of what is sent.
local api = vim.api

local extmarks = require("gpt.chat.extmarks")
local undo = require("gpt.chat.undo")

local M = {}

---@class (partial) gpt.Chat
---@field parts table<integer, gpt.Part> by mark
---@field last_part? integer

--- Where the parts are.
local PARTS = api.nvim_create_namespace("gpt.parts")
M.SPACE = PARTS
--- The addresses in sources.
local LINKS = api.nvim_create_namespace("gpt.links")

---@class gpt.Part
---@field kind "reasoning"|"refusal"|"tool"|"unshown"|"sources"
---@field title? string its first line, of a tool and of sources
---@field born? integer the undo step that it came with
---@field row? integer where it stood then
---@field height? integer how many lines it had then

---@class gpt.ShownPart
---@field kind "tool"|"unshown"|"sources"
---@field lines string[]

local GROUPS = {
  reasoning = "GPTReasoning",
  refusal = "GPTRefusal",
  tool = "GPTToolCall",
  unshown = "GPTToolCall",
  sources = "GPTSources",
}

--- Whether one place is further down than another one.
---@param one integer[]
---@param other integer[]
---@return boolean
local function is_after(one, other)
  return one[1] > other[1] or (one[1] == other[1] and one[2] > other[2])
end

--- Makes the `height` lines from `row` on a part.
---@param chat gpt.Chat
---@param row integer
---@param height integer
---@param part gpt.Part
---@param mark? integer
---@return integer mark
function M.mark(chat, row, height, part, mark)
  if not mark then
    mark = (chat.last_part or 0) + 1
    chat.last_part = mark
  end
  chat.parts[mark] = part
  local last = api.nvim_buf_get_lines(chat.buf, row + height - 1, row + height, false)[1] or ""
  api.nvim_buf_set_extmark(chat.buf, PARTS, row, 0, {
    id = mark,
    end_row = row + height - 1,
    end_col = #last,
    hl_group = GROUPS[part.kind],
    priority = 120,
    strict = false,
    invalidate = true,
    undo_restore = true,
    end_right_gravity = true,
  })
  return mark
end

--- Remembers where a part stands, and the undo step that it came with.
---@param chat gpt.Chat
---@param mark integer
function M.note(chat, mark)
  local first, last = M.rows(chat, mark)
  local part = chat.parts[mark]
  if first and part then
    part.born, part.row, part.height = undo.step(chat), first, last - first
    chat.newest, chat.seen = math.max(chat.newest or 0, part.born), part.born
  end
end

---@param chat gpt.Chat
---@param mark integer
---@return integer? first
---@return integer last the line after its last one; nil if the part is gone
function M.rows(chat, mark)
  local at = api.nvim_buf_get_extmark_by_id(chat.buf, PARTS, mark, { details = true })
  if at[1] and not at[3].invalid and is_after({ at[3].end_row, at[3].end_col }, at) then
    return at[1], at[3].end_row + 1
  end
  return nil, 0
end

--- How far a part really goes: undo can bring a mark back over other text, and that is said. Reasoning is what is
--- quoted, and the others begin with their own first line.
---@param chat gpt.Chat
---@param part gpt.Part
---@param from integer[]
---@param to integer[]
---@return integer[]? to
function M.real_end(chat, part, from, to)
  if part.kind == "refusal" then
    return to
  end
  local lines = api.nvim_buf_get_lines(chat.buf, from[1], to[1] + 1, false)
  if from[2] > 0 or (part.title and lines[1] ~= part.title) then
    return nil
  elseif part.kind ~= "reasoning" then
    return to
  end
  for index, line in ipairs(lines) do
    if line:sub(1, 1) ~= ">" then
      return index > 1 and { from[1] + index - 2, #lines[index - 1] } or nil
    end
  end
  return to
end

--- Where a part stands that is there.
---@param chat gpt.Chat
---@param mark? integer
---@return { from: integer[], to: integer[] }?
function M.at(chat, mark)
  local first, last = M.rows(chat, mark or 0)
  if first then
    return vim.iter(M.within(chat, first, last)):find(function(found)
      return found.mark == mark
    end)
  end
end

--- The marks of parts that begin between two lines.
---@param chat gpt.Chat
---@param first integer
---@param last integer the line after the last one
---@return gpt.Mark[]
local function part_marks(chat, first, last)
  local within = chat.parts
  if next(within) == nil then
    return {}
  end
  if (chat.last_part or 0) > last - first then -- more parts than lines: cheaper from the lines
    within = {}
    for _, mark in ipairs(api.nvim_buf_get_extmarks(chat.buf, PARTS, { first, 0 }, { last - 1, -1 }, {})) do
      within[mark[1]] = chat.parts[mark[1]]
    end
  end
  return vim.tbl_filter(function(mark)
    return mark.row >= first and mark.row < last
  end, extmarks.of(chat, PARTS, within))
end

--- The parts between two lines, in their order. One that an undo has left without text is none.
---@param chat gpt.Chat
---@param first integer
---@param last integer the line after the last one
---@return { mark: integer, part: gpt.Part, from: integer[], to: integer[] }[]
function M.within(chat, first, last)
  local found = {}
  for _, mark in ipairs(last > first and part_marks(chat, first, last) or {}) do
    local part = chat.parts[mark.number]
    local from, to = { mark.row, mark.col }, { mark.details.end_row, mark.details.end_col }
    local real = mark.valid and is_after(to, from) and M.real_end(chat, part, from, to)
    if real then
      found[#found + 1] = { mark = mark.number, part = part, from = from, to = real }
    end
  end
  return found
end

--- The text from one place to another one.
---@param chat gpt.Chat
---@param from integer[]
---@param to integer[]
---@return string
function M.text_between(chat, from, to)
  if not is_after(to, from) then
    return ""
  end
  return table.concat(api.nvim_buf_get_text(chat.buf, from[1], from[2], to[1], to[2], {}), "\n")
end

--- What is said in these lines: their text without the parts that are only shown.
---@param chat gpt.Chat
---@param first integer
---@param last integer the line after the last one
---@return string
function M.said_within(chat, first, last)
  local parts = vim.tbl_filter(function(found)
    return found.part.kind ~= "refusal"
  end, M.within(chat, first, last))
  if #parts == 0 then
    return table.concat(api.nvim_buf_get_lines(chat.buf, first, last, false), "\n")
  end
  local said, at = {}, { first, 0 }
  for _, found in ipairs(parts) do
    said[#said + 1] = M.text_between(chat, at, found.from)
    at = is_after(found.to, at) and found.to or at
  end
  local end_row = last - 1
  local end_col = #api.nvim_buf_get_lines(chat.buf, end_row, last, false)[1]
  said[#said + 1] = M.text_between(chat, at, { end_row, end_col })
  for index = 2, #said do
    said[index] = said[index]:gsub("^\n+", "") -- the blank line below a part goes with it
  end
  return table.concat(said)
end

--- Gives the links in the sources their address, for terminals that can open them.
---@param chat gpt.Chat
---@param row integer
---@param lines string[]
local function mark_links(chat, row, lines)
  for index, line in ipairs(lines) do
    local from, to, url = line:find("<(%S+)>")
    if not from then
      from, to, url = line:find("%]%((%S+)%)")
    end
    if from then
      api.nvim_buf_set_extmark(chat.buf, LINKS, row + index - 1, 2, {
        end_col = to,
        url = url,
        hl_group = "GPTLink",
        priority = 130,
      })
    end
  end
end

--- Marks a part whose lines have just been written, and what is in it.
---@param chat gpt.Chat
---@param row integer
---@param part gpt.ShownPart
function M.dress(chat, row, part)
  local mark =
    M.mark(chat, row, #part.lines, { kind = part.kind, title = part.kind ~= "reasoning" and part.lines[1] or nil })
  M.note(chat, mark)
  if part.kind == "sources" then
    mark_links(chat, row, part.lines)
  end
end

return M
