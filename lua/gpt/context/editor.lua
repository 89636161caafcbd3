--- Reads context words from the editor: `#buffer`, `#selection`, `#diagnostics`, `#quickfix`, `#clipboard` and others.
local api = vim.api

local code = require("gpt.code.came_from")
local file_name = require("gpt.code.file_name")
local neutral = require("gpt.code.neutral")
local selection = require("gpt.code.selection")
local symbols = require("gpt.context.symbols")
local words = require("gpt.words")

local M = {}

--- The most bytes that a word may stand for: as in src/context/mod.rs, and before they are carried there.
local MOST_BYTES = 1000000

---@alias gpt.ReadDone fun(pieces?: gpt.ContextPiece[], problem?: gpt.Notice)

---@param title string
---@param advice? string
---@return gpt.Notice
local function problem(title, advice)
  return { level = "warning", title = title, advice = advice or "" }
end

--- A buffer's name, as |gpt.file_name| says.
---@param buf integer
---@return string name, string? path nil for a buffer without a file
local function name_of(buf)
  local path = api.nvim_buf_get_name(buf)
  if path == "" then
    return "", nil
  end
  local neutral_name = neutral.of(buf)
  if neutral_name then
    return neutral_name, nil
  end
  -- A name can be `$NAME`: what the variable holds is nobody's business.
  return file_name.of_path(path), vim.fs.normalize(path, { expand_env = false })
end
M.name_of = name_of

---@param buf integer
---@return string
local function spoken_name(buf)
  local name = name_of(buf)
  return name ~= "" and name or words("view.no_name")
end

--- The code buffer, unless its text is never sent.
---@param word string
---@return integer? buf, gpt.Notice? problem
local function code_buffer(word)
  local buf = code.buffer()
  if not buf then
    return nil, problem(words("view.context.no_code", { word = word }), words("view.context.no_code_fix"))
  elseif vim.b[buf].gpt_disable then
    local title = words("view.context.disabled", { word = word, name = spoken_name(buf) })
    return nil, problem(title, words("view.context.disabled_fix"))
  end
  return buf
end

---@param buf integer
---@return integer
local function size_of(buf)
  return math.max(api.nvim_buf_get_offset(buf, api.nvim_buf_line_count(buf)), 0)
end

--- A buffer's text; a line's `\n` is Vim's way to write a NUL.
---@param buf integer
---@return gpt.ContextPiece
local function whole(buf)
  local name, path = name_of(buf)
  local lines = api.nvim_buf_get_lines(buf, 0, -1, false)
  return { name = name, path = path, language = vim.bo[buf].filetype, text = table.concat(lines, "\n") .. "\n" }
end

---@param word string
---@param bytes integer
---@return gpt.Notice
local function too_large(word, bytes)
  local title = words("view.context.too_large", { word = word, size = ("%.1f"):format(math.ceil(bytes / 1e5) / 10) })
  return problem(title, words("view.context.too_large_fix"))
end

---@type table<string, fun(word: string, done: gpt.ReadDone)>
local readers = {}

readers["#buffer"] = function(word, done)
  local buf, refused = code_buffer(word)
  if not buf then
    return done(nil, refused)
  elseif size_of(buf) > MOST_BYTES then
    return done(nil, too_large(word, size_of(buf)))
  end
  local piece = whole(buf)
  if not piece.text:find("%S") then
    local title = words("view.context.empty_buffer", { word = word, name = spoken_name(buf) })
    return done(nil, problem(title, words("view.context.no_code_fix")))
  end
  done({ piece })
end

