--- Formats token counts and amounts of money in few signs, as the cases in `data/numbers.json` show; `src/numbers.rs` is
--- the same for the program.
local M = {}

--- Rounds to whole parts: counted, as Rust and LuaJIT round halves differently.
---@param number number
---@param parts number of one
---@return integer
local function rounded(number, parts)
  return math.floor(number * parts + 0.5)
end

--- A number of tokens: `940`, `8.2k`, `400k`, `1.05M`.
---@param count integer
---@return string
function M.tokens(count)
  if count < 1000 then
    return tostring(count)
  elseif count < 9950 then
    return (("%.1f"):format(math.floor((count + 50) / 100) / 10):gsub("%.0$", "")) .. "k"
  elseif count < 999500 then
    return ("%.0fk"):format(math.floor((count + 500) / 1000))
  end
  return (("%.2f"):format(math.floor((count + 5000) / 10000) / 100):gsub("%.?0+$", "")) .. "M"
end

--- An amount of US dollars, exact enough to tell cheap answers apart: `$2`, `$7.50`, `$0.075`, `<$0.0001`.
---@param dollars number
---@return string
function M.money(dollars)
  if not (dollars > 0) then
    return "$0"
  elseif dollars < 0.0001 then
    return "<$0.0001"
  elseif dollars >= 1 then
    return dollars % 1 == 0 and ("$%.0f"):format(dollars) or ("$%.2f"):format(rounded(dollars, 100) / 100)
  end
  return (("$%.4f"):format(rounded(dollars, 10000) / 10000):gsub("00$", ""):gsub("(%.%d%d%d)0$", "%1"))
end

return M
