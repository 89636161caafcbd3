--- Code blocks of a chat: found at the cursor, and copied into a register.
local api = vim.api

local fences = require("gpt.fence")
local headings = require("gpt.chat.headings")
local line_count = require("gpt.ui.line_count")
local notice = require("gpt.ui.notice")
local words = require("gpt.words")

local M = {}

--- The most lines that are looked at above and below the cursor.
local MOST_LINES = 5000

---@class gpt.Block
---@field first integer its first line of code, counted from 0
---@field last integer the line after its last one
---@field indent integer spaces before its fence, which are not code
---@field info string what stands behind its opening fence
---@field open boolean whether its closing fence is missing

--- The fenced blocks in some lines. In a list one can be indented by any number of spaces.
---@param lines string[]
---@param offset integer where they begin in the buffer
---@return gpt.Block[]
local function blocks_in(lines, offset)
  local found, marks, block = {}, nil, nil
  for index, line in ipairs(lines) do
    local kind, info, indent
    kind, marks, info, indent = fences.next(marks, line, block and block.indent + 3 or math.huge)
    if kind == "opens" then
      -- One that is still being written has no end yet.
      block = { first = offset + index, last = offset + #lines, indent = indent, info = info, open = true }
      found[#found + 1] = block
    elseif kind == "closes" then
      block.last, block.open = offset + index - 1, false
      block = nil
    end
  end
  return found
end

--- The blocks of one message. A fence in one message never reaches into the next.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer
---@return gpt.Block[]
function M.of_message(chat, found, index)
  local first = found[index].row + 1
  local last = found[index + 1] and found[index + 1].row or api.nvim_buf_line_count(chat.buf)
  return blocks_in(api.nvim_buf_get_lines(chat.buf, first, math.min(last, first + MOST_LINES), false), first)
end

--- The block under the cursor; else the last one of the message there, or of the messages above it.
---@param chat gpt.Chat
---@param role? "assistant" only in messages of this one
---@return gpt.Block?
---@return integer? index its message among the headings
function M.at_cursor(chat, role)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local found = headings.all(chat)
  for index = #found, 1, -1 do
    if found[index].row <= row and (not role or found[index].entry.role == role) then
      local blocks = M.of_message(chat, found, index)
      for _, block in ipairs(blocks) do
        if row >= block.first - 1 and row <= block.last then
          return block, index
        end
      end
      if #blocks > 0 then
        return blocks[#blocks], index
      end
    end
  end
end

--- The code in a block.
---@param chat gpt.Chat
---@param block gpt.Block
---@return string[]
function M.code(chat, block)
  local lines = api.nvim_buf_get_lines(chat.buf, block.first, block.last, false)
  return vim.tbl_map(function(line)
    return line:sub(1 + math.min(#line:match("^ *"), block.indent))
  end, lines)
end

--- Copies a block into the register that was given, or the usual one, and says how much that was.
---@param chat gpt.Chat
function M.yank(chat)
  local register = vim.v.register
  local block = M.at_cursor(chat)
  local lines = block and M.code(chat, block) or {}
  if #lines == 0 then
    return notice.inform({ level = "info", title = words("view.no_block"), advice = "" })
  end
  vim.fn.setreg(register, lines, "V")
  local count = line_count.lines(#lines)
  local title = words(#lines == 1 and "view.yanked_one" or "view.yanked", { lines = count })
  notice.inform({ level = "info", title = title, advice = "" })
end

return M
