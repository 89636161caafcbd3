//! `:GPT install` and `build.lua`, against a scripted release server on loopback.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::answer::{Answer, Step};
use crate::support::nvim::{Builder, Home, Nvim};
use crate::support::server::{Request, Server};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What an installation needs of the machine, without cargo.
const TOOLS: [&str; 10] = [
    "curl",
    "tar",
    "gzip",
    "sha256sum",
    "sh",
    "git",
    "sleep",
    "cat",
    "mkdir",
    "cp",
];

/// The target of this machine, as releases name it.
fn target() -> String {
    let system = if cfg!(target_os = "macos") {
        "apple-darwin"
    } else {
        "unknown-linux-musl"
    };
    format!("{}-{system}", std::env::consts::ARCH)
}

fn name() -> String {
    format!("gpt-nvim-{VERSION}-{}", target())
}

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A program that says a version, as ours does.
fn program(version: &str) -> String {
    format!("#!/bin/sh\necho 'gpt-nvim {version}'\n")
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// The archive of a release with this program in it.
fn archive(home: &Home, program: &str) -> Vec<u8> {
    let folder = home.path().join("release").join(name());
    std::fs::create_dir_all(&folder).unwrap();
    executable(&folder.join("gpt-nvim"), program);
    std::fs::write(folder.join("LICENSE"), "as it says").unwrap();
    packed(home)
}

fn packed(home: &Home) -> Vec<u8> {
    let folder = home.path().join("release");
    let path = home.path().join("release.tar.gz");
    run(Command::new("tar")
        .arg("-czf")
        .arg(&path)
        .arg("-C")
        .arg(&folder)
        .arg(name()));
    std::fs::read(path).unwrap()
}

fn sum_of(home: &Home, bytes: &[u8]) -> String {
    let path = home.path().join("summed");
    std::fs::write(&path, bytes).unwrap();
    let output = run(Command::new("sha256sum").arg(path));
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// The text of SHA256SUMS.
fn sums(home: &Home, bytes: &[u8]) -> String {
    format!(
        "{}  other.tar.gz\n{}  {}.tar.gz\n",
        "0".repeat(64),
        sum_of(home, bytes),
        name()
    )
}

fn body(bytes: &[u8]) -> Answer {
    Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(bytes),
    ])
}

fn missing() -> Answer {
    Answer::html(404, "Not Found")
}

/// A server with the release; `archive_answer` is what it says to whoever asks for the archive.
async fn released(archive_answer: Answer, sums: String) -> Server {
    let folder = format!("/owner/gpt.nvim/releases/download/v{VERSION}/");
    Server::start(move |request: &Request| match request.path.strip_prefix(&folder) {
        Some("SHA256SUMS") => body(sums.as_bytes()),
        Some(file) if file == format!("{}.tar.gz", name()) => archive_answer.clone(),
        _ => missing(),
    })
    .await
}

/// A plugin's folder without a program, as a plugin manager has cloned it.
fn plugin(home: &Home) -> PathBuf {
    let plugin = home.path().join("plugin");
    std::fs::create_dir(&plugin).unwrap();
    for part in ["lua", "plugin", "build.lua"] {
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(part), plugin.join(part)).unwrap();
    }
    plugin
}

/// A `PATH` with nothing but these programs.
fn path_with(home: &Home, tools: &[&str]) -> PathBuf {
    let folder = home.path().join("tools");
    std::fs::create_dir_all(&folder).unwrap();
    for tool in tools {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join(tool))
            .find(|path| path.is_file());
        symlink(found.unwrap_or_else(|| panic!("no {tool}")), folder.join(tool)).unwrap();
    }
    folder
}

struct Installing {
    nvim: Nvim,
    plugin: PathBuf,
    home: Home,
}

impl Installing {
    async fn with(server: &Server, home: Home, tools: &[&str], more: &str) -> Installing {
        let plugin = plugin(&home);
        let path = path_with(&home, tools);
        let url = format!("{}/owner/gpt.nvim", server.url());
        let nvim = Builder::default()
            .home(&home)
            .plugin(&plugin)
            .env("PATH", path.display().to_string())
            .config(format!("{{ install = {{ url = '{url}' }}, {more} }}"))
            .size(160, 24)
            .start()
            .await;
        Installing { nvim, plugin, home }
    }

    fn binary(&self) -> PathBuf {
        self.plugin.join("bin/gpt-nvim")
    }

