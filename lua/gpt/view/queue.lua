--- Questions that are sent while an answer is being written wait above the prompt, as text that can still be changed:
--- what stands there when their turn comes is sent. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")

local USER_HEADING = Chat.USER_HEADING

--- Puts the prompt among the questions that wait.
function Chat:enqueue()
  if self:refuses_change() then
    return
  end
  self:part_headings()
  self:take_back_unsent()
  local _, prompt = self:snapshot()
  if vim.trim(prompt) == "" then
    return self:refuses()
  end
  self:wait_for_context(prompt, function()
    return self:let_wait(function()
      return select(2, self:turn_prompt_into({ role = "user" }))
    end)
  end)
end

--- Makes a question wait, as an undo step of its own: one `u` takes it back.
---@param put fun(): integer makes a heading of it; returns its mark
---@return integer mark
function Chat:let_wait(put)
  local following = self:windows_at_prompt()
  self:break_undo()
  local mark = put()
  self:note_step()
  self:break_undo()
  self:after_edit(following)
  self.entries[mark].tick = self:prepare(mark)
  return mark
end

--- Notes that the last change was only made to send a question: what becomes of it can be part of that undo step.
---@param mark integer
---@return integer tick the buffer's changedtick
function Chat:prepare(mark)
  self.prepared = { tick = api.nvim_buf_get_changedtick(self.buf), mark = mark }
  return self.prepared.tick
end

