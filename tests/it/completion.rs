//! Completion and hover in the chat, and code actions in code buffers: what Neovim's own client shows of our server.

use serde_json::{Value as Json, json};

use crate::common::{answer, clean, ended, normal_mode, open, say, start, text, unconfigured, wait};
use crate::nvim;
use crate::support::nvim::{Builder, Home, Nvim};

/// `_G.words()`: what the menu offers, in its order. `_G.ask()`: a request to our servers, as other plugins send it.
const HELPERS: &str = "
vim.o.completeopt = 'menuone,noselect'
function _G.words()
  return vim.tbl_map(function(item) return item.word end, vim.fn.complete_info({ 'items' }).items or {})
end
function _G.labels()
  return vim.tbl_map(function(item) return item.abbr end, vim.fn.complete_info({ 'items' }).items or {})
end
function _G.ask(method, params)
  params.textDocument = { uri = vim.uri_from_bufnr(0) }
  local replies = vim.lsp.buf_request_sync(0, method, params, 5000) or {}
  for _, reply in pairs(replies) do
    if reply.result then
      return reply.result
    end
  end
end
function _G.titles(context, first, last)
  local line = function(number) return { line = number - 1, character = 0 } end
  local range = { start = line(first or 1), ['end'] = line(last or first or 1) }
  local actions = ask('textDocument/codeAction', { range = range, context = context or { diagnostics = {} } })
  return vim.tbl_map(function(action) return action.title end, actions or {})
end";

/// A project with these files, and an editor in it.
fn project(files: &[(&str, &str)]) -> (Home, Builder) {
    let home = Home::new();
    for (name, content) in files {
        home.write(name, content);
    }
    let editor = unconfigured().init(HELPERS).home(&home);
    (home, editor)
}

/// Opens a chat, and waits until it is served.
async fn open_served(nvim: &Nvim) {
    open(nvim).await;
    is_served(nvim).await;
}

async fn is_served(nvim: &Nvim) {
    wait(
        nvim,
        "return #vim.lsp.get_clients({ bufnr = 0, name = 'gpt' }) == 1".into(),
    )
    .await;
}

/// Waits until the menu offers exactly this.
#[track_caller]
fn offered<'a>(nvim: &'a Nvim, words: &[&str]) -> impl Future<Output = ()> + use<'a> {
    let words = serde_json::to_string(&words).expect("strings are JSON");
    wait(
        nvim,
        format!("return vim.deep_equal(words(), vim.json.decode({words:?}))"),
    )
}

/// Types, and waits until the cursor's line is this.
#[track_caller]
fn types<'a>(nvim: &'a Nvim, keys: &str, line: &str) -> impl Future<Output = ()> + use<'a> {
    let keys = keys.to_owned();
    let line = serde_json::to_string(line).expect("a string is JSON");
    let typed = wait(nvim, format!("return vim.api.nvim_get_current_line() == {line}"));
    async move {
        nvim.feed(&keys).await;
        typed.await;
    }
}

async fn is_before_0_11(nvim: &Nvim) -> bool {
    nvim.lua_bool("return vim.fn.has('nvim-0.11') == 0", &[]).await
}

/// What the server answers for the text before the cursor of the current line.
async fn completed(nvim: &Nvim) -> Vec<String> {
    let code = "local cursor = vim.api.nvim_win_get_cursor(0)
    local character = vim.fn.utf16idx(vim.api.nvim_get_current_line(), cursor[2], true)
    local list = ask('textDocument/completion', { position = { line = cursor[1] - 1, character = character } })
    return vim.tbl_map(function(item) return item.textEdit.newText end, list.items)";
    nvim.lua_lines(code, &[]).await
}

// Completion -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_first_letters_of_a_context_word_complete_to_it() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    nvim.feed("look at #fi<C-x><C-o>").await;
    offered(&nvim, &["#file:"]).await;
    types(&nvim, "<C-n><C-y>", "look at #file:").await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn all_context_words_are_offered_after_their_sign() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    types(&nvim, "#", "#").await;
    let words = completed(&nvim).await;
    let all = "#selection #buffer #buffers #file: #diagnostics #diff #staged #quickfix #symbols #tree #clipboard";
    assert_eq!(words.join(" "), all);
}

