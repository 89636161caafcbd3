use super::*;
use crate::config::Config;
use crate::provider::registry::Registry;

fn provider(settings: serde_json::Value) -> Provider {
    let config: Config = serde_json::from_value(serde_json::json!({"providers": {"p": settings}})).unwrap();
    Registry::new(&config, &|_| None).target("p/m").unwrap().provider
}

fn refusal(settings: serde_json::Value) -> String {
    endpoint(&provider(settings), "chat/completions").unwrap_err().message
}

#[test]
fn http_without_tls_is_refused_off_this_machine() {
    assert!(refusal(serde_json::json!({"base_url": "http://llm.example.com/v1"})).contains("insecure = true"));
    for allowed in [
        "https://llm.example.com/v1",
        "http://127.0.0.1:1/v1",
        "http://[::1]:1/v1",
        "http://localhost/v1",
    ] {
        let url = endpoint(&provider(serde_json::json!({"base_url": allowed})), "chat/completions").unwrap();
        assert!(url.as_str().ends_with("/v1/chat/completions"), "{url}");
    }
    let insecure = provider(serde_json::json!({"base_url": "http://llm.example.com/v1", "insecure": true}));
    assert!(endpoint(&insecure, "x").is_ok());
}

#[test]
fn a_base_url_that_is_missing_or_no_url_is_named() {
    assert_eq!(refusal(serde_json::json!({})), "providers.p.base_url is not set.");
    assert!(refusal(serde_json::json!({"base_url": "llm example"})).contains("is no URL"));
    assert!(refusal(serde_json::json!({"base_url": "ftp://x/v1"})).contains("https://"));
}

#[test]
fn a_host_that_only_looks_like_this_machine_is_not() {
    assert!(refusal(serde_json::json!({"base_url": "http://127.0.0.1.example.com/v1"})).contains("TLS"));
    assert!(refusal(serde_json::json!({"base_url": "http://localhost@example.com/v1"})).contains("TLS"));
}

#[test]
fn organization_and_project_are_left_out_when_empty() {
    let empty = headers(
        &provider(serde_json::json!({"organization": " "})),
        &Credentials::default(),
    )
    .unwrap();
    assert!(!empty.contains_key("openai-organization"));
    let set = headers(
        &provider(serde_json::json!({"organization": "org-1", "project": "p-1"})),
        &Credentials::default(),
    )
    .unwrap();
    assert_eq!(set.get("openai-organization").unwrap(), "org-1");
    assert_eq!(set.get("openai-project").unwrap(), "p-1");
}

#[test]
fn stored_ids_are_sent_unless_others_are_set() {
    let stored = Credentials {
        organization: "org-stored".into(),
        ..Credentials::default()
    };
    let sent = headers(&provider(serde_json::json!({})), &stored).unwrap();
    assert_eq!(sent.get("openai-organization").unwrap(), "org-stored");
    let set = provider(serde_json::json!({"organization": "org-set"}));
    assert_eq!(
        headers(&set, &stored).unwrap().get("openai-organization").unwrap(),
        "org-set"
    );
}

fn named(name: &str, settings: serde_json::Value) -> Provider {
    let config: Config = serde_json::from_value(serde_json::json!({"providers": {name: settings}})).unwrap();
    Registry::new(&config, &|_| None).provider(name).unwrap().clone()
}

fn asked(name: &str, settings: serde_json::Value, model: &str) -> String {
    let request = Request {
        model: model.into(),
        ..Request::default()
    };
    match Call::new(&named(name, settings), &Credentials::default(), &request, &[]) {
        Ok(call) => call.url.into(),
        Err(error) => error.message,
    }
}

#[test]
fn each_wire_has_its_path() {
    let none = || serde_json::json!({});
    assert_eq!(asked("openai", none(), "m"), "https://api.openai.com/v1/responses");
    assert_eq!(asked("anthropic", none(), "m"), "https://api.anthropic.com/v1/messages");
    assert_eq!(asked("ollama", none(), "m"), "http://localhost:11434/api/chat");
    assert_eq!(
        asked("groq", none(), "m"),
        "https://api.groq.com/openai/v1/chat/completions"
    );
    let gemini = "https://generativelanguage.googleapis.com/v1beta/models/";
    for model in ["gemini-2.5-pro", "models/gemini-2.5-pro"] {
        let expected = format!("{gemini}gemini-2.5-pro:streamGenerateContent?alt=sse");
        assert_eq!(asked("gemini", none(), model), expected);
    }
}

#[test]
fn azure_has_the_model_in_the_path_only_with_a_dated_version() {
    let v1 = serde_json::json!({"resource": "mine"});
    assert_eq!(
        asked("azure", v1, "dep"),
        "https://mine.openai.azure.com/openai/v1/responses"
    );
    let dated = serde_json::json!({"resource": "mine", "api_version": "2024-10-21"});
    assert_eq!(
        asked("azure", dated, "dep"),
        "https://mine.openai.azure.com/openai/deployments/dep/chat/completions?api-version=2024-10-21"
    );
    assert!(asked("azure", serde_json::json!({}), "dep").contains("providers.azure.resource"));
}

