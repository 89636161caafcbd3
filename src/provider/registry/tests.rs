use super::*;
use crate::provider::wire;

fn registry(config: serde_json::Value, variables: &[(&str, &str)]) -> Registry {
    let config: Config = serde_json::from_value(config).unwrap();
    let read = |name: &str| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Registry::new(&config, &read)
}

#[test]
fn the_configured_model_wins() {
    let config = serde_json::json!({"model": "openai/gpt-5.6-luna"});
    let target = registry(config, &[]).configured_target().unwrap().unwrap();
    assert_eq!(target.label(), "openai/gpt-5.6-luna");
    assert!(registry(serde_json::json!({}), &[]).configured_target().is_none());
}

#[test]
fn a_model_may_hold_slashes() {
    let config = serde_json::json!({"model": "router/meta/llama", "providers": {"router": {"base_url": "https://r.example/v1/"}}});
    let target = registry(config, &[]).configured_target().unwrap().unwrap();
    assert_eq!(
        (target.model.as_str(), target.provider.base_url.as_str()),
        ("meta/llama", "https://r.example/v1")
    );
    assert_eq!(target.provider.wire, wire::openai_chat::WIRE);
}

#[test]
fn an_unknown_provider_is_named_with_the_one_that_was_meant() {
    let told = |name: &str| registry(serde_json::json!({}), &[]).target(name).unwrap_err().message;
    assert_eq!(
        told("opnai/x"),
        "There is no provider \"opnai\" (model = \"opnai/x\"). Did you mean \"openai\"?"
    );
    assert_eq!(
        told("nosuch/m"),
        "There is no provider \"nosuch\" (model = \"nosuch/m\"). See :help gpt-providers."
    );
}

#[test]
fn variables_set_the_base_url_and_the_ids() {
    let variables = [
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/"),
        ("OPENAI_ORG_ID", "org-1"),
        ("OPENAI_PROJECT_ID", ""),
    ];
    let provider = registry(serde_json::json!({}), &variables)
        .target("openai")
        .unwrap()
        .provider;
    assert_eq!(provider.base_url, "http://127.0.0.1:9/v1");
    assert_eq!(
        (provider.organization.as_str(), provider.project.as_str()),
        ("org-1", "")
    );
    assert_eq!(provider.host(), "127.0.0.1:9");
}

#[test]
fn a_provider_like_openai_does_not_get_the_key_and_the_ids_of_openai() {
    let config =
        serde_json::json!({"providers": {"work": {"like": "openai", "base_url": "https://llm.example.com/v1"}}});
    let variables = [("OPENAI_API_KEY", "k"), ("OPENAI_ORG_ID", "org-1")];
    let provider = registry(config, &variables).target("work").unwrap().provider;
    assert_eq!(
        provider.key,
        KeySource::Usual {
            variables: Vec::new(),
            required: true
        }
    );
    assert_eq!(provider.organization, "");
}

#[test]
fn a_provider_like_another_takes_its_entry_under_its_own_name() {
    let config = serde_json::json!({"providers": {"work": {"like": "openai", "base_url": "https://llm.example.com/v1", "key": {"env": "WORK_KEY"}}}});
    let provider = registry(config, &[]).target("work").unwrap().provider;
    assert_eq!(
        (provider.wire, provider.label.as_str()),
        (wire::openai_responses::WIRE, "work")
    );
    assert_eq!(provider.key, KeySource::Variable("WORK_KEY".into()));
}

fn provider(name: &str, settings: serde_json::Value) -> Provider {
    let config = serde_json::json!({"providers": {name: settings}});
    registry(config, &[]).provider(name).unwrap().clone()
}

