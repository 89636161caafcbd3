--- Says how full the model's context window is: a part of the chat's title.
local headings = require("gpt.chat.headings")
local numbers = require("gpt.numbers")
local session = require("gpt.client.session")
local words = require("gpt.words")

local M = {}

---@class (partial) gpt.Chat
---@field estimate? integer tokens of the last request
---@field counted? table the same and its answer's, once the provider has counted them
---@field windows table<integer, gpt.WindowState> how full the model's window was, by the last message that was shown

---@class gpt.WindowState
---@field estimate? integer
---@field counted? table
---@field cut? gpt.ShownCut

--- The last message that is shown, the prompt left out; 0: none is.
---@param chat gpt.Chat
---@return integer id
local function last_message(chat)
  local found, prompt = headings.all(chat), headings.prompt(chat)
  for index = #found, 1, -1 do
    if found[index].entry.id and found[index].row ~= prompt then
      return found[index].entry.id
    end
  end
  return 0
end

--- Remembers how full the window is with what is shown, should an undo show it again.
---@param chat gpt.Chat
function M.remember(chat)
  chat.windows[last_message(chat)] = { estimate = chat.estimate, counted = chat.counted, cut = chat.cut }
end

--- After an undo: how full the window was with what is shown again.
---@param chat gpt.Chat
---@return gpt.WindowState
function M.of_shown(chat)
  return chat.windows[last_message(chat)] or {}
end

--- The tokens that the chat's last turn took: of the request alone, estimated, until the provider has counted it and
--- its answer.
---@param chat gpt.Chat
---@return integer? tokens
---@return boolean exact
local function taken(chat)
  if chat.counted then
    return chat.counted.input + chat.counted.output, true
  end
  return chat.estimate, false
end

--- ` · ~12k of 128k, cut`, without the `~` where the provider of this model has counted; nil where there is nothing to show.
---@param chat gpt.Chat
---@return string?
function M.text(chat)
  local model = session.model
  local tokens, exact = taken(chat)
  if not tokens or not model or not model.window then
    return nil
  end
  local same = chat.label == ("%s/%s"):format(model.provider, model.model)
  local key = chat.cut and "view.gauge_cut" or "view.gauge" -- the mark of the cut may be out of view
  local sign = exact and same and "" or "~"
  return " · " .. words(key, { tokens = sign .. numbers.tokens(tokens), window = numbers.tokens(model.window) })
end

return M