readers["#buffers"] = function(word, done)
  local pieces, bytes = {}, 0
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local is_meant = vim.bo[buf].buflisted and api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == ""
    if is_meant and not vim.b[buf].gpt_disable then
      bytes = bytes + size_of(buf)
      local piece = bytes <= MOST_BYTES and whole(buf) or nil
      pieces[#pieces + 1] = piece and piece.text:find("%S") and piece or nil
    end
  end
  if bytes > MOST_BYTES then
    return done(nil, too_large(word, bytes))
  elseif #pieces == 0 then
    return done(nil, problem(words("view.context.no_buffers", { word = word }), words("view.context.no_code_fix")))
  end
  done(pieces)
end

readers["#selection"] = function(word, done)
  local buf, refused = code_buffer(word)
  if not buf then
    return done(nil, refused)
  end
  local taken
  if api.nvim_buf_get_mark(buf, "<")[1] > 0 then
    local bytes = 0
    taken = code.within(buf, function()
      bytes = selection.bytes_of_visual()
      return { bytes <= MOST_BYTES and selection.visual() or nil }
    end)[1]
    if bytes > MOST_BYTES then
      return done(nil, too_large(word, bytes))
    end
  end
  if not taken then
    local title = words("view.context.no_selection", { word = word, name = spoken_name(buf) })
    return done(nil, problem(title, words("view.context.no_selection_fix")))
  end
  local name, path = name_of(buf)
  local place = taken.first == taken.last and tostring(taken.first) or ("%d-%d"):format(taken.first, taken.last)
  local text = table.concat(taken.lines, "\n"):gsub("%z", "\n") .. "\n"
  done({ { name = ("%s:%s"):format(name, place), path = path, language = taken.filetype, text = text } })
end

--- A remark of a language server or linter, with the line that it is about.
---@param buf integer
---@param name string
---@param diagnostic vim.Diagnostic
---@return string
local function remark(buf, name, diagnostic)
  local level = (vim.diagnostic.severity[diagnostic.severity] or "ERROR"):lower()
  local source = diagnostic.source and (" [%s]"):format(diagnostic.source) or ""
  local message = vim.trim(diagnostic.message:gsub("%s*\n%s*", " "))
  local line = api.nvim_buf_get_lines(buf, diagnostic.lnum, diagnostic.lnum + 1, false)[1] or ""
  local place = ("%s:%d:%d"):format(name, diagnostic.lnum + 1, diagnostic.col + 1)
  return ("%s: %s: %s%s\n    %s"):format(place, level, message, source, line)
end

readers["#diagnostics"] = function(word, done)
  local buf, refused = code_buffer(word)
  if not buf then
    return done(nil, refused)
  end
  local found = vim.diagnostic.get(buf)
  if #found == 0 then
    local title = words("view.context.no_diagnostics", { word = word, name = spoken_name(buf) })
    return done(nil, problem(title, words("view.context.take_out")))
  end
  table.sort(found, function(one, other)
    local a = { one.lnum, one.col, one.severity or 1, one.message }
    local b = { other.lnum, other.col, other.severity or 1, other.message }
    for index = 1, 4 do
      if a[index] ~= b[index] then
        return a[index] < b[index]
      end
    end
    return false
  end)
  local name, path = name_of(buf)
  local lines = vim.tbl_map(function(diagnostic)
    return remark(buf, name, diagnostic)
  end, found)
  done({ { name = name, path = path, language = "text", text = table.concat(lines, "\n") .. "\n" } })
end

readers["#quickfix"] = function(word, done)
  local list = vim.fn.getqflist({ items = 0, title = 0 })
  local lines = {}
  for _, item in ipairs(list.items) do
    local has_buffer = item.bufnr > 0 and api.nvim_buf_is_valid(item.bufnr)
    if not (has_buffer and vim.b[item.bufnr].gpt_disable) then
      local text = item.text:gsub("%s*\n%s*", " ")
      local place = has_buffer and ("%s:%d:%d: "):format(name_of(item.bufnr), item.lnum, item.col) or ""
      lines[#lines + 1] = place .. (item.type ~= "" and item.type .. ": " or "") .. vim.trim(text)
    end
  end
  if #lines == 0 then
    return done(nil, problem(words("view.context.no_quickfix", { word = word }), words("view.context.take_out")))
  end
  -- The title of a list that a command made is that command, with all that was typed.
  local title = vim.trim((list.title or ""):gsub("[%c`]", " "))
  title = title:find("^:") and "" or title
  done({ { name = title, language = "text", text = table.concat(lines, "\n") .. "\n" } })
end

readers["#clipboard"] = function(word, done)
  if vim.fn.has("clipboard") == 0 then
    local title = words("view.context.no_clipboard", { word = word })
    return done(nil, problem(title, words("view.context.no_clipboard_fix")))
  end
  local ok, lines = pcall(vim.fn.getreg, "+", 1, true)
  local text = ok and table.concat(lines --[[@as string[] ]], "\n") or ""
  if not text:find("%S") then
    return done(nil, problem(words("view.context.empty_clipboard", { word = word }), words("view.context.take_out")))
  elseif #text > MOST_BYTES then
    return done(nil, too_large(word, #text))
  end
  done({ { name = "", language = "text", text = text .. "\n" } })
end

readers["#symbols"] = function(word, done)
  local buf, refused = code_buffer(word)
  if not buf then
    return done(nil, refused)
  end
  symbols.of(buf, function(lines)
    if #lines == 0 then
      local title = words("view.context.no_symbols", { word = word, name = spoken_name(buf) })
      return done(nil, problem(title, words("view.context.no_symbols_fix")))
    end
    local name, path = name_of(buf)
    done({ { name = name, path = path, language = "text", text = table.concat(lines, "\n") .. "\n" } })
  end)
end

--- Reads what a word stands for.
---@param word string
---@param done gpt.ReadDone called at once, unless a language server is asked
function M.read(word, done)
  readers[word](word, done)
end

return M
