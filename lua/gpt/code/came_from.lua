--- The code that the user came from: the ordinary buffer that they were in last, and a window that shows it.
local M = {}

local api = vim.api

---@type integer?
local last

---@param buf integer
---@return boolean
local function is_code(buf)
  return api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == "" and vim.bo[buf].filetype ~= "gptchat"
end

local function note()
  local buf = api.nvim_get_current_buf()
  last = is_code(buf) and api.nvim_win_get_config(0).relative == "" and buf or last
end

note()
api.nvim_create_autocmd({ "BufEnter", "WinEnter" }, {
  group = api.nvim_create_augroup("gpt.code", {}),
  callback = note,
})

--- The windows of this tab page, the one that the user came from first.
---@return integer[]
local function windows()
  local before = vim.fn.win_getid(vim.fn.winnr("#"))
  local found = api.nvim_tabpage_list_wins(0)
  if before ~= 0 then
    table.insert(found, 1, before)
  end
  return found
end

---@return integer? buf nil if there is none
function M.buffer()
  if last and is_code(last) then
    return last
  end
  for _, win in ipairs(windows()) do
    local buf = api.nvim_win_get_buf(win)
    if is_code(buf) then
      return buf
    end
  end
  local alternate = vim.fn.bufnr("#")
  return alternate > 0 and is_code(alternate) and alternate or nil
end

--- Runs something in a window that shows the buffer, else in one that is made for it and gone afterwards.
---@generic T
---@param buf integer
---@param run fun(): T
---@return T
function M.within(buf, run)
  for _, win in ipairs(windows()) do
    if api.nvim_win_get_buf(win) == buf then
      return api.nvim_win_call(win, run)
    end
  end
  return api.nvim_buf_call(buf, run)
end

return M
