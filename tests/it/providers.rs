//! Each provider in its own protocol: what is asked, where, with which key, and what a reader sees of the answer.

use serde_json::json;

use crate::common::*;
use crate::support::answer::Answer;
use crate::support::nvim::Nvim;
use crate::support::server::{Request, Server};

const KEY: &str = "key-0123456789abcdef";

/// An editor whose `provider` lies at this server; its key is in the provider's own variable.
async fn editor(server: &Server, model: &str, base: &str, more: &str, variable: &str) -> Nvim {
    let provider = model.split('/').next().unwrap();
    let url = format!("{}{base}", server.url());
    unconfigured()
        .env(variable, KEY)
        .config(format!(
            "{{ model = '{model}', providers = {{ {provider} = {{ base_url = '{url}', {more} }} }} }}"
        ))
        .start()
        .await
}

/// Asks one question, and yields how it was asked; the answer must then be on the screen and in the chat.
async fn exchange(nvim: &Nvim, server: &Server, model: &str, answer: &str) -> Request {
    open(nvim).await;
    say(nvim, "hi there").await;
    let request = server.next_request().await;
    ended(nvim, 1).await;
    assert_eq!(
        chat_lines(nvim).await,
        transcript(&[("You", "hi there"), (model, answer)])
    );
    nvim.wait_screen_contains(answer.lines().last().unwrap()).await;
    assert_eq!(clean(nvim).await, "");
    request
}

/// That the key stands in this header and nowhere else.
#[track_caller]
fn assert_key_only_in(request: &Request, header: &str) {
    let holding: Vec<&str> = request
        .headers
        .iter()
        .filter(|(_, value)| value.contains(KEY))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(holding.len(), 1, "{holding:?}");
    assert!(holding[0].eq_ignore_ascii_case(header), "{holding:?}");
    assert!(!request.path.contains(KEY) && !request.text().contains(KEY));
}

#[tokio::test]
async fn anthropic_is_asked_for_messages() {
    let server = Server::start(Answer::sse(&[
        r#"{"type":"message_start","message":{"usage":{"input_tokens":5,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Good "}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"day."}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}"#,
        r#"{"type":"message_stop"}"#,
    ]))
    .await;
    let model = "anthropic/claude-sonnet-5";
    let nvim = editor(&server, model, "/v1", "", "ANTHROPIC_API_KEY").await;
    let request = exchange(&nvim, &server, model, "Good day.").await;
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_key_only_in(&request, "x-api-key");
    let body = request.json();
    assert_eq!(
        (&body["model"], &body["stream"]),
        (&json!("claude-sonnet-5"), &json!(true))
    );
    assert_eq!(body["max_tokens"], 128_000);
    assert!(body["system"].as_str().unwrap().contains("Neovim"));
    assert_eq!(body["messages"], json!([{"role": "user", "content": "hi there"}]));
}

#[tokio::test]
async fn gemini_is_asked_in_its_own_protocol_with_the_key_in_a_header() {
    let server = Server::start(Answer::sse(&[
        r#"{"candidates":[{"content":{"parts":[{"text":"Good "}],"role":"model"}}],"usageMetadata":{"promptTokenCount":5}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"day."}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":3}}"#,
    ]))
    .await;
    let model = "gemini/gemini-flash-latest";
    let nvim = editor(&server, model, "/v1beta", "", "GOOGLE_API_KEY").await;
    let request = exchange(&nvim, &server, model, "Good day.").await;
    assert_eq!(
        request.path,
        "/v1beta/models/gemini-flash-latest:streamGenerateContent?alt=sse"
    );
    assert_eq!(request.header("x-goog-api-key"), Some(KEY));
    assert_key_only_in(&request, "x-goog-api-key");
    let body = request.json();
    assert_eq!(
        body["contents"],
        json!([{"role": "user", "parts": [{"text": "hi there"}]}])
    );
    assert!(body["systemInstruction"]["parts"][0]["text"].is_string());
}

