--- The symbols of a buffer: its functions, types and so on, as its language server lists them, else as tree-sitter sees
--- them.
local M = {}

local gate = require("gpt.gate")

--- How long a language server may take, in milliseconds.
local LIMIT = 2000
local METHOD = "textDocument/documentSymbol"

--- How deep declarations are looked for: a method of an exported class lies four deep. Statements lie deeper, and there
--- are so many of them that looking at all would be felt.
local DEEPEST = 6

--- Parts of the names that tree-sitter's grammars give to what declares something.
local KINDS = { "function", "method", "class", "struct", "enum", "interface", "trait", "impl", "module", "mod_item" }
local FORMS = { "_declaration$", "_definition$", "_item$", "_statement$", "_specifier$", "_signature$" }

--- The symbols that a server lists: nested (`children`), or flat with the container's name.
---@param symbols table[]
---@param depth integer
---@param lines string[]
local function list(symbols, depth, lines)
  for _, symbol in ipairs(symbols) do
    local range = symbol.range or (symbol.location or {}).range or {}
    local line = ((range.start or {}).line or 0) + 1
    local kind = vim.lsp.protocol.SymbolKind[symbol.kind] or ""
    local container = symbol.containerName and symbol.containerName ~= "" and symbol.containerName .. "." or ""
    local text = ("%d: %s%s %s%s"):format(line, ("  "):rep(depth), kind, container, symbol.name or "")
    lines[#lines + 1] = (text:gsub("%c", " "))
    list(type(symbol.children) == "table" and symbol.children or {}, depth + 1, lines)
  end
end

---@param kind string the type of a node
---@return boolean
local function is_symbol(kind)
  local function any(patterns)
    return vim.iter(patterns):any(function(pattern)
      return kind:find(pattern) ~= nil
    end)
  end
  return (any(KINDS) and any(FORMS)) or kind == "atx_heading" or kind == "setext_heading"
end

--- The lines on which something is declared, as they stand.
---@param buf integer
---@return string[]
local function by_tree(buf)
  local lines, seen = {}, {}
  local function visit(node, depth)
    local row = node:range()
    if node:named() and is_symbol(node:type()) and not seen[row] then
      seen[row] = true
      local line = vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ""
      lines[#lines + 1] = ("%d: %s"):format(row + 1, (line:gsub("%s+$", "")))
    end
    if depth < DEEPEST then
      for child in node:iter_children() do
        visit(child, depth + 1)
      end
    end
  end
  for _, tree in ipairs(gate.trees(buf)) do
    visit(tree:root(), 0)
  end
  return lines
end

--- Lists a buffer's symbols, one a line.
---@param buf integer
---@param done fun(lines: string[]) called at once where there is no language server
function M.of(buf, done)
  if #vim.lsp.get_clients({ bufnr = buf, method = METHOD }) == 0 then
    return done(by_tree(buf))
  end
  local over = false
  local function finish(lines)
    if not over then
      over = true
      done(#lines > 0 and lines or (vim.api.nvim_buf_is_loaded(buf) and by_tree(buf) or {}))
    end
  end
  vim.defer_fn(function()
    finish({})
  end, LIMIT)
  local params = { textDocument = vim.lsp.util.make_text_document_params(buf) }
  vim.lsp.buf_request_all(buf, METHOD, params, function(results)
    local lines = {}
    for _, answer in vim.spairs(results) do
      list(type(answer.result) == "table" and answer.result or {}, 0, lines)
    end
    finish(lines)
  end)
end

return M
