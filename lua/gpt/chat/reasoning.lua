--- A model's reasoning, shown as a markdown quotation above the text of its answer.
local config = require("gpt.config")
local words = require("gpt.words")

local M = {}

--- The line that reasoning begins with.
---@return string
local function reasoning_title()
  return ("> **%s**"):format(words("view.reasoning"))
end

--- Lines as a quotation; the first of them goes on where one was begun.
---@param lines string[]
---@return string[]
function M.quoted(lines)
  local quoted = { lines[1] }
  for index = 2, #lines do
    quoted[index] = "> " .. lines[index]
  end
  return quoted
end

--- Whether reasoning is shown as text.
---@return boolean
function M.is_shown()
  return config.get().chat.reasoning
end

--- What is written before the first piece of reasoning, which goes to the end of the third line. The second one makes the
--- title a paragraph; also, Neovim 0.10 moves a fold's beginning when lines come after its second line in insert mode.
---@return string[] lines
function M.frame()
  return { reasoning_title(), ">", "> ", "", "" }
end

--- A whole reasoning, as lines.
---@param lines string[]
---@return string[]
function M.lines(lines)
  local shown = { reasoning_title(), ">", "> " .. (lines[1] or "") }
  for index = 2, #lines do
    shown[#shown + 1] = "> " .. lines[index]
  end
  return shown
end

return M
