//! What a name could make us send or run: terminals' command lines, variables, commands in backticks, links.

use std::fs;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::{Home, Nvim};
use crate::support::server::{Request, Server};

#[track_caller]
fn question(request: &Request) -> String {
    conversation(request).pop().expect("a question").1
}

/// Shows a buffer with this name and kind, and asks about its first line.
async fn ask_about(nvim: &Nvim, name: &str, kind: &str, filetype: &str) {
    let code = "local name, kind, filetype = ...
      vim.cmd.enew()
      vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'one line' })
      vim.api.nvim_buf_set_name(0, name)
      vim.bo.buftype, vim.bo.filetype = kind, filetype
      require('gpt').chat({ prompt = 'why', selection = require('gpt.code.selection').lines(0, 1, 1), new = true })";
    nvim.lua(code, &[text(name), text(kind), text(filetype)]).await;
}

#[tokio::test]
async fn a_terminals_command_line_is_not_sent_with_its_text() {
    let (nvim, server) = start(answer("x")).await;
    nvim.command("terminal echo seen; : hunter2hunter2").await;
    nvim.wait_lua("return vim.fn.getline(1) == 'seen'").await;
    nvim.feed("<C-\\><C-n>ggV:<C-u>'<lt>,'>GPTChat why<CR>").await;
    ended(&nvim, 1).await;
    let sent = question(&server.requests()[0]);
    assert!(sent.contains("From `[terminal]`") && sent.contains("seen"), "{sent}");
    assert!(!server.requests()[0].text().contains("hunter2"), "{sent}");
    clean(&nvim).await;
}

#[tokio::test]
async fn the_name_of_a_buffer_that_is_no_file_is_not_sent() {
    let cases = [
        ("scp://me:hunter2hunter2@host/a.py", "", "python", "[python]"),
        ("oil-ssh://me:hunter2hunter2@host/", "acwrite", "oil", "[oil]"),
        ("[dap hunter2hunter2]", "prompt", "", "[prompt]"),
        ("fugitive:///hunter2hunter2//0/a", "", "", "[buffer]"),
    ];
    let (nvim, server) = start(cases.map(|_| answer("x"))).await;
    for (index, (name, kind, filetype, shown)) in cases.into_iter().enumerate() {
        ask_about(&nvim, name, kind, filetype).await;
        ended(&nvim, index + 1).await;
        let sent = question(&server.requests()[index]);
        assert!(sent.contains(&format!("From `{shown}`")), "{name}: {sent}");
        assert!(!server.requests()[index].text().contains("hunter2"), "{sent}");
        nvim.feed("<Esc>q").await;
    }
    clean(&nvim).await;
}

#[tokio::test]
async fn a_file_that_is_called_as_a_variable_does_not_tell_what_that_holds() {
    let (server, home) = (Server::start(answer("x")).await, Home::new());
    let path = home.write("$CANARY", "one\n");
    let builder = configured(&server, "").home(&home).env("CANARY", "hunter2hunter2");
    let nvim = builder.start().await;
    nvim.lua(
        "vim.cmd.edit({ ..., magic = { file = false } })",
        &[text(&path.display().to_string())],
    )
    .await;
    open(&nvim).await;
    say(&nvim, "#buffer").await;
    ended(&nvim, 1).await;
    let sent = question(&server.requests()[0]);
    assert!(sent.contains("$CANARY") && !sent.contains("hunter2"), "{sent}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_quickfix_list_goes_without_the_command_that_made_it() {
    let (nvim, server) = start(answer("x")).await;
    nvim.command("cexpr 'a.lua:1:1: found' | call setqflist([], 'a', {'title': ':cexpr system(''hunter2hunter2'')'})")
        .await;
    open(&nvim).await;
    say(&nvim, "#quickfix").await;
    ended(&nvim, 1).await;
    let sent = question(&server.requests()[0]);
    assert!(sent.contains("found") && !sent.contains("hunter2"), "{sent}");
    clean(&nvim).await;
}

#[tokio::test]
async fn a_chats_name_with_a_command_in_it_runs_nothing_when_it_is_exported() {
    let (server, home) = (Server::start(Vec::<Answer>::new()).await, Home::new());
    let marker = home.path().join("home/ran");
    let nvim = configured(&server, "").home(&home).start().await;
    for name in ["`touch ran`", "$(touch ran)", "`=writefile([], 'ran')`"] {
        let edit = "vim.cmd.edit({ 'gpt://chat/' .. ..., magic = { file = false } })";
        nvim.lua(edit, &[text(name)]).await;
        nvim.feed(":GPT export<CR>").await;
        nvim.feed(":let g:done = 1<CR>").await;
        nvim.wait_lua("return vim.g.done == 1").await;
        nvim.command("unlet g:done").await;
    }
    nvim.lua("vim.wait(50)", &[]).await;
    assert!(
        !marker.exists()
            && fs::read_dir(home.path().join("home"))
                .unwrap()
                .flatten()
                .all(|entry| { entry.file_name() != "ran" })
    );
    clean(&nvim).await;
}

#[tokio::test]
async fn a_link_that_is_no_page_and_no_mail_is_opened_after_a_question_that_shows_it() {
    let init = "_G.opened, _G.asked, _G.place = {}, {}, 1
      vim.ui.open = function(url) opened[#opened + 1] = url end
      vim.ui.select = function(items, options, done) asked[#asked + 1] = options.prompt done(items[place], place) end";
    let server = Server::start(Vec::<Answer>::new()).await;
    let nvim = configured(&server, "").init(init).start().await;
    open(&nvim).await;
    normal_mode(&nvim).await;
    for link in [
        "https://a.example/ação",
        "<mailto:a@b.example>",
        "[x](file:///etc/passwd)",
        "<vscode://run/x>",
        "[x](https://аpple.example/)",
        "[x](https://good.example@evil.example/)",
        "[x](http:../../run.sh)",
        "<https:///run.sh>",
    ] {
        nvim.lua("vim.api.nvim_set_current_line(...) vim.cmd.normal('0')", &[text(link)])
            .await;
        nvim.feed("gx").await;
        nvim.feed(":let g:done = 1<CR>").await;
        nvim.wait_lua("return vim.g.done == 1").await;
        nvim.command("unlet g:done").await;
    }
    let opened = nvim.lua_lines("return opened", &[]).await;
    assert_eq!(opened, ["https://a.example/ação", "mailto:a@b.example"]);
    let asked = nvim.lua_lines("return asked", &[]).await;
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(
        asked[0].contains("file:///etc/passwd") && asked[2].contains("https://<U+0430>pple.example/"),
        "{asked:?}"
    );
    nvim.lua("place = 2 vim.api.nvim_set_current_line('<vscode://run/x>')", &[])
        .await;
    nvim.feed("0gx").await;
    nvim.wait_lua("return opened[3] == 'vscode://run/x'").await;
    clean(&nvim).await;
}
