--- Cuts text to a width in cells of the screen, on one line: titles, bars, names, notices. The only place that does;
--- whatever the text holds and whatever the width is, negative too, it ends.
local M = {}

--- What stands for the rest.
local REST = "…"
--- The most bytes of a text that are looked at for each cell of room: an emoji of several parts has 25.
local MOST_BYTES = 64

--- A text without what would end its line or act on the terminal: line breaks, NUL and other control characters; and
--- valid UTF-8, for Neovim draws other bytes as it likes.
---@param text string
---@return string
function M.plain(text)
  if not text:find("[%c\194\226\239]") then
    return text
  end
  text = text:gsub("%c", " ")
  -- C1 controls, marks of direction and zero width, the byte order mark.
  text = text:gsub("\194[\128-\159]", " "):gsub("\226\128[\139\142\143\168-\174]", ""):gsub("\226\129[\166-\169]", "")
  return (text:gsub("\239\187\191", ""))
end

--- How many cells a text takes.
---@param text string
---@return integer
function M.width(text)
  -- Vim script's own takes a string with a NUL for a blob.
  return vim.api.nvim_strwidth((text:gsub("[%z\n]", " ")))
end

--- A text's first signs, as many as have room; at least one if there is one and `width` is not 0.
---@param text string
---@param width integer
---@return string
function M.first(text, width)
  if width <= 0 then
    return ""
  end
  text = text:gsub("%z", " ")
  if #text > width * MOST_BYTES then
    local most = width * MOST_BYTES
    text = text:sub(1, most + vim.str_utf_start(text, most + 1))
  end
  -- No more signs than cells, as a rule: those that take none follow another one, and count with it.
  local least, most = 1, math.min(width, vim.fn.strcharlen(text))
  while least < most do
    local middle = math.ceil((least + most) / 2)
    if M.width(vim.fn.strcharpart(text, 0, middle, true)) <= width then
      least = middle
    else
      most = middle - 1
    end
  end
  return vim.fn.strcharpart(text, 0, least, true)
end

--- A text on one line in at most `width` cells, with "…" for what has no room.
---@param text string
---@param width integer may be negative
---@return string
function M.cut(text, width)
  text = M.plain(text)
  local rest = M.width(REST)
  if width <= 0 then
    return ""
  elseif #text <= width * MOST_BYTES and M.width(text) <= width then
    return text
  elseif rest >= width then
    return rest == width and REST or ""
  end
  local head = M.first(text, width - rest)
  return (M.width(head) <= width - rest and head or "") .. REST
end

return M
