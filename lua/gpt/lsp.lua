--- A language server inside of Neovim: completion and hover in a chat, code actions in code buffers. So whatever shows
--- these (Neovim itself, nvim-cmp, blink.cmp, fzf-lua, …) shows ours, without glue.
---
--- Two clients, since what a server can do is the same in all its buffers.
local api = vim.api

local M = {}

local config = require("gpt.config")

--- The protocol's own encoding, which nearly all servers have: Neovim warns where those of one buffer differ.
local ENCODING = "utf-16"

---@alias gpt.Method fun(params: table, reply: fun(result: any))

--- The server, as `vim.lsp.start` wants it in place of a process.
---@param capabilities table
---@param methods table<string, gpt.Method>
---@return fun(dispatchers: table): table
local function server(capabilities, methods)
  return function(dispatchers)
    local is_closing, last_id = false, 0
    local function leave()
      if not is_closing then
        is_closing = true
        dispatchers.on_exit(0, 0)
      end
    end
    local function request(method, params, callback, notify_reply)
      last_id = last_id + 1
      local id = last_id
      if method == "initialize" then
        callback(nil, { capabilities = capabilities, serverInfo = { name = "gpt.nvim" } })
        return true, id
      end
      -- Later, as from a process: the client notes a request when this returns.
      local reply = vim.schedule_wrap(function(result)
        callback(nil, result)
        if notify_reply then
          notify_reply(id)
        end
      end)
      local run = methods[method]
      if run then
        run(params, reply)
      else
        reply(nil)
      end
      return true, id
    end
    return {
      request = request,
      notify = function(method)
        if method == "exit" then
          leave()
        end
        return not is_closing
      end,
      is_closing = function()
        return is_closing
      end,
      terminate = leave,
    }
  end
end

--- A client of this name and encoding serves all its buffers.
---@param client vim.lsp.Client
---@param wanted table
---@return boolean
local function is_same(client, wanted)
  return client.name == wanted.name and client.offset_encoding == wanted.offset_encoding
end

---@param wanted table a `vim.lsp.ClientConfig`
---@return vim.lsp.Client?
local function client_of(wanted)
  wanted.offset_encoding = wanted.offset_encoding or ENCODING
  for _, client in ipairs(vim.lsp.get_clients({ name = wanted.name })) do
    if is_same(client, wanted) then
      return client
    end
  end
  local id
  if vim.fn.has("nvim-0.11") == 1 then
    id = vim.lsp.start(wanted, { attach = false, reuse_client = is_same, silent = true })
  else
    id = vim.lsp.start_client(wanted) -- there `start` always attaches
  end
  return id and vim.lsp.get_client_by_id(id)
end

--- Attaches a client as `vim.lsp.buf_attach_client` does, but for watching the buffer: this server reads it where it
--- stands, and to be told of each change costs 50 µs, for every token of an answer.
---@param buf integer
---@param wanted table a `vim.lsp.ClientConfig`
---@return integer? client
local function attach(buf, wanted)
  local client = client_of(wanted)
  if not client or client.attached_buffers[buf] then
    return client and client.id
  end
  client.attached_buffers[buf] = true
  local begin = client._on_attach or client.on_attach -- the first on 0.10
  begin(client, buf)
  local function detach()
    if client.attached_buffers[buf] then
      vim.lsp.buf_detach_client(buf, client.id)
    end
  end
  api.nvim_create_autocmd("BufWipeout", { buffer = buf, once = true, callback = detach })
  -- This one comes also where a buffer is only taken off the list ('buflisted').
  api.nvim_create_autocmd("BufDelete", {
    buffer = buf,
    callback = vim.schedule_wrap(function()
      if api.nvim_buf_is_valid(buf) and not api.nvim_buf_is_loaded(buf) then
        detach()
      end
    end),
  })
  return client.id
end

-- Chats ----------------------------------------------------------------------------------------------------------------

local CHAT = {
  completionProvider = { triggerCharacters = { "#", "/", ":" } },
  hoverProvider = true,
}

--- Whether Neovim itself shows completion as one types (0.12).
---@param buf integer
---@return boolean
local function is_automatic(buf)
  if vim.fn.exists("&autocomplete") == 0 then
    return false
  end
  local here = vim.bo[buf].autocomplete
  if here == nil then
    return vim.go.autocomplete
  end
  return here
