--- Installs the program: downloads the release that fits this checkout and this machine, or else builds it with cargo.
--- Used by `build.lua` (plugin managers, `nvim -l build.lua`) and by `:GPT install`.
local M = {}

local address = require("gpt.client.install.address")
local archive = require("gpt.client.install.archive")
local cargo = require("gpt.client.install.cargo")
local download = require("gpt.client.install.download")
local tasks = require("gpt.client.install.task")
local version = require("gpt.client.version")
local words = require("gpt.words")

local uv = vim.uv
local root = vim.fs.dirname(
  vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, "S").source:sub(2))))))
)

--- The most that an archive may hold: ours have some 6 MB.
local MOST_BYTES = 64 * 1024 * 1024
local MOST_SUMS = 64 * 1024
--- With less room on the disk than this, in bytes, nothing is downloaded.
local ROOM = 32 * 1024 * 1024
--- What was left behind by an installation that died is taken away after this many seconds.
local STALE = 24 * 3600
--- What the program is made of: where none of it has changed since a release, that release's program fits.
local SOURCES = { "src", "data", "Cargo.toml", "Cargo.lock" }

--- Why there is no release.
local REASONS = {
  target = "view.install.no_release_target",
  address = "view.install.no_release_address",
  commit = "view.install.no_release_commit",
  missing = "view.install.no_release_missing",
  offline = "view.install.no_release_offline",
  no_tool = "view.install.no_release_no_tool",
  secret = "view.install.no_release_secret",
  no_sum_tool = "view.install.no_release_no_sum_tool",
}

---@class gpt.install.Failure
---@field title string
---@field advice string
---@field details? string

---@param title string
---@param advice string
---@param details? string
local function fail(title, advice, details)
  error({ title = title, advice = advice, details = details ~= "" and details or nil }, 0)
end

---@return string
local function binary_name()
  return vim.fn.has("win32") == 1 and "gpt-nvim.exe" or "gpt-nvim"
end

---@return string
local function bin()
  return vim.fs.joinpath(root, "bin")
end

--- Asks git about this checkout.
---@param task gpt.install.Task
---@param ... string
---@return string? answer nil where it has none
local function git(task, ...)
  -- Without a .git of its own it lies in somebody else's repository; and in a Neovim that git started, variables name one.
  if not uv.fs_stat(vim.fs.joinpath(root, ".git")) then
    return nil
  end
  local environment = {}
  for name, value in pairs(vim.fn.environ()) do
    environment[name] = not vim.startswith(name, "GIT_") and value or nil
  end
  environment.GIT_CEILING_DIRECTORIES = vim.fs.dirname(root)
  -- It asks nobody for a password: there is a screen of ours.
  environment.GIT_TERMINAL_PROMPT, environment.GIT_ASKPASS = "0", "true"
  environment.GIT_SSH_COMMAND = "ssh -oBatchMode=yes"
  local result = task:system(
    { "git", "-C", root, "-c", "core.fsmonitor=false", ... },
    { text = true, timeout = 20000, clear_env = true, env = environment }
  )
  return result.code == 0 and vim.trim(result.stdout) or nil
end

--- Where releases lie: what the user set, else the checkout's own remote.
---@param task gpt.install.Task
---@return string?
local function repository(task)
  local chosen = require("gpt.config").get().install.url
  if chosen then
    return address.chosen(chosen) or fail(words("view.install.bad_url"), words("view.install.bad_url_advice"))
  end
  local remote = git(task, "config", "--get", "remote.origin.url")
  return remote and address.of_remote(remote)
end

