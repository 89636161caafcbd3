--- The public API of gpt.nvim. See |gpt-lua|.
local M = {}

local session = require("gpt.client.session")

---@class gpt.ChatOptions
---@field prompt? string sent at once; without it the chat is only shown
---@field selection? gpt.Selection|boolean goes into the prompt as a fenced block; true: the visual selection
---@field new? boolean a new chat instead of the session's last one
---@field ["private"]? boolean a new chat of which nothing is kept
---@field layout? "float"|"vertical"|"horizontal"|"tab"|"current"
---@field mods? table `smods` of a user command, for the layout

---@class gpt.Status
---@field state "off"|"idle"|"answering"
---@field model? string `provider/model`, once the program runs
---@field usage? { input: integer, cached: integer, output: integer, reasoning: integer } tokens of the last turn
---@field estimate? integer tokens of the last request: estimated until the provider has counted them
---@field window? integer the most tokens of a request and its answer together, where it is known
---@field cost? number what the last turn cost in US dollars, estimated
---@field prices_of? string the day of the prices that `cost` is estimated with

--- Sets options; not needed where `vim.g.gpt` is used or the defaults do. May be called again.
---@param options? table see |gpt-configuration|
function M.setup(options)
  if options ~= nil and type(options) ~= "table" then
    local title = require("gpt.words")("view.setup_type", { type = type(options) })
    return require("gpt.ui.notice").inform({ level = "warning", title = title, advice = "" })
  end
  local config = require("gpt.config")
  config.set(options or {})
  if #config.mistakes() > 0 then
    require("gpt.ui.notice") -- which tells them
  end
  require("gpt.keymaps").install()
  if session.remote.channel then
    require("gpt.client").configure()
  end
end

--- Shows the chat, and sends `prompt` if there is one. Where the text is locked, this is done a moment later.
---@param options? gpt.ChatOptions
---@return string? id the chat's id; nil if it could not be shown, or not yet
function M.chat(options)
  if not require("gpt.arguments").fit("chat", options) then
    return nil
  end
  options = options or {}
  if vim.fn.getcmdwintype() ~= "" then
    return require("gpt.ui.notice").inform({
      level = "warning",
      title = require("gpt.words")("view.command_window"),
      advice = "",
    })
  end
  local function again()
    M.chat(options)
  end
  if require("gpt.textlock").postpones(again) then
    return nil
  end
  local selection = options.selection
  if selection == true then
    local taken, refused = require("gpt.code.selection").visual()
    if refused then
      return require("gpt.ui.notice").inform({ level = "warning", title = refused, advice = "" })
    end
    selection = taken
  end
  local chat = require("gpt.chat").show(options)
  if options.prompt and vim.trim(options.prompt) ~= "" then
    require("gpt.chat.sending").ask(chat, options.prompt, selection or nil)
    return chat.id
  end
  if selection then
    require("gpt.chat.sending").insert_selection(chat, selection)
  end
  if require("gpt.config").get().chat.start_insert and vim.api.nvim_get_current_buf() == chat.buf then
    vim.cmd("startinsert!")
  end
  return chat.id
end

---@class gpt.ActionOptions
---@field words? string what is wanted beside what the action says
---@field selection? gpt.Selection|boolean the code; true: the visual selection; false: none; nil: what is being selected, else the whole buffer
---@field new? boolean a new chat instead of the session's last one
---@field layout? "float"|"vertical"|"horizontal"|"tab"|"current"
---@field mods? table `smods` of a user command, for the layout

--- Does something with code: a built-in action, or a prompt of the library.
---@param name gpt.ActionName|string
---@param options? gpt.ActionOptions
function M.action(name, options)
  local arguments = require("gpt.arguments")
  if arguments.is("action", name, "string", "name") and arguments.fit("action", options) then
    require("gpt.actions").run(name, options or {})
  end
end

---@class gpt.AskMessage
---@field role "user"|"assistant"|"system"
---@field content string

---@class gpt.AskOptions
---@field model? string `provider/model`; nil: the model in use
---@field temperature? number
---@field max_tokens? integer the most tokens that the answer may have
---@field system? string instructions, before the messages

---@class gpt.AskEvent
---@field type "text"|"reasoning"|"done"|"failed"|"cut"|"stopped" exactly one of the last four comes, as the last one
---@field text? string of "text" and "reasoning": the next piece
---@field usage? { input: integer, cached: integer, output: integer, reasoning: integer } tokens, if the provider counts
---@field error? string of "failed" and "cut": what happened and what to do; then the provider's own words
---@field finish? string of "done" and "cut": the provider's word for the end
---@field model? string that answered
---@field provider? string

---@class gpt.AskHandle
---@field stop fun() closes the connection; "stopped" is the last event

--- Asks a model for another plugin: without a chat, a buffer, or anything kept. See |gpt-lua-ask|.
---@param messages gpt.AskMessage[]
---@param options? gpt.AskOptions
---@param on_event fun(event: gpt.AskEvent)
---@return gpt.AskHandle? handle nil where an argument is wrong, which is told
function M.ask(messages, options, on_event)
  local arguments = require("gpt.arguments")
  if
    arguments.is("ask", messages, "messages", "messages")
    and arguments.fit("ask", options)
    and arguments.is("ask", on_event, "function", "on_event")
  then
    return require("gpt.ask").start(messages, options or {}, on_event)
  end
end

--- Stops the answer that is being written: in the current chat, else in the last one that was shown.
function M.stop()
  local chat = require("gpt.chat.chats").current()
  if chat then
    require("gpt.chat.sending").stop(chat)
  else
    local title = require("gpt.words")("view.not_answering")
    require("gpt.ui.notice").inform({ level = "info", title = title, advice = "" })
  end
end

--- What is going on, for status lines. Cheap: it asks nobody.
---@return gpt.Status
function M.status()
  local is_used = session.remote.channel or session.model or next(session.chats)
  return is_used and require("gpt.chat.model").status() or { state = "off" }
end

return M
