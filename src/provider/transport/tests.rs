use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::config::Config;
use crate::keys::Secret;
use crate::provider::registry::Registry;

/// Lists the models of a provider whose address is a server that answers this; yields the count and the request's head.
async fn listed(name: &str, base: &str, list: &str) -> (Result<Vec<Listed>, ProviderError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{base}", listener.local_addr().unwrap());
    let config = serde_json::json!({"providers": {name: {"base_url": url}}});
    let config: Config = serde_json::from_value(config).unwrap();
    let registry = Registry::new(&config, &|_| None);
    let credentials = Credentials {
        key: Secret::new("secret-1".into()).ok(),
        ..Credentials::default()
    };
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{list}",
            list.len()
        );
        stream.write_all(answer.as_bytes()).await.ok();
        String::from_utf8(head).unwrap()
    };
    let http = Http::new(config.network.clone());
    let counting = http.models(registry.provider(name).unwrap(), &credentials);
    tokio::join!(counting, serve)
}

#[tokio::test]
async fn models_are_counted_where_each_provider_lists_them() {
    let named = r#"{"models":[{"name":"a"},{"name":"b"}]}"#;
    for (name, base, list, path, header) in [
        (
            "openai",
            "/v1",
            r#"{"data":[{"id":"a"},{"id":"b"}]}"#,
            "/v1/models",
            "authorization: Bearer secret-1",
        ),
        (
            "anthropic",
            "/v1",
            r#"{"data":[{"id":"a"},{"id":"b"}],"has_more":false}"#,
            "/v1/models?limit=1000",
            "x-api-key: secret-1",
        ),
        (
            "gemini",
            "/v1beta",
            named,
            "/v1beta/models?pageSize=1000",
            "x-goog-api-key: secret-1",
        ),
        ("ollama", "/v1", named, "/api/tags", "accept: application/json"),
        (
            "together",
            "/v1",
            r#"[{"id":"a"},{"id":"b"}]"#,
            "/v1/models",
            "authorization: Bearer secret-1",
        ),
        (
            "github",
            "/inference",
            r#"[{"id":"a"},{"id":"b"}]"#,
            "/catalog/models",
            "authorization: Bearer secret-1",
        ),
    ] {
        let (models, head) = listed(name, base, list).await;
        assert_eq!(models.map(|models| models.len()), Ok(2), "{name}");
        assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{name}: {head}");
        assert!(head.contains(&format!("{header}\r\n")), "{name}: {head}");
    }
}

#[tokio::test]
async fn a_page_is_no_list_of_models() {
    let (count, _) = listed("openai", "/v1", "<html><title>Login</title></html>").await;
    assert_eq!(count.unwrap_err().class, ErrorClass::Proxy);
}

#[tokio::test]
async fn a_list_of_models_without_end_is_given_up() {
    let (listed, _) = listed("openai", "/v1", &" ".repeat(LIST_BYTES + 1)).await;
    assert_eq!(listed.unwrap_err().message, "The list of models is longer than 8 MB.");
}

#[tokio::test]
async fn a_carriage_return_does_not_hide_a_key() {
    let credentials = Credentials {
        key: Secret::new("hunter2-hunter2".into()).ok(),
        ..Credentials::default()
    };
    let (sender, mut events) = mpsc::channel(8);
    let mut listener = Listener::new(&credentials, &sender);
    let pieces = ["it is hunter2\r-hun", "\rter2.\r\nyes"].map(|piece| Event::Text(piece.into()));
    assert!(listener.hear(pieces.into_iter()).await.is_none());
    listener.flush().await;
    drop(sender);
    let mut shown = String::new();
    while let Some(batch) = events.recv().await {
        for event in batch {
            let Event::Text(text) = event else { panic!("{event:?}") };
            shown.push_str(&text);
        }
    }
    assert_eq!(shown, "it is [redacted].\nyes");
}