#[tokio::test]
async fn a_word_is_replaced_exactly_after_multibyte_text() {
    for before in ["olá, ", "日本語 (", "👩‍👩‍👧‍👦 e\u{301} ", "\t"] {
        let (_home, editor) = project(&[]);
        let nvim = editor.start().await;
        open_served(&nvim).await;
        nvim.feed(&format!("{before}#clip<C-x><C-o>")).await;
        offered(&nvim, &["#clipboard"]).await;
        types(&nvim, "<C-n><C-y>.", &format!("{before}#clipboard.")).await;
    }
}

#[tokio::test]
async fn the_paths_of_the_project_complete_after_file() {
    let files = [
        ("src/main.rs", ""),
        ("src/deep/marks.rs", ""),
        ("README.md", ""),
        ("out/made.rs", ""),
        (".gitignore", "/out\n"),
    ];
    let (_home, editor) = project(&files);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    types(&nvim, "#file:ma", "#file:ma").await;
    assert_eq!(completed(&nvim).await, ["#file:src/main.rs", "#file:src/deep/marks.rs"]);
    nvim.feed("<C-u>compare #file:src/ma<C-x><C-o>").await;
    wait(&nvim, "return words()[1] == '#file:src/main.rs'".into()).await;
    types(&nvim, "<C-n><C-y>", "compare #file:src/main.rs").await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn letters_in_order_are_enough_for_a_path() {
    let (_home, editor) = project(&[("src/context/files.rs", ""), ("other.txt", "")]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    types(&nvim, "#file:ctxfil", "#file:ctxfil").await;
    assert_eq!(completed(&nvim).await, ["#file:src/context/files.rs"]);
    if is_before_0_11(&nvim).await {
        return; // its own completion keeps only what begins so
    }
    nvim.feed("<C-x><C-o>").await;
    offered(&nvim, &["#file:src/context/files.rs"]).await;
}

#[tokio::test]
async fn a_path_with_spaces_is_one_word() {
    let (_home, editor) = project(&[("my notes.md", "one\n"), ("other.md", "")]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    let cuts = "return vim.fn.has('nvim-0.11') == 1 and vim.fn.has('nvim-0.12') == 0";
    let word = match nvim.lua_bool(cuts, &[]).await {
        true => "#file:my%20notes.md",
        false => "#file:\"my notes.md\"",
    };
    types(&nvim, "see #file:\"my no", "see #file:\"my no").await;
    assert_eq!(completed(&nvim).await, [word]);
    types(&nvim, "<C-u>see #file:\"my notes.md\".", "see #file:\"my notes.md\".").await;
    types(&nvim, "<Esc>b", "see #file:\"my notes.md\".").await;
    wait(&nvim, "return vim.fn.mode() == 'n'".into()).await;
    assert_eq!(hovered(&nvim).await.lines().last(), Some("my notes.md: 4 B, 1 line"));
}

#[tokio::test]
async fn the_files_that_are_open_come_first() {
    let (home, editor) = project(&[("a.txt", ""), ("b.txt", ""), ("sub/z.txt", "")]);
    let open = home.path().join("home/sub/z.txt");
    let nvim = editor.arg(open).start().await;
    open_served(&nvim).await;
    types(&nvim, "#file:", "#file:").await;
    assert_eq!(
        completed(&nvim).await,
        ["#file:sub/z.txt", "#file:a.txt", "#file:b.txt"]
    );
}

#[tokio::test]
async fn actions_complete_at_the_start_of_a_question_only() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    types(&nvim, "/", "/").await;
    let actions = completed(&nvim).await;
    assert_eq!(
        actions[..7],
        [
            "/explain",
            "/fix",
            "/refactor",
            "/document",
            "/tests",
            "/problems",
            "/commit"
        ]
    );
    nvim.feed("ex<C-x><C-o>").await;
    offered(&nvim, &["/explain"]).await;
    types(&nvim, "<C-n><C-y> it /", "/explain it /").await;
    assert_eq!(completed(&nvim).await, [""; 0]);
    types(&nvim, "<CR>/", "/").await;
    assert_eq!(completed(&nvim).await, [""; 0]);
}

#[tokio::test]
async fn what_only_looks_like_a_word_completes_to_nothing() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    for typed in ["C#", "a/b#c", "# heading", "plain", "## "] {
        types(&nvim, &format!("<C-u>{typed}"), typed).await;
        assert_eq!(completed(&nvim).await, [""; 0], "{typed}");
    }
}

#[tokio::test]
async fn an_answer_is_only_text() {
    let (nvim, _server) = start(vec![answer("see #bu and more")]).await;
    nvim.lua(HELPERS, &[]).await;
    open_served(&nvim).await;
    say(&nvim, "hi #bu").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    types(&nvim, "gg/see #bu<CR>fu", "see #bu and more").await;
    assert_eq!(completed(&nvim).await, [""; 0]);
    types(&nvim, "gg/hi #bu<CR>$", "hi #bu").await;
    assert_eq!(completed(&nvim).await.len(), 11);
}

#[tokio::test]
async fn the_menu_comes_by_itself_where_neovim_can_show_it() {
    let (_home, editor) = project(&[("src/main.rs", ""), ("src/other.rs", "")]);
    let nvim = editor.start().await;
    if is_before_0_11(&nvim).await {
        return;
    }
    open_served(&nvim).await;
    nvim.feed("#").await;
    nvim.wait_screen_contains("#clipboard").await;
    nvim.feed("fi").await;
    offered_visibly(&nvim, &["#file:"]).await;
    // The paths follow at once.
    nvim.feed("<C-n><C-y>").await;
    wait(
        &nvim,
        "return vim.deep_equal(labels(), { 'src/main.rs', 'src/other.rs' })".into(),
    )
    .await;
    nvim.feed("oth").await;
    wait(&nvim, "return vim.deep_equal(labels(), { 'src/other.rs' })".into()).await;
    types(&nvim, "<C-n><C-y>", "#file:src/other.rs").await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn the_menu_writes_nothing_into_the_text_by_itself() {
    let (_home, editor) = project(&[]);
    let nvim = editor.init("vim.cmd('set completeopt&')").start().await;
    if is_before_0_11(&nvim).await {
        return;
    }
    open_served(&nvim).await;
    nvim.feed("#").await;
    nvim.wait_screen_contains("#clipboard").await;
    types(&nvim, "fi", "#fi").await;
    offered_visibly(&nvim, &["#file:"]).await;
    types(&nvim, "ne", "#fine").await;
    let global = "return vim.o.completeopt:find('noselect') == nil and vim.go.completeopt:find('noselect') == nil";
    nvim.command("stopinsert | tabnew").await;
    assert!(nvim.lua_bool(global, &[]).await);
}

/// Waits until of the menu's items only these are left for what is typed.
#[track_caller]
fn offered_visibly<'a>(nvim: &'a Nvim, words: &[&str]) -> impl Future<Output = String> + use<'a> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    nvim.wait_screen(move |screen| {
        words.iter().all(|word| screen.contains(word.as_str())) && !screen.contains("#clipboard")
    })
}

