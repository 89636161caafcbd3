//! Code that is asked about: an editor that shows a file, and what a user then does and sees.

use crate::common::*;
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Script, Server};

/// An editor that shows a file of this name and content, and a server with these answers.
pub async fn showing(name: &str, content: &str, script: impl Into<Script>) -> (Nvim, Server, Home) {
    showing_with(name, content, script, |builder| builder).await
}

pub async fn showing_with(
    name: &str,
    content: &str,
    script: impl Into<Script>,
    more: impl FnOnce(Builder) -> Builder,
) -> (Nvim, Server, Home) {
    let server = Server::start(script).await;
    let home = Home::new();
    let path = home.write(name, content);
    let nvim = more(configured(&server, "").home(&home).arg(path)).start().await;
    nvim.command("set report=9999 nofixendofline").await;
    (nvim, server, home)
}

/// Ten lines, `line 1` to `line 10`.
pub fn ten() -> String {
    (1..=10).map(|n| format!("line {n}\n")).collect()
}

/// The lines of the first buffer, which shows the file.
pub async fn code(nvim: &Nvim) -> Vec<String> {
    nvim.lines(1).await
}

/// Asks by these keys, which send a question from the code, and waits for the end of the answer, where the user then is.
pub async fn ask(nvim: &Nvim, keys: &str, n: usize) {
    nvim.feed(keys).await;
    ended(nvim, n).await;
    nvim.wait_lua("return vim.bo.filetype == 'gptchat' and vim.fn.mode() == 'n'")
        .await;
}

/// Presses keys, and waits for what the editor says then.
#[track_caller]
pub fn told<'a>(nvim: &'a Nvim, keys: &'a str, words: &'a str) -> impl Future<Output = ()> + 'a {
    let shown = nvim.wait_screen(move |screen| crate::fixtures_lua::flat(screen).contains(words));
    async move {
        nvim.feed(keys).await;
        shown.await;
    }
}

/// Takes back the last change of the file.
pub async fn undo(nvim: &Nvim) {
    nvim.lua("vim.api.nvim_buf_call(1, function() vim.cmd('silent undo') end)", &[])
        .await;
}
