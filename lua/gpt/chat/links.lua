--- Opens the link under the cursor. Neovim's own `gx` finds the address of a markdown link by a parser over the whole
--- buffer, which a chat has not: so this looks at the line.
local api = vim.api

local dialog = require("gpt.ui.dialog")
local notice = require("gpt.ui.notice")
local words = require("gpt.words")

local M = {}

--- What links look like; the address is the capture. The first one that holds the cursor counts.
local LINKS = {
  "%[[^%[%]]*%]%(<?([^%s<>()]+%b()[^%s<>()]*)>?%)",
  "%[[^%[%]]*%]%(<?([^%s<>()]+)>?[^()]*%)",
  "<(%a[%w+.-]+:[^%s<>]+)>",
}
--- An address by itself, up to what ends a sentence.
local BARE = "(%a[%w+.-]+://[^%s<>\"'`%]|]+)"

--- The capture of the first match that holds a column.
---@param line string
---@param pattern string
---@param col integer counted from 1
---@return string?
local function match_at(line, pattern, col)
  local from, to, found = line:find(pattern)
  while from do
    if from <= col and col <= to then
      return found
    end
    from, to, found = line:find(pattern, to + 1)
  end
end

--- An address without the marks that end the sentence around it.
---@param url string
---@return string
local function trimmed(url)
  url = url:gsub("[.,;:!?*_]+$", "")
  if url:sub(-1) == ")" and not url:find("(", 1, true) then
    return trimmed(url:sub(1, -2))
  end
  return url
end

--- The address of the link at a column of a line.
---@param line string
---@param col integer counted from 1
---@return string?
function M.at(line, col)
  for _, pattern in ipairs(LINKS) do
    local found = match_at(line, pattern, col)
    if found then
      return found
    end
  end
  local bare = match_at(line, BARE, col)
  return bare and trimmed(bare) or nil
end

--- What is opened without a question: what a browser and a mail program take, which ask for themselves.
local OPENED = { http = true, https = true, mailto = true }

--- An address as it is: with each sign that is not ASCII, or not seen, as its number.
---@param url string
---@return string
local function visible(url)
  local shown = url:gsub("%c", function(sign)
    return ("<%02X>"):format(sign:byte())
  end)
  return (
    shown:gsub("[\194-\244][\128-\191]*", function(sign)
      return ("<U+%04X>"):format(vim.fn.char2nr(sign, true))
    end)
  )
end

--- Whether an address may be opened without a question: of a kind that is known, and of a host that is what it looks like.
---@param url string
---@return boolean
local function is_plain(url)
  local scheme, rest = url:match("^(%a[%w+.-]*):(.*)$")
  if not scheme or not OPENED[scheme:lower()] then
    return false
  end
  -- Without a host it is a path for some programs.
  local host = rest:match("^//([^/?#]+)") or scheme:lower() == "mailto" and ""
  return host ~= false and not url:find("%c") and not host:find("[\128-\255@\\]")
end

---@param url string
local function open(url)
  local _, reason = vim.ui.open(url)
  if reason then
    notice.inform({ level = "warning", title = reason, advice = "" })
  end
end

--- Opens the link under the cursor; where there is none, what Neovim takes for one. Anything but a page or a mail is
--- asked about, with the real address.
function M.open()
  local cursor = api.nvim_win_get_cursor(0)
  local url = M.at(api.nvim_get_current_line(), cursor[2] + 1) or vim.fn.expand("<cfile>")
  if url == "" then
    return
  end
  if is_plain(url) then
    return open(url)
  end
  local choices = { words("view.link.no"), words("view.link.yes") }
  local question = words("view.link.ask", { address = visible(url) })
  dialog.select(choices, { prompt = question, kind = "gpt.link" }, function(_, index)
    vim.cmd.redraw()
    if index == 2 then
      open(url)
    end
  end)
end

return M
