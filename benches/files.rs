//! The limits that completion of `#file:` promises, in a tree of 50,000 files: `cargo bench --bench files`.
//!
//! `BENCH_FILES` takes another number of files. The exit status is 1 when a limit is missed. Other work on the machine
//! shows: run it on an idle one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "the numbers are the point"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gpt_nvim::context::files::{FileIndex, Wanted};

/// How often each question is asked; the median counts.
const ROUNDS: usize = 15;
const FILL_LIMIT: Duration = Duration::from_millis(500);
const WARM_LIMIT: Duration = Duration::from_millis(30);
/// One letter, a word, letters in order, a path, nothing that is there, nothing at all.
const TYPED: [&str; 6] = ["m", "module", "mdlrs", "folder_7/mod", "zzzz", ""];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let files = std::env::var("BENCH_FILES").ok().and_then(|text| text.parse().ok());
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), files.unwrap_or(50_000));
    let mut is_well = true;
    let mut fills = Vec::new();
    for _ in 0..ROUNDS {
        fills.push(time(&FileIndex::default(), root.path(), "m").await);
    }
    is_well &= report("first fill", fills, FILL_LIMIT);
    let index = FileIndex::default();
    time(&index, root.path(), "").await;
    for typed in TYPED {
        let mut asked = Vec::new();
        for _ in 0..ROUNDS {
            asked.push(time(&index, root.path(), typed).await);
        }
        is_well &= report(&format!("warm, typed {typed:?}"), asked, WARM_LIMIT);
    }
    ExitCode::from(u8::from(!is_well))
}

/// A tree such as projects have: folders five deep, a few that are ignored.
fn plant(root: &Path, files: usize) {
    std::fs::write(root.join(".gitignore"), "*.log\n/target\nnode_modules/\n").unwrap();
    for number in 0..files {
        let folder = root.join(format!(
            "part_{}/folder_{}/src/inner_{}",
            number % 7,
            number % 90,
            number % 11
        ));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("module_{number}.rs")), "").unwrap();
    }
}

async fn time(index: &FileIndex, root: &Path, typed: &str) -> Duration {
    let wanted = Wanted {
        root: root.to_owned(),
        typed: typed.to_owned(),
        open: Vec::new(),
        limit: 100,
    };
    let start = Instant::now();
    index.find(wanted).await;
    start.elapsed()
}

fn report(name: &str, mut times: Vec<Duration>, limit: Duration) -> bool {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    let verdict = if median <= limit { "ok" } else { "MISSED" };
    println!("{name:<28}{median:>10.1?} (worst {worst:.1?}), limit {limit:?}: {verdict}");
    median <= limit
}