#[tokio::test]
async fn the_menu_does_not_come_by_itself_where_that_is_switched_off_or_a_plugin_does_it() {
    for (config, init) in [
        ("{ lsp = { autotrigger = false } }", ""),
        ("{}", "package.loaded['blink.cmp'] = {}"),
    ] {
        let (_home, editor) = project(&[]);
        let nvim = editor.init(init).config(config).start().await;
        open_served(&nvim).await;
        normal_mode(&nvim).await;
        nvim.feed("A").await;
        wait(&nvim, "return vim.fn.mode() == 'i'".into()).await;
        let maps = "return #vim.api.nvim_get_autocmds({ event = 'InsertCharPre', buffer = 0 })";
        assert_eq!(nvim.lua_i64(maps, &[]).await, 0, "{config}");
        nvim.feed("#fi<C-x><C-o>").await;
        offered(&nvim, &["#file:"]).await;
    }
}

#[tokio::test]
async fn completion_says_nothing_when_the_program_is_missing() {
    let home = Home::new();
    let nvim = Nvim::builder()
        .init(HELPERS)
        .home(&home)
        .config("{ binary = '/nowhere/gpt-nvim' }")
        .start()
        .await;
    nvim.feed(":GPTChat<CR>").await;
    is_served(&nvim).await;
    nvim.wait_screen_contains("/nowhere/gpt-nvim").await;
    nvim.lua(
        "_G.told = 0 require('gpt.chat.tell').complain = function() told = told + 1 end",
        &[],
    )
    .await;
    types(&nvim, "#file:a", "#file:a").await;
    assert_eq!(completed(&nvim).await, [""; 0]);
    assert_eq!(nvim.lua_i64("vim.wait(50) return told", &[]).await, 0);
}

