//! A chat with a server that none of us wrote: LiteLLM's proxy, whose model says a fixed sentence. `make test-litellm`
//! fetches it and runs this.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::common::*;
use crate::support::home::Home;
use crate::support::nvim::Nvim;
use crate::support::wait::POLL;

const KEY: &str = "sk-0123456789abcdef0123456789abcdef";
const SAID: &str = "Good day from the proxy.";
/// How long the proxy may take to start: some 20 s on an idle machine.
const START_LIMIT: std::time::Duration = std::time::Duration::from_secs(180);

/// A running proxy. It ends when this is dropped.
struct Proxy {
    port: u16,
    _home: Home,
    _process: Child,
}

impl Proxy {
    async fn start() -> Proxy {
        let program = std::env::var_os("GPT_LITELLM").map(PathBuf::from);
        let program = program.expect("GPT_LITELLM, the path of the proxy: make test-litellm sets it");
        let port = free_port();
        let home = Home::new();
        let config = home.write("litellm.yaml", models(port));
        let process = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
            .arg(config)
            .env("HOME", home.path())
            .env("LITELLM_MASTER_KEY", KEY)
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the proxy starts");
        let mut proxy = Proxy {
            port,
            _home: home,
            _process: process,
        };
        tokio::time::timeout(START_LIMIT, proxy.listening())
            .await
            .expect("the proxy listens");
        proxy
    }

    async fn listening(&mut self) {
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self._process.try_wait().expect("the proxy's state");
            assert_eq!(ended, None, "the proxy ended");
            tokio::time::sleep(POLL).await;
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// `mock` says its sentence. `relay` asks `mock` through the proxy itself, as a provider that knows Chat Completions only:
/// so the other wires' frames are the proxy's own translation of a stream, which it does not make for a mock.
fn models(port: u16) -> String {
    format!(
        "model_list:
  - {{model_name: mock, litellm_params: {{model: openai/mock, api_key: none, mock_response: '{SAID}'}}}}
  - {{model_name: relay, litellm_params: {{model: together_ai/mock, api_base: 'http://127.0.0.1:{port}/v1', api_key: {KEY}}}}}
litellm_settings: {{telemetry: false}}
"
    )
}

/// An editor that knows the proxy by three names, one for each wire.
async fn editor(proxy: &Proxy) -> Nvim {
    let entry = |name: &str, like: &str, wire: &str| {
        let url = format!("http://127.0.0.1:{}/v1", proxy.port);
        format!("{name} = {{ like = '{like}', base_url = '{url}', key = {{ env = 'LITELLM_KEY' }}, {wire} }}")
    };
    let providers = [
        entry("chat", "openai-compatible", "wire = 'chat'"),
        entry("answers", "openai-compatible", "wire = 'responses'"),
        entry("messages", "anthropic", ""),
    ];
    unconfigured()
        .env("LITELLM_KEY", KEY)
        .config(format!(
            "{{ model = 'chat/mock', providers = {{ {} }} }}",
            providers.join(", ")
        ))
        .start()
        .await
}

#[tokio::test]
#[ignore = "needs LiteLLM's proxy: make test-litellm"]
async fn a_chat_streams_from_litellm_on_each_wire_it_speaks() {
    let proxy = Proxy::start().await;
    let nvim = editor(&proxy).await;
    open(&nvim).await;
    let models = [
        "chat/mock",
        "chat/relay",
        "answers/relay",
        "messages/relay",
        "messages/mock",
    ];
    let mut expected = Vec::new();
    for (n, model) in models.into_iter().enumerate() {
        nvim.command(&format!("GPTModel {model}")).await;
        wait(&nvim, format!("return require('gpt').status().model == '{model}'")).await;
        say(&nvim, "hi there").await;
        ended(&nvim, n + 1).await;
        expected.extend([("You", "hi there"), (model, SAID)]);
        assert_eq!(chat_lines(&nvim).await, transcript(&expected));
        let counted = nvim.lua_i64("return require('gpt').status().usage.output", &[]).await;
        assert!(counted > 0, "{model}");
    }
    nvim.command("GPTModel chat/nothing").await;
    say(&nvim, "hi").await;
    ended(&nvim, models.len() + 1).await;
    assert_eq!(events(&nvim).await.last().map(String::as_str), Some("GPTAnswerFailed"));
    clean(&nvim).await;
}
