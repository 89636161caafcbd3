//! `build.lua`: run by hand, by lazy.nvim, and by `vim.pack`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::home::Home;
use crate::support::installation::*;
use crate::support::server::Server;

/// Runs `nvim -l build.lua` in a plugin's folder.
async fn build_by_hand(server: &Server, home: &Home) -> (PathBuf, Output) {
    let plugin = plugin(home);
    let tools = path_with(home, &TOOLS);
    let url = format!("{}/owner/gpt.nvim", server.url());
    let nvim = crate::support::nvim::program();
    let mut command = tokio::process::Command::new(nvim);
    command
        .args(["--clean", "--cmd"])
        .arg(format!("lua vim.g.gpt = {{ install = {{ url = '{url}' }} }}"))
        .args(["-l", "build.lua"])
        .current_dir(&plugin)
        .env("PATH", tools)
        .env("HOME", home.path())
        .env("LC_ALL", "C.UTF-8");
    (plugin, command.output().await.unwrap())
}

#[tokio::test]
async fn the_build_script_installs_by_hand_and_says_how_it_ended() {
    let home = Home::new();
    let server = published(&home).await;
    let (plugin, output) = build_by_hand(&server, &home).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("bin/gpt-nvim"), "{told}");
    run(&mut Command::new(plugin.join("bin/gpt-nvim")));
}

#[tokio::test]
async fn the_build_script_fails_with_what_to_do() {
    let home = Home::new();
    let server = without_release().await;
    let (_, output) = build_by_hand(&server, &home).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("rustup.rs"), "{told}");
}

/// The repository as users clone it, with the release's tag; git takes it where it is told the README's address.
fn repository_of_the_readme(home: &Home) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let origin = home.path().join("origin");
    std::fs::create_dir(&origin).unwrap();
    run(Command::new("cp")
        .arg("-r")
        .args(["lua", "plugin", "build.lua"].map(|part| project.join(part)))
        .arg(&origin));
    checkout(&origin);
    let pack = snippet("`vim.pack`");
    let url = pack.split('"').find(|part| part.starts_with("https://")).unwrap();
    let address = format!(
        "[url \"file://{}\"]\n\tinsteadOf = {url}.git\n\tinsteadOf = {url}\n",
        origin.display()
    );
    home.write(".gitconfig", address + "[protocol \"file\"]\n\tallow = always\n");
}

/// The Lua of the README that stands after these words.
fn snippet(after: &str) -> String {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = readme.split_once(after).unwrap();
    let (_, rest) = rest.split_once("```lua\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn lazy_nvim_installs_the_program_with_its_default_settings() {
    let Some(lazy) = std::env::var_os("GPT_LAZY") else {
        eprintln!("skipped: GPT_LAZY names no checkout of lazy.nvim");
        return;
    };
    let home = Home::new();
    let server = published(&home).await;
    repository_of_the_readme(&home);
    let init = format!(
        "vim.g.gpt = {{ install = {{ url = '{url}' }} }}
         vim.opt.runtimepath:prepend([[{lazy}]])
         require('lazy').setup({{ {spec} }}, {{ rocks = {{ enabled = false }} }})",
        url = repository(&server),
        lazy = lazy.display(),
        spec = snippet("[lazy.nvim]"),
    );
    let init_file = home.write("lazy-init.lua", init);
    let output = tokio::process::Command::new(crate::support::nvim::program())
        .arg("--headless")
        .arg("-u")
        .arg(init_file)
        .args(["+Lazy! install", "+qa"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path().join("home"))
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_STATE_HOME", home.path().join("state"))
        .output()
        .await
        .unwrap();
    let installed = home.path().join("data/nvim/lazy/gpt.nvim/bin/gpt-nvim");
    assert!(
        installed.exists(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn vim_pack_installs_the_program_by_the_snippet_of_the_readme() {
    let home = Home::new();
    let server = published(&home).await;
    repository_of_the_readme(&home);
    let file = home.write("pack.lua", snippet("`vim.pack`"));
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    // Submodules, which vim.pack asks git about, take more programs than we do.
    let path = format!("{}:/usr/bin:/bin", path_with(&home, &TOOLS).display());
    let nvim = editor(&server, &home, &empty, Path::new(&path), "")
        .init("vim.opt.packpath:prepend(vim.fn.stdpath('data') .. '/site')")
        .start()
        .await;
    if nvim.lua_bool("return vim.pack == nil", &[]).await {
        eprintln!("skipped: vim.pack is of Neovim 0.12");
        return;
    }
    nvim.feed(&format!(":luafile {}<CR>", file.display())).await;
    nvim.wait_screen_contains("gpt.nvim").await;
    nvim.feed("y").await;
    let installed = home.path().join("data/nvim/site/pack/core/opt/gpt.nvim/bin/gpt-nvim");
    crate::support::wait::until("the program", || installed.exists()).await;
    nvim.wait_lua("return vim.fn.exists(':GPTChat') == 2").await;
}
