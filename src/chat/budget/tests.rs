use super::*;
use crate::config::Config;
use crate::provider::registry::Registry;

fn provider(name: &str, context: Option<u64>) -> Provider {
    let config = serde_json::json!({"providers": {"ollama": {"context": context}}});
    let config: Config = serde_json::from_value(config).unwrap();
    Registry::new(&config, &|_| None).provider(name).unwrap().clone()
}

fn facts(window: Option<u64>, max_input: Option<u64>, max_output: Option<u64>) -> Facts {
    Facts {
        window,
        max_input,
        max_output,
        ..Facts::default()
    }
}

fn limits(facts: &Facts, max_tokens: Option<u64>) -> (Option<u64>, Option<u64>) {
    let Limits { input, answer, .. } = Limits::of(&provider("openai", None), facts, max_tokens);
    (input, answer)
}

#[test]
fn text_in_other_scripts_has_more_tokens_a_letter() {
    assert_eq!(tokens(""), 0);
    assert_eq!(tokens("abcdefgh"), 2);
    assert_eq!(tokens("漢字漢字"), 4);
    assert_eq!(tokens("ção"), 3);
}

#[test]
fn where_no_window_is_known_nothing_is_limited() {
    assert_eq!(limits(&facts(None, None, Some(9)), Some(5)), (None, None));
    assert_eq!(limits(&facts(Some(0), None, None), None), (None, None));
    let budget = Budget::new(Limits::default(), 4.0);
    assert!(budget.fits(u64::MAX) && budget.too_long(u64::MAX).is_none());
}

#[test]
fn room_is_kept_for_the_answer_but_never_more_than_a_part_of_the_window() {
    let gpt_4 = facts(Some(8_192), None, Some(8_192));
    assert_eq!(limits(&gpt_4, None), (Some(6_144), Some(2_048)));
    assert_eq!(limits(&gpt_4, Some(1_000)), (Some(7_192), Some(1_000)));
    assert_eq!(limits(&gpt_4, Some(8_192)), (Some(4_096), Some(4_096)));
    let sol = facts(Some(1_050_000), Some(922_000), Some(128_000));
    assert_eq!(limits(&sol, None), (Some(922_000), Some(128_000)));
    assert_eq!(limits(&facts(None, Some(100), None), None), (Some(100), None));
}

#[test]
fn ollama_reads_no_more_than_the_context_that_it_is_asked_for() {
    let of = |context, window| Limits::of(&provider("ollama", context), &facts(window, None, None), None).window;
    assert_eq!(of(Some(16_384), None), Some(16_384));
    assert_eq!(of(Some(16_384), Some(8_192)), Some(8_192));
    assert_eq!(of(Some(16_384), Some(131_072)), Some(16_384));
    assert_eq!(of(None, None), None);
}

#[test]
fn what_the_provider_counts_corrects_later_estimates_of_that_model_only() {
    let known = Calibration::default();
    assert_eq!(known.factor("a/m"), 1.0);
    known.clone().learn("a/m", 10_000, 12_000);
    assert!((known.factor("a/m") - 1.195).abs() < 0.001, "{}", known.factor("a/m"));
    assert_eq!(known.factor("a/n"), 1.0);
    for _ in 0..4 {
        known.learn("a/m", 10_000, 9_000);
    }
    assert!(known.factor("a/m") < 0.93, "{}", known.factor("a/m"));
}

#[test]
fn what_stands_before_every_request_does_not_make_short_ones_a_measure() {
    let known = Calibration::default();
    known.learn("a/m", 60, 600);
    assert!((2.0..3.0).contains(&known.factor("a/m")), "{}", known.factor("a/m"));
}

#[test]
fn senseless_counts_do_little_harm() {
    let known = Calibration::default();
    known.learn("a/m", 1_000, 0);
    assert_eq!(known.factor("a/m"), 1.0);
    known.learn("a/m", 1_000_000, 1);
    assert_eq!(known.factor("a/m"), 1.0 / 3.0);
    known.learn("a/n", 1, u64::MAX);
    assert_eq!(known.factor("a/n"), 4.0);
}
