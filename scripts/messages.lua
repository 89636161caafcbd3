--- Makes, of the tables in data/, what is generated of them: messages.json as one Lua file for each language; actions.json
--- and context_words.json as a table for Lua, as the list of built-in prompts for Rust, and as the lists in the manual.
--- Called with the project's folder: returns the files' texts by their paths; with "write" behind it: writes them. Run by
--- scripts/messages, and by a test.
local root, write = unpack(select("#", ...) > 0 and { ... } or arg)

local LOCALES = { "en", "es", "pt" }
--- The manual's width.
local WIDTH = 78

---@param path string
---@param mode string
---@return file*
local function open(path, mode)
  return assert(io.open(path, mode))
end

---@param path string below the project's folder
---@return string
local function read(path)
  local source = open(root .. "/" .. path, "r")
  local text = source:read("*a")
  source:close()
  return text
end

--- A string as stylua writes it: in the quotes that leave less to escape.
---@param text string
---@return string
local function quoted(text)
  local _, doubles = text:gsub('"', "")
  local _, singles = text:gsub("'", "")
  local quote = doubles > singles and "'" or '"'
  return quote .. text:gsub("\\", "\\\\"):gsub(quote, "\\" .. quote) .. quote
end

-- Messages -------------------------------------------------------------------------------------------------------------

