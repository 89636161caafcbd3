--- Shows how much of the model's context window a chat takes, and where that begins which is sent.
local bars = require("gpt.chat.bars")
local cut = require("gpt.chat.cut")
local gauge = require("gpt.chat.gauge")
local rules = require("gpt.chat.rules")

local M = {}

--- Shows how much of the model's window is taken, and where that begins which is sent.
---@param chat gpt.Chat
---@param shown { estimate?: integer, cut?: gpt.ShownCut, rules?: string }
function M.show(chat, shown)
  cut.show(chat, shown.cut)
  rules.show(chat, shown.rules)
  chat.estimate, chat.counted = shown.estimate, nil
  gauge.remember(chat)
  bars.retitle(chat)
end

--- After an undo: the same of the messages that are shown again.
---@param chat gpt.Chat
function M.redraw(chat)
  local state = gauge.of_shown(chat)
  cut.show(chat, state.cut)
  chat.estimate, chat.counted = state.estimate, state.counted
  bars.retitle(chat)
end

return M
