-- Made of data/actions.json and data/context_words.json by scripts/messages: change those, and run it.

---@alias gpt.ActionName "explain"|"fix"|"refactor"|"document"|"tests"|"problems"|"commit"

---@class gpt.ActionEntry
---@field name gpt.ActionName
---@field key? string its key under the prefix that a user may ask for
---@field what table<string, string> what lists say of it, by language

---@class gpt.ContextWordEntry
---@field word string
---@field from "editor"|"file"|"program" who reads what it stands for
---@field what table<string, string> what lists say of it, by language

---@type { actions: gpt.ActionEntry[], context_words: gpt.ContextWordEntry[] }
return {
  actions = {
    {
      name = "explain",
      key = "e",
      what = {
        en = "Explain this code",
        es = "Explicar este código",
        pt = "Explicar este código",
      },
    },
    {
      name = "fix",
      key = "f",
      what = {
        en = "Fix this code",
        es = "Corregir este código",
        pt = "Corrigir este código",
      },
    },
    {
      name = "refactor",
      key = "r",
      what = {
        en = "Refactor this code",
        es = "Refactorizar este código",
        pt = "Refatorar este código",
      },
    },
    {
      name = "document",
      key = "d",
      what = {
        en = "Document this code",
        es = "Documentar este código",
        pt = "Documentar este código",
      },
    },
    {
      name = "tests",
      key = "t",
      what = {
        en = "Write tests for this code",
        es = "Escribir pruebas para este código",
        pt = "Escrever testes para este código",
      },
    },
    {
      name = "problems",
      key = "p",
      what = {
        en = "Find problems, for the quickfix list",
        es = "Encontrar problemas, para la lista quickfix",
        pt = "Encontrar problemas, para a lista quickfix",
      },
    },
    {
      name = "commit",
      key = "g",
      what = {
        en = "Write the commit message of what is staged",
        es = "Escribir el mensaje de commit de lo que está en el stage",
        pt = "Escrever a mensagem de commit do que está no stage",
      },
    },
  },
  context_words = {
    {
      word = "#selection",
      from = "editor",
      what = {
        en = "the last visual selection",
        es = "la última selección visual",
        pt = "a última seleção visual",
      },
    },
    {
      word = "#buffer",
      from = "editor",
      what = {
        en = "the buffer you came from",
        es = "el búfer del que vienes",
        pt = "o buffer de onde você veio",
      },
    },
    {
      word = "#buffers",
      from = "editor",
      what = {
        en = "all listed buffers",
        es = "todos los búferes listados",
        pt = "todos os buffers listados",
      },
    },
    {
      word = "#file:",
      from = "file",
      what = {
        en = "a file, or a glob, in the project",
        es = "un archivo, o un glob, del proyecto",
        pt = "um arquivo, ou um glob, do projeto",
      },
    },
    {
      word = "#diagnostics",
      from = "editor",
      what = {
        en = "the buffer's diagnostics",
        es = "los diagnósticos del búfer",
        pt = "os diagnósticos do buffer",
      },
    },
    {
      word = "#diff",
      from = "program",
      what = {
        en = "changes that git has not staged",
        es = "cambios que no están en el stage de git",
        pt = "mudanças que não estão no stage do git",
      },
    },
    {
      word = "#staged",
      from = "program",
      what = {
        en = "changes that git has staged",
        es = "cambios que están en el stage de git",
        pt = "mudanças que estão no stage do git",
      },
    },
    {
      word = "#quickfix",
      from = "editor",
      what = {
        en = "the quickfix list",
        es = "la lista quickfix",
        pt = "a lista quickfix",
      },
    },
    {
      word = "#symbols",
      from = "editor",
      what = {
        en = "the buffer's functions, types and other symbols",
        es = "las funciones, los tipos y otros símbolos del búfer",
        pt = "as funções, os tipos e outros símbolos do buffer",
      },
    },
    {
      word = "#tree",
      from = "program",
      what = {
        en = "the project's files, by name",
        es = "los nombres de los archivos del proyecto",
        pt = "os nomes dos arquivos do projeto",
      },
    },
    {
      word = "#clipboard",
      from = "editor",
      what = {
        en = "the clipboard",
        es = "el portapapeles",
        pt = "a área de transferência",
      },
    },
  },
}
