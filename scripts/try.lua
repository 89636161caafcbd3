-- One scripted exchange, for scripts/try: asks, waits for the end of the answer, prints the chat, quits.
local PROMPT = "How do I choose a model?"
local PATIENCE = 60000 -- milliseconds

local outcome
vim.api.nvim_create_autocmd("User", {
  pattern = { "GPTAnswerDone", "GPTAnswerFailed", "GPTAnswerStopped" },
  callback = function(event)
    outcome = outcome or event.match
    local problem = event.data and event.data.error
    if problem then
      io.stderr:write(vim.inspect(problem), "\n")
    end
  end,
})

local function print_chat()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[buf].filetype == "gptchat" then
      io.stdout:write(table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), "\n"), "\n")
    end
  end
end

local function exchange()
  require("gpt").chat({ prompt = PROMPT, new = true })
  vim.wait(PATIENCE, function()
    return outcome ~= nil
  end, 20)
  print_chat()
  if outcome ~= "GPTAnswerDone" then
    error(outcome or ("no answer within %d seconds"):format(PATIENCE / 1000), 0)
  end
end

local ok, problem = pcall(exchange)
if not ok then
  io.stderr:write("try: ", tostring(problem), "\n")
end
vim.cmd("cquit " .. (ok and 0 or 1))