    /// What lies in the folder of the program.
    fn installed(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.plugin.join("bin")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// An installation of a release that is as it should be.
async fn whole(tools: &[&str], more: &str) -> (Installing, Server) {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let installing = Installing::with(&server, home, tools, more).await;
    (installing, server)
}

#[tokio::test]
async fn a_release_is_downloaded_checked_and_put_in_its_place() {
    let (it, server) = whole(&TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Installed: ").await;
    let output = run(&mut Command::new(it.binary()));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("gpt-nvim {VERSION}\n"));
    assert_eq!(it.installed(), ["gpt-nvim"]);
    assert_eq!(server.requests().len(), 2);
    assert!(
        it.nvim
            .lua_bool("return require('gpt.client').binary() ~= nil", &[])
            .await
    );
}

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
    let nvim = Builder::default()
        .home(&home)
        .plugin(&plugin)
        .env("PATH", path.display().to_string())
        .env("REAL_CURL", curl.display().to_string())
        .config(format!(
            "{{ install = {{ url = '{}/owner/gpt.nvim' }}, {more} }}",
            server.url()
        ))
        .size(160, 24)
        .start()
        .await;
    Installing { nvim, plugin, home }
}

#[tokio::test]
async fn a_release_comes_by_powershell_where_there_is_neither_curl_nor_wget_and_its_arguments_hold_no_secret() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
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
    let server = Server::start(|_: &Request| missing()).await;
    let it = with_powershell(&server, home, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("there is no cargo here").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn wget_is_told_no_password_of_a_proxy_and_what_it_brought_is_built_instead() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let mut tools = TOOLS.to_vec();
    tools[0] = "wget";
    let it = Installing::with(
        &server,
        home,
        &tools,
        "network = { proxy = 'http://me:pa55word@127.0.0.1:1' }",
    )
    .await;
    cargo(&it);
    std::fs::write(it.home.path().join("go"), "").unwrap();
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("wget cannot be told").await;
    let built = it.plugin.join("target/release/gpt-nvim");
    crate::support::wait::until("the build's end", || built.exists()).await;
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let middle = bytes.len() / 2;
    let slow = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(&bytes[..middle]),
        Step::wait_for("later"),
        Step::bytes(&bytes[middle..]),
    ]);
    let server = released(slow, sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    server.reached("later").await;
    assert!(!it.binary().exists());
    server.open("later");
    it.nvim.wait_screen_contains("Installed: ").await;
    assert_eq!(it.installed(), ["gpt-nvim"]);
}

#[tokio::test]
async fn an_update_replaces_an_older_program_that_runs_and_that_goes_on() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    std::fs::create_dir(it.plugin.join("bin")).unwrap();
    std::fs::copy("/bin/sleep", it.binary()).unwrap();
    std::fs::set_permissions(it.binary(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut older = Command::new(it.binary()).arg("600").spawn().unwrap();
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Installed: ").await;
    let output = run(&mut Command::new(it.binary()));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("gpt-nvim {VERSION}\n"));
    assert!(older.try_wait().unwrap().is_none(), "the older one goes on");
    older.kill().unwrap();
    older.wait().unwrap();
}

#[tokio::test]
async fn a_release_that_is_redirected_is_followed() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let real = released(body(&bytes), sums(&home, &bytes)).await;
    let url = real.url();
    let server = Server::start(move |request: &Request| {
        Answer::new([
            Step::Status(302),
            Step::header("Location", &format!("{url}{}", request.path)),
            Step::header("Content-Length", "0"),
        ])
    })
    .await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Installed: ").await;
    assert_eq!(it.installed(), ["gpt-nvim"]);
}

#[tokio::test]
async fn a_download_whose_sum_is_wrong_is_thrown_away_and_an_older_program_stays() {
    let home = Home::new();
    let bytes = archive(&home, "#!/bin/sh\ntouch \"$HOME/ran\"\n");
    let server = released(body(&bytes), format!("{}  {}.tar.gz\n", "a".repeat(64), name())).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    std::fs::create_dir(it.plugin.join("bin")).unwrap();
    executable(&it.binary(), "old");
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("has not the release's SHA-256 sum").await;
    assert_eq!(it.installed(), ["gpt-nvim"]);
    assert_eq!(std::fs::read_to_string(it.binary()).unwrap(), "old");
    assert!(!it.home.path().join("home/ran").exists());
}

