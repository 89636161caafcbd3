//! What the plugin adds to the start of Neovim.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::report::Report;

const PAIRS: usize = 40;

/// Starts in pairs, with and without the plugin, so that both see the same weather.
pub fn measure(report: &mut Report, nvim: &str) {
    let place = TempDir::new().expect("a temporary directory");
    let empty = place.path().join("plugin-less");
    fs::create_dir(&empty).expect("an empty directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for _ in 0..PAIRS {
        let (with, sourcing) = start(nvim, root, place.path());
        let (without, _) = start(nvim, &empty, place.path());
        report.limited("startup: sourcing plugin/gpt.lua", "ms", 0.1, sourcing);
        report.shown("startup: with the plugin, less without", "ms", with - without);
    }
}

/// One start: until Neovim is there, and the sourcing of our file alone, in milliseconds.
fn start(nvim: &str, plugin: &Path, place: &Path) -> (f64, f64) {
    let log = place.join("startuptime");
    fs::remove_file(&log).ok();
    let status = Command::new(nvim)
        .args(["--clean", "--headless", "-i", "NONE", "--startuptime"])
        .arg(&log)
        .arg("--cmd")
        .arg(format!("set runtimepath^={}", plugin.display()))
        .arg("+qa")
        .env("XDG_STATE_HOME", place)
        .stdin(Stdio::null())
        .status()
        .expect("nvim starts");
    assert!(status.success(), "{status}");
    let text = fs::read_to_string(&log).expect("the times");
    let number = |line: &str, word: usize| -> Option<f64> {
        line.split_whitespace().nth(word)?.trim_end_matches(':').parse().ok()
    };
    let line = |end: &str| text.lines().find(|line| line.ends_with(end));
    let whole = line("--- NVIM STARTED ---").and_then(|line| number(line, 0));
    // clock, self+sourced, self: sourcing …
    let sourcing = line("plugin/gpt.lua").and_then(|line| number(line, 2));
    (whole.expect("the end of the start"), sourcing.unwrap_or(0.0))
}
