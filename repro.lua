-- A clean Neovim with this plugin alone: nvim -u repro.lua
-- What it keeps lies in .repro/ beside the current folder; nothing of yours is read or written. It shows :checkhealth gpt,
-- and writes that to .repro/health.txt: please add it to your issue.
local folder = vim.fn.fnamemodify(".repro", ":p"):gsub("[/\\]$", "")
for _, name in ipairs({ "config", "data", "state", "cache" }) do
  vim.env["XDG_" .. name:upper() .. "_HOME"] = vim.fs.joinpath(folder, name)
  vim.fn.mkdir(vim.fs.joinpath(folder, name), "p")
end

-- This checkout, where the file lies in one; else one of its own.
local plugin = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p")))
if not vim.uv.fs_stat(vim.fs.joinpath(plugin, "lua", "gpt")) then
  plugin = vim.fs.joinpath(folder, "gpt.nvim")
  if not vim.uv.fs_stat(plugin) then
    vim.fn.system({ "git", "clone", "--depth=1", "https://github.com/OWNER/gpt.nvim", plugin })
  end
end
vim.opt.runtimepath = { vim.fs.joinpath(folder, "config"), plugin, vim.env.VIMRUNTIME }
vim.opt.packpath = { vim.env.VIMRUNTIME }

vim.o.shadafile = "NONE"
vim.o.swapfile = false

-- Your configuration, as far as the problem needs it.
vim.g.gpt = vim.tbl_deep_extend("force", { log_level = "debug" }, vim.g.gpt or {})

vim.api.nvim_create_autocmd("VimEnter", {
  once = true,
  callback = function()
    vim.cmd("checkhealth gpt")
    vim.fn.writefile(vim.api.nvim_buf_get_lines(0, 0, -1, true), vim.fs.joinpath(folder, "health.txt"))
  end,
})
