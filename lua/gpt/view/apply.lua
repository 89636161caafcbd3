--- From the chat back to the code: a code block of an answer goes where the selection of its question came from, or
--- below the last cursor. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local indent = require("gpt.indent")
local notice = require("gpt.view.notice")
local origins = require("gpt.origin")
local selection = require("gpt.selection")
local words = require("gpt.words")

--- How many lines of a buffer are looked at for how its code is indented.
local MOST_LINES = 1000
--- A selection of this many lines is not replaced by less than half as many without a look at it.
local LONG = 20

-- Where selections came from -----------------------------------------------------------------------------------------

--- Remembers where a selection that goes into a question came from, for as long as the chat is there.
---@param taken gpt.Selection
function Chat:keep_origin(taken)
  if taken.origin then
    local block = selection.block(taken)
    table.insert(self.origins, { origin = taken.origin, first = block[1], text = table.concat(block, "\n") })
  end
end

--- Forgets where the selections came from.
function Chat:forget_origins()
  for _, kept in ipairs(self.origins) do
    origins.unmark(kept.origin.buf, kept.origin.mark)
  end
  self.origins = {}
end

--- Takes the first place of a text out of another one.
---@param text string
---@param part string
---@return string? rest nil if it is not there
local function without(text, part)
  local from, to = text:find(part, 1, true)
  return from and text:sub(1, from - 1) .. "\n" .. text:sub(to + 1) or nil
end

--- The selections that a text holds: those whose block stands in it; then those of which it is the first line that
--- does, since a block can be edited in the prompt. A branch or a queue may have written it anew: so its marks say nothing.
---@param text string
---@return gpt.Origin[]
function Chat:origins_in(text)
  local found, rest = {}, text
  for _, key in ipairs({ "text", "first" }) do
    for index = #self.origins, 1, -1 do
      local kept = self.origins[index]
      local left = not vim.list_contains(found, kept.origin) and without(rest, kept[key])
      if left then
        table.insert(found, 1, kept.origin)
        rest = left
      end
    end
  end
  return found
end

--- The selections of the question that a message answers; if it has none, those of the nearest question above that has.
---@param found gpt.Heading[]
---@param index integer
---@return gpt.Origin[] selections
---@return boolean own whether they are those of its own question
function Chat:origins_of(found, index)
  local own = true
  for above = index - 1, 1, -1 do
    if found[above].entry.role == "user" then
      local held = self:origins_in(self:body(found, above))
      if #held > 0 then
        return held, own
      end
      own = false
    end
  end
  return {}, true
end

-- Targets ------------------------------------------------------------------------------------------------------------

---@class gpt.Target where a block goes
---@field place gpt.Place
---@field origin? gpt.Origin the selection that it replaces
---@field seen? boolean whether the user has looked at what changes

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- How a buffer is called in messages.
---@param buf integer
---@return string
local function name_of(buf)
  local name = api.nvim_buf_is_valid(buf) and api.nvim_buf_get_name(buf) or ""
  return name == "" and words("view.no_name") or vim.fn.fnamemodify(name, ":.")
end

--- How a place is called in messages: "lines 5-10 of f.txt".
---@param place gpt.Place
---@return string
function Chat.describe(place)
  local first = place.from[1] + 1
  local last = math.max(place.whole and place.to[1] or place.to[1] + 1, first)
  local lines = first == last and words("view.line", { line = first })
    or words("view.lines", { first = first, last = last })
  return words("view.apply.where", { place = lines, path = name_of(place.buf) })
end

--- Whether a window shows code: an ordinary buffer.
---@param win integer
---@return boolean
local function is_code(win)
  if not api.nvim_win_is_valid(win) or api.nvim_win_get_config(win).relative ~= "" then
    return false
  end
  return vim.bo[api.nvim_win_get_buf(win)].buftype == ""
end

