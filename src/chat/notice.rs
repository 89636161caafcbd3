//! What a user reads when something needs to be said: a sentence about what happened, what to do about it, and below it
//! the provider's own words.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::chat::conversation::{Outcome, Refusal};
use crate::keys::KeySource;
use crate::keys::redact::redact;
use crate::provider::registry::Provider;
use crate::provider::{ErrorClass, FinishReason, ProviderError};

/// How many tools are named.
const NAMES_SHOWN: usize = 5;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is not as it may seem.
    Warning,
    /// A remark.
    Info,
}

/// A notice: shown beside the conversation, never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What happened: one sentence.
    #[serde(serialize_with = "one_line")]
    pub title: String,
    /// What to do about it: one sentence or two.
    #[serde(serialize_with = "one_line")]
    pub advice: String,
    /// The provider's own words, the code and the request's id; may be empty.
    #[serde(serialize_with = "one_line_each")]
    pub details: Vec<String>,
}

/// What leaves for the editor is without keys, and without line ends and other control characters.
fn fit(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control(), " ");
    redact(&text).into_owned()
}

fn one_line<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&fit(text))
}

fn one_line_each<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(|line| fit(line)))
}

impl Notice {
    /// A notice without details.
    pub fn new(level: Level, title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level,
            title: title.into(),
            advice: advice.into(),
            details: Vec::new(),
        }
    }
}

/// What is to be said about the end of a turn, if anything.
pub fn of_outcome(outcome: &Outcome, provider: &Provider, model: &str) -> Option<Notice> {
    match outcome {
        Outcome::Stopped => Some(Notice::new(Level::Info, "Stopped.", "")),
        Outcome::Incomplete => Some(Notice::new(
            Level::Error,
            format!(
                "{} ended the stream before the answer's end; it may be incomplete.",
                provider.label
            ),
            "What came so far is kept. Press gr to ask again.",
        )),
        Outcome::Failed(error) => Some(of_error(error, provider, model)),
        Outcome::Done { reason, tools, empty } => of_finish(reason, tools, *empty, provider),
    }
}

