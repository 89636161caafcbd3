//! A system keyring of the tests' own: a private D-Bus, and gnome-keyring on it. Nobody's real keyring is ever touched.
//!
//! The programs are looked for in `$GPT_KEYRING_PATH` (as `scripts/test` sets it), then in `$PATH`, then in what
//! `scripts/get-keyring` fetched. Where there are none, `GPT_SKIP_KEYRING=1` skips the tests that need them, visibly; without
//! it, or with `CI=true`, they fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::wait::{LIMIT, POLL, within};

const PASSWORD: &str = "the tests' own";
const SERVICE: &str = "org.freedesktop.secrets";

/// A bus of our own. It ends when this is dropped.
pub struct Bus {
    directory: TempDir,
    daemon: Child,
    programs: Programs,
}

/// A bus with a keyring on it.
pub struct Keyring {
    bus: Bus,
    service: Child,
}

/// Stands in for the desktop's password dialog: opens it, and never answers, until this is dropped.
pub struct Dialog {
    connection: zbus::Connection,
    messages: zbus::MessageStream,
}

/// Where the programs lie.
#[derive(Clone)]
struct Programs(Option<PathBuf>);

impl Programs {
    /// `None`: this machine has none, and the user knows.
    fn find() -> Option<Programs> {
        let complete = |folder: &Path| {
            ["dbus-daemon", "gnome-keyring-daemon", "secret-tool"]
                .iter()
                .all(|name| folder.join(name).is_file())
        };
        let set = std::env::var_os("GPT_KEYRING_PATH").map(PathBuf::from);
        let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/keyring/bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = set.into_iter().chain(std::env::split_paths(&path)).chain([fetched]);
        let whole = places.into_iter().find(|folder| complete(folder));
        // They may also lie in several folders of $PATH.
        let scattered = ["dbus-daemon", "gnome-keyring-daemon", "secret-tool"]
            .iter()
            .all(|name| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
        if whole.is_some() || scattered {
            return Some(Programs(whole));
        }
        let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|set| set == value);
        assert!(
            is("GPT_SKIP_KEYRING", "1") && !is("CI", "true"),
            "no gnome-keyring for this test: run scripts/get-keyring, or set GPT_SKIP_KEYRING=1 to do without"
        );
        eprintln!("skipped: no Secret Service");
        None
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(
            self.0
                .as_ref()
                .map_or_else(|| PathBuf::from(name), |folder| folder.join(name)),
        );
        command.kill_on_drop(true).stdin(Stdio::null());
        command
    }
}

impl Bus {
    /// A bus with nothing on it, and on which nothing is started by being called. `None`: skipped.
    pub async fn start() -> Option<Bus> {
        let programs = Programs::find()?;
        let directory = tempfile::Builder::new()
            .prefix("gpt-keyring-")
            .tempdir()
            .expect("a temporary directory");
        for name in ["home", "config", "data", "state", "cache", "run"] {
            fs::create_dir(directory.path().join(name)).expect("a directory in the temporary one");
        }
        let configuration = directory.path().join("bus.conf");
        fs::write(&configuration, bus_configuration(&directory.path().join("bus"))).expect("the bus's configuration");
        let mut daemon = isolated(programs.command("dbus-daemon"), directory.path())
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon starts");
        let mut said = BufReader::new(daemon.stdout.take().expect("its standard output")).lines();
        let address = within(LIMIT, "the bus", said.next_line())
            .await
            .expect("the bus's address");
        assert!(
            address.is_some(),
            "dbus-daemon does not start: {}",
            log(directory.path())
        );
        Some(Bus {
            directory,
            daemon,
            programs,
        })
    }

    /// `DBUS_SESSION_BUS_ADDRESS` for whoever shall be on it.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.directory.path().join("bus").display())
    }

    /// Everything of the keyring lies below it, its store included.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    async fn connect(&self) -> zbus::Connection {
        let builder = zbus::connection::Builder::address(self.address().as_str()).expect("an address");
        within(LIMIT, "a connection to the bus", builder.build())
            .await
            .expect("a connection to the bus")
    }

    /// The password dialog's stand-in.
    pub async fn dialog(&self) -> Dialog {
        let connection = self.connect().await;
        let messages = zbus::MessageStream::from(&connection);
        connection
            .request_name("org.gnome.keyring.SystemPrompter")
            .await
            .expect("the dialog's name");
        Dialog { connection, messages }
    }

    /// Ends the bus; whoever is on it loses it.
    pub async fn end(&mut self) {
        self.daemon.kill().await.expect("a bus to end");
    }
}