--- Gets the tag of a release into a shallow clone (vim-plug makes such), which knows no older ones.
---@param task gpt.install.Task
---@param tag string
local function fetch_tag(task, tag)
  local name = "refs/tags/" .. tag
  if
    git(task, "rev-parse", "--is-shallow-repository") == "true"
    and not git(task, "rev-parse", "--quiet", "--verify", name)
  then
    git(task, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", ("%s:%s"):format(name, name))
  end
end

--- Whether the release of our version has been made of these very sources.
---@param task gpt.install.Task
---@return boolean
local function is_released(task)
  -- Without git there is no checkout, but an unpacked archive of the release's sources.
  if not uv.fs_stat(vim.fs.joinpath(root, ".git")) then
    return true
  end
  local tag = "v" .. version.plugin
  fetch_tag(task, tag)
  return git(task, "diff", "--quiet", tag, "--", unpack(SOURCES)) ~= nil
end

--- The sums of earlier releases that this checkout itself knows, so that they do not come from the server alone.
---@return string
local function known_sums()
  local file = io.open(vim.fs.joinpath(root, "SHA256SUMS"), "rb")
  local text = file and file:read(MOST_SUMS) or ""
  if file then
    file:close()
  end
  return text
end

---@param bytes integer
---@return string
local function megabytes(bytes)
  return ("%.1f"):format(bytes / 1e6)
end

--- Ends the installation where the disk is full.
local function need_room()
  local facts = uv.fs_statfs(bin())
  local free = facts and facts.bavail * facts.bsize
  if free and free < ROOM then
    fail(
      words("view.install.no_room", { folder = bin(), megabytes = megabytes(free) }),
      words("view.install.make_room")
    )
  end
end

---@param problem? string
local function unwritable(problem)
  return fail(words("view.install.read_only", { folder = bin() }), words("view.install.read_only_advice"), problem)
end

---@param outcome gpt.install.Outcome
---@param url string
---@param details? string
local function check(outcome, url, details)
  if outcome == "done" then
    return
  elseif vim.list_contains({ "missing", "offline", "no_tool", "secret" }, outcome) then
    error({ no_release = outcome }, 0)
  elseif outcome == "too_large" then
    fail(words("view.install.too_large"), words("view.install.other_ways"), url)
  elseif outcome == "untrusted" then
    fail(words("view.install.untrusted"), words("view.install.untrusted_advice"), url .. "\n" .. (details or ""))
  elseif outcome == "unwritten" then
    need_room()
    unwritable(details)
  end
  fail(words("view.install.cut"), words("view.install.again"), url .. "\n" .. (details or ""))
end

--- Downloads the program into a folder, checks it, and lets it say its version.
---@param task gpt.install.Task
---@param release gpt.install.Release
---@param folder string
---@param report fun(text: string)
---@return string path
local function fetch(task, release, folder, report)
  local network = require("gpt.config").get().network
  local file = vim.fs.joinpath(folder, "archive.tar.gz")
  local wanted = {
    url = release.archive,
    path = file,
    most = MOST_BYTES,
    progress = function(bytes)
      report(words("view.install.downloading", { megabytes = megabytes(bytes) }))
    end,
  }
  report(words("view.install.looking"))
  local outcome, said = download.get(task, wanted, network)
  check(outcome, wanted.url, said)

  local archive_name = release.name .. ".tar.gz"
  local expected = archive.sum_in(known_sums(), archive_name)
  if not expected then
    local sums = vim.fs.joinpath(folder, "SHA256SUMS")
    outcome, said = download.get(task, { url = release.sums, path = sums, most = MOST_SUMS }, network)
    check(outcome == "missing" and "failed" or outcome, release.sums, said)
    local opened = assert(io.open(sums, "rb"))
    expected = archive.sum_in(opened:read(MOST_SUMS) or "", archive_name)
    opened:close()
  end
  local sum = archive.sum(task, file)
  if not sum then
    error({ no_release = "no_sum_tool" }, 0)
  elseif not expected or sum ~= expected then
    fail(words("view.install.wrong_sum"), words("view.install.wrong_sum_advice"), release.archive)
  end

  report(words("view.install.unpacking"))
  local path, problem = archive.unpack(task, file, release.name .. "/" .. binary_name(), folder)
  if not path then
    need_room()
    fail(words("view.install.not_unpacked"), words("view.install.other_ways"), problem)
  end
  uv.fs_chmod(path, 493) -- 0755
  local runs = task:system({ path, "--version" }, { text = true, timeout = 10000 })
  if runs.code ~= 0 or vim.trim(runs.stdout) ~= "gpt-nvim " .. version.plugin then
    fail(words("view.install.does_not_run"), words("view.install.other_ways"), vim.trim(runs.stderr or ""):sub(1, 300))
  end
  return path
end

--- A folder beside the program, so that it comes into its place by a rename; what died here before is taken away.
---@return string
local function scratch()
  pcall(vim.fn.mkdir, bin(), "p")
  for name in vim.fs.dir(bin()) do
    local stat = vim.startswith(name, ".installing-") and uv.fs_stat(vim.fs.joinpath(bin(), name))
    if stat and os.time() - stat.mtime.sec > STALE then
      vim.fn.delete(vim.fs.joinpath(bin(), name), "rf")
    end
  end
  local made = uv.fs_mkdtemp(vim.fs.joinpath(bin(), ".installing-XXXXXX"))
  return made or unwritable()
end

--- Puts the program into its place: whole, or not at all.
---@param path string
---@return string binary
local function place(path)
  local binary = vim.fs.joinpath(bin(), binary_name())
  uv.fs_utime(path, os.time(), os.time())
  if vim.fn.has("win32") == 1 then
    uv.fs_rename(binary, binary .. ".old") -- one in use can be renamed, and not replaced
  end
  local ok, problem = uv.fs_rename(path, binary)
  if not ok then
    unwritable(problem)
  end
  return binary
end

--- Installs the release, if there is one.
---@param task gpt.install.Task
---@param report fun(text: string)
---@return string? binary, string? why there is none
local function install_release(task, report)
  local where, target = repository(task), address.target()
  if not target then
    return nil, "target"
  elseif not where then
    return nil, "address"
  elseif not is_released(task) then
    return nil, "commit"
  end
  local folder = scratch()
  local ok, result = pcall(function()
    need_room()
    return place(fetch(task, address.release(where, version.plugin, target), folder, report))
  end)
  vim.fn.delete(folder, "rf")
  if ok then
    return result
  elseif type(result) == "table" and result.no_release then
    return nil, result.no_release
  end
  error(result, 0)
end

--- Builds the program here, and takes away an older one that would come first.
---@param task gpt.install.Task
---@param why string
---@param report fun(text: string)
---@return string binary
local function build(task, why, report)
  local reason = words(REASONS[why])
  if vim.fn.executable("cargo") == 0 then
    fail(words("view.install.neither", { reason = reason }), words("view.install.both_ways"))
  end
  report(words("view.install.building", { reason = reason }))
  local binary, problem = cargo.build(task, root, function(stage)
    report(words("view.install.building_stage", { stage = stage }))
  end)
  if not binary then
    fail(words("view.install.not_built"), words("view.install.not_built_advice"), problem)
  end
  vim.fn.delete(vim.fs.joinpath(bin(), binary_name()))
  return binary
end

---@type gpt.install.Task?
local running

--- Whether an installation is under way.
---@return boolean
function M.is_running()
  return running ~= nil
end

--- Stops the installation that is under way.
function M.stop()
  if running then
    running:stop()
  end
end

---@class gpt.install.Ended
---@field binary? string where it was installed
---@field stopped? boolean
---@field failure? gpt.install.Failure

--- Installs the program. Nothing waits for it.
---@param report fun(text: string) is told what is being done, in one line
---@param ended fun(how: gpt.install.Ended)
function M.start(report, ended)
  local binary
  running = tasks.start(function(task)
    local why
    binary, why = install_release(task, report)
    if not binary then
      binary = build(task, why --[[@as string]], report)
    end
  end, function(problem)
    running = nil
    if problem == nil then
      ended({ binary = binary })
    elseif problem == tasks.STOPPED then
      ended({ stopped = true })
    else
      local failure = type(problem) == "table" and problem
        or {
          title = words("view.install.fault"),
          advice = words("view.install.other_ways"),
          details = tostring(problem),
        }
      ended({ failure = failure })
    end
  end)
end

return M
