//! Two further clients of the editor, each with a thread and a connection of its own: one that is told of every change of
//! a buffer, one that asks `nvim_eval("1")` without a pause.

use std::io::{BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rmpv::Value;

use crate::milliseconds;
use crate::report::quantile;
use crate::source::Sent;

fn connect(socket: &Path) -> (BufReader<UnixStream>, UnixStream) {
    let stream = UnixStream::connect(socket).expect("the editor's socket");
    (
        BufReader::with_capacity(1 << 20, stream.try_clone().expect("a second handle")),
        stream,
    )
}

fn send(stream: &mut UnixStream, method: &str, args: Vec<Value>) {
    let request = Value::Array(vec![0.into(), 1.into(), method.into(), Value::Array(args)]);
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &request).expect("a request in memory");
    stream.write_all(&bytes).expect("the editor reads");
}

/// Tells of the new lines of each change of a buffer, for as long as the editor lives.
pub fn lines(socket: &Path, buffer: i64, told: impl Fn(&[String]) + Send + 'static) {
    let (mut read, mut write) = connect(socket);
    let args = vec![buffer.into(), false.into(), Value::Map(Vec::new())];
    send(&mut write, "nvim_buf_attach", args);
    thread::spawn(move || {
        let _write = write;
        while let Ok(message) = rmpv::decode::read_value(&mut read) {
            if let Some(lines) = new_lines(&message) {
                told(&lines);
            }
        }
    });
}

/// The new lines of a `nvim_buf_lines_event`.
fn new_lines(message: &Value) -> Option<Vec<String>> {
    let parts = message.as_array()?;
    if parts.get(1)?.as_str()? != "nvim_buf_lines_event" {
        return None;
    }
    let lines = parts.get(2)?.as_array()?.get(4)?.as_array()?;
    Some(
        lines
            .iter()
            .filter_map(|line| line.as_str().map(str::to_owned))
            .collect(),
    )
}

/// How long a buffer was at each of its changes, in bytes with one for each line break. Ends its connection when dropped:
/// what it is told costs the editor something.
pub struct Watch {
    connection: UnixStream,
    changes: Arc<Mutex<Vec<(Instant, usize)>>>,
}

impl Watch {
    /// Attaches to a buffer; the first change is its whole text.
    pub fn attach(socket: &Path, buffer: i64) -> Watch {
        let (mut read, mut write) = connect(socket);
        send(
            &mut write,
            "nvim_buf_attach",
            vec![buffer.into(), true.into(), Value::Map(Vec::new())],
        );
        let changes = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&changes);
        thread::spawn(move || {
            let mut mirror = Mirror::default();
            while let Ok(message) = rmpv::decode::read_value(&mut read) {
                let at = Instant::now();
                if mirror.apply(&message).is_some() {
                    told.lock().expect("no panic").push((at, mirror.bytes));
                }
            }
        });
        Watch {
            connection: write,
            changes,
        }
    }

    /// The length now.
    pub fn bytes(&self) -> usize {
        self.changes
            .lock()
            .expect("no panic")
            .last()
            .map_or(0, |(_, bytes)| *bytes)
    }

    /// Waits until the buffer is that long; when it was.
    pub fn reaches(&self, bytes: usize, limit: Duration) -> Option<Instant> {
        let deadline = Instant::now() + limit;
        while self.bytes() < bytes && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let changes = self.changes.lock().expect("no panic");
        changes.iter().find(|(_, length)| *length >= bytes).map(|(at, _)| *at)
    }

    /// From each token's leaving to its being in the buffer, in milliseconds.
    pub fn delays(&self, before: usize, sent: &[Sent]) -> Vec<f64> {
        let changes = self.changes.lock().expect("no panic");
        let mut delays = Vec::with_capacity(sent.len());
        let mut change = changes.iter().peekable();
        for token in sent {
            while change.next_if(|(_, bytes)| *bytes < before + token.until).is_some() {}
            let Some((arrived, _)) = change.peek() else { break };
            delays.push(milliseconds(arrived.saturating_duration_since(token.at)));
        }
        delays
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.connection.shutdown(Shutdown::Both);
    }
}

/// The lengths of a buffer's lines.
#[derive(Default)]
struct Mirror {
    lines: Vec<usize>,
    bytes: usize,
}

impl Mirror {
    /// Takes a `nvim_buf_lines_event`: buffer, changedtick, first line, last line, lines, more.
    fn apply(&mut self, message: &Value) -> Option<()> {
        let parts = message.as_array()?;
        if parts.get(1)?.as_str()? != "nvim_buf_lines_event" {
            return None;
        }
        let args = parts.get(2)?.as_array()?;
        let first = usize::try_from(args.get(2)?.as_i64()?).ok()?;
        let last = usize::try_from(args.get(3)?.as_i64()?).unwrap_or(self.lines.len());
        let new: Vec<usize> = args
            .get(4)?
            .as_array()?
            .iter()
            .map(|line| line.as_str().map_or(0, str::len) + 1)
            .collect();
        let last = last.min(self.lines.len());
        self.bytes += new.iter().sum::<usize>();
        self.bytes -= self.lines.splice(first..last, new).sum::<usize>();
        Some(())
    }
}

/// Asks the editor for `1`, over and over.
pub struct Pings {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Vec<(Instant, f64)>>,
}

/// When the questions were asked, and how long the answers took, in milliseconds. The next question leaves with the last
/// answer, so the longest wait is also the longest time in which the editor answered nothing.
pub struct Answered(Vec<(Instant, f64)>);

impl Pings {
    pub fn start(socket: &Path) -> Pings {
        let (mut read, mut write) = connect(socket);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let asking = thread::spawn(move || {
            let mut waits = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let asked = Instant::now();
                send(&mut write, "nvim_eval", vec!["1".into()]);
                let answer = rmpv::decode::read_value(&mut read).expect("an answer");
                let expected = [1.into(), 1.into(), Value::Nil, 1.into()];
                assert_eq!(answer, Value::Array(expected.to_vec()));
                waits.push((asked, milliseconds(asked.elapsed())));
            }
            waits
        });
        Pings { stop, asking }
    }

    pub fn stop(self) -> Answered {
        self.stop.store(true, Ordering::Relaxed);
        Answered(self.asking.join().expect("no panic"))
    }
}

impl Answered {
    /// What 99 of 100 questions between two moments did not exceed.
    pub fn p99(&self, from: Instant, until: Instant) -> f64 {
        let asked = self.0.iter().filter(|(at, _)| *at >= from && *at <= until);
        quantile(&asked.map(|(_, wait)| *wait).collect::<Vec<_>>(), 0.99)
    }

    pub fn longest(&self) -> f64 {
        self.0.iter().map(|(_, wait)| *wait).fold(0.0, f64::max)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}
