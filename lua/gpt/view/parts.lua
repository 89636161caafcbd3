--- Parts of an answer that are shown but are not said: the model's reasoning, the tools that it asks for, its sources.
--- They are text of the buffer, kept by extmarks like the headings, and left out of what is sent. A refusal is marked in
--- the same way, but is said. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local words = require("gpt.words")

--- Where the parts are.
local PARTS = api.nvim_create_namespace("gpt.parts")
Chat.PARTS = PARTS
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
---@param row integer
---@param height integer
---@param part gpt.Part
---@param mark? integer
---@return integer mark
function Chat:mark_part(row, height, part, mark)
  if not mark then
    mark = (self.last_part or 0) + 1
    self.last_part = mark
  end
  self.parts[mark] = part
  local last = api.nvim_buf_get_lines(self.buf, row + height - 1, row + height, false)[1] or ""
  api.nvim_buf_set_extmark(self.buf, PARTS, row, 0, {
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
---@param mark integer
function Chat:note_part(mark)
  local first, last = self:part_rows(mark)
  local part = self.parts[mark]
  if first and part then
    part.born, part.row, part.height = self:undo_step(), first, last - first
    self.newest, self.seen = math.max(self.newest or 0, part.born), part.born
  end
end

---@param mark integer
---@return integer? first
---@return integer last the line after its last one; nil if the part is gone
function Chat:part_rows(mark)
  local at = api.nvim_buf_get_extmark_by_id(self.buf, PARTS, mark, { details = true })
  if at[1] and not at[3].invalid and is_after({ at[3].end_row, at[3].end_col }, at) then
    return at[1], at[3].end_row + 1
  end
  return nil, 0
end

--- How far a part really goes: undo can bring a mark back over other text, and that is said. Reasoning is what is
--- quoted, and the others begin with their own first line.
---@param part gpt.Part
---@param from integer[]
---@param to integer[]
---@return integer[]? to
function Chat:real_end(part, from, to)
  if part.kind == "refusal" then
    return to
  end
  local lines = api.nvim_buf_get_lines(self.buf, from[1], to[1] + 1, false)
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
---@param mark? integer
---@return { from: integer[], to: integer[] }?
function Chat:part_at(mark)
  local first, last = self:part_rows(mark or 0)
  if first then
    return vim.iter(self:parts_within(first, last)):find(function(found)
      return found.mark == mark
    end)
  end
end

--- The marks of parts that begin between two lines.
---@param first integer
---@param last integer the line after the last one
---@return gpt.Mark[]
function Chat:part_marks(first, last)
  local within = self.parts
  if next(within) == nil then
    return {}
  end
  if (self.last_part or 0) > last - first then -- more parts than lines: cheaper from the lines
    within = {}
    for _, mark in ipairs(api.nvim_buf_get_extmarks(self.buf, PARTS, { first, 0 }, { last - 1, -1 }, {})) do
      within[mark[1]] = self.parts[mark[1]]
    end
  end
  return vim.tbl_filter(function(mark)
    return mark.row >= first and mark.row < last
  end, self:marks_of(PARTS, within))
end

--- The parts between two lines, in their order. One that an undo has left without text is none.
---@param first integer
---@param last integer the line after the last one
---@return { mark: integer, part: gpt.Part, from: integer[], to: integer[] }[]
function Chat:parts_within(first, last)
  local found = {}
  for _, mark in ipairs(last > first and self:part_marks(first, last) or {}) do
    local part = self.parts[mark.number]
    local from, to = { mark.row, mark.col }, { mark.details.end_row, mark.details.end_col }
    local real = mark.valid and is_after(to, from) and self:real_end(part, from, to)
    if real then
      found[#found + 1] = { mark = mark.number, part = part, from = from, to = real }
    end
  end
  return found
end

--- The text from one place to another one.
---@param from integer[]
---@param to integer[]
---@return string
function Chat:text_between(from, to)
  if not is_after(to, from) then
    return ""
  end
  return table.concat(api.nvim_buf_get_text(self.buf, from[1], from[2], to[1], to[2], {}), "\n")
end

--- What is said in these lines: their text without the parts that are only shown.
---@param first integer
---@param last integer the line after the last one
---@return string
function Chat:said_within(first, last)
  local parts = vim.tbl_filter(function(found)
    return found.part.kind ~= "refusal"
  end, self:parts_within(first, last))
  if #parts == 0 then
    return table.concat(api.nvim_buf_get_lines(self.buf, first, last, false), "\n")
  end
  local said, at = {}, { first, 0 }
  for _, found in ipairs(parts) do
    said[#said + 1] = self:text_between(at, found.from)
    at = is_after(found.to, at) and found.to or at
  end
  local end_row = last - 1
  local end_col = #api.nvim_buf_get_lines(self.buf, end_row, last, false)[1]
  said[#said + 1] = self:text_between(at, { end_row, end_col })
  for index = 2, #said do
    said[index] = said[index]:gsub("^\n+", "") -- the blank line below a part goes with it
  end
  return table.concat(said)
end

-- Reasoning ----------------------------------------------------------------------------------------------------------

--- The line that reasoning begins with.
---@return string
local function reasoning_title()
  return ("> **%s**"):format(words("view.reasoning"))
end

--- Lines as a quotation; the first of them goes on where one was begun.
---@param lines string[]
---@return string[]
function Chat.quoted(lines)
  local quoted = { lines[1] }
  for index = 2, #lines do
    quoted[index] = "> " .. lines[index]
  end
  return quoted
end

--- Whether reasoning is shown as text.
---@return boolean
function Chat.shows_reasoning()
  return require("gpt.config").get().chat.reasoning
end

--- What is written before the first piece of reasoning, which goes to the end of the third line. The second one makes the
--- title a paragraph; also, Neovim 0.10 moves a fold's beginning when lines come after its second line in insert mode.
---@return string[] lines
function Chat.reasoning_frame()
  return { reasoning_title(), ">", "> ", "", "" }
end

--- A whole reasoning, as lines.
---@param lines string[]
---@return string[]
function Chat.reasoning_lines(lines)
  local shown = { reasoning_title(), ">", "> " .. (lines[1] or "") }
  for index = 2, #lines do
    shown[#shown + 1] = "> " .. lines[index]
  end
  return shown
end

-- Below the text -----------------------------------------------------------------------------------------------------

--- Gives the links in the sources their address, for terminals that can open them.
---@param row integer
---@param lines string[]
function Chat:mark_links(row, lines)
  for index, line in ipairs(lines) do
    local from, to, url = line:find("<(%S+)>")
    if not from then
      from, to, url = line:find("%]%((%S+)%)")
    end
    if from then
      api.nvim_buf_set_extmark(self.buf, LINKS, row + index - 1, 2, {
        end_col = to,
        url = url,
        hl_group = "GPTLink",
        priority = 130,
      })
    end
  end
end

--- Marks a part whose lines have just been written, and what is in it.
---@param row integer
---@param part gpt.ShownPart
function Chat:dress_part(row, part)
  local mark =
    self:mark_part(row, #part.lines, { kind = part.kind, title = part.kind ~= "reasoning" and part.lines[1] or nil })
  self:note_part(mark)
  if part.kind == "sources" then
    self:mark_links(row, part.lines)
  end
end

return Chat
