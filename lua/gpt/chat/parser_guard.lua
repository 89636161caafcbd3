--- Switches plugins that parse a whole chat off while it holds text that crashes or stalls Neovim's parser.
---
--- They all get their parser from |vim.treesitter.get_parser()|, which makes one for a buffer and keeps it. That one is
--- kept from parsing, so that it does not matter who uses it; Neovim's highlighter and the plugins that are known are
--- switched off as well, since what they have drawn would stay where it does not belong.
local api = vim.api

local gate = require("gpt.gate")
local markdown_plugins = require("gpt.chat.markdown_plugins")
local tell = require("gpt.chat.tell")
local words = require("gpt.words")

local M = {}

---@class (partial) gpt.Chat
---@field guard? gpt.Guard

--- What is parsed here for others.
local LANG = "markdown"
--- How many lines above a change are looked at for the paragraph that it is in.
local ABOVE = 60
--- The pause before it is looked whether such text is gone, in milliseconds, and as a multiple of what looking costs.
local PAUSE, PAUSE_FACTOR = 400, 30

---@class gpt.Guard
---@field held? vim.treesitter.LanguageTree the parser that is kept from parsing
---@field back? fun()[] what brings back what is off
---@field timer? uv.uv_timer_t
---@field next integer before this time the whole text is not looked at again, in milliseconds
---@field told? boolean

--- What a parser that is kept from parsing says it found.
---@return table<integer, TSTree>
local function nothing()
  return vim.treesitter.get_string_parser("", LANG):parse()
end

--- The parser of a buffer for others; where there is none yet, it is made without parsing, which Neovim 0.10 would do.
---@param buf integer
---@return vim.treesitter.LanguageTree?
local function parser_of(buf)
  local Tree = require("vim.treesitter.languagetree")
  local parse = Tree.parse
  Tree.parse = function()
    return {}
  end
  local ok, parser = pcall(vim.treesitter.get_parser, buf, LANG)
  Tree.parse = parse
  return ok and parser or nil
end

--- Keeps a parser from parsing.
---@param parser vim.treesitter.LanguageTree
local function keep(parser)
  local none = nothing()
  parser.parse = function(_, _, on_parse)
    if on_parse then
      on_parse(nil, none)
    end
    return none
  end
  -- What Neovim's own asynchronous parsing, which may be under way, goes on with.
  parser._parse = function()
    return none, true
  end
  parser.trees = function()
    return none
  end
  parser.for_each_tree = function() end
  parser.children = function()
    return {}
  end
end

--- Lets it parse again.
---@param parser vim.treesitter.LanguageTree
local function let(parser)
  for _, name in ipairs({ "parse", "_parse", "trees", "for_each_tree", "children" }) do
    parser[name] = nil
  end
  pcall(parser.invalidate, parser, true)
end

-- What is known to parse a whole buffer. Each switches itself off, and says how it is switched on.
---@type (fun(buf: integer): fun()?)[]
local KNOWN = {
  -- Neovim's highlighter.
  function(buf)
    local active = vim.treesitter.highlighter.active[buf]
    if active then
      local lang = active.tree:lang()
      vim.treesitter.stop(buf)
      return function()
        vim.treesitter.start(buf, lang)
      end
    end
  end,
  -- render-markdown.nvim
  function(buf)
    local manager, state = package.loaded["render-markdown.core.manager"], package.loaded["render-markdown.state"]
    if manager and state and manager.attached(buf) and state.get(buf).enabled then
      manager.set_buf(buf, false)
      return function()
        manager.set_buf(buf, true)
      end
    end
  end,
  -- markview.nvim
  function(buf)
    local actions, state = package.loaded["markview.actions"], package.loaded["markview.state"]
    local known = actions and state and state.buf_attached(buf) and state.get_buffer_state(buf, false)
    if known and known.enable then
      actions.disable(buf)
      return function()
        actions.enable(buf)
      end
    end
  end,
}

--- Whether somebody has told Neovim what a chat is to be parsed as.
---@return boolean
local function is_parsed_by_others()
  local ok, lang = pcall(vim.treesitter.language.get_lang, "gptchat")
  return ok and lang == LANG
end

