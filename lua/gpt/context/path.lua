--- Writes a path behind `#file:`: as it is, in quotation marks where it has spaces or would lose a sign at its end,
--- or as in an address, `a%20b.txt`, where neither will do. The program reads all three (src/context/paths.rs).
local M = {}

local FILE = "#file:"

--- Signs that end an unquoted path in running text (lua/gpt/context/grammar.lua): those of Chinese and Japanese, which need no
--- space behind them.
M.CJK_SIGNS = { "、", "。", "，", "；", "：", "！", "？", "（", "）", "」", "』", "】", "”", "’" }

--- What no `#word` begins behind: the signs of another word, of an address, of an escape.
M.NOT_BEFORE = "[%w_\\#/&=%?%-]"

--- What no form but the address's can hold: a quotation mark, a code span's sign, a line's end, another word's beginning.
---@param path string
---@return boolean
local function is_unquotable(path)
  return path:find('["`%c]') ~= nil or (":" .. path):find("[^%w_\\#/&=%?%-]#") ~= nil
end

--- Whether a path that is not quoted would be read as another one.
---@param path string
---@return boolean
local function is_misread(path)
  local function has(sign)
    return path:find(sign, 1, true) ~= nil
  end
  return path:find("%s") ~= nil
    or path:find("%%%x%x") ~= nil
    or path:find("[%.,;:!%?')%]}>]$") ~= nil
    or vim.iter(M.CJK_SIGNS):any(has)
end

--- A path as in an address: only with what stands for itself.
---@param path string
---@return string
local function as_address(path)
  local function encoded(sign)
    return ("%%%02X"):format(sign:byte())
  end
  path = path:gsub('[%%%s%c"`#]', encoded):gsub("[%.,;:!%?')%]}>]$", encoded)
  for _, sign in ipairs(M.CJK_SIGNS) do
    path = path:gsub(vim.pesc(sign), function()
      return (sign:gsub(".", encoded))
    end)
  end
  return path
end

--- The word that stands for a file, and for no other one. Of what a menu inserts Neovim 0.11 takes no more than stands
--- before the first space: so there a path with spaces is an address's.
---@param path string
---@return string
function M.word(path)
  local cuts = vim.fn.has("nvim-0.11") == 1 and vim.fn.has("nvim-0.12") == 0
  if is_unquotable(path) or (cuts and path:find("%s")) then
    return FILE .. as_address(path)
  end
  return is_misread(path) and ('%s"%s"'):format(FILE, path) or FILE .. path
end

--- What an address's path stands for.
---@param path string
---@return string
function M.decoded(path)
  return (path:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

return M
