--- Scrolls the windows whose cursor is in the prompt, so that they stay at the end of the chat.
local api = vim.api

local prompts = require("gpt.chat.prompt")
local undo = require("gpt.chat.undo")
local undo_steps = require("gpt.chat.undo_steps")

local M = {}

--- The windows whose cursor is in the prompt: those that follow.
---@param chat gpt.Chat
---@return table<integer, true>
function M.windows(chat)
  local row = prompts.row(chat)
  local found = {}
  for _, win in ipairs(vim.fn.win_findbuf(chat.buf)) do
    if api.nvim_win_get_cursor(win)[1] > row then
      found[win] = true
    end
  end
  return found
end

--- Keeps the windows that follow at the end of the buffer.
---@param chat gpt.Chat
---@param following table<integer, true>
function M.after_edit(chat, following)
  vim.bo[chat.buf].modified = false
  local row = prompts.row(chat)
  for win in pairs(following) do
    if api.nvim_win_get_cursor(win)[1] <= row + 1 then
      api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(chat.buf), 0 })
    end
    M.fill(win)
  end
  M.scroll(chat.buf, row)
end

--- Where a window must begin to show `last` as its last line, wrapped lines counted. A line that is higher than the room
--- above is cut at its top ('smoothscroll').
---@param win integer
---@param last integer
---@param height integer
---@return { topline: integer, skipcol: integer }
function M.view_showing(win, last, height)
  local top, rows = last, 0
  while top >= 1 do
    local fold = vim.fn.foldclosed(top)
    top = fold > 0 and fold or top
    local tall = vim.api.nvim_win_text_height(win, { start_row = top - 1, end_row = top - 1 }).all
    if rows + tall > height then
      local hidden = rows + tall - height
      if hidden < tall and height - rows > 0 and tall > height / 2 then
        local info = vim.fn.getwininfo(win)[1]
        return { topline = top, skipcol = hidden * math.max(info.width - info.textoff, 1) }
      end
      break
    end
    rows = rows + tall
    top = top - 1
  end
  return { topline = math.min(last, top + 1), skipcol = 0 }
end

--- Shows the end of the prompt at the bottom of every window whose cursor is there. Neovim keeps a cursor line in view
--- by itself, but puts it in the middle of the window when many lines come at once.
---@param buf integer
---@param prompt_row integer the prompt's heading, counted from 0
function M.scroll(buf, prompt_row)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    local last = vim.api.nvim_buf_line_count(buf)
    local line = vim.api.nvim_win_get_cursor(win)[1]
    local typing = win == vim.api.nvim_get_current_win() and vim.fn.mode():find("^i") and line > prompt_row
    if line == last or typing then
      local height = vim.api.nvim_win_get_height(win)
      local info = vim.fn.getwininfo(win)[1]
      if info.botline < last or last - info.topline >= height then
        vim.api.nvim_win_call(win, function()
          vim.fn.winrestview(M.view_showing(win, last, height))
        end)
      end
    end
  end
end

--- Fills a window that has room below the end of the buffer, since lines went: what stands above the end, a question
--- that is asked again say, comes back into view.
---@param win integer
function M.fill(win)
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(win))
  local info, height = vim.fn.getwininfo(win)[1], vim.api.nvim_win_get_height(win)
  local shown = { start_row = info.topline - 1, end_row = last - 1 }
  if info.topline > 1 and vim.api.nvim_win_text_height(win, shown).all < height then
    vim.api.nvim_win_call(win, function()
      vim.fn.winrestview(M.view_showing(win, last, height))
    end)
  end
end

--- Takes the white lines off the prompt's end that came with another one below it; a cursor in it goes to its end.
---@param chat gpt.Chat
function M.trim_prompt(chat)
  local following = M.windows(chat)
  local row = prompts.row(chat)
  local last = prompts.end_of_text(chat, row)
  api.nvim_buf_set_lines(chat.buf, last, -1, false, {})
  undo_steps.note(chat)
  local line = api.nvim_buf_get_lines(chat.buf, last - 1, last, false)[1]
  for win in pairs(following) do
    api.nvim_win_set_cursor(win, { last, #line })
  end
  vim.bo[chat.buf].modified = false
  M.scroll(chat.buf, row)
  undo.break_step(chat)
end

return M
