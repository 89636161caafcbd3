//! A scripted proxy on loopback: tunnels by CONNECT (RFC 9110, 9.3.6) or by SOCKS5 (RFC 1928), all to one address,
//! whatever name is asked for. (A forward proxy for plain http is the scripted [`server`](super::server) itself.)

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the proxy does.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// CONNECT, tunnelled to this address.
    Connect(SocketAddr),
    /// SOCKS5 without authentication, tunnelled to this address.
    Socks(SocketAddr),
    /// SOCKS5 that wants a name and a password (RFC 1929), tunnelled to this address.
    SocksWithPassword(SocketAddr),
    /// These bytes in answer to a whole head, and the end.
    Refuse(&'static str),
}

/// A running proxy. It ends when this is dropped.
pub struct Proxy {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    pub async fn start(way: Way) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let hearing = Arc::clone(&hearing);
                tokio::spawn(async move { serve(stream, way, &hearing).await });
            }
        });
        Proxy {
            address,
            heard,
            accepting,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked for, each in one text: the head of a CONNECT, or `name:password host:port` of SOCKS5.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panicked with it").clone()
    }
}

async fn serve(mut stream: TcpStream, way: Way, heard: &Mutex<Vec<String>>) -> io::Result<()> {
    let (asked, ready, to) = match way {
        Way::Connect(to) => (head(&mut stream).await?, &b"HTTP/1.1 200 OK\r\n\r\n"[..], Some(to)),
        Way::Refuse(answer) => (head(&mut stream).await?, answer.as_bytes(), None),
        Way::Socks(to) => (socks(&mut stream, 0).await?, &SOCKS_READY[..], Some(to)),
        Way::SocksWithPassword(to) => (socks(&mut stream, 2).await?, &SOCKS_READY[..], Some(to)),
    };
    heard.lock().expect("nobody panicked with it").push(asked);
    stream.write_all(ready).await?;
    if let Some(to) = to {
        copy_bidirectional(&mut stream, &mut TcpStream::connect(to).await?).await?;
    }
    Ok(())
}

const SOCKS_READY: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// The handshake up to the client's request; `method` is 0 (no authentication) or 2 (name and password).
async fn socks(stream: &mut TcpStream, method: u8) -> io::Result<String> {
    let _version = stream.read_u8().await?;
    let methods = counted(stream).await?;
    if !methods.as_bytes().contains(&method) {
        stream.write_all(&[5, 0xff]).await?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    stream.write_all(&[5, method]).await?;
    let mut asked = String::new();
    if method == 2 {
        let _version = stream.read_u8().await?;
        asked = format!("{}:{} ", counted(stream).await?, counted(stream).await?);
        stream.write_all(&[1, 0]).await?;
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        3 => counted(stream).await?,
        1 => format!("{}", stream.read_u32().await?),
        kind => format!("address of kind {kind}"),
    };
    Ok(format!("{asked}{host}:{}", stream.read_u16().await?))
}

/// A text with its length before it, in one byte.
async fn counted(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
