//! One connection to an editor: calls, waits, and what a failure tells.

use std::fs;
use std::future::Future;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use nvim_rs::{Handler, Neovim};
use rmpv::Value;
use tokio::io::AsyncWrite;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use super::home::Home;
use super::screen::Screen;
use super::wait::POLL;

/// Where a test called.
pub(super) type At = &'static Location<'static>;

pub(super) type Writer = Compat<Box<dyn AsyncWrite + Send + Unpin>>;

/// What every client of one editor knows of it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) home: Home,
    pub(super) socket: PathBuf,
    pub(super) errors: PathBuf,
    /// How long each call and each wait may take.
    pub(super) limit: Mutex<Duration>,
    pub(super) screen: watch::Sender<Screen>,
}

/// Draws the screen from what the editor sends.
#[derive(Clone)]
pub(super) struct Painter(Arc<Facts>);

#[async_trait]
impl Handler for Painter {
    type Writer = Writer;

    async fn handle_notify(&self, name: String, args: Vec<Value>, _: Neovim<Writer>) {
        if name == "redraw" {
            self.0.screen.send_if_modified(|screen| screen.redraw(&args));
        }
    }
}

/// One connection to an editor. Every method has the editor's time limit and panics when it is over, or when the editor
/// answers with an error, with the caller's place, the screen, `:messages` and the end of the logs.
#[derive(Clone)]
pub struct Client {
    pub(super) api: Neovim<Writer>,
    pub(super) facts: Arc<Facts>,
    /// Whether the connection is at its end: nothing more will be answered or drawn.
    pub(super) lost: watch::Receiver<bool>,
}

impl Client {
    pub(super) fn connect<R>(reader: R, writer: Writer, facts: Arc<Facts>) -> Client
    where
        R: futures_util::io::AsyncRead + Send + Unpin + 'static,
    {
        let (api, io) = Neovim::<Writer>::new(reader, writer, Painter(Arc::clone(&facts)));
        let (end, lost) = watch::channel(false);
        tokio::spawn(async move {
            let _ = io.await;
            end.send_replace(true);
        });
        Client { api, facts, lost }
    }

    /// A further connection to the same editor, over its socket: another program's view of it. It has no screen.
    #[track_caller]
    pub fn second_client(&self) -> impl Future<Output = Client> {
        let at = Location::caller();
        async move {
            let stream = match UnixStream::connect(&self.facts.socket).await {
                Ok(stream) => stream,
                Err(error) => {
                    self.fail(at, &format!("no connection to the editor's socket: {error}"))
                        .await
                }
            };
            let (reader, writer) = stream.into_split();
            let writer: Box<dyn AsyncWrite + Send + Unpin> = Box::new(writer);
            Client::connect(reader.compat(), writer.compat_write(), Arc::clone(&self.facts))
        }
    }

    /// nvim-rs's own interface, for what is not here. Never drop a pending call of it: that ends its loop.
    pub fn api(&self) -> &Neovim<Writer> {
        &self.api
    }

    /// How long each call and each wait may take from now on, for all clients of this editor; at first [`LIMIT`].
    pub fn set_limit(&self, limit: Duration) {
        *self.facts.limit.lock().expect("a lock that nobody holds in a panic") = limit;
    }

    pub(super) fn limit(&self) -> Duration {
        *self.facts.limit.lock().expect("a lock that nobody holds in a panic")
    }

    /// The editor's directories.
    pub fn home(&self) -> &Home {
        &self.facts.home
    }

    /// The path of the socket that the editor listens on (`v:servername`).
    pub fn socket(&self) -> &Path {
        &self.facts.socket
    }

    /// Calls an API function; the editor's error, or the loss of the connection, is an `Err`.
    pub async fn try_call(&self, function: &str, args: Vec<Value>) -> Result<Value, String> {
        self.call_within(self.limit(), function, args).await
    }

