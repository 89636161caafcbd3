--- Makes a language server that runs inside of Neovim, and attaches it to buffers.
local api = vim.api

local M = {}

--- The protocol's own encoding, which nearly all servers have: Neovim warns where those of one buffer differ.
M.ENCODING = "utf-16"

---@alias gpt.Method fun(params: table, reply: fun(result: any))

--- The server, as `vim.lsp.start` wants it in place of a process.
---@param capabilities table
---@param methods table<string, gpt.Method>
---@return fun(dispatchers: table): table
function M.new(capabilities, methods)
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
  wanted.offset_encoding = wanted.offset_encoding or M.ENCODING
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
function M.attach(buf, wanted)
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

return M
