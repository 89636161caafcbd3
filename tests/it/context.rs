//! Context words: `#…` in a question stands for text of the editor or of the project, which is shown in the question, and
//! sent as it is shown.

use std::path::Path;
use std::process::Command;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Script, Server};

/// A project with a file in it, open in an editor whose chat is at this server.
struct Project {
    home: Home,
    server: Server,
}

impl Project {
    async fn new(script: impl Into<Script>) -> Project {
        let home = Home::new();
        let server = Server::start(script).await;
        Project { home, server }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        self.home.write(name, content);
    }

    fn root(&self) -> std::path::PathBuf {
        self.home.path().join("home")
    }

    fn git(&self, words: &[&str]) {
        git(&self.root(), words);
    }

    fn editor(&self) -> Builder {
        configured(&self.server, "").home(&self.home).size(100, 40)
    }

    /// An editor that shows this file, with the chat open and the cursor in its prompt.
    async fn chat(&self, file: &str) -> Nvim {
        let nvim = self.editor().arg(self.root().join(file)).start().await;
        open(&nvim).await;
        nvim
    }
}

fn git(root: &Path, words: &[&str]) {
    let said = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
        .args(words)
        .current_dir(root)
        .output()
        .expect("git runs");
    assert!(said.status.success(), "{said:?}");
}

/// The question of the n-th request, counted from 0.
fn asked(server: &Server, n: usize) -> String {
    let messages = conversation(&server.requests()[n]);
    let (role, text) = messages.last().expect("a message");
    assert_eq!(role, "user");
    text.clone()
}

