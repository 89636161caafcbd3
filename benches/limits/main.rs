//! The limits that this project promises, each measured on the real thing: `cargo bench --bench limits`.
//!
//! A word as an argument picks the groups whose name contains it (`startup`, `window`, `history`, `stop`, `stream`,
//! `length`, `binary`); `BENCH_ROUNDS` says how often each scenario runs (3). Every figure is the median of its samples. The exit
//! status is 1 when a limit is missed. Other work on the machine shows: run it on an idle one.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

mod binary;
mod history;
mod observer;
mod report;
mod source;
mod startup;
mod stream;
mod text;
mod typing;
mod window;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use report::Report;
use support::nvim::{Builder, Nvim};

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_gpt-nvim");

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |group: &str| wanted.is_empty() || wanted.iter().any(|word| group.contains(word.as_str()));
    let rounds = std::env::var("BENCH_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(3);
    let mut report = Report::default();
    let nvim = Nvim::builder().start().await;
    let version = nvim.lua_string("return tostring(vim.version())", &[]).await;
    let program = nvim.lua_string("return vim.v.progpath", &[]).await;
    drop(nvim);

    if is_wanted("startup") {
        startup::measure(&mut report, &program);
    }
    if is_wanted("binary") {
        binary::measure(&mut report).await;
    }
    if is_wanted("window") {
        window::measure(&mut report, rounds).await;
    }
    if is_wanted("history") {
        history::measure(&mut report, rounds).await;
    }
    if is_wanted("stop") {
        stream::measure_stop(&mut report, rounds).await;
    }
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        if is_wanted("stream") {
            stream::measure(&mut report, stream::Length::Empty).await;
        }
        if is_wanted("length") {
            stream::measure(&mut report, stream::Length::Long).await;
        }
    }
    println!("Neovim {version}, load {}", load());
    report.print()
}

/// A Neovim with this project's plugin and the binary under test, which asks the server at `url`.
fn nvim(url: &str) -> Builder {
    Nvim::builder().binary(BINARY).config(format!(
        "{{ model = 'bench/model', providers = {{ bench = {{ base_url = '{url}', wire = 'chat', key = false }} }} }}"
    ))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
