//! Writes what is said where messages, or a question, do not fit into a model's window.

use super::{Level, Notice};
use crate::chat::budget::{Budget, TooLong};
use crate::chat::prompt::{Cut, Reason};
use crate::numbers;
use crate::words::{Locale, say, text};

/// What the mark above the first message that is sent says.
pub fn of_cut(cut: &Cut, budget: &Budget, model: &str, locale: Locale) -> String {
    let messages = match cut.messages {
        1 => text!("cut.message"),
        count => text!("cut.messages", count = count),
    };
    let tokens = numbers::tokens(budget.calibrated(cut.tokens));
    let why = match (cut.reason, budget.window()) {
        (Reason::Memory(exchanges), _) => format!("chat.memory = {exchanges}").into(),
        (Reason::Window, Some(window)) => text!("cut.window", model = model, size = numbers::tokens(window)),
        (Reason::Window, None) => text!("cut.no_more", model = model),
    };
    say!(locale, "cut.mark", messages = messages, tokens = tokens, why = why)
}

/// What is to be said about a question for which a model has no room.
pub fn of_too_long(refused: TooLong, model: &str, locale: Locale) -> Notice {
    let TooLong { tokens, room } = refused;
    let [over, tokens, room] = [tokens.saturating_sub(room), tokens, room].map(numbers::tokens);
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
