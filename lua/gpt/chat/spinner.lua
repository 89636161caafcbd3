--- The spinner beside the heading of an answer that is awaited, and the countdown to a retry.
local api = vim.api

local cells = require("gpt.cells")
local chats = require("gpt.chat.chats")
local chosen_keys = require("gpt.chat.chosen_keys")
local headings = require("gpt.chat.headings")
local notice = require("gpt.ui.notice")

local M = {}

---@class (partial) gpt.Chat
---@field spinner? table

local spinner_space = api.nvim_create_namespace("gpt.spinner")
local SPINNER = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" }
local SPINNER_INTERVAL = 120

---@class gpt.ShownRetry
---@field answer integer
---@field text string with {seconds} for the seconds left and {key} for the key that stops it
---@field wait integer milliseconds

--- What a countdown says now: below the heading, since beside it a narrow window would cut off how to stop it.
---@param chat gpt.Chat
---@param countdown { text: string, ends: integer, key: string }
---@param sign string
---@return table[] virtual lines
local function counted(chat, countdown, sign)
  local left = math.max(1, math.ceil((countdown.ends - vim.uv.now()) / 1000))
  local text = countdown.text:gsub("{(%a+)}", { seconds = tostring(left), key = countdown.key })
  return vim.tbl_map(function(line)
    return { { line, "GPTSpinner" } }
  end, notice.wrap(sign .. " " .. text, chats.width(chat)))
end

--- Counts down, where the spinner stands, to when a request that failed is sent again.
---@param chat gpt.Chat
---@param retry gpt.ShownRetry
function M.show_retry(chat, retry)
  local spinner = chat.spinner
  if chat.answer == retry.answer and spinner then
    vim.uv.update_time()
    spinner.countdown = { text = retry.text, ends = vim.uv.now() + retry.wait, key = chosen_keys.stop() }
    spinner.draw()
  end
end

--- Shows that an answer is awaited, at the end of its heading.
---@param chat gpt.Chat
---@param row integer
---@param what string
function M.start(chat, row, what)
  M.stop(chat)
  local spinner = { what = cells.plain(what), turn = 0, begun = vim.uv.now(), timer = assert(vim.uv.new_timer()) }
  chat.spinner = spinner
  local function draw()
    if chat.spinner ~= spinner or not api.nvim_buf_is_valid(chat.buf) then
      return
    end
    -- Its own mark goes astray where :edit reads the text again.
    local at = math.min(headings.row(chat, chat.answer_mark) or row, api.nvim_buf_line_count(chat.buf) - 1)
    if spinner.countdown and vim.uv.now() >= spinner.countdown.ends then
      spinner.countdown = nil -- it is asked again: it is waited for once more
    end
    local seconds = math.floor((vim.uv.now() - spinner.begun) / 1000)
    local sign = SPINNER[spinner.turn % #SPINNER + 1]
    local text = seconds > 0 and (" %s %s %d s"):format(sign, spinner.what, seconds)
      or (" %s %s"):format(sign, spinner.what)
    spinner.turn = spinner.turn + 1
    spinner.mark = api.nvim_buf_set_extmark(chat.buf, spinner_space, at, 0, {
      id = spinner.mark,
      virt_text = not spinner.countdown and { { text, "GPTSpinner" } } or nil,
      virt_text_pos = "eol",
      virt_lines = spinner.countdown and counted(chat, spinner.countdown, sign) or nil,
    })
  end
  spinner.draw = draw
  draw()
  spinner.timer:start(SPINNER_INTERVAL, SPINNER_INTERVAL, vim.schedule_wrap(draw))
end

---@param chat gpt.Chat
function M.stop(chat)
  if chat.spinner then
    chat.spinner.timer:stop()
    chat.spinner.timer:close()
    api.nvim_buf_del_extmark(chat.buf, spinner_space, chat.spinner.mark)
    chat.spinner = nil
  end
end

return M