--- Switches off what is on, once the change is over; tells so once.
---@param chat gpt.Chat
---@param guard gpt.Guard
local function switch_off(chat, guard)
  if not guard.held or not api.nvim_buf_is_loaded(chat.buf) then
    return
  end
  local off = false
  for _, switch in ipairs(KNOWN) do
    local ok, back = pcall(switch, chat.buf)
    off = off or not ok or back ~= nil
    guard.back[#guard.back + 1] = ok and back or nil
  end
  if not guard.told and (off or is_parsed_by_others()) then
    guard.told = true
    local title, advice = words("view.guard.off"), words("view.guard.off_advice")
    tell.inform({ level = "info", title = title, advice = advice })
  end
end

--- Brings everything back.
---@param chat gpt.Chat
---@param guard gpt.Guard
local function release(chat, guard)
  let(guard.held)
  local back = guard.back or {}
  guard.held, guard.back = nil, nil
  for _, switch_on in ipairs(back) do
    pcall(switch_on)
  end
  markdown_plugins.inform(chat.buf)
end

---@param chat gpt.Chat
---@param guard gpt.Guard
local function hold(chat, guard)
  guard.held = parser_of(chat.buf)
  if guard.held then
    keep(guard.held)
    guard.back = {}
    vim.schedule(function()
      switch_off(chat, guard)
    end)
  end
end

--- Looks at the whole text, and does what follows from it.
---@param chat gpt.Chat
---@param guard gpt.Guard
local function look(chat, guard)
  local begun = vim.uv.hrtime()
  local is_there = gate.is_too_dense(api.nvim_buf_get_lines(chat.buf, 0, -1, false))
  local now = vim.uv.hrtime()
  guard.next = now / 1e6 + math.max(PAUSE, PAUSE_FACTOR * (now - begun) / 1e6)
  if is_there and not guard.held then
    hold(chat, guard)
  elseif guard.held and not is_there then
    release(chat, guard)
  end
end

--- Looks at the whole text some time after a change.
---@param chat gpt.Chat
---@param guard gpt.Guard
local function look_later(chat, guard)
  guard.timer = guard.timer
    or vim.defer_fn(function()
      guard.timer = nil
      if chat.guard == guard and api.nvim_buf_is_loaded(chat.buf) then
        look(chat, guard)
      end
    end, math.max(PAUSE, math.ceil(guard.next - vim.uv.hrtime() / 1e6)))
end

--- Whether lines would crash the parser: the text around them does not matter.
---@param lines string[]
---@return boolean
local function is_deadly(lines)
  return vim.iter(lines):any(function(line)
    return #line > gate.MOST.line or gate.depth(line) > gate.MOST.depth
  end)
end

--- Whether changed lines may be too dense, or the paragraph that they are in. What is taken for markdown here may be code
--- that begins further up.
---@param lines string[]
---@param above string[] the lines above them, if there are more lines than before
---@return boolean
local function is_perhaps_dense(lines, above)
  for _, line in ipairs(lines) do
    if gate.is_beyond(line) or gate.is_beyond(line, "") then
      return true
    end
  end
  return #above > 0 and gate.is_too_dense(vim.list_extend(above, lines))
end

--- Looks at lines that have changed.
---@param chat gpt.Chat
---@param guard gpt.Guard
---@param first integer
---@param last integer the line after the last one
---@param is_longer boolean whether there are more lines than before
local function see(chat, guard, first, last, is_longer)
  local lines = api.nvim_buf_get_lines(chat.buf, first, last, false)
  if is_deadly(lines) then
    return hold(chat, guard)
  end
  local above = is_longer and api.nvim_buf_get_lines(chat.buf, math.max(0, first - ABOVE), first, false) or {}
  if is_perhaps_dense(lines, above) then
    if vim.uv.hrtime() / 1e6 < guard.next then
      return look_later(chat, guard)
    end
    look(chat, guard)
  end
end

--- Watches a chat's text from now on.
---@param chat gpt.Chat
function M.watch(chat)
  local guard = { told = chat.guard and chat.guard.told, next = 0 } ---@type gpt.Guard
  chat.guard = guard
  local function changed(_, _, _, first, last_before, last)
    if chat.guard ~= guard then
      return true -- a later one watches
    elseif guard.held then
      look_later(chat, guard)
    else
      pcall(see, chat, guard, first, last, last > last_before)
    end
  end
  api.nvim_buf_attach(chat.buf, false, { on_lines = changed })
  look(chat, guard)
end

return M