--- Puts a question that does not stand in the prompt among those that wait.
---@param lines string[]
function Chat:wait_with(lines)
  self:take_back_unsent()
  local waits = self:wait_for_context(table.concat(lines, "\n"), function()
    return self:let_wait(function()
      self:part_headings()
      self:put_first(lines)
      return select(2, self:split_prompt(#lines, { role = "user" }))
    end)
  end)
  if not waits then
    self:add_to_prompt(lines) -- nothing is lost
  end
end

--- Takes the questions that wait back into the prompt: their headings go, their text stays. One that has just begun to
--- wait leaves no undo step.
---@param from? integer mark of the first one that is taken back; nil: all of them
function Chat:take_back(from)
  if #self:waiting_from(from) > 0 then
    self:part_headings() -- else what is typed beside those that go would go with them
  end
  local waiting = self:waiting_from(from)
  for index = #waiting, 1, -1 do
    local heading = waiting[index].heading
    local entry = heading.entry
    if index == #waiting and self:begin_taking_back(#waiting == 1 and entry.tick or nil) then
      waiting[index].follower.born = nil -- it comes and goes in one step
    end
    self:join_with_prompt(waiting[index].below)
    self.lookups[heading.mark], entry.looked_up, entry.taken_back = nil, nil, true
    self:mark_heading(heading.row, entry, heading.mark)
  end
end

--- The questions that wait, in their order, each with the row and the entry of the heading below it.
---@param from? integer mark of the first one that is wanted; nil: all of them
---@return { heading: gpt.Heading, below: integer, follower: gpt.Entry }[]
function Chat:waiting_from(from)
  local found, waiting = self:headings(), {}
  for index = #found - 1, 1, -1 do
    local heading = found[index]
    if heading.entry.id or heading.entry.role ~= "user" then
      break
    end
    local follower = found[index + 1]
    table.insert(waiting, 1, { heading = heading, below = follower.row, follower = follower.entry })
    if heading.mark == from then
      break
    end
  end
  return waiting
end

--- Makes what follows an undo step of its own, or part of the last one where nothing was changed since.
---@param tick? integer the changedtick then
---@return boolean joined
function Chat:begin_taking_back(tick)
  self:break_undo()
  local joined = tick == api.nvim_buf_get_changedtick(self.buf)
  if joined then
    self:join_last_step()
  end
  return joined
end

--- Takes back what an undo has put among the questions that wait, though it was taken back before, and what is below it.
function Chat:take_back_unsent()
  for _, waiting in ipairs(self:waiting_from()) do
    if waiting.heading.entry.taken_back then
      return self:take_back(waiting.heading.mark)
    end
  end
end

--- Gives headings that were joined with other text a line of their own again.
function Chat:part_headings()
  local marks = self:marks_of(Chat.HEADINGS, self.entries)
  for index = #marks, 1, -1 do
    local row, col, details = marks[index].row, marks[index].col, marks[index].details
    if marks[index].valid then
      local line = api.nvim_buf_get_lines(self.buf, row, row + 1, false)[1]
      if details.end_row == row and details.end_col < #line then
        api.nvim_buf_set_text(self.buf, row, details.end_col, row, details.end_col, { "", "" })
      end
      if col > 0 then
        api.nvim_buf_set_text(self.buf, row, col, row, col, { "", "" })
      end
    end
  end
end

--- Makes a message of text that stands above the first heading: the user took its heading away.
function Chat:head_text()
  local first = self:headings()[1]
  local lines = first and api.nvim_buf_get_lines(self.buf, 0, first.row, false) or {}
  if table.concat(lines):find("%S") then
    api.nvim_buf_set_lines(self.buf, 0, 0, false, { USER_HEADING, "" })
    self:mark_heading(0, { role = "user", id = (self.last_id or 0) + 1 })
  end
end

--- Leaves no text outside the conversation: what stands above the first heading is a message, and so is a question
--- that waits (an undo brought it back) if messages follow.
function Chat:settle_messages()
  self:part_headings()
  self:head_text()
  local found, followed = self:headings(), false
  for index = #found - 1, 1, -1 do
    local entry = found[index].entry
    if entry.id then
      followed = true
    elseif followed and entry.role == "user" then
      self:change_heading(found[index], { id = (self.last_id or 0) + 1 })
    end
  end
  self:note_step()
end

--- Before something is sent while no answer is being written: nothing waits any more, but stands in the prompt.
function Chat:settle()
  self:restore_prompt()
  if vim.bo[self.buf].modifiable then
    self:settle_messages()
    self:take_back()
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

--- Puts a waiting question that is refused behind the draft in the prompt, if there is one: an action that stood before
--- it would be about it.
---@param mark integer
function Chat:put_last(mark)
  local first, last = self:lines_of(mark)
  if not first or not select(2, self:snapshot()):find("%S") then
    return
  end
  local lines = vim.split(vim.trim(table.concat(api.nvim_buf_get_lines(self.buf, first, last, false), "\n")), "\n")
  self:break_undo()
  self:drop_waiting(mark)
  self:add_to_prompt(lines)
end

--- Draws the headings of the prompt and of the questions that wait, where an undo has made one the other. Where no answer
--- is awaited, nothing is sent by itself.
function Chat:redraw_queue()
  local found = self:headings()
  local idle = not self.answer and not self.in_flight and not self:is_looking_up()
  for index = #found, 1, -1 do
    local heading, waits = found[index], index < #found
    local entry = heading.entry
    if entry.role ~= "user" or (waits and entry.id) then
      return
    end
    if (entry.waits or false) ~= waits then
      entry.taken_back = entry.taken_back or (waits and idle) or nil
      entry.looked_up = self.lookups[heading.mark] ~= nil or nil
      self:mark_heading(heading.row, entry, heading.mark, waits)
    end
  end
end

--- After an answer: sends the question that waits longest; after a broken one, all come back into the prompt.
---@param done boolean
function Chat:go_on(done)
  if #select(3, self:snapshot()) == 0 then
    return
  end
  self:part_headings() -- what is typed behind a question's heading is part of it
  local first = select(3, self:snapshot())[1]
  if not done or self.entries[first.mark].taken_back then
    self:take_back()
    return self:break_undo()
  elseif self.lookups[first.mark] then
    return -- goes out when what its words stand for is known
  elseif vim.trim(first.text) == "" and self:drop_waiting(first.mark) then
    return self:go_on(done)
  elseif self:lacks_context(first) then
    return self:look_up_waiting(first)
  end
  self:settle_messages()
  local regions = self:snapshot()
  self.pending = { text = first.text, origin = "queue", mark = first.mark }
  if not self:tell("sent", { regions = regions, prompt = first.text, origin = "queue" }) then
    self:take_back()
  end
end

--- Takes away a question whose text the user deleted.
---@param mark integer
---@return boolean gone
function Chat:drop_waiting(mark)
  self:part_headings()
  local found = self:headings()
  for index, heading in ipairs(found) do
    if heading.mark == mark then
      api.nvim_buf_set_lines(self.buf, heading.row, found[index + 1] and found[index + 1].row or -1, false, {})
    end
  end
  return self:row(mark) == nil
end
