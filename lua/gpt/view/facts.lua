--- What a heading says of an answer at its right edge: time, tokens and cost.
local words = require("gpt.words")

local M = {}

---@class gpt.ShownFacts
---@field at? integer when the answer was begun, in seconds since 1970; nil: now
---@field usage? table
---@field cost? number
---@field cut? boolean whether its provider ended it before it was whole

--- A number of tokens, in few signs: 940, 1.2k, 25k.
---@param count integer
---@return string
local function short(count)
  if count < 1000 then
    return tostring(count)
  end
  return count < 9950 and ("%.1fk"):format(count / 1000) or ("%.0fk"):format(count / 1000)
end

--- A price in US dollars, exact enough to tell cheap answers apart.
---@param cost number
---@return string
local function price(cost)
  if cost == 0 then
    return "$0"
  end
  return cost < 0.0001 and "<$0.0001" or cost < 1 and ("$%.4f"):format(cost) or ("$%.2f"):format(cost)
end

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
    facts[#facts + 1] = words("view.tokens", { count = short(known.usage.input + known.usage.output) })
  end
  facts[#facts + 1] = known.cost and price(known.cost) or nil
  return facts
end

return M
