//! The way to a provider: proxies, certificates, compression, HTTP/2, time limits.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

use crate::fixtures_lua::{flat, is_calm, recording, says};
use crate::support::answer::{Answer, Step};
use crate::support::home::Home;
use crate::support::nvim::{Builder, Nvim};
use crate::support::proxy::{Proxy, Way};
use crate::support::server::{Refusing, Server};
use crate::support::tls::{Authority, TlsServer};

const KEY: &str = "sk-aaaaaaaaaaaaaaaa";

fn well() -> Answer {
    Answer::chat_tokens(&["all ", "well"])
}

/// An editor whose `work/m` lies at this URL, and whose `network` has these options. Everything is logged.
fn editor(base_url: &str, network: &str) -> Builder {
    recording().env("WORK_KEY", KEY).config(format!(
        "{{ model = 'work/m', log_level = 'trace', network = {{ {network} }}, providers = {{ work = {{
            base_url = '{base_url}', wire = 'chat', insecure = true, key = {{ env = 'WORK_KEY' }} }} }} }}"
    ))
}

async fn ask(editor: Builder) -> Nvim {
    let nvim = editor.start().await;
    nvim.feed(":GPTChat why<CR>").await;
    nvim
}

async fn tells(nvim: &Nvim, sentences: &[&str]) {
    for sentence in sentences {
        is_calm(&says(nvim, sentence).await);
    }
}

/// These words stand nowhere that a person could read them.
async fn nowhere(nvim: &Nvim, words: &[&str]) {
    let log = fs::read_to_string(nvim.home().log()).unwrap_or_default();
    assert!(log.contains("configured"), "nothing is logged");
    let kept = nvim
        .lua_string(
            "vim.cmd('GPT log') return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n')",
            &[],
        )
        .await;
    for text in [log, kept, nvim.messages().await, flat(&nvim.screen())] {
        for word in words {
            assert!(!text.contains(word), "{word} is in\n{text}");
        }
    }
}

// Proxies --------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_forward_proxy_is_asked_for_a_host_that_only_it_knows() {
    for by_option in [true, false] {
        let proxy = Server::start(well()).await;
        let address = format!("http://me:pass-word@{}", proxy.address());
        let option = format!("proxy = '{address}'");
        let builder = editor("http://llm.test/v1", if by_option { &option } else { "" });
        let builder = if by_option {
            builder
        } else {
            builder.env("HTTP_PROXY", address)
        };
        let nvim = ask(builder).await;
        says(&nvim, "all well").await;
        let request = &proxy.requests()[0];
        assert_eq!(request.path, "http://llm.test/v1/chat/completions");
        assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6cGFzcy13b3Jk"));
        nowhere(&nvim, &["pass-word", "bWU6cGFzcy13b3Jk", KEY]).await;
    }
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_the_key_is_not_for_the_proxy() {
    let authority = Authority::new();
    let server = Server::start(well()).await;
    let tls = TlsServer::before(server.address(), &authority, "llm.test").await;
    let proxy = Proxy::start(Way::Connect(tls.address())).await;
    let home = Home::new();
    let file = home.write("ca.pem", authority.pem());
    let network = format!(
        "proxy = 'http://me:pass-word@{}', ca_file = '{}'",
        proxy.address(),
        file.display()
    );
    let nvim = ask(editor("https://llm.test/v1", &network).home(&home)).await;
    says(&nvim, "all well").await;
    let heard = proxy.heard();
    assert!(heard[0].starts_with("CONNECT llm.test:443 HTTP/1.1\r\n"), "{heard:?}");
    assert!(heard[0].contains("Basic bWU6cGFzcy13b3Jk"), "{heard:?}");
    assert!(!heard[0].contains(KEY), "{heard:?}");
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert_eq!(server.requests()[0].header("proxy-authorization"), None);
    nowhere(&nvim, &["pass-word", "bWU6cGFzcy13b3Jk", KEY]).await;
}

