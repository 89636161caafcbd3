--- Does what the program makes of an action: asks in a chat, writes a commit message, fills the quickfix list.
local M = {}

local api = vim.api

local actions = require("gpt.actions")
local chat_buffers = require("gpt.chat")
local chats = require("gpt.chat.chats")
local library = require("gpt.library")
local notice = require("gpt.ui.notice")
local sending = require("gpt.chat.sending")
local selections = require("gpt.code.selection")
local waiting = require("gpt.chat.waiting")
local words = require("gpt.words")

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- Whether a commit buffer has no message yet: above what git has written there (its lines begin with one sign, mostly
--- `#`) is nothing.
---@param buf integer
---@return boolean
local function awaits_message(buf)
  if not api.nvim_buf_is_valid(buf) or vim.bo[buf].filetype ~= "gitcommit" or not vim.bo[buf].modifiable then
    return false
  end
  local sign
  for _, line in ipairs(api.nvim_buf_get_lines(buf, 0, -1, false)) do
    if line:find("^. %-+ >8 %-+") then
      break
    end
    local first = line:match("%S")
    if first and (not first:find("[#;@!$%%^&|:]") or (sign and first ~= sign) or line:sub(1, 1) ~= first) then
      return false
    end
    sign = first or sign
  end
  return true
end

--- Asks for a commit message beside the chats that are shown: it goes into the commit buffer.
---@param text string
---@param submission integer
---@return table? event
local function ask_aside(text, submission)
  local chat = chat_buffers.new()
  chat.aside = true
  chats.come_next(chat)
  local event = sending.ask(chat, text, nil, submission)
  local title = words("view.action.writing_commit")
  notice.inform({ level = "info", title = title, advice = "" })
  return event
end

---@type table<string, fun(data: table, action?: gpt.PendingAction): table?>
local acts = {
  prompts = function(data)
    library.update(data)
    for _, prompt in ipairs(data.prompts or {}) do
      if prompt.keymap then
        actions.map(prompt.keymap, prompt.name, prompt.description)
      end
    end
  end,
  unknown = function()
    refuse(words("view.action.unknown"))
  end,
  drop = function() end,
  ask = function(data, action)
    local options = action and action.options or {}
    if data.commit and action and awaits_message(action.buf) then
      return ask_aside(data.text, data.ticket)
    end
    local current = chats.current()
    local new = options.new or (data.alone and current and (current.answer or waiting.going(current))) or false
    local chat = chat_buffers.show({ new = new, layout = options.layout, mods = options.mods })
    local selection = action and action.selection
    local block = selection and table.concat(selections.block(selection), "\n")
    return sending.ask(chat, data.text, block and data.text:find(block, 1, true) and selection or nil, data.ticket)
  end,
  commit_message = function(data, action)
    if action and awaits_message(action.buf) and #(data.lines or {}) > 0 then
      api.nvim_buf_set_lines(action.buf, 0, 0, false, data.lines)
      local title = words("view.action.commit_written")
      return notice.inform({ level = "info", title = title, advice = "" })
    end
    local valid = action and api.nvim_buf_is_valid(action.buf)
    if valid and vim.bo[action.buf].filetype == "gitcommit" then
      refuse(words("view.action.commit_not_empty"))
    end
  end,
  problems = function(data, action)
    local items = vim.tbl_map(function(problem)
      local buf = not problem.file and action and api.nvim_buf_is_valid(action.buf) and action.buf or nil
      return { bufnr = buf, filename = problem.file, lnum = problem.line, type = problem.kind, text = problem.text }
    end, data.problems)
    vim.fn.setqflist({}, " ", { title = "GPT: problems", items = items })
  end,
}

--- Does what the program makes of an action.
---@param data { act: string, ticket?: integer }
---@return table? event what is sent now, as in |program.tell|
function M.act(data)
  return acts[data.act](data, actions.pending(data.ticket))
end

return M
