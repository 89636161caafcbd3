--- Lists the code blocks that name a file, compares them with it, and writes it where there is none yet.
local api = vim.api

local code_blocks = require("gpt.chat.code_blocks")
local dialog = require("gpt.ui.dialog")
local diff = require("gpt.chat.diff")
local headings = require("gpt.chat.headings")
local line_count = require("gpt.ui.line_count")
local notice = require("gpt.ui.notice")
local origins = require("gpt.code.anchor")
local words = require("gpt.words")

local M = {}

--- Words in front of a path in what stands behind a fence.
local NAMES = { "path", "file", "filename", "title" }

--- Whether a word looks like a path, and not like the name of a language.
---@param word string
---@return boolean
local function is_path(word)
  return not word:find('[={}"]') and (word:find("/", 1, true) ~= nil or word:find("^[%w_.-]*%.[%w_-]+$") ~= nil)
end

--- The path that the information behind a fence names: `rust src/x.rs`, `rust path=src/x.rs`, `rust:src/x.rs`, `src/x.rs`.
---@param info string
---@return string?
function M.path_in(info)
  for _, name in ipairs(NAMES) do
    local path = info:match("%f[%w]" .. name .. '="([^"]+)"') or info:match("%f[%w]" .. name .. "=([^%s}\"']+)")
    if path then
      return path
    end
  end
  local behind = info:match("^[%w_+#-]+:(%S.*)$") or info:match("^[%w_+#.-]+%s+([^%s{].*)$")
  for _, words_of in ipairs({ behind or "", info }) do
    if is_path(words_of) then
      return words_of
    end
  end
end

---@class gpt.FileBlock
---@field path string as the answer names it
---@field full string
---@field lines string[]

--- Where a path is: in the project, by which files are named, unless only the current folder has such a file.
---@param path string
---@param root string
---@return string
local function full_path(path, root)
  path = vim.fs.normalize(path, { expand_env = false })
  if path:sub(1, 1) == "/" or path:find("^%a:/") then
    return path
  end
  local here, there = vim.fs.joinpath(vim.fn.getcwd(), path), vim.fs.joinpath(root, path)
  return not vim.uv.fs_stat(there) and vim.uv.fs_stat(here) and here or there
end

--- A path without links and dots, as far as it is there.
---@param path string
---@return string
local function real(path)
  local rest = {}
  path = vim.fs.normalize(vim.fn.fnamemodify(vim.fn.simplify(path), ":p"), { expand_env = false })
  while path ~= "/" and not vim.uv.fs_realpath(path) do
    local parent = vim.fs.dirname(path)
    if parent == path then
      break
    end
    table.insert(rest, 1, vim.fs.basename(path))
    path = parent
  end
  path = vim.fs.normalize(vim.uv.fs_realpath(path) or path, { expand_env = false })
  return #rest > 0 and vim.fs.joinpath(path, unpack(rest)) or path
end

--- Whether a path lies in a folder, whatever links say.
---@param path string
---@param root string
---@return boolean
local function is_within(path, root)
  root = real(root):gsub("/$", "")
  return vim.startswith(real(path), root .. "/")
end

--- The blocks of a chat's answers that name a file; of several for the same one the last.
---@param chat gpt.Chat
---@return gpt.FileBlock[]
function M.list(chat)
  local found, list, places = headings.all(chat), {}, {}
  local root = chat.project or vim.fn.getcwd()
  for index, heading in ipairs(found) do
    for _, block in ipairs(heading.entry.role == "assistant" and code_blocks.of_message(chat, found, index) or {}) do
      local path = not (block.open and heading.mark == chat.answer_mark and chat.answer) and M.path_in(block.info)
      if path and not path:find("%c") then
        local full = real(full_path(path, root))
        places[full] = places[full] or #list + 1
        list[places[full]] = { path = path, full = full, lines = code_blocks.code(chat, block) }
      end
    end
  end
  return list
