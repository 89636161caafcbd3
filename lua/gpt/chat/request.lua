--- Shows the request that would be sent now, in a window of its own.
local aside = require("gpt.ui.aside")
local client = require("gpt.client")
local content = require("gpt.chat.content")
local gate = require("gpt.gate")
local program = require("gpt.chat.program")
local words = require("gpt.words")

local M = {}

--- Asks the program what it would send.
---@param chat gpt.Chat
function M.want(chat)
  local regions, prompt = content.snapshot(chat)
  client.notify(program.event(chat, "request_wanted", { regions = regions, prompt = prompt }))
end

--- Shows the request, as the program has built it.
---@param lines string[]
function M.show(lines)
  local buf = aside.show_aside(lines, words("view.request.title"))
  -- What there is for this filetype may parse all of it.
  if gate.may_be_parsed(lines) then
    vim.bo[buf].filetype = "http"
  end
end

return M
