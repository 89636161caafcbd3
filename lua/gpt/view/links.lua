--- Links in a chat. Neovim's own `gx` finds the address of a markdown link by a parser over the whole buffer, which a
--- chat has not: so it looks at the line. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local notice = require("gpt.view.notice")

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
function Chat.link_at(line, col)
  for _, pattern in ipairs(LINKS) do
    local found = match_at(line, pattern, col)
    if found then
      return found
    end
  end
  local bare = match_at(line, BARE, col)
  return bare and trimmed(bare) or nil
end

--- Opens the link under the cursor; where there is none, what Neovim takes for one.
function Chat:open_link()
  local cursor = api.nvim_win_get_cursor(0)
  local url = Chat.link_at(api.nvim_get_current_line(), cursor[2] + 1) or vim.fn.expand("<cfile>")
  if url == "" then
    return
  end
  local _, reason = vim.ui.open(url)
  if reason then
    notice.inform({ level = "warning", title = reason, advice = "" })
  end
end

return Chat
