--- Context words: `#buffer`, `#file:path` and the like in a prompt stand for text of the editor or of the project. When
--- the prompt is sent they become that text.
local M = {}

--- What each word stands for, in the order in which they are offered.
---@type { word: string, what: string }[] `what`: an entry of data/messages.json
local WORDS = {
  { word = "#selection", what = "view.context.selection" },
  { word = "#buffer", what = "view.context.buffer" },
  { word = "#buffers", what = "view.context.buffers" },
  { word = "#file:", what = "view.context.file" },
  { word = "#diagnostics", what = "view.context.diagnostics" },
  { word = "#diff", what = "view.context.diff" },
  { word = "#staged", what = "view.context.staged" },
  { word = "#quickfix", what = "view.context.quickfix" },
  { word = "#symbols", what = "view.context.symbols" },
  { word = "#tree", what = "view.context.tree" },
  { word = "#clipboard", what = "view.context.clipboard" },
}

--- The words, and what each stands for in the user's language. `#file:` is followed by a path.
---@return { word: string, what: string }[]
function M.words()
  local words = require("gpt.words")
  return vim.tbl_map(function(known)
    return { word = known.word, what = words(known.what) }
  end, WORDS)
end

return M
