--- Checks the program for `:checkhealth gpt`: whether it is there, may be run, is built for this machine and its C library,
--- and is of the plugin's version.
local M = {}

local bounded = require("gpt.bounded")
local config = require("gpt.config")
local health = vim.health
local client = require("gpt.client")
local version = require("gpt.client.version")
local words = require("gpt.words")

local uv = vim.uv

--- How long it may take to say its version, in milliseconds.
local LIMIT = 5000

--- What machines are called in the head of a program: by ELF's e_machine and by Mach-O's cputype.
local ELF = { [3] = "x86", [40] = "arm", [62] = "x86_64", [183] = "aarch64", [243] = "riscv64" }
local MACH = { [0x07] = "x86_64", [0x0c] = "aarch64" }

--- The system and the machine that a file is built for, by its first bytes.
---@param file string
---@return string? system, string? machine nil where it is a script, or unknown
local function built_for(file)
  local head = bounded.beginning(file, 20) or ""
  if vim.startswith(head, "\127ELF") and #head == 20 then
    local low, high = head:byte(19, 20)
    return "Linux", ELF[low + 256 * high] or "?"
  elseif vim.startswith(head, "\207\250\237\254") and #head > 5 then
    return "Darwin", MACH[head:byte(5)] or "?"
  elseif vim.startswith(head, "MZ") then
    return "Windows_NT", nil
  end
end

--- This machine in the same words.
---@return string system, string machine
local function here()
  local uname = uv.os_uname()
  local system = uname.sysname:find("^MINGW") and "Windows_NT" or uname.sysname
  return system, ({ arm64 = "aarch64", AMD64 = "x86_64" })[uname.machine] or uname.machine
end

--- Whether it is built for another machine, in words; nil if it is not.
---@param file string
---@return string?
local function misfit(file)
  local system, machine = built_for(file)
  local our_system, our_machine = here()
  if system and (system ~= our_system or machine and machine ~= our_machine) then
    local theirs = machine and ("%s %s"):format(system, machine) or system
    return words("view.health.other_machine", {
      file = file,
      theirs = theirs,
      ours = ("%s %s"):format(our_system, our_machine),
    })
  end
end

--- What the loaders of C libraries say of a program that needs a newer one.
---@param said string
---@return string? wanted
local function newer_library(said)
  return said:match("version [`'\"]?(GLIBC_[%d.]+)'? not found")
    or said:match("Error relocating .-: ([%w_]+): symbol not found")
end

--- Why a program that is there does not say its version.
---@param file string
---@param result vim.SystemCompleted
---@return string title
local function reason(file, result)
  local said = vim.trim((result.stderr or "") .. " " .. (result.stdout or "")):sub(1, 2000)
  local wanted = newer_library(said)
  if misfit(file) then
    return misfit(file) --[[@as string]]
  elseif wanted then
    return words("view.health.newer_library", { file = file, wanted = wanted })
  elseif said:find("ENOENT") or said:find("error while loading shared libraries", 1, true) then
    return words("view.health.no_loader", { file = file })
  elseif result.code == 124 then
    return words("view.health.no_version", { file = file, seconds = LIMIT / 1000 })
  end
  return words("view.health.does_not_run", { file = file, code = result.code })
end

--- Runs the program for its version.
---@param file string
---@return vim.SystemCompleted
local function ask_version(file)
  local started, process = pcall(vim.system, { file, "--version" }, { text = true, timeout = LIMIT })
  if not started then
    return { code = 127, signal = 0, stdout = "", stderr = tostring(process) }
  end
  local result = process:wait(LIMIT + 500)
  return result.signal == 9 and result.code == 0 and vim.tbl_extend("force", result, { code = 137 }) or result
end

--- Whether program and plugin are of the same version.
---@param file string
---@param said string what `--version` printed
---@return boolean
local function compare(file, said)
  local theirs = said:match("^gpt%-nvim (%d+%.%d+%.%d+[%w.+-]*)$")
  local ours = version.plugin
  if theirs == ours then
    health.ok(("%s: %s"):format(file, said))
    return true
  elseif not theirs then
    local shown = said:gsub("%c.*", ""):gsub("[^\32-\126]", "?"):sub(1, 60)
    local title = words("view.health.other_program", { file = file, said = shown })
    health.error(title, words("view.health.build_again"))
  elseif vim.version.lt(theirs, ours) then
    local title = words("view.health.older", { file = file, theirs = theirs, ours = ours })
    local is_chosen = config.get().binary ~= nil
    health.error(title, is_chosen and words("view.program.correct_binary") or words("view.health.build_again"))
  else
    local title = words("view.health.newer", { file = file, theirs = theirs, ours = ours })
    health.error(title, words("view.health.newer_advice"))
  end
  return false
end

--- A program that lies where ours is looked for, and may not be run.
---@return string?
local function not_executable()
  for _, file in ipairs(client.candidates()) do
    local stat = uv.fs_stat(file)
    if stat and stat.type == "file" then
      return file
    end
  end
end

local function check_missing()
  local file = not_executable()
  if not file then
    local title, advice = client.missing()
    return health.error(title, advice)
  end
  local command = "chmod +x " .. vim.fn.shellescape(file)
  health.error(
    words("view.program.not_executable", { file = file }),
    { words("view.program.run", { command = command }), words("view.health.build_again") }
  )
end

--- Checks the program's file.
---@return boolean fits whether it runs and is of our version
function M.check()
  local file = client.binary()
  if not file then
    check_missing()
    return false
  end
  local result = ask_version(file)
  if result.code ~= 0 then
    -- What a shell says of another machine's program is no words.
    local said = vim.trim(result.stderr or ""):gsub("%c.*", ""):gsub("[^\32-\126]", "?"):sub(1, 200)
    local advice = { words("view.health.build_again") }
    if said ~= "" and not misfit(file) then
      table.insert(advice, 1, said)
    end
    health.error(reason(file, result), advice)
    return false
  end
  return compare(file, vim.trim(result.stdout or ""))
end

--- Whether the running program speaks our protocol.
---@param theirs? integer
function M.compare_protocols(theirs)
  if theirs ~= version.protocol then
    health.error(
      words("view.health.protocol"),
      { words("view.health.build_again"), words("view.health.no_answer_advice") }
    )
  end
end

return M
