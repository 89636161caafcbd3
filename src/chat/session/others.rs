//! Other processes in the same chat: who has it open, and what they have written into it.

use tokio::sync::mpsc;

use super::{Kept, Running, Task};
use crate::chat::journal::Known;
use crate::chat::notice::{self, Notice};
use crate::chat::painter::{self, Stroke};
use crate::chat::recall;
use crate::editor::ShownBranch;
use crate::history::{Chat, History, Holder};

/// What a look at the history has shown.
#[derive(Debug)]
pub(super) struct Looked {
    /// The other processes that have the chat open.
    holders: Vec<Holder>,
    /// The chat, if it has messages that are not known here.
    chat: Option<Chat>,
}

/// Looks who else has a chat open, and whether somebody has written into it.
async fn look(history: History, id: String, known: Known, looked: mpsc::Sender<Looked>) {
    let Ok(holders) = history.claim(&id).await else { return };
    let newest = history.newest(&id).await.ok().flatten();
    let chat = match newest.is_some_and(|newest| newest > known.highest()) {
        true => history.load(&id, 0).await.ok(),
        false => None,
    };
    looked.send(Looked { holders, chat }).await.ok();
}

impl Task {
    /// Looks beside what others do in this chat, unless that is known at once anyway, or there is nothing of it yet.
    pub(super) fn look(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        let is_looking = kept.looking.as_ref().is_some_and(|looking| !looking.0.is_finished());
        if kept.following.is_none() && !is_looking && kept.known.count() > 0 {
            let (history, known) = (kept.history.clone(), kept.known.clone());
            let looking = look(history, self.chat.0.clone(), known, kept.looked.0.clone());
            kept.looking = Some(Running(tokio::spawn(looking)));
        }
    }

    /// Tells who else has this chat open, and from then on shows what they write; else shows what they have written.
    pub(super) fn take_look(&mut self, looked: &Looked) {
        let locale = self.settings.borrow().locale;
        if let (Some(holder), Some(kept)) = (looked.holders.first(), &mut self.kept) {
            kept.follow(&self.chat.0);
            self.inform(notice::held(holder.pid, locale));
        }
        let has_grown = looked.chat.as_ref().is_some_and(|chat| self.take_in(chat));
        if has_grown && looked.holders.is_empty() {
            self.inform(notice::grown(locale));
        }
    }

    /// Shows what another process has written into this chat. While an answer is written here it waits; the end of that
    /// is a change too. Whether there was something.
    pub(super) fn take_in(&mut self, chat: &Chat) -> bool {
        let is_answering = self.conversation.is_answering();
        let Some(kept) = self
            .kept
            .as_ref()
            .filter(|kept| !is_answering && !kept.known.is_saving())
        else {
            return false;
        };
        let before = kept.known.count();
        let (messages, longer) = recall::take_in(&mut self.conversation, &kept.known, chat);
        let known = kept.known.clone();
        let has_grown = known.count() != before || !longer.is_empty();
        let ended = self.end_seen(chat);
        if !has_grown && ended.is_none() {
            return false;
        }
        self.facts.extend(recall::facts(chat, |id| known.here(id)));
        self.canvas.add(Stroke::Branch(ShownBranch {
            longer: longer
                .into_iter()
                .map(|(id, more)| (id, painter::lines(&more)))
                .collect(),
            others: true,
            notice: ended,
            ..self.branch(self.unchanged(), messages)
        }));
        has_grown
    }

    /// What there is to say about the answer that was seen to grow, once it has ended and is still shown last.
    fn end_seen(&mut self, chat: &Chat) -> Option<Notice> {
        let locale = self.settings.borrow().locale;
        let last = self.conversation.messages().last().map(|message| message.id);
        let kept = self.kept.as_mut()?;
        let was_growing = std::mem::replace(&mut kept.growing, recall::growing(chat));
        let is_shown = |head: &u64| last.is_some() && kept.known.here(*head) == last;
        chat.head.filter(|head| was_growing == Some(*head)).filter(is_shown)?;
        recall::last_state(chat).and_then(|(state, notices)| notice::of_state(state, notices, locale))
    }
}

impl Kept {
    /// Learns from now on what others write into the chat.
    pub(super) fn follow(&mut self, chat: &str) {
        let following = recall::follow(self.history.clone(), chat.to_owned(), self.changes.0.clone());
        self.following = Some(Running(tokio::spawn(following)));
    }
}

/// What another process has written into the chat, where it is followed; else what a look has shown.
pub(super) enum News {
    Changed(Chat),
    Looked(Looked),
}

/// The next news of others; waits for ever in a chat that is not kept.
pub(super) async fn next_news(kept: &mut Option<Kept>) -> News {
    let Some(kept) = kept else {
        return std::future::pending().await;
    };
    // Neither channel ends: we hold its other side too.
    tokio::select! {
        Some(chat) = kept.changes.1.recv() => News::Changed(chat),
        Some(looked) = kept.looked.1.recv() => News::Looked(looked),
        else => std::future::pending().await,
    }
}
