--- Remembers where the selections in a chat's questions came from, for as long as the chat is there.
local content = require("gpt.chat.content")
local origins = require("gpt.code.anchor")
local selection = require("gpt.code.selection")

local M = {}

---@class (partial) gpt.Chat
---@field origins { origin: gpt.Origin, first: string, text: string }[] where selections came from, with their blocks'
---first lines and texts, oldest first

--- Remembers where a selection that goes into a question came from, for as long as the chat is there.
---@param chat gpt.Chat
---@param taken gpt.Selection
function M.keep(chat, taken)
  if taken.origin then
    local block = selection.block(taken)
    table.insert(chat.origins, { origin = taken.origin, first = block[1], text = table.concat(block, "\n") })
  end
end

--- Forgets where the selections came from.
---@param chat gpt.Chat
function M.forget(chat)
  for _, kept in ipairs(chat.origins) do
    origins.forget(kept.origin)
  end
  chat.origins = {}
end

--- Takes the first place of a text out of another one.
---@param text string
---@param part string
---@return string? rest nil if it is not there
local function without(text, part)
  local from, to = text:find(part, 1, true)
  return from and text:sub(1, from - 1) .. "\n" .. text:sub(to + 1) or nil
end

--- The selections that a text holds: those whose block stands in it; then those of which it is the first line that
--- does, since a block can be edited in the prompt. A branch or a queue may have written it anew: so its marks say nothing.
---@param chat gpt.Chat
---@param text string
---@return gpt.Origin[]
local function origins_in(chat, text)
  local found, rest = {}, text
  for _, key in ipairs({ "text", "first" }) do
    for index = #chat.origins, 1, -1 do
      local kept = chat.origins[index]
      local left = not vim.list_contains(found, kept.origin) and without(rest, kept[key])
      if left then
        table.insert(found, 1, kept.origin)
        rest = left
      end
    end
  end
  return found
end

--- The selections of the question that a message answers; if it has none, those of the nearest question above that has.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer
---@return gpt.Origin[] selections
---@return boolean own whether they are those of its own question
function M.of_answer(chat, found, index)
  local own = true
  for above = index - 1, 1, -1 do
    if found[above].entry.role == "user" then
      local held = origins_in(chat, content.body(chat, found, above))
      if #held > 0 then
        return held, own
      end
      own = false
    end
  end
  return {}, true
end

return M
