use super::answer_end::listed;
use super::*;
use crate::chat::conversation::Outcome;
use crate::config::Config;
use crate::keys::KeySource;
use crate::provider::registry::Registry;
use crate::provider::{ErrorClass, ProviderError};
use crate::words::{Locale, text};

#[test]
fn the_providers_words_are_not_repeated_where_they_are_the_title() {
    let provider = Registry::new(&Config::default(), &|_| None)
        .target("openai")
        .unwrap()
        .provider;
    let words = "You exceeded your current quota, please check your plan and billing details.";
    let notice = of_error(
        &ProviderError::new(ErrorClass::Quota, words),
        &provider,
        "m",
        Locale::English,
    );
    assert_eq!((notice.title.as_str(), notice.details.len()), (words, 0));
}

#[test]
fn what_leaves_for_the_editor_has_no_keys_and_no_line_ends() {
    let bad = "a\nb\0c\rd sk-abcdefgh";
    let mut notice = Notice::new(Level::Info, bad, bad);
    notice.details.push(bad.into());
    let good = "a b c d [redacted]";
    assert_eq!(
        serde_json::to_value(&notice).unwrap(),
        serde_json::json!({"level": "info", "title": good, "advice": good, "details": [good]})
    );
}

#[test]
fn that_what_came_is_kept_is_only_said_where_something_came() {
    let provider = Registry::new(&Config::default(), &|_| None)
        .target("openai")
        .unwrap()
        .provider;
    let kept = "What came so far is kept. Press gr to ask again, or :GPT continue to go on.";
    for (begun, advice) in [(true, kept), (false, "Press gr to ask again.")] {
        let error = ProviderError {
            begun,
            ..ProviderError::new(ErrorClass::BrokenStream, "x")
        };
        assert_eq!(of_error(&error, &provider, "m", Locale::English).advice, advice);
        let outcome = Outcome::Cut {
            cut: None,
            empty: !begun,
        };
        let notice = of_outcome(&outcome, &[], &provider, "m", Locale::English).unwrap();
        assert_eq!(notice.advice, advice);
        assert_eq!(notice.title == "The answer of OpenAI was empty.", !begun);
    }
}

#[test]
fn of_many_tools_only_some_are_named() {
    let names: Vec<String> = (1..=7).map(|number| format!("t{number}")).collect();
    assert_eq!(listed(&names).to_string(), "t1, t2, t3, t4, t5 and 2 more");
    assert_eq!(listed(&names[..2]).to_string(), "t1, t2");
}

#[test]
fn a_key_in_place_of_a_variables_name_is_not_repeated() {
    for env in ["hunter2-hunter2", "sk-abcdefgh", "", "1A", "A B"] {
        let config = serde_json::json!({"providers": {"p": {"base_url": "http://x", "key": {"env": env}}}});
        let config: Config = serde_json::from_value(config).unwrap();
        let provider = Registry::new(&config, &|_| None).target("p/m").unwrap().provider;
        assert_eq!(provider.key, KeySource::Variable(String::new()));
        assert_eq!(
            of_error(
                &ProviderError::new(ErrorClass::NoKey, ""),
                &provider,
                "m",
                Locale::English
            )
            .advice,
            "The variable named by providers.p.key.env is no name of a variable (:help gpt-keys)."
        );
    }
}

#[test]
fn a_server_on_this_machine_may_not_run_and_one_elsewhere_not_be_reached() {
    let advice = |url: &str| {
        let config: Config =
            serde_json::from_value(serde_json::json!({"providers": {"p": {"base_url": url}}})).unwrap();
        let provider = Registry::new(&config, &|_| None).target("p/m").unwrap().provider;
        of_error(
            &ProviderError::new(ErrorClass::Network, ""),
            &provider,
            "m",
            Locale::English,
        )
        .advice
    };
    for here in [
        "http://localhost:11434/v1",
        "http://127.0.0.1:8080",
        "http://[::1]:8080/v1",
    ] {
        assert!(advice(here).contains("is running"), "{here}");
    }
    assert!(advice("https://llm.example.com/v1").contains("VPN and proxy"));
}

