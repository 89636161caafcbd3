//! What completion inserts is what is meant: each file by a word of its own, whichever menu offers it.

use std::fs;

use crate::common::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::Server;

/// Files whose names a word must be written for, each with letters that only its own path has.
const FILES: [(&str, &str); 12] = [
    ("my notes.md", "notes"),
    ("my?notes.md", "my?not"),
    ("a%20b.txt", "a%2520b"),
    ("say \"hi\".txt", "say"),
    ("メモ、二.md", "メモ"),
    ("ends here.", "here"),
    ("odd.", "odd"),
    ("#tree", "%23tree"),
    ("tick`s`.md", "tick"),
    ("src/[id]/page (1).tsx", "page"),
    ("src/[id]/list(2).tsx", "list"),
    ("C#/ação é 👩‍👩‍👧‍👦.cs", "ação"),
];

async fn project(script: Vec<crate::support::answer::Answer>) -> (Builder, Server, Home) {
    let (server, home) = (Server::start(script).await, Home::new());
    for (name, _) in FILES {
        // A file system that has no such name has no such file.
        let path = home.path().join("home").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("text of {name}\n")).unwrap();
    }
    fs::write(home.path().join("home/a b.txt"), "not meant\n").unwrap();
    let builder = configured(&server, "").home(&home).init(MENUS);
    (builder, server, home)
}

async fn served(builder: Builder) -> Nvim {
    let nvim = builder.start().await;
    open(&nvim).await;
    nvim.wait_lua("return #vim.lsp.get_clients({ bufnr = 0, name = 'gpt' }) == 1")
        .await;
    nvim
}

/// Menus that do as nvim-cmp (with cmp-nvim-lsp) and blink.cmp do: they ask with the same parameters, keep what fits the
/// text that they take for the word, insert in their own way and run the item's command in theirs.
const MENUS: &str = r#"
vim.o.completeopt = 'menuone,noselect'
local function subsequence(typed, text)
  local at = 1
  for sign in typed:lower():gmatch(".") do
    at = text:lower():find(sign, at, true)
    if not at then return false end
    at = at + 1
  end
  return true
end
local function client()
  return vim.lsp.get_clients({ bufnr = 0, method = "textDocument/completion" })[1]
end
local function request(context)
  local client, found = client(), nil
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = context
  client.request(client, "textDocument/completion", params, function(_, result) found = result or { items = {} } end)
  vim.wait(5000, function() return found end)
  return found
end
if vim.fn.has("nvim-0.11") == 0 then
  local plain = request
  function request(context)
    local found
    local params = vim.lsp.util.make_position_params(0, client().offset_encoding)
    params.context = context
    client().request("textDocument/completion", params, function(_, result) found = result or { items = {} } end, 0)
    vim.wait(5000, function() return found end)
    return found
  end
end
local function before()
  return vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
end
local function byte(line, character)
  return vim.fn.byteidxcomp(line, character, true)
end
local function pick(list, label)
  for _, item in ipairs(list) do
    if item.label == label then return item end
  end
  error(label .. " is not among " .. vim.inspect(vim.tbl_map(function(item) return item.label end, list)))
end
-- The trigger that the sign before the cursor makes.
local function context()
  local last = before():sub(-1)
  local triggers = client().server_capabilities.completionProvider.triggerCharacters
  if vim.list_contains(triggers, last) then
    return { triggerKind = 2, triggerCharacter = last }
  end
  return { triggerKind = 3 }
