--- Finds selections that an earlier session has asked about by what the question says of them: path, lines and text.
local api = vim.api

local blocks = require("gpt.context.blocks")
local content = require("gpt.chat.content")
local fences = require("gpt.fence")
local origins = require("gpt.code.anchor")

local M = {}

---@class gpt.Mentioned a selection, as a question has it
---@field path string
---@field first integer counted from 1
---@field last integer
---@field lines string[]
---@field head string the line that says where it comes from
---@field text string all lines of it

--- What is said above a block: "From `f.lua`, lines 5-6:", in any language.
---@param line string
---@return string? path
---@return string? first
---@return string? last
local function said_above(line)
  local marks = line:match("`+")
  if not marks then
    return nil
  end
  local _, stop, path = line:find(marks .. "(.-)" .. marks)
  if not path then
    return nil
  end
  path = #marks > 1 and path:match("^ (.*) $") or path
  local first, last = line:sub(stop + 1):match("(%d+)%-?(%d*)")
  return path, first, last
end

--- What a block of a question says of where it comes from.
---@param lines string[]
---@param fence gpt.Fence
---@return gpt.Mentioned?
local function mentioned(lines, fence)
  local title, head = blocks.title(fence.info), fence.first
  local path, first, last
  if title then
    path, first, last = title.name:match("^(.+):(%d+)%-?(%d*)$")
    path = title.word == "#selection" and path or nil
  elseif fence.first > 2 and lines[fence.first - 1] == "" then
    head = fence.first - 2
    path, first, last = said_above(lines[head])
  end
  if not path or not first then
    return nil
  end
  return {
    path = path,
    first = tonumber(first),
    last = tonumber(last ~= "" and last or first),
    lines = vim.list_slice(lines, fence.first + 1, fence.last - 1),
    head = lines[head],
    text = table.concat(vim.list_slice(lines, head, fence.last), "\n"),
  }
end

--- Loads a buffer. A file that is open in another Neovim, which one sees by a swap file of the usual name, is opened
--- read-only, without a question.
---@param buf integer
---@return boolean loaded
local function open_buffer(buf)
  local kept = vim.o.shortmess
  vim.opt.shortmess:append("A")
  local loaded = pcall(vim.fn.bufload, buf)
  vim.o.shortmess = kept
  local swap = loaded and vim.fn.swapname(buf) or ""
  if swap ~= "" and not swap:find("%.swp$") then
    vim.bo[buf].readonly = true
  end
  return loaded
end

--- The buffer of a path, loaded if there is such a file.
---@param path string
---@param root? string
---@return integer? buf
---@return boolean was_open
local function buffer_of(path, root)
  path = vim.fs.normalize(path, { expand_env = false })
  for _, folder in ipairs({ root or vim.fn.getcwd(), vim.fn.getcwd() }) do
    local full = path:find("^/") and path or vim.fs.joinpath(folder, path)
    if vim.fn.bufloaded(full) == 1 then
      return vim.fn.bufadd(full), true
    elseif (vim.uv.fs_stat(full) or {}).type == "file" then
      local buf = vim.fn.bufadd(full)
      vim.bo[buf].buflisted = true
      return open_buffer(buf) and buf or nil, false
    end
  end
  return nil, false
end

--- Where the text of a selection stands now: where it stood, else in the only other place that reads so.
---@param buf integer
---@param about gpt.Mentioned
---@return gpt.Place?
local function place_of(buf, about)
  local row, last = about.first - 1, about.last
  if #about.lines == 0 then
    return nil
  elseif vim.deep_equal(api.nvim_buf_get_lines(buf, row, last, false), about.lines) then
    return origins.lines(buf, row, last)
  end
  return origins.search(buf, about.lines, false, row, last)
    or origins.search(buf, about.lines, true)
    or origins.search(buf, about.lines, false)
end

--- Takes up a selection again.
---@param chat gpt.Chat
---@param about gpt.Mentioned
---@return boolean found
local function take_up(chat, about)
  local buf, was_open = buffer_of(about.path, chat.project)
  local place = buf and place_of(buf, about)
  if not buf or not place then
    return false
  end
  local kind = place.whole and "V" or "v"
  local yank = { kind = kind, first = place.from[1] + 1, col = place.from[2], lines = about.lines }
  local origin = origins.of(buf, yank, about.path)
  origin.unseen = not was_open or nil
  table.insert(chat.origins, { origin = origin, first = about.head, text = about.text })
  return true
end

--- Finds the selections of the question that a message answers, else of the nearest one above that has some, where this
--- session has not seen them being made.
---@param chat gpt.Chat
---@param found gpt.Heading[]
---@param index integer
---@return string? lost the path of one, if none of them is found
function M.find(chat, found, index)
  for above = index - 1, 1, -1 do
    local lines = found[above].entry.role == "user" and vim.split(content.body(chat, found, above), "\n") or {}
    local held, lost = 0, nil
    for _, fence in ipairs(fences.all(lines)) do
      local about = mentioned(lines, fence)
      held = held + (about and take_up(chat, about) and 1 or 0)
      lost = about and about.path or lost
    end
    if lost then
      return held == 0 and lost or nil
    end
  end
end

return M
