-- Commands and <Plug> maps; nothing else happens at startup. Short, since what is read at startup is mostly what it costs:
-- one function runs every command, and lua/gpt/plug.lua makes the maps.
if vim.g.loaded_gpt then
  return
end
vim.g.loaded_gpt = 1

local function run(args)
  require("gpt.commands").run(args)
end
local command = vim.api.nvim_create_user_command
local options = { nargs = "*", bang = true, range = true, desc = "Chat with a language model" }
command("GPTChat", run, options)
local complete = "customlist,v:lua.require'gpt.commands'.complete_"
options = { nargs = "?", bang = true, complete = complete .. "model", desc = "Choose the model that answers" }
command("GPTModel", run, options)
options.complete = complete .. "provider"
options.desc = "Connect a provider: its key goes into the system keyring"
command("GPTSetKey", run, options)
options.desc = "Remove a provider's key from the system keyring"
command("GPTRemoveKey", run, options)
command("GPT", run, { nargs = "+", complete = complete .. "action", desc = "gpt.nvim: chats, history, stop, log, …" })

local map = vim.api.nvim_set_keymap
options = { expr = true, desc = "GPT: makes the <Plug> maps" }
map("n", "<Plug>(gpt-", "v:lua.require'gpt.plug'.first()", options)
map("x", "<Plug>(gpt-", "v:lua.require'gpt.plug'.first()", options)
-- A chat by its name: |:edit|, and a session, which brings the window back without its text.
vim.api.nvim_create_autocmd({ "BufReadCmd", "BufFilePost", "SessionLoadPost" }, {
  pattern = "gpt://chat/*",
  callback = function(args)
    require("gpt.commands").read_chat(args)
  end,
})
vim.api.nvim_create_autocmd("CmdlineEnter", { once = true, command = "lua require'gpt.plug'.install()" })

if type(vim.g.gpt) == "table" and vim.g.gpt.keymaps then
  require("gpt.config").install_keymaps()
end