end
local function replace(from, to, text)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  vim.api.nvim_buf_set_text(0, row, from, row, to, { text })
  vim.api.nvim_win_set_cursor(0, { row + 1, from + #text })
end
_G.menus = {}
-- entry.lua get_offset, source.lua get_entries, core.lua confirm; cmp_nvim_lsp/source.lua execute
function _G.menus.cmp(label)
  local list, line = request(context()), before()
  local KEYWORD = [[\%(-\?\d\+\%(\.\d\+\)\?\|\h\%(\w\|\)*\%(-\w*\)*\)]]
  local keyword = vim.fn.match(line, KEYWORD .. "$")
  local source_offset = (keyword < 0 and #line or keyword) + 1
  local fitting = vim.tbl_filter(function(item)
    local start = math.min(byte(line, item.textEdit.range.start.character) + 1, source_offset)
    return subsequence(line:sub(start), item.filterText)
  end, list.items)
  local item = pick(fitting, label)
  assert(vim.trim(item.textEdit.newText) == item.textEdit.newText and item.insertTextFormat == 1)
  local range = item.textEdit.range
  replace(byte(line, range.start.character), byte(line, range["end"].character), item.textEdit.newText)
  if item.command then
    local done
    local answered = function() done = true end
    if vim.fn.has("nvim-0.11") == 1 then
      client():request("workspace/executeCommand", item.command, answered)
    else
      client().request("workspace/executeCommand", item.command, answered, 0)
    end
    assert(vim.wait(5000, function() return done end))
  end
  return vim.api.nvim_get_current_line()
end
-- sources/lsp/completion.lua, fuzzy/lua/keyword.lua, lib/text_edits.lua, sources/lsp/init.lua execute
function _G.menus.blink(label)
  local asked = context()
  asked.triggerKind = asked.triggerKind == 2 and 2 or 1
  local list, line, kept = request(asked), before(), vim.bo.iskeyword
  vim.bo.iskeyword = "@,48-57,_,192-255"
  local keyword = vim.fn.matchstr(line, [[\k*$]])
  vim.bo.iskeyword = kept
  local fitting = vim.tbl_filter(function(item)
    return subsequence(keyword, item.filterText or item.label)
  end, list.items)
  local item = vim.deepcopy(pick(fitting, label))
  local edit, row = item.textEdit, vim.api.nvim_win_get_cursor(0)[1]
  edit.range.start.character = byte(line, edit.range.start.character)
  edit.range["end"].character = #line
  vim.lsp.util.apply_text_edits({ edit }, vim.api.nvim_get_current_buf(), "utf-8")
  vim.api.nvim_win_set_cursor(0, { row, edit.range.start.character + #edit.newText })
  if item.command then
    local run = client().exec_cmd or client()._exec_cmd
    run(client(), item.command, { bufnr = vim.api.nvim_get_current_buf() })
    vim.wait(100)
  end
  return vim.api.nvim_get_current_line()
end
-- Neovim's own, by its key: what it inserts, typed on with a full stop, as a user does.
function _G.menus.choose(label)
  for index, item in ipairs(vim.fn.complete_info({ "items" }).items) do
    if item.abbr == label then return index end
  end
  return 0
end
"#;

/// Sends the line, and says what went along.
async fn sent(nvim: &Nvim, server: &Server, n: usize) -> String {
    nvim.feed("<C-s>").await;
    ended(nvim, n + 1).await;
    conversation(&server.requests()[n]).pop().expect("a question").1
}

#[tokio::test]
async fn a_completed_path_stands_for_that_file_and_no_other() {
    let answers: Vec<_> = FILES.iter().map(|_| answer("ok")).collect();
    let (builder, server, _home) = project(answers).await;
    let nvim = served(builder).await;
    let own = nvim.lua_bool("return vim.fn.has('nvim-0.11') == 1", &[]).await;
    for (n, (name, letters)) in FILES.iter().enumerate() {
        nvim.feed(&format!("see #file:{letters}")).await;
        nvim.wait_lua(&format!(
            "return vim.api.nvim_get_current_line() == vim.json.decode({:?})",
            serde_json::to_string(&format!("see #file:{letters}")).unwrap()
        ))
        .await;
        if own {
            nvim.feed("<C-x><C-o>").await;
            let label = serde_json::to_string(name).unwrap();
            let index = format!("return menus.choose(vim.json.decode({label:?}))");
            nvim.wait_lua(&format!("{index} > 0")).await;
            let index = nvim.lua_i64(&index, &[]).await;
            nvim.feed(&"<C-n>".repeat(usize::try_from(index).unwrap())).await;
        } else {
            nvim.lua("menus.blink(...)", &[text(name)]).await;
        }
        // As a sentence goes on.
        nvim.feed(", and so on").await;
        let question = sent(&nvim, &server, n).await;
        assert!(question.contains(&format!("\ntext of {name}\n```")), "{question}");
        assert_eq!(question.matches("text of").count(), 1, "{question}");
        assert!(!question.contains("not meant"), "{question}");
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn other_menus_insert_what_is_meant_and_need_nothing() {
    for menu in ["cmp", "blink"] {
        let (builder, _server, _home) = project(vec![]).await;
        let module = if menu == "cmp" { "cmp" } else { "blink.cmp" };
        let nvim = served(builder.init(&format!("package.loaded['{module}'] = {{}}"))).await;
        let spaced = match nvim
            .lua_bool(
                "return vim.fn.has('nvim-0.11') == 1 and vim.fn.has('nvim-0.12') == 0",
                &[],
            )
            .await
        {
            true => "#file:my%20notes.md",
            false => "#file:\"my notes.md\"",
        };
        let family = "olá 👩‍👩‍👧‍👦 日本 (";
        let cases = [
            ("#", "#clipboard", "#clipboard".to_owned()),
            ("#bu", "#buffers", "#buffers".to_owned()),
            ("#fi", "#file:", "#file:".to_owned()),
            ("#file:", "my notes.md", spaced.to_owned()),
            ("#file:notes", "my notes.md", spaced.to_owned()),
            ("#file:\"my no", "my notes.md", spaced.to_owned()),
            ("#file:my%20no", "my notes.md", spaced.to_owned()),
            (
                "#file:src/",
                "src/[id]/list(2).tsx",
                "#file:src/[id]/list(2).tsx".to_owned(),
            ),
            (
                "#file:src/[id]/lis",
                "src/[id]/list(2).tsx",
                "#file:src/[id]/list(2).tsx".to_owned(),
            ),
        ];
        for (typed, label, inserted) in cases {
            let line = serde_json::to_string(&format!("{family}{typed}")).unwrap();
            nvim.feed(&format!("<C-u>{family}{typed}")).await;
            nvim.wait_lua(&format!("return vim.api.nvim_get_current_line() == {line}"))
                .await;
            let after = nvim
                .lua_string("return menus[...](select(2, ...))", &[text(menu), text(label)])
                .await;
            assert_eq!(after, format!("{family}{inserted}"), "{menu}: {typed}");
            assert_eq!(
                nvim.lua_i64("return vim.fn.pumvisible()", &[]).await,
                0,
                "{menu}: {typed}"
            );
        }
        nvim.feed("<C-u>/ex").await;
        nvim.wait_lua("return vim.api.nvim_get_current_line() == '/ex'").await;
        let after = nvim
            .lua_string("return menus[...](select(2, ...))", &[text(menu), text("/explain")])
            .await;
        assert_eq!(after, "/explain", "{menu}");
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn the_menu_goes_when_the_question_is_sent_from_insert_mode() {
    let (builder, server, _home) = project(vec![answer("ok"), answer("ok")]).await;
    let nvim = served(builder).await;
    for (n, typed) in ["say #b", "say #fi"].iter().enumerate() {
        nvim.feed(&format!("{typed}<C-x><C-o>")).await;
        nvim.wait_lua("return vim.fn.pumvisible() == 1").await;
        nvim.feed("<C-s>").await;
        ended(&nvim, n + 1).await;
        nvim.wait_lua("return vim.fn.pumvisible() == 0 and vim.fn.mode() == 'i'")
            .await;
        let question = conversation(&server.requests()[n]).pop().expect("a question").1;
        assert_eq!(question, *typed);
        // What is typed next is the next question.
        nvim.feed("x").await;
        nvim.wait_lua("return vim.api.nvim_get_current_line() == 'x'").await;
        nvim.feed("<BS>").await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn code_actions_are_there_after_a_command_that_needs_no_program() {
    let (builder, _server, home) = project(vec![]).await;
    let nvim = builder.arg(home.path().join("home/odd.")).start().await;
    nvim.feed(":GPT log<CR>").await;
    nvim.wait_screen_contains("GPT log").await;
    nvim.feed("q").await;
    nvim.wait_lua("return #vim.lsp.get_clients({ bufnr = 1, name = 'gpt-actions' }) == 1")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_menu_that_looks_for_servers_as_insert_mode_begins_knows_ours_in_the_first_chat() {
    let (builder, _server, _home) = project(vec![]).await;
    // As cmp-nvim-lsp does, and only then; a chat is in insert mode before its server has begun.
    let count = "vim.api.nvim_create_autocmd('InsertEnter', {
        group = vim.api.nvim_create_augroup('cmp_nvim_lsp', {}),
        callback = function() _G.seen = #vim.lsp.get_clients({ bufnr = 0, name = 'gpt' }) end,
      })";
    let nvim = builder.init(count).start().await;
    open(&nvim).await;
    nvim.wait_lua("return vim.fn.mode() == 'i' and seen == 1").await;
    clean(&nvim).await;
}
