//! `:GPT install` where there is no release: cargo builds, in a process that outlives the editor.

use crate::support::home::Home;
use crate::support::installation::*;

#[tokio::test]
async fn without_a_release_and_without_cargo_both_ways_out_are_named() {
    let home = Home::new();
    let server = without_release().await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("there is no cargo here").await;
    let told = it.nvim.messages().await;
    for words in [
        "There is no release of this version",
        "rustup.rs",
        ":GPT install",
        "`binary`",
    ] {
        let log = it.nvim.lua_string(LOG, &[]).await;
        assert!(log.contains(words), "no {words} in {told}\n{log}");
    }
    assert_eq!(it.installed(), [""; 0]);
}

/// All that notices have said.
const LOG: &str = "vim.cmd('GPT log')
local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n')
vim.cmd.close()
return text";

/// A cargo that builds when it is let.
pub fn cargo(it: &Installing) {
    let script = format!(
        "#!/bin/sh\necho '   Compiling gpt-nvim v{VERSION}' >&2\n\
         while ! [ -e '{home}/go' ]; do sleep 0.05; done\n\
         mkdir -p '{plugin}/target/release'\n\
         cp '{home}/built' '{plugin}/target/release/gpt-nvim'\n",
        home = it.home.path().display(),
        plugin = it.plugin.display()
    );
    executable(&it.home.path().join("built"), program(VERSION));
    executable(&it.home.path().join("tools/cargo"), &script);
}

#[tokio::test]
async fn without_a_release_cargo_builds_and_says_how_far_it_is() {
    let home = Home::new();
    let server = without_release().await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    cargo(&it);
    std::fs::create_dir(it.plugin.join("bin")).unwrap();
    executable(&it.binary(), "old");
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Compiling gpt-nvim").await;
    std::fs::write(it.home.path().join("go"), "").unwrap();
    it.nvim.wait_screen_contains("Installed: ").await;
    let found = it.nvim.lua_string("return require('gpt.client').binary()", &[]).await;
    assert!(found.ends_with("target/release/gpt-nvim"), "{found}");
}

#[tokio::test]
async fn what_cargo_builds_is_built_to_its_end_when_neovim_is_killed() {
    let home = Home::new();
    let server = without_release().await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    cargo(&it);
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Compiling gpt-nvim").await;
    it.nvim.kill9().await;
    std::fs::write(it.home.path().join("go"), "").unwrap();
    let built = it.plugin.join("target/release/gpt-nvim");
    crate::support::wait::until("the build's end", || built.exists()).await;
}

#[tokio::test]
async fn a_build_that_fails_is_told_with_cargos_last_words() {
    let home = Home::new();
    let server = without_release().await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    executable(
        &it.home.path().join("tools/cargo"),
        "#!/bin/sh\necho 'error: rustc 1.70 is too old' >&2\nexit 101\n",
    );
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("cargo could not build the program").await;
    let log = it.nvim.lua_string(LOG, &[]).await;
    assert!(log.contains("rustc 1.70 is too old"), "{log}");
}

#[tokio::test]
async fn a_checkout_whose_sources_are_newer_than_the_release_is_built() {
    for newer in [false, true] {
        let (it, server) = whole(&TOOLS, "").await;
        checkout(&it.plugin);
        std::fs::write(it.plugin.join("README.md"), "newer").unwrap();
        if newer {
            std::fs::write(it.plugin.join("src/file"), "newer").unwrap();
        }
        it.nvim.feed(":GPT install<CR>").await;
        let told = if newer {
            "This checkout is newer than the last release."
        } else {
            "Installed: "
        };
        it.nvim.wait_screen_contains(told).await;
        assert_eq!(server.requests().is_empty(), newer);
    }
}

#[tokio::test]
async fn a_build_that_is_stopped_ends_with_all_that_it_started() {
    let server = without_release().await;
    let it = Installing::with(&server, Home::new(), &TOOLS, "").await;
    let pid = it.home.path().join("pid");
    let script = format!(
        "#!/bin/sh\necho '   Compiling gpt-nvim v{VERSION}' >&2\nsleep 600 &\necho $! >'{}'\nwait\n",
        pid.display()
    );
    executable(&it.home.path().join("tools/cargo"), &script);
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Compiling gpt-nvim").await;
    it.nvim.feed(":GPT! install<CR>").await;
    it.nvim.wait_screen_contains("The installation was stopped").await;
    let pid: u32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let status = format!("/proc/{pid}/stat");
    crate::support::wait::until("the compiler's end", || {
        std::fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "))
    })
    .await;
}

/// A clone as vim-plug makes it: of the newest commit alone, without the tags of older ones.
#[tokio::test]
async fn a_shallow_clone_fetches_the_tag_and_takes_the_release() {
    let home = Home::new();
    let server = published(&home).await;
    let origin = home.path().join("origin");
    std::fs::create_dir(&origin).unwrap();
    checkout(&origin);
    let git = |folder: &std::path::Path, arguments: &[&str]| {
        run(std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@localhost", "-C"])
            .arg(folder)
            .args(arguments));
    };
    git(&origin, &["commit", "-q", "--allow-empty", "-m", "newer words"]);
    let (plugin, path) = (plugin(&home), path_with(&home, &TOOLS));
    let from = format!("file://{}", origin.display());
    git(&plugin, &["init", "-q"]);
    git(&plugin, &["remote", "add", "origin", &from]);
    git(&plugin, &["fetch", "-q", "--depth=1", "--no-tags", "origin", "HEAD"]);
    git(&plugin, &["checkout", "-q", "FETCH_HEAD"]);
    let nvim = editor(&server, &home, &plugin, &path, "").start().await;
    nvim.feed(":GPT install<CR>").await;
    nvim.wait_screen_contains("Installed: ").await;
}