    async fn call_within(&self, limit: Duration, function: &str, args: Vec<Value>) -> Result<Value, String> {
        let (api, name) = (self.api.clone(), function.to_owned());
        let call = tokio::spawn(async move { api.call(&name, args).await });
        let mut lost = self.lost.clone();
        let answer = async {
            tokio::select! {
                biased;
                answer = call => Some(answer),
                _ = lost.wait_for(|lost| *lost) => None,
            }
        };
        let Some(answer) = timeout(limit, answer).await.transpose() else {
            return Err("the connection to the editor is lost".to_owned());
        };
        match answer {
            Ok(Ok(Ok(Ok(value)))) => Ok(value),
            Ok(Ok(Ok(Err(error)))) => Err(error_text(&error)),
            Ok(Ok(Err(error))) => Err(format!("the connection to the editor is lost: {error}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {limit:?}")),
        }
    }

    pub(super) async fn must(&self, at: At, function: &str, args: Vec<Value>) -> Value {
        match self.try_call(function, args).await {
            Ok(value) => value,
            Err(error) => self.fail(at, &format!("{function}: {error}")).await,
        }
    }

    /// Calls an API function.
    #[track_caller]
    pub fn call(&self, function: &str, args: &[Value]) -> impl Future<Output = Value> {
        self.must(Location::caller(), function, args.to_vec())
    }