// Hover ----------------------------------------------------------------------------------------------------------------

/// What the server says of the word under the cursor.
async fn hovered(nvim: &Nvim) -> String {
    let code = "local cursor = vim.api.nvim_win_get_cursor(0)
    local character = vim.fn.utf16idx(vim.api.nvim_get_current_line(), cursor[2], true)
    local told = ask('textDocument/hover', { position = { line = cursor[1] - 1, character = character } })
    return told and told.contents.value or ''";
    nvim.lua_string(code, &[]).await
}

#[tokio::test]
async fn hover_tells_what_a_word_would_send() {
    let (home, editor) = project(&[("src/main.rs", "one\ntwo\nthree\n"), ("large.bin", "")]);
    std::fs::write(home.path().join("home/large.bin"), vec![b'x'; 2_000_000]).unwrap();
    let open = home.path().join("home/src/main.rs");
    let nvim = editor.arg(open).start().await;
    open_served(&nvim).await;
    for (typed, told) in [
        ("#file:src/main.rs", "src/main.rs: 14 B, 3 lines"),
        ("(see #file:src/main.rs).", "src/main.rs: 14 B, 3 lines"),
        ("日本 #file:src/main.rs,", "src/main.rs: 14 B, 3 lines"),
        ("#file:large.bin", "large.bin: 2.0 MB, more than is sent"),
        ("#file:gone.rs", "There is no file gone.rs in the project."),
        ("#file:src/*.rs", "all files that fit the pattern"),
        ("#buffer", "src/main.rs: 14 B, 3 lines"),
        ("#buffers?", "src/main.rs: 14 B, 3 lines"),
    ] {
        types(&nvim, &format!("<C-u>{typed}<Esc>F#"), typed).await;
        wait(
            &nvim,
            "return vim.fn.mode() == 'n' and vim.fn.col('.') < vim.fn.col('$') - 1".into(),
        )
        .await;
        let hovered = hovered(&nvim).await;
        assert_eq!(hovered.lines().last(), Some(told), "{typed}");
        assert!(hovered.starts_with('#'), "{hovered}");
        nvim.feed("A").await;
    }
    types(&nvim, "<C-u>#nothing<Esc>", "#nothing").await;
    assert_eq!(hovered(&nvim).await, "");
}

#[tokio::test]
async fn the_key_k_shows_it() {
    let (_home, editor) = project(&[("src/main.rs", "one\ntwo\nthree\n")]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    types(&nvim, "look at #file:src/main.rs", "look at #file:src/main.rs").await;
    normal_mode(&nvim).await;
    nvim.feed("K").await;
    nvim.wait_screen_contains("14 B, 3 lines").await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn hover_says_that_a_disabled_buffer_is_never_sent() {
    let (home, editor) = project(&[("secret.txt", "one\n")]);
    let nvim = editor.arg(home.path().join("home/secret.txt")).start().await;
    nvim.command("let b:gpt_disable = v:true").await;
    open_served(&nvim).await;
    types(&nvim, "#buffer<Esc>", "#buffer").await;
    let told = hovered(&nvim).await;
    assert!(told.contains("secret.txt: ") && told.contains("never sent"), "{told}");
}

// The server -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_chats_keys_stay_though_the_user_maps_others_wherever_there_is_a_server() {
    let (_home, editor) = project(&[]);
    let nvim = editor
        .init(
            "vim.api.nvim_create_autocmd('LspAttach', { callback = function(args)
          vim.keymap.set('n', 'gr', vim.lsp.buf.references, { buffer = args.buf })
        end })",
        )
        .start()
        .await;
    open_served(&nvim).await;
    let described = "return vim.fn.maparg('gr', 'n', false, true).desc or ''";
    assert!(nvim.lua_string(described, &[]).await.starts_with("GPT: "));
}

#[tokio::test]
async fn two_chats_have_one_server_and_it_ends_with_the_editor_at_once() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    nvim.feed("<Esc>:GPTChat!<CR>").await;
    wait(
        &nvim,
        "return #vim.lsp.get_clients({ name = 'gpt' }) == 1
        and vim.tbl_count(vim.lsp.get_clients({ name = 'gpt' })[1].attached_buffers) == 2"
            .into(),
    )
    .await;
    assert_eq!(clean(&nvim).await, "");
    assert!(nvim.quit().await.success());
}

