//! Writes the notice about how an answer ended: stopped, cut by its provider, empty, or with calls of tools.

use super::{Level, Notice, left_out, provider_error};
use crate::bounded::size;
use crate::chat::conversation::Outcome;
use crate::provider::registry::Provider;
use crate::provider::{Cut, Why};
use crate::words::{Locale, Text, say, text};

/// How much of an answer falls away without a word when it is stopped, in bytes: some lines.
const TOLD_FROM: u64 = 1000;
/// How many tools are named.
const NAMES_SHOWN: usize = 5;

/// What is to be said about the end of a turn, if anything; `refused` are the fields that the server refused, and was
/// asked without.
pub fn of_outcome(
    outcome: &Outcome,
    refused: &[String],
    provider: &Provider,
    model: &str,
    locale: Locale,
) -> Option<Notice> {
    let ended = of_end(outcome, provider, model, locale);
    if refused.is_empty() {
        return ended;
    }
    let remark = left_out::of_left_out(refused, provider, model, locale);
    let Some(mut notice) = ended else { return Some(remark) };
    notice.details.extend([remark.title, remark.advice]);
    Some(notice)
}

fn of_end(outcome: &Outcome, provider: &Provider, model: &str, locale: Locale) -> Option<Notice> {
    match outcome {
        Outcome::Stopped { fallen } => Some(of_stopped(*fallen, locale)),
        Outcome::Cut { cut, empty } => Some(of_cut_answer(cut.as_ref(), *empty, provider, locale)),
        Outcome::Failed(error) => Some(provider_error::of_error(error, provider, model, locale)),
        Outcome::Done { tools, empty } => of_done(tools, *empty, locale),
    }
}

/// The user stopped the answer; so much of it was not on the screen yet, in bytes.
fn of_stopped(fallen: usize, locale: Locale) -> Notice {
    let title = match u64::try_from(fallen).unwrap_or(u64::MAX) {
        ..TOLD_FROM => text!("turn.stopped"),
        fallen => text!("turn.stopped_painting", size = size(fallen)),
    };
    Notice::new(Level::Info, title.said(locale), "")
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
fn of_cut_answer(cut: Option<&Cut>, empty: bool, provider: &Provider, locale: Locale) -> Notice {
    let label = &provider.label;
    let Some(Cut { why, word, said }) = cut else {
        let (title, advice) = match empty {
            true => (text!("turn.nothing", provider = label), text!("turn.ask_again")),
            false => (text!("turn.incomplete", provider = label), text!("view.kept")),
        };
        return Notice::new(Level::Error, title.said(locale), advice.said(locale));
    };
    let (title, advice) = match why {
        // The window is full: to go on, or a larger answer, would make it worse.
        Why::Length if word.contains("context") => (text!("turn.length", word = word), text!("error.shorten")),
        Why::Length => (text!("turn.length", word = word), text!("turn.length_advice")),
        Why::Filter => (
            text!("turn.filtered", provider = label, word = word),
            text!("turn.filtered_advice"),
        ),
        Why::TooLong => (text!("turn.too_long"), text!("turn.too_long_advice")),
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

/// The first names, and how many more there are.
pub(super) fn listed(names: &[String]) -> Text {
    let shown = names.get(..NAMES_SHOWN).unwrap_or(names);
    match names.len() - shown.len() {
        0 => shown.join(", ").into(),
        more => text!("turn.tools_more", names = shown.join(", "), count = more),
    }
}

/// A question was stopped before it was asked.
pub fn of_taken_back(locale: Locale) -> Notice {
    let (title, advice) = (say!(locale, "turn.taken_back"), say!(locale, "turn.taken_back_advice"));
    Notice::new(Level::Info, title, advice)
}
