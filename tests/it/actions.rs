//! Actions: what they take along, how they are called, and what comes of their answers.

use std::path::Path;
use std::process::Command;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Request, Script, Server};

const MAPS: &str = "
vim.keymap.set({ 'n', 'x', 'o' }, 'gl', '<Plug>(gpt-explain)')
vim.keymap.set({ 'n', 'x', 'o' }, 'gm', '<Plug>(gpt-commit)')";

/// A file, and what `:GPT explain` says of `lines` of it.
pub const CODE: &str = "local a = 1\nlocal ção = 'x'\n\nprint(a)\n";

fn block(place: &str, lines: &str) -> String {
    format!("From `f.lua`, {place}:\n\n```lua\n{lines}\n```")
}

/// An editor at this server that shows `f.lua`.
pub async fn showing(script: impl Into<Script>, code: &str, more: &str) -> (Nvim, Server) {
    let server = Server::start(script).await;
    let home = Home::new();
    let path = home.write("f.lua", code);
    let nvim = configured(&server, more).init(MAPS).home(&home).arg(path).start().await;
    (nvim, server)
}

/// The last question of a request.
#[track_caller]
fn question(request: &Request) -> String {
    conversation(request).pop().expect("a question").1
}

async fn asked(nvim: &Nvim, server: &Server, n: usize) -> String {
    ended(nvim, n).await;
    question(&server.requests()[n - 1])
}

#[track_caller]
fn ends_with(text: &str, end: &str) {
    assert!(text.ends_with(end), "{text}\ndoes not end with\n{end}");
}

