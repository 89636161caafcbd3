--- The title of a chat's window: the model that answers, and how full its context window is.
local cells = require("gpt.cells")
local gauge = require("gpt.chat.gauge")
local session = require("gpt.client.session")
local words = require("gpt.words")

local M = {}

--- The least of a model's name that a title shows, in cells.
local LEAST_NAME = 12

--- The model, and how full its window is where there is room for that.
---@param chat gpt.Chat
---@param room integer cells
---@return string
function M.of(chat, room)
  local model = session.model
  local name = model and cells.plain(("%s/%s"):format(model.provider, model.model)) or "gpt.nvim"
  local remark = model and model.remark ~= "" and (" (%s)"):format(cells.plain(model.remark)) or ""
  local private = chat.private and " · " .. words("view.private") or ""
  local reason = model and (model.reason or "") ~= "" and (" (%s)"):format(cells.plain(model.reason)) or ""
  local whole = (" %s%s%s%s%s "):format(name, reason, remark, private, gauge.text(chat) or "")
  if cells.width(whole) <= room then
    return whole
  end
  local short = (" %s%s%s%s "):format(name, reason, remark, private)
  if cells.width(short) <= room then
    return short
  end
  remark = remark .. private
  -- The name gives way to what is said of it, as long as it can be told from others.
  local left = room - cells.width(remark) - 2
  return cells.cut((" %s%s "):format(cells.cut(name, math.max(left, LEAST_NAME)), remark), room)
end

return M