#[tokio::test]
async fn ollama_is_asked_for_its_lines_with_the_size_of_the_context() {
    let lines = [
        r#"{"model":"qwen3","message":{"role":"assistant","content":"","thinking":"Hm."},"done":false}"#,
        r#"{"model":"qwen3","message":{"role":"assistant","content":"Good "},"done":false}"#,
        r#"{"model":"qwen3","message":{"role":"assistant","content":"day."},"done":false}"#,
        r#"{"model":"qwen3","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":3}"#,
    ];
    let body = format!("{}\n", lines.join("\n"));
    let server = Server::start(Answer::whole(200, "application/x-ndjson", &body)).await;
    let model = "ollama/qwen3:8b";
    let nvim = editor(&server, model, "", "context = 16384", "OPENAI_API_KEY").await;
    let request = exchange(&nvim, &server, model, "> **Reasoning**\n>\n> Hm.\n\nGood day.").await;
    assert_eq!(request.path, "/api/chat");
    assert!(request.headers.iter().all(|(_, value)| !value.contains(KEY)));
    assert_eq!(request.header("authorization"), None);
    let body = request.json();
    assert_eq!(
        (&body["model"], &body["options"]),
        (&json!("qwen3:8b"), &json!({"num_ctx": 16384}))
    );
    assert_eq!(body["messages"][1], json!({"role": "user", "content": "hi there"}));
}

#[tokio::test]
async fn azure_with_a_dated_version_has_the_deployment_in_the_path() {
    let server = Server::start(Answer::chat_tokens(&["Good ", "day."])).await;
    let model = "azure/my-deployment";
    let more = "api_version = '2024-10-21'";
    let nvim = editor(&server, model, "/openai/v1", more, "AZURE_OPENAI_API_KEY").await;
    let request = exchange(&nvim, &server, model, "Good day.").await;
    assert_eq!(
        request.path,
        "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    );
    assert_key_only_in(&request, "api-key");
}

#[tokio::test]
async fn a_compatible_provider_gets_the_key_of_its_own_variable_only() {
    let server = Server::start(Answer::chat_tokens(&["Good ", "day."])).await;
    let model = "mistral/mistral-large-latest";
    let nvim = editor(&server, model, "/v1", "", "MISTRAL_API_KEY").await;
    let request = exchange(&nvim, &server, model, "Good day.").await;
    assert_eq!(request.path, "/v1/chat/completions");
    assert_key_only_in(&request, "authorization");
    assert_eq!(request.json().get("stream_options"), None);
}

#[tokio::test]
async fn headers_of_ones_own_are_sent_kept_out_of_everything_shown_and_reserved_ones_are_refused() {
    let server = Server::start([Answer::chat_tokens(&["said plain-secret-9 and ", "from-variable-1"])]).await;
    let config = |headers: &str| {
        format!(
            "{{ model = 'work/m', providers = {{ work = {{ base_url = '{}/v1', key = {{ env = 'WORK_KEY' }},
               key_header = 'api-key', headers = {{ {headers} }} }} }} }}",
            server.url()
        )
    };
    let headers = "['x-provider'] = '@openai', ['x-secret'] = 'plain-secret-9', ['x-auth'] = { env = 'GATEWAY' },
        ['x-cmd'] = { cmd = { 'printf', 'printed-secret' } }";
    let nvim = unconfigured()
        .env("WORK_KEY", KEY)
        .env("GATEWAY", "Bearer from-variable-1")
        .config(config(headers))
        .start()
        .await;
    let request = exchange(&nvim, &server, "work/m", "said [redacted] and [redacted]").await;
    assert_key_only_in(&request, "api-key");
    assert_eq!(request.header("api-key"), Some(KEY));
    assert_eq!(request.header("x-provider"), Some("@openai"));
    assert_eq!(request.header("x-secret"), Some("plain-secret-9"));
    assert_eq!(request.header("x-auth"), Some("Bearer from-variable-1"));
    assert_eq!(request.header("x-cmd"), Some("printed-secret"));

    for (headers, told) in [
        ("host = 'x'", "host belongs to the connection"),
        ("['x y'] = 'x'", "cannot be the name of a header."),
        ("['x-a'] = { env = 'NOT_SET' }", "the variable NOT_SET is not set."),
    ] {
        let nvim = unconfigured()
            .env("WORK_KEY", KEY)
            .config(config(headers))
            .start()
            .await;
        open(&nvim).await;
        say(&nvim, "hi").await;
        let flat = |screen: &str| {
            screen
                .replace(['│', '\n', '~'], " ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        nvim.wait_screen(|screen| flat(screen).contains(told)).await;
        assert_eq!(server.requests().len(), 1, "{headers}");
    }
}
