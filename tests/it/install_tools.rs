//! What `:GPT install` downloads with: curl, wget or PowerShell, none of which gets a secret as an argument.

use crate::support::home::Home;
use crate::support::installation::*;
use crate::support::server::Server;

#[tokio::test]
async fn a_release_comes_by_wget_where_there_is_no_curl() {
    let mut tools = TOOLS.to_vec();
    tools[0] = "wget";
    let (it, _server) = whole(&tools, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Installed: ").await;
    assert_eq!(it.installed(), ["gpt-nvim"]);
}

/// A PowerShell that does what the script on its input says, by curl.
const POWERSHELL: &str = r#"#!/bin/sh
echo "$@" >"$HOME/arguments"
cat >"$HOME/script"
uri=$(sed -n "s/.*-Uri '\([^']*\)'.*/\1/p" "$HOME/script")
file=$(sed -n "s/.*-OutFile '\([^']*\)'.*/\1/p" "$HOME/script")
status=$("$REAL_CURL" --silent --noproxy '*' --output "$file" --write-out '%{http_code}' "$uri") || exit 6
case $status in 200) exit 0 ;; 404) rm -f "$file"; exit 44 ;; *) exit 1 ;; esac
"#;

/// An editor in whose `PATH` PowerShell is all that downloads.
async fn with_powershell(server: &Server, home: Home, more: &str) -> Installing {
    let mut tools = TOOLS.to_vec();
    tools[0] = "sed";
    tools.push("rm");
    let plugin = plugin(&home);
    let path = path_with(&home, &tools);
    executable(&path.join("powershell"), POWERSHELL);
    let curl = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("curl"))
        .find(|path| path.is_file())
        .unwrap();
    let nvim = editor(server, &home, &plugin, &path, more)
        .env("REAL_CURL", curl.display().to_string())
        .start()
        .await;
    Installing { nvim, plugin, home }
}

#[tokio::test]
async fn a_release_comes_by_powershell_where_there_is_neither_curl_nor_wget_and_its_arguments_hold_no_secret() {
    let home = Home::new();
    let server = published(&home).await;
    let it = with_powershell(&server, home, "network = { proxy = 'http://me:pa%27ss@127.0.0.1:1' }").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Installed: ").await;
    assert_eq!(it.installed(), ["gpt-nvim"]);
    let read = |name: &str| std::fs::read_to_string(it.home.path().join("home").join(name)).unwrap();
    assert_eq!(read("arguments"), "-NoProfile -NonInteractive -Command -\n");
    let script = read("script");
    for part in [
        "-Proxy 'http://127.0.0.1:1'",
        "ConvertTo-SecureString 'pa''ss' -AsPlainText",
        "PSCredential('me', $word)",
        "-ProxyCredential $who",
    ] {
        assert!(script.contains(part), "no {part} in {script}");
    }
}

#[tokio::test]
async fn without_a_release_for_powershell_cargo_builds() {
    let home = Home::new();
    let server = without_release().await;
    let it = with_powershell(&server, home, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("there is no cargo here").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn wget_is_told_no_password_of_a_proxy_and_what_it_brought_is_built_instead() {
    let home = Home::new();
    let server = published(&home).await;
    let mut tools = TOOLS.to_vec();
    tools[0] = "wget";
    let it = Installing::with(
        &server,
        home,
        &tools,
        "network = { proxy = 'http://me:pa55word@127.0.0.1:1' }",
    )
    .await;
    crate::install_build::cargo(&it);
    std::fs::write(it.home.path().join("go"), "").unwrap();
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("wget cannot be told").await;
    let built = it.plugin.join("target/release/gpt-nvim");
    crate::support::wait::until("the build's end", || built.exists()).await;
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_proxys_password_stands_in_no_argument() {
    let home = Home::new();
    let server = without_release().await;
    let more = "network = { proxy = 'http://user:pa55word@127.0.0.1:1' }";
    let tools: Vec<&str> = TOOLS.into_iter().filter(|tool| *tool != "curl").collect();
    let it = Installing::with(&server, home, &tools, more).await;
    let seen = it.home.path().join("seen");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >'{seen}'\ncat >'{seen}.input'\nexit 7\n",
        seen = seen.display()
    );
    executable(&it.home.path().join("tools/curl"), &script);
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("cannot be reached").await;
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "--config -\n");
    let input = std::fs::read_to_string(it.home.path().join("seen.input")).unwrap();
    assert!(input.contains("pa55word"), "{input}");
}

/// What a program started may hold its output open; the program itself has ended, or is ended.
#[tokio::test]
async fn a_program_whose_child_holds_its_output_open_is_given_up_after_its_time() {
    let (it, _server) = whole(&TOOLS, "").await;
    // Before 0.11 the end of the program itself is enough.
    let waits = it.nvim.lua_bool("return vim.fn.has('nvim-0.11') == 1", &[]).await;
    let held = waits.then_some("sleep 60 & exit 0");
    for command in ["sleep 60 & sleep 60", "trap '' TERM; sleep 60"]
        .into_iter()
        .chain(held)
    {
        it.nvim
            .lua(
                "local command, begun = ..., vim.uv.hrtime()
                 _G.ended, _G.problem = nil, nil
                 require('gpt.client.install.task').start(function(task)
                   _G.ended = task:system({ 'sh', '-c', command }, { text = true, timeout = 300 })
                   _G.took = (vim.uv.hrtime() - begun) / 1e6
                 end, function(problem) _G.problem = problem or false end)",
                &[command.into()],
            )
            .await;
        it.nvim.wait_lua("return _G.problem ~= nil").await;
        let took = it.nvim.lua_i64("return math.floor(_G.took)", &[]).await;
        assert!((300..10_000).contains(&took), "{command}: {took} ms");
        assert!(
            it.nvim
                .lua_bool("return ended.code == 124 and problem == false", &[])
                .await,
            "{command}"
        );
    }
}
