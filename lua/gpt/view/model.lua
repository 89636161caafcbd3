--- The model, changed by a word of the prompt. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")
local library = require("gpt.library")
local remote = require("gpt.remote")

--- Whether a prompt of the user's library is called so: it comes first.
---@return boolean
local function is_taken()
  return vim.iter(library.list()):any(function(action)
    return action.name == "model"
  end)
end

--- The model that a prompt asks for, if it does nothing else: "/model", and its name or nothing.
---@param prompt string
---@return string? name "" for a list to choose from
local function model_in(prompt)
  local name = prompt:match("^%s*/model%s*$") and "" or prompt:match("^%s*/model%s+(%S+)%s*$")
  return name and not is_taken() and name or nil
end

--- Changes the model, if that is what the prompt says; where the prompt cannot be emptied, it stays and this is said.
---@return boolean done whether nothing is to be sent
function Chat:change_model()
  local row = self:find_prompt()
  local prompt = row and table.concat(api.nvim_buf_get_lines(self.buf, row + 1, -1, false), "\n")
  local name = prompt and model_in(prompt)
  if not name or self:refuses_change() then
    return name ~= nil
  end
  self:break_undo()
  api.nvim_buf_set_lines(self.buf, row + 1, -1, false, { "", "" })
  self:after_edit(self:windows_at_prompt())
  remote.notify({ event = "model_requested", model = name ~= "" and name or nil })
  return true
end

return Chat
