--- Questions that are sent while an answer is being written wait above the prompt, as text that can still be changed:
--- what stands there when their turn comes is sent. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local notice = require("gpt.view.notice")
local remote = require("gpt.remote")
local words = require("gpt.words")

--- Puts the prompt among the questions that wait.
function Chat:enqueue()
  if not vim.bo[self.buf].modifiable then
    return notice.inform({ level = "info", title = words("view.not_modifiable"), advice = "" })
  end
  local _, prompt = self:snapshot()
  if vim.trim(prompt) == "" then
    return self:refuses()
  end
  local following = self:windows_at_prompt()
  self:break_undo() -- one `u` takes it back
  self:turn_prompt_into({ role = "user" })
  self:note_step()
  self:break_undo()
  self:after_edit(following)
end

--- Puts a question that does not stand in the prompt among those that wait.
---@param lines string[]
function Chat:wait_with(lines)
  local row, entry = self:prompt_row(), { role = "user" }
  local following = self:windows_at_prompt()
  self:break_undo()
  self:insert_message(row, entry, lines)
  self:mark_heading(row, entry, self.last_mark, true)
  self:note_step()
  self:break_undo()
  self:after_edit(following)
end

--- Takes the questions that wait back into the prompt: their headings go, their text stays.
function Chat:take_back()
  local found = self:headings()
  for index = #found, 2, -1 do
    local before = found[index - 1]
    if before.entry.id or before.entry.role ~= "user" then
      break
    end
    self:join_with_prompt(found[index].row)
    self:mark_heading(before.row, before.entry, before.mark)
  end
end

--- Takes away the last heading, and white lines around it but one.
---@param row integer
function Chat:join_with_prompt(row)
  local lines = api.nvim_buf_get_lines(self.buf, row - 1, row + 2, false)
  local first = lines[1] == "" and row - 1 or row
  local last = lines[3] == "" and row + 2 or row + 1
  api.nvim_buf_set_lines(self.buf, first, last, false, { "" })
end

--- Draws the headings of the prompt and of the questions that wait, where an undo has made one the other.
function Chat:redraw_queue()
  local found = self:headings()
  for index = #found, 1, -1 do
    local heading, waits = found[index], index < #found
    local entry = heading.entry
    if entry.role ~= "user" or (waits and entry.id) then
      return
    end
    if (entry.waits or false) ~= waits then
      self:mark_heading(heading.row, entry, heading.mark, waits)
    end
  end
end

--- After an answer: sends the question that waits longest; after a broken one, all come back into the prompt.
---@param done boolean
function Chat:go_on(done)
  local regions, _, queue = self:snapshot()
  if #queue == 0 then
    return
  end
  if not done then
    return self:take_back()
  end
  local first = queue[1]
  if vim.trim(first.text) == "" then
    self:drop_waiting(first.mark)
    return self:go_on(done)
  end
  self.pending = { text = first.text, origin = "queue", mark = first.mark }
  local sent = remote.notify({
    event = "sent",
    chat = self.id,
    regions = regions,
    prompt = first.text,
    origin = "queue",
  })
  if not sent then
    self:take_back()
  end
end

--- Takes away a question whose text the user deleted.
---@param mark integer
function Chat:drop_waiting(mark)
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.mark == mark then
      api.nvim_buf_set_lines(self.buf, heading.row, found[index + 1] and found[index + 1].row or -1, false, {})
    end
  end
end
