//! Processes, as `/proc` shows them (Linux).

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The fields of `/proc/PID/stat` after the name in parentheses; the first is the state (field 3 of proc(5)).
fn stat(pid: u32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn all() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Whether the process runs. A zombie does not.
pub fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z" && fields[0] != "X")
}

/// The processes whose parent is `pid`, zombies left out.
pub fn children(pid: u32) -> Vec<u32> {
    let is_child = |candidate: &u32| stat(*candidate).is_some_and(|f| f[0] != "Z" && f[1] == pid.to_string());
    all().into_iter().filter(is_child).collect()
}

/// The living processes that inherited the environment variable `name=value`, whoever their parent is by now.
pub fn with_environment(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}");
    let carries = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
    };
    all().into_iter().filter(carries).collect()
}

/// The processor time that the process has used in user and system mode; zero if it is gone.
pub fn cpu_time(pid: u32) -> Duration {
    let ticks = |fields: &[String]| Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?);
    let used = stat(pid).and_then(|fields| ticks(&fields)).unwrap_or(0);
    Duration::from_secs_f64(used as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The memory that the process holds in RAM, in bytes; zero if it is gone.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .next()
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// Sends SIGKILL to one process. One that is gone already is no error.
pub fn kill9(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
