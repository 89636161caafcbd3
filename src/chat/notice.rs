//! What a user reads when something needs to be said: a sentence about what happened, what to do about it, and below it
//! the provider's own words.

use std::path::Path;
use std::time::Duration;

use crate::chat::ChatId;
use crate::chat::budget::{Budget, TooLong, short};
use crate::chat::conversation::{Outcome, Refusal};
use crate::chat::prompt::{Cut, Reason};
use crate::history::{HistoryError, Notice as Record, State};
use crate::keys::KeySource;
use crate::keys::Redactor;
use crate::provider::catalogue::{Facts, has_ended};
use crate::provider::registry::Provider;
use crate::provider::{Cut as CutEnd, ErrorClass, ProviderError, Why};
use crate::terms::fit;
use crate::words::{Locale, Text, say, text};

pub use crate::terms::{Level, Notice};

/// How many tools are named.
const NAMES_SHOWN: usize = 5;

impl Notice {
    /// The notice as the history keeps it: without any key of this session.
    pub fn record(&self, redactor: &Redactor) -> Record {
        let redact = |text: &String| redactor.redact(text).into_owned();
        let redacted = Self {
            level: self.level,
            title: redact(&self.title),
            advice: redact(&self.advice),
            details: self.details.iter().map(redact).collect(),
        };
        let content = serde_json::to_value(redacted).unwrap_or_default();
        let level = content.get("level").and_then(|level| level.as_str());
        Record {
            level: level.unwrap_or_default().to_owned(),
            content,
        }
    }

    /// A notice out of the history; `None` if it cannot be read.
    pub fn of_record(record: &Record) -> Option<Self> {
        serde_json::from_value(record.content.clone()).ok()
    }
}

/// What is to be said about the end of a turn, if anything; `left_out` are the fields that the server refused, and was
/// asked without.
pub fn of_outcome(
    outcome: &Outcome,
    left_out: &[String],
    provider: &Provider,
    model: &str,
    locale: Locale,
) -> Option<Notice> {
    let ended = of_end(outcome, provider, model, locale);
    if left_out.is_empty() {
        return ended;
    }
    let remark = of_left_out(left_out, provider, model, locale);
    let Some(mut notice) = ended else { return Some(remark) };
    notice.details.extend([remark.title, remark.advice]);
    Some(notice)
}

fn of_end(outcome: &Outcome, provider: &Provider, model: &str, locale: Locale) -> Option<Notice> {
    match outcome {
        Outcome::Stopped => Some(Notice::new(Level::Info, say!(locale, "turn.stopped"), "")),
        Outcome::Cut { cut, empty } => Some(of_cut_answer(cut.as_ref(), *empty, provider, locale)),
        Outcome::Failed(error) => Some(of_error(error, provider, model, locale)),
        Outcome::Done { tools, empty } => of_done(tools, *empty, locale),
    }
}

/// An answer is whole, and yet not what was hoped for.
fn of_done(tools: &[String], empty: bool, locale: Locale) -> Option<Notice> {
    let (title, advice) = match (tools, empty) {
        ([_, ..], _) => (text!("turn.tools", names = listed(tools)), text!("turn.tools_advice")),
        (_, true) => (text!("turn.empty"), text!("turn.ask_again")),
        _ => return None,
    };
    Some(Notice::new(Level::Warning, title.said(locale), advice.said(locale)))
}

