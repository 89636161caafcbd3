--- Downloads a file with curl, wget or PowerShell, whichever is there: over TLS, bounded in size and time, without a secret
--- in any argument. (Windows has a curl of its own since 2018; PowerShell is for those that are older, or lost it.)
local M = {}

local uv = vim.uv

--- How often the size of what has come is looked at, in milliseconds.
local LOOK = 300

---@class gpt.install.Wanted
---@field url string
---@field path string the file it goes into
---@field most integer bytes at most
---@field progress? fun(bytes: integer)

---@alias gpt.install.Outcome "done"|"missing"|"offline"|"too_large"|"unwritten"|"untrusted"|"failed"|"no_tool"|"secret"

--- A line of curl's configuration (curl(1), `--config`).
---@param name string
---@param value string|number
---@return string
local function line(name, value)
  return ('%s = "%s"'):format(name, (tostring(value):gsub('[\\"]', "\\%0"):gsub("[\r\n]", "")))
end

--- What curl is told by its standard input, since an argument can be read by every user of the machine.
---@param wanted gpt.install.Wanted
---@param network table the option `network`
---@return string
function M.curl_config(wanted, network)
  local protocols = vim.startswith(wanted.url, "http://") and "=http,https" or "=https"
  local lines = {
    line("url", wanted.url),
    line("output", wanted.path),
    line("proto", protocols),
    line("proto-redir", protocols),
    line("max-redirs", 5),
    line("max-filesize", wanted.most),
    line("connect-timeout", network.connect_timeout),
    line("speed-limit", 1),
    line("speed-time", math.max(1, math.floor(network.idle_timeout))),
    line("write-out", "%{http_code}"),
    "globoff",
    "location",
    "fail",
    "silent",
    "show-error",
  }
  if network.proxy == false then
    lines[#lines + 1] = line("noproxy", "*")
  elseif network.proxy then
    lines[#lines + 1] = line("proxy", network.proxy)
  end
  if network.ca_file then
    lines[#lines + 1] = line("cacert", vim.fs.normalize(network.ca_file))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- What curl's exit codes mean (curl(1), EXIT CODES).
---@type table<integer, gpt.install.Outcome>
local OF_CURL = {
  [5] = "offline",
  [6] = "offline",
  [7] = "offline",
  [23] = "unwritten",
  [51] = "untrusted",
  [60] = "untrusted",
  [63] = "too_large",
  [77] = "untrusted",
}

---@param result vim.SystemCompleted
---@return gpt.install.Outcome
local function of_curl(result)
  if result.code == 0 then
    return "done"
  end
  local status = tonumber((result.stdout or ""):match("%d+$"))
  if result.code == 22 and (status == 404 or status == 410) then
    return "missing"
  end
  return OF_CURL[result.code] or "failed"
end

--- wget says in its arguments and variables what curl is told by its input: only where that is no secret.
---@param wanted gpt.install.Wanted
---@param network table
---@return string[]? command, table? environment nil where a secret would be seen
local function wget(wanted, network)
  if network.proxy and network.proxy:find("@", 1, true) then
    return nil
  end
  local command = {
    "wget",
    "--quiet",
    "--server-response",
    "--tries=1",
    "--max-redirect=5",
    "--connect-timeout=" .. network.connect_timeout,
    "--read-timeout=" .. network.idle_timeout,
    "--output-document=" .. wanted.path,
  }
  if network.ca_file then
    command[#command + 1] = "--ca-certificate=" .. vim.fs.normalize(network.ca_file)
  end
  if network.proxy == false then
    command[#command + 1] = "--no-proxy"
  end
  command[#command + 1] = "--"
  command[#command + 1] = wanted.url
  return command, network.proxy and { https_proxy = network.proxy, http_proxy = network.proxy } or nil
end

--- What wget's exit codes mean (wget(1), EXIT STATUS).
---@param result vim.SystemCompleted
---@return gpt.install.Outcome
local function of_wget(result)
  if result.code == 0 then
    return "done"
  end
  local statuses = {}
  for status in (result.stderr or ""):gmatch("HTTP/%S+%s+(%d%d%d)") do
    statuses[#statuses + 1] = status
  end
  local last = statuses[#statuses]
  return (result.code == 8 and (last == "404" or last == "410") and "missing")
    or ({ [3] = "unwritten", [4] = "offline", [5] = "untrusted" })[result.code]
    or "failed"
end

--- Whether wget was led away from TLS, which it can not be told to refuse: what it brought is not taken then.
---@param wanted gpt.install.Wanted
---@param result vim.SystemCompleted
---@return boolean
local function was_led_astray(wanted, result)
  local led = ("\n" .. (result.stderr or "")):lower():find("\n%s*location:%s*http://")
  return led ~= nil and vim.startswith(wanted.url, "https://")
end

--- A string of PowerShell's (about_Quoting_Rules).
---@param value string
---@return string
local function quoted(value)
  return "'" .. value:gsub("[\r\n]", ""):gsub("'", "''") .. "'"
end

--- What PowerShell is told by its standard input. It ends with 44 where there is no such file, with 6 where nobody answers.
---@param wanted gpt.install.Wanted
---@param network table
---@return string
function M.powershell_script(wanted, network)
  local options = {
    ("-Uri %s -OutFile %s"):format(quoted(wanted.url), quoted(wanted.path)),
    ("-UseBasicParsing -MaximumRedirection 5 -TimeoutSec %d -PassThru"):format(math.max(1, network.idle_timeout)),
  }
  local lines = {
    "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'",
    "[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12",
  }
  if network.proxy == false then
    lines[#lines + 1] = "[Net.WebRequest]::DefaultWebProxy = New-Object Net.WebProxy"
  elseif network.proxy then
    local scheme, user, host = network.proxy:match("^(%a[%w+.-]*://)(.*)@([^@]*)$")
    options[#options + 1] = "-Proxy " .. quoted(scheme and scheme .. host or network.proxy)
    if user then
      local name, password = user:match("^([^:]*):?(.*)$")
      lines[#lines + 1] = ("$word = ConvertTo-SecureString %s -AsPlainText -Force"):format(
        quoted(vim.uri_decode(password))
      )
      lines[#lines + 1] = ("$who = New-Object Management.Automation.PSCredential(%s, $word)"):format(
        quoted(vim.uri_decode(name))
      )
      options[#options + 1] = "-ProxyCredential $who"
    end
  end
  vim.list_extend(lines, {
    "try { $answer = Invoke-WebRequest " .. table.concat(options, " ") .. " } catch {",
    "  [Console]::Error.WriteLine($_.Exception.Message)",
    "  $status = [int]$_.Exception.Response.StatusCode",
    "  if ($status -eq 404 -or $status -eq 410) { exit 44 }",
    "  if ($status -eq 0) { exit 6 }",
    "  exit 1",
    "}",
  })
  if vim.startswith(wanted.url, "https://") then
    local led = "$answer.BaseResponse.ResponseUri.Scheme -eq 'http'"
    lines[#lines + 1] = ("if (%s) { Remove-Item %s; exit 1 }"):format(led, quoted(wanted.path))
  end
  return table.concat(lines, "\n") .. "\nexit 0\n"
end

---@param result vim.SystemCompleted
---@return gpt.install.Outcome
local function of_powershell(result)
  return ({ [0] = "done", [44] = "missing", [6] = "offline" })[result.code] or "failed"
end

--- PowerShell, where it can do what is wanted: it trusts no certificates beside the system's.
---@param network table
---@return string?
local function powershell(network)
  for _, name in ipairs(network.ca_file and {} or { "powershell", "pwsh" }) do
    if vim.fn.executable(name) == 1 then
      return name
    end
  end
end

--- Looks at the file while it grows: tells its size, and ends what writes more than was wanted.
---@param task gpt.install.Task
---@param wanted gpt.install.Wanted
---@return fun(): boolean stop says whether the file had become too large
local function watch(task, wanted)
  local timer, too_large = assert(uv.new_timer()), false
  timer:start(LOOK, LOOK, function()
    local stat = uv.fs_stat(wanted.path)
    local size = stat and stat.size or 0
    if size > wanted.most then
      too_large = true
      task:end_process()
    elseif wanted.progress then
      vim.schedule(function()
        wanted.progress(size)
      end)
    end
  end)
  return function()
    timer:close()
    local stat = uv.fs_stat(wanted.path)
    return too_large or (stat ~= nil and stat.size > wanted.most)
  end
end

--- Downloads a file.
---@param task gpt.install.Task
---@param wanted gpt.install.Wanted
---@param network table the option `network`
---@return gpt.install.Outcome outcome, string? details what the tool said
function M.get(task, wanted, network)
  local command, options, read
  if vim.fn.executable("curl") == 1 then
    command, options, read = { "curl", "--config", "-" }, { stdin = M.curl_config(wanted, network) }, of_curl
  elseif vim.fn.executable("wget") == 1 then
    local environment
    command, environment = wget(wanted, network)
    options = { env = environment }
    read = function(result)
      return was_led_astray(wanted, result) and "failed" or of_wget(result)
    end
  end
  local shell = not command and powershell(network)
  if shell then
    command = { shell, "-NoProfile", "-NonInteractive", "-Command", "-" }
    options, read = { stdin = M.powershell_script(wanted, network) }, of_powershell
  end
  if not command then
    return vim.fn.executable("wget") == 1 and "secret" or "no_tool"
  end
  options.text = true
  local stop = watch(task, wanted)
  local ok, result = pcall(task.system, task, command, options)
  local too_large = stop()
  if not ok then
    error(result, 0)
  end
  local outcome = too_large and "too_large" or read(result)
  return outcome, vim.trim(result.stderr or ""):match("[^\r\n]*$"):sub(1, 300)
end

return M
