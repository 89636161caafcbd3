--- Fits a notice into one line of the command line, so that it asks for no ENTER and its next step can be read, and shows
--- it there.
local is_float = require("gpt.ui.float").is_float
local cells = require("gpt.cells")
local words = require("gpt.words")

local M = {}

--- The cells of a ruler that 'rulerformat' gives no width.
local RULER = 18
--- The least room in the command line that a message needs: in less it would only ask for ENTER.
local LEAST_ROOM = 4
--- What is left at least of what happened, in cells, for the next step beside it.
local LEAST_HEAD = 18
--- What |vim.notify()| shows a message in.
local MESSAGE_GROUPS = { [vim.log.levels.ERROR] = "ErrorMsg", [vim.log.levels.WARN] = "WarningMsg" }
--- An advice of so many cells that names a command is worth more than the end of the title.
local SHORT = 40
--- One that names none is worth so many cells of it at most.
local LEAST_LOST = 4
--- Less than this of an advice, in cells, would say nothing.
local LEAST_PART = 12
--- A last sentence of so many cells at most is worth more than what stands before it.
local LONGEST_LAST = 24
--- So much of a title is cut off without saying where the rest is, which would take as much, in cells.
local MOST_LOST = 16
--- How long after a warning insert mode may begin, so that it was not read, in milliseconds: `:GPTChat` begins it.
local UNREAD = 1000

--- Whether messages are Neovim's own, and not a plugin's windows.
---@return boolean
local function is_builtin()
  local source = debug.getinfo(vim.notify, "S").source
  -- Neovim 0.12 strips the names of its own files.
  return source == "?" or source:find("vim/_", 1, true) ~= nil
end

--- Whether a float of a chat is there, or one of another kind is the current window.
---@return boolean
local function is_over_float()
  return vim.iter(vim.api.nvim_tabpage_list_wins(0)):any(function(win)
    local is_chat = vim.bo[vim.api.nvim_win_get_buf(win)].filetype == "gptchat"
    return is_float(win) and (is_chat or win == vim.api.nvim_get_current_win())
  end)
end

--- How many cells a message has. |v:echospace| does not know the ruler, which is drawn over the line's end where the
--- current window has no status line: a float.
---@param float_comes? boolean whether one is about to be opened
---@return integer
function M.room(float_comes)
  local room, columns = vim.v.echospace, vim.o.columns
  if vim.o.ruler and vim.o.laststatus ~= 3 and (float_comes or is_over_float()) then
    local width = vim.o.rulerformat:match("^%%(%d+)%(")
    local ruler = width and tonumber(width) + 1 or RULER
    -- It takes no more than half of the screen.
    room = math.min(room, math.max(columns - ruler, math.floor((columns + 1) / 2)) - 1)
  end
  return room
end

--- The commands, one of which a next step may name.
local COMMANDS = {
  ":GPT!? %l[%w_-]+",
  ":GPTSetKey [%w_-]+",
  ":GPT%u%a*!?",
  ":checkhealth gpt",
  ":he?l?p? [%w_-]+",
  ":write %S+",
  ":bdelete",
}

--- The first command that a text names.
---@param text string
---@return string?
local function first_command(text)
  local found, at = nil, math.huge
  for _, command in ipairs(COMMANDS) do
    local from, to = text:find(command)
    if from and from < at then
      found, at = text:sub(from, to), from
    end
  end
  return found
end

