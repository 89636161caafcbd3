--- The sign that an answer is awaited. These are methods of |gpt.Chat|.
local api = vim.api

local Chat = require("gpt.view.regions")

local spinner_space = api.nvim_create_namespace("gpt.spinner")
local SPINNER = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" }
local SPINNER_INTERVAL = 120

--- Shows that an answer is awaited, at the end of its heading.
---@param row integer
---@param what string
function Chat:start_spinner(row, what)
  self:stop_spinner()
  local spinner = { what = what, turn = 0, begun = vim.uv.now(), timer = assert(vim.uv.new_timer()) }
  self.spinner = spinner
  local function draw()
    if self.spinner ~= spinner or not api.nvim_buf_is_valid(self.buf) then
      return
    end
    local at = spinner.mark and api.nvim_buf_get_extmark_by_id(self.buf, spinner_space, spinner.mark, {})[1] or row
    local seconds = math.floor((vim.uv.now() - spinner.begun) / 1000)
    local sign = SPINNER[spinner.turn % #SPINNER + 1]
    local text = seconds > 0 and (" %s %s %d s"):format(sign, spinner.what, seconds)
      or (" %s %s"):format(sign, spinner.what)
    spinner.turn = spinner.turn + 1
    spinner.mark = api.nvim_buf_set_extmark(self.buf, spinner_space, at, 0, {
      id = spinner.mark,
      virt_text = { { text, "GPTSpinner" } },
      virt_text_pos = "eol",
    })
  end
  draw()
  spinner.timer:start(SPINNER_INTERVAL, SPINNER_INTERVAL, vim.schedule_wrap(draw))
end

function Chat:stop_spinner()
  if self.spinner then
    self.spinner.timer:stop()
    self.spinner.timer:close()
    self.spinner = nil
    api.nvim_buf_clear_namespace(self.buf, spinner_space, 0, -1)
  end
end
