--- Checks a border before |nvim_open_win()| gets it: Neovim 0.10 loops for ever on an empty list.
local NAMES = { "none", "single", "double", "rounded", "solid", "shadow" }
if vim.fn.has("nvim-0.12") == 1 then
  NAMES[#NAMES + 1] = "bold"
end

--- The text of a border's part: a sign, or a sign and its highlight group.
---@param part any
---@return string? sign
local function sign_of(part)
  if type(part) == "table" and vim.islist(part) and (#part == 1 or #part == 2) then
    local group = part[2]
    if group ~= nil and (type(group) ~= "string" or group == "") then
      return nil
    end
    part = part[1]
  end
  if type(part) == "string" and not part:find("%c") and vim.api.nvim_strwidth(part) <= 1 then
    return part
  end
end

---@param value any
---@return boolean
return function(value)
  if type(value) == "string" then
    return vim.list_contains(NAMES, value)
  elseif type(value) ~= "table" or not vim.islist(value) then
    return false
  elseif not vim.list_contains({ 1, 2, 4, 8 }, #value) then
    return false
  end
  local signs = {}
  for index = 1, 8 do
    local sign = sign_of(value[(index - 1) % #value + 1])
    if not sign then
      return false
    end
    signs[index] = sign
  end
  -- Between two edges that are drawn there is a corner.
  for corner = 1, 7, 2 do
    local before = signs[(corner - 2) % 8 + 1]
    if signs[corner] == "" and before ~= "" and signs[corner + 1] ~= "" then
      return false
    end
  end
  return true
end
