--- Tells the user something by |vim.notify()|, in one line, and keeps a log of all notices of this session.
local aside = require("gpt.ui.aside")
local cells = require("gpt.cells")
local config = require("gpt.config")
local one_line = require("gpt.ui.one_line")
local words = require("gpt.words")

local M = {}

---@class gpt.Notice
---@field level "error"|"warning"|"info"
---@field title string what happened
---@field advice string what to do; may be empty
---@field details? string[] the provider's own words

local hints = vim.api.nvim_create_namespace("gpt.hint")
local LEVELS = { error = vim.log.levels.ERROR, warning = vim.log.levels.WARN, info = vim.log.levels.INFO }
local GROUPS = { error = "GPTNoticeError", warning = "GPTNoticeWarning", info = "GPTNotice" }
local SIGNS = { error = "✗ ", warning = "! ", info = "· " }
local LEVEL_NAMES = { error = "view.log.error", warning = "view.log.warning", info = "view.log.info" }
local MOST_REMEMBERED = 200
--- The provider's words may take this many lines, so that what happened and what to do stay on the screen.
local MOST_DETAIL_LINES = 8

---@type { time: string, where: string, notice: gpt.Notice }[]
local remembered = {}

---@param where string
---@param notice gpt.Notice
function M.remember(where, notice)
  remembered[#remembered + 1] = {
    time = os.date("%H:%M:%S") --[[@as string]],
    where = where,
    notice = notice,
  }
  if #remembered > MOST_REMEMBERED then
    table.remove(remembered, 1)
  end
end

--- The most bytes of a text that are wrapped.
local MOST_BYTES = 4000

--- Breaks a text into lines of at most `width` cells, between words where it can.
---@param text string
---@param width integer
---@return string[]
function M.wrap(text, width)
  width = math.max(width, 1)
  text = cells.plain(text)
  if #text > MOST_BYTES then
    text = text:sub(1, MOST_BYTES + vim.str_utf_start(text, MOST_BYTES + 1)) .. " …"
  end
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    local longer = line == "" and word or line .. " " .. word
    if cells.width(longer) <= width then
      line = longer
    else
      if line ~= "" then
        lines[#lines + 1] = line
      end
      while cells.width(word) > width do
        local head = cells.first(word, width) -- never empty: each round takes a sign away
        lines[#lines + 1] = head
        word = word:sub(math.max(#head, 1) + 1)
      end
      line = word
    end
  end
  lines[#lines + 1] = line ~= "" and line or nil
  return lines
end

--- The details of a notice without what its title has said in the same words.
---@param notice gpt.Notice
---@return string[]
local function news(notice)
  local told = {}
  for _, detail in ipairs(notice.details or {}) do
    if vim.startswith(detail, notice.title) then
      detail = vim.trim(detail:sub(#notice.title + 1))
    end
    told[#told + 1] = detail ~= "" and not vim.startswith(notice.title, (detail:gsub("%.$", ""))) and detail or nil
  end
  return told
end

---@param notice gpt.Notice
---@param width integer
---@return table[] virtual lines
function M.virtual_lines(notice, width)
  local virtual = { { { "" } } }
  local function add(text, group, sign)
    for index, line in ipairs(M.wrap(text, math.max(width - 2, 20))) do
      if index > MOST_DETAIL_LINES + 1 then
        break
      end
      if index > MOST_DETAIL_LINES then
        line = "…"
      end
      virtual[#virtual + 1] = { { (index == 1 and sign or "  ") .. line, group } }
    end
  end
  add(notice.title, GROUPS[notice.level], SIGNS[notice.level])
  add(notice.advice, "GPTNotice", "  ")
  local most = #virtual + MOST_DETAIL_LINES
  for _, detail in ipairs(news(notice)) do
    if #virtual > most then
      break
    end
    add(detail, "GPTNoticeDetail", "  ")
  end
  if #virtual > most then
    virtual = vim.list_slice(virtual, 1, most - 1)
    add(words("view.log.rest"), "GPTNoticeDetail", "  ")
  end
  return virtual
end

--- Tells something that belongs to no answer, in one line: more would stop the user at a hit-enter prompt.
---@param notice gpt.Notice
---@param more? string what tells the rest where that has no room; `:GPT log`
function M.inform(notice, more)
  M.remember("gpt.nvim", notice)
  one_line.show(notice.title, notice.advice, LEVELS[notice.level], more)
end

--- Tells the first mistake in the configuration, and how many more there are.
---@param mistakes string[]
local function tell_mistakes(mistakes)
  local more = #mistakes > 1 and words("view.config.more", { count = #mistakes - 1 }) or ""
  local told = {
    level = "warning",
    title = words("view.config.problems", { first = mistakes[1]:gsub("%s+", " ") }),
    advice = more,
    details = vim.list_slice(mistakes, 2),
  }
  M.inform(told, more ~= "" and more or ":checkhealth gpt")
end
config.on_mistakes(tell_mistakes)

--- Shows a remark at the end of a chat's line until the user goes on typing.
---@param buf integer
---@param row integer the line, counted from 0
---@param notice gpt.Notice
function M.hint(buf, row, notice)
  vim.api.nvim_buf_clear_namespace(buf, hints, 0, -1)
  local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
  local room = vim.api.nvim_win_get_width(0) - cells.width(line) - cells.width(SIGNS[notice.level]) - 3
  local advice = notice.advice:gsub(":help ", ":h ")
  local text = one_line.fit(notice.title, advice, math.max(room, 1))
  local virtual = { { "  " .. SIGNS[notice.level] .. text, GROUPS[notice.level] } }
  vim.api.nvim_buf_set_extmark(buf, hints, row, 0, { virt_text = virtual, virt_text_pos = "eol" })
  local tick = vim.api.nvim_buf_get_changedtick(buf)
  vim.api.nvim_create_autocmd({ "TextChangedI", "InsertLeave", "BufLeave" }, {
    buffer = buf,
    callback = function(event)
      if event.event == "TextChangedI" and vim.api.nvim_buf_get_changedtick(buf) == tick then
        return false -- told late, of what was typed before
      end
      vim.api.nvim_buf_clear_namespace(buf, hints, 0, -1)
      return true
    end,
  })
end

--- Shows every notice of this session, the newest last.
function M.show_log()
  local lines = { "# " .. words("view.log.title"), "" }
  for _, entry in ipairs(remembered) do
    local notice = entry.notice
    lines[#lines + 1] = ("## %s  %s  %s"):format(entry.time, entry.where, words(LEVEL_NAMES[notice.level]))
    lines[#lines + 1] = notice.title
    lines[#lines + 1] = notice.advice ~= "" and notice.advice or nil
    vim.list_extend(lines, notice.details or {})
    lines[#lines + 1] = ""
  end
  if #remembered == 0 then
    lines[#lines + 1] = words("view.log.none")
  end
  local file = config.for_program().log_file
  lines[#lines + 1] = words("view.log.file", { file = file })
  aside.show_aside(lines, "GPT log")
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(0), 0 })
end

return M