end

---@param title string
local function refuse(title)
  notice.inform({ level = "warning", title = title, advice = "" })
end

--- Asks before something is done.
---@param question string
---@param yes string
---@param run fun()
local function confirm(question, yes, run)
  vim.schedule(function()
    dialog.select({ yes, words("view.files.no") }, { prompt = question, kind = "gpt.files" }, function(_, index)
      vim.cmd.redraw()
      if index == 1 then
        run()
      end
    end)
  end)
end

--- Writes a file that is not there yet, with its folders.
---@param file gpt.FileBlock
local function write(file)
  local text = table.concat(file.lines, "\n") .. "\n"
  local _, reason = pcall(vim.fn.mkdir, vim.fs.dirname(file.full), "p")
  local fd, why = vim.uv.fs_open(file.full, "wx", 420) -- 0644; never over another file
  local written = false
  if fd then
    local count
    count, why = vim.uv.fs_write(fd, text, 0)
    local closed, late = vim.uv.fs_close(fd)
    written, why = count == #text and closed == true, why or late
  end
  if not written then
    return refuse(words("view.files.not_written", { path = file.path, reason = tostring(why or reason) }))
  end
  local count = line_count.lines(#file.lines)
  local title = words("view.files.written", { path = file.path, lines = count })
  notice.inform({ level = "info", title = title, advice = "" })
end

--- Shows what a block would make of the file that is there.
---@param file gpt.FileBlock
local function compare(file)
  local buf = vim.fn.bufadd(file.full)
  local loaded = pcall(vim.fn.bufload, buf)
  if not loaded or not api.nvim_buf_is_loaded(buf) then
    return refuse(words("view.files.unreadable", { path = file.path }))
  end
  vim.bo[buf].buflisted = true
  if vim.bo[buf].filetype == "" then
    vim.bo[buf].filetype = vim.filetype.match({ buf = buf }) or ""
  end
  local place = origins.lines(buf, 0, api.nvim_buf_line_count(buf))
  if vim.deep_equal(origins.text(place), file.lines) then
    local title = words("view.apply.same", { where = file.path })
    return notice.inform({ level = "info", title = title, advice = "" })
  end
  diff.show({ place = place }, file.lines)
end

--- Opens the file of a block as a diff, or writes it where there is none: after a question, and one more for a file
--- outside of the project.
---@param chat gpt.Chat
---@param file gpt.FileBlock
local function open(chat, file)
  local stat = vim.uv.fs_stat(file.full)
  local known = vim.fn.bufloaded(file.full) == 1
  if stat and stat.type ~= "file" then
    return refuse(words("view.files.no_file", { path = file.path }))
  end
  local function go()
    if stat or known then
      return compare(file)
    end
    local lines = line_count.lines(#file.lines)
    local question = words("view.files.write", { path = file.full, lines = lines })
    confirm(question, words("view.files.yes_write"), function()
      write(file)
    end)
  end
  local root = chat.project or vim.fn.getcwd()
  if is_within(file.full, root) then
    return go()
  end
  confirm(words("view.files.outside", { path = file.full }), words("view.files.yes_open"), go)
end

--- Lets the user choose one of the files that the chat's answers name.
---@param chat gpt.Chat
function M.choose(chat)
  local list = M.list(chat)
  if #list == 0 then
    return notice.inform({
      level = "info",
      title = words("view.files.none"),
      advice = words("view.files.none_advice"),
    })
  end
  local format = function(file)
    local new = not vim.uv.fs_stat(file.full) and " · " .. words("view.files.new") or ""
    return ("%s · %s%s"):format(file.path, line_count.lines(#file.lines), new)
  end
  local options = { prompt = words("view.files.title"), kind = "gpt.files", format_item = format }
  dialog.select(list, options, function(file)
    vim.cmd.redraw()
    if file then
      open(chat, file)
    end
  end)
end

return M
