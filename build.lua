-- Installs the program that this plugin talks to: lazy.nvim runs this file by itself; with vim.pack, PackChanged does;
-- by hand: nvim -l build.lua. What it does is in lua/gpt/client/install.
local root = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p")))

-- A plugin manager has not put the plugin into 'runtimepath' yet, or has older modules of it in memory.
if not vim.list_contains(vim.api.nvim_list_runtime_paths(), root) then
  vim.opt.runtimepath:prepend((root:gsub("[\\,]", "\\%0")))
end
for name in pairs(package.loaded) do
  if
    name:find("^gpt%.client%.install")
    or name:find("^gpt%.messages")
    or name == "gpt.client.version"
    or name == "gpt.words"
  then
    package.loaded[name] = nil
  end
end
local install = require("gpt.client.install")

---@type gpt.install.Ended?
local how
---@type string[]
local said = {}
install.start(function(text)
  said[#said + 1] = text
end, function(ended)
  how = ended
end)

---@param ended gpt.install.Ended
---@return string
local function outcome(ended)
  if ended.binary then
    return ended.binary
  end
  local failure = ended.failure or { title = require("gpt.words")("view.install.stopped"), advice = "" }
  return table.concat({ failure.title, failure.advice, failure.details }, "\n")
end

--- Tells what was not told yet; the same line is not told twice.
---@param tell fun(text: string)
local function tell_news(tell)
  local last
  for _, text in ipairs(said) do
    if text ~= last then
      tell(text)
    end
    last = text
  end
  said = {}
end

local has_async, async = pcall(require, "lazy.async")
if has_async and async.running and async.running() then
  -- In one of lazy.nvim's coroutines, which shows what is yielded.
  while not how do
    tell_news(function(text)
      coroutine.yield({ msg = text, level = vim.log.levels.INFO })
    end)
    async.sleep(200)
  end
  if not how.binary then
    error(outcome(how), 0)
  end
elseif #vim.api.nvim_list_uis() == 0 then
  vim.wait(2 ^ 31 - 1, function()
    tell_news(function(text)
      io.stderr:write("gpt.nvim: ", text, "\n")
    end)
    return how ~= nil
  end, 50)
  io.stderr:write("gpt.nvim: ", how and outcome(how) or "", "\n")
  if not (how and how.binary) then
    vim.cmd("cquit 1")
  end
else
  -- In a Neovim with a screen (vim.pack): it is not held up.
  local timer = assert(vim.uv.new_timer())
  timer:start(
    0,
    200,
    vim.schedule_wrap(function()
      tell_news(function(text)
        vim.api.nvim_echo({ { "gpt.nvim: " .. text } }, false, {})
      end)
      if how and not timer:is_closing() then
        timer:close()
        vim.notify("gpt.nvim: " .. outcome(how), how.binary and vim.log.levels.INFO or vim.log.levels.ERROR)
      end
    end)
  )
end
