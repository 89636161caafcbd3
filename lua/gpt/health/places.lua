--- Checks for `:checkhealth gpt` what the machine gives: folders that can be written, room on the disk, a clock that is right.
local M = {}

local health = vim.health
local words = require("gpt.words")

local uv = vim.uv

--- With less room than this, in bytes, a history is soon cut.
local ROOM = 64 * 1024 * 1024
--- The plugin is younger than this: 2026-11-01, in seconds since 1970.
local YOUNGEST = 1793491200
local DAY = 24 * 3600

--- What each folder is for, as `stdpath()` calls it.
local FOLDERS = { "data", "state", "cache", "log" }

--- The nearest folder or file above that is there.
---@param path string
---@return string path, string kind
local function existing(path)
  while true do
    local stat = uv.fs_stat(path)
    local above = vim.fs.dirname(path)
    if stat or above == path then
      return path, stat and stat.type or "nothing"
    end
    path = above
  end
end

---@param name string
---@return string path
local function folder(name)
  local path = vim.fn.stdpath(name) --[[@as string]]
  return name == "log" and path or vim.fs.joinpath(path, "gpt")
end

---@param path string
local function check_room(path)
  local facts = uv.fs_statfs(path)
  local free = facts and facts.bavail * facts.bsize
  if free and free < ROOM then
    local megabytes = ("%.0f"):format(free / 1e6)
    health.error(
      words("view.health.disk_full", { folder = path, megabytes = megabytes }),
      words("view.health.make_room")
    )
  end
end

local function check_folders()
  local whole = true
  for _, name in ipairs(FOLDERS) do
    local path = folder(name)
    local there, kind = existing(path)
    if kind ~= "directory" or not uv.fs_access(there, "W") then
      whole = false
      health.error(
        words("view.health.not_writable", { name = name, folder = path }),
        words("view.health.make_writable", { folder = there })
      )
    else
      check_room(there)
    end
  end
  if whole then
    health.ok(words("view.health.writable"))
  end
end

--- A clock that is behind: servers' certificates are not valid yet then. The files of the plugin tell what is past.
local function check_clock()
  local here = debug.getinfo(1, "S").source:sub(2)
  local stat = uv.fs_stat(here)
  local now = os.time()
  if now < YOUNGEST or stat and now + DAY < stat.mtime.sec then
    local day = os.date("!%Y-%m-%d", now) --[[@as string]]
    health.error(words("view.health.clock", { day = day }), words("view.health.set_clock"))
  end
end

function M.check()
  health.start(words("view.health.machine"))
  check_folders()
  check_clock()
end

return M
