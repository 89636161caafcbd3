--- Finds the address of releases: the web address of a git remote, and the names of a release's files.
local M = {}

--- Hosts of this machine, for which alone an address without TLS will do.
---@param host string
---@return boolean
local function is_loopback(host)
  local name = host:gsub(":%d+$", "")
  return name == "localhost" or name == "[::1]" or name:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

--- The web address of a repository, without the user, password or token that its remote may hold.
---@param remote string as `git remote get-url` prints it: an address, or `user@host:path`
---@return string? address nil where the remote is no host's, a folder for instance
function M.of_remote(remote)
  remote = vim.trim(remote)
  local scheme, rest = remote:match("^(%a[%w+.-]*)://(.*)$")
  local host, path
  if scheme then
    host, path = rest:match("^([^/]+)/(.+)$")
  elseif not remote:find("^[/.~]") and not remote:find("^%a:[/\\]") then
    scheme = "ssh"
    host, path = remote:match("^([^:/]+):(.+)$")
  end
  if not host or not vim.list_contains({ "https", "http", "ssh", "git", "git+ssh" }, scheme) then
    return nil
  end
  host = host:match("[^@]*$")
  if scheme ~= "https" and scheme ~= "http" then
    host = host:gsub(":%d+$", "") -- the port of another protocol
  end
  path = path:gsub("^/+", ""):gsub("/+$", ""):gsub("%.git$", "")
  local is_host = host:find("^%[[%x:]+%]:?%d*$") or host:find("^[%w][%w.-]*:?%d*$")
  if not is_host or path == "" or path:find("[^%w._~/-]") or path:find("..", 1, true) then
    return nil
  end
  return ("%s://%s/%s"):format(scheme == "http" and is_loopback(host) and "http" or "https", host, path)
end

--- The address that the user gave, as it is used: TLS, or this machine.
---@param url string
---@return string? address nil where it cannot be used
function M.chosen(url)
  local scheme, host = url:match("^(https?)://([^/?#]+)")
  -- Before an @ anything may stand, another host's name too.
  if
    not scheme
    or host:find("@", 1, true)
    or url:find('[%s%c"\\?#]')
    or (scheme == "http" and not is_loopback(host))
  then
    return nil
  end
  return (url:gsub("/+$", ""))
end

--- What systems and machines are called in the names of targets.
local SYSTEMS = {
  Linux = { x86_64 = "x86_64-unknown-linux-musl", aarch64 = "aarch64-unknown-linux-musl" },
  Darwin = { x86_64 = "x86_64-apple-darwin", arm64 = "aarch64-apple-darwin" },
  Windows_NT = { x86_64 = "x86_64-pc-windows-msvc" },
}

--- The target that this machine needs, of those that are released.
---@param uname? { sysname: string, machine: string }
---@return string? target
function M.target(uname)
  uname = uname or vim.uv.os_uname()
  local sysname = uname.sysname:find("^MINGW") and "Windows_NT" or uname.sysname
  return (SYSTEMS[sysname] or {})[uname.machine]
end

---@class gpt.install.Release
---@field name string of the archive without its ending, and of the folder in it
---@field archive string address
---@field sums string address of SHA256SUMS

--- The files of a release.
---@param address string of the repository
---@param version string
---@param target string
---@return gpt.install.Release
function M.release(address, version, target)
  local folder = ("%s/releases/download/v%s"):format(address, version)
  local name = ("gpt-nvim-%s-%s"):format(version, target)
  return { name = name, archive = ("%s/%s.tar.gz"):format(folder, name), sums = folder .. "/SHA256SUMS" }
end

return M