#[tokio::test]
async fn a_sum_that_the_checkout_knows_counts_more_than_the_servers() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    let known = format!("{}  {}.tar.gz\n", "b".repeat(64), name());
    std::fs::write(it.plugin.join("SHA256SUMS"), known).unwrap();
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("has not the release's SHA-256 sum").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn a_download_that_breaks_off_is_told_and_leaves_nothing() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let cut = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(&bytes[..bytes.len() / 2]),
        Step::Close,
    ]);
    let server = released(cut, sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("could not be downloaded whole").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let silent = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(&bytes[..10]),
        Step::Stall,
    ]);
    let server = released(silent, sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "network = { idle_timeout = 1 }").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("could not be downloaded whole").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn an_archive_larger_than_any_release_is_not_taken() {
    let home = Home::new();
    let endless = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", "100000000"),
        Step::bytes("x"),
        Step::Stall,
    ]);
    let server = released(endless, String::new()).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("is larger than any release").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn an_archive_whose_program_is_a_link_is_refused() {
    let home = Home::new();
    let folder = home.path().join("release").join(name());
    std::fs::create_dir_all(&folder).unwrap();
    symlink("/bin/sh", folder.join("gpt-nvim")).unwrap();
    let bytes = packed(&home);
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("does not hold the program").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn a_program_of_another_version_is_not_installed() {
    let home = Home::new();
    let bytes = archive(&home, &program("9.9.9"));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("does not run on this machine").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn without_a_release_and_without_cargo_both_ways_out_are_named() {
    let home = Home::new();
    let server = Server::start(|_: &Request| missing()).await;
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
fn cargo(it: &Installing) {
    let script = format!(
        "#!/bin/sh\necho '   Compiling gpt-nvim v{VERSION}' >&2\n\
         while ! [ -e '{home}/go' ]; do sleep 0.05; done\n\
         mkdir -p '{plugin}/target/release'\n\
         cp '{home}/built' '{plugin}/target/release/gpt-nvim'\n",
        home = it.home.path().display(),
        plugin = it.plugin.display()
    );
    executable(&it.home.path().join("built"), &program(VERSION));
    executable(&it.home.path().join("tools/cargo"), &script);
}

#[tokio::test]
async fn without_a_release_cargo_builds_and_says_how_far_it_is() {
    let home = Home::new();
    let server = Server::start(|_: &Request| missing()).await;
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
    let server = Server::start(|_: &Request| missing()).await;
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
    let server = Server::start(|_: &Request| missing()).await;
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
async fn an_installation_can_be_stopped_and_leaves_nothing() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let slow = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(&bytes[..10]),
        Step::wait_for("never"),
    ]);
    let server = released(slow, sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    server.reached("never").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains(":GPT! install stops that.").await;
    it.nvim.feed(":GPT! install<CR>").await;
    it.nvim.wait_screen_contains("The installation was stopped").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn two_neovims_that_install_at_once_leave_one_whole_program() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let gated = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::wait_for("both"),
        Step::bytes(&bytes),
    ]);
    let server = released(gated, sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    let second = Builder::default()
        .home(&it.home)
        .plugin(&it.plugin)
        .env("PATH", it.home.path().join("tools").display().to_string())
        .config(format!("{{ install = {{ url = '{}/owner/gpt.nvim' }} }}", server.url()))
        .size(160, 24)
        .start()
        .await;
    for nvim in [&it.nvim, &second] {
        nvim.feed(":GPT install<CR>").await;
    }
    crate::support::wait::until("both downloads", || server.requests().len() == 2).await;
    server.open("both");
    for nvim in [&it.nvim, &second] {
        nvim.wait_screen_contains("Installed: ").await;
    }
    assert_eq!(it.installed(), ["gpt-nvim"]);
    run(&mut Command::new(it.binary()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let (it, _server) = whole(&TOOLS, "").await;
    // A file where the folder should be: nobody can write there, root neither.
    std::fs::write(it.plugin.join("bin"), "").unwrap();
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Nothing can be written into").await;
}

#[tokio::test]
async fn a_proxys_password_stands_in_no_argument() {
    let home = Home::new();
    let server = Server::start(|_: &Request| missing()).await;
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

/// The plugin's folder as a checkout of git, with the release's tag.
fn checkout(plugin: &Path) {
    for part in ["src", "data"] {
        std::fs::create_dir(plugin.join(part)).unwrap();
        std::fs::write(plugin.join(part).join("file"), "released").unwrap();
    }
    let git = |arguments: &[&str]| {
        run(Command::new("git")
            .arg("-C")
            .arg(plugin)
            .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
            .args(arguments));
    };
    git(&["init", "-q"]);
    git(&["add", "src", "data"]);
    git(&["commit", "-q", "-m", "released"]);
    git(&["tag", &format!("v{VERSION}")]);
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
async fn the_address_comes_from_the_remote_without_its_token() {
    let nvim = crate::nvim().start().await;
    let of = "return require('gpt.client.install.address').of_remote(...) or ''";
    for (remote, expected) in [
        ("https://github.com/o/gpt.nvim.git", "https://github.com/o/gpt.nvim"),
        ("https://u:t0ken@github.com/o/r/", "https://github.com/o/r"),
        ("http://github.com/o/r", "https://github.com/o/r"),
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("ssh://git@host.example:2222/o/r.git", "https://host.example/o/r"),
        ("git://host.example/~o/r", "https://host.example/~o/r"),
        ("http://127.0.0.1:81/o/r", "http://127.0.0.1:81/o/r"),
        ("/srv/git/r.git", ""),
        ("../r", ""),
        ("file:///srv/git/r", ""),
        ("C:\\r", ""),
        ("ext::sh -c x", ""),
        ("https://-oProxy/o/r", ""),
        ("https://host/../../r", ""),
        ("https://host/o/r\"\noutput = x", ""),
        ("", ""),
    ] {
        assert_eq!(nvim.lua_string(of, &[remote.into()]).await, expected, "{remote}");
    }
}

#[tokio::test]
async fn an_address_without_tls_or_with_a_name_before_its_host_is_refused() {
    for url in [
        "http://example.com/o/r",
        "http://127.0.0.1:80@example.com/o",
        "https://name:word@example.com/o",
        "https://example.com/o?token=x",
    ] {
        let config = format!("{{ install = {{ url = '{url}' }} }}");
        let nvim = crate::nvim().config(config).size(160, 24).start().await;
        nvim.feed(":GPT install<CR>").await;
        nvim.wait_screen_contains("install.url must be an https address.").await;
    }
}

#[tokio::test]
async fn in_a_neovim_that_git_started_the_plugins_own_checkout_is_asked() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let plugin = plugin(&home);
    checkout(&plugin);
    let set = |folder: &Path, name: &str, value: &str| {
        run(Command::new("git").arg("-C").arg(folder).args(["config", name, value]));
    };
    set(
        &plugin,
        "remote.origin.url",
        &format!("{}/owner/gpt.nvim", server.url()),
    );
    let project = home.path().join("project");
    std::fs::create_dir(&project).unwrap();
    run(Command::new("git").arg("-C").arg(&project).args(["init", "-q"]));
    set(&project, "remote.origin.url", "http://127.0.0.1:1/hostile/project");
    let marker = home.path().join("ran");
    set(&project, "core.fsmonitor", &format!("touch {}", marker.display()));
    let nvim = Builder::default()
        .home(&home)
        .plugin(&plugin)
        .directory(&project)
        .env("PATH", path_with(&home, &TOOLS).display().to_string())
        .env("GIT_DIR", project.join(".git").display().to_string())
        .env("GIT_WORK_TREE", project.display().to_string())
        .env("GIT_INDEX_FILE", project.join(".git/index").display().to_string())
        .size(160, 24)
        .start()
        .await;
    nvim.feed(":GPT install<CR>").await;
    nvim.wait_screen_contains("Installed: ").await;
    assert!(!marker.exists());
}

#[tokio::test]
async fn an_archive_that_unpacks_without_end_is_ended_and_taken_away() {
    let home = Home::new();
    let folder = home.path().join("release").join(name());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::File::create(folder.join("gpt-nvim"))
        .unwrap()
        .set_len(384 << 20)
        .unwrap();
    let bytes = packed(&home);
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("does not hold the program").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn a_question_while_the_program_is_being_installed_says_so() {
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let slow = Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(&bytes[..10]),
        Step::wait_for("never"),
    ]);
    let server = released(slow, sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPTChat why<CR>").await;
    it.nvim.wait_screen_contains("Run: :GPT install").await;
    it.nvim.feed(":GPT install<CR>").await;
    server.reached("never").await;
    it.nvim.feed(":GPTChat why<CR>").await;
    it.nvim.wait_screen_contains("It is being installed already.").await;
    let told = it
        .nvim
        .lua_string("return table.concat({ require('gpt.client').missing() }, '|')", &[])
        .await;
    assert_eq!(told, "It is being installed already.|:GPT! install stops that.");
    it.nvim.feed(":GPT! install<CR>").await;
    it.nvim.wait_screen_contains("The installation was stopped").await;
    let told = it
        .nvim
        .lua_string("return (select(2, require('gpt.client').missing()))", &[])
        .await;
    assert!(told.contains(":GPT install"), "{told}");
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
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let (plugin, output) = build_by_hand(&server, &home).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("bin/gpt-nvim"), "{told}");
    run(&mut Command::new(plugin.join("bin/gpt-nvim")));
}

#[tokio::test]
async fn the_build_script_fails_with_what_to_do() {
    let home = Home::new();
    let server = Server::start(|_: &Request| missing()).await;
    let (_, output) = build_by_hand(&server, &home).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("rustup.rs"), "{told}");
}

#[tokio::test]
async fn a_program_of_another_protocol_is_told_of_with_the_command_that_mends_it() {
    let nvim = crate::nvim().size(160, 24).start().await;
    nvim.lua("require('gpt.client.version').protocol = 2^31", &[]).await;
    nvim.feed(":GPTChat<CR>").await;
    nvim.wait_screen_contains("are not of the same version").await;
    nvim.wait_screen_contains(":GPT install").await;
}

#[tokio::test]
async fn the_two_sides_say_the_same_versions() {
    let nvim = crate::nvim().start().await;
    let plugin = nvim
        .lua_string("return require('gpt.client.version').plugin", &[])
        .await;
    let protocol = nvim.lua_i64("return require('gpt.client.version').protocol", &[]).await;
    assert_eq!(plugin, VERSION);
    assert_eq!(protocol, i64::from(gpt_nvim::editor::event::PROTOCOL));
}

/// What lazy.nvim says while it installs.
#[tokio::test]
async fn lazy_nvim_installs_the_program_with_its_default_settings() {
    let Some(lazy) = std::env::var_os("GPT_LAZY") else {
        eprintln!("skipped: GPT_LAZY names no checkout of lazy.nvim");
        return;
    };
    let home = Home::new();
    let bytes = archive(&home, &program(VERSION));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let project = env!("CARGO_MANIFEST_DIR");
    let clone = home.path().join("gpt.nvim");
    run(Command::new("git")
        .args(["clone", "-q", "--no-hardlinks", project])
        .arg(&clone));
    run(Command::new("git")
        .arg("-C")
        .arg(&clone)
        .args(["tag", "-f", &format!("v{VERSION}")]));
    let init = format!(
        "vim.g.gpt = {{ install = {{ url = '{url}/owner/gpt.nvim' }} }}
         vim.opt.runtimepath:prepend([[{lazy}]])
         require('lazy').setup({{ {{ url = [[{clone}]], name = 'gpt.nvim' }} }}, {{ rocks = {{ enabled = false }} }})",
        url = server.url(),
        lazy = lazy.display(),
        clone = clone.display()
    );
    let init_file = home.write("lazy-init.lua", init);
    let output = tokio::process::Command::new(crate::support::nvim::program())
        .arg("--headless")
        .arg("-u")
        .arg(init_file)
        .args(["+Lazy! install", "+qa"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
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
async fn the_release_workflow_builds_every_target_that_is_asked_for() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workflow = std::fs::read_to_string(project.join(".github/workflows/release.yml")).unwrap();
    let nvim = crate::nvim().start().await;
    let of = "return require('gpt.client.install.address').target({ sysname = ..., machine = select(2, ...) }) or ''";
    for (system, machine) in [
        ("Linux", "x86_64"),
        ("Linux", "aarch64"),
        ("Darwin", "x86_64"),
        ("Darwin", "arm64"),
        ("Windows_NT", "x86_64"),
    ] {
        let target = nvim.lua_string(of, &[system.into(), machine.into()]).await;
        assert!(workflow.contains(&format!("- target: {target}\n")), "{target}");
    }
    assert_eq!(nvim.lua_string(of, &["FreeBSD".into(), "amd64".into()]).await, "");
}

#[test]
fn a_release_is_refused_where_its_versions_do_not_agree() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check-release");
    for (tag, told) in [
        ("v99.0.0", "Cargo.toml says"),
        ("0.1.0", "A release's tag is v and the version"),
    ] {
        let output = Command::new(&script).arg(tag).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(told), "{tag}: {said}");
    }
}
