//! A scripted HTTP/1.1 server on loopback. Written by hand, so that every byte, write and close is the script's.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::{Answer, Step};
use super::wait::LIMIT;

/// A request as it arrived, body included.
#[derive(Debug, Clone)]
pub struct Request {
    /// The how-manieth request of this server, counted from 0.
    pub index: usize,
    /// The how-manieth connection brought it, counted from 0.
    pub connection: usize,
    pub method: String,
    /// The target as it was sent: path and query, or more if the client took the server for a proxy.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// When its last byte had been read.
    pub at: Instant,
}

impl Request {
    /// The value of the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; panics, with the body, if it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("request {} has no JSON body: {error}\n{}", self.index, self.text()),
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One write of the server.
#[derive(Debug, Clone)]
pub struct Write {
    /// The request that it answers.
    pub request: usize,
    /// The moment just before the bytes went to the socket.
    pub at: Instant,
    pub bytes: Vec<u8>,
}

/// Where answers come from.
pub enum Script {
    /// One for each request in order of arrival; a request too many gets status 501.
    List(VecDeque<Answer>),
    /// Whatever fits the request.
    Rule(Box<dyn FnMut(&Request) -> Answer + Send>),
}

impl From<Answer> for Script {
    fn from(answer: Answer) -> Script {
        Script::List(VecDeque::from([answer]))
    }
}

impl From<Vec<Answer>> for Script {
    fn from(answers: Vec<Answer>) -> Script {
        Script::List(answers.into())
    }
}

impl<const N: usize> From<[Answer; N]> for Script {
    fn from(answers: [Answer; N]) -> Script {
        Script::List(answers.into())
    }
}

impl<F: FnMut(&Request) -> Answer + Send + 'static> From<F> for Script {
    fn from(rule: F) -> Script {
        Script::Rule(Box::new(rule))
    }
}

/// What the server has seen and done, and what the tests told it.
#[derive(Debug, Default)]
struct Record {
    requests: Vec<Request>,
    /// How many of them `next_request` has handed out.
    taken: usize,
    connections: usize,
    closed: BTreeMap<usize, Instant>,
    writes: Vec<Write>,
    open_gates: HashSet<String>,
    reached_gates: HashSet<String>,
}

struct Shared {
    script: Mutex<Script>,
    record: watch::Sender<Record>,
}

/// A running server. It ends, with all its connections, when this is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Listens on a free port of 127.0.0.1 and answers by the script: an [`Answer`], a list of them, or a closure from
    /// request to answer.
    pub async fn start(script: impl Into<Script>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let record = watch::Sender::new(Record::default());
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into()),
            record,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Server {
            address,
            shared,
            accepting,
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.record.borrow().requests.clone()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.record.borrow().connections
    }

    /// All writes so far, in order.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.record.borrow().writes.clone()
    }

    /// The next request that this method has not handed out yet; waits for it.
    #[track_caller]
    pub fn next_request(&self) -> impl Future<Output = Request> {
        let arrived = self.when("the next request".to_owned(), |record| {
            record.requests.len() > record.taken
        });
        async {
            arrived.await;
            let mut next = None;
            self.shared.record.send_modify(|record| {
                next = record.requests.get(record.taken).cloned();
                record.taken += 1;
            });
            next.expect("a request that had arrived")
        }
    }

    /// The first request whose body holds this; waits for it.
    #[track_caller]
    pub fn next_request_with(&self, text: &str) -> impl Future<Output = Request> {
        let holds = |text: &str, request: &Request| String::from_utf8_lossy(&request.body).contains(text);
        let text = text.to_owned();
        let sought = text.clone();
        let arrived = self.when(format!("a request with {text:?}"), move |record| {
            record.requests.iter().any(|request| holds(&sought, request))
        });
        async move {
            arrived.await;
            let found = self.requests().into_iter().find(|request| holds(&text, request));
            found.expect("a request that had arrived")
        }
    }

    /// Opens a gate, for good: every [`Step::WaitFor`] of this name goes on, now and later.
    pub fn open(&self, gate: &str) {
        self.shared.record.send_modify(|record| {
            record.open_gates.insert(gate.to_owned());
        });
    }

    /// Waits until an answer has come to this gate: everything before it has been written.
    #[track_caller]
    pub fn reached(&self, gate: &str) -> impl Future<Output = ()> {
        self.when(format!("an answer at the gate {gate:?}"), move |record| {
            record.reached_gates.contains(gate)
        })
    }

    /// Waits until the client has closed the connection of request `n` (counted from 0): the moment when its FIN or RST
    /// was seen, also in the midst of a pause, a gate or a stall. An answer under way ends there.
    #[track_caller]
    pub fn closed(&self, n: usize) -> impl Future<Output = Instant> {
        let seen = self.when(format!("the end of the connection of request {n}"), move |record| {
            record.closed.contains_key(&n)
        });
        async move {
            seen.await;
            self.shared.record.borrow().closed[&n]
        }
    }

    /// Whether the client has closed the connection of request `n`.
    pub fn is_closed(&self, n: usize) -> bool {
        self.shared.record.borrow().closed.contains_key(&n)
    }

    #[track_caller]
    fn when(&self, what: String, mut condition: impl FnMut(&Record) -> bool) -> impl Future<Output = ()> {
        let mut record = self.shared.record.subscribe();
        let at = Location::caller();
        async move {
            let waited = tokio::time::timeout(LIMIT, record.wait_for(|record| condition(record))).await;
            if waited.is_err() {
                panic!(
                    "{at}: waited {LIMIT:?} for {what}; the server has seen {:#?}",
                    self.requests()
                );
            }
        }
    }
}

