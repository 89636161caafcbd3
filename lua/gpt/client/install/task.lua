--- A coroutine that runs other programs without blocking the editor, and can be stopped.

---@class gpt.install.Task
---@field stopped boolean
---@field private thread thread
---@field private process? vim.SystemObj the one that runs
---@field private on_stop? fun() ends what runs otherwise
local Task = {}
Task.__index = Task

local M = {}

--- What the body of a stopped task ends with.
M.STOPPED = {}

--- Runs `body` as a coroutine.
---@param body fun(task: gpt.install.Task)
---@param ended fun(problem: any?) nil where the body came to its end, else what it raised
---@return gpt.install.Task
function M.start(body, ended)
  local task = setmetatable({ stopped = false }, Task)
  task.thread = coroutine.create(function()
    local ok, problem = xpcall(body, function(raised)
      return type(raised) == "string" and debug.traceback(raised) or raised
    end, task)
    ended(not ok and problem or nil)
  end)
  coroutine.resume(task.thread)
  return task
end

--- Waits for what `begin` begins.
---@param begin fun(resume: fun(result: any))
---@return any result
function Task:await(begin)
  local result, is_there, waits = nil, false, false
  begin(vim.schedule_wrap(function(value)
    if is_there then
      return
    end
    result, is_there = value, true
    if waits then
      coroutine.resume(self.thread)
    end
  end))
  waits = true
  if not is_there then
    coroutine.yield()
  end
  if self.stopped then
    error(M.STOPPED, 0)
  end
  return result
end

--- How much longer than its time limit a program is waited for: what it started may hold its output open.
local GRACE = 500

--- Runs a program to its end, or to its time limit. One that cannot be started ends with code 127 here too.
---@param command string[]
---@param options? vim.SystemOpts
---@return vim.SystemCompleted
function Task:system(command, options)
  return self:await(function(resume)
    local ok, process = pcall(vim.system, command, options or {}, function(result)
      self.process = nil
      resume(result)
    end)
    if ok then
      self.process = process
      if options and options.timeout then
        vim.defer_fn(function()
          resume({ code = 124, signal = 0, stdout = "", stderr = "" })
        end, options.timeout + GRACE)
      end
    else
      resume({ code = 127, signal = 0, stdout = "", stderr = tostring(process) })
    end
  end)
end

--- Ends the program that runs; the task goes on with its exit code.
function Task:end_process()
  if self.process then
    self.process:kill("sigterm")
  end
end

--- What is called when the task is stopped while it waits for something else than a program.
---@param on_stop? fun()
function Task:when_stopped(on_stop)
  self.on_stop = on_stop
end

--- Ends the task: the program that it runs is ended, and its body with it.
function Task:stop()
  if self.stopped then
    return
  end
  self.stopped = true
  self:end_process()
  if self.on_stop then
    self.on_stop()
  end
end

return M
