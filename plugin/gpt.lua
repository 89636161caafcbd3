-- Commands and <Plug> maps; nothing else happens at startup.
if vim.g.loaded_gpt then
  return
end
vim.g.loaded_gpt = 1

local command = vim.api.nvim_create_user_command
command("GPTChat", function(args)
  require("gpt.commands").chat(args)
end, { bang = true, nargs = "*", range = true, desc = "Chat with a language model" })
command("GPTModel", function(args)
  require("gpt.commands").model(args)
end, {
  bang = true,
  nargs = "?",
  desc = "Choose the model that answers",
  complete = function(...)
    return require("gpt.commands").complete_model(...)
  end,
})
command("GPTSetKey", function(args)
  require("gpt.commands").set_key(args)
end, {
  bang = true,
  nargs = "?",
  desc = "Connect a provider: its key goes into the system keyring",
  complete = function(...)
    return require("gpt.commands").complete_provider(...)
  end,
})
command("GPTRemoveKey", function(args)
  require("gpt.commands").remove_key(args)
end, {
  bang = true,
  nargs = "?",
  desc = "Remove a provider's key from the system keyring",
  complete = function(...)
    return require("gpt.commands").complete_provider(...)
  end,
})
command("GPT", function(args)
  require("gpt.commands").gpt(args)
end, {
  nargs = "+",
  desc = "gpt.nvim: stop, log",
  complete = function(...)
    return require("gpt.commands").complete(...)
  end,
})

local map = vim.api.nvim_set_keymap
for _, mode in ipairs({ "n", "x" }) do
  map(mode, "<Plug>(gpt-chat)", "", {
    callback = function()
      require("gpt.commands").chat_here()
    end,
    desc = "GPT: chat",
  })
  map(mode, "<Plug>(gpt-model)", "", {
    callback = function()
      require("gpt.remote").notify({ event = "model_requested" })
    end,
    desc = "GPT: choose the model",
  })
  map(mode, "<Plug>(gpt-stop)", "", {
    callback = function()
      require("gpt").stop()
    end,
    desc = "GPT: stop the answer",
  })
end

if type(vim.g.gpt) == "table" and vim.g.gpt.keymaps then
  require("gpt.config").install_keymaps()
end
