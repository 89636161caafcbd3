--- Folds messages (open), their reasoning and their blocks of context (closed).
---
--- They are made by hand ('foldmethod' "manual"). Neovim evaluates no 'foldexpr' in insert mode, where most answers
--- arrive, and a fold that is made costs nothing afterwards: it grows with its text.
local api = vim.api

local answer_parts = require("gpt.chat.answer_parts")
local blocks = require("gpt.context.blocks")
local cells = require("gpt.cells")
local chats = require("gpt.chat.chats")
local fences = require("gpt.fence")
local headings = require("gpt.chat.headings")
local line_count = require("gpt.ui.line_count")
local numbers = require("gpt.numbers")
local words = require("gpt.words")

local M = {}

--- The most that a fold's text is drawn of: no screen has more.
local MOST_CELLS = 1000

--- The widest drawing over a heading that its fold leaves room for, in columns: an icon, not a line.
local WIDEST_OVERLAY = 8

---@param win integer
function M.set_options(win)
  local set = function(name, value)
    api.nvim_set_option_value(name, value, { win = win, scope = "local" })
  end
  set("foldmethod", "manual")
  set("foldenable", true)
  set("foldlevel", 1)
  set("foldtext", "v:lua.require'gpt.chat.folds'.text()")
  local signs = vim.tbl_filter(function(sign)
    return sign ~= "" and not vim.startswith(sign, "fold:")
  end, vim.split(vim.go.fillchars, ",", { plain = true }))
  signs[#signs + 1] = "fold: "
  if not vim.go.fillchars:find("eob:", 1, true) then
    signs[#signs + 1] = "eob: " -- no tildes below the prompt
  end
  set("fillchars", table.concat(signs, ","))
end

--- Makes a fold in the current window, unless there is one.
---@param first integer
---@param last integer the line after the last one
---@param level integer
local function make(first, last, level)
  if last - first < 2 or vim.fn.foldlevel(first + 1) >= level then
    return
  end
  vim.cmd(("silent! %d,%dfold"):format(first + 1, last))
  if level == 1 then
    vim.cmd(("silent! %dfoldopen"):format(first + 1))
  end
end

--- The blocks of context in a question. Each is folded with the blank line above it: what Neovim's highlighter hides of a
--- fence, and what plugins that draw markdown put over it, concerns a fold that begins with the fence, too.
---@param buf integer
---@param row integer its heading
---@param last integer the line after its last one
---@return { first: integer, last: integer }[] rows without the last one
local function context_of(buf, row, last)
  local lines, found = api.nvim_buf_get_lines(buf, row + 1, last, false), {}
  for _, fence in ipairs(fences.all(lines)) do
    if blocks.title(fence.info) then
      local is_blank_above = fence.first > 1 and not lines[fence.first - 1]:find("%S")
      local first = row + fence.first - (is_blank_above and 1 or 0)
      found[#found + 1] = { first = first, last = row + fence.last + 1 }
    end
  end
  return found
end

---@class gpt.FoldedMessage
---@field row integer
---@field last integer the line after its last one
---@field role string

--- Makes those folds of some messages that are not there, in every window of the chat.
---@param chat gpt.Chat
---@param messages gpt.FoldedMessage[]
local function make_all(chat, messages)
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if vim.wo[win].foldmethod == "manual" then
      api.nvim_win_call(win, function()
        for _, message in ipairs(messages) do
          make(message.row, message.last, 1)
          for _, block in ipairs(message.role == "user" and context_of(chat.buf, message.row, message.last) or {}) do
            make(block.first, block.last, 2)
          end
          for _, found in ipairs(answer_parts.within(chat, message.row, message.last)) do
            if found.part.kind == "reasoning" then
              make(found.from[1], math.min(found.to[1] + 2, message.last), 2) -- with the blank line below
            end
          end
        end
      end)
    end
  end
end

--- Takes away the folds of a message that is about to be lengthened at its end: they are to be made anew, since a fold
--- does not take in what comes below it, and one within takes in what comes in the place of its lines.
---@param chat gpt.Chat
---@param row integer its heading
function M.drop(chat, row)
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if vim.wo[win].foldmethod == "manual" then
      api.nvim_win_call(win, function()
        local view = vim.fn.winsaveview()
        if vim.fn.foldlevel(row + 1) > 0 then
          vim.cmd(("silent! keepjumps %d normal! zD"):format(row + 1))
        end
        vim.fn.winrestview(view)
      end)
    end
  end
end

--- The messages from `row` on, the prompt left out.
---@param chat gpt.Chat
---@param row integer
---@return gpt.FoldedMessage[]
local function messages_from(chat, row)
  local found, before = {}, nil
  for _, heading in ipairs(headings.all(chat)) do
    if heading.row >= row then
      if before then
        before.last = heading.row
        found[#found + 1] = before
      end
      before = { row = heading.row, role = heading.entry.role }
    end
  end
  if before and before.row ~= headings.prompt(chat) then
    before.last = api.nvim_buf_line_count(chat.buf)
    found[#found + 1] = before
  end
  return found
end

--- Makes the folds that are not there, of the messages from `row` on.
---@param chat gpt.Chat
---@param row? integer
function M.update(chat, row)
  if #vim.fn.win_findbuf(chat.buf) > 0 then
    make_all(chat, messages_from(chat, row or 0))
  end
end

--- The first words of a message.
---@param first integer counted from 1
---@param last integer
---@return string
local function first_words(chat, first, last)
  local text = answer_parts.said_within(chat, first, math.min(last, first + 200))
  return cells.first(vim.trim(text:gsub("%s+", " ")), 80)
end

--- What each block of context was measured to have, by what its first line says and how many lines it has: the text of
--- a fold is asked for at each redraw.
---@type table<string, integer>
local measured = {}

--- "▸ #file:src/x.rs  120 lines  ~1.2k tokens".
---@param title gpt.ContextTitle
---@param first integer the fold's first line
---@param last integer
---@return string
local function of_context(title, first, last)
  local name = title.name == "" and title.word or ("%s %s"):format(title.word, title.name)
  local count = math.max(last - first - 1, 0)
  local key = ("%s %d %d"):format(name, api.nvim_get_current_buf(), count)
  if not measured[key] then
    local text = table.concat(api.nvim_buf_get_lines(0, first, last - 1, false), "\n")
    measured[key] = blocks.tokens(text)
  end
  local tokens = words("view.tokens", { count = "~" .. numbers.tokens(measured[key]) })
  return ("▸ %s  %s  %s"):format(name, line_count.lines(count), tokens)
end

--- Room for what a plugin that draws markdown has put over a heading's "## ": Neovim draws it over a closed fold, too.
---@param row integer
---@return string
local function room_for_overlay(row)
  local width = 0
  for _, mark in
    ipairs(api.nvim_buf_get_extmarks(0, -1, { row, 0 }, { row, 0 }, { details = true, type = "virt_text" }))
  do
    for _, chunk in ipairs(mark[4].virt_text_pos == "overlay" and mark[4].virt_text or {}) do
      width = width + api.nvim_strwidth(chunk[1])
    end
  end
  return (" "):rep(math.min(width, WIDEST_OVERLAY))
end

--- The text of the closed fold at `v:foldstart`.
---@return string
function M.text()
  local first, last = vim.v.foldstart, vim.v.foldend
  local line = vim.fn.getline(first)
  local fence = line:find("%S") and first or first + 1
  local title = blocks.title_of_line(vim.fn.getline(fence))
  if title then
    return of_context(title, fence, last)
  end
  local chat = chats.of_buffer(api.nvim_get_current_buf())
  if not chat then
    return line
  end
  for _, found in ipairs(answer_parts.within(chat, first - 1, first)) do
    if found.part.kind == "reasoning" then
      local count = math.max(found.to[1] - found.from[1] - 1, 1)
      return ("  %s · %s"):format(words("view.reasoning"), line_count.lines(count))
    end
  end
  local said = first_words(chat, first, last)
  local name = room_for_overlay(first - 1) .. line:gsub("^## ", "")
  return cells.cut(said == "" and name or ("%s · %s"):format(name, said), MOST_CELLS)
end

return M
