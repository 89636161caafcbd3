--- Extmarks by their numbers, in the order of their places.
local api = vim.api

local M = {}

---@class gpt.Mark
---@field number integer
---@field row integer
---@field col integer
---@field details table see |nvim_buf_get_extmark_by_id()|
---@field valid boolean whether its text is there

--- Marks by their numbers, in the order of their places. Asked for a namespace's marks, Neovim goes through all marks of
--- the lines, those of the colours too: 10 ms for a chat of 20,000 lines.
---@param chat gpt.Chat
---@param namespace integer
---@param numbers table<integer, any>
---@return gpt.Mark[]
function M.of(chat, namespace, numbers)
  local found = {}
  for number in pairs(numbers) do
    local at = api.nvim_buf_get_extmark_by_id(chat.buf, namespace, number, { details = true, hl_name = false })
    if at[1] then
      local details = at[3] or {}
      found[#found + 1] = { number = number, row = at[1], col = at[2], details = details, valid = not details.invalid }
    end
  end
  table.sort(found, function(a, b)
    if a.row ~= b.row then
      return a.row < b.row
    elseif a.col ~= b.col then
      return a.col < b.col
    end
    return a.number < b.number
  end)
  return found
end

return M