--- The window with code that the user was in last: in this tab page, else in the one before.
---@return integer?
local function code_window()
  local wins = { vim.fn.win_getid(vim.fn.winnr("#")) }
  vim.list_extend(wins, api.nvim_tabpage_list_wins(0))
  local before = vim.fn.tabpagenr("#")
  if before > 0 then
    wins[#wins + 1] = vim.fn.win_getid(vim.fn.tabpagewinnr(before), before)
  end
  return vim.iter(wins):find(is_code)
end

--- Where the code is that the user was in last: the buffer and its cursor's line. A chat can stand in its window.
---@return integer? buf
---@return integer line counted from 1
local function code_cursor()
  local win = code_window()
  if win then
    return api.nvim_win_get_buf(win), api.nvim_win_get_cursor(win)[1]
  end
  local before = vim.w.gpt_before
  if before and api.nvim_buf_is_loaded(before) and vim.bo[before].buftype == "" then
    return before, math.max(api.nvim_buf_get_mark(before, '"')[1], 1)
  end
  return nil, 0
end

--- The place below the line of the last cursor; of an empty buffer all.
---@return gpt.Target?
local function below_cursor()
  local buf, line = code_cursor()
  if not buf then
    return refuse(words("view.apply.no_window"))
  end
  local empty = api.nvim_buf_line_count(buf) == 1 and api.nvim_buf_get_lines(buf, 0, 1, false)[1] == ""
  return { place = origins.lines(buf, empty and 0 or line, empty and 1 or line) }
end

--- Where a selection is now.
---@param origin gpt.Origin
---@return gpt.Target?
local function target_of(origin)
  local place, reason = origins.find(origin)
  if not place then
    local path = origin.path == "" and words("view.no_name") or origin.path
    return refuse(words(reason --[[@as string]], { path = path }))
  end
  return { place = place, origin = origin }
end

--- Whether a buffer can be changed; says so where it cannot.
---@param buf integer
---@return boolean
local function is_modifiable(buf)
  if not vim.bo[buf].modifiable then
    refuse(words("view.apply.not_modifiable", { path = name_of(buf) }))
  end
  return vim.bo[buf].modifiable
end

--- The line above a place where lines are inserted.
---@param place gpt.Place
---@return gpt.Place
local function line_above(place)
  local row = math.max(place.from[1], 1)
  return origins.lines(place.buf, row - 1, row)
end

--- Lets the user choose between several places.
---@param targets gpt.Target[]
---@param run fun(target: gpt.Target)
local function choose(targets, run)
  local format = function(target)
    local key = target.origin and "view.apply.in_place_of" or "view.apply.below"
    local place = target.origin and target.place or line_above(target.place)
    return words(key, { where = Chat.describe(place) })
  end
  local options = { prompt = words("view.apply.choose"), kind = "gpt.apply", format_item = format }
  vim.ui.select(targets, options, function(target)
    vim.cmd.redraw()
    target = target and (target.origin and target_of(target.origin) or below_cursor()) -- as it is by now
    return target and run(target)
  end)
end

--- Finds out where the block of an answer goes, and asks where that is not clear.
---@param found gpt.Heading[]
---@param index integer the answer
---@param run fun(target: gpt.Target)
function Chat:find_target(found, index, run)
  local held, own = self:origins_of(found, index)
  if #held == 0 or (#held == 1 and own) then
    local target
    if held[1] then
      target = target_of(held[1])
    else
      target = below_cursor()
    end
    return target and run(target)
  end
  local targets = {}
  for _, origin in ipairs(held) do
    local place = origins.find(origin)
    targets[#targets + 1] = place and { place = place, origin = origin }
  end
  targets[#targets + 1] = not own and code_cursor() and below_cursor() or nil
  if #targets == 0 then
    return target_of(held[1]) -- which says why
  end
  choose(targets, run)
end

-- Text ---------------------------------------------------------------------------------------------------------------

--- What is around a place.
---@param place gpt.Place
---@param old string[] what it holds
---@return gpt.Surroundings
local function surroundings(place, old)
  local buf, row = place.buf, place.from[1]
  local line = api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
  local inline = place.from[2] > 0
  local around = inline and { line } or old
  if not table.concat(around):find("%S") then -- inserted lines: the nearest one above that says something
    local above = api.nvim_buf_get_lines(buf, math.max(row - 100, 0), row, false)
    around = { vim.iter(above):rev():find(function(other)
      return other:find("%S")
    end) }
  end
  local style = indent.style(old) or indent.style(api.nvim_buf_get_lines(buf, 0, MOST_LINES, false))
  return {
    base = indent.common(around),
    inline = inline,
    alone = inline and #old == 1,
    style = style,
    step = api.nvim_buf_call(buf, vim.fn.shiftwidth),
    tab = vim.bo[buf].tabstop,
  }
end

--- Lines with the line ends of those that they replace: a carriage return is text where a file's line ends are mixed.
---@param lines string[]
---@param old string[]
---@return string[]
local function with_ends(lines, old)
  local function all_end(of)
    return #of > 0 and vim.iter(of):all(function(line)
      return line:sub(-1) == "\r"
    end)
  end
  if all_end(lines) == all_end(old) then
    return lines
  end
  return vim.tbl_map(function(line)
    return all_end(old) and line .. "\r" or line:gsub("\r$", "")
  end, lines)
end

--- Lines as they fit into a place.
---@param place gpt.Place
---@param lines string[]
---@return string[]
function Chat.fitted(place, lines)
  local old = origins.text(place)
  return indent.fit(with_ends(lines, old), surroundings(place, old))
end

--- Makes the next change of a buffer an undo step of its own.
---@param buf integer
local function break_undo(buf)
  vim.bo[buf].undolevels = vim.bo[buf].undolevels
end

--- Puts lines into a place, as one undo step.
---@param place gpt.Place
---@param lines string[]
---@return gpt.Place? place where they stand; nil if Neovim refuses
local function put(place, lines)
  break_undo(place.buf)
  local done, after = pcall(origins.exchange, place, lines)
  if not done then
    return refuse(tostring(after))
  end
  break_undo(place.buf)
  return after
end

--- Says what was done.
---@param target gpt.Target
---@param old string[]
---@param lines string[]
local function report(target, old, lines)
  local count = require("gpt.view.folds").lines(#lines)
  local key, place = "view.apply.replaced", target.place
  if place.whole and place.from[1] == place.to[1] and not target.seen then
    key, place = "view.apply.inserted", line_above(place)
  elseif target.origin and not target.seen and not target.origin.known[table.concat(old, "\n")] then
    key = "view.apply.replaced_changed"
  end
  local title = words(key, { where = Chat.describe(place), lines = count })
  notice.inform({ level = "info", title = title, advice = "" })
end

--- Puts lines where they belong, and says so.
---@param target gpt.Target
---@param lines string[]
function Chat.replace(target, lines)
  local old = origins.text(target.place)
  if vim.deep_equal(old, lines) then
    local title = words("view.apply.same", { where = Chat.describe(target.place) })
    return notice.inform({ level = "info", title = title, advice = "" })
  end
  local place = put(target.place, lines)
  if place then
    report(target, old, lines)
    if target.origin then
      origins.move(target.origin, place, lines)
    end
  end
end

-- What the user does -------------------------------------------------------------------------------------------------

--- The block at the cursor, for something to be done with it.
---@param run fun(target: gpt.Target, lines: string[])
function Chat:with_block(run)
  local found = self:headings()
  local block, index = self:block_at_cursor("assistant")
  local lines = block and self:code(block) or {}
  if not block or not index or #lines == 0 then
    return notice.inform({ level = "info", title = words("view.no_block"), advice = "" })
  elseif block.open and self.answer and found[index].mark == self.answer_mark then
    return notice.inform({ level = "info", title = words("view.apply.unfinished"), advice = "" })
  end
  self:find_target(found, index, function(target)
    if is_modifiable(target.place.buf) then
      run(target, Chat.fitted(target.place, lines))
    end
  end)
end

--- Whether lines are perhaps only a part of what was asked about, which they would take away.
---@param target gpt.Target
---@param lines string[]
---@return boolean
local function is_much_shorter(target, lines)
  local count = target.place.to[1] - target.place.from[1]
  return count >= LONG and #lines < count / 2
end

--- Puts the block at the cursor where it belongs. One that is much shorter is shown first.
function Chat:apply_block()
  self:with_block(function(target, lines)
    if not is_much_shorter(target, lines) then
      return Chat.replace(target, lines)
    end
    require("gpt.view.diff").show(target, lines)
    notice.inform({ level = "info", title = words("view.apply.shorter"), advice = "" })
  end)
end

--- Shows first what that would change.
function Chat:diff_block()
  self:with_block(function(target, lines)
    require("gpt.view.diff").show(target, lines)
  end)
end

return Chat
