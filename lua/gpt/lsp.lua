--- A language server inside of Neovim: completion and hover in a chat, code actions in code buffers. So whatever shows
--- these (Neovim itself, nvim-cmp, blink.cmp, fzf-lua, …) shows ours, without glue.
---
--- Two clients, since what a server can do is the same in all its buffers.
local api = vim.api

local M = {}

local config = require("gpt.config")
local server = require("gpt.lsp.server")

-- Chats ----------------------------------------------------------------------------------------------------------------

--- Serves a chat. Its keys are mapped once more: what the user maps wherever there is a server is not meant for it.
---@param chat gpt.Chat
function M.serve(chat)
  if not api.nvim_buf_is_loaded(chat.buf) then
    return
  end
  -- Here, as what follows is loaded with a chat only.
  local completion, hover, menu = require("gpt.lsp.completion"), require("gpt.lsp.hover"), require("gpt.lsp.menu")
  local client = server.attach(chat.buf, {
    name = "gpt",
    cmd = server.new({
      completionProvider = { triggerCharacters = menu.TRIGGERS },
      hoverProvider = true,
    }, {
      ["textDocument/completion"] = completion.complete,
      ["textDocument/hover"] = hover.show,
    }),
    commands = {
      -- After `#file:` was chosen: its paths; after `/model`: the names. Other menus ask for paths of themselves, after
      -- the colon.
      ["gpt.complete"] = vim.schedule_wrap(function()
        completion.part_model()
        if vim.lsp.completion and vim.fn.mode() == "i" and not menu.is_served(api.nvim_get_current_buf()) then
          vim.lsp.completion.get()
        end
      end),
    },
  })
  require("gpt.chat.keys").map(chat)
  if client then
    menu.show_by_itself(client, chat.buf)
    menu.tell_cmp(chat.buf)
    menu.tell_blink(chat.buf)
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
  local encoding = encoding_of(buf) or server.ENCODING
  local serving = vim.lsp.get_clients({ bufnr = buf, name = ACTIONS })[1]
  if serving and serving.offset_encoding == encoding then
    return
  elseif serving then
    vim.lsp.buf_detach_client(buf, serving.id)
  end
  server.attach(buf, {
    name = ACTIONS,
    offset_encoding = encoding,
    cmd = server.new({ codeActionProvider = true, executeCommandProvider = { commands = { "gpt.action" } } }, {
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