end

--- Whether something else shows completion as one types.
---@param buf integer
---@return boolean
local function is_served(buf)
  return package.loaded["cmp"] ~= nil
    or package.loaded["blink.cmp"] ~= nil
    or package.loaded["mini.completion"] ~= nil
    or package.loaded["coq"] ~= nil
    or is_automatic(buf)
end

--- Keeps a menu that comes by itself from writing its first word into the text: what is typed next would go on behind
--- it. In this buffer only, and only where the user has not chosen.
---@param buf integer
local function choose_nothing(buf)
  local chosen = vim.bo[buf].completeopt ~= "" and vim.bo[buf].completeopt or vim.o.completeopt
  if not chosen:find("noselect") and not chosen:find("noinsert") then
    vim.bo[buf].completeopt = chosen .. ",menuone,noselect"
  end
end

--- Lets Neovim's own automatic completion ask 'omnifunc', which is the language servers': by 'complete' as it comes it
--- looks for words in buffers only, and knows none that begins with "#" or "/". In this buffer only.
---@param buf integer
local function ask_servers(buf)
  local sources = vim.bo[buf].complete
  local is_asked = vim.iter(vim.split(sources, ",", { plain = true })):any(function(source)
    return source:find("^o") ~= nil
  end)
  if not is_asked then
    vim.bo[buf].complete = sources == "" and "o" or "o," .. sources -- what it has comes first
  end
end

--- |:edit| gives a buffer a new text, and completion then forgets it without leaving its autocommands, which fail: so it
--- is stopped before, and begun again after. To be called before it is begun: who listens first is told first.
---@param client integer
---@param buf integer
---@param again fun()
local function stop_with_its_text(client, buf, again)
  api.nvim_buf_attach(buf, false, {
    on_detach = function()
      pcall(vim.lsp.completion.enable, false, client, buf)
      vim.schedule(again)
    end,
  })
end

--- Lets the menu come as one types on behind a word of ours after `<C-e>`, and behind "/model ": Neovim asks by itself only
--- after a trigger character.
---@param buf integer
local function come_back(buf)
  local group = api.nvim_create_augroup("gpt.menu." .. buf, {})
  local cancelled = false
  api.nvim_create_autocmd("CompleteDone", {
    group = group,
    buffer = buf,
    callback = function()
      cancelled = vim.v.event.reason == "cancel"
    end,
  })
  api.nvim_create_autocmd("InsertCharPre", {
    group = group,
    buffer = buf,
    callback = function()
      if
        not (cancelled or vim.startswith(api.nvim_get_current_line(), "/model "))
        or vim.fn.pumvisible() == 1
        or vim.list_contains(CHAT.completionProvider.triggerCharacters, vim.v.char)
      then
        return
      end
      vim.schedule(function()
        local is_wanted = api.nvim_get_current_buf() == buf
          and vim.fn.mode() == "i"
          and vim.fn.pumvisible() == 0
          and require("gpt.lsp.prompt").is_behind_word(buf)
        if is_wanted then
          cancelled = false
          vim.lsp.completion.get()
        end
      end)
    end,
  })
end

--- Shows completion as one types, where Neovim can and nothing else does. Decided when it is first needed: by then what
--- is loaded in insert mode is loaded.
---@param client integer
---@param buf integer
local function show_by_itself(client, buf)
  local wanted = config.get().lsp.autotrigger
  if not (vim.lsp.completion and vim.lsp.completion.enable) or wanted == false then
    return
  end
  local enable
  function enable()
    local is_there = api.nvim_buf_is_valid(buf) and vim.lsp.buf_is_attached(buf, client)
    if is_there and (wanted or not is_served(buf)) then
      choose_nothing(buf)
      stop_with_its_text(client, buf, enable)
      vim.lsp.completion.enable(true, client, buf, { autotrigger = true })
      come_back(buf)
    elseif is_there and is_automatic(buf) then
      choose_nothing(buf)
      ask_servers(buf)
    end
  end
  if api.nvim_get_current_buf() == buf and vim.fn.mode() == "i" then
    return enable()
  end
  api.nvim_create_autocmd("InsertEnter", { buffer = buf, once = true, callback = vim.schedule_wrap(enable) })
end

