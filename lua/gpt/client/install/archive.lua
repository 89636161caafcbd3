--- Checks a downloaded archive against its SHA-256 sum, and takes the program out of it. Archives are .tar.gz for Windows
--- too: it has had a tar of its own as long as a curl, and unpacking a .zip would take PowerShell, and another code path.
local M = {}

local uv = vim.uv

--- Programs that print the SHA-256 sum of a file, of which every system has one.
local SUMMERS = {
  { "sha256sum", "--" },
  { "shasum", "-a", "256", "--" },
  { "openssl", "dgst", "-sha256" },
  { "certutil", "-hashfile" },
}

--- The SHA-256 sum of a file.
---@param task gpt.install.Task
---@param path string
---@return string? sum in lower case hex; nil where nothing here can tell it
function M.sum(task, path)
  for _, summer in ipairs(SUMMERS) do
    if vim.fn.executable(summer[1]) == 1 then
      local command = vim.list_extend(vim.deepcopy(summer), { path })
      if summer[1] == "certutil" then
        command[#command + 1] = "SHA256"
      end
      local result = task:system(command, { text = true })
      for word in (result.code == 0 and result.stdout or ""):lower():gmatch("%x+") do
        if #word == 64 then
          return word
        end
      end
    end
  end
end

--- The sum of an archive in the text of a SHA256SUMS file.
---@param sums string
---@param archive string the archive's name
---@return string?
function M.sum_in(sums, archive)
  for line in sums:gmatch("[^\r\n]+") do
    local sum, name = line:match("^(%x+)%s+%*?(%S+)$")
    if sum and #sum == 64 and name == archive then
      return sum:lower()
    end
  end
end

--- The most that a program may hold, in bytes, and how long it may take to unpack, in milliseconds.
local MOST_BYTES = 256 * 1024 * 1024
local LIMIT = 60000

--- Ends the program that runs once a file is larger than a program of ours can be.
---@param task gpt.install.Task
---@param path string
---@return uv.uv_timer_t
local function watch(task, path)
  local timer = assert(uv.new_timer())
  timer:start(100, 100, function()
    local stat = uv.fs_stat(path)
    if stat and stat.size > MOST_BYTES then
      task:end_process()
    end
  end)
  return timer
end

--- Takes one file out of an archive: nothing else of it is written.
---@param task gpt.install.Task
---@param archive string path
---@param member string the file's path in the archive
---@param folder string that it goes into
---@return string? path of the file, string? problem
function M.unpack(task, archive, member, folder)
  local path = vim.fs.joinpath(folder, member)
  local timer = watch(task, path)
  local command = { "tar", "-xzf", archive, "-C", folder, member }
  local ok, result = pcall(task.system, task, command, { text = true, timeout = LIMIT })
  timer:close()
  if not ok then
    error(result, 0)
  end
  local stat = uv.fs_lstat(path)
  if result.code ~= 0 or not stat or stat.type ~= "file" or stat.size > MOST_BYTES then
    return nil, vim.trim(result.stderr or ""):match("^[^\r\n]*")
  end
  return path
end

return M