impl Dialog {
    /// Waits until the keyring wants the dialog to open.
    pub async fn wanted(&mut self) {
        loop {
            let message = within(LIMIT, "a password dialog", self.messages.next()).await;
            let message = message.expect("a connection").expect("a message");
            if message
                .header()
                .member()
                .is_some_and(|member| member.as_str() == "BeginPrompting")
            {
                return;
            }
        }
    }

    /// Closes the dialog without an answer.
    pub async fn dismiss(self) {
        drop(self.messages);
        self.connection.close().await.expect("a connection to close");
    }
}

impl Keyring {
    /// An empty keyring, unlocked. `None`: skipped.
    pub async fn start() -> Option<Keyring> {
        let bus = Bus::start().await?;
        let service = service(&bus, Some(true)).await;
        Some(Keyring { bus, service })
    }

    /// A keyring with no collection to store anything in, as before a desktop's first login. `None`: skipped.
    pub async fn without_collection() -> Option<Keyring> {
        let bus = Bus::start().await?;
        let service = service(&bus, None).await;
        Some(Keyring { bus, service })
    }

    /// Stores a second entry for a user of ours beside the first one.
    pub async fn store_another(&self, user: &str, secret: &str) {
        let arguments = [
            "store", "--label", "another", "service", "gpt.nvim", "username", user, "by", "hand",
        ];
        let (status, said) = self.secret_tool(&arguments, secret).await;
        assert!(status.success(), "secret-tool does not store: {said}");
    }

    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// `DBUS_SESSION_BUS_ADDRESS` for whoever shall use it.
    pub fn address(&self) -> String {
        self.bus.address()
    }

    /// Locks it, as it is after a login without its password.
    pub async fn lock(&mut self) {
        self.restart(false).await;
    }

    /// Unlocks it, as a login with its password does.
    pub async fn unlock(&mut self) {
        self.restart(true).await;
    }

    async fn restart(&mut self, unlocked: bool) {
        self.service.kill().await.expect("a service to end");
        self.service = service(&self.bus, Some(unlocked)).await;
    }

    /// Stops the service: calls to it are accepted, and not answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = self.service.id().and_then(|id| i32::try_from(id).ok());
        kill_process(id.and_then(Pid::from_raw).expect("a running service"), signal).expect("a signal");
    }

    /// What `secret-tool lookup` finds for a user of ours, `openai` say.
    pub async fn lookup(&self, user: &str) -> Option<String> {
        let (status, said) = self
            .secret_tool(&["lookup", "service", "gpt.nvim", "username", user], "")
            .await;
        status.success().then_some(said)
    }

    /// Stores with `secret-tool store`.
    pub async fn store(&self, user: &str, secret: &str) {
        let arguments = ["store", "--label", "by hand", "service", "gpt.nvim", "username", user];
        let (status, said) = self.secret_tool(&arguments, secret).await;
        assert!(status.success(), "secret-tool does not store: {said}");
    }

    /// All that `secret-tool search` tells of a user's entries.
    pub async fn describe(&self, user: &str) -> String {
        self.secret_tool(&["search", "--all", "service", "gpt.nvim", "username", user], "")
            .await
            .1
    }

    async fn secret_tool(&self, arguments: &[&str], input: &str) -> (ExitStatus, String) {
        let mut command = isolated(self.bus.programs.command("secret-tool"), self.bus.directory());
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address()).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("secret-tool starts");
        let mut stdin = child.stdin.take().expect("its standard input");
        // It may end without reading.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let mut said = String::new();
        let mut stdout = child.stdout.take().expect("its standard output");
        within(LIMIT, "secret-tool", stdout.read_to_string(&mut said))
            .await
            .expect("text");
        (child.wait().await.expect("its end"), said)
    }
}