#[tokio::test]
async fn an_action_with_a_range_asks_about_its_lines_and_shows_what_it_sends() {
    let (nvim, server) = showing(answer("It counts."), CODE, "").await;
    nvim.feed(":1,2GPT explain and be brief<CR>").await;
    let sent = asked(&nvim, &server, 1).await;
    assert!(sent.starts_with("Explain what this code does"), "{sent}");
    ends_with(
        &sent,
        &format!("and be brief\n\n{}", block("lines 1-2", "local a = 1\nlocal ção = 'x'")),
    );
    let shown = [("You", sent.as_str()), ("test/m1", "It counts.")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    assert_eq!(clean(&nvim).await, "");
}

#[tokio::test]
async fn without_a_range_an_action_is_about_the_whole_buffer() {
    let (nvim, server) = showing(answer("x"), CODE, "").await;
    nvim.feed("2G:GPT tests<CR>").await;
    let sent = asked(&nvim, &server, 1).await;
    ends_with(&sent, &block("lines 1-4", CODE.trim_end()));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_visual_selection_goes_along_exactly() {
    for (keys, place, lines) in [
        ("2Gwvegl", "line 2", "ção"),
        ("1GVjgl", "lines 1-2", "local a = 1\nlocal ção = 'x'"),
        ("1Gw<C-v>jlgl", "lines 1-2", "a \nçã"),
        ("2Gwve:GPT explain<CR>", "line 2", "ção"),
    ] {
        let (nvim, server) = showing(answer("x"), CODE, "").await;
        nvim.feed(keys).await;
        let sent = asked(&nvim, &server, 1).await;
        ends_with(&sent, &block(place, lines));
        clean(&nvim).await;
    }
}

/// Texts with accents, tabs, wide characters, emoji with joiners, and empty lines.
const TEXT: &str =
    "local a = 1\nlocal ção = 'x'\n\n\tprint(a) \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} 日本\nend of it";

#[tokio::test]
async fn a_map_is_an_operator_that_takes_exactly_what_y_takes() {
    let starts = ["1G0", "2G0w", "2G$", "3G0", "4G0fa", "5G$"];
    // Not an exclusive motion that is made blockwise: Neovim gives an 'operatorfunc' another end than it takes itself.
    let motions = [
        "iw", "e", "w", "$", "ip", "_", "k", "j", "F'", "0", "<C-v>e", "vj", "Vw", "3w", "G", "gg",
    ];
    let (nvim, server) = showing(vec![answer("x"); starts.len() * motions.len() * 2], TEXT, "").await;
    let code = nvim.lua_i64("return vim.api.nvim_get_current_win()", &[]).await;
    let mut n = 0;
    for selection in ["inclusive", "exclusive"] {
        nvim.command(&format!("set selection={selection}")).await;
        for keys in starts.iter().flat_map(|start| motions.map(|motion| (*start, motion))) {
            let (start, motion) = keys;
            nvim.lua("vim.api.nvim_set_current_win(...)", &[code.into()]).await;
            nvim.lua("vim.fn.setreg('\"', {}) vim.cmd.stopinsert()", &[]).await;
            nvim.feed(&format!("{start}y{motion}<Esc>")).await;
            let yanked = nvim.lua_lines("return vim.fn.getreg('\"', 1, true)", &[]).await;
            if yanked.concat().is_empty() {
                continue; // a motion that fails, or goes nowhere
            }
            nvim.feed(&format!("{start}gl{motion}<Esc>")).await;
            n += 1;
            let sent = asked(&nvim, &server, n).await;
            let block = format!("```lua\n{}\n```", yanked.join("\n"));
            assert!(
                sent.ends_with(&block),
                "{selection}: {start} {motion}\n{sent}\nis not\n{block}"
            );
        }
    }
    assert!(n > 120, "{n}");
    clean(&nvim).await;
}

#[tokio::test]
async fn an_operators_map_twice_is_about_the_line() {
    for (keys, place, lines) in [
        ("2Gglgl", "line 2", "local ção = 'x'"),
        ("1G2glgl", "lines 1-2", "local a = 1\nlocal ção = 'x'"),
        ("2Ggl_", "line 2", "local ção = 'x'"),
    ] {
        let (nvim, server) = showing(answer("x"), CODE, "").await;
        nvim.feed(keys).await;
        let sent = asked(&nvim, &server, 1).await;
        ends_with(&sent, &block(place, lines));
        clean(&nvim).await;
    }
}

#[tokio::test]
async fn a_dot_repeats_an_operator() {
    let (nvim, server) = showing([answer("x"), answer("y")], CODE, "").await;
    nvim.feed("1Gglgl").await;
    asked(&nvim, &server, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("q2G.").await;
    let sent = asked(&nvim, &server, 2).await;
    ends_with(&sent, &block("line 2", "local ção = 'x'"));
    clean(&nvim).await;
}

#[tokio::test]
async fn the_operators_map_after_another_operator_does_nothing() {
    let (nvim, server) = showing(Vec::<Answer>::new(), CODE, "").await;
    nvim.feed("1Gdgl").await;
    nvim.feed("x").await;
    nvim.wait_lua("return vim.fn.getline(1) == 'ocal a = 1'").await;
    assert_eq!(nvim.lua_i64("return vim.fn.line('$')", &[]).await, 4);
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn fix_takes_the_diagnostics_of_its_lines_along() {
    let (nvim, server) = showing(answer("x"), CODE, "").await;
    nvim.lua(
        "vim.diagnostic.set(vim.api.nvim_create_namespace('t'), 0, {
          { lnum = 0, col = 0, severity = 2, source = 'lint', message = 'unused\\n  a' },
          { lnum = 1, col = 0, severity = 1, message = 'odd name' },
          { lnum = 3, col = 0, severity = 1, message = 'elsewhere' } })",
        &[],
    )
    .await;
    nvim.feed(":1,2GPT fix<CR>").await;
    let sent = asked(&nvim, &server, 1).await;
    let said = "```text\nline 1: warning (lint): unused a\nline 2: error: odd name\n```";
    assert!(sent.contains(said) && !sent.contains("elsewhere"), "{sent}");
    clean(&nvim).await;
}

#[tokio::test]
async fn problems_fill_the_quickfix_list_with_lines_that_were_sent() {
    let listed = "```text\nf.lua:2: error: odd name\n- `f.lua:4`: note: prints\nf.lua:9: error: no such line\ng.lua:1: error: no\n```";
    let (nvim, server) = showing([answer(listed), answer("No problems.")], CODE, "").await;
    nvim.feed(":2,$GPT problems<CR>").await;
    let sent = asked(&nvim, &server, 1).await;
    assert!(sent.contains("\n2: local ção = 'x'\n3: \n4: print(a)\n"), "{sent}");
    nvim.wait_lua("return #vim.fn.getqflist() == 2").await;
    let items = nvim
        .lua_lines(
            "return vim.tbl_map(function(item)
              local name = vim.fn.fnamemodify(vim.fn.bufname(item.bufnr), ':t')
              return ('%s %d %s %s %d'):format(name, item.lnum, item.type, item.text, item.valid)
            end, vim.fn.getqflist())",
            &[],
        )
        .await;
    assert_eq!(items, ["f.lua 2 E odd name 1", "f.lua 4 N prints 1"]);
    let title = nvim
        .lua_string("return vim.fn.getqflist({ title = 1 }).title", &[])
        .await;
    assert_eq!(title, "GPT: problems");
    nvim.wait_lua("return vim.fn.execute('messages'):find('2 problems are in the quickfix list', 1, true)")
        .await;
    nvim.feed(":GPT! problems<CR>").await;
    ended(&nvim, 2).await;
    nvim.wait_lua("return vim.fn.execute('messages'):find('names no problem', 1, true)")
        .await;
    assert_eq!(nvim.lua_i64("return #vim.fn.getqflist()", &[]).await, 2);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_answer_asked_for_again_fills_the_list_again() {
    let (nvim, _server) = showing([answer("f.lua:1: error: a"), answer("f.lua:2: error: b")], CODE, "").await;
    nvim.feed(":GPT problems<CR>").await;
    nvim.wait_lua("return (vim.fn.getqflist()[1] or {}).lnum == 1").await;
    ended(&nvim, 1).await;
    nvim.feed("gr").await;
    nvim.wait_lua("return (vim.fn.getqflist()[1] or {}).lnum == 2").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_action_at_the_start_of_the_prompt_is_sent_as_its_text() {
    let (nvim, server) = start([answer("one"), answer("two")]).await;
    open(&nvim).await;
    say(&nvim, "/explain the code above\n\n```lua\nx()\n```").await;
    let sent = asked(&nvim, &server, 1).await;
    assert!(sent.starts_with("Explain what this code does"), "{sent}");
    ends_with(&sent, "the code above\n\n```lua\nx()\n```");
    let shown = [("You", sent.as_str()), ("test/m1", "one")];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    // What is shown is what was sent: the next question follows it, and makes no branch.
    say(&nvim, "/etc/hosts: what is it?").await;
    ended(&nvim, 2).await;
    let said_so_far = conversation(&server.requests()[1]);
    assert_eq!(said_so_far[0].1, sent);
    assert_eq!(said_so_far[2].1, "/etc/hosts: what is it?");
    clean(&nvim).await;
}

#[tokio::test]
async fn an_action_below_the_selection_in_the_prompt_is_about_it() {
    let (nvim, server) = showing(answer("x"), CODE, "").await;
    nvim.feed("1GV:GPTChat<CR>").await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'i'")
        .await;
    say(&nvim, "/tests").await;
    let sent = asked(&nvim, &server, 1).await;
    assert!(sent.starts_with("Write tests for this code"), "{sent}");
    ends_with(&sent, &block("line 1", "local a = 1"));
    clean(&nvim).await;
}

#[tokio::test]
async fn undo_brings_back_the_action_as_it_was_typed() {
    let (nvim, server) = start(answer("one")).await;
    open(&nvim).await;
    say(&nvim, "/explain monads").await;
    asked(&nvim, &server, 1).await;
    normal_mode(&nvim).await;
    nvim.feed("uu").await;
    nvim.wait_lua(
        "return vim.deep_equal(vim.api.nvim_buf_get_lines(0, 0, -1, true), { '## You', '', '/explain monads' })",
    )
    .await;
    clean(&nvim).await;
}

#[tokio::test]
async fn an_action_that_waits_for_an_answer_goes_out_as_its_text() {
    let (nvim, server) = start([answer("one two").gate_before_token(1, "on"), answer("three")]).await;
    open(&nvim).await;
    say(&nvim, "first").await;
    nvim.wait_screen_contains("one").await;
    say(&nvim, "/explain monads").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    let sent = asked(&nvim, &server, 2).await;
    ends_with(&sent, "Name what looks wrong.\n\nmonads");
    let shown = [
        ("You", "first"),
        ("test/m1", "one two"),
        ("You", sent.as_str()),
        ("test/m1", "three"),
    ];
    assert_eq!(chat_lines(&nvim).await, transcript(&shown));
    clean(&nvim).await;
}

#[tokio::test]
async fn a_command_during_an_answer_waits_for_it() {
    let (nvim, server) = showing(
        [answer("one two").gate_before_token(1, "on"), answer("three")],
        CODE,
        "",
    )
    .await;
    nvim.feed(":1GPT explain<CR>").await;
    nvim.wait_screen_contains("one").await;
    nvim.feed("q:2GPT explain<CR>").await;
    nvim.wait_screen_contains("queued").await;
    server.open("on");
    let sent = asked(&nvim, &server, 2).await;
    ends_with(&sent, &block("line 2", "local ção = 'x'"));
    clean(&nvim).await;
}

#[tokio::test]
async fn what_is_no_action_is_named_with_those_that_there_are() {
    let (nvim, _server) = showing(Vec::<Answer>::new(), CODE, "").await;
    nvim.feed(":GPT explian this<CR>").await;
    nvim.wait_screen_contains(":GPT knows no \"explian\".").await;
    nvim.feed(":GPT log<CR>").await;
    nvim.wait_screen_contains("explain").await;
    clean(&nvim).await;
}

#[tokio::test]
async fn a_buffer_that_is_never_sent_is_not_sent_by_an_action() {
    let (nvim, server) = showing(Vec::<Answer>::new(), CODE, "").await;
    nvim.command("let b:gpt_disable = v:true").await;
    for keys in [":GPT explain<CR>", ":1,2GPT fix<CR>", "1Gglgl", "1GVgl"] {
        nvim.command("messages clear").await;
        nvim.feed(keys).await;
        nvim.wait_lua("return vim.fn.execute('messages'):find('is never sent', 1, true)")
            .await;
    }
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn an_empty_buffer_has_nothing_to_explain() {
    let (nvim, server) = start(Vec::<Answer>::new()).await;
    nvim.feed(":GPT explain<CR>").await;
    nvim.wait_screen_contains("There is no code here.").await;
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn the_prefix_maps_all_actions_with_descriptions() {
    let (nvim, server) = showing(answer("x"), CODE, "keymaps = { prefix = ' a' }").await;
    for (key, name) in [
        ("e", "explain"),
        ("f", "fix"),
        ("r", "refactor"),
        ("d", "document"),
        ("t", "tests"),
        ("p", "problems"),
        ("g", "commit"),
    ] {
        for mode in ["n", "x"] {
            let desc = nvim
                .lua_string(
                    &format!("return vim.fn.maparg(' a{key}', '{mode}', false, true).desc"),
                    &[],
                )
                .await;
            assert_eq!(desc, format!("GPT: {name}"));
        }
    }
    nvim.feed("2G ae ae").await;
    let sent = asked(&nvim, &server, 1).await;
    ends_with(&sent, &block("line 2", "local ção = 'x'"));
    clean(&nvim).await;
}

#[tokio::test]
async fn lua_does_an_action_too() {
    let (nvim, server) = showing(answer("x"), CODE, "").await;
    nvim.lua(
        "require('gpt').action('refactor', { words = 'no globals', new = true })",
        &[],
    )
    .await;
    let sent = asked(&nvim, &server, 1).await;
    assert!(
        sent.starts_with("Refactor this code") && sent.contains("\n\nno globals\n\n"),
        "{sent}"
    );
    clean(&nvim).await;
}

// Commit messages ------------------------------------------------------------------------------------------------------

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
    ]);
    let ran = command
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .output()
        .expect("git runs");
    assert!(
        ran.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// A repository with these subjects in its log.
fn repository(home: &Home, subjects: &[&str]) -> std::path::PathBuf {
    let folder = home.path().join("home/repo");
    std::fs::create_dir_all(&folder).expect("a folder");
    git(&folder, &["init", "-q"]);
    for subject in subjects {
        git(&folder, &["commit", "-q", "--allow-empty", "-m", subject]);
    }
    folder
}

pub async fn in_repository(script: impl Into<Script>, subjects: &[&str]) -> (Builder, Server, std::path::PathBuf) {
    let server = Server::start(script).await;
    let home = Home::new();
    let folder = repository(&home, subjects);
    let builder = configured(&server, "").init(MAPS).home(&home).directory(&folder);
    (builder, server, folder)
}

pub fn stage(folder: &Path) {
    std::fs::write(folder.join("new.txt"), "fresh line\n").expect("a file");
    git(folder, &["add", "."]);
}

#[tokio::test]
async fn commit_says_when_nothing_is_staged() {
    let (builder, server, _folder) = in_repository(Vec::<Answer>::new(), &["one"]).await;
    let nvim = builder.start().await;
    nvim.feed(":GPT commit<CR>").await;
    nvim.wait_screen_contains("Nothing is staged.").await;
    assert_eq!(server.requests().len(), 0);
    clean(&nvim).await;
}

#[tokio::test]
async fn commit_writes_the_message_into_the_commit_buffer_above_its_comments() {
    let message = "```text\nfeat: greet\n\nBecause.\n```";
    let (builder, server, folder) = in_repository(answer(message), &["feat: a", "fix(x): b", "Other"]).await;
    stage(&folder);
    std::fs::write(folder.join(".git/COMMIT_EDITMSG"), "\n# Please enter\n#\n# ---\n").expect("a file");
    let nvim = builder.arg(".git/COMMIT_EDITMSG").start().await;
    nvim.feed(":GPT commit<CR>").await;
    nvim.wait_lua("return vim.fn.getline(1) == 'feat: greet'").await;
    let lines = nvim
        .lua_lines("return vim.api.nvim_buf_get_lines(0, 0, -1, true)", &[])
        .await;
    assert_eq!(
        lines,
        ["feat: greet", "", "Because.", "", "# Please enter", "#", "# ---"]
    );
    let sent = question(&server.requests()[0]);
    assert!(
        sent.contains("+fresh line") && sent.contains("Conventional Commits"),
        "{sent}"
    );
    assert_eq!(nvim.lua_i64("return #vim.api.nvim_list_wins()", &[]).await, 1);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_commit_buffer_with_a_message_keeps_it_and_the_chat_shows_the_new_one() {
    let (builder, server, folder) = in_repository(answer("Greet"), &["Add a", "Add b"]).await;
    stage(&folder);
    std::fs::write(folder.join(".git/COMMIT_EDITMSG"), "Mine\n\n# Please enter\n").expect("a file");
    let nvim = builder.arg(".git/COMMIT_EDITMSG").start().await;
    nvim.feed("gm").await;
    ended(&nvim, 1).await;
    let sent = question(&server.requests()[0]);
    assert!(!sent.contains("Conventional") && sent.contains("Add a"), "{sent}");
    chat_holds(&nvim, "Greet").await;
    let first = nvim
        .lua_string("return vim.fn.getbufline('COMMIT_EDITMSG', 1)[1]", &[])
        .await;
    assert_eq!(first, "Mine");
    clean(&nvim).await;
}

#[tokio::test]
async fn commit_describes_what_amending_the_last_one_will_hold() {
    let (builder, server, folder) = in_repository(answer("Greet"), &["Add a"]).await;
    std::fs::write(folder.join("last.txt"), "of the last one\n").expect("a file");
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-q", "-m", "Add the last one"]);
    stage(&folder);
    let draft = "Add the last one\n\n# Please enter the commit message\n#\n";
    std::fs::write(folder.join(".git/COMMIT_EDITMSG"), draft).expect("a file");
    let nvim = builder.arg(".git/COMMIT_EDITMSG").start().await;
    nvim.feed("gm").await;
    ended(&nvim, 1).await;
    let sent = question(&server.requests()[0]);
    assert!(
        sent.contains("+fresh line") && sent.contains("+of the last one"),
        "{sent}"
    );
    clean(&nvim).await;
}

/// Another name for the variable with a key, which a program of the search path could read.
#[cfg(unix)]
#[tokio::test]
async fn git_runs_without_the_keys_of_the_environment() {
    use std::os::unix::fs::PermissionsExt;
    let (builder, server, folder) = in_repository(answer("Greet"), &["Add a"]).await;
    stage(&folder);
    let (bin, told) = (
        folder.parent().expect("a folder").join("bin"),
        folder.parent().expect("a folder").join("told"),
    );
    std::fs::create_dir(&bin).expect("a folder");
    let real = "$(PATH=${PATH#*:} command -v git)";
    let script = format!("#!/bin/sh\nenv >>{}\nexec \"{real}\" \"$@\"\n", told.display());
    std::fs::write(bin.join("git"), script).expect("a file");
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a search path"));
    let nvim = builder
        .env("PATH", path)
        .env("OPENAI_API_KEY", "sk-canary-openai-000000")
        .env("MY_OWN_TOKEN", "canary-own-000000")
        .env("GIT_EXTERNAL_DIFF", "/bin/false")
        .start()
        .await;
    nvim.feed(":GPT commit<CR>").await;
    ended(&nvim, 1).await;
    assert!(question(&server.requests()[0]).contains("+fresh line"));
    let told = std::fs::read_to_string(told).expect("git was run");
    assert!(told.contains("GIT_NO_LAZY_FETCH=1"), "{told}");
    assert!(
        !told.contains("canary") && !told.contains("GIT_EXTERNAL_DIFF"),
        "{told}"
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_repositorys_configuration_runs_nothing() {
    let (builder, server, folder) = in_repository(answer("Greet"), &["Add a"]).await;
    stage(&folder);
    let ran = folder.join("ran");
    for key in [
        "diff.external",
        "core.fsmonitor",
        "core.pager",
        "gpg.program",
        "diff.x.textconv",
    ] {
        git(&folder, &["config", key, &format!("touch {} #", ran.display())]);
    }
    git(&folder, &["config", "log.showSignature", "true"]);
    std::fs::write(folder.join(".gitattributes"), "*.txt diff=x\n").expect("a file");
    let nvim = builder.start().await;
    nvim.feed(":GPT commit<CR>").await;
    ended(&nvim, 1).await;
    assert!(question(&server.requests()[0]).contains("+fresh line"));
    assert!(!ran.exists());
    clean(&nvim).await;
}

#[tokio::test]
async fn an_action_that_came_back_into_the_prompt_does_with_its_answer_what_it_does_when_it_is_sent_from_there() {
    let problems = "f.lua:1: warning: global";
    let first = answer("one two").gate_before_token(1, "never");
    let (nvim, _server) = showing([first, answer(problems)], CODE, "").await;
    nvim.feed(":GPT problems<CR>").await;
    let first = "return chat_buffer() and table.concat(vim.api.nvim_buf_get_lines(chat_buffer(), 0, -1, true), '\\n'):find('## test/m1\\n\\none', 1, true)";
    nvim.wait_lua(first).await;
    normal_mode(&nvim).await;
    nvim.feed("<C-c>").await;
    ended(&nvim, 1).await;
    nvim.feed("uu").await;
    nvim.wait_lines(0, |lines| lines.iter().filter(|line| *line == "## You").count() == 1)
        .await;
    nvim.feed("<CR>").await;
    ended(&nvim, 2).await;
    nvim.wait_lua("return #vim.fn.getqflist() == 1").await;
    clean(&nvim).await;
}
