--- Asks a model for other plugins, without a chat, a buffer or a history. See |gpt-lua-ask|.
local client = require("gpt.client")
local notice = require("gpt.ui.notice")
local words = require("gpt.words")

local M = {}

---@class gpt.Asking
---@field on_event fun(event: gpt.AskEvent)
---@field told? boolean whether a mistake of on_event was told

---@type table<integer, gpt.Asking> by ticket
local open = {}

--- What an answer ends with.
local LAST = { done = true, failed = true, cut = true, stopped = true }

--- Hands an event on; after the last one nothing more comes. What `on_event` raises is told once.
---@param ticket integer
---@param event gpt.AskEvent
local function tell(ticket, event)
  local asking = open[ticket]
  if not asking then
    return
  end
  if LAST[event.type] then
    open[ticket] = nil
  end
  local ok, problem = pcall(asking.on_event, event)
  if not ok and not asking.told then
    asking.told = true
    local lines = vim.split(tostring(problem), "\n")
    notice.inform({
      level = "error",
      title = words("view.ask.callback", { reason = lines[1] }),
      advice = "",
      details = lines,
    })
  end
end

--- The program tells what comes of a question.
---@param data { ticket: integer, events: gpt.AskEvent[] }
function M.hear(data)
  for _, event in ipairs(data.events) do
    tell(data.ticket, event)
  end
end

--- Asks; what comes of it goes to `on_event`, never before this has returned.
---@param messages gpt.AskMessage[]
---@param options gpt.AskOptions
---@param on_event fun(event: gpt.AskEvent)
---@return gpt.AskHandle
function M.start(messages, options, on_event)
  local ticket = client.new_ticket()
  open[ticket] = { on_event = on_event }
  local said = vim.tbl_map(function(message)
    return { role = message.role, content = message.content }
  end, messages)
  local asked = {
    event = "asked",
    ticket = ticket,
    messages = said,
    model = options.model,
    temperature = options.temperature,
    max_tokens = options.max_tokens,
    system = options.system,
  }
  if not client.notify(asked) then
    vim.schedule(function()
      local title, advice = words("view.program.not_running"), ":checkhealth gpt"
      tell(ticket, { type = "failed", error = title .. " " .. advice })
    end)
  end
  return {
    stop = function()
      if open[ticket] then
        client.notify({ event = "ask_stopped", ticket = ticket })
        tell(ticket, { type = "stopped" })
      end
    end,
  }
end

client.on_end(function()
  for _, ticket in ipairs(vim.tbl_keys(open)) do
    tell(ticket, { type = "failed", error = words("view.program_ended") })
  end
end)

return M
