--- Asks the user with |vim.ui.select()|, |vim.ui.input()| and hidden input: a choice from a list, and keys. The answers go to
--- the program as events.
local cells = require("gpt.cells")
local client = require("gpt.client")
local held = require("gpt.ui.held")
local notice = require("gpt.ui.notice")
local words = require("gpt.words")

local M = {}

--- |vim.ui.select()|, of which `<C-c>` is a cancel too: Neovim's own raises it as an error.
---@generic T
---@param items T[]
---@param options table
---@param done fun(item: T?, index: integer?)
function M.select(items, options, done)
  local answered = false
  local ok, reason = pcall(vim.ui.select, items, options, function(item, index)
    answered = true
    done(item, index)
  end)
  if not ok and not answered and tostring(reason):find("Keyboard interrupt", 1, true) then
    done(nil, nil)
  elseif not ok then
    error(reason, 0)
  end
end

--- What Neovim's own list puts before an entry, and keeps free behind it, in cells.
local BESIDE = 6
--- The most lines of the screen that a question takes.
local MOST_LINES = 4

--- An entry of a list, on one line of the screen.
---@param text string
---@return string
function M.entry(text)
  return cells.cut(text, math.max(vim.o.columns - BESIDE, BESIDE))
end

--- Shows a list to choose from.
---@param data { question: integer, prompt: string, choices: string[] }
function M.choose(data)
  local is_held
  local function show()
    M.select(
      data.choices,
      { prompt = cells.cut(data.prompt, MOST_LINES * vim.o.columns), kind = "gpt", format_item = M.entry },
      function(_, index)
        -- Take the list off the screen first: a message below it would ask for ENTER.
        vim.cmd.redraw()
        -- The list of Neovim's own has scrolled the screen: what is said next would end in a hit-enter prompt.
        vim.cmd.redraw()
        client.notify({ event = "chosen", question = data.question, choice = index and index - 1 or nil })
        if is_held and index then
          held.until_asked() -- for the key that comes next
        end
      end
    )
  end
  is_held = held.take(show)
  if not is_held then
    vim.schedule(show)
  end
end

--- Asks for a line that is not shown. It leaves no trace: no history, no register, no message.
---@param prompt string
---@param pasted string what was pasted before it was there
---@return string? text nil if the user cancelled
local function hidden(prompt, pasted)
  local cancelled = "\1cancelled"
  local first = vim.trim(pasted):match("^[^\r\n]*")
  local ok, text = pcall(vim.fn.inputsecret, { prompt = prompt, default = first, cancelreturn = cancelled })
  vim.cmd.redraw()
  return ok and text ~= cancelled and text or nil
end

local function unchanged()
  notice.inform({ level = "info", title = words("view.unchanged"), advice = "" })
end

---@param prompts string[]
---@param answers string[]
---@param done fun(answers: string[])
local function ask_each(prompts, answers, done)
  if #answers == #prompts then
    return done(answers)
  end
  vim.ui.input({ prompt = prompts[#answers + 1] }, function(text)
    if not text then
      return unchanged()
    end
    answers[#answers + 1] = text
    ask_each(prompts, answers, done)
  end)
end

--- Asks for a key, hidden; then for organization and project, where the provider has them.
---@param form { provider: string, label: string, organizations: boolean }
function M.enter_key(form)
  local function ask(pasted)
    local key = hidden(words("view.dialog.key", { provider = form.label }), pasted or "")
    if not key then
      return unchanged()
    end
    local event = { event = "key_entered", provider = form.provider, key = key }
    if not form.organizations or not key:find("%S") then
      client.notify(event)
      return
    end
    local prompts = { words("view.dialog.organization"), words("view.dialog.project") }
    ask_each(prompts, {}, function(answers)
      event.organization, event.project = answers[1], answers[2]
      client.notify(event)
    end)
  end
  if not held.take(ask) then
    vim.schedule(ask)
  end
end

return M
