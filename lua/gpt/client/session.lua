--- Keeps state over a reload of the plugin's modules (`:Lazy reload`, a cleared |package.loaded|): the open chats, the
--- model and the running program. The modules that come anew find it here and go on with it.
local KEY = "gpt_nvim_session"
--- To be raised with a change of what chats hold: those of older modules are then left alone, and the user is told.
local VERSION = 2

---@class gpt.Session
---@field version integer
---@field chats table<string, gpt.Chat>
---@field latest? gpt.Chat the one that was shown last
---@field model? gpt.ShownModel
---@field remote gpt.Remote
---@field left? table<string, gpt.Chat> chats of modules that these ones do not understand

---@class gpt.Remote
---@field channel? integer of the running program
---@field last_words string[] the program's
---@field heard boolean whether the running program has called us: one that ends before was never well
---@field last_ticket integer
---@field answers table<integer, any> the answers that are waited for, by their tickets
---@field awaited table<integer, fun(answer: any?)> who is told an answer
---@field offered? boolean whether it was offered to install a program that is missing

-- Only what is global is left when modules are loaded anew.
-- selene: allow(global_usage)
local globals = _G
---@type any
local kept = rawget(globals, KEY)
if type(kept) == "table" and kept.version == VERSION then
  return kept --[[@as gpt.Session]]
end

---@type gpt.Session
local session = {
  version = VERSION,
  chats = {},
  remote = { last_words = {}, heard = false, last_ticket = 0, answers = {}, awaited = {} },
  left = type(kept) == "table" and kept.chats or nil,
}
rawset(globals, KEY, session)
return session
