--- Shows the completion menu in a chat as one types, where nothing else does: Neovim's own, or what plugins keep of it.
local api = vim.api

local M = {}

local config = require("gpt.config")
local typed_word = require("gpt.lsp.typed_word")

--- The signs that menus ask after by themselves.
M.TRIGGERS = { "#", "/", ":" }

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
function M.is_served(buf)
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
        or vim.list_contains(M.TRIGGERS, vim.v.char)
      then
        return
      end
      vim.schedule(function()
        local is_wanted = api.nvim_get_current_buf() == buf
          and vim.fn.mode() == "i"
          and vim.fn.pumvisible() == 0
          and typed_word.is_behind_word(buf)
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
function M.show_by_itself(client, buf)
  local wanted = config.get().lsp.autotrigger
  if not (vim.lsp.completion and vim.lsp.completion.enable) or wanted == false then
    return
  end
  local enable
  function enable()
    local is_there = api.nvim_buf_is_valid(buf) and vim.lsp.buf_is_attached(buf, client)
    if is_there and (wanted or not M.is_served(buf)) then
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
function M.tell_cmp(buf)
  if api.nvim_get_current_buf() == buf and vim.fn.mode() == "i" then
    pcall(api.nvim_exec_autocmds, "InsertEnter", { group = "cmp_nvim_lsp" })
  end
end

--- blink.cmp asks ahead as insert mode begins, and goes on with what it was told then: nothing, since there was no server
--- yet. So it forgets that.
---@param buf integer
function M.tell_blink(buf)
  local trigger = package.loaded["blink.cmp.completion.trigger"]
  if trigger and api.nvim_get_current_buf() == buf and vim.fn.mode() == "i" then
    pcall(trigger.hide)
  end
end

return M
