//! `gpt-nvim`: serves Neovim over standard input and output. The plugin starts it; nobody else needs to.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use gpt_nvim::{app, editor, logging};
use tokio::sync::mpsc;

const HELP: &str = "gpt-nvim: the program behind gpt.nvim, an AI assistant for Neovim

Usage: gpt-nvim [--version | --help]

Without an argument it serves Neovim over standard input and output (msgpack-RPC).
The plugin starts it by itself at the first :GPTChat. See :help gpt.nvim
";

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
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            say(&mut io::stderr(), &format!("gpt-nvim: {error:#}\n"), 1)
        }
    }
}

fn run() -> anyhow::Result<()> {
    log_panics();
    forbid_core_dumps();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let served = runtime.block_on(async {
        let (sender, inbox) = mpsc::channel(app::INBOX_SIZE);
        let (nvim, connection) = editor::nvim::connect(sender).context("cannot take over standard input and output")?;
        let app = tokio::spawn(app::run(inbox, Arc::new(nvim)));
        // The connection's end is the editor's end: an EOF is how it says goodbye.
        if let Err(end) = connection.await {
            tracing::info!(%end, "the connection ended");
        }
        // Answers under way may go on for a while, into the history.
        drop(app.await);
        anyhow::Ok(())
    });
    runtime.shutdown_background();
    served
}

/// A panic ends the process (`panic = "abort"`): leave a line about it in the log.
fn log_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        logging::panicked(panic);
        default(panic);
    }));
}

/// A core dump would hold the keys of the moment. `prctl` also keeps them from a handler that is fed by a pipe, which no
/// limit stops.
fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
    #[cfg(target_os = "linux")]
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}
