//! `:GPT install` of a release, from a scripted release server on loopback.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::support::answer::{Answer, Step};
use crate::support::home::Home;
use crate::support::installation::*;
use crate::support::server::{Request, Server};
use crate::support::tls::{Authority, TlsServer};

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
async fn a_slow_server_is_waited_for() {
    let home = Home::new();
    let server = published_as(&home, |bytes| {
        let middle = bytes.len() / 2;
        beginning(bytes, middle, [Step::wait_for("later"), Step::bytes(&bytes[middle..])])
    })
    .await;
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
    let server = published(&home).await;
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
    let server = published(&home).await;
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
    let server = published_as(&home, |bytes| beginning(bytes, bytes.len() / 2, [Step::Close])).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("could not be downloaded whole").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let home = Home::new();
    let server = published_as(&home, |bytes| beginning(bytes, 10, [Step::Stall])).await;
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
async fn an_installation_can_be_stopped_and_leaves_nothing() {
    let home = Home::new();
    let server = published_as(&home, |bytes| beginning(bytes, 10, [Step::wait_for("never")])).await;
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
    let server = published_as(&home, |bytes| {
        beginning(bytes, 0, [Step::wait_for("both"), Step::bytes(bytes)])
    })
    .await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    let second = it.second(&server).await;
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
async fn a_question_while_the_program_is_being_installed_says_so() {
    let home = Home::new();
    let server = published_as(&home, |bytes| beginning(bytes, 10, [Step::wait_for("never")])).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPTChat why<CR>").await;
    it.nvim.wait_screen_contains("Run: :GPT install").await;
    it.nvim.wait_screen_contains("Install it now?").await;
    it.nvim.feed("1<CR>").await;
    server.reached("never").await;
    it.nvim.wait_screen_contains("Downloading the program: 0.0 MB.").await;
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

#[tokio::test]
async fn the_first_chat_without_a_program_offers_to_install_it_and_can_then_be_used() {
    let home = Home::new();
    let bytes = archive(&home, &program_of(env!("CARGO_BIN_EXE_gpt-nvim")));
    let server = released(body(&bytes), sums(&home, &bytes)).await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPTChat How do I choose a model?<CR>").await;
    it.nvim.wait_screen_contains("Install it now?").await;
    it.nvim.feed("1<CR>").await;
    it.nvim.wait_screen_contains("Installed: ").await;
    it.nvim.wait_screen_contains(" guide/manual ").await;
    it.nvim.feed("<C-s>").await;
    it.nvim.wait_screen_contains("## guide/manual").await;
}

#[tokio::test]
async fn an_installation_that_was_declined_is_offered_once() {
    let (it, server) = whole(&TOOLS, "").await;
    it.nvim.feed(":GPTChat<CR>").await;
    it.nvim.wait_screen_contains("Install it now?").await;
    it.nvim.feed("2<CR>").await;
    let is_asked = || it.nvim.screen().contains("Install it now?");
    crate::support::wait::until("the end of the question", || !is_asked()).await;
    it.nvim.feed("<Esc>q:GPTChat why so<CR>").await;
    it.nvim.wait_screen_contains("why so").await;
    it.nvim.wait_screen_contains("Run: :GPT install").await;
    assert!(!is_asked());
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn an_editor_that_dies_in_the_middle_leaves_nothing_that_could_be_run() {
    let home = Home::new();
    let server = published_as(&home, |bytes| {
        beginning(bytes, 100, [Step::wait_for("later"), Step::bytes(&bytes[100..])])
    })
    .await;
    let it = Installing::with(&server, home, &TOOLS, "").await;
    it.nvim.feed(":GPT install<CR>").await;
    server.reached("later").await;
    it.nvim.kill9().await;
    assert!(it.installed().iter().all(|name| name.starts_with(".installing-")));
    server.open("later");
    crate::support::wait::until("the end of what it had started", || it.nvim.processes().is_empty()).await;
    // A day later.
    let left = it.plugin.join("bin").join(&it.installed()[0]);
    run(Command::new("touch").args(["-d", "2 days ago"]).arg(left));
    let second = it.second(&server).await;
    second.feed(":GPT install<CR>").await;
    second.wait_screen_contains("Installed: ").await;
    assert_eq!(it.installed(), ["gpt-nvim"]);
}

#[tokio::test]
async fn a_full_disk_is_told_before_anything_is_downloaded() {
    let home = Home::new();
    let server = published(&home).await;
    let (plugin, path) = (plugin(&home), path_with(&home, &TOOLS));
    let nvim = editor(&server, &home, &plugin, &path, "")
        .init("vim.uv.fs_statfs = function() return { bavail = 3, bsize = 1000000 } end")
        .start()
        .await;
    nvim.feed(":GPT install<CR>").await;
    nvim.wait_screen_contains("Only 3.0 MB are free in ").await;
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_disk_that_becomes_full_is_told_with_the_tools_own_words() {
    let home = Home::new();
    let server = published(&home).await;
    let tools: Vec<&str> = TOOLS.into_iter().filter(|tool| *tool != "curl").collect();
    let it = Installing::with(&server, home, &tools, "").await;
    let full = "#!/bin/sh\ncat >/dev/null\necho 'curl: (23) No space left on device' >&2\nexit 23\n";
    executable(&it.home.path().join("tools/curl"), full);
    it.nvim.feed(":GPT install<CR>").await;
    it.nvim.wait_screen_contains("Nothing can be written into ").await;
    assert_eq!(it.installed(), [""; 0]);
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_knows_is_not_believed_until_ca_file_names_it() {
    let home = Home::new();
    let server = published(&home).await;
    let authority = Authority::of_itself(&["localhost"]);
    let tls = TlsServer::before(server.address(), &authority, "localhost").await;
    let file = home.write("ca.pem", authority.pem());
    let (plugin, path) = (plugin(&home), path_with(&home, &TOOLS));
    let url = format!("https://localhost:{}/owner/gpt.nvim", tls.address().port());
    for (ca_file, told) in [
        (String::new(), "The server's certificate is not trusted."),
        (format!("ca_file = '{}'", file.display()), "Installed: "),
    ] {
        let nvim = editor(&server, &home, &plugin, &path, "")
            .config(format!(
                "{{ install = {{ url = '{url}' }}, network = {{ {ca_file} }} }}"
            ))
            .start()
            .await;
        nvim.feed(":GPT install<CR>").await;
        nvim.wait_screen_contains(told).await;
    }
}