#[tokio::test]
async fn the_server_goes_with_its_buffer_and_does_not_watch_it() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    let versions = "return vim.tbl_count(vim.lsp.util.buf_versions or {})";
    types(&nvim, "one", "one").await;
    if nvim.lua_bool("return vim.fn.has('nvim-0.12') == 0", &[]).await {
        assert_eq!(nvim.lua_i64(versions, &[]).await, 0);
    }
    normal_mode(&nvim).await;
    nvim.command("bwipeout!").await;
    wait(
        &nvim,
        "return vim.tbl_count(vim.lsp.get_clients({ name = 'gpt' })[1].attached_buffers) == 0".into(),
    )
    .await;
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_stopped_server_is_started_again_for_the_next_chat() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    let stop = "local client = vim.lsp.get_clients({ name = 'gpt' })[1]
    if vim.fn.has('nvim-0.11') == 1 then client:stop() else client.stop() end";
    nvim.lua(stop, &[]).await;
    wait(&nvim, "return #vim.lsp.get_clients({ name = 'gpt' }) == 0".into()).await;
    nvim.feed("<Esc>:GPTChat!<CR>").await;
    is_served(&nvim).await;
    assert_eq!(clean(&nvim).await, "");
}

// Code actions ---------------------------------------------------------------------------------------------------------

/// Stands for what runs the actions: keeps what it is asked to do.
const STUB: &str = "_G.ran = {}
require('gpt.actions').run = function(name, options) ran[#ran + 1] = { name = name, options = options } end
vim.ui.select = function(items, options, choose)
  _G.choices = vim.tbl_map(options.format_item or tostring, items)
  _G.choose = function(n) choose(items[n], n) end
end";

const CODE: &str = "local a = 1\nlocal b = 2\nprint(c)\n";

/// An editor that shows a file of code, with a diagnostic in its third line.
async fn in_code(config: &str) -> Nvim {
    let home = Home::new();
    let path = home.write("code.lua", CODE);
    let nvim = nvim().init(HELPERS).config(config).home(&home).arg(path).start().await;
    nvim.lua(STUB, &[]).await;
    let diagnose = "vim.diagnostic.set(vim.api.nvim_create_namespace('test'), 0, {
      { lnum = 2, col = 6, message = 'undefined global c', severity = 1 } })";
    nvim.lua(diagnose, &[]).await;
    nvim
}

/// Uses the plugin for the first time, and goes back to the code.
async fn use_it(nvim: &Nvim) {
    nvim.lua("require('gpt.client').warm()", &[]).await;
    nvim.lua_bool("return true", &[]).await;
}

async fn is_offering(nvim: &Nvim) {
    wait(
        nvim,
        "return #vim.lsp.get_clients({ bufnr = 0, name = 'gpt-actions' }) == 1".into(),
    )
    .await;
}

async fn titles(nvim: &Nvim, args: &str) -> Vec<String> {
    nvim.lua_lines(&format!("return titles({args})"), &[]).await
}

async fn ran(nvim: &Nvim) -> Json {
    let code = "return #ran > 0 and vim.json.encode(ran[#ran]) or 'null'";
    serde_json::from_str(&nvim.lua_string(code, &[]).await).unwrap()
}