fn of_finish(reason: &FinishReason, tools: &[String], empty: bool, provider: &Provider) -> Option<Notice> {
    let warning = |title: String, advice: &str| Some(Notice::new(Level::Warning, title, advice));
    match reason {
        FinishReason::Length => warning(
            "The answer was cut at the limit of tokens.".into(),
            "Ask it to go on, or raise chat.max_tokens in the configuration.",
        ),
        FinishReason::ContentFilter => warning(
            format!("The content filter of {} cut the answer.", provider.label),
            "Put the question in other words.",
        ),
        _ if !tools.is_empty() => warning(
            format!("The model asked for tools ({}).", listed(tools)),
            "gpt.nvim does not run tools. Ask it to answer without them.",
        ),
        _ if empty => warning("The model ended without a word.".into(), "Press gr to ask again."),
        _ => None,
    }
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown = names.get(..NAMES_SHOWN).unwrap_or(names);
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What is to be said about a failed turn.
pub fn of_error(error: &ProviderError, provider: &Provider, model: &str) -> Notice {
    let (title, advice) = sentences(error, provider, model);
    Notice {
        level: Level::Error,
        details: details(error).into_iter().filter(|line| *line != title).collect(),
        title,
        advice,
    }
}

/// What happened, and what to do about it.
fn sentences(error: &ProviderError, provider: &Provider, model: &str) -> (String, String) {
    let label = provider.label.as_str();
    let host = provider.host();
    let (title, advice): (String, String) = match error.class {
        ErrorClass::NoKey => (format!("No key for {label}."), no_key(provider)),
        ErrorClass::KeyUnavailable => (
            format!("The key for {label} cannot be read."),
            "Its source says why, below. :checkhealth gpt tells more.".into(),
        ),
        ErrorClass::WrongKey => (
            format!("{label} does not accept the key."),
            format!("{}.{}", new_key(provider), keys_page(provider)),
        ),
        ErrorClass::WrongOrganization => (
            format!("{label} does not accept the key for this organization or project."),
            wrong_organization(provider),
        ),
        ErrorClass::Quota => (
            "You exceeded your current quota, please check your plan and billing details.".into(),
            billing(provider),
        ),
        ErrorClass::RateLimit if error.is_too_large() => (
            format!("This request is larger than {label} allows in a minute."),
            "Start a new chat with :GPTChat!, delete messages you no longer need, or set chat.memory.".into(),
        ),
        ErrorClass::RateLimit => (
            format!("The rate limit of {label} is reached."),
            match error.retry_after {
                Some(wait) => format!("Wait {}, then press gr.", spoken(wait)),
                None => "Wait a little, then press gr.".into(),
            },
        ),
        ErrorClass::Overloaded => (
            format!("{label} is overloaded."),
            "Wait a little, then press gr.".into(),
        ),
        ErrorClass::ModelNotFound => (
            format!("{label} has no model {model}, or not for this key."),
            "Choose another one with :GPTModel.".into(),
        ),
        ErrorClass::ContextTooLong => (
            format!("The conversation is longer than {model} can read."),
            "Start a new chat with :GPTChat!, delete messages you no longer need, or set chat.memory.".into(),
        ),
        ErrorClass::ContentFilter => (
            format!("The content filter of {label} refused the question."),
            "Put it in other words.".into(),
        ),
        ErrorClass::Region => (
            format!("{label} does not serve the country you are in."),
            "Use another provider (:help gpt-providers), or a network in a country it serves.".into(),
        ),
        ErrorClass::RefusedParameter => (
            format!(
                "{label} refuses {} for {model}.",
                error.param.as_deref().unwrap_or("a parameter")
            ),
            format!(
                "Take it out of chat or providers.{}.params in the configuration.",
                provider.name
            ),
        ),
        ErrorClass::BadRequest => (
            format!("{label} refused the request."),
            "Its reason stands below; :GPT log keeps it.".into(),
        ),
        ErrorClass::Server => (
            format!("{label} failed."),
            "This is not your mistake. Wait a little, then press gr.".into(),
        ),
        ErrorClass::Network => (
            format!("No connection to {host}."),
            if is_here(&host) {
                "Check that the server is running, and the port in base_url; then press gr.".into()
            } else {
                "Check the network, VPN and proxy, and the provider's base_url; then press gr.".into()
            },
        ),
        ErrorClass::Tls => (
            format!("No trusted connection to {host}."),
            "Check this machine's certificates (package ca-certificates) and its clock.".into(),
        ),
        ErrorClass::Proxy => (
            format!("A web page came from {host} instead of an answer."),
            "Something between you and it answers for it (proxy, captive portal, login), or base_url is wrong.".into(),
        ),
        ErrorClass::Timeout => (
            format!("Nothing came from {host} in time."),
            "Press gr to ask again, or raise network.idle_timeout in the configuration.".into(),
        ),
        ErrorClass::BrokenStream => (
            "The answer broke off.".into(),
            "What came so far is kept. Press gr to ask again.".into(),
        ),
        ErrorClass::Configuration => (
            error.message.clone(),
            "Correct the configuration (:help gpt-configuration).".into(),
        ),
    };
    (title, advice)
}

/// What is to be said about a key that its provider did not accept when it was entered.
pub fn of_failed_check(error: &ProviderError, provider: &Provider) -> Notice {
    let title = match error.class {
        ErrorClass::NoKey | ErrorClass::WrongKey => format!("{} does not accept the key.", provider.label),
        _ => sentences(error, provider, "").0,
    };
    Notice {
        level: Level::Warning,
        title,
        advice: String::new(),
        details: details(error),
    }
}

/// How to give a provider its first key.
fn no_key(provider: &Provider) -> String {
    let name = &provider.name;
    match &provider.key {
        KeySource::Usual { variables, .. } if !variables.is_empty() => {
            let variable = variables.join(" or ");
            format!("Run :GPTSetKey {name}, or set {variable} and start Neovim again.")
        }
        KeySource::Variable(variable) if variable.is_empty() => no_variable(provider),
        KeySource::Variable(variable) => format!("Set {variable}, then start Neovim again."),
        KeySource::None => format!("Take key = false out of providers.{name}, then run :GPTSetKey {name}."),
        KeySource::Command(_) | KeySource::Usual { .. } => format!("Run :GPTSetKey {name} (:help gpt-keys)."),
    }
}

/// The configuration names a variable by what is no name; it may be the key itself.
pub fn no_variable(provider: &Provider) -> String {
    format!(
        "The variable named by providers.{}.key.env is no name of a variable (:help gpt-keys).",
        provider.name
    )
}

/// How to give a provider another key.
fn new_key(provider: &Provider) -> String {
    match &provider.key {
        KeySource::Variable(variable) => format!("Correct {variable}, and start Neovim again"),
        KeySource::Command(_) => "Correct what the key command prints, and start Neovim again".into(),
        KeySource::Usual { variables, .. } => match variables.iter().find(|name| std::env::var_os(name).is_some()) {
            Some(variable) => format!("It came from {variable}: correct it, and start Neovim again"),
            None => format!("Set another with :GPTSetKey {}, then press gr", provider.name),
        },
        KeySource::None => format!("Set another with :GPTSetKey {}, then press gr", provider.name),
    }
}

fn keys_page(provider: &Provider) -> String {
    provider
        .keys_page
        .map(|page| format!(" Your keys: {page}"))
        .unwrap_or_default()
}

fn wrong_organization(provider: &Provider) -> String {
    let name = &provider.name;
    if provider.has_organizations {
        format!(
            "Enter others with :GPTSetKey {name}; OPENAI_ORG_ID, OPENAI_PROJECT_ID and the configuration come first."
        )
    } else {
        format!("Check organization and project of providers.{name} in the configuration.")
    }
}

/// The keyring takes so long that it must be waiting for a person.
pub fn keyring_waits() -> Notice {
    Notice::new(
        Level::Info,
        "Waiting for the keyring.",
        "Is its password dialog open somewhere?",
    )
}

/// Whether a host, perhaps with a port, is this machine.
fn is_here(host: &str) -> bool {
    ["localhost", "127.", "[::1]"].iter().any(|here| host.starts_with(here))
}

/// Where to look about money.
fn billing(provider: &Provider) -> String {
    match provider.billing_page {
        Some(page) => format!("See {page}. A ChatGPT subscription is no API credit."),
        None => format!("See the billing page of {}.", provider.label),
    }
}

/// A wait as people say it: `19 seconds`, `2 minutes`.
fn spoken(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0 | 1 => "a second".into(),
        2..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// The provider's own words, then a line with status, code and request id.
fn details(error: &ProviderError) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if error.class != ErrorClass::Configuration {
        lines.extend(
            error
                .message
                .lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty())
                .map(str::to_owned),
        );
    }
    let facts: Vec<String> = [
        error.status.map(|status| format!("HTTP {status}")),
        error.code.clone(),
        error.request_id.as_ref().map(|id| format!("request {id}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !facts.is_empty() {
        lines.push(facts.join(" · "));
    }
    lines
}

/// A question was stopped before it was asked.
pub fn of_taken_back() -> Notice {
    Notice::new(Level::Info, "Nothing was sent.", "Your question is in the prompt.")
}

/// What the editor told us is not what we understand: a configuration that its check let through, or a plugin that is
/// newer than its program.
pub fn of_unreadable(event: Option<&str>, expected: Option<String>) -> Notice {
    let mut notice = match event {
        Some("started") => Notice::new(
            Level::Warning,
            "The program cannot read the configuration; it goes on without it.",
            "See :help gpt-configuration.",
        ),
        _ => Notice::new(
            Level::Error,
            "The program does not understand the plugin; nothing was done.",
            "Is it as old as the plugin? Run: make build",
        ),
    };
    let expected = expected.map(|expected| format!("expected {expected}"));
    notice.details = event.map(str::to_owned).into_iter().chain(expected).collect();
    notice
}

/// Why an event changed nothing, as a message.
pub fn of_refusal(refusal: Refusal) -> Notice {
    let (level, title, advice) = match refusal {
        Refusal::EmptyPrompt => (
            Level::Info,
            "Nothing to send.",
            "Write your question below the last heading.",
        ),
        Refusal::Answering => (
            Level::Info,
            "An answer is being written.",
            "<C-c> stops it; your prompt stays.",
        ),
        Refusal::NothingToStop => (Level::Info, "No answer is being written.", ""),
        Refusal::NoBranches => (
            Level::Info,
            "There is no other branch.",
            "Change a question and send it again, or press gr, and there is one.",
        ),
        Refusal::NothingToRegenerate => (
            Level::Info,
            "There is no question to ask again.",
            "Write one and send it.",
        ),
    };
    Notice::new(level, title, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::provider::registry::Registry;

    #[test]
    fn the_providers_words_are_not_repeated_where_they_are_the_title() {
        let provider = Registry::new(&Config::default(), &|_| None)
            .target("openai")
            .unwrap()
            .provider;
        let words = "You exceeded your current quota, please check your plan and billing details.";
        let notice = of_error(&ProviderError::new(ErrorClass::Quota, words), &provider, "m");
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
    fn of_many_tools_only_some_are_named() {
        let names: Vec<String> = (1..=7).map(|number| format!("t{number}")).collect();
        assert_eq!(listed(&names), "t1, t2, t3, t4, t5 and 2 more");
        assert_eq!(listed(&names[..2]), "t1, t2");
    }

    #[test]
    fn a_key_in_place_of_a_variables_name_is_not_repeated() {
        for env in ["hunter2-hunter2", "sk-abcdefgh", "", "1A", "A B"] {
            let config = serde_json::json!({"providers": {"p": {"base_url": "http://x", "key": {"env": env}}}});
            let config: Config = serde_json::from_value(config).unwrap();
            let provider = Registry::new(&config, &|_| None).target("p/m").unwrap().provider;
            assert_eq!(provider.key, KeySource::Variable(String::new()));
            assert_eq!(
                of_error(&ProviderError::new(ErrorClass::NoKey, ""), &provider, "m").advice,
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
            of_error(&ProviderError::new(ErrorClass::Network, ""), &provider, "m").advice
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
}
