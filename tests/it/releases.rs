//! What a release is: its address, its files, and the versions that have to agree.

use std::path::Path;
use std::process::Command;

use crate::support::home::Home;
use crate::support::installation::*;
use crate::support::nvim::Builder;

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
    let server = published(&home).await;
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
    assert_eq!(protocol, i64::from(gpt_nvim::editor::protocol::PROTOCOL));
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
fn an_archive_holds_the_licences_of_all_that_is_linked_and_says_where_its_source_is() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = Home::new();
    // In a copy: the archive is written beside the sources.
    let copy = home.path().join("project");
    std::fs::create_dir(&copy).unwrap();
    for part in [
        "scripts",
        "src",
        "benches",
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "README.md",
        "CHANGELOG.md",
    ] {
        run(Command::new("cp").arg("-r").arg(project.join(part)).arg(&copy));
    }
    checkout(&copy);
    let binary = home.path().join("gpt-nvim");
    executable(&binary, program(VERSION));
    run(Command::new(copy.join("scripts/package"))
        .arg(target())
        .arg(&binary)
        .env("CARGO_NET_OFFLINE", "true"));
    let archive = copy.join(format!("dist/{}.tar.gz", name()));
    let read = |file: &str| {
        let output = run(Command::new("tar")
            .arg("-xzOf")
            .arg(&archive)
            .arg(format!("{}/{file}", name())));
        String::from_utf8(output.stdout).unwrap()
    };
    let linked = read("THIRD-PARTY.txt");
    for licence in [
        "\nnvim-rs 0.9",
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "\nrusqlite ",
        "\nring ",
        "\nmusl libc\n",
    ] {
        assert!(linked.contains(licence), "no {licence}");
    }
    for foreign in ["\nwindows-sys ", "\njni ", "\nsecurity-framework ", "\nproptest "] {
        assert!(!linked.contains(foreign), "{foreign}");
    }
    assert!(read("GPL-3.0.txt").contains("Version 3, 29 June 2007"));
    assert!(read("RUST-STANDARD-LIBRARY.html").contains("MIT"));
    let source = read("SOURCE.txt");
    assert!(
        source.contains("cargo build --locked --profile dist --target"),
        "{source}"
    );
    assert_eq!(read("gpt-nvim"), program(VERSION));
    read("LICENSE-APACHE");
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
