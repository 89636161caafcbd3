--- The program behind the plugin: found, registered as a remote plugin, started at first use, talked to, started again
--- after it died. Nothing in here waits for it.
local M = {}

local words = require("gpt.words")

--- What is known of the program; it outlives a reload of this module.
local state = require("gpt.client.session").remote
--- Whether the start under way has come to the program itself.
local tried = false

---@type fun()[] who is told that the program has ended
local listeners = {}

local FUNCTION = "GPTEvent"
local root =
  vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, "S").source:sub(2))))))
local is_windows = vim.fn.has("win32") == 1

--- What was installed and what was built here, the newer one first: an update may have been either.
---@param name string
---@return string[]
local function own(name)
  local installed, built = ("%s/bin/%s"):format(root, name), ("%s/target/release/%s"):format(root, name)
  local first, second = vim.uv.fs_stat(installed), vim.uv.fs_stat(built)
  if first and second and second.mtime.sec > first.mtime.sec then
    return { built, installed }
  end
  return { installed, built }
end

--- Where the program is looked for, in this order.
---@return string[]
function M.candidates()
  local chosen = require("gpt.config").get().binary
  if chosen then
    return { vim.fs.normalize(chosen) }
  end
  local name = is_windows and "gpt-nvim.exe" or "gpt-nvim"
  local found = own(name)
  local in_path = vim.fn.exepath(name)
  if in_path ~= "" then
    found[#found + 1] = in_path
  end
  return found
end

--- The program, if there is one.
---@return string?
function M.binary()
  for _, path in ipairs(M.candidates()) do
    if vim.fn.executable(path) == 1 then
      return path
    end
  end
end

---@param title string
---@param advice string
local function complain(title, advice)
  -- Later: what is said inside a remote function's start is taken for that function's error, and not shown.
  vim.schedule(function()
    require("gpt.client.operations").complain({ level = "error", title = title, advice = advice })
  end)
end

--- What to do when there is no program.
---@return string title, string advice
function M.missing()
  local chosen = require("gpt.config").get().binary
  if chosen and vim.uv.fs_stat(vim.fs.normalize(chosen)) then
    return words("view.program.not_executable", { file = chosen }),
      words("view.program.run", { command = "chmod +x " .. vim.fn.shellescape(chosen) })
  end
  if chosen then
    return words("view.program.not_there", { file = chosen }), words("view.program.correct_binary")
  end
  if require("gpt.client.install").is_running() then
    return words("view.install.already"), words("view.install.already_advice")
  end
  return words("view.program.not_built"), words("view.program.run", { command = ":GPT install" })
end

--- Offers to install a program that is missing: once, and to somebody who sees it.
local function offer_install()
  local is_ours = not require("gpt.config").get().binary and not require("gpt.client.install").is_running()
  if is_ours and not state.offered and #vim.api.nvim_list_uis() > 0 then
    state.offered = true
    vim.schedule(function()
      require("gpt.client.operations").offer_install()
    end)
  end
end

--- What to do about a program that does not start.
---@return string
local function rebuild()
  return words("view.program.rebuild", { command = ":GPT install" })
end

---@param job integer
---@param code integer
local function on_exit(job, code)
  if job ~= state.channel then
    return
  end
  state.channel = nil
  if vim.v.exiting ~= vim.NIL then
    return
  end
  for ticket in pairs(state.awaited) do
    M.answered({ ticket = ticket })
  end
  for _, listener in ipairs(listeners) do
    listener()
  end
  local signaled = code > 128 and not is_windows
  local how = signaled and words("view.program.signal", { number = code - 128 })
    or words("view.program.exit_code", { number = code })
  local said = vim.trim(table.concat(state.last_words, " "))
  local operations = require("gpt.client.operations")
  local returned = operations.program_ended()
  if not state.heard then
    local ended = said ~= "" and words("view.program.ended_at_once", { how = how, words = said })
      or words("view.program.ended", { how = how })
    return complain(ended, rebuild())
  end
  operations.inform({
    level = "error",
    title = words("view.program.ended", { how = how }),
    advice = returned and words("view.program.question_back") or words("view.program.starts_again"),
    details = said ~= "" and { said } or nil,
  })
end

--- Starts the program.
---@return integer channel 0 if it cannot be started
local function launch()
  tried = true
  local binary = M.binary()
  if not binary then
    complain(M.missing())
    offer_install()
    return 0
  end
  state.last_words, state.heard = {}, false
  -- Detached: an ordinary job would hold Neovim up at :qa; this one sees its input end, and leaves.
  local ok, started = pcall(vim.fn.jobstart, { binary }, {
    rpc = true,
    detach = true,
    on_exit = on_exit,
    on_stderr = function(_, lines)
      vim.list_extend(state.last_words, lines)
      state.last_words = vim.list_slice(state.last_words, math.max(1, #state.last_words - 5))
    end,
  })
  if not ok or started <= 0 then
    complain(words("view.program.not_started", { file = binary }), rebuild())
    return 0
  end
  state.channel = started
  return started
end

--- Registers us as a remote plugin with one function, `GPTEvent`, through which every event goes. At a restart the
--- registration is renewed, since Neovim takes a host that died for a running one.
---@return boolean registered false where this Neovim has no remote plugins
local function register()
  if vim.fn.exists("*" .. FUNCTION) == 1 then
    vim.cmd.delfunction(FUNCTION)
  end
  return (
    pcall(function()
      vim.fn["remote#host#Register"]("gpt", "*", launch)
      vim.fn["remote#define#FunctionOnHost"]("gpt", root .. ":function:" .. FUNCTION, false, FUNCTION, vim.empty_dict())
    end)
  )
end

--- Starts the program if it does not run.
---@return boolean running
local function ensure()
  if state.channel then
    return true
  end
  tried = false
  if register() then
    pcall(vim.fn["remote#host#Require"], "gpt")
  end
  if not tried then
    launch()
  end
  M.configure()
  if state.channel then
    vim.schedule(function()
      require("gpt.client.operations").offer_actions()
    end)
  end
  return state.channel ~= nil
end

---@param event table
---@return boolean sent
local function send(event)
  -- A key goes past Vim script, which writes its functions' arguments to 'verbosefile'.
  if event.event == "key_entered" then
    return state.channel ~= nil and pcall(vim.rpcnotify, state.channel, "gpt_event", event)
  end
  -- Its first call defines the function (FuncUndefined), so its existence says nothing.
  if pcall(vim.fn[FUNCTION], event) then
    return true
  end
  return state.channel ~= nil and pcall(vim.rpcnotify, state.channel, "gpt_event", event)
end

--- Tells the program something; starts it first where needed.
---@param event table with its name in `event`
---@return boolean sent false if there is no program; the user has been told
function M.notify(event)
  return ensure() and send(event)
end

--- Hands the configuration to the running program.
function M.configure()
  if state.channel then
    local protocol = require("gpt.client.version").protocol
    send({ event = "started", config = require("gpt.config").for_program(), protocol = protocol })
  end
end

--- Asks the program something that it answers at once; starts it first where needed. For completion and health only:
--- this waits, but not for ever, as a request would for a program that hangs.
---@param question string
---@param limit integer how long it waits at most, in milliseconds
---@return any? answer nil if there is none in time
function M.ask(question, limit)
  if not ensure() then
    return nil
  end
  state.last_ticket = state.last_ticket + 1
  local ticket = state.last_ticket
  state.answers[ticket] = vim.NIL
  local asked = pcall(vim.rpcnotify, state.channel, "gpt_question", question, ticket)
  -- Where waiting is not allowed (in a callback of libuv), there is no answer in time.
  pcall(vim.wait, asked and limit or 0, function()
    return state.answers[ticket] ~= vim.NIL or not state.channel
  end, 5)
  local answer = state.answers[ticket]
  state.answers[ticket] = nil
  return answer ~= vim.NIL and answer or nil
end

--- Asks the program something, without waiting; starts it first where needed.
---@param question string
---@param about table what else is to be said
---@param reply fun(answer: any?) is told the answer; nil if there is no program, or it ends before
function M.question(question, about, reply)
  -- A missing program was told of when the chat was opened, and is not at each letter.
  if not state.channel and not M.binary() or not ensure() then
    return reply(nil)
  end
  state.last_ticket = state.last_ticket + 1
  state.awaited[state.last_ticket] = reply
  if not pcall(vim.rpcnotify, state.channel, "gpt_question", question, state.last_ticket, about) then
    M.answered({ ticket = state.last_ticket })
  end
end

--- The program answers a question.
---@param data { ticket: integer, answer?: any }
function M.answered(data)
  local reply = state.awaited[data.ticket]
  state.awaited[data.ticket] = nil
  if reply then
    reply(data.answer)
  elseif state.answers[data.ticket] then
    state.answers[data.ticket] = data.answer
  end
end

--- Who is to be told when the program has ended.
---@param listener fun()
function M.on_end(listener)
  listeners[#listeners + 1] = listener
end

--- A number for what is asked, which answers name.
---@return integer
function M.new_ticket()
  state.last_ticket = state.last_ticket + 1
  return state.last_ticket
end

--- Starts the program before it is needed, so that the first answer does not wait for it.
function M.warm()
  ensure()
end

--- The program has called: it is well.
function M.heard()
  state.heard = true
end

--- Whether the program runs.
---@return boolean
function M.is_running()
  return state.channel ~= nil
end

--- The channel, for questions (|gpt-health|).
---@return integer?
function M.channel()
  return state.channel
end

-- A program that older modules have started goes on with what the user may have changed.
if state.channel then
  vim.schedule(M.configure)
end

return M
