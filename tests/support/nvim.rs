//! A real Neovim: a child process with a screen attached, isolated from the user's files and environment.

use std::ffi::OsString;
use std::fs::{self, File};
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmpv::Value;
use tokio::io::AsyncWrite;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

pub use super::client::Client;
use super::client::{At, Facts};
pub use super::home::Home;
use super::process;
use super::screen::Screen;
use super::wait::LIMIT;

/// The variable by which the processes of one editor are found again, orphans too.
const MARK: &str = "GPT_NVIM_TEST";

/// What of our own environment the editor may see.
const INHERITED: [&str; 7] = [
    "PATH",
    "TMPDIR",
    "VIMRUNTIME",
    "LD_LIBRARY_PATH",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
    "CI",
];

/// How to start a Neovim.
#[derive(Debug, Clone)]
pub struct Builder {
    binary: Option<PathBuf>,
    config: String,
    before: String,
    plugin: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    home: Option<Home>,
    size: (u16, u16),
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            binary: None,
            config: "{}".to_owned(),
            before: String::new(),
            plugin: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
            environment: Vec::new(),
            arguments: Vec::new(),
            directory: None,
            home: None,
            size: (80, 24),
        }
    }
}

impl Builder {
    /// The binary under test: the default of `vim.g.gpt.binary`.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Builder {
        self.binary = Some(path.into());
        self
    }

    /// `vim.g.gpt`, as a Lua expression for a table; its `binary`, if any, wins over [`Builder::binary`].
    pub fn config(mut self, lua: impl Into<String>) -> Builder {
        self.config = lua.into();
        self
    }

    /// Lua for the init file, run before `vim.g.gpt` is set and the plugins load. Several are run in order.
    pub fn init(mut self, lua: &str) -> Builder {
        self.before.push_str(lua);
        self.before.push('\n');
        self
    }

    /// The plugin's directory, put first in `runtimepath`; by default this project's.
    pub fn plugin(mut self, directory: impl Into<PathBuf>) -> Builder {
        self.plugin = directory.into();
        self
    }

    /// A variable of the editor's environment, which is otherwise nearly empty.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Builder {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// A further argument of `nvim`: a file to open, say.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Builder {
        self.arguments.push(argument.into());
        self
    }

    /// Where the editor starts; by default the `home` of its [`Home`].
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Builder {
        self.directory = Some(path.into());
        self
    }

    /// The directories to use, e.g. those of an earlier editor.
    pub fn home(mut self, home: &Home) -> Builder {
        self.home = Some(home.clone());
        self
    }

    /// Columns and rows of the screen.
    pub fn size(mut self, columns: u16, rows: u16) -> Builder {
        self.size = (columns, rows);
        self
    }

    /// Starts the editor, attaches a screen, and waits until its start is over (`v:vim_did_enter`).
    #[track_caller]
    pub fn start(self) -> impl Future<Output = Nvim> {
        let at = Location::caller();
        super::panics::tell_at_once();
        async move {
            let home = self.home.clone().unwrap_or_default();
            let number = home.next_editor();
            let socket = home.path().join(format!("run/editor{number}.sock"));
            let mut child = self.command(&home, &socket, number).spawn().expect("nvim starts");
            let pid = child.id().expect("the pid of a child that was just started");
            let errors = home.path().join(format!("stderr{number}"));
            let facts = Facts {
                home,
                socket,
                errors,
                limit: Mutex::new(LIMIT),
                screen: watch::Sender::new(Screen::default()),
            };
            let input: Box<dyn AsyncWrite + Send + Unpin> = Box::new(child.stdin.take().expect("its standard input"));
            let output = child.stdout.take().expect("its standard output");
            let client = Client::connect(output.compat(), input.compat_write(), Arc::new(facts));
            let nvim = Nvim {
                client,
                pid,
                exit: watch_exit(child),
            };
            nvim.attach(at, self.size).await;
            nvim
        }
    }

    fn command(&self, home: &Home, socket: &Path, number: usize) -> Command {
        let init = home.path().join(format!("init{number}.lua"));
        fs::write(&init, self.init_file()).expect("the init file");
        let errors = File::create(home.path().join(format!("stderr{number}"))).expect("a file for standard error");
        let mut command = Command::new(program());
        command
            .args(["--embed", "--clean", "-i", "NONE", "--listen"])
            .arg(socket);
        command
            .arg("--cmd")
            .arg(format!("set runtimepath^={}", option_value(&self.plugin)));
        command.arg("-u").arg(&init).args(&self.arguments);
        command.env_clear().envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        for (name, directory) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            command.env(name, home.path().join(directory));
        }
        command
            .env("LC_ALL", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .env(MARK, socket)
            // A real Ollama of whoever runs the tests is none of theirs.
            .env("GPT_NVIM_TEST_NOBODY_HERE", "1");
        command.envs(self.environment.iter().cloned());
        command.current_dir(self.directory.clone().unwrap_or_else(|| home.path().join("home")));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn init_file(&self) -> String {
        let binary = self
            .binary
            .as_ref()
            .map(|path| format!("binary = {:?}", path.display().to_string()));
        let defaults = binary.unwrap_or_default();
        format!(
            "{}vim.g.gpt = vim.tbl_deep_extend(\"force\", {{ {defaults} }}, {})\n",
            self.before, self.config
        )
    }
}