--- What of an advice stands there: all of it, else its first sentence with a command, else the command, the first of them
--- beside which the title has room. Where none leaves it that, a short advice with a command, or the command.
---@param advice string
---@param beside integer what the title leaves, in cells
---@param most integer what a part of the title would leave
---@return string?
local function step(advice, beside, most)
  local candidates = { advice ~= "" and advice or nil }
  for sentence in (advice .. " "):gmatch("(.-[.!?;]) ") do
    if first_command(sentence) then
      candidates[#candidates + 1] = sentence
      break
    end
  end
  candidates[#candidates + 1] = first_command(advice)
  for _, candidate in ipairs(candidates) do
    if cells.width(candidate) <= beside then
      return candidate
    end
  end
  local command = first_command(advice)
  local loses_little = cells.width(advice) - beside <= LEAST_LOST
  if (command or loses_little) and advice ~= "" and cells.width(advice) <= math.min(SHORT, most) then
    return advice
  end
  return command and cells.width(command) <= most and command or nil
end

--- A short last sentence of a title: there stands what to do where no advice does.
---@param title string
---@return string?
local function last_sentence(title)
  local sentence = title:match(".*[%.;] (.+)$")
  return sentence and cells.width(sentence) <= LONGEST_LAST and sentence or nil
end

--- A notice in so many cells: what to do is kept, and what happened is cut.
---@param title string
---@param advice string
---@param room integer
---@param more? string what tells the rest; `:GPT log`
---@return string
function M.fit(title, advice, room, more)
  title, advice = cells.plain(vim.trim(title)), cells.plain(vim.trim(advice))
  local whole = vim.trim(title .. " " .. advice)
  if cells.width(whole) <= room then
    return whole
  end
  local last = advice == "" and last_sentence(title) or nil
  if not more and advice == "" and not last and cells.width(title) <= room + MOST_LOST then
    return cells.cut(title, room)
  end
  local most = room - math.min(cells.width(title), LEAST_HEAD, math.floor(room / 2)) - 1
  local kept = more or step(advice, room - cells.width(title) - 1, most) or last or words("view.log.more")
  kept = cells.cut(kept, most)
  local left = room - cells.width(title) - cells.width(kept) - 2
  if left >= LEAST_PART and kept == words("view.log.more") and advice ~= "" then
    return ("%s %s %s"):format(title, cells.cut(advice, left), kept)
  end
  return vim.trim(cells.cut(title, room - cells.width(kept) - 1) .. " " .. kept)
end

local group = vim.api.nvim_create_augroup("gpt.say_again", {})

--- Shows a message again at the end of insert mode, in which Neovim draws 'showmode' over it. It was told already: this
--- leaves no second line in |:messages|.
---@param text string
---@param level integer
local function say_again(text, level)
  vim.api.nvim_clear_autocmds({ group = group })
  vim.api.nvim_create_autocmd("InsertLeave", {
    group = group,
    once = true,
    callback = vim.schedule_wrap(function()
      vim.api.nvim_echo({ { text, MESSAGE_GROUPS[level] } }, false, {})
    end),
  })
end

--- Shows a message again after insert mode, where that is on or soon begins.
---@param text string
---@param level integer
local function outlive_mode(text, level)
  if not vim.o.showmode then
    return
  elseif vim.fn.mode():find("^[iR]") then
    return say_again(text, level)
  end
  vim.api.nvim_clear_autocmds({ group = group })
  if level < vim.log.levels.WARN then
    return
  end
  local waits = vim.api.nvim_create_autocmd("InsertEnter", {
    group = group,
    once = true,
    callback = function()
      say_again(text, level)
    end,
  })
  vim.defer_fn(function()
    pcall(vim.api.nvim_del_autocmd, waits)
  end, UNREAD)
end

--- Messages that come within so many milliseconds are in a row: the screen may not have been drawn between them.
local IN_A_ROW = 300
local last_said = -IN_A_ROW

--- Where there is no command line ('cmdheight' 0), of several notices at once the newest is shown, after so many
--- milliseconds.
local BATCH = 50
---@type fun()?
local newest

--- Shows a notice in one line. Where others show messages in place of Neovim it is handed to them whole, but for one with
--- a `more` of its own; they may fail at it.
---@param title string
---@param advice string
---@param level integer
---@param more? string
function M.show(title, advice, level, more)
  if not is_builtin() then
    local whole = vim.trim(title .. " " .. advice)
    return pcall(vim.notify, more and M.fit(title, advice, vim.v.echospace, more) or whole, level)
  elseif vim.fn.mode() == "c" then
    -- It would be drawn over the command that is being typed.
    vim.api.nvim_create_autocmd("CmdlineLeave", {
      once = true,
      callback = vim.schedule_wrap(function()
        M.show(title, advice, level, more)
      end),
    })
    return
  end
  local room = M.room(more ~= nil) -- with a `more` it is told as a chat is opened
  if room < LEAST_ROOM then
    return
  end
  local text = M.fit(title, advice, room, more)
  local function say()
    local is_next = vim.uv.now() - last_said < IN_A_ROW
    last_said = vim.uv.now()
    if is_next and vim.o.showmode and vim.fn.mode():find("^[iRvVsS\22\19]") then
      -- Before it shows the mode again, Neovim would leave each error there for a second, and take no keys.
      return outlive_mode(text, level)
    elseif is_next then
      vim.cmd.redraw() -- without which it would ask for ENTER
    end
    if vim.o.cmdheight > 0 then
      vim.notify(text, level)
    else
      -- An error, which that is to |vim.notify()|, would ask for ENTER.
      vim.api.nvim_echo({ { text, MESSAGE_GROUPS[level] } }, true, {})
    end
    outlive_mode(text, level)
  end
  if vim.o.cmdheight > 0 then
    return say()
  end
  -- The end of a command would wipe it away or ask for ENTER, and so would a second one.
  newest = say
  vim.defer_fn(function()
    if newest == say then
      say()
    end
  end, BATCH)
end

return M
