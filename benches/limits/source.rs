//! A provider that keeps time. The tests' server pauses between tokens with timers of a millisecond's grain, so its
//! rate sags (10 ms become 11, 1 ms becomes 2); this one has a thread of its own, and writes each token when it is due.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

/// What to say next.
struct Order {
    tokens: Vec<String>,
    /// Tokens per second; without it all at once, in one write.
    rate: Option<f64>,
    sent: Sender<Vec<Sent>>,
}

/// A token that went out.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Just before it was written.
    pub at: Instant,
    /// The bytes of the answer's text up to its end.
    pub until: usize,
}

/// A server that answers each request with what is ordered next. The head goes out at once, so the order begins the text.
pub struct Source {
    address: SocketAddr,
    orders: Sender<Order>,
    asked: Receiver<()>,
}

impl Source {
    pub fn start() -> Source {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let (orders, inbox) = mpsc::channel();
        let (asking, asked) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serve(&stream, &inbox, &asking).is_none() {
                    return;
                }
            }
        });
        Source { address, orders, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Waits for the next request.
    pub fn asked(&self) {
        self.asked.recv_timeout(Duration::from_secs(10)).expect("a request");
    }

    /// Says the tokens and ends the answer; the receiver tells when that is done.
    pub fn say(&self, tokens: Vec<String>, rate: Option<f64>) -> Receiver<Vec<Sent>> {
        let (sent, receiver) = mpsc::channel();
        let order = Order { tokens, rate, sent };
        self.orders.send(order).expect("a source that lives");
        receiver
    }
}

/// One connection after the other, request by request. `None` when there will be no more orders.
fn serve(stream: &TcpStream, orders: &Receiver<Order>, asking: &Sender<()>) -> Option<()> {
    stream.set_nodelay(true).expect("no delay");
    let mut read = BufReader::new(stream);
    let mut write = stream;
    while read_request(&mut read).is_some() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let role = chunk(&event(&json!({ "role": "assistant", "content": "" }), None));
        write.write_all(format!("{head}{role}").as_bytes()).ok()?;
        asking.send(()).ok()?;
        let order = orders.recv().ok()?;
        let sent = say(&mut write, &order);
        let end = chunk(&format!("{}data: [DONE]\n\n", event(&json!({}), Some("stop"))));
        write.write_all(format!("{end}0\r\n\r\n").as_bytes()).ok();
        order.sent.send(sent).ok();
    }
    Some(())
}

fn say(write: &mut impl Write, order: &Order) -> Vec<Sent> {
    let mut until = 0;
    let chunks = order
        .tokens
        .iter()
        .map(|token| chunk(&event(&json!({ "content": token }), None)));
    let Some(rate) = order.rate else {
        let whole: String = chunks.collect();
        let at = Instant::now();
        write.write_all(whole.as_bytes()).ok();
        let reached = |token: &String| {
            until += token.len();
            Sent { at, until }
        };
        return order.tokens.iter().map(reached).collect();
    };
    let begun = Instant::now();
    let mut sent = Vec::with_capacity(order.tokens.len());
    for ((number, token), chunk) in order.tokens.iter().enumerate().zip(chunks) {
        let due = begun + Duration::from_secs_f64(number as f64 / rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        until += token.len();
        let at = Instant::now();
        write.write_all(chunk.as_bytes()).ok();
        sent.push(Sent { at, until });
    }
    sent
}

fn read_request(read: &mut impl BufRead) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        read.read_line(&mut line).ok().filter(|size| *size > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    read.read_exact(&mut vec![0; length]).ok()
}

fn event(delta: &serde_json::Value, reason: Option<&str>) -> String {
    let body = json!({ "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "model",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
    format!("data: {body}\n\n")
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
