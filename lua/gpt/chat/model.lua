--- Shows which model answers, and changes it by a word of the prompt.
local api = vim.api

local bars = require("gpt.chat.bars")
local chats = require("gpt.chat.chats")
local client = require("gpt.client")
local follow = require("gpt.chat.follow")
local headings = require("gpt.chat.headings")
local library = require("gpt.library")
local session = require("gpt.client.session")
local tell = require("gpt.chat.tell")
local undo = require("gpt.chat.undo")

local M = {}

---@class gpt.ShownModel
---@field provider string
---@field model string
---@field remark string
---@field reason string why it answers where the user has named none
---@field window? integer
---@field prices_of string
---@field chosen boolean

--- Whether a prompt of the user's library is called so: it comes first.
---@return boolean
local function is_taken()
  return vim.iter(library.list()):any(function(action)
    return action.name == "model"
  end)
end

--- The model that a prompt asks for, if it does nothing else: "/model", and its name or nothing.
---@param prompt string
---@return string? name "" for a list to choose from
local function model_in(prompt)
  local name = prompt:match("^%s*/model%s*$") and "" or prompt:match("^%s*/model%s+(%S+)%s*$")
  return name and not is_taken() and name or nil
end

--- Changes the model, if that is what the prompt says; where the prompt cannot be emptied, it stays and this is said.
---@param chat gpt.Chat
---@return boolean done whether nothing is to be sent
function M.change_by_prompt(chat)
  local row = headings.prompt(chat)
  local prompt = row and table.concat(api.nvim_buf_get_lines(chat.buf, row + 1, -1, false), "\n")
  local name = prompt and model_in(prompt)
  if not name or tell.refuses_change(chat) then
    return name ~= nil
  end
  undo.break_step(chat)
  api.nvim_buf_set_lines(chat.buf, row + 1, -1, false, { "", "" })
  follow.after_edit(chat, follow.windows(chat))
  client.notify({ event = "model_requested", model = name ~= "" and name or nil })
  return true
end

--- Which model answers from now on.
---@param shown gpt.ShownModel
function M.show(shown)
  local before = session.model
  session.model = shown
  for _, chat in pairs(session.chats) do
    bars.refresh(chat)
  end
  local same = before and before.provider == shown.provider and before.model == shown.model
  if not same and (before or shown.chosen) then
    local data = { provider = shown.provider, model = shown.model }
    api.nvim_exec_autocmds("User", { pattern = "GPTModelChanged", modeline = false, data = data })
  end
end

---@return gpt.Status
function M.status()
  local chat = chats.current()
  local answering = chat and chat.answer ~= nil
  local model = session.model
  return {
    state = not client.is_running() and "off" or answering and "answering" or "idle",
    model = model and ("%s/%s"):format(model.provider, model.model) or nil,
    usage = chat and chat.usage or nil,
    estimate = chat and (chat.counted and chat.counted.input or chat.estimate) or nil,
    window = model and model.window or nil,
    cost = chat and chat.cost or nil,
    prices_of = chat and chat.cost and model and model.prices_of or nil,
  }
end

return M
