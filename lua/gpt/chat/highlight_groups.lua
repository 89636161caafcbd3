--- The highlight groups of chats: links that a colour scheme can change.
local api = vim.api

local M = {}

function M.define()
  local links = {
    GPTHeadingUser = "Question",
    GPTHeadingAssistant = "Directory",
    GPTHeadingFacts = "Comment",
    GPTSpinner = "Comment",
    GPTCut = "Comment",
    GPTNormal = "NormalFloat",
    GPTFloatBorder = "FloatBorder",
    GPTFloatTitle = "FloatTitle",
    GPTFloatFooter = "FloatFooter",
    GPTReasoning = "Comment",
    GPTRefusal = "DiagnosticWarn",
    GPTToolCall = "Special",
    GPTSources = "Comment",
    GPTLink = "Underlined",
    GPTNotice = "Special",
    GPTNoticeWarning = "DiagnosticWarn",
    GPTNoticeError = "DiagnosticError",
    GPTNoticeDetail = "Comment",
  }
  for name, target in pairs(links) do
    api.nvim_set_hl(0, name, { link = target, default = true })
  end
end

return M
