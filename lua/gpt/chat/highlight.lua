--- Highlights a chat's text, a few blocks at a time.
---
--- A tree-sitter parser over the whole chat makes every token cost a parse of everything. Here a finished block of
--- markdown (up to a blank line or the end of a code fence) is parsed once, as a string, and its highlights are kept as
--- extmarks; only the block that is still being written is parsed again, and the pause between two parses follows what
--- the last one cost. So the cost of a token does not depend on the chat's length, and drawing a frame parses nothing.
local api = vim.api

local gate = require("gpt.gate")
local places = require("gpt.chat.places")

local M = {}

---@class (partial) gpt.Chat
---@field highlighting? gpt.Highlighting

local fences = require("gpt.fence")
local namespace = api.nvim_create_namespace("gpt.highlight")
--- The marks that say how far an answer is highlighted for good; kept apart, since highlights are cleared by lines.
local progress = api.nvim_create_namespace("gpt.highlight.progress")
--- How often a buffer's highlights were forgotten: what was under way then is given up, since Neovim gives the numbers of
--- cleared marks anew.
---@type table<integer, integer>
local rounds = {}

--- The most lines parsed at once; a longer code block is cut, each piece as if fenced by itself.
local MOST_LINES = gate.MOST.lines
--- The most lines of a question that are highlighted.
local MOST_LINES_ONCE = 400
--- The shortest pause between two parses, in milliseconds, and the pause as a multiple of the last parse. Text is there
--- at once, only its colours lag; at a third of the pause they would cost more than all the rest of a slow stream.
local SHORTEST_PAUSE, PAUSE_FACTOR = 380, 30
--- While finished blocks wait, the pause is shorter.
local BACKLOG_FACTOR = 4

---@class gpt.Highlighting
---@field from integer extmark where the text begins that is not highlighted for good
---@field fence? string the code fence that is open there, e.g. "```lua"
---@field timer? uv.uv_timer_t