/// Each class of error as a user of this language reads it, at a provider that has all pages.
fn classes(locale: Locale) -> Vec<(ErrorClass, Notice)> {
    let provider = Registry::new(&Config::default(), &|_| None)
        .target("openai")
        .unwrap()
        .provider;
    let notice = |class| {
        let error = ProviderError::ours(class, text!("provider.no_address", name = "openai"));
        (class, of_error(&error, &provider, "gpt-4", locale))
    };
    failures::classes().into_iter().map(notice).collect()
}

#[test]
fn each_class_of_error_is_told_in_each_language() {
    for locale in [Locale::Portuguese, Locale::Spanish] {
        for ((class, told), (_, english)) in classes(locale).iter().zip(classes(Locale::English)) {
            assert_ne!(told.title, english.title, "{class:?}");
            assert_ne!(told.advice, english.advice, "{class:?}");
            assert!(told.title.ends_with('.'), "{class:?}: {}", told.title);
            assert!(!told.title.contains('{') && !told.advice.contains('{'), "{told:?}");
        }
    }
}

#[test]
fn errors_read_well_in_portuguese() {
    let told = classes(Locale::Portuguese);
    let says = |class: ErrorClass| {
        let (_, notice) = told.iter().find(|(known, _)| *known == class).unwrap();
        format!("{} {}", notice.title, notice.advice)
    };
    for (class, words) in [
        (
            ErrorClass::NoKey,
            "Nenhuma chave para OpenAI. Execute :GPTSetKey openai, ou defina OPENAI_API_KEY e reinicie o Neovim.",
        ),
        (
            ErrorClass::Quota,
            "Você excedeu sua cota atual, verifique seu plano e detalhes de faturamento. Veja \
             https://platform.openai.com/settings/organization/billing. Uma assinatura do ChatGPT não é \
             crédito da API.",
        ),
        (
            ErrorClass::RateLimit,
            "O limite de requisições de OpenAI foi atingido. Aguarde um pouco e pressione gr.",
        ),
        (
            ErrorClass::ModelNotFound,
            "OpenAI não tem o modelo gpt-4, ou não o oferece para esta chave. Escolha outro com :GPTModel.",
        ),
        (
            ErrorClass::RefusedParameter,
            "OpenAI recusa um parâmetro para gpt-4. Remova-o de chat ou de providers.openai.params na configuração.",
        ),
        (
            ErrorClass::Timeout,
            "Nada chegou de api.openai.com a tempo. Pressione gr para perguntar de novo ou aumente \
             network.idle_timeout na configuração.",
        ),
        (
            ErrorClass::Configuration,
            "providers.openai.base_url não está definido. Corrija a configuração (:help gpt-configuration).",
        ),
    ] {
        assert_eq!(says(class), words);
    }
}

#[test]
fn our_own_words_beneath_an_error_are_translated_and_the_providers_are_not() {
    let provider = Registry::new(&Config::default(), &|_| None)
        .target("openai")
        .unwrap()
        .provider;
    let details = |error: ProviderError| of_error(&error, &provider, "m", Locale::Spanish).details;
    let ours = ProviderError::ours(ErrorClass::Server, text!("server.no_reason"));
    assert_eq!(ours.message, "The provider says that the answer failed, but not why.");
    assert_eq!(
        details(ours),
        ["El proveedor dice que la respuesta falló, pero no por qué."]
    );
    let theirs = ProviderError::new(ErrorClass::Server, "The engine is down.");
    assert_eq!(details(theirs), ["The engine is down."]);
}

#[test]
fn several_variables_are_joined_by_a_word() {
    let names = ["A", "B", "C"].map(str::to_owned);
    assert_eq!(any_of(&names).said(Locale::English), "A or B or C");
    assert_eq!(any_of(&names[..2]).said(Locale::Portuguese), "A ou B");
}