/// Starts gnome-keyring, and waits until its default collection is there and in the state that was asked for; or until it
/// is there without one.
async fn service(bus: &Bus, unlocked: Option<bool>) -> Child {
    let mut command = isolated(bus.programs.command("gnome-keyring-daemon"), bus.directory());
    command.env("DBUS_SESSION_BUS_ADDRESS", bus.address());
    command.args(["--foreground", "--components=secrets"]);
    command.arg(format!(
        "--control-directory={}",
        bus.directory().join("run/keyring").display()
    ));
    command.stdin(Stdio::piped());
    if unlocked == Some(true) {
        command.arg("--unlock");
    }
    let mut child = command.spawn().expect("gnome-keyring-daemon starts");
    let mut stdin = child.stdin.take().expect("its standard input");
    stdin.write_all(PASSWORD.as_bytes()).await.expect("a daemon that reads");
    drop(stdin);
    let connection = bus.connect().await;
    let ready = async {
        while !runs(&connection).await || is_locked(&connection).await != unlocked.map(|unlocked| !unlocked) {
            let ended = child.try_wait().expect("its state");
            assert!(ended.is_none(), "gnome-keyring ended: {}", log(bus.directory()));
            tokio::time::sleep(POLL).await;
        }
    };
    within(LIMIT, "gnome-keyring", ready).await;
    child
}

async fn runs(connection: &zbus::Connection) -> bool {
    let bus = Some("org.freedesktop.DBus");
    let asked = connection.call_method(bus, "/org/freedesktop/DBus", bus, "NameHasOwner", &(SERVICE,));
    asked
        .await
        .is_ok_and(|answer| answer.body().deserialize().unwrap_or(false))
}

/// Whether the default collection is locked; `None` if there is none (yet).
async fn is_locked(connection: &zbus::Connection) -> Option<bool> {
    let service = (SERVICE, "/org/freedesktop/secrets");
    let alias = connection
        .call_method(
            Some(service.0),
            service.1,
            Some("org.freedesktop.Secret.Service"),
            "ReadAlias",
            &("default",),
        )
        .await
        .ok()?;
    let path: zbus::zvariant::OwnedObjectPath = alias.body().deserialize().ok()?;
    let property = ("org.freedesktop.Secret.Collection", "Locked");
    let locked = connection
        .call_method(
            Some(service.0),
            path.as_str(),
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &property,
        )
        .await
        .ok()?;
    let locked: zbus::zvariant::OwnedValue = locked.body().deserialize().ok()?;
    locked.try_into().ok()
}

/// A D-Bus that nobody answers on: connections are accepted, and counted. Needs no program.
pub struct SilentBus {
    directory: TempDir,
    connections: watch::Receiver<usize>,
}

impl SilentBus {
    pub fn start() -> SilentBus {
        let directory = tempfile::Builder::new()
            .prefix("gpt-silent-")
            .tempdir()
            .expect("a temporary directory");
        let listener = UnixListener::bind(directory.path().join("bus")).expect("a socket");
        let (count, connections) = watch::channel(0);
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
                count.send_replace(held.len());
            }
        });
        SilentBus { directory, connections }
    }

    pub fn address(&self) -> String {
        format!("unix:path={}", self.directory.path().join("bus").display())
    }

    /// How often anybody has connected.
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Waits until somebody has.
    pub async fn connected(&self) {
        let mut connections = self.connections.clone();
        let waited = connections.wait_for(|count| *count > 0);
        within(LIMIT, "a connection to the bus", waited)
            .await
            .expect("a listening bus");
    }
}

/// With directories of its own, and nothing of our environment.
fn isolated(mut command: Command, directory: &Path) -> Command {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(directory.join("log"))
        .expect("a log");
    command.env_clear().stdout(Stdio::null()).stderr(log);
    for (name, below) in [
        ("HOME", "home"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_RUNTIME_DIR", "run"),
    ] {
        command.env(name, directory.join(below));
    }
    command.env("LC_ALL", "C.UTF-8");
    command
}

fn log(directory: &Path) -> String {
    fs::read_to_string(directory.join("log")).unwrap_or_default()
}

/// No service folders: nothing is started by being called.
fn bus_configuration(socket: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        socket.display()
    )
}
