--- Code blocks of a chat, taken from it. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local notice = require("gpt.view.notice")
local words = require("gpt.words")

--- The most lines that are looked at above and below the cursor.
local MOST_LINES = 5000

---@class gpt.Block
---@field first integer its first line of code, counted from 0
---@field last integer the line after its last one

--- The fenced blocks in some lines (CommonMark 0.31, 4.5).
---@param lines string[]
---@param offset integer where they begin in the buffer
---@return gpt.Block[]
local function blocks_in(lines, offset)
  local found, open = {}, nil
  for index, line in ipairs(lines) do
    local marks, info = line:match("^ ? ? ?(```+)%s*([^`]*)$")
    if not marks then
      marks, info = line:match("^ ? ? ?(~~~+)%s*(.*)$")
    end
    if open and marks and info == "" and marks:sub(1, #open.marks) == open.marks then
      found[#found + 1] = { first = open.first, last = offset + index - 1 }
      open = nil
    elseif not open and marks then
      open = { marks = marks, first = offset + index }
    end
  end
  if open then -- one that is still being written
    found[#found + 1] = { first = open.first, last = offset + #lines }
  end
  return found
end

--- The blocks of one message. A fence in one message never reaches into the next.
---@param found gpt.Heading[]
---@param index integer
---@return gpt.Block[]
function Chat:blocks(found, index)
  local first = found[index].row + 1
  local last = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(self.buf)
  return blocks_in(api.nvim_buf_get_lines(self.buf, first, math.min(last, first + MOST_LINES), false), first)
end

--- The block under the cursor; else the last one of the message there, or of the messages above it.
---@return gpt.Block?
function Chat:block_at_cursor()
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = self:headings()
  for index = #found, 1, -1 do
    if found[index].row <= row then
      local blocks = self:blocks(found, index)
      for _, block in ipairs(blocks) do
        if row >= block.first - 1 and row <= block.last then
          return block
        end
      end
      if #blocks > 0 then
        return blocks[#blocks]
      end
    end
  end
end

--- Copies a block into the register that was given, or the usual one, and says how much that was.
function Chat:yank_block()
  local register = vim.v.register
  local block = self:block_at_cursor()
  local lines = block and api.nvim_buf_get_lines(self.buf, block.first, block.last, false) or {}
  if #lines == 0 then
    return notice.inform({ level = "info", title = words("view.no_block"), advice = "" })
  end
  vim.fn.setreg(register, lines, "V")
  local count = require("gpt.view.folds").lines(#lines)
  local title = words(#lines == 1 and "view.yanked_one" or "view.yanked", { lines = count })
  notice.inform({ level = "info", title = title, advice = "" })
end

return Chat
