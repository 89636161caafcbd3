--- Applies the code block at the cursor: it goes where the selection of its question came from, or below the last cursor.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local code_blocks = require("gpt.chat.code_blocks")
local diff = require("gpt.chat.diff")
local headings = require("gpt.chat.headings")
local line_count = require("gpt.ui.line_count")
local notice = require("gpt.ui.notice")
local replace = require("gpt.chat.replace")
local targets = require("gpt.chat.target")
local words = require("gpt.words")

local M = {}

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- Whether a buffer can be changed; says so where it cannot.
---@param buf integer
---@return boolean
local function is_modifiable(buf)
  if not vim.bo[buf].modifiable then
    refuse(words("view.apply.not_modifiable", { path = targets.name_of(buf) }))
  end
  return vim.bo[buf].modifiable
end

--- A selection of this many lines is not replaced by less than half as many without a look at it.
local LONG = 20

--- Whether there are as many lines as a block of columns has; says so where there are not.
---@param place gpt.Place
---@param lines string[]
---@return boolean
local function fits(place, lines)
  local count = place.pieces and #place.pieces or #lines
  if #lines ~= count then
    local of = line_count.lines
    refuse(words("view.apply.block", { path = targets.name_of(place.buf), old = of(count), new = of(#lines) }))
  end
  return #lines == count
end

--- Whether a block of an answer may lack its end: its provider cut the answer, and nothing is said below the block.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer the answer
---@param block gpt.Block
---@return boolean
local function may_be_cut(chat, found, index, block)
  if not chat.cuts[found[index].entry.id] then
    return false
  end
  local last = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(chat.buf)
  local below = api.nvim_buf_get_lines(chat.buf, block.last + 1, last, false)
  return not table.concat(below):find("%S") or #answer_parts.within(chat, block.last + 1, last) > 0
end

--- The block at the cursor, for something to be done with it.
---@param chat gpt.Chat
---@param run fun(target: gpt.Target, lines: string[], cut: boolean) cut: the block may lack its end
local function with_block(chat, run)
  local found = headings.all(chat)
  local block, index = code_blocks.at_cursor(chat, "assistant")
  local lines = block and code_blocks.code(chat, block) or {}
  if not block or not index or #lines == 0 then
    return notice.inform({ level = "info", title = words("view.no_block"), advice = "" })
  elseif block.open and chat.answer and found[index].mark == chat.answer_mark then
    return notice.inform({ level = "info", title = words("view.apply.unfinished"), advice = "" })
  end
  local cut = may_be_cut(chat, found, index, block)
  targets.find(chat, found, index, function(target)
    if fits(target.place, lines) and is_modifiable(target.place.buf) then
      run(target, replace.fitted(target.place, lines), cut)
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
    return words("view.apply.unseen", { path = targets.name_of(target.place.buf) })
  end
  return is_much_shorter(target, lines) and words("view.apply.shorter") or nil
end

--- Puts the block at the cursor where it belongs. One that is much shorter is shown first, and so are one at the end of
--- an answer that was cut, and a file that was not open.
---@param chat gpt.Chat
function M.run(chat)
  with_block(chat, function(target, lines, cut)
    local why = cut and words("view.apply.cut") or why_look(target, lines)
    if not why then
      return replace.run(target, lines)
    end
    diff.show(target, lines)
    notice.inform({ level = "info", title = why, advice = "" })
  end)
end

--- Shows first what that would change.
---@param chat gpt.Chat
function M.show_diff(chat)
  with_block(chat, function(target, lines)
    diff.show(target, lines)
  end)
end

return M
