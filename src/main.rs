//! `gpt-nvim`: serves Neovim over standard input and output. The plugin starts it; nobody else needs to.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use gpt_nvim::keys::Redactor;
use gpt_nvim::{app, editor, logging};
use tokio::sync::mpsc;

const HELP: &str = "gpt-nvim: the program behind gpt.nvim, an AI assistant for Neovim

Usage: gpt-nvim [--version | --help]

Without an argument it serves Neovim over standard input and output (msgpack-RPC).
The plugin starts it by itself at the first :GPTChat. See :help gpt.nvim
";

/// How long the tasks may take to end, once the editor has gone.
const FAREWELL: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => serve(),
        ["--version" | "-V"] => say(
            &mut io::stdout(),
            concat!("gpt-nvim ", env!("CARGO_PKG_VERSION"), "\n"),
            0,
        ),
        ["--help" | "-h"] => say(&mut io::stdout(), HELP, 0),
        _ => say(&mut io::stderr(), HELP, 2),
    }
}

fn say(to: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    to.write_all(text.as_bytes()).ok();
    ExitCode::from(code)
}

fn serve() -> ExitCode {
    if io::stdin().is_terminal() {
        return say(
            &mut io::stderr(),
            "gpt-nvim is started by its Neovim plugin. Try: gpt-nvim --help\n",
            2,
        );
    }
    let redactor = Redactor::default();
    tell_panics(redactor.clone());
    #[cfg(unix)]
    forbid_core_dumps();
    match run(&redactor) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            let last_words = format!("gpt-nvim: {error:#}\n");
            say(&mut io::stderr(), &redactor.redact(&last_words), 1)
        }
    }
}

fn run(redactor: &Redactor) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let served = runtime.block_on(async {
        let (sender, inbox) = mpsc::channel(app::INBOX_SIZE);
        let (nvim, connection) =
            editor::nvim::connect(sender, redactor.clone()).context("cannot take over standard input and output")?;
        let app = tokio::spawn(app::run(inbox, Arc::new(nvim), redactor.clone()));
        // The connection's end is the editor's end: an EOF is how it says goodbye.
        if let Err(end) = connection.await {
            tracing::info!(%end, "the connection ended");
        }
        app.abort();
        anyhow::Ok(())
    });
    // Not in the background: whoever runs a command of the user's ends it.
    runtime.shutdown_timeout(FAREWELL);
    served
}

/// A panic ends the process (`panic = "abort"`): leave a line about it in the log, and one for the editor.
fn tell_panics(redactor: Redactor) {
    std::panic::set_hook(Box::new(move |panic| {
        logging::panicked(panic);
        let last_words = format!("gpt-nvim: {panic}\n");
        say(&mut io::stderr(), &redactor.redact(&last_words), 1);
    }));
}

/// A core dump would hold the keys of the moment. `prctl` also keeps them from a handler that is fed by a pipe, which no
/// limit stops.
#[cfg(unix)]
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}
