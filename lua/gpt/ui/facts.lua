--- The facts at the right edge of an answer's heading: time, tokens and cost.
local numbers = require("gpt.numbers")
local words = require("gpt.words")

local M = {}

---@class gpt.ShownFacts
---@field at? integer when the answer was begun, in seconds since 1970; nil: now
---@field usage? table
---@field cost? number
---@field cut? boolean whether its provider ended it before it was whole

--- The time of day, and before it the day if that is another one.
---@param at? integer
---@return string
local function time(at)
  local day = os.date("%Y-%m-%d", at) --[[@as string]]
  local clock = os.date("%H:%M", at) --[[@as string]]
  return day == os.date("%Y-%m-%d") and clock or day .. " " .. clock
end

--- What is known of an answer, what matters most first.
---@param known gpt.ShownFacts
---@return string[]
function M.of(known)
  local facts = { known.cut and words("view.fact.cut") or nil }
  facts[#facts + 1] = time(known.at)
  if known.usage then
    facts[#facts + 1] = words("view.tokens", { count = numbers.tokens(known.usage.input + known.usage.output) })
  end
  facts[#facts + 1] = known.cost and numbers.money(known.cost) or nil
  return facts
end

return M
