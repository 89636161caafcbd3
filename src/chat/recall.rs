//! A chat out of the history: what was said in it earlier, and what others say in it now.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::chat::conversation::Conversation;
use crate::chat::journal::{self, Known};
use crate::chat::{Message, MessageId, Role};
use crate::editor::ShownFacts;
use crate::history::{self, Chat, History, HistoryError, Holder, State, blocks};
use crate::transcript::Block;

/// How often at most a chat that is open elsewhere is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// A chat as it was found.
#[derive(Debug, Default)]
pub struct Recalled {
    /// The chat; `None`: the history has none of that name.
    pub chat: Option<Chat>,
    /// The other processes that have it open.
    pub holders: Vec<Holder>,
}

/// Looks a chat up, and notes that it is open here.
///
/// # Errors
/// By what is wrong with the file.
pub async fn recall(history: &History, id: &str) -> history::Result<Recalled> {
    // A new chat has nothing to wait for.
    if history.newest(id).await?.is_none() {
        return Ok(Recalled::default());
    }
    // First, since it marks what was left broken off.
    let holders = match history.claim(id).await {
        Err(HistoryError::NoChat(_)) => return Ok(Recalled::default()),
        holders => holders?,
    };
    let chat = match history.load(id, 0).await {
        Err(HistoryError::NoChat(_)) => None,
        chat => Some(chat?),
    };
    Ok(Recalled { chat, holders })
}

/// Fills a conversation with a chat. An answer without a word that nothing follows is left out, unless it is the last
/// one that is shown: its question stands there unanswered otherwise.
pub fn fill(conversation: &mut Conversation, known: &Known, chat: &Chat) {
    let mut messages = Vec::new();
    let followed: HashSet<u64> = chat.messages.iter().filter_map(|message| message.parent).collect();
    for message in &chat.messages {
        let text = message.text();
        known.note(MessageId(message.id), message.id, message.parent, &text);
        let is_silent = message.parts.is_empty() && chat.head != Some(message.id) && !followed.contains(&message.id);
        if !is_silent && message.role != Role::System {
            messages.push((of_record(message), message.parent.map(MessageId)));
        }
    }
    conversation.recall(messages, chat.head.map(MessageId));
}

/// Takes in what others have said since. Returns the messages that are shown now, and what was added to those that were
/// shown before.
pub fn take_in(
    conversation: &mut Conversation,
    known: &Known,
    chat: &Chat,
) -> (Vec<Message>, Vec<(MessageId, String)>) {
    let (mut shown, mut longer) = (Vec::new(), Vec::new());
    for message in &chat.messages {
        let text = message.text();
        if let Some(here) = known.here(message.id) {
            if let Some(more) = conversation.lengthen(here, &text) {
                known.note(here, message.id, message.parent, &text);
                longer.push((here, more));
            }
            continue;
        }
        let parent = message.parent.and_then(|parent| known.here(parent));
        let mut grafted = of_record(message);
        let (here, is_shown) = conversation.graft(grafted.clone(), parent);
        known.note(here, message.id, message.parent, &text);
        grafted.id = here;
        if is_shown {
            shown.push(grafted);
        }
    }
    (shown, longer)
}

/// What is known of a chat's answers, by their numbers here.
pub fn facts(chat: &Chat, here: impl Fn(u64) -> Option<MessageId>) -> HashMap<MessageId, ShownFacts> {
    let answers = chat.messages.iter().filter(|message| message.role == Role::Assistant);
    answers
        .filter_map(|message| Some((here(message.id)?, facts_of(message))))
        .collect()
}

fn facts_of(message: &history::Message) -> ShownFacts {
    ShownFacts {
        at: message.created.div_euclid(1000),
        usage: message.usage.map(|spent| spent.usage),
        cost: message.usage.and_then(|spent| spent.cost),
        cut: message.state == State::Cut,
    }
}

fn of_record(record: &history::Message) -> Message {
    let role = match record.role {
        Role::Assistant => Role::Assistant,
        Role::User | Role::System => Role::User,
    };
    let is_refusal = record.state == State::Whole && record.finish.as_deref() == Some(journal::REFUSAL);
    let mut recalled = Message::new(MessageId(record.id), role, String::new());
    for block in record.parts.iter().filter_map(blocks::to_block) {
        recalled.push(match block {
            Block::Text(text) if is_refusal => Block::Refusal(text),
            block => block,
        });
    }
    recalled.broken_off = (record.state == State::Interrupted).then(|| recalled.text().into_owned());
    // As a buffer shows it, so that it does not matter which of the two it is read from.
    recalled.trim();
    if let (Some(provider), Some(model)) = (&record.provider, &record.model) {
        recalled.label = format!("{provider}/{model}");
    }
    // Of one that was cut it is the provider's word.
    recalled.cut = record.finish.clone().filter(|_| record.state == State::Cut);
    recalled
}

/// The answer that is shown last, if somebody writes it at this moment.
pub fn growing(chat: &Chat) -> Option<u64> {
    chat.head.filter(|head| {
        chat.message(*head)
            .is_some_and(|message| message.state == State::Streaming)
    })
}

/// How the answer stands that is shown last.
pub fn last_state(chat: &Chat) -> Option<(State, &[history::Notice])> {
    let last = chat.message(chat.head?)?;
    Some((last.state, &last.notices))
}

/// Sends the chat whenever somebody has written into the history. Ends with the receiver.
pub async fn follow(history: History, id: String, changes: mpsc::Sender<Chat>) {
    let mut changed = history.changes();
    loop {
        // An answer whose process has died meanwhile is marked by this.
        let claimed = history.claim(&id).await;
        if claimed.is_err() {
            return;
        }
        if let Ok(chat) = history.load(&id, 0).await
            && changes.send(chat).await.is_err()
        {
            return;
        }
        tokio::select! {
            () = changes.closed() => return,
            changed = changed.changed() => if changed.is_err() { return },
        }
        sleep(LOOK_EVERY).await;
    }
}