#[test]
fn a_wire_that_is_set_brings_its_header_for_the_key_along() {
    let wired = |name, like: &str, wire: &str| {
        let provider = provider(name, serde_json::json!({"like": like, "wire": wire}));
        (provider.wire, provider.auth)
    };
    let compatible = "openai-compatible";
    assert_eq!(
        wired("p", compatible, "anthropic"),
        (wire::anthropic::WIRE, Auth::Header("x-api-key"))
    );
    assert_eq!(
        wired("p", compatible, "gemini"),
        (wire::gemini::WIRE, Auth::Header("x-goog-api-key"))
    );
    assert_eq!(wired("p", compatible, "ollama"), (wire::ollama::WIRE, Auth::Bearer));
    assert_eq!(wired("p", "anthropic", "chat"), (wire::openai_chat::WIRE, Auth::Bearer));
    assert_eq!(
        wired("p", "azure", "chat"),
        (wire::openai_chat::WIRE, Auth::Header("api-key"))
    );
}

#[test]
fn azures_url_is_made_of_the_resource_and_the_version() {
    let azure = |settings| provider("azure", settings);
    let v1 = azure(serde_json::json!({"resource": "mine"}));
    assert_eq!(
        (v1.base_url.as_str(), v1.wire),
        ("https://mine.openai.azure.com/openai/v1", wire::openai_responses::WIRE)
    );
    let dated = azure(serde_json::json!({"resource": "mine", "api_version": "2024-10-21"}));
    assert_eq!(
        (dated.base_url.as_str(), dated.wire),
        ("https://mine.openai.azure.com/openai", wire::openai_chat::WIRE)
    );
    // A resource is one name in a host's, never another host.
    for odd in ["evil.example/", "a.b", "a@b", "a#", ""] {
        assert_eq!(azure(serde_json::json!({"resource": odd})).base_url, "", "{odd}");
    }
    let set = registry(
        serde_json::json!({}),
        &[("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com/")],
    );
    assert_eq!(
        set.provider("azure").unwrap().base_url,
        "https://x.openai.azure.com/openai/v1"
    );
}

#[test]
fn ollamas_url_fits_the_wire() {
    let url = |settings| provider("ollama", settings).base_url;
    assert_eq!(
        url(serde_json::json!({"base_url": "http://localhost:1/v1/"})),
        "http://localhost:1"
    );
    assert_eq!(
        url(serde_json::json!({"base_url": "http://localhost:1/api"})),
        "http://localhost:1"
    );
    assert_eq!(url(serde_json::json!({"wire": "chat"})), "http://localhost:11434/v1");
    let compatible =
        serde_json::json!({"like": "openai-compatible", "base_url": "http://localhost:11434/v1", "key": false});
    assert_eq!(provider("ollama", compatible).wire, wire::openai_chat::WIRE);
}

#[test]
fn a_provider_of_ones_own_with_the_name_of_another_does_not_get_its_variables() {
    let github = provider(
        "github",
        serde_json::json!({"like": "openai-compatible", "base_url": "https://llm.example.com"}),
    );
    let none = KeySource::Usual {
        variables: Vec::new(),
        required: false,
    };
    assert_eq!(github.key, none);
}

#[test]
fn a_name_that_no_provider_can_have_is_refused_when_it_is_chosen() {
    let url = serde_json::json!({"base_url": "http://x"});
    let registry = registry(serde_json::json!({"providers": {"": url, "a/b": url, "c": url}}), &[]);
    assert!(registry.provider("").is_none() && registry.provider("a/b").is_none());
    for (chosen, name) in [("a/b/m", "a/b"), ("a/b", "a/b"), ("/m", "")] {
        let error = registry.target(chosen).unwrap_err();
        assert_eq!(error.class, ErrorClass::Configuration);
        assert_eq!(
            error.message,
            format!("\"{name}\" cannot be the name of a provider: it is empty or has a slash.")
        );
    }
    assert!(registry.target("c/m").is_ok());
    assert!(
        registry
            .target("a/m")
            .unwrap_err()
            .message
            .starts_with("There is no provider \"a\"")
    );
}