/// A port of loopback that refuses connections, and that nobody else gets while this lives: bound, not listening.
pub struct Refusing {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Refusing {
    pub fn start() -> Refusing {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a free port on loopback");
        Refusing {
            address: socket.local_addr().expect("the socket's address"),
            _socket: socket,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let mut number = 0;
        shared.record.send_modify(|record| {
            number = record.connections;
            record.connections += 1;
        });
        connections.spawn(serve(stream, number, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// How an answer left its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Keep,
    Close,
    Reset,
    /// The client went away.
    Gone,
}

/// One connection: reads without a pause, so that the client's end is noticed at once, and answers in order.
async fn serve(stream: TcpStream, number: usize, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let (requests, mut inbox) = mpsc::unbounded_channel();
    let gone = watch::Sender::new(false);
    let mut answering = Answering {
        write,
        gone: gone.subscribe(),
        shared: Arc::clone(&shared),
    };
    let mut reading = Box::pin(read_requests(read, number, shared, requests, gone));
    let mut all_read = false;
    let after = {
        let mut answers = pin!(answering.run(&mut inbox));
        tokio::select! {
            after = &mut answers => after,
            () = &mut reading => {
                all_read = true;
                answers.await
            }
        }
    };
    match after {
        // A failed write tells of the client's end too, and may be the first to: the reading half records the moment.
        After::Close | After::Gone if !all_read => reading.await,
        After::Reset => {
            drop(reading);
            let _ = answering.write.as_ref().set_zero_linger();
            answering.write.forget();
        }
        _ => {}
    }
}

/// Reads and records requests until the client's end, whose moment it records too.
async fn read_requests(
    read: OwnedReadHalf,
    connection: usize,
    shared: Arc<Shared>,
    requests: mpsc::UnboundedSender<Request>,
    gone: watch::Sender<bool>,
) {
    let mut read = BufReader::new(read);
    let mut indices = Vec::new();
    while let Ok(mut request) = read_request(&mut read).await {
        request.connection = connection;
        shared.record.send_modify(|record| {
            request.index = record.requests.len();
            record.requests.push(request.clone());
        });
        indices.push(request.index);
        let _ = requests.send(request);
    }
    let now = Instant::now();
    shared
        .record
        .send_modify(|record| record.closed.extend(indices.iter().map(|index| (*index, now))));
    gone.send_replace(true);
}

async fn read_request(read: &mut BufReader<OwnedReadHalf>) -> io::Result<Request> {
    let first = read_line(read).await?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let line = read_line(read).await?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let blank = Request {
        index: 0,
        connection: 0,
        method,
        path,
        headers,
        body: Vec::new(),
        at: Instant::now(),
    };
    let chunked = blank
        .header("Transfer-Encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
    let length = blank
        .header("Content-Length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let body = if chunked {
        read_chunks(read).await?
    } else {
        read_exactly(read, length).await?
    };
    Ok(Request {
        body,
        at: Instant::now(),
        ..blank
    })
}

async fn read_line(read: &mut BufReader<OwnedReadHalf>) -> io::Result<String> {
    let mut line = Vec::new();
    if read.read_until(b'\n', &mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

async fn read_exactly(read: &mut BufReader<OwnedReadHalf>, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    read.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn read_chunks(read: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(read).await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if size == 0 {
            break;
        }
        body.extend(read_exactly(read, size).await?);
        read_line(read).await?;
    }
    while !read_line(read).await?.is_empty() {}
    Ok(body)
}

/// The answering half of a connection.
struct Answering {
    write: OwnedWriteHalf,
    gone: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

impl Answering {
    /// Answers requests until the connection shall be kept no more.
    async fn run(&mut self, inbox: &mut mpsc::UnboundedReceiver<Request>) -> After {
        while let Some(request) = inbox.recv().await {
            let answer = self.shared.answer(&request);
            let client_closes = request
                .header("Connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"));
            let after = match self.play(&answer, request.index).await {
                After::Keep if client_closes => After::Close,
                after => after,
            };
            if after == After::Close {
                let _ = self.write.shutdown().await;
            }
            if after != After::Keep {
                return after;
            }
        }
        After::Gone
    }

    async fn play(&mut self, answer: &Answer, request: usize) -> After {
        let framing = Framing::of(answer);
        let mut head = None;
        let mut body_ended = false;
        for step in &answer.steps {
            if !matches!(step, Step::Status(_) | Step::Header(..))
                && !self.send_head(&mut head, &framing, request).await
            {
                return After::Gone;
            }
            let alive = match step {
                Step::Status(status) => {
                    let alive = self.send_head(&mut head, &framing, request).await;
                    head = Some(Head {
                        status: *status,
                        lines: Vec::new(),
                    });
                    alive
                }
                Step::Header(name, value) => {
                    let head = head.get_or_insert(Head {
                        status: 200,
                        lines: Vec::new(),
                    });
                    head.lines.push(format!("{name}: {value}"));
                    true
                }
                Step::Bytes(bytes) => self.write(bytes.clone(), request).await,
                Step::Chunk(bytes) => {
                    body_ended |= bytes.is_empty();
                    self.write(chunk(bytes), request).await
                }
                Step::Pause(duration) => !self.gone_during(tokio::time::sleep(*duration)).await,
                Step::WaitFor(gate) => self.wait_for(gate).await,
                Step::Stall => !self.gone_during(std::future::pending::<()>()).await,
                Step::Reset => return After::Reset,
                Step::Close => return After::Close,
            };
            if !alive {
                return After::Gone;
            }
        }
        let mut alive = self.send_head(&mut head, &framing, request).await;
        if framing.ends_chunks && !body_ended {
            alive = alive && self.write(chunk(&[]), request).await;
        }
        match (alive, framing.close) {
            (false, _) => After::Gone,
            (true, true) => After::Close,
            (true, false) => After::Keep,
        }
    }

    async fn send_head(&mut self, head: &mut Option<Head>, framing: &Framing, request: usize) -> bool {
        let Some(mut head) = head.take() else { return true };
        if head.status >= 200 {
            head.lines.extend(framing.headers.iter().cloned());
        }
        self.write(head.bytes(), request).await
    }

    /// Writes all of the bytes; false if the client is gone.
    async fn write(&mut self, bytes: Vec<u8>, request: usize) -> bool {
        let at = Instant::now();
        let written = tokio::select! {
            written = self.write.write_all(&bytes) => written.is_ok(),
            _ = self.gone.wait_for(|gone| *gone) => false,
        };
        self.shared
            .record
            .send_modify(|record| record.writes.push(Write { request, at, bytes }));
        written
    }

    async fn wait_for(&mut self, gate: &str) -> bool {
        let mut record = self.shared.record.subscribe();
        self.shared.record.send_modify(|record| {
            record.reached_gates.insert(gate.to_owned());
        });
        !self
            .gone_during(record.wait_for(|record| record.open_gates.contains(gate)))
            .await
    }

    /// Awaits the future; true if the client went away first.
    async fn gone_during<F: Future>(&mut self, future: F) -> bool {
        tokio::select! {
            _ = future => false,
            _ = self.gone.wait_for(|gone| *gone) => true,
        }
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Answer {
        let none_left = || Answer::html(501, &format!("The script has no answer for request {}.", request.index));
        match &mut *self.script.lock().expect("a script whose rule did not panic") {
            Script::List(answers) => answers.pop_front().unwrap_or_else(none_left),
            Script::Rule(rule) => rule(request),
        }
    }
}

struct Head {
    status: u16,
    lines: Vec<String>,
}

impl Head {
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        self.lines.iter().for_each(|line| text.extend([line, "\r\n"]));
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// What the head must say, beyond the script, so that a client finds the end of the body.
struct Framing {
    headers: Vec<String>,
    ends_chunks: bool,
    close: bool,
}

impl Framing {
    fn of(answer: &Answer) -> Framing {
        let named = |name: &str| {
            answer
                .steps
                .iter()
                .any(|step| matches!(step, Step::Header(key, _) if key.eq_ignore_ascii_case(name)))
        };
        let with = |kind: fn(&Step) -> bool| answer.steps.iter().any(kind);
        let status = with(|step| matches!(step, Step::Status(_) | Step::Header(..)));
        let chunks = with(|step| matches!(step, Step::Chunk(_)));
        let bytes = with(|step| matches!(step, Step::Bytes(_)));
        let bodiless = with(|step| matches!(step, Step::Status(204 | 304)));
        let cut = matches!(answer.steps.last(), Some(Step::Stall | Step::Reset | Step::Close));
        let declared = named("Content-Length") || named("Transfer-Encoding") || bodiless;
        let mut headers = Vec::new();
        if chunks && !declared {
            headers.push("Transfer-Encoding: chunked".to_owned());
        } else if status && !bytes && !declared && !cut {
            headers.push("Content-Length: 0".to_owned());
        }
        let close = answer.close || (status && bytes && !chunks && !declared);
        if close && !named("Connection") {
            headers.push("Connection: close".to_owned());
        }
        Framing {
            headers,
            ends_chunks: chunks && !cut,
            close,
        }
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        103 => "Early Hints",
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        529 => "Overloaded",
        _ => "Status",
    }
}
