--- The request that would be sent now, in a window of its own. These are methods of |gpt.Chat|.
local Chat = require("gpt.view.regions")
local notice = require("gpt.view.notice")
local remote = require("gpt.remote")
local words = require("gpt.words")

--- Asks the program what it would send.
function Chat:want_request()
  local regions, prompt = self:snapshot()
  remote.notify(self:event("request_wanted", { regions = regions, prompt = prompt }))
end

--- Shows the request, as the program has built it.
---@param lines string[]
function Chat:show_request(lines)
  local buf = notice.show_aside(lines, words("view.request.title"))
  -- What there is for this filetype may parse all of it.
  if require("gpt.gate").may_be_parsed(lines) then
    vim.bo[buf].filetype = "http"
  end
end

return Chat
