use super::*;
use crate::config::Config;
use crate::provider::registry::Registry;
use crate::transcript::Usage;

fn provider(name: &str) -> Provider {
    let config = serde_json::json!({"providers": {"router": {"base_url": "https://r.example/v1"},
        "mine": {"like": "openai"}}});
    let config: Config = serde_json::from_value(config).unwrap();
    Registry::new(&config, &|_| None).provider(name).unwrap().clone()
}

fn facts(name: &str, id: &str) -> Facts {
    Catalogue::default().facts(&provider(name), id)
}

#[test]
fn the_table_is_read_and_dated() {
    assert_eq!(Catalogue::date(), "2026-11-22");
    assert!(TABLE.providers.values().map(Vec::len).sum::<usize>() > 80);
}

#[test]
fn a_model_is_found_by_its_id_its_date_its_router_and_its_host() {
    let sol = facts("openai", "gpt-6.1-sol");
    assert_eq!(
        (sol.window, sol.input, sol.output),
        (Some(1_050_000), Some(2.0), Some(10.0))
    );
    assert_eq!(facts("openai", "gpt-5-2025-08-07"), facts("openai", "gpt-5"));
    assert_eq!(facts("router", "openai/gpt-6.1-sol"), sol);
    assert_eq!(facts("router", "x/google/gemini-2.5-pro").output, Some(10.0));
    assert_eq!(facts("mine", "gpt-6.1-sol"), sol);
}

#[test]
fn of_another_host_nothing_is_claimed() {
    assert_eq!(facts("router", "gpt-6.1-sol"), Facts::default());
    assert_eq!(facts("openai", "gpt-99"), Facts::default());
}

#[test]
fn the_first_models_are_still_selectable_though_ended() {
    let ids = Catalogue::default().models(&provider("openai"), "2026-11-22");
    for id in [
        "gpt-4",
        "gpt-4-1106-preview",
        "gpt-3.5-turbo",
        "gpt-4-32k",
        "gpt-3.5-turbo-16k",
    ] {
        assert!(ids.iter().any(|known| known == id), "{id}");
        assert!(has_ended(facts("openai", id).ends.as_deref(), "2026-11-22"), "{id}");
    }
    assert!(!ids.iter().any(|id| id == "o1"));
    assert_eq!(facts("openai", "gpt-4").replacement.as_deref(), Some("gpt-5.6-sol"));
}

#[test]
fn the_users_own_facts_win() {
    let own = Facts {
        window: Some(8_000),
        input: Some(1.0),
        ..Facts::default()
    };
    let catalogue = Catalogue::new([("openai/gpt-6.1-sol".to_owned(), own)].into());
    let facts = catalogue.facts(&provider("openai"), "gpt-6.1-sol");
    assert_eq!((facts.window, facts.max_input), (Some(8_000), None));
    assert_eq!(
        (facts.input, facts.output, facts.long_input),
        (Some(1.0), Some(10.0), None)
    );
}

#[test]
fn a_long_request_costs_more_and_a_cached_one_less() {
    let sol = facts("openai", "gpt-6.1-sol");
    let cost = |input, cached, output| {
        let usage = Usage {
            input,
            cached,
            output,
            reasoning: 0,
        };
        sol.cost(&usage).unwrap()
    };
    assert!((cost(100_000, 0, 10_000) - 0.30).abs() < 1e-9);
    assert!((cost(100_000, 100_000, 0) - 0.01).abs() < 1e-9);
    assert!((cost(300_000, 0, 10_000) - 1.35).abs() < 1e-9);
    assert_eq!(facts("openai", "gpt-4-32k").cost(&Usage::default()), None);
}

#[test]
fn only_a_date_at_the_end_is_a_date() {
    assert_eq!(undated("gpt-4-0613"), Some("gpt-4"));
    assert_eq!(undated("claude-haiku-4-5-20251001"), Some("claude-haiku-4-5"));
    for id in ["gpt-4-1106-preview", "gpt-4", "-2024", "llama-3"] {
        assert_eq!(undated(id), None, "{id}");
    }
}
