--- Checks the way to the providers for `:checkhealth gpt`: time limits, proxies that answer, certificates that can be read.
local M = {}

local bounded = require("gpt.bounded")
local health = vim.health
local words = require("gpt.words")

local uv = vim.uv

--- How long a proxy may take to answer, in milliseconds.
local LIMIT = 1500
--- How much of a file of certificates is looked at.
local MOST = 1024 * 1024

local VARIABLES =
  { "OPENAI_BASE_URL", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy" }
local BUNDLES = {
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
}

--- A proxy's address without a name and a password.
---@param address string
---@return string
local function bare(address)
  local scheme = address:match("^%a[%w+.-]*://") or ""
  return scheme .. address:sub(#scheme + 1):match("[^@]*$")
end

--- Host and port of a proxy.
---@param address string
---@return string? host, string port
local function place(address)
  local scheme, rest = bare(address):match("^(%a[%w+.-]*)://(.*)$")
  local authority = (rest or bare(address)):match("^[^/]*")
  local host, port = authority:match("^%[(.-)%]:?(%d*)$")
  if not host then
    host, port = authority:match("^([^:]+):?(%d*)$")
  end
  local usual = vim.startswith(scheme or "", "socks") and "1080" or scheme == "https" and "443" or "80"
  return host, port ~= "" and port or usual
end

--- Whether somebody answers there.
---@param host string
---@param port string
---@return boolean
local function answers(host, port)
  local done, reached = false, false
  local socket = assert(uv.new_tcp())
  local asked = uv.getaddrinfo(host, port, { socktype = "stream" }, function(_, found)
    local first = found and found[1]
    if done or not first then
      done = true
      return
    end
    socket:connect(first.addr, first.port, function(problem)
      done, reached = true, problem == nil
    end)
  end)
  if asked then
    vim.wait(LIMIT, function()
      return done
    end, 10)
  end
  done = true
  if not socket:is_closing() then
    socket:close()
  end
  return reached
end

--- Checks one proxy.
---@param address string
---@param said string
---@param advice string
local function check_proxy(address, said, advice)
  local host, port = place(address)
  health.info(said)
  if not host then
    health.error(words("view.health.bad_proxy", { address = bare(address) }), advice)
  elseif not answers(host, port) then
    health.error(words("view.health.silent_proxy", { address = bare(address) }), advice)
  end
end

---@param network table the option `network`
local function check_proxies(network)
  if network.proxy then
    local said = words("view.health.proxy", { address = bare(network.proxy) })
    check_proxy(network.proxy, said, words("view.health.correct_proxy"))
  elseif network.proxy == false then
    health.info(words("view.health.no_proxy"))
  end
  for _, name in ipairs(VARIABLES) do
    local value = vim.trim(vim.env[name] or "")
    local said = words("view.health.variable", { name = name })
    if value ~= "" and name ~= "OPENAI_BASE_URL" and network.proxy == nil then
      check_proxy(value, said, words("view.health.correct_variable", { name = name }))
    elseif value ~= "" then
      health.info(said)
    end
  end
  for _, name in ipairs({ "NO_PROXY", "no_proxy" }) do
    if (vim.env[name] or ""):find("%S") then
      health.info(words("view.health.variable", { name = name }))
    end
  end
end

--- A file of certificates: whether it can be read, and is one.
---@param file string
---@param said string
---@param advice string
local function check_certificates(file, said, advice)
  local text = bounded.beginning(file, MOST)
  health.info(said)
  if not text then
    health.error(words("view.health.no_certificates", { file = file }), advice)
  elseif not text:find("-----BEGIN [%u ]*CERTIFICATE-----") then
    health.error(words("view.health.not_certificates", { file = file }), advice)
  end
end

---@param path? string
---@return boolean
local function is_folder(path)
  local stat = path and uv.fs_stat(path)
  return stat ~= nil and stat.type == "directory"
end

--- The system's own certificates, where they are files: without any, no provider is trusted.
local function check_system()
  local own = vim.env.SSL_CERT_FILE
  if own and own ~= "" then
    local advice = words("view.health.correct_variable", { name = "SSL_CERT_FILE" })
    return check_certificates(own, words("view.health.variable", { name = "SSL_CERT_FILE" }), advice)
  end
  local found = is_folder(vim.env.SSL_CERT_DIR)
    or vim.iter(BUNDLES):any(function(file)
      return uv.fs_stat(file) ~= nil
    end)
  if not found and vim.uv.os_uname().sysname == "Linux" then
    health.error(words("view.health.no_system_certificates"), words("view.health.install_certificates"))
  end
end

function M.check()
  health.start(words("view.health.network"))
  local network = require("gpt.config").get().network
  health.info(words("view.health.limits", { connect = network.connect_timeout, idle = network.idle_timeout }))
  check_proxies(network)
  if network.ca_file then
    local file = vim.fs.normalize(network.ca_file)
    check_certificates(file, words("view.health.ca_file", { file = file }), words("view.health.correct_ca_file"))
  end
  check_system()
end

return M
