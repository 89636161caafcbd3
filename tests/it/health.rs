//! `:checkhealth gpt` names each failure that an installation can have, and what to do about it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::*;
use crate::support::home::Home;
use crate::support::installation::{VERSION, executable, plugin, program};
use crate::support::nvim::Builder;

/// Whether these lines stand in the report, in this order.
#[track_caller]
fn tells(report: &str, lines: &[&str]) {
    let mut rest = report;
    for line in lines {
        let found = rest.find(line);
        assert!(found.is_some(), "no {line:?} in\n{report}");
        rest = &rest[found.unwrap()..];
    }
}

/// The plugin in a folder of its own, with this program in its `bin`.
fn plugin_with(home: &Home, program: impl AsRef<[u8]>) -> PathBuf {
    let plugin = plugin(home);
    executable(&plugin.join("bin/gpt-nvim"), program);
    plugin
}

/// What is reported of a program like this.
async fn of_program(program: impl AsRef<[u8]>) -> String {
    let home = Home::new();
    let plugin = plugin_with(&home, program);
    let nvim = Builder::default().home(&home).plugin(plugin).start().await;
    report(&nvim).await
}

/// The head of a program of Linux, for a machine by its number.
fn elf(machine: u8) -> Vec<u8> {
    let mut head = vec![
        0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine, 0,
    ];
    head.resize(128, 0);
    head
}

#[tokio::test]
async fn a_program_that_is_missing_or_may_not_be_run_is_told_with_the_command() {
    let home = Home::new();
    let plugin = plugin_with(&home, "");
    let binary = plugin.join("bin/gpt-nvim");
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o644)).unwrap();
    let editor = || Builder::default().home(&home).plugin(&plugin).env("PATH", "/nowhere");
    let told = report(&editor().start().await).await;
    tells(&told, &["is not a program that may be run.", "chmod +x"]);
    std::fs::remove_file(&binary).unwrap();
    let told = report(&editor().start().await).await;
    tells(&told, &["gpt.nvim's program is not installed yet.", ":GPT install"]);
}

#[tokio::test]
async fn a_program_of_another_machine_is_told_so() {
    let (number, name) = match std::env::consts::ARCH {
        "x86_64" => (183, "aarch64"),
        _ => (62, "x86_64"),
    };
    let told = of_program(elf(number)).await;
    let line = format!(
        "is built for Linux {name}; this machine is Linux {}.",
        std::env::consts::ARCH
    );
    tells(&told, &[&line, "Install it again: :GPT install"]);
    let mut mach = vec![0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1];
    mach.resize(64, 0);
    tells(
        &of_program(mach).await,
        &["is built for Darwin aarch64; this machine is"],
    );
}

#[tokio::test]
async fn a_c_library_that_is_too_old_or_another_one_is_told_so() {
    let old = "#!/bin/sh\necho \"$0: /lib/x86_64-linux-gnu/libc.so.6: version \\`GLIBC_2.38' not found (required by $0)\" >&2\nexit 1\n";
    tells(
        &of_program(old).await,
        &[
            "needs a newer C library than this system has (GLIBC_2.38).",
            ":GPT install",
        ],
    );
    tells(
        &of_program("#!/nowhere/ld-musl.so\n").await,
        &[
            "cannot be loaded: a library that it needs is not on this system.",
            ":GPT install",
        ],
    );
}

#[tokio::test]
async fn a_program_that_is_older_or_newer_than_the_plugin_or_another_one_is_told_so() {
    tells(
        &of_program(program("0.0.9")).await,
        &[
            &format!("of version 0.0.9, older than the plugin ({VERSION})."),
            ":GPT install",
        ],
    );
    tells(
        &of_program(program("99.0.0")).await,
        &[
            &format!("of version 99.0.0, newer than the plugin ({VERSION})."),
            "Update the plugin",
        ],
    );
    tells(
        &of_program("#!/bin/sh\necho hello\n").await,
        &["is another program: it says \"hello\".", ":GPT install"],
    );
    tells(
        &of_program("#!/bin/sh\necho broken >&2\nexit 3\n").await,
        &["does not run (exit code 3).", "broken", ":GPT install"],
    );
}

#[tokio::test]
async fn a_running_program_of_another_protocol_is_told_so() {
    let nvim = crate::nvim().start().await;
    nvim.lua("require('gpt.client.version').protocol = 2^31", &[]).await;
    tells(
        &report(&nvim).await,
        &[
            "The running program and the plugin are not of the same version.",
            ":GPT install",
        ],
    );
}