#[test]
fn a_models_name_cannot_leave_its_place_in_the_url() {
    let gemini = |model: &str| asked("gemini", serde_json::json!({}), model);
    let prefix = "https://generativelanguage.googleapis.com/v1beta/models/";
    for (model, encoded) in [
        ("../../x", "..%2F..%2Fx"),
        ("a?key=1#b", "a%3Fkey%3D1%23b"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b é", "a%5Cb%20%C3%A9"),
    ] {
        let expected = format!("{prefix}{encoded}:streamGenerateContent?alt=sse");
        assert_eq!(gemini(model), expected);
    }
    assert!(gemini("..").contains("no name of a model"));
}

#[test]
fn the_key_stands_where_the_provider_looks_for_it_and_is_marked_sensitive() {
    let credentials = Credentials {
        key: crate::keys::Secret::new("secret-1".into()).ok(),
        ..Credentials::default()
    };
    for (name, header, value) in [
        ("openai", "authorization", "Bearer secret-1"),
        ("azure", "api-key", "secret-1"),
        ("anthropic", "x-api-key", "secret-1"),
        ("gemini", "x-goog-api-key", "secret-1"),
    ] {
        let sent = headers(&named(name, serde_json::json!({})), &credentials).unwrap();
        assert_eq!(sent.get(header).unwrap(), value, "{name}");
        assert!(sent.get(header).unwrap().is_sensitive(), "{name}");
        let holding = sent.values().filter(|value| value.as_bytes().ends_with(b"secret-1"));
        assert_eq!(holding.count(), 1, "{name}");
        assert_eq!(sent.contains_key("anthropic-version"), name == "anthropic");
    }
}

#[test]
fn models_are_listed_where_each_provider_has_them() {
    let listed = |name: &str| models(&named(name, serde_json::json!({}))).unwrap().to_string();
    assert_eq!(listed("ollama"), "http://localhost:11434/api/tags");
    assert_eq!(listed("anthropic"), "https://api.anthropic.com/v1/models?limit=1000");
    assert_eq!(listed("github"), "https://models.github.ai/catalog/models");
    assert_eq!(listed("cohere"), "https://api.cohere.ai/v1/models?page_size=1000");
}

/// The headers that gateways document, by what the manual's examples configure.
#[test]
fn gateways_get_the_headers_that_they_document() {
    let key = || crate::keys::Secret::new("secret-1".into()).unwrap();
    for (settings, more, expected) in [
        // https://portkey.ai/docs/api-reference/inference-api/headers
        (
            serde_json::json!({"base_url": "https://api.portkey.ai/v1", "key_header": "x-portkey-api-key"}),
            vec![("x-portkey-provider", "@openai-prod"), ("x-portkey-config", "pc-1")],
            vec![
                ("x-portkey-api-key", "secret-1"),
                ("x-portkey-provider", "@openai-prod"),
                ("x-portkey-config", "pc-1"),
            ],
        ),
        // https://developers.cloudflare.com/ai-gateway/configuration/authentication/
        (
            serde_json::json!({"base_url": "https://gateway.ai.cloudflare.com/v1/a/g/openai"}),
            vec![("cf-aig-authorization", "Bearer secret-2")],
            vec![
                ("authorization", "Bearer secret-1"),
                ("cf-aig-authorization", "Bearer secret-2"),
            ],
        ),
        // https://learn.microsoft.com/en-us/azure/api-management/api-management-subscriptions
        (
            serde_json::json!({"base_url": "https://corp.azure-api.net/openai/v1", "key_header": "Ocp-Apim-Subscription-Key"}),
            vec![],
            vec![("ocp-apim-subscription-key", "secret-1")],
        ),
        // https://opencode.ai/docs/go/#endpoints
        (
            serde_json::json!({"base_url": "https://opencode.ai/zen/go/v1"}),
            vec![("x-opencode-session", "neovim")],
            vec![("authorization", "Bearer secret-1"), ("x-opencode-session", "neovim")],
        ),
    ] {
        let named = |(name, value): &(&str, &str)| {
            let value = crate::keys::Secret::new((*value).to_owned()).unwrap();
            ((*name).to_owned(), value)
        };
        let credentials = Credentials {
            key: Some(key()),
            headers: more.iter().map(named).collect(),
            ..Credentials::default()
        };
        let sent = headers(&provider(settings.clone()), &credentials).unwrap();
        for (name, value) in &expected {
            assert_eq!(sent.get(*name).unwrap(), value, "{settings}");
            assert!(sent.get(*name).unwrap().is_sensitive(), "{settings}: {name}");
        }
        let has_key = expected.iter().any(|(name, _)| *name == "authorization");
        assert_eq!(sent.contains_key("authorization"), has_key, "{settings}");
    }
}