/// An answer that is not whole: the provider's word for that, how to go on, and what else the provider says about it.
/// `empty`: not a word of it had come, so that there is nothing to go on with.
fn of_cut_answer(cut: Option<&CutEnd>, empty: bool, provider: &Provider, locale: Locale) -> Notice {
    let label = &provider.label;
    let Some(CutEnd { why, word, said }) = cut else {
        let title = say!(locale, "turn.incomplete", provider = label);
        return Notice::new(Level::Error, title, say!(locale, "view.kept"));
    };
    let (title, advice) = match why {
        // The window is full: to go on, or a larger answer, would make it worse.
        Why::Length if word.contains("context") => (text!("turn.length", word = word), text!("error.shorten")),
        Why::Length => (text!("turn.length", word = word), text!("turn.length_advice")),
        Why::Filter => (
            text!("turn.filtered", provider = label, word = word),
            text!("turn.filtered_advice"),
        ),
        Why::Paused => (text!("turn.paused", provider = label, word = word), text!("turn.go_on")),
        Why::Unexplained => (text!("turn.unexplained", provider = label), text!("turn.go_on")),
        Why::Unknown => (text!("turn.cut", provider = label, word = word), text!("turn.go_on")),
    };
    let advice = match (why, empty) {
        (Why::Length, true) if !word.contains("context") => text!("turn.length_empty_advice"),
        (Why::Length, true) => advice,
        (Why::Filter, true) => text!("turn.filtered_empty_advice"),
        (_, true) => text!("turn.ask_again"),
        (_, false) => advice,
    };
    let mut notice = Notice::new(Level::Warning, title.said(locale), advice.said(locale));
    notice.details = said
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    notice
}

/// A server refused parameters, and was asked without.
fn of_left_out(fields: &[String], provider: &Provider, model: &str, locale: Locale) -> Notice {
    let title = text!(
        "left_out.title",
        provider = &provider.label,
        fields = fields.join(", "),
        model = model,
    );
    let advice = leaving_out(fields, provider);
    Notice::new(Level::Warning, title.said(locale), advice.said(locale))
}

/// How to leave fields of the request out for good.
fn leaving_out(fields: &[String], provider: &Provider) -> Text {
    let name = &provider.name;
    let is_configured = |field: &String| {
        let top = field.split('.').next().unwrap_or(field);
        provider.params.contains_key(top)
    };
    if fields.iter().all(is_configured) {
        return text!("left_out.configured", name = name);
    }
    let nothing: Vec<String> = fields.iter().map(|field| assignment(field)).collect();
    let nothing = nothing.join(", ");
    match fields.iter().find_map(|field| option_of(field)) {
        Some(option) => text!("left_out.by_option", name = name, nothing = nothing, option = option),
        None => text!("left_out.by_params", name = name, nothing = nothing),
    }
}

/// The option that a field of the request's body comes from.
fn option_of(field: &str) -> Option<&'static str> {
    match field.rsplit('.').next().unwrap_or(field) {
        "temperature" => Some("chat.temperature"),
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" | "maxOutputTokens" | "num_predict" => {
            Some("chat.max_tokens")
        }
        _ => None,
    }
}

/// The Lua that sets a field, given as a path with dots, to nothing.
fn assignment(field: &str) -> String {
    match field.split_once('.') {
        Some((outer, inner)) => format!("{outer} = {{ {} }}", assignment(inner)),
        None => format!("{field} = vim.NIL"),
    }
}