#[tokio::test]
async fn a_socks_proxy_is_asked_for_a_host_that_only_it_knows() {
    let server = Server::start([well(), well(), well()]).await;
    let open = Proxy::start(Way::Socks(server.address())).await;
    let closed = Proxy::start(Way::SocksWithPassword(server.address())).await;
    for (proxy, address, heard) in [
        (&open, format!("socks5h://{}", open.address()), "llm.test:80"),
        (
            &closed,
            format!("socks5h://me:pass-word@{}", closed.address()),
            "me:pass-word llm.test:80",
        ),
    ] {
        let nvim = ask(editor("http://llm.test/v1", &format!("proxy = '{address}'"))).await;
        says(&nvim, "all well").await;
        assert_eq!(proxy.heard(), [heard]);
        nowhere(&nvim, &["pass-word"]).await;
    }
    let nvim = ask(editor("http://llm.test/v1", "").env("ALL_PROXY", format!("socks5h://{}", open.address()))).await;
    says(&nvim, "all well").await;
    assert_eq!(open.heard().len(), 2);
}

#[tokio::test]
async fn this_machine_is_reached_without_the_proxy() {
    let (server, proxy) = (Server::start(well()).await, Server::start(Vec::new()).await);
    let network = format!("proxy = '{}'", proxy.url());
    let nvim = ask(editor(&server.url(), &network).env("HTTP_PROXY", proxy.url())).await;
    says(&nvim, "all well").await;
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_host_that_the_environment_excepts_or_a_switch_in_the_configuration_goes_without_the_proxy() {
    for (network, exception) in [
        ("proxy = false", ""),
        ("", "llm.invalid"),
        ("proxy = '{url}'", "llm.invalid"),
    ] {
        let proxy = Server::start(Vec::new()).await;
        let network = network.replace("{url}", &proxy.url());
        let builder = editor("http://llm.invalid/v1", &network).env("HTTP_PROXY", proxy.url());
        let nvim = ask(builder.env("NO_PROXY", exception)).await;
        tells(&nvim, &["No connection to llm.invalid.", "Check the network"]).await;
        assert_eq!(proxy.connections(), 0, "{network}");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_told_with_where_to_write_it() {
    const REFUSAL: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    for url in ["http://llm.test/v1", "https://llm.test/v1"] {
        let proxy = Proxy::start(Way::Refuse(REFUSAL)).await;
        let nvim = ask(editor(url, &format!("proxy = 'http://{}'", proxy.address()))).await;
        tells(
            &nvim,
            &[
                "The proxy does not let us through to llm.test.",
                "It wants a name and a password: http://name:password@host:port in network.proxy or HTTPS_PROXY.",
                "HTTP 407",
            ],
        )
        .await;
        assert_eq!(proxy.heard().len(), 1, "it was asked again");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_cannot_go_on_is_told_by_its_address_and_not_its_password() {
    let refusing = Refusing::start();
    let unable = Proxy::start(Way::Refuse("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")).await;
    let no_socks = Proxy::start(Way::SocksWithPassword(refusing.address())).await;
    for (scheme, address, said) in [
        ("http", refusing.address(), "Connection refused"),
        ("socks5h", refusing.address(), "SOCKS error"),
        ("http", unable.address(), "tunnel error: unsuccessful"),
        ("socks5h", no_socks.address(), ""),
    ] {
        let me = if said.is_empty() { "" } else { "me:pass-word@" };
        let nvim = ask(editor(
            "https://llm.test/v1",
            &format!("proxy = '{scheme}://{me}{address}'"),
        ))
        .await;
        says(&nvim, "No connection through the proxy · asks again in 1 s").await;
        tells(
            &nvim,
            &[
                "The proxy does not let us through to llm.test.",
                "Tried 3 times. Check network.proxy, or HTTPS_PROXY",
                &format!("{address}: {said}"),
            ],
        )
        .await;
        nowhere(&nvim, &["pass-word"]).await;
    }
}

#[tokio::test]
async fn an_address_that_is_no_proxys_is_told_without_being_repeated() {
    let nvim = ask(editor("https://llm.test/v1", "proxy = 'ftp://me:pass-word@proxy'")).await;
    tells(
        &nvim,
        &["network.proxy is no address of a proxy", "Correct the configuration"],
    )
    .await;
    nowhere(&nvim, &["pass-word"]).await;
}

#[tokio::test]
async fn health_names_the_proxy_without_its_password_and_the_file_of_certificates() {
    let home = Home::new();
    home.write("ca.pem", "");
    let network = "proxy = 'http://me:pass/w@rd@proxy.test:3128', ca_file = '~/ca.pem'";
    let nvim = editor("https://llm.test/v1", network).home(&home).start().await;
    nvim.command("checkhealth gpt").await;
    let said = nvim
        .lua_string(
            "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n')",
            &[],
        )
        .await;
    assert!(said.contains("Proxy: http://proxy.test:3128\n"), "{said}");
    assert!(
        said.contains("Certificates of your own: /") && said.contains("/ca.pem"),
        "{said}"
    );
    assert!(!said.contains("pass") && !said.contains("w@rd"), "{said}");
}

// Certificates ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_told_and_trusted_once_it_is_named() {
    let authority = Authority::new();
    let server = Server::start(well()).await;
    let tls = TlsServer::before(server.address(), &authority, "localhost").await;
    let url = format!("https://localhost:{}/v1", tls.address().port());
    let nvim = ask(editor(&url, "")).await;
    tells(
        &nvim,
        &[
            "No trusted connection to localhost:",
            "Check this machine's certificates",
            "name its authority's PEM file in network.ca_file.",
            "invalid peer certificate: UnknownIssuer",
        ],
    )
    .await;
    assert_eq!(
        server.connections(),
        0,
        "something was sent to a server that is not trusted"
    );

    let home = Home::new();
    home.write("ca.pem", authority.pem());
    let nvim = ask(editor(&url, "ca_file = '~/ca.pem'").home(&home)).await;
    says(&nvim, "all well").await;
}

#[tokio::test]
async fn a_servers_own_certificate_that_is_named_is_trusted_and_no_other_like_it() {
    let named = Authority::of_itself(&["localhost"]);
    let nameless = Authority::of_itself(&[]);
    let like_it = Authority::of_itself(&["localhost"]);
    for (shown, trusted, told) in [
        (&named, &named, "all well"),
        (
            &nameless,
            &nameless,
            "openssl req -x509 … -addext subjectAltName=DNS:localhost",
        ),
        (&like_it, &named, "No trusted connection to localhost:"),
    ] {
        let server = Server::start(well()).await;
        let tls = TlsServer::before(server.address(), shown, "localhost").await;
        let home = Home::new();
        home.write("c.pem", trusted.pem());
        let url = format!("https://localhost:{}/v1", tls.address().port());
        let nvim = ask(editor(&url, "ca_file = '~/c.pem'").home(&home)).await;
        says(&nvim, told).await;
        assert_eq!(server.connections() > 0, told == "all well", "{told}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told() {
    let authority = Authority::new();
    let server = Server::start(well()).await;
    let tls = TlsServer::before(server.address(), &authority, "other.test").await;
    let home = Home::new();
    home.write("ca.pem", authority.pem());
    let url = format!("https://localhost:{}/v1", tls.address().port());
    let nvim = ask(editor(&url, "ca_file = '~/ca.pem'").home(&home)).await;
    tells(&nvim, &["No trusted connection to localhost:", "other.test"]).await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.ok();
        }
    });
    let nvim = ask(editor(&url, "")).await;
    tells(
        &nvim,
        &["No trusted connection to localhost:", "received corrupt message"],
    )
    .await;
}

#[tokio::test]
async fn a_ca_file_that_is_missing_or_none_is_named_with_its_option() {
    let home = Home::new();
    home.write("text.pem", "no certificate");
    for (file, why) in [
        (
            "~/missing.pem",
            "missing.pem: it cannot be read (No such file or directory",
        ),
        ("~/text.pem", "text.pem: it holds no certificates in PEM form"),
        ("~", "it cannot be read"),
    ] {
        let nvim = ask(editor("https://llm.test/v1", &format!("ca_file = '{file}'")).home(&home)).await;
        tells(&nvim, &["network.ca_file, /", why, "Correct the configuration"]).await;
    }
}

// HTTP -----------------------------------------------------------------------------------------------------------------

/// The answer with each chunk of its body compressed, and handed out at once.
fn compressed(answer: Answer) -> Answer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut given = 0;
    let mut steps: Vec<Step> = Vec::new();
    for step in answer.with_header("Content-Encoding", "gzip").steps {
        let Step::Chunk(bytes) = step else {
            steps.push(step);
            continue;
        };
        encoder.write_all(&bytes).unwrap();
        encoder.flush().unwrap();
        steps.push(Step::chunk(&encoder.get_ref()[given..]));
        given = encoder.get_ref().len();
    }
    steps.push(Step::chunk(&encoder.finish().unwrap()[given..]));
    Answer::new(steps)
}

#[tokio::test]
async fn a_compressed_answer_is_shown_as_it_comes() {
    let server = Server::start(compressed(well().gate_before_token(1, "rest"))).await;
    let nvim = ask(editor(&server.url(), "")).await;
    nvim.wait_lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n'):find('\\nall', 1, true)")
        .await;
    server.open("rest");
    says(&nvim, "all well").await;
    let accepted = server.requests()[0].header("accept-encoding").map(str::to_owned);
    assert!(accepted.is_some_and(|codings| codings.contains("gzip")));
}

/// A frame of HTTP/2 on stream 1, or on none for settings: <https://www.rfc-editor.org/rfc/rfc9113#section-4.1>.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let stream = u8::from(kind != SETTINGS);
    let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

/// Answers the first request of an HTTP/2 connection with these events.
async fn answer_http2(mut stream: TlsStream<TcpStream>, events: &str) -> std::io::Result<()> {
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    stream.write_all(&frame(SETTINGS, 0, &[])).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).await?;
        if head[3] == HEADERS {
            break;
        }
    }
    // 0x88: the status 200 in HPACK's static table.
    stream.write_all(&frame(HEADERS, 4, &[0x88])).await?;
    stream.write_all(&frame(DATA, 1, events.as_bytes())).await?;
    stream.flush().await?;
    while stream.read_u8().await.is_ok() {}
    Ok(())
}

#[tokio::test]
async fn a_server_that_speaks_http_2_is_spoken_to_in_it() {
    const EVENTS: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"all well\"},\"finish_reason\":\"stop\"}]}\n\n\
                          data: [DONE]\n\n";
    let authority = Authority::new();
    let serve = |stream| async { drop(answer_http2(stream, EVENTS).await) };
    let tls = TlsServer::start(&authority, "localhost", &["h2", "http/1.1"], serve).await;
    let home = Home::new();
    home.write("ca.pem", authority.pem());
    let url = format!("https://localhost:{}/v1", tls.address().port());
    let nvim = ask(editor(&url, "ca_file = '~/ca.pem'").home(&home)).await;
    says(&nvim, "all well").await;
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_given_up() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap(); // TLS waits for its hello
    let url = format!("https://localhost:{}/v1", mute.local_addr().unwrap().port());
    let nvim = ask(editor(&url, "connect_timeout = 0.2, idle_timeout = 60")).await;
    says(&nvim, "Nothing came from localhost:").await;
    tells(&nvim, &["in time.", "Tried 3 times.", "network.idle_timeout"]).await;
}
