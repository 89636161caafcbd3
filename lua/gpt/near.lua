--- Finds the known name that a mistyped one may stand for.

--- How many letters may be put in, taken out or replaced.
local MOST = 2
--- Longer names are not looked at.
local LONGEST = 40

--- How many letters are put in, taken out or replaced (Levenshtein); two that changed places count once.
---@param a string
---@param b string
---@return integer
local function distance(a, b)
  local before, row = nil, {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local next_row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      next_row[j] = math.min(row[j - 1] + (same and 0 or 1), row[j] + 1, next_row[j - 1] + 1)
      if before and i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        next_row[j] = math.min(next_row[j], before[j - 2] + 1)
      end
    end
    before, row = row, next_row
  end
  return row[#b]
end

---@param typed any
---@param names string[]
---@return string? name
return function(typed, names)
  if type(typed) ~= "string" or #typed > LONGEST then
    return nil
  end
  local nearest, least = nil, MOST + 1
  for _, name in ipairs(names) do
    local far = distance(typed, name)
    if far < least and far < #name then
      nearest, least = name, far
    end
  end
  return nearest
end
