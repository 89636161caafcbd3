-- Commands, the <Plug> maps' beginning, and chats by their names; nothing else happens at startup. It counts in
-- microseconds, and words cost more than bytes: all commands share one function and one table of options, and what Vim
-- script can say is one string.
if vim.g.loaded_gpt then
  return
end

local function run(args)
  require("gpt.commands").run(args)
end
local command = vim.api.nvim_create_user_command
local options = { nargs = "*", bang = true, range = true, complete = "customlist,v:lua.require'gpt.commands'.complete" }
command("GPT", run, options)
command("GPTChat", run, options)
command("GPTModel", run, options)
command("GPTSetKey", run, options)
command("GPTRemoveKey", run, options)
vim.api.nvim_exec2(
  [[
let g:loaded_gpt = 1
map <expr> <Plug>(gpt- v:lua.require'gpt.plug'.first()
autocmd CmdlineEnter * ++once lua require'gpt.plug'.install()
autocmd BufReadCmd gpt://chat/* lua require'gpt.commands'.read_chat()
autocmd BufFilePost gpt://chat/* lua require'gpt.commands'.name_chat()
if exists('g:gpt.keymaps')
  lua require'gpt.keymaps'.install()
endif
]],
  {}
)