#[tokio::test]
async fn code_actions_come_with_the_first_use_and_not_before() {
    let nvim = in_code("{}").await;
    assert_eq!(nvim.lua_i64("return #vim.lsp.get_clients()", &[]).await, 0);
    let loaded = "return package.loaded['gpt.lsp'] ~= nil";
    assert!(!nvim.lua_bool(loaded, &[]).await);
    use_it(&nvim).await;
    is_offering(&nvim).await;
    let titles = titles(&nvim, "").await;
    assert!(titles.len() >= 6, "{titles:?}");
    assert!(titles.iter().all(|title| title.starts_with("GPT: ")), "{titles:?}");
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_diagnostic_is_offered_to_be_fixed_and_its_lines_go_along() {
    let nvim = in_code("{}").await;
    use_it(&nvim).await;
    is_offering(&nvim).await;
    assert_eq!(titles(&nvim, "nil, 3").await[0], "GPT: Fix this diagnostic");
    assert!(
        !titles(&nvim, "nil, 1")
            .await
            .contains(&"GPT: Fix this diagnostic".to_owned())
    );
    nvim.lua(
        "vim.api.nvim_win_set_cursor(0, { 3, 0 }) vim.lsp.buf.code_action()",
        &[],
    )
    .await;
    wait(
        &nvim,
        "return _G.choices and choices[1]:find('GPT: Fix this diagnostic', 1, true) ~= nil".into(),
    )
    .await;
    nvim.lua("choose(1)", &[]).await;
    wait(&nvim, "return #ran == 1".into()).await;
    let ran = ran(&nvim).await;
    let selection = &ran["options"]["selection"];
    assert_eq!(ran["name"], "fix");
    // No function stands around it: all of the few lines there are.
    assert_eq!(
        (&selection["first"], &selection["lines"][2]),
        (&json!(1), &json!(CODE.lines().nth(2)))
    );
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_selection_is_what_the_action_is_about() {
    let nvim = in_code("{}").await;
    use_it(&nvim).await;
    is_offering(&nvim).await;
    nvim.feed("ggVj").await;
    wait(&nvim, "return vim.fn.mode() == 'V' and vim.fn.line('.') == 2".into()).await;
    nvim.lua("vim.lsp.buf.code_action()", &[]).await;
    wait(&nvim, "return _G.choices ~= nil".into()).await;
    nvim.lua("choose(1)", &[]).await;
    wait(&nvim, "return #ran == 1".into()).await;
    let selection = &ran(&nvim).await["options"]["selection"];
    assert_eq!((&selection["first"], &selection["last"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn who_asks_for_other_kinds_or_without_the_user_gets_none() {
    let nvim = in_code("{}").await;
    use_it(&nvim).await;
    is_offering(&nvim).await;
    for context in [
        "{ diagnostics = {}, only = { 'source.organizeImports' } }",
        "{ diagnostics = {}, only = { 'quickfix' } }",
        "{ diagnostics = {}, triggerKind = 2 }",
    ] {
        assert_eq!(titles(&nvim, &format!("{context}, 3")).await, [""; 0], "{context}");
    }
    let ours = titles(&nvim, "{ diagnostics = {}, only = { 'gpt.fix' } }, 3").await;
    assert_eq!(ours, ["GPT: Fix this diagnostic"]);
    assert!(titles(&nvim, "{ diagnostics = {}, only = { 'gpt' } }, 3").await.len() >= 6);
}

#[tokio::test]
async fn a_buffer_that_is_disabled_special_or_nameless_is_not_served() {
    let nvim = in_code("{}").await;
    use_it(&nvim).await;
    is_offering(&nvim).await;
    let served = "vim.wait(100, function() return false end)
    return #vim.lsp.get_clients({ bufnr = 0, name = 'gpt-actions' })";
    for command in [
        "enew",
        "new | setlocal buftype=nofile",
        "help",
        "enew | let b:gpt_disable = v:true | file x.lua",
    ] {
        nvim.command(command).await;
        assert_eq!(nvim.lua_i64(served, &[]).await, 0, "{command}");
    }
    nvim.command("edit code.lua").await;
    is_offering(&nvim).await;
    nvim.command("let b:gpt_disable = v:true").await;
    assert_eq!(titles(&nvim, "nil, 3").await, [""; 0]);
}

#[tokio::test]
async fn code_actions_can_be_switched_off() {
    let nvim = in_code("{ lsp = { code_actions = false } }").await;
    use_it(&nvim).await;
    open(&nvim).await;
    is_served(&nvim).await;
    assert_eq!(
        nvim.lua_i64("return #vim.lsp.get_clients({ name = 'gpt-actions' })", &[])
            .await,
        0
    );
}

#[tokio::test]
async fn another_servers_encoding_is_taken_over() {
    let nvim = in_code("{}").await;
    use_it(&nvim).await;
    is_offering(&nvim).await;
    let other = "vim.lsp.start({ name = 'other', offset_encoding = 'utf-8', root_dir = vim.uv.cwd(),
      cmd = function(dispatchers)
        return {
          request = function(_, _, reply) reply(nil, { capabilities = { positionEncoding = 'utf-8' } }) return true, 1 end,
          notify = function(method) if method == 'exit' then dispatchers.on_exit(0, 0) end return true end,
          is_closing = function() return false end,
          terminate = function() dispatchers.on_exit(0, 0) end,
        }
      end })";
    nvim.lua(other, &[text("")]).await;
    wait(
        &nvim,
        "local ours = vim.lsp.get_clients({ bufnr = 0, name = 'gpt-actions' })
        return #ours == 1 and ours[1].offset_encoding == 'utf-8'"
            .into(),
    )
    .await;
    assert_eq!(titles(&nvim, "nil, 3").await[0], "GPT: Fix this diagnostic");
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn a_diagnostic_in_a_function_takes_the_function_along_and_not_the_file() {
    let nvim = in_code("{}").await;
    use_it(&nvim).await;
    is_offering(&nvim).await;
    nvim.lua(
        "local lines = {}
         for number = 1, 60 do lines[number] = '-- ' .. number end
         vim.list_extend(lines, { 'local function f()', '  return c', 'end' })
         vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
         for _, lnum in ipairs({ 61, 20 }) do
           vim.diagnostic.set(vim.api.nvim_create_namespace('test'), 0, { { lnum = lnum, col = 2, message = 'c', severity = 1 } })
           vim.api.nvim_win_set_cursor(0, { lnum + 1, 0 })
           vim.lsp.buf.code_action()
           vim.wait(2000, function() return _G.choices ~= nil end)
           choose(1)
           _G.choices = nil
         end",
        &[],
    )
    .await;
    wait(&nvim, "return #ran == 2".into()).await;
    let of = |number: i64| {
        format!(
            "local taken = ran[{number}].options.selection return {{ tostring(taken.first), tostring(taken.last) }}"
        )
    };
    assert_eq!(nvim.lua_lines(&of(1), &[]).await, ["61", "63"]);
    assert_eq!(nvim.lua_lines(&of(2), &[]).await, ["11", "31"]);
    assert_eq!(clean(&nvim).await, "");
}

// What happens around it -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_chat_that_is_taken_off_the_list_of_buffers_is_served_on() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    nvim.feed("<Esc>:set buflisted nobuflisted<CR>i").await;
    nvim.lua("vim.wait(20)", &[]).await;
    is_served(&nvim).await;
    nvim.feed("#fi<C-x><C-o>").await;
    offered(&nvim, &["#file:"]).await;
    nvim.feed("<C-e><Esc>:bdelete<CR>").await;
    nvim.wait_lua("return #vim.lsp.get_clients({ name = 'gpt' }) == 0 or vim.tbl_isempty(vim.lsp.get_clients({ name = 'gpt' })[1].attached_buffers)")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn completion_goes_on_after_a_plugin_has_put_its_edit_in_and_the_list_of_buffers_right() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    open_served(&nvim).await;
    for _ in 0..2 {
        nvim.feed("#fi").await;
        nvim.lua(
            "local cursor = vim.api.nvim_win_get_cursor(0)
            local list = ask('textDocument/completion', { position = { line = cursor[1] - 1, character = cursor[2] } })
            local item = vim.iter(list.items):find(function(each) return each.textEdit.newText == '#file:' end)
            vim.lsp.util.apply_text_edits({ item.textEdit }, vim.api.nvim_get_current_buf(), 'utf-16')
            vim.bo.buflisted = false",
            &[],
        )
        .await;
        nvim.feed("<End> ").await;
    }
    nvim.wait_lua("return vim.api.nvim_get_current_line() == '#file: #file: '")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn after_ctrl_e_the_menu_comes_back_as_one_types_on() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    if is_before_0_11(&nvim).await {
        return;
    }
    open_served(&nvim).await;
    nvim.feed("#").await;
    nvim.wait_lua("return vim.fn.pumvisible() == 1").await;
    nvim.feed("<C-e>").await;
    nvim.wait_lua("return vim.fn.pumvisible() == 0").await;
    nvim.feed("f").await;
    offered(&nvim, &["#file:"]).await;
    nvim.feed("<C-e> word").await;
    nvim.wait_lua("return vim.api.nvim_get_current_line() == '#f word' and vim.fn.pumvisible() == 0")
        .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn neovims_own_automatic_completion_writes_nothing_by_itself() {
    let (_home, editor) = project(&[]);
    let nvim = editor.init("vim.o.completeopt = 'menu,popup'").start().await;
    if !nvim.lua_bool("return vim.fn.exists('&autocomplete') == 1", &[]).await {
        return;
    }
    nvim.command("set autocomplete complete=o").await;
    open_served(&nvim).await;
    nvim.wait_lua("return vim.bo.completeopt:find('noselect') ~= nil").await;
    nvim.feed("#fi").await;
    nvim.wait_lua("return vim.fn.pumvisible() == 1").await;
    nvim.feed("le").await;
    nvim.wait_lua("return vim.api.nvim_get_current_line() == '#file'").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn neovims_own_automatic_completion_knows_our_words_though_complete_does_not_name_servers() {
    let (_home, editor) = project(&[("src/main.rs", "")]);
    let nvim = editor.init("vim.cmd('set completeopt&')").start().await;
    if !nvim.lua_bool("return vim.fn.exists('&autocomplete') == 1", &[]).await {
        return;
    }
    nvim.command("set autocomplete").await;
    open_served(&nvim).await;
    nvim.wait_lua("return vim.bo.complete:find('^o,') ~= nil").await;
    nvim.feed("see #").await;
    nvim.wait_screen_contains("#clipboard").await;
    nvim.feed("di").await;
    nvim.wait_screen_contains("#diagnostics").await;
    nvim.feed("<C-e>").await;
    nvim.wait_lua("return vim.fn.pumvisible() == 0").await;
    nvim.feed("f").await;
    nvim.wait_screen_contains("#diff").await;
    types(&nvim, "<C-n><C-y> #file:", "see #diff #file:").await;
    nvim.wait_screen_contains("src/main.rs").await;
    let elsewhere = "return vim.go.complete:find('^o') == nil and vim.go.completeopt:find('noselect') == nil";
    assert!(nvim.lua_bool(elsewhere, &[]).await);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_users_own_complete_that_names_servers_is_left_alone() {
    let (_home, editor) = project(&[]);
    let nvim = editor.start().await;
    if !nvim.lua_bool("return vim.fn.exists('&autocomplete') == 1", &[]).await {
        return;
    }
    nvim.command("set autocomplete completeopt=menu complete=.^3,o^5").await;
    open_served(&nvim).await;
    nvim.wait_lua("return vim.bo.completeopt:find('noselect') ~= nil").await;
    assert_eq!(nvim.lua_string("return vim.bo.complete", &[]).await, ".^3,o^5");
    nvim.command("stopinsert | GPTChat!").await;
    nvim.command("setlocal noautocomplete").await;
    open_served(&nvim).await;
    assert_eq!(nvim.lua_string("return vim.bo.complete", &[]).await, ".^3,o^5");
    clean(&nvim).await;
}

#[tokio::test]
async fn behind_model_the_menu_comes_as_one_types_and_keeps_what_fits() {
    let (nvim, _server) = start(vec![answer("ok")]).await;
    if is_before_0_11(&nvim).await {
        return;
    }
    nvim.lua(HELPERS, &[]).await;
    open_served(&nvim).await;
    nvim.feed("/model ").await;
    nvim.wait_lua("return vim.api.nvim_get_current_line() == '/model '")
        .await;
    nvim.feed("m").await;
    nvim.wait_lua("return vim.fn.pumvisible() == 1").await;
    nvim.feed("1").await;
    offered(&nvim, &["test/m1"]).await;
    clean(&nvim).await;
}

/// What of blink.cmp (completion/trigger/init.lua) matters here: it asks ahead when insert mode begins, keeps that for the
/// word that is typed next, and forgets it when it is hidden.
const ASKING_AHEAD: &str = "
local trigger = {}
package.loaded['blink.cmp'] = {}
package.loaded['blink.cmp.completion.trigger'] = trigger
function trigger.hide() trigger.context = nil end
function _G.typed()
  trigger.context = trigger.context or #vim.lsp.get_clients({ bufnr = 0, name = 'gpt' })
  return trigger.context
end
vim.api.nvim_create_autocmd('InsertEnter', { callback = typed })";

#[tokio::test]
async fn a_plugin_that_asks_ahead_when_insert_mode_begins_asks_again_when_the_server_is_there() {
    let (_home, editor) = project(&[]);
    let nvim = editor.init(ASKING_AHEAD).start().await;
    open_served(&nvim).await;
    nvim.wait_lua("return typed() == 1").await;
    clean(&nvim).await;
}