---@param messages table<string, table<string, string>>
---@param locale string
---@return string
local function of_locale(messages, locale)
  local lines = { "-- Made of data/messages.json by scripts/messages: change that, and run it.", "return {" }
  for key, sentence in vim.spairs(messages) do
    if vim.startswith(key, "view.") then
      lines[#lines + 1] = ("  [%s] = %s,"):format(quoted(key), quoted(sentence[locale]))
    end
  end
  return table.concat(lines, "\n") .. "\n}\n"
end

-- Actions and context words --------------------------------------------------------------------------------------------

---@param list table[]
---@param fields string[]
---@return string[]
local function entries(list, fields)
  local lines = {}
  for _, entry in ipairs(list) do
    lines[#lines + 1] = "    {"
    for _, field in ipairs(fields) do
      if entry[field] then
        lines[#lines + 1] = ("      %s = %s,"):format(field, quoted(entry[field]))
      end
    end
    lines[#lines + 1] = "      what = {"
    for _, locale in ipairs(LOCALES) do
      lines[#lines + 1] = ("        %s = %s,"):format(locale, quoted(entry[locale]))
    end
    vim.list_extend(lines, { "      },", "    }," })
  end
  return lines
end

---@param actions table[]
---@param context_words table[]
---@return string
local function for_lua(actions, context_words)
  local names = vim.tbl_map(function(action)
    return ('"%s"'):format(action.name)
  end, actions)
  local lines = {
    "-- Made of data/actions.json and data/context_words.json by scripts/messages: change those, and run it.",
    "",
    "---@alias gpt.ActionName " .. table.concat(names, "|"),
    "",
    "---@class gpt.ActionEntry",
    "---@field name gpt.ActionName",
    "---@field key? string its key under the prefix that a user may ask for",
    "---@field what table<string, string> what lists say of it, by language",
    "",
    "---@class gpt.ContextWordEntry",
    "---@field word string",
    '---@field from "editor"|"file"|"program" who reads what it stands for',
    "---@field what table<string, string> what lists say of it, by language",
    "",
    "---@type { actions: gpt.ActionEntry[], context_words: gpt.ContextWordEntry[] }",
    "return {",
    "  actions = {",
  }
  vim.list_extend(lines, entries(actions, { "name", "key" }))
  vim.list_extend(lines, { "  },", "  context_words = {" })
  vim.list_extend(lines, entries(context_words, { "word", "from" }))
  return table.concat(lines, "\n") .. "\n  },\n}\n"
end

---@param actions table[]
---@return string
local function for_rust(actions)
  local lines = {
    "//! Lists the built-in prompts. Made of data/actions.json by scripts/messages: change that, and run it.",
    "",
    "/// The names of the built-in actions, and their prompts, as files of the library are.",
    ("pub const BUILT_IN: [(&str, &str); %d] = ["):format(#actions),
  }
  for _, action in ipairs(actions) do
    lines[#lines + 1] = ('    ("%s", include_str!("%s.md")),'):format(action.name, action.name)
  end
  return table.concat(lines, "\n") .. "\n];\n"
end

-- The manual -----------------------------------------------------------------------------------------------------------

--- Text in lines, below and behind a label.
---@param label string
---@param indent integer
---@param text string
---@return string[]
local function wrapped(label, indent, text)
  local lines, line = {}, label .. (" "):rep(math.max(indent - #label, indent > 0 and 1 or 0))
  local is_begun = false
  for word in text:gmatch("%S+") do
    if is_begun and #line + 1 + #word > WIDTH then
      lines[#lines + 1] = line
      line, is_begun = (" "):rep(indent), false
    end
    line, is_begun = line .. (is_begun and " " or "") .. word, true
  end
  lines[#lines + 1] = line
  return lines
end

---@param names string[]
---@return string
local function listed(names)
  local last = #names
  return #names < 2 and names[1] or table.concat(names, ", ", 1, last - 1) .. " and " .. names[last]
end

--- Lines of the manual with those between two patterns replaced: from the first one that matches, up to the first one
--- behind it that does not belong to it.
---@param lines string[]
---@param first string what the first one looks like
---@param belongs string what those behind it look like
---@param new string[]
---@return string[]
local function replaced(lines, first, belongs, new)
  for index, line in ipairs(lines) do
    if line:find(first) then
      local last = index
      while (lines[last + 1] or ""):find(belongs) do
        last = last + 1
      end
      local whole = vim.list_slice(lines, 1, index - 1)
      vim.list_extend(whole, new)
      return vim.list_extend(whole, lines, last + 1)
    end
  end
  error("nothing in the manual looks like " .. first)
end

--- Tags at the right edge.
---@param tags string[]
---@return string[]
local function at_right(tags)
  local lines = {}
  for _, line in ipairs(wrapped("", 23, table.concat(tags, " "))) do
    lines[#lines + 1] = ("%" .. WIDTH .. "s"):format(vim.trim(line))
  end
  return lines
end

---@param manual string
---@param actions table[]
---@param context_words table[]
---@return string
local function with_lists(manual, actions, context_words)
  local lines = vim.split(manual, "\n", { plain = true })
  local names, tags, own, keys, plugs = {}, { "*gpt-actions*" }, {}, {}, {}
  local list = {}
  for _, action in ipairs(actions) do
    local has_section = action.manual:find("|gpt-" .. action.name .. "|", 1, true)
    names[#names + 1] = action.name
    plugs[#plugs + 1] = ("(gpt-%s)"):format(action.name)
    if action.key then
      keys[#keys + 1] = ("%s%s (%s)"):format(#keys == 0 and "{prefix}" or "", action.key, action.name)
    end
    if not has_section then
      tags[#tags + 1] = ("*:GPT-%s*"):format(action.name)
      own[#own + 1] = action.name
    end
    vim.list_extend(list, wrapped(action.name, 16, action.manual))
  end
  local rest = "asks about code, with a range or selection; so do %s: |gpt-actions|"
  local others = listed(vim.list_slice(names, 2))
  lines = replaced(lines, "^:GPT explain ", "^  +%S", wrapped(":GPT explain", 16, rest:format(others)))
  lines = replaced(lines, "^ *%*gpt%-actions%*", "^ *%*:GPT%-", at_right(tags))
  lines = replaced(lines, "^Actions: .* ~$", "^$^", { ("Actions: %s ~"):format(table.concat(own, ", ")) })
  lines = replaced(lines, "^explain  +%S", "^%l* +%S", list)
  rest = "does that action: |gpt-actions|; so do " .. listed(vim.list_slice(plugs, 2))
  lines = replaced(lines, "^<Plug>%(gpt%-explain%)  ", "^  +%S", wrapped("<Plug>(gpt-explain)", 24, rest))
  rest = "the chat is mapped to {prefix}c, earlier chats to {prefix}h, the list of models to {prefix}m, and stop to "
    .. "{prefix}s, in normal and visual mode; the actions to %s, as operators: |gpt-operators|. Other keys: see "
    .. "|gpt-mappings|."
  lines = replaced(lines, "^the chat is mapped to", "%S", wrapped("", 0, rest:format(listed(keys))))
  list = {}
  for _, word in ipairs(context_words) do
    local label = word.from == "file" and word.word .. "path" or word.word
    vim.list_extend(list, wrapped(label, 16, word.manual))
  end
  lines = replaced(lines, "^" .. vim.pesc(context_words[1].word) .. "  +%S", "%S", list)
  return table.concat(lines, "\n")
end

-- All ------------------------------------------------------------------------------------------------------------------

local messages = vim.json.decode(read("data/messages.json"))
local actions = vim.json.decode(read("data/actions.json"))
local context_words = vim.json.decode(read("data/context_words.json"))
local files = {
  ["lua/gpt/tables.lua"] = for_lua(actions, context_words),
  ["src/actions/built_in.rs"] = for_rust(actions),
  ["doc/gpt.txt"] = with_lists(read("doc/gpt.txt"), actions, context_words),
}
for _, locale in ipairs(LOCALES) do
  files[("lua/gpt/messages/%s.lua"):format(locale)] = of_locale(messages, locale)
end
local made = {}
for path, text in pairs(files) do
  made[("%s/%s"):format(root, path)] = text
  if write then
    local target = open(("%s/%s"):format(root, path), "w")
    target:write(text)
    target:close()
  end
end
return made