/// The texts of the closed folds that are on the screen.
async fn folds(nvim: &Nvim) -> Vec<String> {
    let code = "local shown, row = {}, 1
        while row <= vim.fn.line('$') do
          local first, last = vim.fn.foldclosed(row), vim.fn.foldclosedend(row)
          if first > 0 then shown[#shown + 1] = vim.fn.foldtextresult(first) end
          row = first > 0 and last + 1 or row + 1
        end
        return shown";
    nvim.lua_lines(code, &[]).await
}

/// Waits for a question of the dialog, and answers it by the number before a choice.
async fn choose(nvim: &Nvim, question: &str, number: &str) {
    nvim.wait_screen_contains(question).await;
    nvim.feed(&format!("{number}<CR>")).await;
}

const TEXT: &str = "ação\tçã\n日本語テキスト\n👩‍👩‍👧‍👦 família\n";

#[tokio::test]
async fn a_file_stands_in_the_question_as_it_is_sent_and_is_folded() {
    let project = Project::new(answer("ok")).await;
    project.write("src/ação.lua", TEXT);
    let nvim = project.chat("src/ação.lua").await;
    say(&nvim, "explain #file:src/ação.lua, please").await;
    ended(&nvim, 1).await;
    let question = format!("explain #file:src/ação.lua, please\n\n```lua #file:src/ação.lua\n{TEXT}```");
    assert_eq!(asked(&project.server, 0), question);
    assert_eq!(
        chat_lines(&nvim).await,
        transcript(&[("You", &question), ("test/m1", "ok")])
    );
    assert_eq!(folds(&nvim).await, ["▸ #file:src/ação.lua  3 lines  ~22 tokens"]);
    assert_eq!(
        nvim.lua_lines(
            "return vim.tbl_map(function(n) return tostring(vim.fn.foldlevel(n)) end, vim.fn.range(1, 11))",
            &[]
        )
        .await
        .concat(),
        "11122222211",
        "the block is within its message, with the blank line above it"
    );
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn lines_that_end_in_crlf_are_sent_with_line_feeds_and_tabs_as_they_are() {
    let project = Project::new(answer("ok")).await;
    project.write("a b.txt", "um\tdois\r\n\r\n日本\r\n");
    let nvim = project.chat("a b.txt").await;
    say(&nvim, "#file:\"a b.txt\"").await;
    ended(&nvim, 1).await;
    let question = "#file:\"a b.txt\"\n\n```text #file:\"a b.txt\"\num\tdois\n\n日本\n```";
    assert_eq!(asked(&project.server, 0), question);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_is_fenced_longer_than_any_fence_in_it() {
    let project = Project::new(answer("ok")).await;
    project.write("a.md", "````lua\nx\n````\n");
    let nvim = project.chat("a.md").await;
    say(&nvim, "#file:a.md").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#file:a.md\n\n`````markdown #file:a.md\n````lua\nx\n````\n`````"
    );
    assert_eq!(folds(&nvim).await, ["▸ #file:a.md  3 lines  ~4 tokens"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_glob_stands_for_its_files_in_the_order_of_their_names_without_what_gitignore_names() {
    let project = Project::new(answer("ok")).await;
    project.write(".gitignore", "b.txt\n");
    project.write("src/c.txt", "c\n");
    project.write("src/b.txt", "b\n");
    project.write("src/日本.txt", "d\n");
    project.write("src/a.txt", "a\n");
    project.write("src/z.txt", "\0\0");
    let nvim = project.chat("src/a.txt").await;
    say(&nvim, "#file:src/*.txt").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#file:src/*.txt\n\n```text #file:src/*.txt src/a.txt\na\n```\n\n```text #file:src/*.txt src/c.txt\nc\n```\n\n\
         ```text #file:src/*.txt src/日本.txt\nd\n```"
    );
    let said = clean(&nvim).await;
    assert!(
        said.contains("#file:src/*.txt goes without src/z.txt is no text."),
        "{said}"
    );
}

#[tokio::test]
async fn what_the_editor_knows_is_read_when_the_question_is_sent() {
    let project = Project::new(answer("ok")).await;
    project.write("x.lua", "local a = 1\nreturn a\n");
    let nvim = project.editor().arg(project.root().join("x.lua")).start().await;
    nvim.feed("GonãO salvo<Esc>ggVj<Esc>").await;
    nvim.lua(
        "vim.diagnostic.set(vim.api.nvim_create_namespace('t'), 0, {
           { lnum = 1, col = 7, message = 'unused\\nvariable', severity = 2, source = 'lint' } })
         vim.fn.setqflist({}, ' ', { title = 'grep', items = { { bufnr = 1, lnum = 1, col = 7, text = 'found' } } })",
        &[],
    )
    .await;
    open(&nvim).await;
    say(&nvim, "#buffer #selection #diagnostics #quickfix").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#buffer #selection #diagnostics #quickfix\n\n\
         ```lua #buffer x.lua\nlocal a = 1\nreturn a\nnãO salvo\n```\n\n\
         ```lua #selection x.lua:1-2\nlocal a = 1\nreturn a\n```\n\n\
         ```text #diagnostics x.lua\nx.lua:2:8: warn: unused variable [lint]\n    return a\n```\n\n\
         ```text #quickfix grep\nx.lua:1:7: found\n```"
    );
    assert_eq!(folds(&nvim).await.len(), 4);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_blockwise_selection_with_wide_characters_is_exact() {
    let project = Project::new(answer("ok")).await;
    project.write("x.txt", "a日本b\nc語d é\n\tz\n");
    let nvim = project.editor().arg(project.root().join("x.txt")).start().await;
    nvim.feed("gg0l<C-v>jl<Esc>").await;
    open(&nvim).await;
    say(&nvim, "#selection").await;
    ended(&nvim, 1).await;
    let question = asked(&project.server, 0);
    let taken = nvim
        .lua_string(
            "return vim.api.nvim_buf_call(1, function()
               return table.concat(vim.fn.getregion(vim.fn.getpos(\"'<\"), vim.fn.getpos(\"'>\"), { type = '\\22' }), '\\n')
             end)",
            &[],
        )
        .await;
    assert!(taken.starts_with('日'), "{taken}");
    assert_eq!(
        question,
        format!("#selection\n\n```text #selection x.txt:1-2\n{taken}\n```")
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_block_to_the_ends_of_its_lines_is_exact_and_insert_mode_goes_on() {
    let project = Project::new(answer("ok")).await;
    project.write("x.txt", "a日本b longer\ncção\n\n\tz\n");
    let nvim = project.editor().arg(project.root().join("x.txt")).start().await;
    nvim.feed("gg0l<C-v>3j$<Esc>").await;
    open(&nvim).await;
    say(&nvim, "#selection").await;
    nvim.feed("a draft").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#selection\n\n```text #selection x.txt:1-4\n日本b longer\nção\n\n       z\n```"
    );
    assert_eq!(chat_lines(&nvim).await.last().map(String::as_str), Some("a draft"));
    clean(&nvim).await;
}

#[tokio::test]
async fn without_a_program_the_question_stays_in_the_prompt() {
    let project = Project::new(answer("never")).await;
    project.write("a.txt", "a\n");
    let nvim = crate::nvim()
        .config("{ binary = '/nowhere/gpt-nvim' }")
        .home(&project.home)
        .arg(project.root().join("a.txt"))
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "see #buffer").await;
    nvim.wait_screen_contains("/nowhere/gpt-nvim").await;
    let lines = "return vim.api.nvim_buf_get_lines(0, 0, -1, true)";
    assert_eq!(nvim.lua_lines(lines, &[]).await, ["## You", "", "see #buffer"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn all_buffers_stand_in_the_question_but_those_that_are_never_sent() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    project.write("b.txt", "b\n");
    project.write("c.txt", "c\n");
    let nvim = project.editor().arg(project.root().join("a.txt")).start().await;
    nvim.command("edit b.txt | let b:gpt_disable = v:true | edit c.txt")
        .await;
    open(&nvim).await;
    say(&nvim, "#buffers").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#buffers\n\n```text #buffers a.txt\na\n```\n\n```text #buffers c.txt\nc\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn the_symbols_of_a_buffer_come_from_tree_sitter_where_no_server_is() {
    let project = Project::new(answer("ok")).await;
    project.write("x.lua", "local function um()\nend\n\nfunction M.dois(a)\nend\n");
    let nvim = project.chat("x.lua").await;
    say(&nvim, "#symbols").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#symbols\n\n```text #symbols x.lua\n1: local function um()\n4: function M.dois(a)\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn the_symbols_of_a_buffer_come_from_its_language_server() {
    let project = Project::new(answer("ok")).await;
    project.write("x.txt", "one\ntwo\n");
    let nvim = project.editor().arg(project.root().join("x.txt")).start().await;
    nvim.lua(
        "local range = function(n) return { start = { line = n, character = 0 }, ['end'] = { line = n, character = 1 } } end
         local answers = {
           initialize = { capabilities = { documentSymbolProvider = true } },
           ['textDocument/documentSymbol'] = { { name = 'Ação', kind = 5, range = range(0), selectionRange = range(0),
             children = { { name = 'two', kind = 6, range = range(1), selectionRange = range(1) } } } },
         }
         vim.lsp.start({ name = 'fake', cmd = function()
           return {
             request = function(method, _, callback)
               vim.schedule(function() callback(nil, answers[method]) end)
               return true, 1
             end,
             notify = function() return true end, is_closing = function() return false end, terminate = function() end,
           }
         end })",
        &[],
    )
    .await;
    nvim.wait_lua("return #vim.lsp.get_clients({ bufnr = 1, method = 'textDocument/documentSymbol' }) == 1")
        .await;
    open(&nvim).await;
    say(&nvim, "#symbols").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#symbols\n\n```text #symbols x.txt\n1: Class Ação\n2:   Method two\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn the_clipboard_stands_in_the_question() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    let clipboard = "vim.g.clipboard = { name = 'fake', cache_enabled = 0,
        copy = { ['+'] = function() end, ['*'] = function() end },
        paste = { ['+'] = function() return { { 'copiado 👩‍👩‍👧', 'ali' }, 'V' } end, ['*'] = function() return { {}, 'v' } end } }";
    let nvim = project.editor().init(clipboard).start().await;
    open(&nvim).await;
    say(&nvim, "#clipboard").await;
    ended(&nvim, 1).await;
    let question = asked(&project.server, 0);
    assert_eq!(question, "#clipboard\n\n```text #clipboard\ncopiado 👩‍👩‍👧\nali\n```");
    clean(&nvim).await;
}

#[tokio::test]
async fn changes_come_from_git_staged_and_not() {
    let project = Project::new([answer("ok"), answer("ok")]).await;
    project.write("ação.txt", "um\n");
    project.git(&["init", "--quiet"]);
    project.git(&["add", "ação.txt"]);
    let nvim = project.chat("ação.txt").await;
    say(&nvim, "#staged").await;
    ended(&nvim, 1).await;
    let staged = asked(&project.server, 0);
    assert!(
        staged.starts_with("#staged\n\n```diff #staged\ndiff --git a/ação.txt b/ação.txt\n"),
        "{staged}"
    );
    assert!(staged.ends_with("+um\n```"), "{staged}");
    project.write("ação.txt", "dois\n");
    say(&nvim, "#diff").await;
    ended(&nvim, 2).await;
    let changed = asked(&project.server, 1);
    assert!(
        changed.starts_with("#diff\n\n```diff #diff\n") && changed.ends_with("-um\n+dois\n```"),
        "{changed}"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_in_a_buffer_that_is_never_sent_is_in_no_diff() {
    let project = Project::new([answer("ok")]).await;
    project.write("a.txt", "a\n");
    project.write("b.txt", "b\n");
    project.git(&["init", "--quiet"]);
    project.git(&["add", "a.txt", "b.txt"]);
    let nvim = project.editor().arg(project.root().join("a.txt")).start().await;
    nvim.command("let b:gpt_disable = v:true | edit b.txt").await;
    open(&nvim).await;
    say(&nvim, "#staged").await;
    ended(&nvim, 1).await;
    let staged = asked(&project.server, 0);
    assert!(staged.contains("b.txt") && !staged.contains("a.txt"), "{staged}");
    clean(&nvim).await;
}

#[tokio::test]
async fn the_tree_names_the_projects_files() {
    let project = Project::new(answer("ok")).await;
    project.write("src/main.rs", "x\n");
    project.write("src/ção/日本.rs", "x\n");
    project.write("target/x", "x\n");
    project.write(".gitignore", "target\n");
    let nvim = project.chat("src/main.rs").await;
    say(&nvim, "#tree").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#tree\n\n```text #tree\nsrc/\n  ção/\n    日本.rs\n  main.rs\n```"
    );
    clean(&nvim).await;
}

// What is plain text ---------------------------------------------------------------------------------------------------

#[tokio::test]
async fn what_is_no_word_and_what_stands_in_code_stays_as_it_is() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    let nvim = project.chat("a.txt").await;
    let question =
        "# buffer\n## tree\nfix #123 \\#buffer a#buffer `#tree` #bufferx #unknown x/#diff\n\n```c\n#staged\n```";
    say(&nvim, question).await;
    ended(&nvim, 1).await;
    assert_eq!(asked(&project.server, 0), question);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_word_is_found_between_other_signs_and_scripts() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "これは#bufferです (#file:a.txt).").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "これは#bufferです (#file:a.txt).\n\n```text #buffer a.txt\na\n```\n\n```text #file:a.txt\na\n```"
    );
    clean(&nvim).await;
}

// What is refused ------------------------------------------------------------------------------------------------------

/// A question that is not sent, why that is told, and the prompt as it was.
async fn refuses(project: &Project, nvim: &Nvim, question: &str, told: &str) {
    say(nvim, question).await;
    let told_flat: String = told.replace('~', "").split_whitespace().collect();
    nvim.wait_screen(|screen| {
        let flat: String = screen
            .chars()
            .filter(|c| !c.is_whitespace() && !"│~".contains(*c))
            .collect();
        flat.contains(&told_flat)
    })
    .await;
    let prompt = format!("## You\n\n{question}");
    assert_eq!(chat_lines(nvim).await.join("\n"), prompt, "{told}");
    assert_eq!(project.server.requests().len(), 0);
    let column = nvim.lua_i64("return vim.fn.col('.')", &[]).await;
    let last = question.lines().last().unwrap_or_default();
    assert_eq!(column, last.len() as i64 + 1, "the cursor is where it was");
    nvim.feed("<Esc>3GdGo").await;
    clean(nvim).await;
}

#[tokio::test]
async fn a_word_that_stands_for_nothing_that_can_be_sent_is_told_with_its_reason_and_nothing_is_sent() {
    let project = Project::new(Answer::chat_tokens(&["never"])).await;
    project.write("src/a.txt", "");
    project.write("b.bin", b"\0\x01");
    project.write("big.txt", "x".repeat(1_200_001));
    for number in 0..101 {
        project.write(&format!("many/{number}.txt"), "x\n");
    }
    for number in 0..3 {
        project.write(&format!("much/{number}.txt"), "x".repeat(400_000));
    }
    let nvim = project.chat("src/a.txt").await;
    for (question, told) in [
        ("see #file:src/b.txt", "#file:src/b.txt names no file that is there."),
        (
            "#file:src",
            "#file:src names a folder. #file:src/** stands for the files in it",
        ),
        ("#file:b.bin", "#file:b.bin is no text. Only text can be sent"),
        ("#file:big.txt", "#file:big.txt has 1.3 MB, and at most 1 MB is sent."),
        (
            "#file:many/*",
            "#file:many/* matches 101 files, and at most 100 are sent.",
        ),
        (
            "#file:much/*",
            "stands for 3 texts that have 1.2 MB together, and at most 1 MB is sent.",
        ),
        ("#file:*.nothing", "#file:*.nothing matches no file."),
        (
            "#file:../*.txt",
            "#file:../*.txt is a glob that leads out of the project.",
        ),
        ("#diff", "#diff finds no git repository."),
        ("#selection", "#selection: nothing was selected in src/a.txt."),
        ("#buffer", "#buffer: src/a.txt is empty."),
        ("#diagnostics", "#diagnostics: src/a.txt has no diagnostics."),
        ("#quickfix", "#quickfix: the quickfix list is empty."),
        ("#symbols", "#symbols: no symbols are known in src/a.txt."),
    ] {
        refuses(&project, &nvim, question, told).await;
    }
    project.git(&["init", "--quiet"]);
    let staged = "#staged finds nothing staged. Stage it first (`git add`), or use #diff.";
    refuses(&project, &nvim, "#staged", staged).await;
    let changed = "#diff finds nothing that has changed and is not staged.";
    refuses(&project, &nvim, "um\n\n  dois #diff", changed).await;
}

#[tokio::test]
async fn a_buffer_that_is_never_sent_is_refused_by_word_and_by_its_files_path() {
    let project = Project::new(Answer::chat_tokens(&["never"])).await;
    project.write("a.txt", "secret\n");
    project.write("b.txt", "b\n");
    let nvim = project.editor().arg(project.root().join("a.txt")).start().await;
    nvim.command("let b:gpt_disable = v:true").await;
    nvim.feed("ggV<Esc>").await;
    open(&nvim).await;
    for word in ["#buffer", "#selection", "#diagnostics", "#symbols"] {
        refuses(
            &project,
            &nvim,
            word,
            &format!("{word}: the text of a.txt is never sent (vim.b.gpt_disable)."),
        )
        .await;
    }
    let told = "#file:a.txt is open in a buffer whose text is never sent (vim.b.gpt_disable).";
    refuses(&project, &nvim, "#file:a.txt", told).await;
}

// What is asked about --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_file_outside_of_the_project_is_asked_about() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    let outside = project.home.path().join("data/outside.txt");
    std::fs::write(&outside, "far\n").expect("a file");
    let nvim = project.chat("a.txt").await;
    let question = "see #file:../data/outside.txt";
    say(&nvim, question).await;
    choose(&nvim, "outside of the project", "1").await;
    nvim.wait_screen_contains("Nothing was sent.").await;
    assert_eq!(chat_lines(&nvim).await, ["## You", "", question]);
    assert_eq!(project.server.requests().len(), 0);
    normal_mode(&nvim).await;
    nvim.feed("<CR>").await;
    choose(&nvim, "outside of the project", "2").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        format!("{question}\n\n```text #file:../data/outside.txt\nfar\n```")
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn what_looks_as_if_it_held_secrets_is_asked_about() {
    let project = Project::new([answer("ok"), answer("ok")]).await;
    project.write("id_rsa", "A=b\n");
    project.write("src/a.txt", "a\n");
    project.write("src/b.txt", "-----BEGIN RSA PRIVATE KEY-----\nMII\n");
    let nvim = project.chat("src/a.txt").await;
    say(&nvim, "#file:id_rsa").await;
    choose(&nvim, "looks as if it held secrets: by its name", "2").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#file:id_rsa\n\n```text #file:id_rsa\nA=b\n```"
    );
    say(&nvim, "#file:src/*").await;
    choose(&nvim, "src/b.txt (a private key)", "2").await;
    ended(&nvim, 2).await;
    assert_eq!(
        asked(&project.server, 1),
        "#file:src/*\n\n```text #file:src/* src/a.txt\na\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_key_that_is_in_use_is_asked_about_wherever_it_stands() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "key = hunter2hunter2\n");
    let url = project.server.url();
    let nvim = project
        .editor()
        .config(format!(
            "{{ model = 'test/m1', providers = {{ test = {{ base_url = '{url}/v1', key = {{ env = 'TEST_KEY' }} }} }} }}"
        ))
        .env("TEST_KEY", "hunter2hunter2")
        .arg(project.root().join("a.txt"))
        .start()
        .await;
    open(&nvim).await;
    for word in ["#buffer", "#file:a.txt"] {
        say(&nvim, word).await;
        choose(&nvim, "looks as if it held secrets", "1").await;
        nvim.wait_screen_contains("Nothing was sent.").await;
        nvim.wait_lines(0, |lines| lines == ["## You", "", word]).await;
        nvim.feed("<Esc>3GdGo").await;
    }
    assert_eq!(project.server.requests().len(), 0);
    clean(&nvim).await;
}

// Around it ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_question_is_not_sent_twice_and_can_be_taken_back_while_it_is_looked_up() {
    let project = Project::new(answer("ok")).await;
    project.write("id_rsa", "A=b\n");
    let nvim = project
        .editor()
        .init("vim.ui.select = function(_, _, done) _G.answer = done end")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "#file:id_rsa").await;
    nvim.wait_screen_contains("looking up what").await;
    nvim.wait_lua("return answer ~= nil").await;
    normal_mode(&nvim).await;
    nvim.feed("<CR>").await;
    nvim.wait_screen_contains("Your question is on its way.").await;
    nvim.feed("<C-c>").await;
    nvim.wait_screen_contains("Nothing was sent.").await;
    nvim.lua("answer(nil, 2)", &[]).await;
    assert_eq!(chat_lines(&nvim).await, ["## You", "", "#file:id_rsa"]);
    nvim.lua("answer = nil", &[]).await;
    nvim.feed("<CR>").await;
    nvim.wait_lua("return answer ~= nil").await;
    nvim.lua("answer(nil, 2)", &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(project.server.requests().len(), 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_program_that_dies_while_it_looks_up_leaves_the_question_in_the_prompt() {
    let project = Project::new(answer("ok")).await;
    project.write("id_rsa", "A=b\n");
    let nvim = project
        .editor()
        .init("vim.ui.select = function(_, _, done) _G.answer = done end")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "#file:id_rsa").await;
    nvim.wait_lua("return answer ~= nil").await;
    nvim.children().into_iter().for_each(crate::support::process::kill9);
    nvim.wait_screen_contains("Your question is back in the prompt.").await;
    let lines = chat_lines(&nvim).await;
    assert_eq!(lines[..3], ["## You", "", "#file:id_rsa"]);
    assert!(lines[3..].iter().all(String::is_empty), "{lines:?}");
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_typed_while_a_question_is_looked_up_stays_in_the_prompt() {
    let project = Project::new(answer("ok")).await;
    project.write("id_rsa", "A=b\n");
    let nvim = project
        .editor()
        .init("vim.ui.select = function(_, _, done) _G.answer = done end")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "#file:id_rsa").await;
    nvim.wait_lua("return answer ~= nil").await;
    nvim.feed("a draft").await;
    nvim.lua("answer(nil, 2)", &[]).await;
    ended(&nvim, 1).await;
    let question = "#file:id_rsa\n\n```text #file:id_rsa\nA=b\n```";
    let said = [("You", question), ("test/m1", "ok")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&said, "a draft"));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_command_takes_the_words_of_the_buffer_that_it_comes_from() {
    let project = Project::new([answer("ok"), answer("ok")]).await;
    project.write("a.txt", "a\n");
    project.write("b.txt", "b\n");
    let nvim = project.editor().arg(project.root().join("a.txt")).start().await;
    nvim.feed(":vertical GPTChat explain #buffer<CR>").await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "explain #buffer\n\n```text #buffer a.txt\na\n```"
    );
    normal_mode(&nvim).await;
    nvim.feed("<C-w>p:edit b.txt<CR>:GPTChat and #buffer<CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(
        asked(&project.server, 1),
        "and #buffer\n\n```text #buffer b.txt\nb\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_commands_question_that_cannot_be_sent_goes_into_the_prompt() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    let nvim = project.editor().arg(project.root().join("a.txt")).start().await;
    nvim.feed(":GPTChat explain #file:nope<CR>").await;
    nvim.wait_screen_contains("#file:nope names no file that is there.")
        .await;
    assert_eq!(chat_lines(&nvim).await, ["## You", "", "explain #file:nope"]);
    nvim.feed("<Esc>3GdGo<Esc>q").await;
    nvim.feed(":GPTChat explain #selection<CR>").await;
    nvim.wait_screen_contains("nothing was selected").await;
    chat_holds(&nvim, "explain #selection").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_question_that_waits_for_an_answer_has_what_it_stood_for_when_it_was_sent() {
    let project = Project::new([answer("one two").gate_before_token(1, "on"), answer("three")]).await;
    project.write("a.txt", "before\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, "#file:a.txt").await;
    chat_holds(&nvim, "before").await;
    nvim.wait_screen_contains("queued").await;
    project.write("a.txt", "after\n");
    project.server.open("on");
    ended(&nvim, 2).await;
    assert_eq!(
        asked(&project.server, 1),
        "#file:a.txt\n\n```text #file:a.txt\nbefore\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn an_edited_question_that_is_asked_again_has_fresh_blocks() {
    let project = Project::new([answer("ok"), answer("ok"), answer("ok")]).await;
    project.write("a.txt", "before\n");
    project.write("b.txt", "b\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "see #file:a.txt").await;
    ended(&nvim, 1).await;
    project.write("a.txt", "after\n");
    normal_mode(&nvim).await;
    nvim.feed("Ga draft<Esc>gg/see<CR>A and #file:b.txt<Esc><CR>").await;
    ended(&nvim, 2).await;
    let question = "see #file:a.txt and #file:b.txt\n\n```text #file:a.txt\nafter\n```\n\n```text #file:b.txt\nb\n```";
    assert_eq!(asked(&project.server, 1), question);
    let said = [("You", question), ("test/m1", "ok")];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&said, " draft"));
    assert_eq!(
        folds(&nvim).await,
        ["▸ #file:a.txt  1 line  ~2 tokens", "▸ #file:b.txt  1 line  ~1 tokens"]
    );
    project.write("a.txt", "later\n");
    nvim.feed("gg/see<CR><CR>").await;
    ended(&nvim, 3).await;
    assert_eq!(
        asked(&project.server, 2),
        " draft",
        "a question that has not changed is not asked again"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn one_undo_takes_the_answer_back_and_the_next_one_the_question_as_it_was_typed() {
    let project = Project::new([answer("ok"), answer("ok")]).await;
    project.write("a.txt", "a\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "see #file:a.txt").await;
    ended(&nvim, 1).await;
    normal_mode(&nvim).await;
    let question = "see #file:a.txt\n\n```text #file:a.txt\na\n```";
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", question)]))
        .await;
    nvim.feed("u").await;
    nvim.wait_lines(0, |lines| lines == ["## You", "", "see #file:a.txt"])
        .await;
    nvim.feed("<C-r><C-r>").await;
    nvim.wait_lines(0, |lines| lines == transcript(&[("You", question), ("test/m1", "ok")]))
        .await;
    nvim.feed("uu<CR>").await;
    ended(&nvim, 2).await;
    assert_eq!(asked(&project.server, 1), question);
    clean(&nvim).await;
}

#[tokio::test]
async fn blocks_are_folded_again_in_a_chat_that_comes_from_the_history() {
    let project = Project::new(answer("ok")).await;
    project.write("a.txt", "a\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "see #file:a.txt").await;
    ended(&nvim, 1).await;
    let id = nvim
        .lua_string("return vim.api.nvim_buf_get_name(chat_buffer()):match('[^/]+$')", &[])
        .await;
    nvim.quit().await;
    let nvim = project.editor().start().await;
    nvim.command(&format!("edit gpt://chat/{id}")).await;
    chat_holds(&nvim, "#file:a.txt").await;
    nvim.wait_screen_contains("▸ #file:a.txt  1 line  ~1 tokens").await;
    nvim.command("silent edit").await;
    nvim.wait_screen_contains("▸ #file:a.txt  1 line  ~1 tokens").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_below_a_folded_block_is_shown() {
    let project = Project::new(answer("one two three").gate_before_token(1, "on")).await;
    project.write("a.txt", "a\nb\nc\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "see #file:a.txt").await;
    nvim.wait_screen_contains("one").await;
    assert_eq!(folds(&nvim).await, ["▸ #file:a.txt  3 lines  ~2 tokens"]);
    project.server.open("on");
    nvim.wait_screen_contains("one two three").await;
    ended(&nvim, 1).await;
    assert_eq!(folds(&nvim).await, ["▸ #file:a.txt  3 lines  ~2 tokens"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_stop_while_a_waiting_question_is_looked_up_brings_it_back_too() {
    let project = Project::new([answer("one two").gate_before_token(1, "on")]).await;
    project.write("id_rsa", "A=b\n");
    let nvim = project
        .editor()
        .init("vim.ui.select = function(_, _, done) _G.answer = done end")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, "#file:id_rsa").await;
    nvim.wait_lua("return answer ~= nil").await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    nvim.lua("answer(nil, 2)", &[]).await;
    let said = [("You", "first"), ("test/m1", "one ")];
    let lines = chat_lines(&nvim).await.join("\n");
    assert_eq!(lines.trim_end(), transcript_with(&said, "#file:id_rsa").join("\n"));
    assert_eq!(project.server.requests().len(), 1);
    assert!(
        !nvim
            .lua_bool(
                "return require('gpt.chat.waiting').is_looking_up(require('gpt.chat.chats').current())",
                &[]
            )
            .await
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_waiting_question_that_cannot_be_sent_leaves_the_one_before_it_in_its_place() {
    let project = Project::new([answer("one two").gate_before_token(1, "on"), answer("three")]).await;
    project.write("a.txt", "a\n");
    let nvim = project.chat("a.txt").await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, "second").await;
    say(&nvim, "#file:nope").await;
    nvim.wait_screen_contains("#file:nope names no file that is there.")
        .await;
    nvim.wait_screen_contains("queued").await;
    project.server.open("on");
    ended(&nvim, 2).await;
    assert_eq!(asked(&project.server, 1), "second");
    let said = [
        ("You", "first"),
        ("test/m1", "one two"),
        ("You", "second"),
        ("test/m1", "three"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript_with(&said, "#file:nope"));
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_found_while_something_else_is_on_its_way_goes_out_after_that() {
    let project = Project::new(answer("ok")).await;
    project.write("id_rsa", "A=b\n");
    let nvim = project
        .editor()
        .init("vim.ui.select = function(_, _, done) _G.answer = done end")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "#file:id_rsa").await;
    nvim.wait_lua("return answer ~= nil").await;
    nvim.lua(
        "local results = require('gpt.chat.lookup_results')
         local found = results.found
         results.found = function(...) _G.found = true; return found(...) end
         local waiting = require('gpt.chat.waiting')
         _G.going, waiting.going = waiting.going, function() return 1, '' end
         answer(nil, 2)",
        &[],
    )
    .await;
    nvim.wait_lua("return found").await;
    assert_eq!(project.server.requests().len(), 0);
    nvim.lua("require('gpt.chat.waiting').going = going", &[]).await;
    ended(&nvim, 1).await;
    assert_eq!(
        asked(&project.server, 0),
        "#file:id_rsa\n\n```text #file:id_rsa\nA=b\n```"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_locked_text_takes_its_blocks_when_it_is_free_again() {
    let project = Project::new(answer("ok")).await;
    project.write("id_rsa", "A=b\n");
    let nvim = project
        .editor()
        .init("vim.ui.select = function(_, _, done) _G.answer = done end")
        .start()
        .await;
    open(&nvim).await;
    say(&nvim, "#file:id_rsa").await;
    nvim.wait_lua("return answer ~= nil").await;
    nvim.lua("vim.bo[chat_buffer()].modifiable = false", &[]).await;
    nvim.lua("answer(nil, 1)", &[]).await;
    nvim.wait_screen_contains("looking up").await;
    nvim.lua("vim.bo[chat_buffer()].modifiable = true", &[]).await;
    nvim.wait_screen_contains("Nothing was sent.").await;
    assert_eq!(chat_lines(&nvim).await, ["## You", "", "#file:id_rsa"]);
    clean(&nvim).await;
}

#[tokio::test]
async fn the_words_are_listed_for_completion() {
    let nvim = unconfigured().start().await;
    let words = nvim
        .lua_lines(
            "return vim.tbl_map(function(w) return w.word .. ' ' .. w.what end, require('gpt.context.grammar').words())",
            &[],
        )
        .await;
    assert_eq!(words.len(), 11);
    assert_eq!(words[0], "#selection the last visual selection");
    assert!(words.iter().any(|word| word.starts_with("#file: a file")), "{words:?}");
}

#[tokio::test]
async fn an_interrupted_dialog_is_a_cancelled_one() {
    let project = Project::new(answer("ok")).await;
    project.write(".env", "SECRET=1\n");
    let nvim = project.editor().start().await;
    open(&nvim).await;
    nvim.feed("x #file:.env<C-s>").await;
    nvim.wait_screen_contains("secret").await;
    nvim.feed("<C-c>").await;
    nvim.wait_lua("return vim.fn.mode() ~= 'r' and not vim.api.nvim_get_mode().blocking")
        .await;
    nvim.wait_lua("return vim.api.nvim_buf_get_lines(0, -2, -1, false)[1] == 'x #file:.env'")
        .await;
    assert_eq!(project.server.requests().len(), 0);
    clean(&nvim).await;
}