#[tokio::test]
async fn an_installation_that_is_well_has_no_errors() {
    let home = Home::new();
    let authority = home.write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let nvim = crate::nvim()
        .home(&home)
        .env("SSL_CERT_FILE", authority.display().to_string())
        .env("OPENAI_API_KEY", "sk-1")
        .start()
        .await;
    let told = report(&nvim).await;
    assert!(!told.contains("ERROR"), "{told}");
    tells(&told, &[&format!("gpt-nvim {VERSION}"), "Its folders can be written."]);
    clean(&nvim).await;
}

#[tokio::test]
async fn a_proxy_that_does_not_answer_is_told_wherever_it_is_named() {
    let nvim = crate::nvim()
        .config("{ network = { proxy = 'http://me:pass-word@127.0.0.1:9' } }")
        .start()
        .await;
    let told = report(&nvim).await;
    tells(
        &told,
        &[
            "The proxy http://127.0.0.1:9 does not answer.",
            "correct `network.proxy`",
        ],
    );
    assert!(!told.contains("pass-word"), "{told}");
    let nvim = crate::nvim()
        .env("https_proxy", "http://me:pass-word@127.0.0.1:9")
        .start()
        .await;
    let told = report(&nvim).await;
    tells(
        &told,
        &[
            "The proxy http://127.0.0.1:9 does not answer.",
            "unset the variable https_proxy",
        ],
    );
    assert!(!told.contains("pass-word"), "{told}");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_or_are_none_are_told() {
    let home = Home::new();
    let empty = home.write("empty.pem", "nothing");
    for (file, told) in [
        (empty.display().to_string(), "There is no certificate in PEM form in /"),
        (
            "/nowhere/ca.pem".to_owned(),
            "The certificates cannot be read: /nowhere/ca.pem",
        ),
    ] {
        let config = format!("{{ network = {{ ca_file = '{file}' }} }}");
        let nvim = crate::nvim().config(config).env("SSL_CERT_FILE", file).start().await;
        let said = report(&nvim).await;
        tells(
            &said,
            &[
                told,
                "Correct `network.ca_file`",
                told,
                "unset the variable SSL_CERT_FILE",
            ],
        );
    }
}

#[tokio::test]
async fn a_clock_that_is_behind_a_full_disk_and_a_folder_that_cannot_be_written_are_told() {
    let clock = "local real = os.time
    os.time = function(t) return t and real(t) or 1000000000 end";
    let nvim = crate::nvim().init(clock).start().await;
    tells(
        &report(&nvim).await,
        &["The clock says 2001-09-09", "Set the date and time"],
    );

    let full = "vim.uv.fs_statfs = function() return { bavail = 3, bsize = 1000000 } end";
    let nvim = crate::nvim().init(full).start().await;
    tells(
        &report(&nvim).await,
        &["Only 3 MB are free in /", "Make room on that disk"],
    );

    let home = Home::new();
    std::fs::create_dir_all(home.path().join("state/nvim")).unwrap();
    // A file where the folder should be: nobody can write there, root neither.
    std::fs::write(home.path().join("state/nvim/gpt"), "").unwrap();
    let nvim = crate::nvim().home(&home).start().await;
    tells(
        &report(&nvim).await,
        &[
            "Nothing can be written into /",
            "(stdpath \"state\")",
            "a folder that you may write to",
        ],
    );
}

#[tokio::test]
async fn repro_lua_starts_with_the_plugin_alone_and_collects_the_health() {
    let home = Home::new();
    let config = format!("lua vim.g.gpt = {{ binary = '{}' }}", env!("CARGO_BIN_EXE_gpt-nvim"));
    let output = tokio::process::Command::new(crate::support::nvim::program())
        .args(["--headless", "--cmd", &config, "-u"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("repro.lua"))
        .arg("+autocmd VimEnter * qa!")
        .current_dir(home.path())
        .env("HOME", home.path())
        .output()
        .await
        .unwrap();
    let told = std::fs::read_to_string(home.path().join(".repro/health.txt")).unwrap_or_default();
    assert!(told.contains(&format!("gpt-nvim {VERSION}")), "{told}\n{output:?}");
    assert!(
        home.path().join(".repro/state/nvim").exists(),
        "nothing of the user's is written"
    );
}
