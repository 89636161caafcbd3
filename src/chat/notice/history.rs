//! Writes the notices about the history: what is wrong with it, and what it has of a chat.

use std::path::Path;

use super::{Level, Notice};
use crate::chat::ChatId;
use crate::history::{HistoryError, Notice as Record, State};
use crate::keys::Redactor;
use crate::words::{Locale, say, text};

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