/// The path as an item of a comma-separated option, written for `:set`.
fn option_value(path: &Path) -> String {
    path.display()
        .to_string()
        .replace('\\', "\\\\")
        .replace(',', "\\\\,")
        .replace(' ', "\\ ")
}

/// The Neovim to test with: `$GPT_NVIM`, else the first `nvim` on the path, else one fetched into `.cache/nvim`.
pub fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("GPT_NVIM").filter(|value| !value.is_empty()) {
        return PathBuf::from(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .map(|directory| directory.join("nvim"))
        .find(|file| file.is_file());
    let fetched = || fetched_program(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/nvim"), 4);
    on_path.or_else(fetched).unwrap_or_else(|| {
        panic!("No Neovim to test with. Run `make test`, which fetches one, or name one: GPT_NVIM=/path/to/nvim")
    })
}

/// A program `nvim` below the directory; of several, the one in the directory that sorts last, so the newest version.
fn fetched_program(directory: &Path, depth: usize) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    let is_program = |path: &&PathBuf| path.is_file() && path.file_name().is_some_and(|name| name == "nvim");
    if let Some(found) = entries.iter().find(is_program) {
        return Some(found.clone());
    }
    let directories = entries.iter().rev().filter(|path| depth > 0 && path.is_dir());
    directories
        .into_iter()
        .find_map(|path| fetched_program(path, depth - 1))
}

/// Waits for the child in a task of its own, and tells how it ended.
fn watch_exit(mut child: Child) -> watch::Receiver<Option<ExitStatus>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        if let Ok(status) = child.wait().await {
            let _ = sender.send(Some(status));
        }
    });
    receiver
}