/// What is said while a failed request waits to be sent again, with places for the seconds left and the stop key.
pub fn of_retry(error: &ProviderError, provider: &Provider, locale: Locale) -> String {
    let (label, host) = (&provider.label, provider.host());
    let status = error
        .status
        .map(|status| format!(" (HTTP {status})"))
        .unwrap_or_default();
    let what = match error.class {
        ErrorClass::RateLimit | ErrorClass::Overloaded => text!("retry.busy", provider = label, status = status),
        ErrorClass::Network => text!("retry.network", host = host),
        ErrorClass::ProxyRefused => text!("retry.proxy"),
        ErrorClass::Timeout => text!("retry.timeout", host = host),
        _ => text!("retry.failed", provider = label, status = status),
    };
    let told = text!("retry.countdown", what = what, seconds = "{seconds}", key = "{key}");
    fit(&told.said(locale))
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> Text {
    let shown = names.get(..NAMES_SHOWN).unwrap_or(names);
    match names.len() - shown.len() {
        0 => shown.join(", ").into(),
        more => text!("turn.tools_more", names = shown.join(", "), count = more),
    }
}

/// What is to be said about a failed turn.
pub fn of_error(error: &ProviderError, provider: &Provider, model: &str, locale: Locale) -> Notice {
    let (title, advice) = sentences(error, provider, model);
    let advice = match error.attempts {
        0 | 1 => advice,
        times => text!("error.tried", count = u64::from(times), advice = advice),
    };
    let (title, advice) = (title.said(locale), advice.said(locale));
    Notice {
        level: Level::Error,
        details: details(error, locale)
            .into_iter()
            .filter(|line| *line != title)
            .collect(),
        title,
        advice,
    }
}

/// Says of a model that was not found because it has ended, when that was and what comes after it.
pub fn naming_end(
    notice: Notice,
    outcome: &Outcome,
    model: &str,
    facts: &Facts,
    today: &str,
    locale: Locale,
) -> Notice {
    let is_missing = matches!(outcome, Outcome::Failed(error) if error.class == ErrorClass::ModelNotFound);
    let Some(ends) = facts
        .ends
        .as_deref()
        .filter(|ends| is_missing && has_ended(Some(ends), today))
    else {
        return notice;
    };
    Notice {
        title: say!(locale, "model.ended", model = model, day = ends),
        advice: match (&facts.replacement, &facts.nearest) {
            (Some(other), _) => say!(locale, "error.successor", successor = other),
            (None, Some(near)) => say!(locale, "error.nearest", nearest = near),
            (None, None) => say!(locale, "error.choose_model"),
        },
        ..notice
    }
}

/// What happened, and what to do about it.
fn sentences(error: &ProviderError, provider: &Provider, model: &str) -> (Text, Text) {
    let label = provider.label.as_str();
    let host = provider.host();
    match error.class {
        ErrorClass::NoKey => (text!("error.no_key", provider = label), no_key(provider)),
        ErrorClass::KeyUnavailable => (
            text!("error.key_unavailable", provider = label),
            text!("error.key_unavailable_advice"),
        ),
        ErrorClass::WrongKey => (text!("error.wrong_key", provider = label), new_key(provider)),
        ErrorClass::Forbidden => (
            text!("error.forbidden", provider = label),
            match provider.keys_page {
                Some(page) => text!("error.forbidden_page", page = page),
                None => text!("error.forbidden_advice"),
            },
        ),
        ErrorClass::WrongAddress => (
            match &error.asked {
                Some(url) => text!("error.wrong_address", url = url),
                None => text!("error.wrong_address", url = host),
            },
            address::advice(provider),
        ),
        ErrorClass::WrongOrganization => (
            text!("error.wrong_organization", provider = label),
            wrong_organization(provider),
        ),
        ErrorClass::Quota => (text!("error.quota"), billing(provider)),
        ErrorClass::RateLimit if error.is_too_large() => {
            (text!("error.too_large", provider = label), text!("error.shorten"))
        }
        ErrorClass::RateLimit => (
            text!("error.rate_limit", provider = label),
            match error.retry_after {
                Some(wait) => text!("error.wait", time = spoken(wait)),
                None => text!("error.wait_a_little"),
            },
        ),
        ErrorClass::Overloaded => (
            text!("error.overloaded", provider = label),
            text!("error.wait_a_little"),
        ),
        ErrorClass::ModelNotFound => (
            text!("error.model_not_found", provider = label, model = model),
            text!("error.choose_model"),
        ),
        ErrorClass::ContextTooLong => (text!("error.context_too_long", model = model), text!("error.shorten")),
        ErrorClass::ContentFilter => (
            text!("error.content_filter", provider = label),
            text!("error.content_filter_advice"),
        ),
        ErrorClass::Region => (text!("error.region", provider = label), text!("error.region_advice")),
        ErrorClass::RefusedParameter => (
            text!(
                "error.refused_parameter",
                provider = label,
                parameter = error.param.as_deref().map_or(text!("error.a_parameter"), Text::from),
                model = model,
            ),
            text!("error.refused_parameter_advice", name = &provider.name),
        ),
        ErrorClass::BadRequest => (
            text!("error.bad_request", provider = label),
            match gives_reason(error) {
                false => text!("error.bad_request_unsaid"),
                true => text!("error.bad_request_advice"),
            },
        ),
        ErrorClass::Unclear => (
            text!("error.unclear", provider = label),
            match gives_reason(error) {
                false => text!("error.unclear_unsaid"),
                true => text!("error.unclear_advice"),
            },
        ),
        ErrorClass::Server => (text!("error.server", provider = label), text!("error.server_advice")),
        ErrorClass::Network => {
            let advice = match is_here(&host) {
                true => text!("error.network_here"),
                false => text!("error.network_there"),
            };
            (text!("error.network", host = host), advice)
        }
        ErrorClass::Tls => (text!("error.tls", host = &host), certificate(error, &host)),
        ErrorClass::Proxy => (text!("error.proxy", host = host), text!("error.proxy_advice")),
        ErrorClass::ProxyRefused => (text!("error.proxy_refused", host = host), proxy(error)),
        ErrorClass::Timeout => (text!("error.timeout", host = host), text!("error.timeout_advice")),
        ErrorClass::BrokenStream => (text!("error.broken_stream"), text!("view.kept")),
        ErrorClass::Encoded => (text!("error.encoded", host = host), text!("error.encoded_advice")),
        ErrorClass::Configuration => (error.words(), text!("error.configuration_advice")),
    }
}

/// Whether the provider has said why: what we say of it ourselves is no reason.
fn gives_reason(error: &ProviderError) -> bool {
    !error.message.is_empty() && error.own.is_none()
}

/// What the mark above the first message that is sent says.
pub fn of_cut(cut: &Cut, budget: &Budget, model: &str, locale: Locale) -> String {
    let messages = match cut.messages {
        1 => text!("cut.message"),
        count => text!("cut.messages", count = count),
    };
    let tokens = short(budget.calibrated(cut.tokens));
    let why = match (cut.reason, budget.window()) {
        (Reason::Memory(exchanges), _) => format!("chat.memory = {exchanges}").into(),
        (Reason::Window, Some(window)) => text!("cut.window", model = model, size = short(window)),
        (Reason::Window, None) => text!("cut.no_more", model = model),
    };
    say!(locale, "cut.mark", messages = messages, tokens = tokens, why = why)
}

/// What is to be said about a question for which a model has no room.
pub fn of_too_long(refused: TooLong, model: &str, locale: Locale) -> Notice {
    let TooLong { tokens, room } = refused;
    let [over, tokens, room] = [tokens.saturating_sub(room), tokens, room].map(short);
    Notice::new(
        Level::Warning,
        say!(
            locale,
            "refused.too_long",
            over = over,
            model = model,
            tokens = tokens,
            room = room
        ),
        say!(locale, "refused.too_long_advice"),
    )
}

/// What is to be said about a key that its provider did not accept when it was entered.
pub fn of_failed_check(error: &ProviderError, provider: &Provider, locale: Locale) -> Notice {
    let title = match error.class {
        ErrorClass::NoKey | ErrorClass::WrongKey => text!("error.wrong_key", provider = &provider.label),
        _ => sentences(error, provider, "").0,
    };
    Notice {
        level: Level::Warning,
        title: title.said(locale),
        advice: String::new(),
        details: details(error, locale),
    }
}

/// How to give a provider its first key.
fn no_key(provider: &Provider) -> Text {
    let name = &provider.name;
    match &provider.key {
        KeySource::Usual { variables, .. } if !variables.is_empty() => {
            text!("key.set_or_variable", name = name, variable = any_of(variables))
        }
        KeySource::Variable(variable) if variable.is_empty() => no_variable(provider),
        KeySource::Variable(variable) => text!("key.set_variable", variable = variable),
        KeySource::None => text!("key.switched_off", name = name),
        KeySource::Command(_) | KeySource::Usual { .. } => text!("key.set", name = name),
    }
}

/// Names of which any one will do: `A or B`.
pub fn any_of(names: &[String]) -> Text {
    let joined = |first: Text, second: &String| text!("view.or", first = first, second = second);
    match names.split_first() {
        Some((first, others)) => others.iter().fold(first.into(), joined),
        None => "".into(),
    }
}

/// The configuration names a variable by what is no name; it may be the key itself.
pub fn no_variable(provider: &Provider) -> Text {
    text!("key.no_variable", name = &provider.name)
}

/// How to give a provider another key.
fn new_key(provider: &Provider) -> Text {
    let name = &provider.name;
    let correct = match &provider.key {
        KeySource::Variable(variable) => text!("key.correct_variable", variable = variable),
        KeySource::Command(_) => text!("key.correct_command"),
        KeySource::Usual { variables, .. } => match variables.iter().find(|name| std::env::var_os(name).is_some()) {
            Some(variable) => text!("key.came_from", variable = variable),
            None => text!("key.set_another", name = name),
        },
        KeySource::None => text!("key.set_another", name = name),
    };
    match provider.keys_page {
        Some(page) => text!("key.and_page", correct = correct, page = page),
        None => correct,
    }
}

fn wrong_organization(provider: &Provider) -> Text {
    let name = &provider.name;
    match provider.has_organizations {
        true => text!("key.organization", name = name),
        false => text!("key.organization_configured", name = name),
    }
}

/// The keyring takes so long that it must be waiting for a person.
pub fn keyring_waits(locale: Locale) -> Notice {
    Notice::new(
        Level::Info,
        say!(locale, "keyring.waits"),
        say!(locale, "keyring.waits_advice"),
    )
}

/// Whether a host, perhaps with a port, is this machine.
fn is_here(host: &str) -> bool {
    ["localhost", "127.", "[::1]"].iter().any(|here| host.starts_with(here))
}

/// What to do about a certificate: one that does not name its host, or is of an old form, is to be made anew.
fn certificate(error: &ProviderError, host: &str) -> Text {
    let is_to_be_made = [
        "not valid for name",
        "not valid for any names",
        "UnsupportedCertVersion",
    ]
    .iter()
    .any(|words| error.message.contains(words));
    if !is_to_be_made {
        return text!("error.tls_advice");
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_matches(['[', ']']);
    let kind = match bare.parse::<std::net::IpAddr>() {
        Ok(_) => "IP",
        Err(_) => "DNS",
    };
    text!("error.tls_name", name = format!("subjectAltName={kind}:{bare}"))
}

/// What to do about a proxy.
fn proxy(error: &ProviderError) -> Text {
    match error.status {
        Some(407) => text!("error.proxy_login"),
        _ => text!("error.proxy_check"),
    }
}

/// Where to look about money.
fn billing(provider: &Provider) -> Text {
    match provider.billing_page {
        Some(page) => text!("error.billing", page = page),
        None => text!("error.billing_somewhere", provider = &provider.label),
    }
}

/// A wait as people say it: `19 seconds`, `2 minutes`.
fn spoken(wait: Duration) -> Text {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    match seconds {
        0 | 1 => text!("time.second"),
        2..=119 => text!("time.seconds", count = seconds),
        _ => text!("time.minutes", count = seconds.div_ceil(60)),
    }
}

/// The provider's own words, then a line with status, code and request id.
fn details(error: &ProviderError, locale: Locale) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if error.class != ErrorClass::Configuration {
        lines.extend(
            error
                .words()
                .said(locale)
                .lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty())
                .map(str::to_owned),
        );
    }
    let facts: Vec<String> = [
        error.status.map(|status| format!("HTTP {status}")),
        error.code.clone(),
        error
            .request_id
            .as_ref()
            .map(|id| say!(locale, "error.request_id", id = id)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !facts.is_empty() {
        lines.push(facts.join(" · "));
    }
    lines
}

/// What is wrong with the history. Chats go on without it.
pub fn of_history(error: &HistoryError, file: &Path, locale: Locale) -> Notice {
    let place = file.display().to_string();
    let folder = file.parent().unwrap_or(file).display().to_string();
    let (title, advice) = match error {
        HistoryError::Corrupt {
            set_aside: Some(aside), ..
        } => {
            let place = aside.file.display().to_string();
            let advice = match aside.chats {
                0 => text!("history.corrupt_advice", file = place),
                chats => text!("history.rescued_advice", count = chats, file = place),
            };
            return Notice::new(Level::Warning, say!(locale, "history.corrupt"), advice.said(locale));
        }
        HistoryError::Corrupt { .. } => (text!("history.damaged"), text!("history.move_away", file = place)),
        HistoryError::Newer { .. } => (text!("history.newer"), text!("history.newer_advice", file = place)),
        HistoryError::ReadOnly { .. } => (
            text!("history.read_only"),
            text!("history.read_only_advice", folder = folder),
        ),
        HistoryError::Full => (text!("history.full"), text!("history.full_advice", folder = folder)),
        HistoryError::Locked => (text!("history.locked"), text!("history.locked_advice", file = place)),
        _ => (text!("history.unreachable"), text!("history.look_at", file = place)),
    };
    let mut notice = Notice::new(
        Level::Warning,
        title.said(locale),
        say!(locale, "history.in_memory", advice = advice),
    );
    notice.details.push(error.to_string());
    notice
}

/// A chat was asked for by name, and nothing is kept.
pub fn not_kept(chat: &ChatId, private: bool, locale: Locale) -> Notice {
    let (title, advice) = match private {
        true => (text!("history.private"), text!("history.private_advice")),
        false => (
            text!("history.cannot_bring", chat = &chat.0),
            text!("history.off_advice"),
        ),
    };
    Notice::new(Level::Info, title.said(locale), advice.said(locale))
}

/// A chat was asked for by name, and the history has none.
pub fn no_chat(chat: &ChatId, locale: Locale) -> Notice {
    Notice::new(
        Level::Warning,
        say!(locale, "history.no_chat", chat = &chat.0),
        say!(locale, "history.no_chat_advice"),
    )
}

/// Another process has the chat open.
pub fn held(pid: u32, locale: Locale) -> Notice {
    Notice::new(
        Level::Info,
        say!(locale, "history.held", pid = u64::from(pid)),
        say!(locale, "history.held_advice"),
    )
}

/// Another process has written into the chat, and closed it again.
pub fn grown(locale: Locale) -> Notice {
    Notice::new(
        Level::Info,
        say!(locale, "history.grown"),
        say!(locale, "history.grown_advice"),
    )
}

/// What is to be said about the last answer of a chat out of the history.
pub fn of_state(state: State, notices: &[Record], locale: Locale) -> Option<Notice> {
    if state == State::Interrupted {
        let title = say!(locale, "history.interrupted");
        return Some(Notice::new(
            Level::Warning,
            title,
            say!(locale, "history.interrupted_advice"),
        ));
    }
    notices.first().and_then(Notice::of_record)
}

/// A question was stopped before it was asked.
pub fn of_taken_back(locale: Locale) -> Notice {
    let (title, advice) = (say!(locale, "turn.taken_back"), say!(locale, "turn.taken_back_advice"));
    Notice::new(Level::Info, title, advice)
}

/// What the editor told us is not what we understand: a configuration that its check let through, or a plugin that is
/// newer than its program.
pub fn of_unreadable(event: Option<&str>, expected: Option<String>, locale: Locale) -> Notice {
    let (level, title, advice) = match event {
        Some("started") => (
            Level::Warning,
            text!("unreadable.configuration"),
            text!("view.health.see_configuration"),
        ),
        _ => (
            Level::Error,
            text!("unreadable.event"),
            text!("unreadable.event_advice"),
        ),
    };
    let mut notice = Notice::new(level, title.said(locale), advice.said(locale));
    let expected = expected.map(|expected| say!(locale, "unreadable.expected", expected = expected));
    notice.details = event.map(str::to_owned).into_iter().chain(expected).collect();
    notice
}

/// Why an event changed nothing, as a message.
pub fn of_refusal(refusal: Refusal, locale: Locale) -> Notice {
    let (title, advice) = match refusal {
        Refusal::EmptyPrompt => (text!("refused.empty"), text!("refused.empty_advice")),
        Refusal::Answering => (text!("view.answering"), text!("refused.answering_advice")),
        Refusal::NothingToStop => (text!("view.not_answering"), "".into()),
        Refusal::NoBranches => (text!("refused.no_branches"), text!("refused.no_branches_advice")),
        Refusal::NothingToRegenerate => (text!("refused.nothing_asked"), text!("refused.nothing_asked_advice")),
    };
    Notice::new(Level::Info, title.said(locale), advice.said(locale))
}

mod address;

#[cfg(test)]
mod failures;

#[cfg(test)]
mod shapes;

#[cfg(test)]
mod tests;