--- cmp-nvim-lsp looks for servers as insert mode begins. A chat is in insert mode before its server has begun: so that is
--- told again.
---@param buf integer
local function tell_cmp(buf)
  if api.nvim_get_current_buf() == buf and vim.fn.mode() == "i" then
    pcall(api.nvim_exec_autocmds, "InsertEnter", { group = "cmp_nvim_lsp" })
  end
end

--- blink.cmp asks ahead as insert mode begins, and goes on with what it was told then: nothing, since there was no server
--- yet. So it forgets that.
---@param buf integer
local function tell_blink(buf)
  local trigger = package.loaded["blink.cmp.completion.trigger"]
  if trigger and api.nvim_get_current_buf() == buf and vim.fn.mode() == "i" then
    pcall(trigger.hide)
  end
end

--- Serves a chat. Its keys are mapped once more: what the user maps wherever there is a server is not meant for it.
---@param chat gpt.Chat
function M.serve(chat)
  if not api.nvim_buf_is_loaded(chat.buf) then
    return
  end
  local prompt = require("gpt.lsp.prompt")
  local client = attach(chat.buf, {
    name = "gpt",
    cmd = server(CHAT, { ["textDocument/completion"] = prompt.complete, ["textDocument/hover"] = prompt.hover }),
    commands = {
      -- After `#file:` was chosen: its paths; after `/model`: the names. Other menus ask for paths of themselves, after
      -- the colon.
      ["gpt.complete"] = vim.schedule_wrap(function()
        prompt.part_model()
        if vim.lsp.completion and vim.fn.mode() == "i" and not is_served(api.nvim_get_current_buf()) then
          vim.lsp.completion.get()
        end
      end),
    },
  })
  require("gpt.chat.keys").map(chat)
  if client then
    show_by_itself(client, chat.buf)
    tell_cmp(chat.buf)
    tell_blink(chat.buf)
  end
end

-- Code -----------------------------------------------------------------------------------------------------------------

local ACTIONS = "gpt-actions"

---@param buf integer
---@return boolean
local function is_code(buf)
  return api.nvim_buf_is_valid(buf)
    and api.nvim_buf_is_loaded(buf)
    and vim.bo[buf].buflisted
    and vim.bo[buf].buftype == ""
    and api.nvim_buf_get_name(buf) ~= ""
    and not vim.b[buf].gpt_disable
end

--- The encoding that a buffer's other servers have.
---@param buf integer
---@return string?
local function encoding_of(buf)
  for _, client in ipairs(vim.lsp.get_clients({ bufnr = buf })) do
    if client.name ~= ACTIONS then
      return client.offset_encoding
    end
  end
end

---@param buf integer
local function serve_code(buf)
  if not is_code(buf) then
    return
  end
  local encoding = encoding_of(buf) or ENCODING
  local serving = vim.lsp.get_clients({ bufnr = buf, name = ACTIONS })[1]
  if serving and serving.offset_encoding == encoding then
    return
  elseif serving then
    vim.lsp.buf_detach_client(buf, serving.id)
  end
  attach(buf, {
    name = ACTIONS,
    offset_encoding = encoding,
    cmd = server({ codeActionProvider = true, executeCommandProvider = { commands = { "gpt.action" } } }, {
      ["textDocument/codeAction"] = function(params, reply)
        require("gpt.lsp.code").actions(params, reply)
      end,
      -- For those who send commands to the server.
      ["workspace/executeCommand"] = function(params, reply)
        reply(nil)
        require("gpt.lsp.code").run(params.arguments[1])
      end,
    }),
    commands = {
      ["gpt.action"] = function(command)
        require("gpt.lsp.code").run(command.arguments[1])
      end,
    },
  })
end

local is_offering = false

--- Offers the actions as code actions in all code buffers from now on. Called at the plugin's first use, so that it
--- costs nobody a start.
function M.offer_actions()
  if is_offering or not config.get().lsp.code_actions then
    return
  end
  is_offering = true
  api.nvim_create_autocmd({ "BufEnter", "FileType", "LspAttach" }, {
    group = api.nvim_create_augroup("gpt.actions", {}),
    callback = function(args)
      -- Later: an option that keeps us away may be set by the next autocommand.
      vim.schedule(function()
        serve_code(args.buf)
      end)
    end,
  })
  for _, win in ipairs(api.nvim_list_wins()) do
    serve_code(api.nvim_win_get_buf(win))
  end
end

return M
