--- Builds the program with cargo, in a process of its own that outlives whoever asked for it.
local M = {}

local uv = vim.uv

--- How often the log is looked at, in milliseconds.
local LOOK = 500
--- How much of the log's end is read.
local MOST_READ = 4096

--- The last lines of a file.
---@param path string
---@return string[]
local function tail(path)
  local file = io.open(path, "rb")
  if not file then
    return {}
  end
  local size = file:seek("end", 0)
  file:seek("set", math.max(0, size - MOST_READ))
  local text = file:read(MOST_READ) or ""
  file:close()
  return vim.split(vim.trim(text), "[\r\n]+")
end

--- What cargo is doing, by its last line.
---@param path string
---@return string?
local function stage(path)
  local lines = tail(path)
  return vim.trim(lines[#lines] or ""):match("^(%u%l+%s+[%w_.-]+)")
end

--- Begins to build; the process is no child that anybody waits for, its output goes into a file.
---@param root string the plugin's folder
---@param log string
---@param ended fun(code: integer)
---@return uv.uv_process_t? process, integer|string pid the problem, where there is no process
local function spawn(root, log, ended)
  local output = uv.fs_open(log, "w", 384) -- 0600
  if not output then
    return nil, log
  end
  local process, pid
  process, pid = uv.spawn("cargo", {
    args = { "build", "--release", "--locked", "--manifest-path", vim.fs.joinpath(root, "Cargo.toml") },
    cwd = root,
    stdio = { nil, output, output },
    detached = true,
    hide = true,
  }, function(code, signal)
    process:close()
    ended(signal ~= 0 and 128 + signal or code)
  end)
  uv.fs_close(output)
  return process, pid
end

--- Builds the program. It goes on where the editor is quit or a plugin manager gives up; it ends where the user stops it.
---@param task gpt.install.Task
---@param root string the plugin's folder
---@param progress fun(stage: string)
---@return string? binary, string? problem cargo's last words
function M.build(task, root, progress)
  local target = vim.fs.joinpath(root, "target")
  if vim.fn.mkdir(target, "p") == 0 then
    return nil, target
  end
  local log = vim.fs.joinpath(target, "gpt-build.log")
  local timer = assert(uv.new_timer())
  local ok, code = pcall(task.await, task, function(resume)
    local process, pid = spawn(root, log, resume)
    if not process then
      return resume(tostring(pid))
    end
    task:when_stopped(function()
      uv.kill(-pid, "sigterm") -- its group
    end)
    timer:start(LOOK, LOOK, function()
      local doing = stage(log)
      if doing then
        vim.schedule(function()
          progress(doing)
        end)
      end
    end)
  end)
  timer:close()
  task:when_stopped(nil)
  if not ok then
    error(code, 0)
  end
  if code ~= 0 then
    local lines = type(code) == "string" and { code } or tail(log)
    return nil, table.concat(vim.list_slice(lines, math.max(1, #lines - 7)), "\n")
  end
  local name = vim.fn.has("win32") == 1 and "gpt-nvim.exe" or "gpt-nvim"
  return vim.fs.joinpath(target, "release", name)
end

return M
