//! What an installation meets: a plugin's folder without a program, a scripted release server, a `PATH` of few programs.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::answer::{Answer, Step};
use super::home::Home;
use super::nvim::{Builder, Nvim};
use super::server::{Request, Server};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What an installation needs of the machine, without cargo.
pub const TOOLS: [&str; 10] = [
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
pub fn target() -> String {
    let system = if cfg!(target_os = "macos") {
        "apple-darwin"
    } else {
        "unknown-linux-musl"
    };
    format!("{}-{system}", std::env::consts::ARCH)
}

/// What a release calls its archive, without the ending, and the folder in it.
pub fn name() -> String {
    format!("gpt-nvim-{VERSION}-{}", target())
}

/// Writes a program, with its folder.
pub fn executable(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A program that says a version, as ours does.
pub fn program(version: &str) -> String {
    format!("#!/bin/sh\necho 'gpt-nvim {version}'\n")
}

/// A program that says our version, and otherwise is this one.
pub fn program_of(binary: &str) -> String {
    format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'gpt-nvim {VERSION}'; else exec '{binary}'; fi\n")
}

/// Runs a program that has to succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

/// The archive of a release with this program in it.
pub fn archive(home: &Home, program: &str) -> Vec<u8> {
    let folder = home.path().join("release").join(name());
    std::fs::create_dir_all(&folder).unwrap();
    executable(&folder.join("gpt-nvim"), program);
    std::fs::write(folder.join("LICENSE"), "as it says").unwrap();
    packed(home)
}

/// The archive of what lies in the folder `release`.
pub fn packed(home: &Home) -> Vec<u8> {
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

/// The SHA-256 sum of these bytes.
fn sum_of(home: &Home, bytes: &[u8]) -> String {
    let path = home.path().join("summed");
    std::fs::write(&path, bytes).unwrap();
    let output = run(Command::new("sha256sum").arg(path));
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// The text of SHA256SUMS.
pub fn sums(home: &Home, bytes: &[u8]) -> String {
    format!(
        "{}  other.tar.gz\n{}  {}.tar.gz\n",
        "0".repeat(64),
        sum_of(home, bytes),
        name()
    )
}

/// A file, whole.
pub fn body(bytes: &[u8]) -> Answer {
    Answer::new([
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(bytes),
    ])
}

/// A file of which the first bytes come at once, and then whatever the steps say.
pub fn beginning<const N: usize>(bytes: &[u8], first: usize, then: [Step; N]) -> Answer {
    let head = [
        Step::Status(200),
        Step::header("Content-Length", &bytes.len().to_string()),
        Step::bytes(&bytes[..first]),
    ];
    Answer::new(head.into_iter().chain(then).collect::<Vec<_>>())
}

/// A server that has no release.
pub async fn without_release() -> Server {
    Server::start(|_: &Request| missing()).await
}

fn missing() -> Answer {
    Answer::html(404, "Not Found")
}

/// A server with the release; `archive_answer` is what it says to whoever asks for the archive.
pub async fn released(archive_answer: Answer, sums: String) -> Server {
    let folder = format!("/owner/gpt.nvim/releases/download/v{VERSION}/");
    Server::start(move |request: &Request| match request.path.strip_prefix(&folder) {
        Some("SHA256SUMS") => body(sums.as_bytes()),
        Some(file) if file == format!("{}.tar.gz", name()) => archive_answer.clone(),
        _ => missing(),
    })
    .await
}

/// A server with the release of a program of our version, sent as `answer` says.
pub async fn published_as(home: &Home, answer: impl FnOnce(&[u8]) -> Answer) -> Server {
    let bytes = archive(home, &program(VERSION));
    released(answer(&bytes), sums(home, &bytes)).await
}

/// A server with a release as it should be.
pub async fn published(home: &Home) -> Server {
    published_as(home, body).await
}

/// A plugin's folder without a program, as a plugin manager has cloned it.
pub fn plugin(home: &Home) -> PathBuf {
    let plugin = home.path().join("plugin");
    std::fs::create_dir(&plugin).unwrap();
    for part in ["lua", "plugin", "build.lua"] {
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join(part), plugin.join(part)).unwrap();
    }
    plugin
}

/// A `PATH` with nothing but these programs.
pub fn path_with(home: &Home, tools: &[&str]) -> PathBuf {
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

/// The address of the repository at this server.
pub fn repository(server: &Server) -> String {
    format!("{}/owner/gpt.nvim", server.url())
}

/// An editor without a program, for which a release would lie at this server.
pub fn editor(server: &Server, home: &Home, plugin: &Path, path: &Path, more: &str) -> Builder {
    Builder::default()
        .home(home)
        .plugin(plugin)
        .env("PATH", path.display().to_string())
        .config(format!("{{ install = {{ url = '{}' }}, {more} }}", repository(server)))
        .size(160, 24)
}

/// An editor that installs, in a home of its own.
pub struct Installing {
    pub nvim: Nvim,
    pub plugin: PathBuf,
    pub home: Home,
}

impl Installing {
    pub async fn with(server: &Server, home: Home, tools: &[&str], more: &str) -> Installing {
        let plugin = plugin(&home);
        let path = path_with(&home, tools);
        let nvim = editor(server, &home, &plugin, &path, more).start().await;
        Installing { nvim, plugin, home }
    }

    pub fn binary(&self) -> PathBuf {
        self.plugin.join("bin/gpt-nvim")
    }

    /// Another editor in the same home, with the same plugin.
    pub async fn second(&self, server: &Server) -> Nvim {
        let tools = self.home.path().join("tools");
        editor(server, &self.home, &self.plugin, &tools, "").start().await
    }

    /// What lies in the folder of the program.
    pub fn installed(&self) -> Vec<String> {
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
pub async fn whole(tools: &[&str], more: &str) -> (Installing, Server) {
    let home = Home::new();
    let server = published(&home).await;
    let installing = Installing::with(&server, home, tools, more).await;
    (installing, server)
}

/// The plugin's folder as a checkout of git, with the release's tag.
pub fn checkout(plugin: &Path) {
    for part in ["src", "data"] {
        std::fs::create_dir_all(plugin.join(part)).unwrap();
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
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "released"]);
    git(&["tag", &format!("v{VERSION}")]);
}