--- Walks over lines; says where the last finished block ends.
---@param lines string[]
---@param fence? string the fence that is open at their start
---@param is_cut? boolean whether more lines would be too many: then the last one but one ends a block, if no other does
---@return integer finished how many lines are finished blocks
---@return string? fence the fence that is open after those
local function finished_blocks(lines, fence, is_cut)
  local finished, open_there, open = 0, fence, fence
  local marks = fence and fence:match("^[`~]+")
  for index = 1, #lines - 1 do -- the last line may still grow
    local line, kind = lines[index], nil
    kind, marks = fences.next(marks, line)
    if kind == "opens" then
      open = gate.fence(line)
    elseif kind == "closes" or kind == "text" and line:find("^%s*$") then
      open = nil
      finished, open_there = index, nil
    end
  end
  if finished == 0 and (is_cut or open and #lines > MOST_LINES) then
    return #lines - 1, open -- a long block: cut it here
  end
  return finished, open_there
end

--- The queries of languages; false where there are none. Neovim 0.10 remembers queries only until it collects garbage,
--- and compiling them again and again made a parse ten times slower: so they are kept here.
---@type table<string, { highlights: vim.treesitter.Query, injections?: vim.treesitter.Query }|false>
local loaded = {}

--- Loads a language. Neovim takes up to 30 ms to compile the queries of one, for the first time in a session.
---@param lang string
local function load(lang)
  if loaded[lang] == nil then
    local ok, queries = pcall(function()
      local get = vim.treesitter.query.get
      return { highlights = get(lang, "highlights"), injections = get(lang, "injections") }
    end)
    loaded[lang] = ok and queries.highlights and queries or false
  end
end

--- Whether a parser can be had; without one the chat is plain.
local function has_parser()
  load("markdown")
  return loaded.markdown ~= false
end

--- The first language that these lines need and that is not loaded yet.
---@param lines string[]
---@param fence? string the code fence that is open before them
---@return string? lang
local function not_loaded(lines, fence)
  if loaded.markdown_inline == nil then
    return "markdown_inline"
  end
  for index = fence and 0 or 1, #lines do
    local _, info = fences.opening(index == 0 and fence or lines[index])
    local name = info and info:match("^%s*([%w_+#-]+)")
    local lang = name and (vim.treesitter.language.get_lang(name:lower()) or name:lower())
    if lang and loaded[lang] == nil then
      return lang
    end
  end
end

--- Loads what every answer needs, some time after now, so that the first answer does not wait for it.
function M.warm()
  for delay, lang in pairs({ [100] = "markdown", [250] = "markdown_inline" }) do
    if loaded[lang] == nil then
      vim.defer_fn(function()
        load(lang)
      end, delay)
    end
  end
end

---@param buf integer
---@param row integer first line of the text in the buffer
---@param root TSNode
---@param lang string
---@param text string
---@param until_when number by |os.clock()|; what has no highlight by then stays without
local function mark_tree(buf, row, root, lang, text, until_when)
  load(lang)
  local query = loaded[lang] and loaded[lang].highlights
  if not query then
    return
  end
  for id, node, metadata in query:iter_captures(root, text) do
    if os.clock() > until_when then
      return
    end
    local name = query.captures[id]
    -- What 'conceallevel' hides; it is 0 unless the user, or a plugin that draws markdown, has set it.
    local conceal = metadata.conceal or metadata[id] and metadata[id].conceal
    local colour = name ~= "conceal" and ("@%s.%s"):format(name, lang) or nil
    if name:sub(1, 1) ~= "_" and name ~= "spell" and name ~= "nospell" and (colour or conceal) then
      local from_row, from_col, to_row, to_col = node:range()
      if from_row + row >= 0 then
        pcall(api.nvim_buf_set_extmark, buf, namespace, from_row + row, from_col, {
          end_row = to_row + row,
          end_col = to_col,
          hl_group = colour,
          conceal = conceal,
          priority = tonumber(metadata.priority) or 100,
          strict = false,
        })
      end
    end
  end
end

--- Parses lines and sets their highlights.
---@param buf integer
---@param row integer where they begin in the buffer
---@param lines string[]
---@param fence? string the code fence that is open before them
local function highlight(buf, row, lines, fence)
  local parser, text = gate.parse(lines, fence)
  local until_when = os.clock() + gate.MOST.time / 1000
  row = fence and row - 1 or row
  if parser then
    parser:for_each_tree(function(tree, language)
      mark_tree(buf, row, tree:root(), language:lang(), text, until_when)
    end)
  end
end

--- Highlights text that is not being written, such as a question: the first piece at once, the others later, so that
--- a long one does not hold the editor up. Marks keep the place while the text is edited.
---@param buf integer
---@param first integer
---@param last integer line after the last one
function M.once(buf, first, last)
  if not has_parser() then
    return
  end
  last = math.min(last, first + MOST_LINES_ONCE)
  local from = api.nvim_buf_set_extmark(buf, progress, first, 0, {})
  local to = api.nvim_buf_set_extmark(buf, progress, last, 0, {})
  local round, fence = rounds[buf], nil
  local function piece()
    if not api.nvim_buf_is_valid(buf) or rounds[buf] ~= round then
      return
    end
    local row = api.nvim_buf_get_extmark_by_id(buf, progress, from, {})[1]
    local stop = api.nvim_buf_get_extmark_by_id(buf, progress, to, {})[1]
    -- Where `:edit` has read the buffer again, Neovim 0.10 leaves marks below its last line.
    stop = stop and math.min(stop, api.nvim_buf_line_count(buf))
    if not row or not stop or row >= stop then
      api.nvim_buf_del_extmark(buf, progress, from)
      api.nvim_buf_del_extmark(buf, progress, to)
      return
    end
    local lines = api.nvim_buf_get_lines(buf, row, math.min(stop, row + MOST_LINES + 1), false)
    local fitting = gate.fit(lines, fence)
    local is_cut = fitting < #lines
    lines = vim.list_slice(lines, 1, fitting)
    lines[#lines + 1] = ""
    local finished, open = finished_blocks(lines, fence, is_cut)
    local count = math.min(finished > 0 and finished or #lines, stop - row)
    pcall(highlight, buf, row, vim.list_slice(lines, 1, count), fence)
    fence = finished > 0 and open or nil
    api.nvim_buf_set_extmark(buf, progress, row + count, 0, { id = from })
    vim.defer_fn(piece, 10)
  end
  piece()
end

--- How long messages are highlighted in one go, in nanoseconds, and the pause after it, in milliseconds.
local SLICE, SLICE_PAUSE = 4e6, 16

--- Highlights messages bit by bit, the last one first: all of a long chat at once would hold the editor up.
---@param buf integer
---@param ranges integer[][] first lines, and lines after the last ones
function M.gradually(buf, ranges)
  if not has_parser() then
    return
  end
  local marks = vim.tbl_map(function(range)
    return api.nvim_buf_set_extmark(buf, progress, range[1], 0, { end_row = range[2] })
  end, ranges)
  local round = rounds[buf]
  local function is_wanted()
    return #marks > 0 and api.nvim_buf_is_valid(buf) and rounds[buf] == round
  end
  local function go_on()
    local begun = vim.uv.hrtime()
    while is_wanted() and vim.uv.hrtime() - begun < SLICE do
      local mark = table.remove(marks)
      local at = api.nvim_buf_get_extmark_by_id(buf, progress, mark, { details = true })
      api.nvim_buf_del_extmark(buf, progress, mark)
      -- Where `:edit` has read the buffer again, marks are left below its last line.
      local last = at[1] and math.min(at[3].end_row, api.nvim_buf_line_count(buf)) or 0
      if at[1] and at[1] < last then
        M.once(buf, at[1], last)
      end
    end
    if is_wanted() then
      vim.defer_fn(go_on, SLICE_PAUSE)
    end
  end
  vim.schedule(go_on)
end

--- Forgets what is highlighted and what waits for it: where `:edit` has read the buffer again, the marks are somewhere.
---@param chat gpt.Chat
function M.forget(chat)
  rounds[chat.buf], chat.highlighting = (rounds[chat.buf] or 0) + 1, nil
  api.nvim_buf_clear_namespace(chat.buf, namespace, 0, -1)
  api.nvim_buf_clear_namespace(chat.buf, progress, 0, -1)
end

--- Begins to follow an answer that is being written at `row`.
---@param chat gpt.Chat
---@param row integer
function M.begin(chat, row)
  if has_parser() then
    chat.highlighting = { from = api.nvim_buf_set_extmark(chat.buf, progress, row, 0, { right_gravity = false }) }
  end
end

--- Leaves lines out that have just been written above the answer's text.
---@param chat gpt.Chat
---@param row integer the line below them
function M.skip(chat, row)
  local state = chat.highlighting
  local from = state and api.nvim_buf_get_extmark_by_id(chat.buf, progress, state.from, {})[1]
  if from and from < row then
    api.nvim_buf_set_extmark(chat.buf, progress, row, 0, { id = state.from, right_gravity = false })
  end
end

--- One step: finished blocks for good, or the open one for now.
---@param chat gpt.Chat
---@return boolean backlog whether finished blocks may still wait
---@return boolean? rest whether text follows the blocks that were finished
local function step(chat)
  local state = chat.highlighting
  local row = api.nvim_buf_get_extmark_by_id(chat.buf, progress, state.from, {})[1]
  local last = places.answer(chat)
  if not row or not last then
    return false
  end
  local lines = api.nvim_buf_get_lines(chat.buf, row, math.min(last + 1, row + MOST_LINES + 2), false)
  local fitting = gate.fit(lines, state.fence)
  local is_cut = fitting < #lines
  lines = vim.list_slice(lines, 1, fitting + 1) -- the last one is not looked at
  local backlog = row + #lines <= last
  local finished, fence = finished_blocks(lines, state.fence, is_cut or backlog)
  local count = finished > 0 and finished or #lines
  -- A language to load is a step by itself, so that a block in several new ones does not hold the editor up.
  local lang = not_loaded(vim.list_slice(lines, 1, count), state.fence)
  if lang then
    load(lang)
    return true
  end
  api.nvim_buf_clear_namespace(chat.buf, namespace, row, row + count)
  highlight(chat.buf, row, vim.list_slice(lines, 1, count), state.fence)
  if finished > 0 then
    state.fence = fence
    api.nvim_buf_set_extmark(chat.buf, progress, row + finished, 0, { id = state.from, right_gravity = false })
  end
  return backlog, finished > 0
end

--- Says that the answer has grown.
---@param chat gpt.Chat
function M.wake(chat)
  local state = chat.highlighting
  if not state or state.timer then
    return
  end
  state.timer = vim.defer_fn(function()
    state.timer = nil
    if chat.highlighting == state and api.nvim_buf_is_valid(chat.buf) then
      M.run(chat, state)
    end
  end, state.pause or SHORTEST_PAUSE)
end

---@param chat gpt.Chat
---@param state gpt.Highlighting
function M.run(chat, state)
  local begun = vim.uv.hrtime()
  local ok, backlog, rest = pcall(step, chat)
  local cost = (vim.uv.hrtime() - begun) / 1e6
  -- The open block behind a finished one waits as any other, or each end of a block would cost two parses.
  backlog = ok and (backlog or rest and state.over)
  state.pause =
    math.max(backlog and 5 or SHORTEST_PAUSE, math.ceil(cost * (backlog and BACKLOG_FACTOR or PAUSE_FACTOR)))
  if backlog or ok and rest then
    M.wake(chat)
  elseif state.over then
    chat.highlighting = nil
  end
end

--- Says that the answer is whole: what is left is highlighted, and then no more.
---@param chat gpt.Chat
function M.finish(chat)
  if chat.highlighting then
    chat.highlighting.over = true
    M.wake(chat)
  end
end

return M
