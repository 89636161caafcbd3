--- Sorts errors by what is to be done about them, and raises those of ours: `busy` passes, and is tried again; `gone` does
--- not come back; `failed` is any other. The only place that looks for Neovim's own words.
local M = {}

---@class gpt.Refusal
---@field kind "busy"|"gone"|"failed"
---@field message string

local refusal = {
  __tostring = function(self)
    return self.message
  end,
}

---@param kind "busy"|"gone"
---@param message string
local function raise(kind, message)
  error(setmetatable({ kind = kind, message = message }, refusal), 0)
end

--- Raises that something cannot be done now.
---@param message string
function M.busy(message)
  raise("busy", message)
end

--- Raises that something is no longer there.
---@param message string
---@return any never
function M.gone(message)
  raise("gone", message)
end

--- What Neovim says where the text is locked (E565), or not modifiable; and of a buffer that is not there.
local SIGNS = {
  busy = { "E565", "E21:", "not 'modifiable'", "'modifiable' is off" },
  gone = { "Invalid buffer id" },
}

--- What is to be done about an error that was caught.
---@param reason any
---@return gpt.Refusal
function M.of(reason)
  if type(reason) == "table" and reason.kind then
    return { kind = reason.kind, message = reason.message }
  end
  local message = tostring(reason)
  for kind, signs in pairs(SIGNS) do
    for _, sign in ipairs(signs) do
      if message:find(sign, 1, true) then
        return { kind = kind, message = message }
      end
    end
  end
  return { kind = "failed", message = message }
end

return M
