//! The binary by itself: size, time to the first reply, memory with a chat.

use std::io::{BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use rmpv::Value;

use crate::report::Report;
use crate::stream::Chat;
use crate::{BINARY, milliseconds, support::process, text};

const STARTS: usize = 40;
const MEGABYTE: f64 = 1e6;

pub async fn measure(report: &mut Report) {
    let size = std::fs::metadata(BINARY).expect("the binary").len();
    report.limited("binary: size", "MB", 10.0, size as f64 / MEGABYTE);
    for _ in 0..STARTS {
        report.limited("binary: to its first reply", "ms", 3.0, first_reply());
    }
    let chat = Chat::open((80, 24)).await;
    chat.answer(text::tokens(10_000), None).await;
    let pid = chat.binary();
    report.limited(
        "binary: memory with a chat of 10,000 tokens",
        "MB",
        15.0,
        process::resident_bytes(pid) as f64 / MEGABYTE,
    );
}

fn first_reply() -> f64 {
    let question = Value::Array(vec![0.into(), 1.into(), "version".into(), Value::Array(Vec::new())]);
    let begun = Instant::now();
    let mut child = Command::new(BINARY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &question).expect("a request in memory");
    child
        .stdin
        .as_ref()
        .expect("its standard input")
        .write_all(&bytes)
        .expect("it reads");
    let mut output = BufReader::new(child.stdout.take().expect("its standard output"));
    rmpv::decode::read_value(&mut output).expect("an answer");
    let took = milliseconds(begun.elapsed());
    drop(child.stdin.take());
    child.wait().expect("its end");
    took
}
