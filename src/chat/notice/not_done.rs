//! Writes why something that was wanted is not done: a key that does nothing now, an event that cannot be read.

use super::{Level, Notice};
use crate::chat::conversation::Refusal;
use crate::words::{Locale, say, text};

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