/// An editor with a screen. When dropped, all its processes are killed, those that outlived it too.
pub struct Nvim {
    client: Client,
    pid: u32,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Deref for Nvim {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Nvim {
    fn drop(&mut self) {
        let mut doomed = self.processes();
        if self.exit.borrow().is_none() {
            doomed.extend(process::children(self.pid));
            doomed.push(self.pid);
            if let Some(group) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
        }
        doomed.into_iter().for_each(process::kill9);
    }
}

impl Nvim {
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn attach(&self, at: At, (columns, rows): (u16, u16)) {
        let options = ["rgb", "ext_linegrid", "ext_hlstate"].map(|name| (Value::from(name), Value::from(true)));
        let args = vec![columns.into(), rows.into(), Value::Map(options.to_vec())];
        self.must(at, "nvim_ui_attach", args).await;
        self.poll_lua(at, "return vim.v.vim_did_enter == 1").await;
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The living child processes of the editor.
    pub fn children(&self) -> Vec<u32> {
        process::children(self.pid)
    }

    /// All living processes that come from this editor, itself and those that outlived it included.
    pub fn processes(&self) -> Vec<u32> {
        process::with_environment(MARK, &self.facts.socket.display().to_string())
    }

    /// The processor time used so far by a process: the editor's own pid, or that of a child.
    pub fn cpu_time(&self, pid: u32) -> Duration {
        process::cpu_time(pid)
    }

    /// Whether the editor has not ended.
    pub fn is_running(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Ends the editor by `:qall!` and waits until it is gone.
    #[track_caller]
    pub fn quit(&self) -> impl Future<Output = ExitStatus> {
        let at = Location::caller();
        let api = self.api.clone();
        async move {
            tokio::spawn(async move { api.call("nvim_command", vec!["qall!".into()]).await });
            self.ended(at).await
        }
    }

    /// Ends the editor by SIGKILL and waits until it is gone. Its children are left to themselves.
    #[track_caller]
    pub fn kill9(&self) -> impl Future<Output = ExitStatus> {
        let at = Location::caller();
        async move {
            if self.is_running() {
                process::kill9(self.pid);
            }
            self.ended(at).await
        }
    }

    /// Waits until the editor has ended, by whatever was done to that end.
    #[track_caller]
    pub fn exited(&self) -> impl Future<Output = ExitStatus> {
        let at = Location::caller();
        self.ended(at)
    }

    async fn ended(&self, at: At) -> ExitStatus {
        let mut exit = self.exit.clone();
        let ended = timeout(self.limit(), exit.wait_for(Option::is_some)).await;
        match ended.ok().and_then(Result::ok).and_then(|status| *status) {
            Some(status) => status,
            None => self.fail(at, "the editor does not end").await,
        }
    }

    /// The screen as the user sees it: text, without blanks at the ends.
    pub fn screen(&self) -> String {
        self.facts.screen.borrow().text()
    }

    /// The screen itself, with cursor and highlights.
    pub fn screen_state(&self) -> Screen {
        self.facts.screen.borrow().clone()
    }

    /// Told at each `flush`; for measuring when something came to the screen.
    pub fn screen_updates(&self) -> watch::Receiver<Screen> {
        self.facts.screen.subscribe()
    }

    /// Waits until the screen's text fulfils the condition, looking at each `flush`; returns the text.
    #[track_caller]
    pub fn wait_screen(&self, condition: impl FnMut(&str) -> bool) -> impl Future<Output = String> {
        self.screen_within(
            Location::caller(),
            "the screen does not fulfil the condition".to_owned(),
            condition,
        )
    }

    /// Waits until the text stands on the screen (a line break in it is a row's end); returns the screen.
    #[track_caller]
    pub fn wait_screen_contains(&self, text: &str) -> impl Future<Output = String> {
        self.screen_within(
            Location::caller(),
            format!("the screen does not show {text:?}"),
            move |s| s.contains(text),
        )
    }

    /// Waits until the text is gone from the screen; returns the screen.
    #[track_caller]
    pub fn wait_screen_lacks(&self, text: &str) -> impl Future<Output = String> {
        self.screen_within(
            Location::caller(),
            format!("the screen still shows {text:?}"),
            move |s| !s.contains(text),
        )
    }

    async fn screen_within(&self, at: At, failure: String, mut condition: impl FnMut(&str) -> bool) -> String {
        let mut screen = self.facts.screen.subscribe();
        let mut lost = self.lost.clone();
        let shown = async {
            tokio::select! {
                biased;
                screen = screen.wait_for(|screen| condition(&screen.text())) => screen.ok().map(|screen| screen.text()),
                _ = lost.wait_for(|lost| *lost) => None,
            }
        };
        let text = timeout(self.limit(), shown).await.ok().flatten();
        match text {
            Some(text) => text,
            None => self.fail(at, &failure).await,
        }
    }
}