    /// Types keys, as `nvim_input` takes them: `<CR>`, `<C-s>`, and `<lt>` for a plain `<`. The editor has then queued
    /// them, not yet acted on them: wait for what they shall do.
    #[track_caller]
    pub fn feed(&self, keys: &str) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let mut rest = keys;
            while !rest.is_empty() {
                let taken = self
                    .must(at, "nvim_input", vec![rest.into()])
                    .await
                    .as_u64()
                    .unwrap_or(0) as usize;
                rest = rest.get(taken..).unwrap_or_default();
                if taken == 0 {
                    sleep(POLL).await;
                }
            }
        }
    }

    /// Runs an Ex command.
    #[track_caller]
    pub fn command(&self, command: &str) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move { drop(self.must(at, "nvim_command", vec![command.into()]).await) }
    }

    /// Runs Lua, with `...` as its arguments; what it returns.
    #[track_caller]
    pub fn lua(&self, code: &str, args: &[Value]) -> impl Future<Output = Value> {
        self.must(
            Location::caller(),
            "nvim_exec_lua",
            vec![code.into(), Value::Array(args.to_vec())],
        )
    }

    /// Runs Lua; its error is an `Err`.
    pub async fn try_lua(&self, code: &str, args: &[Value]) -> Result<Value, String> {
        self.try_call("nvim_exec_lua", vec![code.into(), Value::Array(args.to_vec())])
            .await
    }

    async fn lua_as<T>(&self, at: At, code: &str, args: &[Value], read: fn(&Value) -> Option<T>) -> T {
        let value = self
            .must(at, "nvim_exec_lua", vec![code.into(), Value::Array(args.to_vec())])
            .await;
        match read(&value) {
            Some(read) => read,
            None => {
                self.fail(at, &format!("not of the expected type: {value}\n{code}"))
                    .await
            }
        }
    }

    #[track_caller]
    pub fn lua_string(&self, code: &str, args: &[Value]) -> impl Future<Output = String> {
        self.lua_as(Location::caller(), code, args, |value| {
            value.as_str().map(str::to_owned)
        })
    }

    #[track_caller]
    pub fn lua_i64(&self, code: &str, args: &[Value]) -> impl Future<Output = i64> {
        self.lua_as(Location::caller(), code, args, Value::as_i64)
    }

    #[track_caller]
    pub fn lua_bool(&self, code: &str, args: &[Value]) -> impl Future<Output = bool> {
        self.lua_as(Location::caller(), code, args, Value::as_bool)
    }

    /// A list of strings.
    #[track_caller]
    pub fn lua_lines(&self, code: &str, args: &[Value]) -> impl Future<Output = Vec<String>> {
        self.lua_as(Location::caller(), code, args, strings)
    }

    /// The lines of a buffer; 0 is the current one.
    #[track_caller]
    pub fn lines(&self, buffer: i64) -> impl Future<Output = Vec<String>> {
        const CODE: &str = "return vim.api.nvim_buf_get_lines(..., 0, -1, true)";
        let at = Location::caller();
        async move { self.lua_as(at, CODE, &[buffer.into()], strings).await }
    }

    /// What `:messages` shows.
    #[track_caller]
    pub fn messages(&self) -> impl Future<Output = String> {
        let at = Location::caller();
        async move {
            self.lua_as(at, MESSAGES, &[], |value| value.as_str().map(str::to_owned))
                .await
        }
    }

    /// Runs the Lua every [`POLL`] until it returns something other than `nil` and `false`; returns that.
    #[track_caller]
    pub fn wait_lua(&self, code: &str) -> impl Future<Output = Value> {
        self.poll_lua(Location::caller(), code)
    }

    pub(super) async fn poll_lua(&self, at: At, code: &str) -> Value {
        let deadline = Instant::now() + self.limit();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let args = vec![code.into(), Value::Array(Vec::new())];
            match self.call_within(left, "nvim_exec_lua", args).await {
                Ok(Value::Nil | Value::Boolean(false)) if left.is_zero() => {
                    self.fail(at, &format!("this Lua stays false:\n{code}")).await
                }
                Ok(Value::Nil | Value::Boolean(false)) => sleep(POLL).await,
                Ok(value) => return value,
                Err(error) => self.fail(at, &format!("{error}, for the Lua\n{code}")).await,
            }
        }
    }

    /// Looks at a buffer's lines every [`POLL`] until they fulfil the condition; returns them.
    #[track_caller]
    pub fn wait_lines(
        &self,
        buffer: i64,
        mut condition: impl FnMut(&[String]) -> bool,
    ) -> impl Future<Output = Vec<String>> {
        let at = Location::caller();
        async move {
            let deadline = Instant::now() + self.limit();
            loop {
                let lines = self.lines(buffer).await;
                if condition(&lines) {
                    return lines;
                }
                if Instant::now() > deadline {
                    self.fail(
                        at,
                        &format!("buffer {buffer} does not fulfil the condition:\n{}", lines.join("\n")),
                    )
                    .await
                }
                sleep(POLL).await;
            }
        }
    }

    /// Fails the test with all that is known of the editor.
    pub(super) async fn fail(&self, at: At, what: &str) -> ! {
        let report = self.report().await;
        panic!("{at}: {what}\n{report}")
    }

    /// The state of the editor for the reader of a failure: screen, mode, messages, logs.
    pub async fn report(&self) -> String {
        let soon = Duration::from_secs(1);
        let told = |answer: Result<Value, String>| match answer {
            Ok(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            Err(error) => format!("({error})"),
        };
        let mode = told(self.call_within(soon, "nvim_get_mode", Vec::new()).await);
        let args = vec![MESSAGES.into(), Value::Array(Vec::new())];
        let messages = told(self.call_within(soon, "nvim_exec_lua", args).await);
        let screen = self.facts.screen.borrow().text();
        let log = tail(&self.facts.home.log());
        let errors = tail(&self.facts.errors);
        format!(
            "--- screen\n{screen}\n--- mode\n{mode}\n--- :messages\n{messages}\n--- end of gpt.log\n{log}\n--- standard error\n{errors}"
        )
    }
}

const MESSAGES: &str = "return vim.api.nvim_exec2('messages', { output = true }).output";

fn strings(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The editor's errors are `[kind, message]`.
fn error_text(error: &Value) -> String {
    let message = error.as_array().and_then(|parts| parts.get(1)?.as_str());
    message.map_or_else(|| error.to_string(), str::to_owned)
}

/// The last 40 lines of a file.
fn tail(path: &Path) -> String {
    let Ok(bytes) = fs::read(path) else {
        return "(no such file)".to_owned();
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
